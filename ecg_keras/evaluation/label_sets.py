"""`LabelSets`: what each label may be, absent or present, and how often such a set was right.

The limits come from the validation split, and so do calibration and epoch. A calibration changes
no set by class; that the epoch was chosen there makes the coverage a little lower than promised.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from ecg_keras.array_types import BoolArray, TextArray
from ecg_keras.evaluation.estimates import Estimate, number, parse_stored, share_interval
from ecg_keras.evaluation.intervals import LEAST_PATIENTS
from ecg_keras.evaluation.predictions import Predictions
from ecg_keras.metrics import SETS, By, conformal_sets, fit_conformal, least_patients
from ecg_keras.text import percent


@dataclass(frozen=True)
class LabelSet:
    """The set of one label: where it begins and ends, and how often it was right and of one answer.

    Attributes:
        absent_to: up to this probability the label may be absent; ``None`` where it has no set.
        present_from: from this probability on it may be present.
        with_label, without_label: patients of the validation split behind these limits.
        coverage_with: of the test patients who have the label, the mean share of such records whose
            set holds "present", with its interval (Wilson 1927); ``None`` where there are none.
        coverage_without: the same of those who lack it, and "absent".
        alone: share of the test records whose set is one answer.
        either, neither: shares of those whose set is both answers, or none.
    """

    absent_to: float | None
    present_from: float | None
    with_label: int
    without_label: int
    coverage_with: Estimate | None = None
    coverage_without: Estimate | None = None
    alone: float | None = None
    either: float | None = None
    neither: float | None = None


@dataclass(frozen=True)
class LabelSets:
    """The sets of all labels.

    Attributes:
        level: the coverage that they are made for.
        by: ``"class"``, among patients who have a label and those who lack it, or ``"label"``.
        labels: of each label its set, in the order of the columns.
    """

    level: float
    by: By
    labels: Mapping[str, LabelSet]

    @property
    def limits(self) -> dict[str, tuple[float | None, float | None]]:
        """Of each label ``absent_to`` and ``present_from``: all that decides a set."""
        return {name: (one.absent_to, one.present_from) for name, one in self.labels.items()}

    def find(self, probabilities: npt.ArrayLike) -> list[tuple[str, ...]]:
        """The set of each label: absent, present, either or neither; empty where it has none.

        Args:
            probabilities: ``(records, labels)``.
        """
        found = conformal_sets(probabilities, *_limits(self))
        return [tuple("" if place < 0 else SETS[place] for place in row) for row in found.tolist()]

    @property
    def without(self) -> tuple[str, ...]:
        """The labels that have no set, because too few validation patients have or lack them."""
        return tuple(label for label, one in self.labels.items() if one.absent_to is None)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the sets promise, and what they do not, a sentence each."""
        among = (
            "of the patients who have a label, and of those who lack it"
            if self.by == "class"
            else "of all patients, with and without a label together"
        )
        few = f"No set, because fewer than {least_patients(self.level)} validation patients have "
        return (
            f"A set holds the truth for {percent(self.level)} {among}.",
            "That is promised for patients such as those of the validation split, which chose its "
            "limits and the epoch.",
            *([f"{few}or lack them: {', '.join(self.without)}."] if self.without else ()),
        )


def fit_sets(valid: Predictions, *, level: float = 0.9, by: By = "class") -> LabelSets:
    """Chooses the limits of the sets on a validation split.

    Args:
        valid: its predictions, calibrated or not.
        level, by: as of `ecg_keras.metrics.fit_conformal`.

    Example:
        >>> ids, p = [f"{n:02}" for n in range(40)], np.arange(40)[:, None] / 40
        >>> sets = fit_sets(Predictions(["MI"], ids, ids, p > 0.4, p))
        >>> sets.find([[0.2], [0.44], [0.9]])
        [('absent',), ('neither',), ('present',)]
    """
    found = fit_conformal(valid.targets, valid.probabilities, valid.patient_ids, level=level, by=by)
    rows = zip(valid.labels, *(column.tolist() for column in found), strict=True)
    return LabelSets(
        level,
        by,
        {
            label: LabelSet(*((None, None) if math.isnan(upper) else (upper, lower)), *patients)
            for label, upper, lower, *patients in rows
        },
    )


def expected_coverage(patients: int, level: float, interval: float = 0.95) -> tuple[float, float]:
    """Where the coverage is that one validation split of this many patients brings about.

    The level is a mean over validation splits. One of n patients brings about a coverage from
    Beta(k, n + 1 - k), with k = ceil((n + 1) level) (Vovk 2012, section 2).

    Args:
        patients: of the class, each with one record.
        level: of the sets.
        interval: the share of validation splits.

    Example:
        >>> [round(end, 2) for end in expected_coverage(20, 0.9)]
        [0.75, 0.99]
    """
    rank = math.ceil((patients + 1) * level - 1e-9)
    ends = np.array([(1 - interval) / 2, (1 + interval) / 2])
    low, high = special.betaincinv(rank, patients + 1 - rank, ends)
    return float(low), float(high)


def measure_sets(sets: LabelSets, test: Predictions, level: float = 0.95) -> LabelSets:
    """The same sets with what they were on a test split.

    Args:
        sets: of the same labels.
        test: its predictions, calibrated as those that the limits were chosen on.
        level: of the intervals.
    """
    found = conformal_sets(test.probabilities, *_limits(sets))
    measured = {}
    for column, (label, one) in enumerate(sets.labels.items()):
        if one.absent_to is None:
            measured[label] = one
            continue
        own, having = found[:, column], test.targets[:, column] == 1
        measured[label] = replace(
            one,
            coverage_with=_coverage((own & 2) > 0, having, test.patient_ids, level),
            coverage_without=_coverage((own & 1) > 0, ~having, test.patient_ids, level),
            alone=float(np.isin(own, (1, 2)).mean()),
            either=float((own == 3).mean()),
            neither=float((own == 0).mean()),
        )
    return replace(sets, labels=measured)


def read_sets(content: Mapping[str, Any] | None) -> LabelSets | None:
    """What ``scores.json`` holds of them."""
    found: LabelSets | None = parse_stored(LabelSets | None, content)
    return found


def _limits(sets: LabelSets) -> list[list[float]]:
    return [[number(end) for end in ends] for ends in zip(*sets.limits.values(), strict=True)]


def _coverage(
    held: BoolArray,
    chosen: BoolArray,
    patient_ids: TextArray,
    level: float,
) -> Estimate | None:
    """The mean over patients of the share of their chosen records that are covered."""
    _, patient_of = np.unique(patient_ids[chosen], return_inverse=True)
    if not len(patient_of):
        return None
    shares = np.bincount(patient_of, held[chosen]) / np.bincount(patient_of)
    value, count = float(shares.mean()), len(shares)
    if count < LEAST_PATIENTS:
        return Estimate(value, math.nan, math.nan)
    # the share of several records varies less than the yes or no of one: it is not too short
    low, high = share_interval(value, count, level)
    return Estimate(value, float(low), float(high))
