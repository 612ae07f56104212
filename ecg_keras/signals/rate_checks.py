"""Whether a sampling rate can be true: what hearts do in a minute, and how steep a QRS is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecg_keras.records import Signal
from ecg_keras.signals.beats import TimedBeats, find_beats, mean_beat, steep_width
from ecg_keras.signals.repair import LEAST_RECORDS, Fault, Repair, figure

# medians over whole databases of adults: 58 to 110 beats a minute, 38 to 52 ms
_TYPICAL_BEATS, _TYPICAL_STEEP_MS = 72.0, 43.0
# both have to say that the rate is wrong by at least this factor, and together by the second one
_EACH, _TOGETHER = 1.35, 1.7
# what repairs the usual mistakes, and how near to one the estimate has to be
_USUAL = (2.0, 5.0, 10.0, 0.5, 0.2, 0.1)
_NEAR = 1.25


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
    usual = next((one for one in _USUAL if 1 / _NEAR < one / factor < _NEAR), None)
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
    """What a rate has to be multiplied by to make hearts usual; 1 where it can be right.

    Hearts that race have QRS complexes as wide as others, or wider. If they seem to beat too fast
    and each beat is too short by the same factor, then their clock is wrong."""
    fast, short = beats / _TYPICAL_BEATS, _TYPICAL_STEEP_MS / steep_ms
    both = float(np.sqrt(fast * short))
    is_fast = min(fast, short) > _EACH and both > _TOGETHER
    is_slow = max(fast, short) < 1 / _EACH and both < 1 / _TOGETHER
    return 1 / both if is_fast or is_slow else 1.0
