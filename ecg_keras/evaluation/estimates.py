"""`Estimate`: a score with its interval; as text, and in files of strict JSON."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from ecg_keras.array_types import Float64Array
from ecg_keras.json_files import CHECKS, as_name, as_number, as_object, parse_as


@dataclass(frozen=True)
class Estimate:
    """A score on the test records, and its interval over patients.

    Attributes:
        value: the score.
        low, high: ends of the interval; both NaN where patients are too few for one.

    Example:
        >>> Estimate(0.5, 0.4, 0.6).has_interval, Estimate(0.5, math.nan, math.nan).has_interval
        (True, False)
    """

    value: float
    low: float
    high: float

    @property
    def has_interval(self) -> bool:
        """Whether patients were enough for one."""
        return not math.isnan(self.low)


def with_interval(score: Estimate | None, sign: str = "") -> str:
    """A value with its interval, or a dash where it is undefined, or why it has no interval.

    Args:
        score: what to write.
        sign: ``"+"`` also writes the plus of a positive number.

    Example:
        >>> with_interval(Estimate(0.5, 0.41, 0.62))
        '0.500 [0.410, 0.620]'
        >>> with_interval(Estimate(0.5, math.nan, math.nan))
        '0.500 [too few]'
    """
    if score is None:
        return "-"
    if not score.has_interval:
        return f"{score.value:{sign}.3f} [too few]"
    return f"{score.value:{sign}.3f} [{score.low:{sign}.3f}, {score.high:{sign}.3f}]"


def share_interval(
    share: npt.ArrayLike, number: npt.ArrayLike, level: float
) -> tuple[Float64Array, Float64Array]:
    """The interval of the share of some patients (Wilson 1927).

    Args:
        share: observed, in [0, 1].
        number: of patients behind it, above 0.
        level: of the interval.

    Returns:
        Its ends, each of the shape of ``share``.

    Example:
        >>> [round(float(end), 4) for end in share_interval(81 / 263, 263, 0.95)]  # Newcombe 1998
        [0.2553, 0.3662]
    """
    value, behind = np.asarray(share, np.float64), np.asarray(number, np.float64)
    square = float(special.ndtri((1 + level) / 2)) ** 2
    centre = (value + square / (2 * behind)) / (1 + square / behind)
    reach = np.sqrt(square * (value * (1 - value) / behind + square / (4 * behind**2)))
    reach = reach / (1 + square / behind)
    # the share is within, to the last bit
    return np.clip(centre - reach, 0.0, value), np.clip(centre + reach, value, 1.0)


def p_text(value: float | None, equals: str = "") -> str:
    """A p-value to three decimals, or a dash where it is undefined.

    Args:
        value: what to write.
        equals: what to write before it; ``"p = "`` becomes ``"p < "`` where that is true.

    Example:
        >>> p_text(0.0004, "p = "), p_text(0.0312)
        ('p < 0.001', '0.031')
    """
    if value is None or math.isnan(value):
        return "-"
    if value < 0.001:
        return f"{equals.replace('=', '<')}0.001" if equals else "<0.001"
    return f"{equals}{value:.3f}"


def without_nan(content: Any) -> Any:
    """Plain values with ``None`` for NaN, at every depth."""
    if isinstance(content, dict):
        return {key: without_nan(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [without_nan(value) for value in content]
    return None if isinstance(content, float) and math.isnan(content) else content


def number(content: Any) -> float:
    """A number of a file; NaN where there is none."""
    return math.nan if content is None else as_number(content)


def _read_estimate(content: Any) -> Estimate:
    entries = as_object(content)
    return Estimate(*(number(entries.get(name)) for name in ("value", "low", "high")))


STORED = {**CHECKS, str: as_name, float: number, Estimate: _read_estimate}


def parse_stored(kind: Any, content: Any) -> Any:
    """What `without_nan` made of a dataclass, or of several, as it was."""
    return parse_as(kind, content, STORED)
