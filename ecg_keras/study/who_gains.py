"""Whether pre-training helps one group of patients more: the best arm of each downstream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ecg_keras.config import Question
from ecg_keras.errors import DataError
from ecg_keras.evaluation import GroupGain
from ecg_keras.statistics import ArmName, StudyResult, gains_by_group
from ecg_keras.study.arm_contrasts import resampling_of, with_common_seeds
from ecg_keras.study.finished import FinishedCell
from ecg_keras.study.study_arm import AnyArm, Arms
from ecg_keras.workflow import read_groupings


def add_gains(result: StudyResult, arms: Arms, question: Question) -> StudyResult:
    """The result with the differences of its best arms in groups of records, or why there are none.

    Columns that nobody named are looked at as far as shards are there and know them.
    """
    gains: dict[ArmName, tuple[GroupGain, ...]] = {}
    notes = []
    for downstream, one in result.best.items():
        arm, reference = with_common_seeds(arms[one.arm], arms[one.reference])
        try:
            found = _find(arm, reference, question)
        except DataError as error:
            notes.append(f"{downstream}: no groups of records were looked at. {error}")
            continue
        if found:
            gains[one.arm] = found
        elif question.subgroups:
            names = ", ".join(question.subgroups)
            notes.append(f"{downstream}: no groups of records are known by {names}.")
    return replace(result, gains=gains, not_done=(*result.not_done, *notes))


def _find(arm: AnyArm, reference: AnyArm, question: Question) -> tuple[GroupGain, ...]:
    groupings = read_groupings(
        question.subgroups,
        arm.mean_predictions,
        shards=_shards(arm),
        table=question.subgroup_table,
    )
    return gains_by_group(
        arm.arm, reference.arm, groupings, metric=question.metric, **resampling_of(question)
    )


def _shards(arm: AnyArm) -> Sequence[Path]:
    """Of the folds of one seed, which test all records; none of predictions made elsewhere."""
    first = next(iter(arm.cells.values()))
    return [cell.shards for cell in first if isinstance(cell, FinishedCell)]
