"""Scores of the best operating point: F-max, and sensitivity at a fixed specificity.

Each looks for its threshold on the very records that it scores. That is their definition, and it
flatters: they show what a threshold could reach, not what one that was chosen in advance does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import BoolArray, Float64Array
from ecg_keras.errors import ConfigError
from ecg_keras.metrics.counting import PositiveCounts, RankedLabel, rank_labels
from ecg_keras.metrics.inputs import (
    Weights,
    check_scores,
    check_unit,
    check_weights,
    ratio,
    squeeze,
)

# Specificity is a ratio of counts: 57 of 60 negatives must reach 0.95 in spite of rounding.
ROUNDING = 1e-9
STEPS = np.arange(101) / 100
NOBODY = 1e-30  # in place of a whole of nobody, of which nobody is found


def f_max(
    targets: npt.ArrayLike, probabilities: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> Float64Array:
    """The F1 of each label at the threshold that maximises it on these records.

    The label-centric ("term-centric") F-max; the greatest F1 over scikit-learn's
    ``precision_recall_curve``. `sample_f_max` is the other one that goes by this name.

    Args:
        targets: 0 or 1, ``(records, labels)``.
        probabilities: any finite scores of the same shape; only their order matters.
        weights: how often each record counts: ``(records,)`` or ``(resamples, records)``.

    Returns:
        ``(labels,)`` or ``(resamples, labels)`` in [0, 1]; NaN where a label has no positive or no
        negative record. Deciding everyone positive gives 2q / (1 + q) at prevalence q.

    Raises:
        DataError: shapes that differ, targets other than 0 and 1, scores that are not finite.

    Example:
        >>> f_max([[0], [0], [1], [1]], [[0.1], [0.4], [0.35], [0.8]])
        array([0.8])
    """
    return operating_scores(targets, probabilities, weights=weights)[0]


def sensitivity_at_specificity(
    targets: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    specificity: float = 0.95,
    weights: npt.ArrayLike | None = None,
) -> Float64Array:
    """The highest sensitivity of each label among all thresholds with at least this specificity.

    Only thresholds that exist are taken: records that score the same are decided together, and
    nothing is interpolated between two points of the ROC curve.

    Args:
        targets: 0 or 1, ``(records, labels)``.
        probabilities: any finite scores of the same shape; only their order matters.
        specificity: the least share of negatives that are left alone, in [0, 1].
        weights: how often each record counts: ``(records,)`` or ``(resamples, records)``.

    Returns:
        ``(labels,)`` or ``(resamples, labels)`` in [0, 1]; NaN where a label has no positive or no
        negative record.

    Raises:
        ConfigError: a specificity outside [0, 1].
        DataError: as for `f_max`.

    Example:
        >>> targets, scores = [[0], [0], [1], [1], [1]], [[0.1], [0.6], [0.6], [0.7], [0.9]]
        >>> sensitivity_at_specificity(targets, scores, 0.95).round(3)
        array([0.667])
        >>> sensitivity_at_specificity(targets, scores, 0.5)
        array([1.])
    """
    return operating_scores(targets, probabilities, specificity, weights)[1]


def operating_scores(
    targets: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    specificity: float = 0.95,
    weights: npt.ArrayLike | None = None,
) -> tuple[Float64Array, Float64Array]:
    """`f_max` and `sensitivity_at_specificity` for the price of one of them; errors as there."""
    if not 0 <= specificity <= 1:
        raise ConfigError(f"specificity must be in [0, 1]. Received: {specificity}.")
    truth, scores = check_scores(targets, probabilities)
    ranked, counted = rank_labels(truth, scores), check_weights(weights, len(truth))
    best, sensitivity = best_points(ranked, counted, specificity)
    return squeeze(best, weights), squeeze(sensitivity, weights)


def best_points(
    ranked: Sequence[RankedLabel], weights: Weights, specificity: float
) -> tuple[Float64Array, Float64Array]:
    """`operating_scores` of labels that are sorted, each ``(resamples, labels)``."""
    found = np.empty((2, weights.shape[1], len(ranked)))
    for column, label in enumerate(ranked):
        counts = label.count(weights)
        found[0, :, column] = _best_f1(counts)
        found[1, :, column] = _sensitivity(counts, specificity)
        found[:, (counts.positives == 0) | (counts.negatives == 0), column] = np.nan
    return found[0], found[1]


def _best_f1(counts: PositiveCounts) -> Float64Array:
    whole = counts.hits + counts.alarms + counts.positives.astype(counts.hits.dtype)
    np.maximum(whole, NOBODY, out=whole)
    scores = np.divide(2 * counts.hits, whole, out=whole)
    return np.asarray(scores.max(axis=0, initial=0.0), dtype=np.float64)


def _sensitivity(counts: PositiveCounts, specificity: float) -> Float64Array:
    allowed = (1 - specificity + ROUNDING) * counts.negatives
    fine = counts.alarms <= allowed
    most = np.where(fine, counts.hits, 0).max(axis=0, initial=0).astype(np.float64)
    return ratio(most, counts.positives, 0)


def sample_f_max(
    targets: npt.ArrayLike, probabilities: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> Float64Array:
    """The sample-centric F-max: the best F of mean precision and mean recall over the records.

    For a threshold t that all labels share, precision(t) is the mean, over the records for which
    anything is predicted, of the share of their predictions that are right; recall(t) is the mean,
    over the records that have a label, of the share of their labels that are predicted. F-max is
    the greatest 2 P R / (P + R) over t = 0, 0.01, ..., 1 (CAFA: Radivojac et al. 2013; used for
    ECGs by Strodthoff et al. 2021). As all labels share t, it depends on calibration.

    Args:
        targets: 0 or 1, ``(records, labels)``.
        probabilities: in [0, 1], of the same shape; predicted from t upwards.
        weights: how often each record counts: ``(records,)`` or ``(resamples, records)``.

    Returns:
        One number, or ``(resamples,)``, in [0, 1]; NaN where no record has a label.

    Raises:
        DataError: as for `f_max`, and for probabilities outside [0, 1].

    Example:
        >>> float(sample_f_max([[1, 0], [1, 1]], [[0.9, 0.2], [0.8, 0.6]]))
        1.0
    """
    truth, scores = check_scores(targets, probabilities)
    check_unit(scores)
    return squeeze(SampleCurves(truth, scores).best(check_weights(weights, len(truth))), weights)


class SampleCurves:
    """Each record's part in mean precision and recall at every threshold, for any weights."""

    def __init__(self, truth: BoolArray, scores: Float64Array) -> None:
        owned = truth.sum(axis=1)
        predicted = np.empty((len(STEPS), len(truth)))
        right = np.empty_like(predicted)
        for step, threshold in enumerate(STEPS):
            decided = scores >= threshold
            predicted[step] = decided.sum(axis=1)
            right[step] = (decided & truth).sum(axis=1)
        self._some = (predicted > 0).astype(np.float64)
        self._labelled = owned > 0
        self._precisions = ratio(right, predicted, 0)
        self._recalls = right[:, self._labelled] / owned[self._labelled]

    def best(self, weights: Weights) -> Float64Array:
        """`sample_f_max` of each resample, ``(resamples,)``."""
        counted = weights.astype(np.float64)
        labelled = counted[self._labelled]
        total = labelled.sum(axis=0)
        # 0 where there is nothing to divide by: such a threshold is never the best
        precision = ratio(self._precisions @ counted, self._some @ counted, 0)
        recall = ratio(self._recalls @ labelled, total, 0)
        best = ratio(2 * precision * recall, precision + recall, 0).max(axis=0)
        return np.where(total == 0, np.nan, best)
