"""All scores of each label, and the single numbers that sum them up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from ecg_keras.metrics.counting import rank_labels
from ecg_keras.metrics.decisions import Confusion, count_decisions, decide
from ecg_keras.metrics.inputs import FloatArray, Weights, check_scores, check_weights, squeeze
from ecg_keras.metrics.ranking import areas


@dataclass(frozen=True, eq=False)
class LabelScores:
    """The scores of each label; every field is ``(labels,)`` or ``(resamples, labels)``.

    NaN where a score is undefined: see the function of the same name.
    """

    auroc: FloatArray
    auprc: FloatArray
    f1: FloatArray
    sensitivity: FloatArray
    specificity: FloatArray
    prevalence: FloatArray


def score_labels(
    targets: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    thresholds: npt.ArrayLike = 0.5,
    weights: npt.ArrayLike | None = None,
) -> LabelScores:
    """Every score of each label.

    Args:
        targets: 0 or 1, ``(records, labels)``.
        probabilities: finite, of the same shape.
        thresholds: ``(labels,)`` or one number; a record is decided positive from it upwards.
        weights: how often each record counts: ``(records,)``, or ``(resamples, records)`` for
            many resamples at once.

    Raises:
        DataError: shapes that differ, targets other than 0 and 1, values that are not finite.

    Example:
        >>> scores = score_labels([[0, 1], [1, 0], [1, 1]], [[0.1, 0.9], [0.8, 0.3], [0.7, 0.2]])
        >>> scores.auroc
        array([1. , 0.5])
        >>> float(METRICS["macro_auroc"](scores))
        0.75
    """
    scores = LabelScorer(targets, probabilities, thresholds).score(
        check_weights(weights, len(np.asarray(targets)))
    )
    return LabelScores(
        **{one.name: squeeze(getattr(scores, one.name), weights) for one in fields(scores)}
    )


class LabelScorer:
    """`score_labels` for resample after resample: records are checked, sorted and decided once.

    Args:
        targets, probabilities, thresholds: as for `score_labels`; so are the errors.
    """

    def __init__(
        self,
        targets: npt.ArrayLike,
        probabilities: npt.ArrayLike,
        thresholds: npt.ArrayLike = 0.5,
    ) -> None:
        self.truth, scores = check_scores(targets, probabilities)
        self.ranked = rank_labels(self.truth, scores)
        self.decided = decide(scores, thresholds) == 1

    def rank(self, weights: Weights) -> tuple[FloatArray, FloatArray]:
        """AUROC and average precision, each ``(resamples, labels)``; arguments as for `score`."""
        return areas(self.ranked, weights)

    def decide(self, weights: Weights) -> Confusion:
        """The decisions counted, ``(resamples, labels)``; arguments as for `score`."""
        return count_decisions(self.truth, self.decided, weights)

    def score(self, weights: Weights) -> LabelScores:
        """Every score, ``(resamples, labels)``.

        Args:
            weights: ``(records, resamples)``, of `ecg_keras.metrics.inputs.check_weights`.
        """
        area_roc, area_pr = self.rank(weights)
        counts = self.decide(weights)
        return LabelScores(
            auroc=area_roc,
            auprc=area_pr,
            f1=counts.f1,
            sensitivity=counts.sensitivity,
            specificity=counts.specificity,
            prevalence=counts.prevalence,
        )


def macro(values: npt.ArrayLike) -> FloatArray:
    """The plain mean over the labels that are defined; NaN if none is.

    Args:
        values: ``(..., labels)``, NaN where undefined.

    Returns:
        ``(...)``: a single number for one row of labels.

    Example:
        >>> float(macro([0.5, float("nan"), 1.0]))
        0.75
    """
    scores = np.asarray(values, dtype=np.float64)
    return weighted(scores, np.ones_like(scores))


def weighted(values: npt.ArrayLike, prevalence: npt.ArrayLike) -> FloatArray:
    """The mean over the labels that are defined, each weighted by how common it is.

    Args:
        values: ``(..., labels)``, NaN where undefined.
        prevalence: of the same shape, at least 0.

    Returns:
        ``(...)``: a single number for one row of labels, NaN if no label is defined.

    Example:
        >>> float(weighted([0.5, 1.0], [0.25, 0.75]))
        0.875
    """
    scores = np.asarray(values, dtype=np.float64)
    defined = ~np.isnan(scores)
    shares = np.where(defined, prevalence, 0.0)
    total = np.asarray(shares.sum(axis=-1))
    sums = (np.where(defined, scores, 0.0) * shares).sum(axis=-1)
    return np.asarray(np.divide(sums, total, out=np.full_like(total, np.nan), where=total > 0))


METRICS: Mapping[str, Callable[[LabelScores], FloatArray]] = {
    "macro_auroc": lambda scores: macro(scores.auroc),
    "macro_auprc": lambda scores: macro(scores.auprc),
    "macro_f1": lambda scores: macro(scores.f1),
    "weighted_f1": lambda scores: weighted(scores.f1, scores.prevalence),
}
