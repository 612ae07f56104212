"""Where curves meet: contrasts at several sizes, with what their errors share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ecg_keras.array_types import Float64Array
from ecg_keras.evaluation import Arm, Contrast

# how many degrees of freedom the mean variance of all sizes is worth
PRIOR_DEGREES = 4.0


@dataclass(frozen=True, eq=False)
class Joint:
    """Values at several sizes whose errors are alike, because patients and seeds are the same."""

    values: Float64Array
    errors: Float64Array
    weights: Float64Array
    correlation: float
    degrees: float

    def draw(self, number: int, seed: int) -> Float64Array:
        """``(number, sizes)`` what the values might have been: multivariate t around them."""
        rng = np.random.default_rng(seed)
        own, shared = rng.normal(size=(number, len(self.values))), rng.normal(size=(number, 1))
        noise = math.sqrt(self.correlation) * shared + math.sqrt(1 - self.correlation) * own
        if math.isfinite(self.degrees):
            noise *= np.sqrt(self.degrees / rng.chisquare(self.degrees, size=(number, 1)))
        return self.values + noise * self.errors


def join(contrasts: Sequence[Contrast], mean: Contrast, *, moderated: bool = False) -> Joint:
    """Contrasts at several sizes, with the correlation that their mean betrays."""
    # The variance of a mean of k values is (sum of V_i + sum over pairs of 2 cov_ij) / k^2; with
    # cov_ij = r sqrt(V_i V_j) that gives r. Degrees of freedom are those of the sum of the values
    # if they were independent (Satterthwaite 1946). A variance of few seeds is a matter of luck, so
    # it is drawn towards the mean of all (as in Smyth 2004, section 4).
    values = np.array([one.value for one in contrasts])
    errors = np.array([one.standard_error for one in contrasts])
    degrees = np.array([one.degrees for one in contrasts])
    variances = errors**2
    total = float(variances.sum())
    if total == 0:
        equal = np.full(len(values), 1 / len(values))
        return Joint(values, errors, equal, 0.0, math.inf)
    pairs = float(errors.sum() ** 2) - total
    shared = (mean.standard_error * len(values)) ** 2 - total
    worth = np.minimum(degrees, 1e6)
    drawn = (worth * variances + PRIOR_DEGREES * variances.mean()) / (worth + PRIOR_DEGREES)
    return Joint(
        values=values,
        errors=np.sqrt(drawn) if moderated else errors,
        weights=(1 / drawn) / (1 / drawn).sum(),
        correlation=min(max(shared / pairs, 0.0), 0.999) if pairs > 0 else 0.0,
        degrees=total**2 / float((variances**2 / degrees).sum()),
    )


# standard deviation of log g, below. A power law that falls to half between two sizes has -log g of
# 0.3, a step in the first third of the way one of 0.8
BEND = 0.5


def find_crossover(
    sizes: Float64Array, differences: Joint, *, margin: float, level: float, draws: int, seed: int
) -> tuple[float, float, float]:
    """The training records beyond which a difference is below the margin, with its interval.

    Minus infinity stands for "below the smallest size", infinity for "beyond the largest".
    """
    # Nothing is assumed but that differences do not rise with the training data: a power law would
    # make the interval narrower where it is right and miss the truth far too often where it is
    # wrong (docs/learning-curves.md). Draws are joined by lines that are bent at random, because
    # nobody looked between two sizes: a crossing at the share t of the way is put at t^g.
    weights, straight = differences.weights, np.ones(1)
    estimate = float(_cross(sizes, differences.values[None], weights, margin, straight)[0])
    bends = np.exp(BEND * np.random.default_rng([seed, draws]).normal(size=draws))
    drawn = _cross(sizes, differences.draw(draws, seed), weights, margin, bends)
    # no interpolation between draws: some are infinite
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], method="closest_observation")
    return estimate, min(float(low), estimate), max(float(high), estimate)


def make_falling(values: Float64Array, weights: Float64Array) -> Float64Array:
    """The nearest values that never rise from one column to the next, in weighted squares."""
    # the min-max formula of isotonic regression (Barlow et al. 1972): column i is the least, over
    # all starts up to i, of the greatest mean from the start to an end from i on
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
    sizes: Float64Array,
    values: Float64Array,
    weights: Float64Array,
    margin: float,
    bends: Float64Array,
) -> Float64Array:
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


@dataclass(frozen=True)
class LabelEfficiency:
    """The training records of the reference that score what a way scores on its own.

    Attributes:
        size: training records of the way.
        equal: of the reference: estimate, low and high. Minus infinity stands for fewer than the
            smallest size that was tried, infinity for more than the largest: nothing is said there.
    """

    size: float
    equal: tuple[float, float, float]

    @property
    def factor(self) -> tuple[float, float, float]:
        """How many records of the reference each record of the way stands for, with its interval.

        Example:
            >>> LabelEfficiency(200, (740, 520, 1100)).factor
            (3.7, 2.6, 5.5)
        """
        estimate, low, high = (number / self.size for number in self.equal)
        return estimate, low, high


def label_efficiency(
    sizes: Float64Array,
    way: int,
    difference: Callable[[Float64Array, Float64Array], Contrast],
    *,
    level: float,
    draws: int,
    seed: int,
) -> LabelEfficiency:
    """The reference's training records at which it scores what a way scores at one size."""
    number = len(sizes)
    own = np.eye(number)[way]
    joint = join(
        [difference(own, -other) for other in np.eye(number)],
        difference(own, np.full(number, -1 / number)),
        moderated=True,
    )
    equal = find_crossover(sizes, joint, margin=0.0, level=level, draws=draws, seed=seed)
    return LabelEfficiency(float(sizes[way]), equal)


def weigh(
    way: Sequence[Arm],
    reference: Sequence[Arm],
    own: Float64Array,
    other: Float64Array,
    measure: Callable[[Sequence[Arm], Sequence[float]], Contrast],
) -> Contrast:
    """The contrast of the arms that have a weight: the others would only cost time."""
    pairs = zip([*way, *reference], [*own, *other], strict=True)
    arms, weights = zip(*((arm, weight) for arm, weight in pairs if weight), strict=True)
    return measure(arms, weights)
