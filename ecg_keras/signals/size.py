"""How large ECGs are: units, gains, and leads that were scaled one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.signals.leads import LEADS
from ecg_keras.signals.limb_leads import CONSISTENT, LIMB
from ecg_keras.signals.quality import IDENTITIES

Floats = npt.NDArray[np.float64]

# medians over whole databases lie from 0.8 to 1.4 mV and from 1.4 to 2.0 mV
TYPICAL_LIMB_MV, TYPICAL_CHEST_MV = 0.95, 1.65
# single leads, in the order of `leads.LEADS`
_TYPICAL_LEAD_MV = dict(
    zip(LEADS, (*[TYPICAL_LIMB_MV] * 6, 1.15, 1.9, 1.9, 1.9, 1.65, 1.3), strict=True)
)
# a database whose ECGs are this much larger or smaller than usual has a wrong unit or gain
OUTSIDE = 4.0
# hearts differ more in single leads: medians of five recordings lie from 0.3 to 2.7 times the usual
_LEAD_OUTSIDE, _LEAST_TO_TELL_LEADS = 5.0, 5
# a power of ten is the reason if it brings them this near to the usual: not where 200 steps a
# millivolt would be taken for 100
_NEAR = 1.5

# what no two hearts have in common, and a normalisation gives to all recordings
_NORMALISATIONS: dict[str, Callable[[Floats], Floats]] = {
    "each lead of each recording has the same standard deviation": lambda one: one.std(axis=0),
    "each lead of each recording has the same largest and smallest value": (
        lambda one: np.concatenate([one.max(axis=0), one.min(axis=0)])
    ),
    "each lead of each recording has the same span": lambda one: np.ptp(one, axis=0),
    "each recording has the same standard deviation": lambda one: np.array([one.std()]),
    "each recording has the same largest value": lambda one: np.array([np.abs(one).max()]),
}


def measure_spans(values: npt.NDArray[Any]) -> Floats:
    """The usual peak-to-peak size of each lead: the median over fifths of a recording.

    Args:
        values: ``(num_samples, num_leads)``, at least five samples.

    Returns:
        ``(num_leads,)``, in the unit of the samples.

    Example:
        >>> measure_spans(np.tile([[0.0], [1.0]], (50, 12))).tolist() == [1.0] * 12
        True
    """
    # in a fifth of ten seconds there is a beat at any heart rate
    length = len(values) // 5
    spans = np.ptp(values[: 5 * length].reshape(5, length, -1), axis=1)
    return np.asarray(np.median(spans.astype(np.float64), axis=0))


def measure_size(spans: Floats, leads: Sequence[str]) -> float:
    """How many times larger than usual an ECG is.

    Args:
        spans: `measure_spans` of it, in what should be millivolts.
        leads: names of the leads.

    Returns:
        The geometric mean over limb and chest leads of their usual peak-to-peak size divided by
        the typical one.

    Example:
        >>> round(measure_size(np.full(12, 2.0), LEADS), 1)
        1.6
    """
    limb = np.isin(leads, LIMB)
    ratios = [
        np.median(spans[columns]) / typical
        for columns, typical in ((limb, TYPICAL_LIMB_MV), (~limb, TYPICAL_CHEST_MV))
        if columns.any()
    ]
    return float(np.exp(np.mean(np.log(np.maximum(ratios, 1e-12)))))


def find_lead_sizes(spans: Floats, leads: Sequence[str]) -> dict[str, float]:
    """The leads that are far larger or smaller beside the limb leads than they usually are.

    The limb leads themselves are compared by the identities, so nothing is said of them.

    Args:
        spans: ``(num_recordings, num_leads)``, `measure_spans` of each, all above 0.
        leads: names of the leads, with all six limb leads.

    Returns:
        How many times larger, by lead; of fewer than five recordings nothing.

    Example:
        >>> spans = np.tile([1.0] * 6 + [2.0, 2.0, 20.0, 2.0, 2.0, 2.0], (5, 1))
        >>> {lead: round(size) for lead, size in find_lead_sizes(spans, LEADS).items()}
        {'V3': 10}
    """
    if len(spans) < _LEAST_TO_TELL_LEADS:
        return {}
    ratios = spans / [_TYPICAL_LEAD_MV[lead] for lead in leads]
    beside = ratios / np.median(ratios[:, np.isin(leads, LIMB)], axis=1, keepdims=True)
    sizes = dict(zip(leads, np.median(beside, axis=0).tolist(), strict=True))
    return {
        lead: size
        for lead, size in sizes.items()
        if lead not in LIMB and not 1 / _LEAD_OUTSIDE < size < _LEAD_OUTSIDE
    }


def power_of_ten(size: float) -> float | None:
    """The factor that explains a size: a power of ten, or none that is near enough.

    Example:
        >>> power_of_ten(1300.0), power_of_ten(0.0009), power_of_ten(4.5)
        (0.001, 1000.0, None)
    """
    exponent = round(np.log10(size))
    factor = float(10.0**-exponent)
    return factor if 1 / _NEAR < size * factor < _NEAR else None


def find_normalisation(recordings: Sequence[npt.NDArray[Any]]) -> str | None:
    """Whether something that differs from heart to heart is the same in all recordings.

    Args:
        recordings: whole recordings, each ``(num_samples, num_leads)``; at least three.

    Returns:
        What was made equal, in words.

    Example:
        >>> noise = np.random.default_rng(0).normal(size=(3, 1000, 12))
        >>> find_normalisation([one / one.std() for one in noise])
        'each recording has the same standard deviation'
    """
    for words, measure in _NORMALISATIONS.items():
        # most often the first three tell that it is none
        if _is_same(measure, recordings[:3]) and _is_same(measure, recordings):
            return words
    return None


def _is_same(measure: Callable[[Floats], Floats], recordings: Sequence[npt.NDArray[Any]]) -> bool:
    figures = np.stack([np.ravel(measure(one.astype(np.float64))) for one in recordings])
    middle = np.median(figures, axis=0)
    return bool(np.all(np.abs(figures - middle) <= 0.002 * np.abs(middle) + 1e-12))


def lead_gains(values: npt.NDArray[Any]) -> Floats | None:
    """The gain of each limb lead where each has one of its own.

    Six limb leads lie in one plane whatever their gains are, so leads I and II explain the other
    four, but with other weights than Einthoven's and Goldberger's: those tell the gains.

    Args:
        values: ``(num_samples, 6)``, in the order of `LIMB`.

    Returns:
        ``(6,)``, their median 1, or ``None`` where no gains make the identities hold.

    Example:
        >>> one, two = np.sin(np.arange(100.0)), np.cos(np.arange(100.0))
        >>> leads = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
        >>> gains = lead_gains(np.stack(leads, axis=1) * [1, 1, 1, 1, 2, 1])
        >>> [round(gain, 6) for gain in gains.tolist()]
        [1.0, 1.0, 1.0, 1.0, 2.0, 1.0]
    """
    centred = values - np.mean(values, axis=0, dtype=np.float64)
    pair = centred[:, :2]
    weights, *_ = np.linalg.lstsq(pair, centred[:, 2:], rcond=None)
    left = np.square(centred[:, 2:] - pair @ weights).sum(axis=0)
    if np.any(left > CONSISTENT * np.square(centred[:, 2:]).sum(axis=0)):
        return None
    # gain of II divided by that of I, of which each lead gives an estimate; then of the others
    wanted = np.array(list(IDENTITIES.values())).T
    if np.any(weights == 0):
        return None
    ratios = (wanted[1] / wanted[0]) * (weights[0] / weights[1])
    if np.any(ratios <= 0) or ratios.max() > 1.05 * ratios.min():
        return None
    gains = np.concatenate([[1.0, np.median(ratios)], weights[0] / wanted[0]])
    return np.asarray(gains / np.median(gains)) if np.all(gains > 0) else None
