"""What a network said of recordings, and estimates of it in which patients are independent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats

from ecg_keras.array_types import AnyArray, Float64Array, IntArray

# patients with and without a label, below which it is not judged
FEWEST_OF_LABEL = 10


@dataclass(frozen=True, eq=False)
class Outputs:
    """What a network said of recordings, and what is known of them.

    Attributes:
        probabilities: ``(records, labels)`` of the answered ones.
        patients: ``(records,)``, whom each is of.
        targets: 0 or 1 ``(records, labels)``, NaN where the truth is not known; ``None`` where
            none of it is.
        lost: how many more were not answered.
        out_of: how many there were, where these are a part of them; ``None`` where they are all.
    """

    probabilities: AnyArray
    patients: AnyArray
    targets: AnyArray | None = None
    lost: int = 0
    out_of: int | None = None

    @property
    def answers(self) -> Float64Array:
        """1 of each recording that was not answered, and 0 of each that was."""
        number = len(self.patients) + self.lost if self.out_of is None else self.out_of
        return np.repeat([1.0, 0.0], [self.lost, number - self.lost])


class PatientEstimate(NamedTuple):
    """A mean or AUROC with what each patient adds to its error.

    ``within`` is the variance of the values of a mean, and the least variance of an AUROC.
    """

    value: float
    parts: Float64Array
    number: int
    within: float = 0.0

    @property
    def variance(self) -> float:
        return float(np.square(self.parts).sum()) * (1 + 1 / self.degrees)

    @property
    def degrees(self) -> float:
        return max(1, len(self.parts) - 1)


def mean_of(values: Float64Array, patients: AnyArray) -> PatientEstimate:
    """The mean of values, one of each recording."""
    value = float(values.mean())
    _, groups = np.unique(patients, return_inverse=True)
    parts: Float64Array = np.bincount(groups, (values - value) / len(values)).astype(np.float64)
    return PatientEstimate(value, parts, len(values), float(values.var()))


def mean_auroc(several: Sequence[PatientEstimate]) -> PatientEstimate:
    """The mean of AUROCs of the same patients."""
    value = float(np.mean([one.value for one in several]))
    parts = np.mean([one.parts for one in several], axis=0)
    return PatientEstimate(value, parts, min(one.number for one in several))


@dataclass(frozen=True, eq=False)
class KnownLabel:
    """The recordings of which it is known whether they have a label."""

    truth: Float64Array
    chance: Float64Array
    patients: IntArray  # numbered from 0
    people: int  # patients with and without known recordings

    @classmethod
    def of(cls, one: Outputs, column: int) -> KnownLabel:
        """Of the label in that column."""
        truth = np.asarray(one.targets, np.float64)[:, column]
        known = ~np.isnan(truth)
        names, numbers = np.unique(one.patients, return_inverse=True)
        chance = one.probabilities[known, column].astype(np.float64)
        return cls(truth[known], chance, numbers[known], len(names))

    def rank(self) -> Iterator[PatientEstimate]:
        """The AUROC of the label, by how many of the others each record is above, where any is."""
        truth, chance = self.truth == 1, self.chance
        having, lacking = (len(np.unique(self.patients[one])) for one in (truth, ~truth))
        if min(having, lacking) < FEWEST_OF_LABEL:
            return
        ranks = stats.rankdata(chance)
        positives, negatives = np.count_nonzero(truth), np.count_nonzero(~truth)
        placed = np.empty(len(chance))
        placed[truth] = (ranks[truth] - stats.rankdata(chance[truth])) / negatives
        placed[~truth] = 1 - (ranks[~truth] - stats.rankdata(chance[~truth])) / positives
        value = float(placed[truth].mean())
        weights = (placed - value) / np.where(truth, positives, negatives)
        parts = np.bincount(self.patients, weights, self.people).astype(np.float64)
        fewer = min(having, lacking)
        yield PatientEstimate(value, parts, fewer, _least_variance(value, having, lacking))


def _least_variance(value: float, having: int, lacking: int) -> float:
    """That of an AUROC by Hanley & McNeil (1982), of one that is not quite 1."""
    fewer = min(having, lacking)
    expected = (value * fewer + 0.5) / (fewer + 1)
    first, second = expected / (2 - expected), 2 * expected**2 / (1 + expected)
    square = expected**2
    return (
        expected - square + (having - 1) * (first - square) + (lacking - 1) * (second - square)
    ) / (having * lacking)
