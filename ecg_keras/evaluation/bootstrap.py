"""`Estimate`: a score with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ecg_keras.evaluation.draws import WEIGHTS_PER_BLOCK, check_settings

__all__ = ["WEIGHTS_PER_BLOCK", "Estimate", "check_settings"]


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
