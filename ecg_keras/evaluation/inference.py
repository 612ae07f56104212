"""`Contrast`: a score or a difference of scores, with its interval over seeds and patients.

The one engine behind `compare`, run pages, studies and advice: whatever is compared is rows of
scores, a row of each seed, on the same draws of patients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ecg_keras.array_types import Float64Array, IntArray
from ecg_keras.evaluation.estimates import Estimate
from ecg_keras.evaluation.intervals import (
    Patients,
    allow_for_lean,
    find_lean,
    label_interval,
    mean_interval,
)
from ecg_keras.evaluation.variance import (
    Parts,
    find_parts,
    free_degrees,
    interval,
    match_degrees,
    two_sided,
)


@dataclass(frozen=True)
class Contrast(Estimate):
    """A weighted sum of scores, such as fine-tuned - scratch; of one arm, its score.

    Attributes:
        value, low, high: the mean over seeds, and its interval.
        level: of the interval.
        standard_error: of the value, over seeds and patients.
        degrees: of freedom of the t distribution with the same interval: it reaches
            t(degrees) x ``standard_error`` to each side (of a score on the logit scale).
        p_value: two-sided, of no difference.
        seed_variance: of one seed's value around the mean over seeds; NaN with one seed.
        patient_variance: of the value over test patients, for as many patients as were tested.
        seeds, folds, records, patients: how many.
        by_seed: the value of each seed.
        interaction_variance: of one seed's value over test patients, the part that it does not
            share with the other seeds; 0 with one seed.
        patient_degrees: degrees of freedom of ``patient_variance``: about as many as there are
            patients, fewer where few of them decide.
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
    interaction_variance: float = 0.0
    patient_degrees: float = math.inf

    @property
    def parts(self) -> Parts:
        """The parts of its variance, which p-values and projections are made of."""
        return Parts(
            seeds=self.seeds,
            seed=self.seed_variance,
            interaction=self.interaction_variance,
            patient=self.patient_variance,
            degrees=self.patient_degrees,
        )


@dataclass(frozen=True)
class Design:
    """How many were tested, and in how many of the rows a group of patients is left out."""

    groups: int
    records: int
    patients: int
    folds: int = 1


def infer(
    rows: Float64Array, design: Design, most: float, level: float, score: str | None = None
) -> Contrast:
    """The contrast of ``(seeds, rows)``, with at most ``most`` degrees of freedom over patients."""
    by_seed, resampled = rows[:, 0], rows[:, 1 + design.groups :]
    parts = find_parts(rows, design.groups, most)
    value, error, reach = float(by_seed.mean()), parts.standard_error, parts.reach(level)
    lean = 0.0 if score is None else find_lean(score, value, resampled.mean(axis=0))
    low, high = allow_for_lean(
        value, lambda centre: interval(centre, reach, bounded=score is not None), lean
    )
    return Contrast(
        value=value,
        low=low,
        high=high,
        level=level,
        standard_error=error,
        degrees=match_degrees(reach / error, level) if error else parts.degrees,
        p_value=two_sided(value, parts),
        seed_variance=parts.seed,
        patient_variance=parts.patient,
        seeds=parts.seeds,
        folds=design.folds,
        records=design.records,
        patients=design.patients,
        by_seed=tuple(by_seed.tolist()),
        interaction_variance=parts.interaction,
        patient_degrees=parts.degrees,
    )


def infer_difference(
    rows: Float64Array,
    design: Design,
    support: IntArray,
    level: float,
    bounds: tuple[float, float] = (-1.0, 1.0),
) -> Contrast:
    """The contrast of differences, ``(seeds, rows)``; ``support`` of each label that counts.

    Interval and p-value are NaN where they can't be estimated; ``bounds`` of what can be.
    """
    found = infer(rows, design, free_degrees(support), level)
    # fewer than two patients have or lack every label; or a difference that is not 0 is the same
    # whoever is left out or drawn
    if support.max() < 2 or (found.value != 0 and found.standard_error == 0):
        return replace(found, low=math.nan, high=math.nan, p_value=math.nan)
    return replace(found, low=max(found.low, bounds[0]), high=min(found.high, bounds[1]))


def infer_score(
    rows: Float64Array, design: Design, patients: Patients, level: float, name: str
) -> Contrast:
    """The contrast of one network's score, or of its seeds: a mean over labels, or an AUROC.

    One that is the same whoever is left out or drawn, such as 1, has the interval that it has on a
    run's page, NaN where patients are too few.
    """
    found = infer(rows, design, free_degrees(patients.support), level, name)
    if found.standard_error > 0:
        return found
    if name == "auroc":
        counts = int(patients.having[0]), int(patients.lacking[0])
        interval_at = label_interval(name, rows[0], design.groups, *counts)
    else:
        interval_at = mean_interval(name, rows[0], design.groups, patients.support)
    low, high = (math.nan, math.nan) if interval_at is None else interval_at(level)
    return replace(found, low=low, high=high)
