"""Whether a sampling rate can be true: what hearts do in a minute, and how steep a QRS is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# medians over whole databases of adults: 58 to 110 beats a minute, 38 to 52 ms
TYPICAL_BEATS, TYPICAL_STEEP_MS = 72.0, 43.0
# both have to say that the rate is wrong by at least this factor, and together by the second one
_EACH, _TOGETHER = 1.35, 1.7
# mistakes that are usual, and how near to one the estimate has to be
USUAL = (2.0, 5.0, 10.0)
_NEAR = 1.25


@dataclass(frozen=True)
class Pace:
    """How fast the hearts of a database seem to beat.

    Attributes:
        beats: per minute, median over the recordings.
        steep_ms: median width of the steep part of the QRS.
        factor: what the sampling rate has to be multiplied by to make them usual.
        usual_factor: the usual mistake that this is; ``None`` where it is none of them.
    """

    beats: float
    steep_ms: float
    factor: float
    usual_factor: float | None


def find_wrong_pace(beats: Sequence[float], steep_ms: Sequence[float]) -> Pace | None:
    """Whether the sampling rate of a database is wrong by a factor of about two or more.

    Hearts that race have QRS complexes as wide as others, or wider. If a database's seem to
    beat too fast and each beat is too short by the same factor, then its clock is wrong.

    Args:
        beats: per minute at the sampling rate that is named, one for each recording.
        steep_ms: `beats.steep_width` in milliseconds at that rate, likewise; NaN where unknown.

    Returns:
        What is wrong, or ``None`` where the rate can be right.

    Example:
        >>> find_wrong_pace([350.0] * 5, [8.5] * 5).usual_factor
        0.2
        >>> find_wrong_pace([150.0] * 5, [60.0] * 5)
    """
    known = [width for width in steep_ms if width > 0]
    if not known:
        return None
    rate, width = float(np.median(beats)), float(np.median(known))
    fast, short = rate / TYPICAL_BEATS, TYPICAL_STEEP_MS / width
    both = float(np.sqrt(fast * short))
    agree = min(fast, short) > _EACH and both > _TOGETHER
    agree |= max(fast, short) < 1 / _EACH and both < 1 / _TOGETHER
    if not agree:
        return None
    size = max(both, 1 / both)
    near = min(USUAL, key=lambda one: abs(np.log(one / size)))
    usual = near if 1 / _NEAR < near / size < _NEAR else None
    if usual is not None and both > 1:
        usual = 1 / usual
    return Pace(rate, width, 1 / both, usual)
