"""`Draws`: how often each patient counts in rows that all networks of a comparison share.

The records of one patient are alike, so patients are left out and drawn with replacement, each with
all of its records (cluster bootstrap; Field & Welsh 2007).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np

from ecg_keras.array_types import Float64Array, IntArray, TextArray
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.metrics import FurtherScores, LabelScores, Weights

# patients (or records) x rows that are held at once: about 2 MB, which a core keeps near
WEIGHTS_PER_BLOCK = 2**19
# rows that are added up together at least, so that a long row of memory is read at a time, as long
# as they take no more than 128 MB
LEAST_ROWS = 256
MOST_WEIGHTS = 2**25
# more patients than this are left out several at a time: the spread of their influence is then
# known well enough, at the price of this many more rows
LEFT_OUT = 200


def check_settings(bootstrap: int, level: float) -> None:
    """Refuse numbers of resamples and levels that give no interval."""
    if bootstrap < 100:
        raise ConfigError(f"bootstrap must be at least 100 resamples. Received: {bootstrap}.")
    if not 0.5 < level < 1:
        raise ConfigError(f"level must be above 0.5 and below 1. Received: {level}.")


@dataclass(frozen=True, eq=False)
class Draws:
    """How often each patient counts, in rows: once all, then leave-outs, then resamples."""

    patients: TextArray
    strata: IntArray
    bootstrap: int
    seed: int

    def __post_init__(self) -> None:
        if len(self.patients) < 2:
            raise DataError(
                f"an interval needs at least two patients. All records are of {self.patients[0]}."
            )

    @property
    def groups(self) -> int:
        """Rows that leave out a patient, or a group of patients where there are many."""
        return min(len(self.patients), LEFT_OUT)

    @property
    def key(self) -> tuple[str, int, int]:
        """Equal for equal rows."""
        digest = hashlib.sha256(self.patients.tobytes() + self.strata.tobytes())
        return digest.hexdigest(), self.bootstrap, self.seed

    def blocks(self) -> Iterator[Weights]:
        """1 row of ones, ``groups`` leave-outs and ``bootstrap`` resamples, in blocks of rows."""
        number = len(self.patients)
        order = np.random.default_rng(self.seed).permutation(number)
        group_of = np.empty(number, dtype=np.int64)
        group_of[order] = np.arange(number) % self.groups
        most = max(1, MOST_WEIGHTS // number)
        size = max(WEIGHTS_PER_BLOCK // number, min(LEAST_ROWS, most))
        yield np.ones((number, 1))
        for start in range(0, self.groups, size):
            left_out = np.arange(start, min(start + size, self.groups))
            yield (group_of[:, None] != left_out).astype(np.float32)
        rng = np.random.default_rng(self.seed)
        strata = [np.flatnonzero(self.strata == one) for one in np.unique(self.strata)]
        for start in range(0, self.bootstrap, size):
            rows = np.zeros((min(size, self.bootstrap - start), number), dtype=np.float32)
            for row in rows:
                for members in strata:
                    drawn = rng.integers(len(members), size=len(members))
                    row[members] = np.bincount(drawn, minlength=len(members))
            yield np.ascontiguousarray(rows.T)

    def weights(self, patient_ids: TextArray) -> Iterator[Weights]:
        """The same for records, ``(records, rows)``: each counts as often as its patient."""
        column = np.searchsorted(self.patients, patient_ids)
        for block in self.blocks():
            yield block[column]


def draw_all(patient_ids: TextArray, bootstrap: int, seed: int) -> Draws:
    """Draws of the patients of some records, of no folds."""
    patients = np.unique(patient_ids)
    return Draws(patients, np.zeros(len(patients), dtype=np.int64), bootstrap, seed)


RARE = 3  # patients with a label, at most, for it to stand for another that few have
Scored = TypeVar("Scored", LabelScores, FurtherScores)


def draw_in(scores: Scored, support: IntArray, groups: int) -> Scored:
    """Scores whose leave-outs are drawn towards the score of all, label by label."""
    # A patient who is left out of m changes a mean over them so much that the jackknife of
    # patients, which takes their number for that of all patients, finds m / (m - 1) times the
    # variance.
    factor = np.sqrt(1 - 1 / np.maximum(support, 2))
    left_out = slice(1, 1 + groups)

    def drawn(values: Float64Array) -> Float64Array:
        moved = values.copy()
        moved[left_out] = values[0] + factor * (values[left_out] - values[0])
        return moved

    arrays = {one.name: getattr(scores, one.name) for one in fields(scores)}
    return replace(
        scores,
        **{
            name: drawn(values)
            for name, values in arrays.items()
            if values.ndim == 2 and name != "prevalence"
        },
    )


def fill_absent(scores: LabelScores, support: IntArray, groups: int) -> LabelScores:
    """Scores for means over labels, in which F1 is that of the same labels in every row."""
    # F1 of a rare label is low whatever the network, so a mean of the labels that are left jumps
    # where a rare one is absent. In a resample an absent label has the F1 of all patients. In a
    # leave-out, which has to show how uncertain the F1 of its only patient is, it has the mean of
    # the other labels that few patients have; where there is none, it is absent.
    rare = np.flatnonzero((support > 0) & (support <= RARE))
    others = np.full(len(support), np.nan)
    if len(rare) > 1:
        others[rare] = (scores.f1[0, rare].sum() - scores.f1[0, rare]) / (len(rare) - 1)
    f1 = scores.f1.copy()
    for rows, instead in ((f1[1 : 1 + groups], others), (f1[1 + groups :], scores.f1[0])):
        np.copyto(rows, instead, where=np.isnan(rows))
    return replace(scores, f1=f1)


def join_rows(blocks: Sequence[Scored]) -> Scored:
    """Blocks of rows as one."""
    names = [field.name for field in fields(blocks[0])]
    return replace(
        blocks[0],
        **{name: np.concatenate([getattr(block, name) for block in blocks]) for name in names},
    )
