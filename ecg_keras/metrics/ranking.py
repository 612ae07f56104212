"""How well scores rank the records with a label above those without it: AUROC and AUPRC."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import Float64Array
from ecg_keras.metrics.counting import RankedLabel, rank_labels
from ecg_keras.metrics.inputs import (
    Weights,
    check_curve,
    check_scores,
    check_weights,
    ratio,
    squeeze,
)

NOBODY = 1e-30  # in place of no record above a threshold: 0 hits by it are a precision of 0


def auroc(
    targets: npt.ArrayLike, probabilities: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> Float64Array:
    """Area under the receiver operating characteristic curve of each label.

    The chance that a random record with the label scores above a random one without it, ties
    counting half (Hanley & McNeil 1982). Equals scikit-learn's ``roc_auc_score``.

    Args:
        targets: 0 or 1, ``(records, labels)``.
        probabilities: any finite scores of the same shape; only their order matters.
        weights: how often each record counts: ``(records,)``, or ``(resamples, records)`` for
            many resamples at once.

    Returns:
        ``(labels,)`` or ``(resamples, labels)`` in [0, 1]; NaN where a label has no positive or no
        negative record.

    Raises:
        DataError: shapes that differ, targets other than 0 and 1, scores that are not finite.

    Example:
        >>> auroc([[0], [0], [1], [1]], [[0.1], [0.4], [0.35], [0.8]])
        array([0.75])
    """
    return rank_scores(targets, probabilities, weights)[0]


def auprc(
    targets: npt.ArrayLike, probabilities: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> Float64Array:
    """Area under the precision-recall curve of each label, as average precision.

    The sum of the precision at each distinct score times the recall gained there, without
    interpolation (Boyd, Eng & Page 2013). Equals scikit-learn's ``average_precision_score`` where
    it is defined. Chance is the label's prevalence, not 0.5.

    Args:
        targets: 0 or 1, ``(records, labels)``.
        probabilities: any finite scores of the same shape; only their order matters.
        weights: how often each record counts: ``(records,)`` or ``(resamples, records)``.

    Returns:
        ``(labels,)`` or ``(resamples, labels)`` in [0, 1]; NaN where a label has no positive or no
        negative record.

    Raises:
        DataError: shapes that differ, targets other than 0 and 1, scores that are not finite.

    Example:
        >>> auprc([[0], [0], [1], [1]], [[0.1], [0.4], [0.35], [0.8]]).round(3)
        array([0.833])
    """
    return rank_scores(targets, probabilities, weights)[1]


def rank_scores(
    targets: npt.ArrayLike, probabilities: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> tuple[Float64Array, Float64Array]:
    """`auroc` and `auprc` for the price of one of them; arguments and errors as there."""
    truth, scores = check_scores(targets, probabilities)
    roc, precision = areas(rank_labels(truth, scores), check_weights(weights, len(truth)))
    return squeeze(roc, weights), squeeze(precision, weights)


def areas(ranked: Sequence[RankedLabel], weights: Weights) -> tuple[Float64Array, Float64Array]:
    """AUROC and average precision of labels that are sorted, each ``(resamples, labels)``."""
    found = np.full((2, weights.shape[1], len(ranked)), np.nan)
    for column, label in enumerate(ranked):
        counts = label.count(weights)
        positives, negatives = counts.positives, counts.negatives
        # the Mann-Whitney statistic: the negatives above each positive, less half of those beside
        # it, are the pairs that are ranked wrongly
        wrong = _total(counts.own, counts.alarms)
        if counts.tied is not None:
            wrong -= _total(counts.own, counts.tied) / 2
        chosen = counts.hits + counts.alarms
        np.maximum(chosen, NOBODY, out=chosen)
        precision = np.divide(counts.hits, chosen, out=chosen)
        defined = (positives > 0) & (negatives > 0)
        pairs = positives * negatives
        np.divide(pairs - wrong, pairs, out=found[0, :, column], where=defined)
        total = _total(counts.own, precision)
        np.divide(total, positives, out=found[1, :, column], where=defined)
    return found[0], found[1]


def _total(own: Weights, values: Weights) -> Float64Array:
    """The sum over the scores of own x value, ``(resamples,)``."""
    return np.asarray(np.einsum("sr,sr->r", own, values, dtype=np.float64))


def roc_curve(
    target: npt.ArrayLike, probability: npt.ArrayLike
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """The points of one label's ROC curve, from no to all records decided positive.

    Args:
        target: 0 or 1, ``(records,)``.
        probability: finite scores, ``(records,)``.

    Returns:
        False positive rate, sensitivity and threshold of each point; a record is decided positive
        from the threshold upwards. The first threshold is infinite. A rate is NaN where there is
        no record to take it from.

    Raises:
        DataError: as for `auroc`.

    Example:
        >>> roc_curve([0, 1, 1], [0.2, 0.2, 0.7])
        (array([0., 0., 1.]), array([0. , 0.5, 1. ]), array([inf, 0.7, 0.2]))
    """
    hits, alarms, thresholds = _cumulate(target, probability)
    return ratio(alarms, alarms[-1]), ratio(hits, hits[-1]), thresholds


def pr_curve(
    target: npt.ArrayLike, probability: npt.ArrayLike
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """The points of one label's precision-recall curve, from no to all records decided positive.

    Args:
        target: 0 or 1, ``(records,)``.
        probability: finite scores, ``(records,)``.

    Returns:
        Recall, precision and threshold of each point. The first point is recall 0 and, by
        convention, precision 1 at an infinite threshold. `auprc` is the area of the steps
        between the points, each as high as its right end.

    Raises:
        DataError: as for `auprc`.

    Example:
        >>> pr_curve([0, 1, 1], [0.2, 0.2, 0.7])[:2]
        (array([0. , 0.5, 1. ]), array([1.        , 1.        , 0.66666667]))
    """
    hits, alarms, thresholds = _cumulate(target, probability)
    return ratio(hits, hits[-1]), ratio(hits, hits + alarms, 1), thresholds


def _cumulate(
    target: npt.ArrayLike, probability: npt.ArrayLike
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """True and false positives at each distinct score, highest first, and before any."""
    truth, scores = check_curve(target, probability)
    order = np.argsort(-scores)
    ranked = scores[order]
    last = np.flatnonzero(np.concatenate((ranked[1:] != ranked[:-1], [True])))
    hits = np.cumsum(truth[order])[last]
    alarms = last + 1 - hits
    return (
        np.append(0.0, hits),
        np.append(0.0, alarms),
        np.append(np.inf, ranked[last]),
    )
