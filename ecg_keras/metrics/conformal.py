"""Conformal sets: which of {absent, present} a label may be, with a coverage that is guaranteed.

A label with the limits a (up to which it may be absent) and b (from which it may be present) has
one answer, both, or neither: nothing is assumed of the network or of the distribution of ECGs, but
that the patients it is asked about are drawn as those were on whom the limits were chosen.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import BoolArray, Float64Array, IntArray
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.metrics.inputs import check_scores, check_unit

By = Literal["class", "label"]
ABSENT, PRESENT = 1, 2
# of a set whose number is the sum of the two that it holds
SETS = ("neither", "absent", "present", "either")
# sums of shares of patients err by less
_ROUNDING = 1e-9


class ConformalLimits(NamedTuple):
    """The limits of each label; every field is ``(labels,)``.

    Attributes:
        absent_to: up to this probability a label may be absent; NaN where patients are too few.
        present_from: from this probability on it may be present; NaN where patients are too few.
        with_label: patients with a record that has the label, of whom the limits know.
        without_label: patients with a record that lacks it.
    """

    absent_to: Float64Array
    present_from: Float64Array
    with_label: IntArray
    without_label: IntArray


def least_patients(level: float) -> int:
    """From how many patients a finite limit follows: n / (n + 1) has to reach the level.

    Example:
        >>> least_patients(0.9), least_patients(0.95)
        (9, 19)
    """
    return math.ceil(level / (1 - level) - _ROUNDING)


def patient_quantile(scores: npt.ArrayLike, patients: npt.ArrayLike, level: float) -> float:
    """The score that a new patient's record does not exceed with at least this probability.

    Each of K patients has the weight 1 / (K + 1), in equal parts on their records, and the new one
    that weight at infinity: with one record a patient it is the score of rank ceil((K + 1) level).
    Records of one patient are not exchangeable, patients are (Lee, Barber & Willett 2023,
    "Distribution-free inference with hierarchical data", arXiv 2306.06342, section 3, HCP; Dunn,
    Wasserman & Ramdas 2023, JASA 118, have others, which draw records or have no such guarantee).

    Args:
        scores: ``(records,)``, finite.
        patients: ``(records,)``, of any type that compares; records of one person share one.
        level: above 0 and below 1.

    Returns:
        One of the scores; infinity where patients are fewer than `least_patients`.

    Raises:
        DataError: not as many patients as scores.

    Example:
        >>> patient_quantile([0.1, 0.2, 0.4, 0.3], ["a", "b", "b", "c"], 0.5)
        0.3
    """
    values = np.asarray(scores, np.float64)
    _, patient_of, records = np.unique(patients, return_inverse=True, return_counts=True)
    if values.shape != patient_of.shape or values.ndim != 1:
        raise DataError(
            "patients must be as many as scores, one for each record. Received: "
            f"shapes {patient_of.shape} and {values.shape}."
        )
    order = np.argsort(values)
    reached = np.cumsum(1 / records[patient_of[order]]) / (len(records) + 1)
    place = int(np.searchsorted(reached, level - _ROUNDING))
    return float(values[order[place]]) if place < len(values) else math.inf


def fit_conformal(
    targets: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    patients: npt.ArrayLike,
    *,
    level: float = 0.9,
    by: By = "class",
) -> ConformalLimits:
    """Split-conformal limits of each label, from records the network was not trained on.

    A record conforms less with "present" the lower its probability p, and less with "absent" the
    higher: the scores are 1 - p and p (Sadinle, Lei & Wasserman 2019). A limit is their
    `patient_quantile` (Vovk et al. 2005; Angelopoulos & Bates 2023, section 1, with the correction
    for finite samples). With ``by="class"`` only the order of the probabilities counts: a
    temperature or Platt's map changes no set.

    Args:
        targets: 0 or 1, ``(records, labels)``.
        probabilities: in [0, 1], of the same shape.
        patients: ``(records,)``; records of one person share one.
        level: of the coverage, at least 0.5 and below 1.
        by: ``"class"`` has a quantile for the records with and one for those without a label
            (Mondrian; Vovk 2012, section 3): the level holds among patients who have it, however
            rare, and among those who have not. ``"label"`` has one for both, and the level holds
            for all of them together: of a rare label it may never name one.

    Returns:
        Limits; NaN for a label for which fewer than `least_patients` have it or, with
        ``"class"``, lack it.

    Raises:
        ConfigError: a setting is out of range.
        DataError: shapes that differ, targets other than 0 and 1, probabilities outside [0, 1].

    Example:
        >>> p = np.arange(40)[:, None] / 40
        >>> found = fit_conformal(p > 0.4, p, np.arange(40), level=0.9)
        >>> found.absent_to, found.present_from, found.with_label, found.without_label
        (array([0.4]), array([0.45]), array([23]), array([17]))
    """
    if not 0.5 <= level < 1:
        raise ConfigError(f"level must be at least 0.5 and below 1. Received: {level}.")
    if by not in ("class", "label"):
        raise ConfigError(f"by must be one of class, label. Received: {by}.")
    truth, scores = check_scores(targets, probabilities)
    check_unit(scores)
    people = np.asarray(patients)
    columns = [
        _fit_label(having, column, people, level, by)
        for having, column in zip(truth.T, scores.T, strict=True)
    ]
    counts = np.array(
        [[len(np.unique(people[own])) for own in (having, ~having)] for having in truth.T]
    )
    absent_to, present_from = np.array(columns).T
    return ConformalLimits(absent_to, present_from, counts[:, 0], counts[:, 1])


def conformal_sets(
    probabilities: npt.ArrayLike, absent_to: npt.ArrayLike, present_from: npt.ArrayLike
) -> IntArray:
    """The set of each record and label.

    Args:
        probabilities: in [0, 1], ``(records, labels)``.
        absent_to, present_from: ``(labels,)``, of `fit_conformal`.

    Returns:
        ``(records, labels)``, places in `SETS`: 1 absent, 2 present, 3 either, 0 neither; -1 where
        a label has no limits.

    Example:
        >>> conformal_sets([[0.2], [0.5], [0.9]], [0.5], [0.4]).ravel()
        array([1, 3, 2])
    """
    values = np.asarray(probabilities, np.float64)
    upper, lower = np.asarray(absent_to, np.float64), np.asarray(present_from, np.float64)
    found = ABSENT * (values <= upper) + PRESENT * (values >= lower)
    return np.where(np.isnan(upper) | np.isnan(lower), -1, found)


def _fit_label(
    having: BoolArray, scores: Float64Array, patients: npt.NDArray[np.generic], level: float, by: By
) -> tuple[float, float]:
    """``absent_to`` and ``present_from`` of one label."""
    if by == "label":
        both = patient_quantile(np.where(having, 1 - scores, scores), patients, level)
        # 1 - (1 - p) may exceed p by a rounding, which all records of that p would fall to
        own = scores[having & (1 - scores <= both)]
        limits = both, min(1 - both, own.min(initial=1.0))
    else:
        limits = (
            patient_quantile(scores[~having], patients[~having], level),
            -patient_quantile(-scores[having], patients[having], level),
        )
    return limits if np.isfinite(limits).all() else (math.nan, math.nan)
