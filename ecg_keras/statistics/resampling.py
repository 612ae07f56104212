"""Resamples of patients that all arms of a contrast share, and every arm's scores in them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_keras.errors import DataError
from ecg_keras.evaluation.bootstrap import WEIGHTS_PER_BLOCK, draw_patients
from ecg_keras.metrics import METRICS
from ecg_keras.statistics.arms import Arm
from ecg_keras.statistics.pooling import score_folds

FloatArray = npt.NDArray[np.float64]

# more patients than this are left out several at a time: the spread of their influence is then
# told well enough, at the price of this many more resamples
LEFT_OUT = 200


@dataclass(frozen=True, eq=False)
class Draws:
    """How often each patient counts, in rows: once all, then leave-outs, then resamples.

    Attributes:
        patients: ``(patients,)`` ids, sorted.
        strata: ``(patients,)`` the fold of each; resamples are drawn within strata, so that every
            fold keeps its size.
        bootstrap: number of resamples.
        seed: of the draws.
    """

    patients: npt.NDArray[np.str_]
    strata: npt.NDArray[np.int64]
    bootstrap: int
    seed: int

    @property
    def groups(self) -> int:
        """Rows that leave out a patient, or a group of patients where there are many."""
        return min(len(self.patients), LEFT_OUT)

    @property
    def key(self) -> tuple[str, int, int]:
        """Equal for equal rows."""
        digest = hashlib.sha256(self.patients.tobytes() + self.strata.tobytes())
        return digest.hexdigest(), self.bootstrap, self.seed

    def rows(self) -> Iterator[FloatArray]:
        """``(block, patients)``: 1 row of ones, ``groups`` leave-outs, ``bootstrap`` resamples."""
        number = len(self.patients)
        order = np.random.default_rng(self.seed).permutation(number)
        group_of = np.empty(number, dtype=np.int64)
        group_of[order] = np.arange(number) % self.groups
        block = max(1, WEIGHTS_PER_BLOCK // number)
        fixed = np.vstack([np.full(number, -1), np.tile(group_of, (self.groups, 1))])
        fixed[1:] -= np.arange(self.groups)[:, None]
        kept = (fixed != 0).astype(np.float64)
        for start in range(0, len(kept), block):
            yield kept[start : start + block]
        yield from self._resamples(block)

    def _resamples(self, block: int) -> Iterator[FloatArray]:
        strata = [np.flatnonzero(self.strata == one) for one in np.unique(self.strata)]
        if len(strata) == 1:  # exactly what evaluate and compare draw
            yield from draw_patients(self.patients, self.bootstrap, self.seed)
            return
        rng = np.random.default_rng(self.seed)
        for start in range(0, self.bootstrap, block):
            counts = np.zeros((min(block, self.bootstrap - start), len(self.patients)))
            for row in counts:
                for members in strata:
                    drawn = rng.integers(len(members), size=len(members))
                    row[members] = np.bincount(drawn, minlength=len(members))
            yield counts


def plan_draws(arms: Sequence[Arm], bootstrap: int, seed: int) -> Draws:
    """The resamples for some arms: of all their patients, within folds where all have the same.

    Patients are drawn over all folds at once where arms or seeds disagree on the folds, or where a
    patient is in several (a split of records).

    Raises:
        DataError: there are fewer than two patients.
    """
    patients = np.unique(np.concatenate([arm.tested[0].patient_ids for arm in arms]))
    if len(patients) < 2:
        raise DataError(
            f"an interval needs at least two patients. All records are of {patients[0]}."
        )
    strata: npt.NDArray[np.int64] | None = None
    together = np.zeros(len(patients), dtype=np.int64)
    for test in (test for arm in arms for test in arm.tested):
        column = np.searchsorted(patients, test.patient_ids)
        own = np.full(len(patients), -1)
        own[column] = test.fold
        several = (own[column] != test.fold).any()
        if several or (own < 0).any() or (strata is not None and (own != strata).any()):
            return Draws(patients, together, bootstrap, seed)
        strata = own
    return Draws(patients, together if strata is None else strata, bootstrap, seed)


@dataclass(frozen=True, eq=False)
class Resampled:
    """The scores of an arm in every row of `Draws`.

    Attributes:
        summary: each name of `ecg_keras.metrics.METRICS`, ``(seeds, rows)``.
        auroc: ``(labels, seeds, rows)``.
    """

    summary: dict[str, FloatArray]
    auroc: FloatArray


def score_arm(arm: Arm, draws: Draws) -> Resampled:
    """The scores of an arm in every row; computed once for each arm and set of draws."""
    scored: Resampled = arm.scored.get(draws.key) or _score_arm(arm, draws)
    arm.scored[draws.key] = scored
    return scored


def _score_arm(arm: Arm, draws: Draws) -> Resampled:
    columns = [
        [np.searchsorted(draws.patients, said.patient_ids) for said in folds]
        for folds in arm.predictions
    ]
    summary: dict[str, list[FloatArray]] = {name: [] for name in METRICS}
    auroc = []
    for counts in draws.rows():
        scores = [
            score_folds(
                folds,
                [arm.limits(seed, fold) for fold in range(len(folds))],
                [counts[:, column] for column in columns[seed]],
            )
            for seed, folds in enumerate(arm.predictions)
        ]
        for name, score in METRICS.items():
            summary[name].append(np.stack([score(own) for own in scores]))
        auroc.append(np.stack([own.auroc.T for own in scores], axis=1))
    return Resampled(
        {name: np.concatenate(blocks, axis=1) for name, blocks in summary.items()},
        np.concatenate(auroc, axis=2),
    )
