"""The finished cells of a study, and the arms that they make."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ecg_keras.config import Recipe, run_settings
from ecg_keras.data import Dataset, read_dataset
from ecg_keras.evaluation import Predictions, RunFacts, choose_thresholds, read_facts
from ecg_keras.statistics import ArmName
from ecg_keras.study.cells import StudyPlan
from ecg_keras.study.state import keeps_its_upstream
from ecg_keras.study.study_arm import StudyArm
from ecg_keras.training import (
    Guarded,
    Run,
    Tuned,
    read_guarded,
    read_log,
    read_trained_settings,
    read_tuned,
)


@dataclass(frozen=True, eq=False)
class FinishedCell:
    """One finished cell.

    Its thresholds are 0.5 where they are fixed, else the best on the split that chose its epoch.
    """

    name: str
    run: Run
    recipe: Recipe
    has_fixed_thresholds: bool
    # of the study's cells, those that were the first to test some records
    tested: dict[int, Predictions] = field(default_factory=dict, repr=False)

    @cached_property
    def dataset(self) -> Dataset:
        """What the run was trained on."""
        return read_dataset(self.run.dataset)

    @cached_property
    def guarded(self) -> Guarded | None:
        """What the leakage guard found; ``None`` where it did not look."""
        return read_guarded(self.run)

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """Training records that are excluded for leaks."""
        return () if self.guarded is None else self.guarded.left_out["train"]

    @cached_property
    def shards(self) -> Path:
        """The folder of shards that it was trained from."""
        return self.run.read_place("shards")

    @cached_property
    def test(self) -> Predictions:
        test = Predictions.load(self.run.predictions("test")).sorted()
        # arms of other labels test the same records, and share among themselves
        key = hash((test.record_ids.tobytes(), test.targets.tobytes()))
        _share(test, self.tested.setdefault(key, test))
        return test

    @cached_property
    def thresholds(self) -> Mapping[str, float]:
        if self.has_fixed_thresholds:
            return dict.fromkeys(self.test.labels, 0.5)
        chooser = Predictions.load(self.run.predictions(self.recipe.training.validate_on))
        best, _ = choose_thresholds(chooser)
        return dict(zip(chooser.labels, best.tolist(), strict=True))

    @cached_property
    def tuned(self) -> Tuned | None:
        # a ridge head may have been tuned once, which decided nothing
        return None if self.recipe.tune is None else read_tuned(self.run)

    @property
    def settings(self) -> int | None:
        if self.tuned is not None:
            return self.tuned.settings
        return None if self.recipe.training.in_closed_form else 0

    @cached_property
    def log(self) -> list[dict[str, str]]:
        return read_log(self.run.log)

    @cached_property
    def facts(self) -> RunFacts:
        return read_facts(self.run.folder)

    @property
    def validated_on(self) -> str:
        return self.recipe.training.validate_on

    @property
    def seconds(self) -> float:
        return float(self.run.read_status().get("seconds", 0.0))

    @property
    def train_records(self) -> int:
        return min(self.recipe.data.train_records or self.stored, self.stored)

    @property
    def stored(self) -> int:
        """Training records that there are, of which `train_records` are taken."""
        return self.dataset.splits["train"].records - len(self.left_out)

    @cached_property
    def steps_per_epoch(self) -> float:
        settings = read_trained_settings(self.run) or run_settings(self.recipe)
        return float(-(-self.train_records // settings["training"]["batch_size"]))

    @property
    def upstream(self) -> Run | None:
        """The run that its first weights come from."""
        initialise = self.recipe.initialise
        return None if initialise is None else Run(Path(initialise.from_))


def _share(test: Predictions, first: Predictions) -> None:
    """Drops what is the same in another cell's predictions: all but the probabilities is."""
    names = ("record_ids", "patient_ids", "targets")
    if all(np.array_equal(getattr(test, name), getattr(first, name)) for name in names):
        for name in names:
            object.__setattr__(test, name, getattr(first, name))


FinishedArms = Mapping[ArmName, StudyArm[FinishedCell]]


def read_arms(plan: StudyPlan) -> tuple[FinishedArms, tuple[str, ...]]:
    """The arms in the order of the grid, and a line for each that is left out or lacks seeds.

    A seed counts once all of its folds are tested; two arms are compared on the seeds that both
    have. Arms without a whole seed are left out, and those of a size that no fold's training split
    exceeds, if another arm has all of its records and seeds, too.
    """
    points: dict[ArmName, dict[int, list[FinishedCell]]] = defaultdict(lambda: defaultdict(list))
    tested: dict[int, Predictions] = {}
    for (arm, seed, fold), name in plan.points.items():
        cell, evaluation = plan.by_name[name], plan.evaluations[arm, seed, fold]
        is_fixed = evaluation.thresholds == "fixed"
        points[arm][seed].append(FinishedCell(name, cell.run, cell.recipe, is_fixed, tested))
    arms: dict[ArmName, StudyArm[FinishedCell]] = {}
    notes = _list_uncalibrated(plan)
    for arm, seeds in points.items():
        complete = {
            seed: tuple(cells) for seed, cells in seeds.items() if all(map(_is_tested, cells))
        }
        if complete:
            arms[arm] = StudyArm(arm, complete)
        if len(complete) < len(seeds):
            missing = ", ".join(str(seed) for seed in seeds if seed not in complete)
            notes.append(f"{arm}: not all runs of seed {missing} are finished.")
    for arm, same in _find_repeats(arms).items():
        records = arms.pop(arm).train_records
        notes.append(f"{arm}: left out, as its {records:,.0f} training ECGs are all, as in {same}.")
    return arms, tuple(notes)


def _list_uncalibrated(plan: StudyPlan) -> list[str]:
    """A line for each arm whose run, of another arm too, is calibrated as that one asks."""
    pairs = ((point[0], *plan.calibration_of(point)) for point in plan.points)
    return [
        f"{arm}, protocol {arm.protocol}: evaluation.calibration is {own}, but the run is another "
        f"arm's too, whose predictions are stored with calibration {kept}: these are shown."
        for arm, kept, own in dict.fromkeys(pairs)
        if kept != own
    ]


def _find_repeats(arms: FinishedArms) -> dict[ArmName, ArmName]:
    """Arms of a size that hold all training records, by what holds them with all their seeds."""
    whole: dict[ArmName, list[ArmName]] = defaultdict(list)
    repeats = {}
    for name, arm in sorted(arms.items(), key=lambda item: item[0].size):  # 0 is all
        # a fold may have a record more than the size, and is not whole then
        if all(cell.train_records == cell.stored for cell in arm.runs):
            others = whole[replace(name, size=0)]
            same = (one for one in others if arm.cells.keys() <= arms[one].cells.keys())
            kept = next(same, None)
            if kept is None:
                others.append(name)
            else:
                repeats[name] = kept
    return repeats


def _is_tested(cell: FinishedCell) -> bool:
    run = cell.run
    needed = {"test", cell.recipe.training.validate_on}  # there may be no validation split
    there = run.scores.is_file() and all(run.predictions(split).is_file() for split in needed)
    return there and keeps_its_upstream(run, cell.recipe)
