"""How well scores rank the records with a label above those without it: AUROC and AUPRC."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecg_keras.metrics.counting import count_at_positives
from ecg_keras.metrics.inputs import (
    BoolArray,
    FloatArray,
    check_curve,
    check_scores,
    check_weights,
    squeeze,
)


def auroc(
    targets: npt.ArrayLike, probabilities: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> FloatArray:
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
) -> FloatArray:
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
) -> tuple[FloatArray, FloatArray]:
    """`auroc` and `auprc` for the price of one of them; arguments and errors as there."""
    truth, scores = check_scores(targets, probabilities)
    counts = check_weights(weights, len(truth))
    areas = np.empty((2, len(counts), truth.shape[1]))
    for label in range(truth.shape[1]):
        areas[:, :, label] = _areas(truth[:, label], scores[:, label], counts)
    return squeeze(areas[0], weights), squeeze(areas[1], weights)


def _areas(truth: BoolArray, scores: FloatArray, weights: FloatArray) -> FloatArray:
    """AUROC and average precision of one label, ``(2, resamples)``."""
    counts = count_at_positives(truth, scores, weights)
    own, positives, negatives = counts.own, counts.positives, counts.negatives
    # The Mann-Whitney statistic: mid-ranks of the positives less those among themselves.
    wins = ((own * (counts.below + counts.up_to)).sum(axis=1) - positives**2) / 2
    precision = np.divide(counts.hits, counts.chosen, out=np.zeros_like(own), where=own > 0)

    areas = np.full((2, len(weights)), np.nan)
    defined = (positives > 0) & (negatives > 0)
    np.divide(wins, positives * negatives, out=areas[0], where=defined)
    np.divide((own * precision).sum(axis=1), positives, out=areas[1], where=defined)
    return areas


def roc_curve(
    target: npt.ArrayLike, probability: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
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
    return _share(alarms), _share(hits), thresholds


def pr_curve(
    target: npt.ArrayLike, probability: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
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
    chosen = hits + alarms
    precision = np.divide(hits, chosen, out=np.ones_like(hits), where=chosen > 0)
    return _share(hits), precision, thresholds


def _cumulate(
    target: npt.ArrayLike, probability: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
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


def _share(counts: FloatArray) -> FloatArray:
    return counts / counts[-1] if counts[-1] else np.full_like(counts, np.nan)
