"""Whether units, gains and the sampling rate can be true: how large ECGs are, how fast hearts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ecg_keras.array_types import AnyArray, Float64Array
from ecg_keras.records import Signal
from ecg_keras.signals.beats import TimedBeats, find_beats, mean_beat, steep_width
from ecg_keras.signals.leads import LEADS, LIMB
from ecg_keras.signals.repair import LEAST_RECORDS, Fault, Repair, figure

# medians over whole databases are from 0.8 to 1.4 mV and from 1.4 to 2.0 mV
_TYPICAL_LIMB_MV, _TYPICAL_CHEST_MV = 0.95, 1.65
_TYPICAL_LEAD_MV = dict(
    zip(LEADS, (*[_TYPICAL_LIMB_MV] * 6, 1.15, 1.9, 1.9, 1.9, 1.65, 1.3), strict=True)
)
# a database whose ECGs are this much larger or smaller than usual has a wrong unit or gain
_OUTSIDE = 4.0
# hearts differ more in single leads: medians of five recordings are from 0.3 to 2.7 times the usual
_LEAD_OUTSIDE, _LEAST_FOR_LEADS = 5.0, 5
# a power of ten is the reason if it brings them this near to the usual: not where 200 steps a
# millivolt would be taken for 100
_NEAR = 1.5

# medians over whole databases of adults: 58 to 110 beats a minute, 38 to 52 ms
_TYPICAL_BEATS, _TYPICAL_STEEP_MS = 72.0, 43.0
# both have to say that the rate is wrong by at least this factor, and together by the second one
_EACH, _TOGETHER = 1.35, 1.7
# what repairs the usual mistakes, and how near to one the estimate has to be
_USUAL_FACTORS = (2.0, 5.0, 10.0, 0.5, 0.2, 0.1)
_NEAR_RATE = 1.25

# what no two hearts have in common, and a normalisation gives to all recordings
_NORMALISATIONS: dict[str, Callable[[Float64Array], Float64Array]] = {
    "each lead of each recording has the same standard deviation": lambda one: one.std(axis=0),
    "each lead of each recording has the same largest and smallest value": (
        lambda one: np.concatenate([one.max(axis=0), one.min(axis=0)])
    ),
    "each lead of each recording has the same span": lambda one: np.ptp(one, axis=0),
    "each recording has the same standard deviation": lambda one: np.array([one.std()]),
    "each recording has the same largest value": lambda one: np.array([np.abs(one).max()]),
}


def measure_spans(values: AnyArray) -> Float64Array:
    """The usual peak-to-peak size of each lead: the median over fifths of a recording."""
    # in a fifth of ten seconds there is a beat at any heart rate
    length = len(values) // 5
    spans = np.ptp(values[: 5 * length].reshape(5, length, -1), axis=1)
    return np.asarray(np.median(spans.astype(np.float64), axis=0))


def find_normalisation(recordings: Sequence[AnyArray]) -> Fault | None:
    """Whether something that differs from heart to heart is the same in all recordings."""
    for words, measure in _NORMALISATIONS.items():
        # most often the first three show that it is not
        if _is_same(measure, recordings[:3]) and _is_same(measure, recordings):
            what = f"the signals are no millivolts: {words}"
            return Fault(what, f"in all of {len(recordings)} recordings", None)
    return None


def find_unit_fault(spans: Float64Array, leads: Sequence[str], near: float = _NEAR) -> Fault | None:
    """Whether recordings with these `measure_spans` are far larger or smaller than usual."""
    size = float(np.median([_measure_size(one, leads) for one in spans]))
    if 1 / _OUTSIDE < size < _OUTSIDE:
        return None
    factor = float(10.0 ** -round(np.log10(size)))
    explained = 1 / near < size * factor < near
    size_of = "peak-to-peak size of its leads"
    if len(spans) > 1:
        size_of = f"median peak-to-peak size of {len(spans)} recordings"
    named = {0.001: "microvolts are taken for millivolts", 1000.0: "volts are taken for millivolts"}
    what = f"the signals are {figure(size)} times as large as ECGs are"
    return Fault(
        named.get(factor, what) if explained else what,
        f"the {size_of} is {figure(size)} times the usual one",
        Repair(factor=factor) if explained else None,
    )


def find_chest_gains(spans: Float64Array, leads: Sequence[str]) -> Fault | None:
    """Chest leads in another unit than the limb leads, or with their own gains.

    The limb leads themselves are compared by the identities."""
    spans = spans[np.all(spans > 0, axis=1)]
    if len(spans) < _LEAST_FOR_LEADS:
        return None
    ratios = spans / [_TYPICAL_LEAD_MV[lead] for lead in leads]
    beside = ratios / np.median(ratios[:, np.isin(leads, LIMB)], axis=1, keepdims=True)
    named = [
        f"{lead} {figure(size)} times"
        for lead, size in zip(leads, np.median(beside, axis=0).tolist(), strict=True)
        if lead not in LIMB and not 1 / _LEAD_OUTSIDE < size < _LEAD_OUTSIDE
    ]
    if not named:
        return None
    return Fault(
        "chest leads are larger or smaller beside the limb leads than they ever are: "
        + ", ".join(named),
        f"medians of {len(spans)} recordings; gains of their own, or another unit, do that",
        None,
    )


def _measure_size(spans: Float64Array, leads: Sequence[str]) -> float:
    """How many times larger than usual an ECG is: the geometric mean over limb and chest leads."""
    limb = np.isin(leads, LIMB)
    ratios = [
        np.median(spans[columns]) / typical
        for columns, typical in ((limb, _TYPICAL_LIMB_MV), (~limb, _TYPICAL_CHEST_MV))
        if columns.any()
    ]
    return float(np.exp(np.mean(np.log(np.maximum(ratios, 1e-12)))))


def _is_same(
    measure: Callable[[Float64Array], Float64Array], recordings: Sequence[AnyArray]
) -> bool:
    figures = np.stack([np.ravel(measure(one.astype(np.float64))) for one in recordings])
    middle = np.median(figures, axis=0)
    return bool(np.all(np.abs(figures - middle) <= 0.002 * np.abs(middle) + 1e-12))


def find_rate_fault(recordings: Sequence[Signal]) -> tuple[Fault | None, list[TimedBeats]]:
    """What is wrong with the rate, and the recordings with a clear rhythm at their true rates."""
    rhythmic = [(one, beats) for one in recordings if (beats := find_beats(one.values)) is not None]
    # where most recordings have no clear rhythm, hearts say nothing
    if len(rhythmic) < max(LEAST_RECORDS, len(recordings) / 2):
        return None, []
    per_minute, steep_ms = [], []
    for one, beats in rhythmic:
        beat = mean_beat(one.values, beats, 8 * beats.width)
        width = float("nan") if beat is None else steep_width(beat, beats.width)
        per_minute.append(60 * one.sampling_rate / beats.period)
        if width > 0:
            steep_ms.append(1000 * width / one.sampling_rate)
    median_beats, median_steep = _median(per_minute), _median(steep_ms)
    factor = estimate_rate_factor(median_beats, median_steep)
    timed = [TimedBeats(one.values, beats, one.sampling_rate * factor) for one, beats in rhythmic]
    if factor == 1:
        return None, timed
    rate = _median([one.sampling_rate for one, _ in rhythmic])
    usual = next(
        (one for one in _USUAL_FACTORS if 1 / _NEAR_RATE < one / factor < _NEAR_RATE), None
    )
    return Fault(
        "the sampling rate is wrong: "
        f"named {rate:g} Hz, about {figure(rate * (usual or factor))} Hz in truth",
        f"at {rate:g} Hz, hearts would beat {median_beats:.0f} times a minute and the steep part "
        f"of a QRS would take {median_steep:.0f} ms (medians of {len(rhythmic)} recordings; usual "
        "are 60 to 110, and 40 to 50 ms)",
        None if usual is None else Repair(rate_factor=usual),
    ), timed


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if values else float("nan")


def estimate_rate_factor(beats: float, steep_ms: float) -> float:
    """What a rate has to be multiplied by to make hearts usual; 1 where it can be right."""
    # Hearts that race have QRS complexes as wide as others, or wider. If they seem to beat too fast
    # and each beat is too short by the same factor, then their clock is wrong
    fast, short = beats / _TYPICAL_BEATS, _TYPICAL_STEEP_MS / steep_ms
    both = float(np.sqrt(fast * short))
    is_fast = min(fast, short) > _EACH and both > _TOGETHER
    is_slow = max(fast, short) < 1 / _EACH and both < 1 / _TOGETHER
    return 1 / both if is_fast or is_slow else 1.0
