"""The size at which an advantage that falls with the training data drops below the margin."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ecg_keras.statistics.joint import Joint

FloatArray = npt.NDArray[np.float64]

# standard deviation of log g, below. A power law that falls to half between two sizes has -log g of
# 0.3, a step in the first third of the way one of 0.8
BEND = 0.5


def find_crossover(
    sizes: FloatArray, differences: Joint, *, margin: float, level: float, draws: int, seed: int
) -> tuple[float, float, float]:
    """The training records beyond which a difference is below the margin, with its interval.

    Nothing is assumed of the differences but that they do not rise with the training data: they
    are replaced by the falling values nearest to them (isotonic regression; Barlow et al. 1972)
    and joined by straight lines in log n. A shape with two or three parameters, such as a power
    law, would make the interval narrower where it is right; where it is wrong, the interval misses
    the truth far too often (docs/learning-curves.md has the figures). Nothing is said outside the
    sizes. The interval holds the middle share ``level`` of the crossings of differences that might
    as well have been measured (`Joint.draw`), joined by lines that are bent at random, because
    nobody looked between two sizes: a crossing at the share t of the way is put at t^g, with log g
    normal around 0.

    Args:
        sizes: ``(sizes,)`` training records, rising.
        differences: way - reference at the sizes.
        margin: above 0.
        level: of the interval.
        draws: number of draws.
        seed: of the draws.

    Returns:
        Estimate, low and high. Minus infinity stands for "below the smallest size" and infinity
        for "beyond the largest".

    Example:
        >>> sizes = np.array([100.0, 400.0, 1600.0])
        >>> joint = Joint(np.array([0.06, 0.03, 0.01]), np.full(3, 0.004), np.full(3, 1 / 3), 0, 50)
        >>> found = find_crossover(sizes, joint, margin=0.02, level=0.95, draws=1000, seed=0)
        >>> [round(n) for n in found]
        [800, 438, 1330]
    """
    weights, straight = differences.weights, np.ones(1)
    estimate = float(_cross(sizes, differences.values[None], weights, margin, straight)[0])
    bends = np.exp(BEND * np.random.default_rng([seed, draws]).normal(size=draws))
    drawn = _cross(sizes, differences.draw(draws, seed), weights, margin, bends)
    # no interpolation between draws: some are infinite
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], method="closest_observation")
    return estimate, min(float(low), estimate), max(float(high), estimate)


def make_falling(values: FloatArray, weights: FloatArray) -> FloatArray:
    """The nearest values that never rise from one column to the next, in weighted squares.

    Uses the min-max formula of isotonic regression: column i is the least, over all starts up to
    i, of the greatest mean from the start to an end from i on.

    Args:
        values: ``(rows, sizes)``.
        weights: ``(sizes,)``, above 0.

    Example:
        >>> make_falling(np.array([[3.0, 1.0, 2.0, 0.0]]), np.ones(4))
        array([[3. , 1.5, 1.5, 0. ]])
    """
    columns = values.shape[1]
    sums = np.pad(np.cumsum(values * weights, axis=1), ((0, 0), (1, 0)))
    shares = np.append(0.0, np.cumsum(weights))
    fitted = np.empty_like(values)
    for column in range(columns):
        ends = np.arange(column + 1, columns + 1)
        greatest = [
            ((sums[:, ends] - sums[:, [start]]) / (shares[ends] - shares[start])).max(axis=1)
            for start in range(column + 1)
        ]
        fitted[:, column] = np.min(greatest, axis=0)
    return fitted


def _cross(
    sizes: FloatArray, values: FloatArray, weights: FloatArray, margin: float, bends: FloatArray
) -> FloatArray:
    """``(rows,)`` size at which each row falls to the margin; ``bends`` is its g."""
    fitted = make_falling(values, weights)
    below = fitted <= margin
    after = np.where(below.any(axis=1), below.argmax(axis=1), 1)
    before = np.maximum(after - 1, 0)
    rows = np.arange(len(values))
    drop = fitted[rows, before] - fitted[rows, after]
    part = (fitted[rows, before] - margin) / np.where(drop > 0, drop, 1.0)
    logs = np.log(sizes)
    share = np.clip(part, 0.0, 1.0) ** bends
    crossing = np.exp(logs[before] + share * (logs[after] - logs[before]))
    crossing = np.where(below.any(axis=1), crossing, math.inf)
    return np.where(below[:, 0], -math.inf, crossing)
