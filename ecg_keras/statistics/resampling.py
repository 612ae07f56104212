"""Resamples of patients that all arms of a contrast share, and every arm's scores in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_keras.evaluation.draws import Draws, draw_in, fill_absent, join_rows
from ecg_keras.metrics import METRICS, LabelScores
from ecg_keras.statistics.arms import Arm
from ecg_keras.statistics.pooling import FoldScorer

FloatArray = npt.NDArray[np.float64]


def plan_draws(arms: Sequence[Arm], bootstrap: int, seed: int) -> Draws:
    """The resamples for some arms: of all their patients, within folds where all have the same.

    Patients are drawn over all folds at once where arms or seeds disagree on the folds, or where a
    patient is in several (a split of records).

    Raises:
        DataError: there are fewer than two patients.
    """
    patients = np.unique(np.concatenate([arm.tested[0].patient_ids for arm in arms]))
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
    scorers = [
        FoldScorer(folds, [arm.limits(seed, fold) for fold in range(len(folds))])
        for seed, folds in enumerate(arm.predictions)
    ]
    columns = [
        [np.searchsorted(draws.patients, said.patient_ids) for said in folds]
        for folds in arm.predictions
    ]
    blocks: list[list[LabelScores]] = [[] for _ in scorers]
    for counts in draws.blocks():
        for scored, scorer, own in zip(blocks, scorers, columns, strict=True):
            scored.append(scorer.score([counts[column] for column in own]))
    seeds = [draw_in(join_rows(scored), arm.support, draws.groups) for scored in blocks]
    means = [fill_absent(own, arm.support, draws.groups) for own in seeds]
    return Resampled(
        {name: np.stack([score(own) for own in means]) for name, score in METRICS.items()},
        np.stack([own.auroc.T for own in seeds], axis=1),
    )
