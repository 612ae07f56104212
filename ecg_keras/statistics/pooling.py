"""Scores of cross-validated predictions: ranked within folds, counted over folds.

Networks that were trained on different folds put their probabilities on scales of their own, so a
record of one fold must not be ranked against a record of another (Forman & Scholz 2010,
"Apples-to-apples in cross-validation studies", SIGKDD Explorations 12; Airola et al. 2011).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import numpy.typing as npt

from ecg_keras.evaluation import Predictions
from ecg_keras.metrics import Confusion, LabelScorer, LabelScores
from ecg_keras.metrics.inputs import Weights, check_weights, squeeze

FloatArray = npt.NDArray[np.float64]


def score_folds(
    folds: Sequence[Predictions],
    thresholds: Sequence[npt.ArrayLike],
    weights: Sequence[npt.ArrayLike | None] | None = None,
) -> LabelScores:
    """The scores of each label over all folds.

    * AUROC: of all pairs of a positive and a negative record **of one fold**, the share that is
      ranked rightly (ties count half). A fold without a positive or without a negative record has
      no pair.
    * AUPRC: the mean of the folds' average precision, weighted by their positives.
    * F1, sensitivity, specificity: from the decisions counted over all folds, each decided at its
      own fold's thresholds.

    With one fold it equals `ecg_keras.metrics.score_labels`.

    Args:
        folds: predictions of each fold, with the same labels.
        thresholds: ``(labels,)`` or a number, for each fold.
        weights: how often each record of each fold counts: ``(records,)``, or
            ``(resamples, records)``.

    Example:
        >>> a = Predictions(["MI"], ["r1", "r2"], ["p", "q"], [[1], [0]], [[0.9], [0.2]])
        >>> b = Predictions(["MI"], ["r3", "r4"], ["s", "t"], [[1], [0]], [[0.15], [0.1]])
        >>> score_folds([a, b], [0.5, 0.5]).auroc
        array([1.])
    """
    scorer = FoldScorer(folds, thresholds)
    given = [None] * len(folds) if weights is None else weights
    scores = scorer.score(
        [
            check_weights(counted, len(said.record_ids))
            for said, counted in zip(folds, given, strict=True)
        ]
    )
    return LabelScores(
        **{one.name: squeeze(getattr(scores, one.name), given[0]) for one in fields(scores)}
    )


class FoldScorer:
    """`score_folds` for resample after resample: records are sorted and decided once.

    Args:
        folds, thresholds: as for `score_folds`.
    """

    def __init__(self, folds: Sequence[Predictions], thresholds: Sequence[npt.ArrayLike]) -> None:
        self._folds = [
            LabelScorer(said.targets, said.probabilities, limits)
            for said, limits in zip(folds, thresholds, strict=True)
        ]

    def score(self, weights: Sequence[Weights]) -> LabelScores:
        """Every score, ``(resamples, labels)``.

        Args:
            weights: of each fold, ``(records, resamples)``, of `check_weights`.
        """
        pairs = list(zip(self._folds, weights, strict=True))
        areas = [fold.rank(counted) for fold, counted in pairs]
        counts = [fold.decide(counted) for fold, counted in pairs]
        total = Confusion(*(np.sum(cells, axis=0) for cells in zip(*counts, strict=True)))
        positives = [cells.true_positives + cells.false_negatives for cells in counts]
        negatives = [cells.true_negatives + cells.false_positives for cells in counts]
        both = [p * n for p, n in zip(positives, negatives, strict=True)]
        return LabelScores(
            auroc=_mean([area for area, _ in areas], both),
            auprc=_mean([area for _, area in areas], positives),
            f1=total.f1,
            sensitivity=total.sensitivity,
            specificity=total.specificity,
            prevalence=total.prevalence,
        )


def _mean(scores: Sequence[FloatArray], shares: Sequence[FloatArray]) -> FloatArray:
    """The weighted mean over the folds where a score is defined; NaN where it is in none."""
    if len(scores) == 1:
        return scores[0]
    values = np.stack(scores)
    counted = np.where(np.isnan(values), 0.0, np.stack(shares))
    total = counted.sum(axis=0)
    sums = (np.where(np.isnan(values), 0.0, values) * counted).sum(axis=0)
    mean: FloatArray = np.divide(sums, total, out=np.full_like(total, np.nan), where=total > 0)
    return mean
