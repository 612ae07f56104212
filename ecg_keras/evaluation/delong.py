"""DeLong's test of two AUROCs on the same records, for records that are independent."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from ecg_keras.array_types import BoolArray, Float64Array
from ecg_keras.evaluation.predictions import Predictions


class DeLong(NamedTuple):
    """What the test found; ``z`` and ``p_value`` are NaN where the variance is unknown.

    Attributes:
        difference: AUROC of the first scores less that of the second.
        standard_error: of the difference.
        z: difference / standard error.
        p_value: two-sided, from the normal distribution.
    """

    difference: float
    standard_error: float
    z: float
    p_value: float


def delong_p_values(a: Predictions, b: Predictions) -> dict[str, float | None]:
    """The p-value of `delong_test` for each label, of the same records; ``None``: undefined."""
    a, b = a.sorted(), b.sorted()
    tests = {
        label: delong_test(a.targets[:, i], a.probabilities[:, i], b.probabilities[:, i]).p_value
        for i, label in enumerate(a.labels)
    }
    return {label: None if math.isnan(p) else p for label, p in tests.items()}


def delong_test(target: npt.ArrayLike, first: npt.ArrayLike, second: npt.ArrayLike) -> DeLong:
    """Compares the AUROCs of two sets of scores of the same, independent records.

    DeLong, DeLong & Clarke-Pearson 1988, computed from ranks in O(n log n) as Sun & Xu 2014 do.

    Args:
        target: 0 or 1, ``(records,)``.
        first: finite scores ``(records,)``.
        second: finite scores ``(records,)``.

    Returns:
        The difference and its test. NaN with fewer than two positives or negatives, and where
        the variance is 0 though the AUROCs differ; scores that rank alike have p-value 1.

    Example:
        >>> target = [0, 0, 0, 1, 1, 1]
        >>> test = delong_test(target, [1, 2, 3, 4, 5, 6], [1, 2, 5, 3, 4, 6])
        >>> round(test.difference, 3), round(test.p_value, 3)
        (0.222, 0.371)
    """
    truth = np.asarray(target) == 1
    positives, negatives = np.count_nonzero(truth), np.count_nonzero(~truth)
    if positives < 2 or negatives < 2:
        return DeLong(math.nan, math.nan, math.nan, math.nan)
    above, below = zip(*(_placements(truth, np.asarray(s)) for s in (first, second)), strict=True)
    # The placements of the two models belong to the same records: their difference is paired.
    of_positives, of_negatives = above[0] - above[1], below[0] - below[1]
    difference = float(of_positives.mean())
    variance = of_positives.var(ddof=1) / positives + of_negatives.var(ddof=1) / negatives
    error = math.sqrt(variance)
    if error < 1e-12:
        p_value = 1.0 if abs(difference) < 1e-12 else math.nan
        return DeLong(difference, 0.0, 0.0 if p_value == 1.0 else math.nan, p_value)
    z = difference / error
    return DeLong(difference, error, z, math.erfc(abs(z) / math.sqrt(2)))


def _placements(truth: BoolArray, scores: Float64Array) -> tuple[Float64Array, Float64Array]:
    """For each positive the share of negatives it beats; for each negative, of positives that
    beat it. Ties count half.
    """
    ranks = rankdata(scores)  # those of all, less those among their own kind
    beaten = (ranks[truth] - rankdata(scores[truth])) / np.count_nonzero(~truth)
    lost = 1 - (ranks[~truth] - rankdata(scores[~truth])) / np.count_nonzero(truth)
    return beaten, lost
