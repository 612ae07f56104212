"""`Contrast`: a weighted sum of the scores of arms, with its interval over seeds and patients."""

from __future__ import annotations

from dataclasses import dataclass

from ecg_keras.evaluation import Estimate


@dataclass(frozen=True)
class Contrast(Estimate):
    """A weighted sum of scores, such as fine-tuned - scratch; of one arm, its score.

    Attributes:
        value, low, high: the mean over seeds, and its interval.
        level: of the interval.
        standard_error: of the value, over seeds and patients.
        degrees: of freedom of the t distribution behind the interval.
        p_value: two-sided, of no difference.
        seed_variance: of one seed's value around the mean over seeds; NaN with one seed.
        patient_variance: of the value over test patients, for as many patients as were tested.
        seeds, folds, records, patients: how many.
        by_seed: the value of each seed.
    """

    level: float
    standard_error: float
    degrees: float
    p_value: float
    seed_variance: float
    patient_variance: float
    seeds: int
    folds: int
    records: int
    patients: int
    by_seed: tuple[float, ...]
