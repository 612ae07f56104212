"""`Joint`: contrasts at several sizes, with what their errors share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_keras.evaluation import Contrast

FloatArray = npt.NDArray[np.float64]

# how many degrees of freedom the mean variance of all sizes is worth
PRIOR_DEGREES = 4.0


@dataclass(frozen=True, eq=False)
class Joint:
    """Values at several sizes whose errors are alike, because patients and seeds are the same.

    Attributes:
        values, errors: ``(sizes,)`` and their standard errors.
        weights: ``(sizes,)`` for least squares, with the sum 1: one over the moderated variance,
            which is each variance drawn towards the mean of all, because standard errors from a few
            seeds are themselves a matter of luck (as in Smyth 2004, section 4).
        correlation: of the errors of two sizes, the same for all pairs.
        degrees: of freedom of the errors.
    """

    values: FloatArray
    errors: FloatArray
    weights: FloatArray
    correlation: float
    degrees: float

    def draw(self, number: int, seed: int) -> FloatArray:
        """``(number, sizes)`` what the values might have been: multivariate t around them."""
        rng = np.random.default_rng(seed)
        own, shared = rng.normal(size=(number, len(self.values))), rng.normal(size=(number, 1))
        noise = math.sqrt(self.correlation) * shared + math.sqrt(1 - self.correlation) * own
        if math.isfinite(self.degrees):
            noise *= np.sqrt(self.degrees / rng.chisquare(self.degrees, size=(number, 1)))
        return self.values + noise * self.errors


def join(contrasts: Sequence[Contrast], mean: Contrast, *, moderated: bool = False) -> Joint:
    """Contrasts at several sizes, with the correlation that their mean betrays.

    The variance of a mean of k values is ``(sum of V_i + sum over pairs of 2 cov_ij) / k^2``; with
    ``cov_ij = r sqrt(V_i V_j)`` that gives r. Degrees of freedom are those of the sum of the
    values if they were independent (Satterthwaite 1946).

    Args:
        contrasts: one for each size.
        mean: the contrast that is their mean, on the same seeds and patients.
        moderated: whether the errors, too, are those of the moderated variances.

    Example:
        >>> one = Contrast(0.1, 0, 0.2, 0.95, 0.05, 30, 0.05, 0.0, 0.002, 3, 1, 90, 80, (0.1,))
        >>> joint = join([one, one, one, one], one)  # a mean as uncertain as each: all is shared
        >>> joint.correlation, joint.degrees, joint.weights.tolist()
        (0.999, 120.0, [0.25, 0.25, 0.25, 0.25])
    """
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
