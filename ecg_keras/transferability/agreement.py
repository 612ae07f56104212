"""Whether a metric ranks checkpoints as the gain that they brought does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from ecg_keras.array_types import Float64Array
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
    if x.ndim != 1 or x.shape != y.shape or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise DataError(
            "values and gains must be rows of finite numbers of one length. "
            f"Received: shapes {x.shape} and {y.shape}."
        )
    pairs = zip(x.tolist(), y.tolist(), strict=True)
    one = {str(number): pair for number, pair in enumerate(pairs)}
    return mean_kendall([one], bootstrap=bootstrap, level=level, seed=seed)


def mean_kendall(
    groups: Sequence[Mapping[str, tuple[float, float]]],
    *,
    bootstrap: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Agreement | None:
    """The mean of `weighted_kendall` over groups within which checkpoints can be ranked.

    A metric's values on two databases, or of two networks, are on scales of their own, so only
    checkpoints of one group are ranked against each other. Groups share checkpoints: a resample
    draws each of them for all groups at once.

    Args:
        groups: of each the metric and the realised gain of its checkpoints, by name: one that is in
            several groups has the same name.
        bootstrap, level, seed: as of `weighted_kendall`.

    Returns:
        Value and interval; ``None`` where no group has five checkpoints and a ranking of both.

    Raises:
        ConfigError: fewer than 100 resamples, or a level outside (0.5, 1).

    Example:
        >>> georgia = {"a": (0.1, 0.0), "b": (0.2, 0.1), "c": (0.3, 0.2), "d": (0.4, 0.3),
        ...            "e": (0.5, 0.4)}
        >>> ludb = {name: (100 - value, gain) for name, (value, gain) in georgia.items()}
        >>> mean_kendall([georgia, ludb]).value
        0.0
    """
    if bootstrap < 100 or not 0.5 < level < 1:
        raise ConfigError(
            "bootstrap must be at least 100 and level above 0.5 and below 1. "
            f"Received: {bootstrap} and {level}."
        )
    large = [group for group in groups if len(group) >= FEWEST]
    kept = [group for group in large if _tau(np.array([*group.values()]).T) is not None]
    names = list(dict.fromkeys(name for group in kept for name in group))
    ranked = [
        np.array([group.get(name, (np.nan, np.nan)) for name in names]).T  # NaN: not in this one
        for group in kept
    ]
    value = _mean_tau(ranked)
    if value is None:
        return None
    rng = np.random.default_rng(seed)
    drawn = [
        mean
        for rows in rng.integers(len(names), size=(bootstrap, len(names)))
        if (mean := _mean_tau([one[:, rows] for one in ranked])) is not None
    ]
    tail = (1 - level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Agreement(value, float(low), float(high))


def _mean_tau(groups: Sequence[Float64Array]) -> float | None:
    known = [tau for one in groups if (tau := _tau(one)) is not None]
    return float(np.mean(known)) if known else None


def _tau(numbers: Float64Array) -> float | None:
    """Of values and gains; ``None`` where either is the same for all."""
    values, gains = numbers[:, ~np.isnan(numbers[0])]
    if not len(values) or np.ptp(values) == 0 or np.ptp(gains) == 0:
        return None
    return float(stats.weightedtau(values, gains).statistic)
