"""Scores of yes-or-no decisions, and the thresholds that make decisions of probabilities."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import BoolArray, Float64Array
from ecg_keras.errors import DataError
from ecg_keras.metrics.inputs import (
    Weights,
    check_decisions,
    check_scores,
    check_weights,
    ratio,
    squeeze,
)


class Confusion(NamedTuple):
    """How many records (or how much weight) of each label were decided how.

    Each field is ``(labels,)`` or ``(resamples, labels)``.
    """

    true_positives: Float64Array
    false_positives: Float64Array
    false_negatives: Float64Array
    true_negatives: Float64Array

    @property
    def f1(self) -> Float64Array:
        """See `f1`."""
        hits, alarms, misses, _ = self
        defined = (hits + misses > 0) & (self.false_positives + self.true_negatives > 0)
        return ratio(2 * hits, (2 * hits + alarms + misses) * defined)

    @property
    def sensitivity(self) -> Float64Array:
        """See `sensitivity`."""
        positives = self.true_positives + self.false_negatives
        return ratio(self.true_positives, positives)

    @property
    def specificity(self) -> Float64Array:
        """See `specificity`."""
        negatives = self.true_negatives + self.false_positives
        return ratio(self.true_negatives, negatives)

    @property
    def prevalence(self) -> Float64Array:
        """See `prevalence`."""
        positives = self.true_positives + self.false_negatives
        total = positives + self.true_negatives + self.false_positives
        return ratio(positives, total)


def confusion(
    targets: npt.ArrayLike, decisions: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> Confusion:
    """True and false positives and negatives of each label.

    Args:
        targets: 0 or 1, ``(records, labels)``.
        decisions: 0 or 1, of the same shape.
        weights: how often each record counts: ``(records,)`` or ``(resamples, records)``.

    Raises:
        DataError: shapes that differ, values other than 0 and 1.

    Example:
        >>> confusion([[1], [1], [0]], [[1], [0], [0]]).true_positives
        array([1.])
    """
    truth, decided = check_decisions(targets, decisions)
    counts = count_decisions(truth, decided, check_weights(weights, len(truth)))
    return Confusion(*(squeeze(cell, weights) for cell in counts))


def count_decisions(truth: BoolArray, decided: BoolArray, weights: Weights) -> Confusion:
    """`confusion` of what is checked: each field is ``(resamples, labels)``."""
    cells = (truth & decided, ~truth & decided, truth & ~decided, ~truth & ~decided)
    return Confusion(
        *((weights.T @ cell.astype(weights.dtype)).astype(np.float64) for cell in cells)
    )


def f1(
    targets: npt.ArrayLike, decisions: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> Float64Array:
    """F1 of each label: 2 TP / (2 TP + FP + FN), the harmonic mean of precision and recall.

    Equals scikit-learn's ``f1_score`` where it is defined. Arguments and errors as for
    `confusion`.

    Returns:
        ``(labels,)`` or ``(resamples, labels)`` in [0, 1]; NaN where a label has no positive or no
        negative record, as for `auroc`, so that all means are taken over the same labels.

    Example:
        >>> f1([[1], [1], [0]], [[1], [0], [0]]).round(3)
        array([0.667])
    """
    return confusion(targets, decisions, weights).f1


def sensitivity(
    targets: npt.ArrayLike, decisions: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> Float64Array:
    """The share of the positives that are found: TP / (TP + FN), also called recall.

    Arguments and errors as for `confusion`. NaN where a label has no positive record.

    Example:
        >>> sensitivity([[1], [1], [0]], [[1], [0], [0]])
        array([0.5])
    """
    return confusion(targets, decisions, weights).sensitivity


def specificity(
    targets: npt.ArrayLike, decisions: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> Float64Array:
    """The share of the negatives that are left alone: TN / (TN + FP).

    Arguments and errors as for `confusion`. NaN where a label has no negative record.

    Example:
        >>> specificity([[1], [1], [0]], [[1], [0], [0]])
        array([1.])
    """
    return confusion(targets, decisions, weights).specificity


def prevalence(targets: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Float64Array:
    """The share of the records that have each label. Arguments and errors as for `confusion`.

    Example:
        >>> prevalence([[1, 0], [1, 1]])
        array([1. , 0.5])
    """
    return confusion(targets, targets, weights).prevalence


def decide(probabilities: npt.ArrayLike, thresholds: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """1 where a probability reaches its label's threshold (``>=``), else 0.

    Args:
        probabilities: ``(records, labels)``.
        thresholds: ``(labels,)``, one number for all labels, or ``(records, labels)``, such as of
            each record that of its own fold.

    Returns:
        uint8 ``(records, labels)``.

    Raises:
        DataError: another number of thresholds, or a threshold that is not finite.

    Example:
        >>> decide([[0.2, 0.9], [0.5, 0.6]], [0.5, 0.7])
        array([[0, 1],
               [1, 0]], dtype=uint8)
    """
    # float64 on both sides: a threshold midway between two float32 scores must stay there.
    scores = np.asarray(probabilities, dtype=np.float64)
    limits = np.asarray(thresholds, dtype=np.float64)
    if limits.shape not in ((), scores.shape[1:], scores.shape) or not np.isfinite(limits).all():
        raise DataError(
            "thresholds must be one finite number, one for each record and label, or one for each "
            f"of the {scores.shape[-1]} labels. Received: {limits}."
        )
    return (scores >= limits).astype(np.uint8)


def best_f1_thresholds(targets: npt.ArrayLike, probabilities: npt.ArrayLike) -> Float64Array:
    """The threshold of each label that maximises its F1 on these records.

    Meant for the validation split: thresholds chosen on the records they are scored on flatter.
    Each is midway between the lowest score that is decided positive and the next lower one (0
    where there is none), so that it does not hang on the last digit of a score. Of several best
    ones the highest is taken: the fewest positive decisions (Lipton, Elkan & Naryanaswamy 2014 on
    why F1 thresholds are unstable for rare labels).

    Args:
        targets: 0 or 1, ``(records, labels)``.
        probabilities: in [0, 1], of the same shape.

    Returns:
        ``(labels,)``; 0.5 for a label without a positive record.

    Raises:
        DataError: as for `auroc`.

    Example:
        >>> best_f1_thresholds([[0], [0], [1], [1]], [[0.1], [0.3], [0.5], [0.8]])
        array([0.4])
    """
    truth, scores = check_scores(targets, probabilities)
    return np.array(
        [_best_f1_threshold(truth[:, label], scores[:, label]) for label in range(truth.shape[1])]
    )


def _best_f1_threshold(truth: BoolArray, scores: Float64Array) -> float:
    if not truth.any():
        return 0.5
    order = np.argsort(-scores)
    ranked = scores[order]
    last = np.flatnonzero(np.concatenate((ranked[1:] != ranked[:-1], [True])))
    hits = np.cumsum(truth[order])[last]
    best = int(np.argmax(2 * hits / (last + 1 + truth.sum())))  # the first: the highest threshold
    lowest = float(ranked[last[best]])
    below = float(ranked[last[best] + 1]) if best + 1 < len(last) else min(lowest, 0.0)
    midway = below + (lowest - below) / 2
    return midway if midway > below else lowest  # nothing is between neighbouring floats
