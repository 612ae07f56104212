"""Power laws of the number of training records: the usual shape of a learning curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecg_keras.array_types import Float64Array
from ecg_keras.statistics.crossover import Joint

# from nearly straight in log n to all but flat after the second size
RATES = np.geomspace(0.01, 2.5, 160)
POINTS = 50


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """``score = top - scale * n ** -rate``.

    Attributes:
        top, scale, rate: of the fit.
        at: ``(points,)`` training records at which it is drawn.
        value, low, high: ``(points,)`` the fit and its interval there.
    """

    top: float
    scale: float
    rate: float
    at: Float64Array
    value: Float64Array
    low: Float64Array
    high: Float64Array


def fit_power_law(
    sizes: Float64Array, scores: Joint, *, level: float, draws: int, seed: int
) -> PowerLaw | None:
    """The power law through an arm's scores, by weighted least squares, with its interval.

    ``None`` with fewer than three sizes, which any power law fits, and where scores do not rise.
    """
    # Errors often fall with the training data as a power law down to a floor (Hestness et al. 2017;
    # Viering & Loog 2022). For a given rate the rest is a straight line, so the best rate is found
    # on a grid and no fit can fail to converge. Nothing is said outside the sizes.
    if len(sizes) < 3:
        return None
    distance = np.log(sizes / sizes[0])
    first = _fit(distance, scores.values[None], scores.weights, RATES)
    step = RATES[1] / RATES[0]
    near = np.clip(first[2][0] * np.geomspace(1 / step, step, 201), RATES[0], RATES[-1])
    top, scale, rate = (
        float(part[0]) for part in _fit(distance, scores.values[None], scores.weights, near)
    )
    if scale <= 0:
        return None
    at = np.geomspace(sizes[0], sizes[-1], POINTS)
    ahead = np.log(at / sizes[0])
    tops, scales, rates = _fit(distance, scores.draw(draws, seed), scores.weights, RATES)
    drawn = tops[:, None] - scales[:, None] * np.exp(-rates[:, None] * ahead)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    value = top - scale * np.exp(-rate * ahead)
    return PowerLaw(
        top=top,
        scale=scale * float(sizes[0]) ** rate,
        rate=rate,
        at=at,
        value=value,
        low=np.minimum(low, value),
        high=np.maximum(high, value),
    )


def _fit(
    distance: Float64Array, values: Float64Array, weights: Float64Array, rates: Float64Array
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """``(fits,)`` top, scale at the first size, and rate that are nearest to each row of values."""
    falls = np.exp(-rates[:, None] * distance)  # (rates, sizes)
    centre = falls @ weights
    mean = (values @ weights)[:, None]
    spread = ((falls - centre[:, None]) ** 2) @ weights
    rise = (values - mean) @ ((falls - centre[:, None]) * weights).T
    scale = np.maximum(-rise / spread, 0.0)  # (fits, rates)
    top = mean + scale * centre
    held = ((1 - values) @ (falls * weights).T) / (falls**2 @ weights)
    scale = np.where(top > 1, np.maximum(held, 0.0), scale)
    top = np.minimum(top, 1.0)
    misses = values[:, None, :] - top[:, :, None] + scale[:, :, None] * falls
    best = (misses**2 @ weights).argmin(axis=1)
    rows = np.arange(len(values))
    return top[rows, best], scale[rows, best], rates[best]
