"""Scores that are reported beside those of `ecg_keras.metrics.METRICS`, and never decide."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_keras.data.sources import find_source
from ecg_keras.errors import ConfigError
from ecg_keras.evaluation.bootstrap import draw_patients
from ecg_keras.evaluation.predictions import Predictions
from ecg_keras.metrics import (
    brier,
    challenge_gap,
    challenge_score,
    decide,
    macro,
    operating_scores,
    sample_f_max,
)

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
    """Of the labels that have both a positive and a negative record, as every other mean."""
    return np.where(np.isnan(scores.f_max), np.nan, scores.brier)


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


def score_further(
    said: Predictions,
    thresholds: FloatArray,
    codes: Codes | None,
    weights: FloatArray | None = None,
) -> FurtherScores:
    """The further scores of predictions.

    Args:
        said: predictions.
        thresholds: ``(labels,)``, for the Challenge scores.
        codes: of each label its SNOMED CT codes, for the Challenge scores.
        weights: how often each record counts: ``(records,)`` or ``(resamples, records)``.
    """
    best, sensitivity = operating_scores(
        said.targets, said.probabilities, SPECIFICITY, weights=weights
    )
    decisions = decide(said.probabilities, thresholds)
    columns = None if codes is None else [codes.get(label, ()) for label in said.labels]

    def challenge(year: int) -> FloatArray:
        if columns is None or challenge_gap(columns, year=year) is not None:
            return np.full(best.shape[:-1], np.nan)
        return challenge_score(said.targets, decisions, columns, year=year, weights=weights)

    return FurtherScores(
        f_max=best,
        sensitivity_at_95_specificity=sensitivity,
        brier=brier(said.targets, said.probabilities, weights),
        sample_f_max=sample_f_max(said.targets, said.probabilities, weights),
        challenge_2020=challenge(2020),
        challenge_2021=challenge(2021),
    )


def resample_further(
    said: Predictions,
    thresholds: FloatArray,
    codes: Codes | None,
    *,
    bootstrap: int,
    seed: int,
) -> FurtherScores:
    """The further scores in every resample of the patients: the resamples of `resample_scores`."""
    blocks = [
        score_further(said, thresholds, codes, weights)
        for weights in draw_patients(said.patient_ids, bootstrap, seed)
    ]
    names = FurtherScores.__dataclass_fields__
    return FurtherScores(
        **{name: np.concatenate([getattr(block, name) for block in blocks]) for name in names}
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
        source: a name of `ecg_keras.data.sources.SOURCES`, or the dotted name of a module. A module
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
        module = find_source(source)
    except ConfigError:
        return None
    definitions: Mapping[str, Codes] = getattr(module, "DEFINITIONS", {})
    return definitions.get(label_set)
