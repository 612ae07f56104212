"""All scores of each label, in any number of resamples."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import Float64Array
from ecg_keras.metrics.challenge import YEARS, ChallengeScorer, challenge_gap
from ecg_keras.metrics.counting import rank_labels
from ecg_keras.metrics.decisions import Confusion, count_decisions, decide
from ecg_keras.metrics.inputs import (
    Weights,
    check_scores,
    check_weights,
    mean_over_records,
    ratio,
    squeeze,
)
from ecg_keras.metrics.operating import SampleCurves, best_points
from ecg_keras.metrics.ranking import areas

SPECIFICITY = 0.95


@dataclass(frozen=True, eq=False)
class LabelScores:
    """The scores of each label; every field is ``(labels,)`` or ``(resamples, labels)``.

    NaN where a score is undefined: see `score_labels`.
    """

    auroc: Float64Array
    auprc: Float64Array
    f1: Float64Array
    sensitivity: Float64Array
    specificity: Float64Array
    prevalence: Float64Array

    def macro(self, name: str) -> Float64Array:
        """The plain mean of a score over the labels."""
        return macro(getattr(self, name))

    def weighted(self, name: str) -> Float64Array:
        """The mean of a score over the labels, each weighted by its prevalence."""
        return weighted(getattr(self, name), self.prevalence)


@dataclass(frozen=True, eq=False)
class FurtherScores:
    """Scores that never decide; fields of each label are as in `LabelScores`.

    ``sample_f_max`` and the Challenge scores are of all labels together: one number or
    ``(resamples,)``.
    """

    f_max: Float64Array
    sensitivity_at_95_specificity: Float64Array
    brier: Float64Array
    sample_f_max: Float64Array
    challenge_2020: Float64Array
    challenge_2021: Float64Array

    def macro(self, name: str) -> Float64Array:
        """The mean over the labels that have both a positive and a negative test record."""
        # in each row, as the Brier score needs no positive record
        return macro(np.where(np.isnan(np.atleast_2d(self.f_max)[0]), np.nan, getattr(self, name)))


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
        >>> float(scores.macro("auroc"))
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

    Example:
        >>> scorer = LabelScorer([[0], [1], [1]], [[0.1], [0.8], [0.7]])
        >>> scorer.score(np.ones((3, 2))).auroc  # records x resamples
        array([[1.],
               [1.]])
    """

    def __init__(
        self,
        targets: npt.ArrayLike,
        probabilities: npt.ArrayLike,
        thresholds: npt.ArrayLike = 0.5,
    ) -> None:
        self.truth, self.scores = check_scores(targets, probabilities)
        self.ranked = rank_labels(self.truth, self.scores)
        self.decided = decide(self.scores, thresholds) == 1

    def rank(self, weights: Weights) -> tuple[Float64Array, Float64Array]:
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


class FurtherScorer:
    """`FurtherScores` for resample after resample, from the records that `LabelScorer` has sorted.

    ``codes`` are each label's SNOMED CT codes, for the Challenge scores; ``None`` where unknown.
    """

    def __init__(self, scorer: LabelScorer, codes: Sequence[Collection[str]] | None) -> None:
        self._ranked = scorer.ranked
        self._errors = (scorer.scores - scorer.truth) ** 2
        self._curves = SampleCurves(scorer.truth, scorer.scores)
        self._challenge = {
            year: ChallengeScorer(scorer.truth, scorer.decided, codes, year=year)
            for year in YEARS
            if codes is not None and challenge_gap(codes, year=year) is None
        }

    def score(self, weights: Weights) -> FurtherScores:
        """Every score of each resample; arguments as for `LabelScorer.score`."""
        best, sensitivity = best_points(self._ranked, weights, SPECIFICITY)
        undefined = np.full(weights.shape[1], np.nan)
        return FurtherScores(
            f_max=best,
            sensitivity_at_95_specificity=sensitivity,
            brier=mean_over_records(self._errors, weights),
            sample_f_max=self._curves.best(weights),
            **{
                f"challenge_{year}": self._challenge[year].score(weights)
                if year in self._challenge
                else undefined
                for year in YEARS
            },
        )


def macro(values: npt.ArrayLike) -> Float64Array:
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


def weighted(values: npt.ArrayLike, prevalence: npt.ArrayLike) -> Float64Array:
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
    return ratio((np.where(defined, scores, 0.0) * shares).sum(axis=-1), shares.sum(axis=-1))
