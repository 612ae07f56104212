"""Scores that are reported beside those of `ecg_keras.metrics.METRICS`, and never decide."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_keras.errors import ConfigError
from ecg_keras.evaluation.predictions import Predictions
from ecg_keras.metrics import ChallengeScorer, challenge_gap, decide, macro
from ecg_keras.metrics.calibration import mean_errors
from ecg_keras.metrics.challenge import YEARS
from ecg_keras.metrics.counting import RankedLabel
from ecg_keras.metrics.inputs import Weights, check_scores
from ecg_keras.metrics.operating import SampleCurves, best_points
from ecg_keras.sources import codes_of, find_source

FloatArray = npt.NDArray[np.float64]
Codes = Mapping[str, Collection[str]]

SPECIFICITY = 0.95
NO_CODES = "the labels have no SNOMED CT codes"


@dataclass(frozen=True, eq=False)
class FurtherScores:
    """On the test records, or one row for each resample.

    Attributes:
        f_max, sensitivity_at_95_specificity, brier: of each label, ``(labels,)`` or
            ``(resamples, labels)``; NaN where undefined.
        sample_f_max, challenge_2020, challenge_2021: of all labels together, one number or
            ``(resamples,)``; NaN where undefined.
    """

    f_max: FloatArray
    sensitivity_at_95_specificity: FloatArray
    brier: FloatArray
    sample_f_max: FloatArray
    challenge_2020: FloatArray
    challenge_2021: FloatArray


def _scored_brier(scores: FurtherScores) -> FloatArray:
    """Of the labels that have both a positive and a negative test record, as every other mean.

    In each row: this score needs no positive record.
    """
    return np.where(np.isnan(scores.f_max[0]), np.nan, scores.brier)


FURTHER: Mapping[str, Callable[[FurtherScores], FloatArray]] = {
    "macro_f_max": lambda scores: macro(scores.f_max),
    "sample_f_max": lambda scores: scores.sample_f_max,
    "macro_sensitivity_at_95_specificity": lambda scores: macro(
        scores.sensitivity_at_95_specificity
    ),
    "macro_brier": lambda scores: macro(_scored_brier(scores)),
    "challenge_2020": lambda scores: scores.challenge_2020,
    "challenge_2021": lambda scores: scores.challenge_2021,
}


class FurtherScorer:
    """The further scores of predictions, for resample after resample.

    Args:
        said: predictions.
        thresholds: ``(labels,)``, for the Challenge scores.
        codes: of each label its SNOMED CT codes, for the Challenge scores.
        ranked: the labels' records, sorted, of `ecg_keras.metrics.LabelScorer`.
    """

    def __init__(
        self,
        said: Predictions,
        thresholds: FloatArray,
        codes: Codes | None,
        ranked: Sequence[RankedLabel],
    ) -> None:
        truth, scores = check_scores(said.targets, said.probabilities)
        self._ranked = ranked
        self._errors = (scores - truth) ** 2
        self._curves = SampleCurves(truth, scores)
        decisions = decide(said.probabilities, thresholds)
        columns = None if codes is None else [codes.get(label, ()) for label in said.labels]
        self._challenge = {
            year: ChallengeScorer(said.targets, decisions, columns, year=year)
            for year in YEARS
            if columns is not None and challenge_gap(columns, year=year) is None
        }

    def score(self, weights: Weights) -> FurtherScores:
        """Every score of each resample.

        Args:
            weights: ``(records, resamples)``, of `ecg_keras.metrics.inputs.check_weights`.
        """
        best, sensitivity = best_points(self._ranked, weights, SPECIFICITY)
        challenge = {
            year: self._challenge[year].score(weights)
            if year in self._challenge
            else np.full(weights.shape[1], np.nan)
            for year in YEARS
        }
        return FurtherScores(
            f_max=best,
            sensitivity_at_95_specificity=sensitivity,
            brier=mean_errors(self._errors, weights),
            sample_f_max=self._curves.best(weights),
            challenge_2020=challenge[2020],
            challenge_2021=challenge[2021],
        )


def explain_challenge(labels: Sequence[str], codes: Codes | None) -> str | None:
    """Why labels have no score of the Challenge of 2021; ``None`` where they have one.

    Example:
        >>> explain_challenge(["MI"], {"MI": ["164865005"]})
        'no label is sinus rhythm (426783006)'
    """
    return NO_CODES if codes is None else challenge_gap([codes.get(one, ()) for one in labels])


def snomed_codes(source: str, label_set: str) -> Codes | None:
    """The SNOMED CT codes of a source's labels.

    Args:
        source: a name of `ecg_keras.sources.SOURCES`, or the dotted name of a module. A module
            whose database is coded in SNOMED CT has ``DEFINITIONS``: for each label set, of each
            label its codes.
        label_set: of the source.

    Returns:
        ``None`` where the source tells no codes, or is not installed here.

    Example:
        >>> snomed_codes("georgia", "georgia")["AF"]
        ('164889003',)
    """
    try:
        return codes_of(find_source(source), label_set)
    except ConfigError:
        return None
