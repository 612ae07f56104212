"""Scores of arms in the resamples that they share: ranked within folds, counted over folds.

Networks that were trained on different folds put their probabilities on scales of their own, so a
record of one fold must not be ranked against a record of another (Forman & Scholz 2010,
"Apples-to-apples in cross-validation studies", SIGKDD Explorations 12; Airola et al. 2011).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import Float64Array, IntArray
from ecg_keras.evaluation.arms import Arm
from ecg_keras.evaluation.draws import Draws, draw_in, fill_absent, join_rows
from ecg_keras.evaluation.predictions import Predictions
from ecg_keras.metrics import METRICS, Confusion, LabelScorer, LabelScores, Weights, weighted


class FoldScorer:
    """Scores of each label over all folds, in resample after resample: records are sorted once."""

    def __init__(self, folds: Sequence[Predictions], thresholds: Sequence[npt.ArrayLike]) -> None:
        self._folds = [
            LabelScorer(fold.targets, fold.probabilities, limits)
            for fold, limits in zip(folds, thresholds, strict=True)
        ]

    def score(self, weights: Sequence[Weights]) -> LabelScores:
        """Every score, ``(resamples, labels)``."""
        pairs = list(zip(self._folds, weights, strict=True))
        areas = [fold.rank(counted) for fold, counted in pairs]
        counts = [fold.decide(counted) for fold, counted in pairs]
        total = Confusion(*(np.sum(cells, axis=0) for cells in zip(*counts, strict=True)))
        positives = [cells.true_positives + cells.false_negatives for cells in counts]
        negatives = [cells.true_negatives + cells.false_positives for cells in counts]
        both = [p * n for p, n in zip(positives, negatives, strict=True)]
        return LabelScores(
            auroc=_mean([area for area, _ in areas], both),
            auprc=_mean([area for _, area in areas], positives),
            f1=total.f1,
            sensitivity=total.sensitivity,
            specificity=total.specificity,
            prevalence=total.prevalence,
        )


def _mean(scores: Sequence[Float64Array], shares: Sequence[Float64Array]) -> Float64Array:
    """The weighted mean over the folds where a score is defined; NaN where it is in none."""
    if len(scores) == 1:
        return scores[0]
    return weighted(np.stack(scores, axis=-1), np.stack(shares, axis=-1))


def plan_draws(arms: Sequence[Arm], bootstrap: int, seed: int) -> Draws:
    """The resamples for some arms: of all their patients, within folds where all have the same."""
    patients = np.unique(np.concatenate([arm.tested[0].patient_ids for arm in arms]))
    strata: IntArray | None = None
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
    """The scores of an arm in every row of `Draws`."""

    summary: dict[str, Float64Array]
    auroc: Float64Array


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
        [np.searchsorted(draws.patients, fold.patient_ids) for fold in folds]
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
