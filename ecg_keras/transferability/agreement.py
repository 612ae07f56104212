"""Whether a metric ranks checkpoints as the gain that they brought does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from ecg_keras.errors import ConfigError, DataError

# of four checkpoints, even the very same order comes about by chance once in 24 times
FEWEST = 5


class Agreement(NamedTuple):
    """A rank correlation in [-1, 1], and its interval."""

    value: float
    low: float
    high: float


def weighted_kendall(
    values: Sequence[float],
    gains: Sequence[float],
    *,
    bootstrap: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Agreement | None:
    """Weighted Kendall correlation of a metric with the realised gains, and its interval.

    A pair of checkpoints counts the more, the higher both rank (hyperbolic weights,
    ``1 / (rank + 1)`` added up), because the choice is made at the top of the list: -1 is the
    reverse order, 1 the same.

    The interval is the percentile interval over resamples of the checkpoints. It takes the gains
    as exact and checkpoints as drawn at random, and from few of them it is rough: below ten it
    rarely excludes anything.

    Args:
        values: of the metric, **higher is better** (`oriented`), one for each checkpoint.
        gains: of fine-tuning from that checkpoint over the reference, in the same order.
        bootstrap: resamples; those in which either is the same for all say nothing and are left
            out.
        level: of the interval.
        seed: of the resamples.

    Returns:
        Value and interval; ``None`` with fewer than five checkpoints, or where all values or all
        gains are equal, where there is no ranking.

    Raises:
        ConfigError: fewer than 100 resamples, or a level outside (0.5, 1).
        DataError: not as many values as gains, or one is not finite.

    Source:
        Vigna, A weighted correlation index for rankings with ties (WWW 2015).

    Example:
        >>> weighted_kendall([0.1, 0.2, 0.3, 0.4, 0.5], [0.0, 0.1, 0.1, 0.5, 0.7]).value > 0.8
        True
    """
    x, y = np.asarray(values, dtype=np.float64), np.asarray(gains, dtype=np.float64)
    if bootstrap < 100 or not 0.5 < level < 1:
        raise ConfigError(
            "bootstrap must be at least 100 and level above 0.5 and below 1. "
            f"Received: {bootstrap} and {level}."
        )
    if x.ndim != 1 or x.shape != y.shape or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise DataError(
            "values and gains must be rows of finite numbers of one length. "
            f"Received: shapes {x.shape} and {y.shape}."
        )
    if len(x) < FEWEST or _is_constant(x) or _is_constant(y):
        return None
    rng = np.random.default_rng(seed)
    drawn = []
    for rows in rng.integers(len(x), size=(bootstrap, len(x))):
        if not (_is_constant(x[rows]) or _is_constant(y[rows])):
            drawn.append(_tau(x[rows], y[rows]))
    tail = (1 - level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Agreement(_tau(x, y), float(low), float(high))


def _tau(values: npt.NDArray[np.float64], gains: npt.NDArray[np.float64]) -> float:
    return float(stats.weightedtau(values, gains).statistic)


def _is_constant(numbers: npt.NDArray[np.float64]) -> bool:
    return bool(np.ptp(numbers) == 0)
