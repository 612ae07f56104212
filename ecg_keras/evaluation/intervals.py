"""Intervals of single scores, which contain their score and stay where scores can be.

A network's score on few patients is skewed: the interval is found by asking which expectations the
score is not too far from, with the standard error that each expectation would bring (a score
interval, as Wilson 1927 for proportions and Newcombe 2006 for the AUROC).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from ecg_keras.array_types import Float64Array, IntArray, TextArray
from ecg_keras.evaluation.estimates import Estimate
from ecg_keras.evaluation.variance import Parts, find_parts, free_degrees, interval
from ecg_keras.metrics import FURTHER, METRICS

# with a label, and without, for the interval of one network's score; with it, for a threshold
LEAST_PATIENTS = 5
# without a label, for a sensitivity at 95 % specificity: that three false alarms are allowed
LEAST_LACKING = 60
# The variance over patients is compared with that of a model, which counts as this many degrees of
# freedom. Both numbers were chosen with tools/verdict_calibration.py.
PRIOR_DEGREES = 2.0
MORE_DEGREES = 6.0

NEAR = 1e-9
PROPORTIONS = ("f1", "sensitivity", "specificity", "sensitivity_at_95_specificity")
MEANS = {**METRICS, **FURTHER}
# see `Metric`; those of single labels have no row
JUMPING = ("f_max", "sensitivity_at_95_specificity",
           *(name for name, row in MEANS.items() if row.jumps))  # fmt: skip
LEANING = (*JUMPING, "auprc", *(name for name, row in MEANS.items() if row.leans))
# resamples lean as well, beyond the score that they are drawn from, by about a third of that
LEAN = 3.0


IntervalAt = Callable[[float], tuple[float, float]]  # of a level, its two ends


@dataclass(frozen=True, eq=False)
class Patients:
    """How many patients the scores of each label rest on, ``(labels,)`` each."""

    having: IntArray
    lacking: IntArray

    @property
    def support(self) -> IntArray:
        """The lesser of both."""
        return np.minimum(self.having, self.lacking)


def count_patients(patient_ids: TextArray, targets: npt.NDArray[np.uint8]) -> Patients:
    """Patients with and without each label; one with records of both kinds counts as both."""
    patients, patient_of = np.unique(patient_ids, return_inverse=True)
    having, lacking = (
        np.array(
            [
                np.count_nonzero(np.bincount(patient_of, column == value, len(patients)))
                for column in targets.T
            ],
            dtype=np.int64,
        )
        for value in (1, 0)
    )
    return Patients(having, lacking)


def label_interval(
    name: str, rows: Float64Array, groups: int, having: int, lacking: int
) -> IntervalAt | None:
    """The interval of a label's score at any level; ``None`` where patients are too few."""
    value = float(rows[0])
    behind = {"sensitivity": having, "specificity": lacking}.get(name, min(having, lacking))
    coarse = name == "sensitivity_at_95_specificity" and lacking < LEAST_LACKING
    if np.isnan(value) or behind < LEAST_PATIENTS or coarse:
        return None
    if name == "brier":  # a mean over all records
        spread = find_parts(rows[None, :], groups)
        return _within(
            value, lambda score, level: interval(score, spread.reach(level), bounded=True)
        )
    calm = name not in JUMPING
    parts = find_parts(rows[None, :], groups, float(behind - 1), jackknife=calm)

    def variance(expected: float) -> float:
        if name == "auroc":
            return auroc_variance(expected, having, lacking)
        return expected * (1 - expected) / (lacking if name == "specificity" else having)

    degrees = np.inf if name in PROPORTIONS else parts.degrees + MORE_DEGREES
    return _within(
        value,
        lambda score, level: score_interval(score, parts, variance, degrees, level),
        find_lean(name, value, rows[1 + groups :]),
    )


def estimate_label(
    name: str, rows: Float64Array, groups: int, having: int, lacking: int, level: float
) -> Estimate | None:
    """A label's score with its interval."""
    return estimate_at(rows, label_interval(name, rows, groups, having, lacking), level)


def estimate_scores(
    rows: Any, names: Sequence[str], column: int, groups: int, patients: Patients, level: float
) -> dict[str, Estimate | None]:
    """`estimate_label` of several scores of one label."""
    having, lacking = int(patients.having[column]), int(patients.lacking[column])
    return {
        name: estimate_label(name, getattr(rows, name)[:, column], groups, having, lacking, level)
        for name in names
    }


def mean_interval(
    name: str, rows: Float64Array, groups: int, support: IntArray
) -> IntervalAt | None:
    """The interval of a mean over labels at any level; ``None`` where patients are too few."""
    value = float(rows[0])
    if np.isnan(value) or support.sum() < LEAST_PATIENTS:
        return None
    most = math.inf if MEANS[name].counts_all else free_degrees(support)
    parts = find_parts(rows[None, :], groups, most, jackknife=name not in JUMPING)
    if MEANS[name].unbounded:  # at most 1, and as low as can be
        return lambda level: (value - parts.reach(level), min(value + parts.reach(level), 1.0))
    lean = find_lean(name, value, rows[1 + groups :])
    if parts.patient > 0 and 0 < value < 1:
        return _within(
            value, lambda score, level: interval(score, parts.reach(level), bounded=True), lean
        )
    scored = support[support > 0]
    patients = len(scored) ** 2 / (1 / scored).sum()  # a mean of proportions of that many patients

    def variance(expected: float) -> float:
        return float(expected * (1 - expected) / patients)

    return _within(
        value,
        lambda score, level: score_interval(score, parts, variance, parts.degrees, level),
        lean,
    )


def estimate_mean(
    name: str, rows: Float64Array, groups: int, support: IntArray, level: float
) -> Estimate | None:
    """A mean over labels, or a score of all labels together, with its interval."""
    return estimate_at(rows, mean_interval(name, rows, groups, support), level)


def score_interval(
    value: float,
    parts: Parts,
    variance: Callable[[float], float],
    degrees: float,
    level: float,
) -> tuple[float, float]:
    """The expectations that a score is not too far from, with the standard error of each."""
    # The variance is the model's times how much more, or less, the score varies over the patients
    # that there are, which is drawn towards 1 as a variance of few degrees of freedom is drawn
    # towards what is known (Smyth 2004). A score that does not vary says nothing of that.
    model = variance(value)
    ratio = 1.0
    if model > 0 and parts.patient > 0:
        ratio = (PRIOR_DEGREES + parts.degrees * parts.patient / model) / (
            PRIOR_DEGREES + parts.degrees
        )
    far = float(special.stdtrit(min(degrees, 1e9), (1 + level) / 2))

    def beyond(expected: float) -> float:
        return abs(value - expected) - far * math.sqrt(ratio * max(variance(expected), 0.0))

    # not from the value itself: there the variance may be 0, as that of 1 is. At low levels, which
    # p-values need, the end may be nearer still
    below, above = value * (1 - NEAR), value + (1 - value) * NEAR
    low = optimize.brentq(beyond, 0.0, below) if beyond(below) < 0 else below
    high = optimize.brentq(beyond, above, 1.0) if beyond(above) < 0 else above
    return float(low), float(high)


def find_lean(name: str, value: float, resampled: Float64Array) -> float:
    """How much higher a score may be here than on endless records, on average over tests."""
    # AUPRC counts each positive among those that score as high as itself, and F-max and sensitivity
    # at 95 % specificity take the best of all thresholds: they are too high where positives are
    # few. Resamples show it, but not all: there is 1.5 to 4 times as much
    # (tools/verdict_calibration.py).
    kept = resampled[np.isfinite(resampled)]
    if name not in LEANING or not len(kept):
        return 0.0
    return LEAN * max(float(kept.mean()) - value, 0.0)


def allow_for_lean(
    value: float, interval_of: Callable[[float], tuple[float, float]], lean: float
) -> tuple[float, float]:
    """An interval whose lower end is that of a score without its lean; it contains the score."""
    low, high = interval_of(value)
    if lean > 0:
        low = min(low, interval_of(value - lean)[0]) if value > lean else 0.0
    return low, high


def auroc_variance(expected: float, having: int, lacking: int) -> float:
    """The variance of an AUROC over patients of one record each, if scores were exponential.

    Newcombe (2006), Statistics in Medicine 25, method 5: that of Hanley & McNeil (1982) with both
    numbers of patients replaced by their mean where they add to the pairs.
    """
    more = (having + lacking) / 2 - 1
    shared = (1 - expected) / (2 - expected) + expected / (1 + expected)
    return expected * (1 - expected) * (1 + more * shared) / (having * lacking)


def _within(
    value: float,
    interval_of: Callable[[float, float], tuple[float, float]],
    lean: float = 0.0,
) -> IntervalAt:
    """The interval at any level, of scores from 0 to 1; ``interval_of`` a score and a level."""

    def at(level: float) -> tuple[float, float]:
        low, high = allow_for_lean(value, lambda score: interval_of(score, level), lean)
        # the score is within, to the last bit: there and back on the logit scale rounds
        return max(min(low, value), 0.0), min(max(high, value), 1.0)

    return at


def estimate_at(
    rows: Float64Array, interval_at: IntervalAt | None, level: float
) -> Estimate | None:
    """A score with its interval of a level; ``None`` where it is undefined."""
    value = float(rows[0])
    if np.isnan(value):
        return None
    return Estimate(value, *((math.nan, math.nan) if interval_at is None else interval_at(level)))
