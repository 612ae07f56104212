"""The scores of predictions in every row of `Draws`, and how many patients each label has."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from itertools import repeat
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ecg_keras.evaluation.draws import Draws
from ecg_keras.evaluation.predictions import Predictions
from ecg_keras.metrics import FurtherScores, LabelScorer, LabelScores

FloatArray = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
RARE = 3  # patients with a label, at most, for it to stand for another that few have
Scored = TypeVar("Scored", LabelScores, FurtherScores)


def score_rows(
    predictions: Sequence[Predictions], thresholds: Sequence[FloatArray], draws: Draws
) -> list[LabelScores]:
    """The scores of each label in every row: all patients, leave-outs, resamples.

    Args:
        predictions: of one or more networks, of the same records in the same order: all are scored
            on the same rows, which makes their differences paired.
        thresholds: ``(labels,)`` for each of them.
        draws: of their patients.

    Returns:
        For each network, scores ``(rows, labels)``; NaN in a row where a label has no positive or
        no negative record.
    """
    scorers = [
        LabelScorer(said.targets, said.probabilities, limits)
        for said, limits in zip(predictions, thresholds, strict=True)
    ]
    blocks = []
    with ThreadPoolExecutor(len(scorers)) as pool:  # NumPy and SciPy compute side by side
        for weights in draws.weights(predictions[0].patient_ids):
            blocks.append(list(pool.map(LabelScorer.score, scorers, repeat(weights))))
    return [join_rows(scored) for scored in zip(*blocks, strict=True)]


def draw_in(scores: Scored, support: Counts, groups: int) -> Scored:
    """Scores whose leave-outs are drawn towards the score of all, label by label.

    A patient who is left out of m changes a mean over them so much that the jackknife of patients,
    which takes their number for that of all patients, finds m / (m - 1) times the variance. Of a
    label that one patient has nothing is left: means are then of the other labels, as they are.

    Args:
        scores: arrays ``(rows, labels)``; what has another shape stays as it is, and so does the
            prevalence, which is a weight.
        support: m of each label, of `ecg_keras.evaluation.intervals.count_patients`.
        groups: number of leave-outs, the rows after the first.
    """
    factor = np.sqrt(1 - 1 / np.maximum(support, 2))
    left_out = slice(1, 1 + groups)

    def drawn(values: FloatArray) -> FloatArray:
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


def fill_absent(scores: LabelScores, support: Counts, groups: int) -> LabelScores:
    """Scores for means over labels, in which F1 is that of the same labels in every row.

    F1 of a rare label is low whatever the network, so a mean of the labels that are left jumps
    where a rare one is absent. In a resample an absent label has the F1 of all patients. In a
    leave-out, which has to show how uncertain the F1 of its only patient is, it has the mean of
    the other labels that few patients have, which is as uncertain; where there is none, it is
    absent.

    Args:
        scores: of `draw_in`.
        support, groups: as there.
    """
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
