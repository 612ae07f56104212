"""`Cell` and `StudyPlan`: the runs of a study, and what each has to do with the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from ecg_keras.config import Evaluation, LoadedStudy, Recipe
from ecg_keras.errors import ConfigError
from ecg_keras.statistics import ArmName
from ecg_keras.study.given_upstreams import GivenUpstream
from ecg_keras.training import Run

Kind = Literal["pretrain", "candidate", "downstream"]
PointKey = tuple[ArmName, int, int | None]  # arm, seed and fold


@dataclass(frozen=True, eq=False)
class Cell:
    """One run of a study.

    Attributes:
        name: readable, unique in the study, fit for a folder.
        kind: a pre-training; a run on a downstream database that is tested; or one that is not,
            because another is chosen from it and others.
        arm: the first arm that the run belongs to; ``None`` for a pre-training.
        seed: of the run.
        fold: that it tests, from 0; ``None`` without cross-validation.
        recipe: its settings, `run` included.
        needs: names of the cells that come before it: the pre-training that it starts from, and
            those that it is chosen from.
        candidates: of the settings that it is chosen from their run folders.
        tried: whether another cell is chosen from it and others.
        problem: why it can't run here, in one line; ``None`` where it can.
    """

    name: str
    kind: Kind
    arm: ArmName | None
    seed: int
    fold: int | None
    recipe: Recipe
    needs: tuple[str, ...] = ()
    problem: str | None = None
    candidates: Mapping[str, Path] = field(default_factory=dict)
    tried: bool = False

    @property
    def run(self) -> Run:
        """Its run folder."""
        if self.recipe.run is None:
            raise ConfigError(f"{self.name}: a cell of a study needs a run folder.")
        return Run(self.recipe.run)


@dataclass(frozen=True, eq=False)
class StudyPlan:
    """All runs of a study.

    Attributes:
        loaded: the study recipe.
        folder: where its runs and its page go.
        cells: each distinct run once, pre-trainings first, in the order in which they run.
        points: the cell of each arm, seed and fold; arms may share one.
        evaluations: how each of these is scored, which arms that share a cell may differ in.
        given: the upstreams that are there already, by name.
    """

    loaded: LoadedStudy
    folder: Path
    cells: tuple[Cell, ...]
    points: Mapping[PointKey, str]
    evaluations: Mapping[PointKey, Evaluation]
    given: Mapping[str, GivenUpstream] = field(default_factory=dict)

    @cached_property
    def by_name(self) -> Mapping[str, Cell]:
        """The cells by their names."""
        return {cell.name: cell for cell in self.cells}

    @cached_property
    def databases(self) -> Mapping[str, str]:
        """The downstream or upstream of each cell, by the cell's name."""
        names = {cell.name: cell.arm.downstream for cell in self.cells if cell.arm is not None}
        for (arm, _, _), name in self.points.items():
            pretraining = self.pretraining_of(self.by_name[name])
            if pretraining is not None:
                names.setdefault(pretraining.name, arm.upstream)
        return names

    @cached_property
    def pretrainings(self) -> Mapping[ArmName, Mapping[int, str]]:
        """What each seed of an arm starts from: a cell, or the name of a given upstream."""
        found: dict[ArmName, dict[int, str]] = defaultdict(dict)
        for (arm, seed, _), name in self.points.items():
            if arm.upstream:
                start = self.pretraining_of(self.by_name[name])
                found[arm][seed] = arm.upstream if start is None else start.name
        return found

    @cached_property
    def dependent_seeds(self) -> Mapping[ArmName, str]:
        """Of each arm some of whose seeds share a pre-training what that means, a sentence."""
        counts = {arm: (len({*one.values()}), len(one)) for arm, one in self.pretrainings.items()}
        return {
            arm: (
                f"{arm.upstream} was pre-trained {number} times for {seeds} seeds: intervals and "
                "verdicts take seeds for independent, and those that share a pre-training are "
                "not, so that they are too sure; list one for each seed, or a single one, about "
                "which the verdict is then (grid.upstream_seeds)."
            )
            for arm, (number, seeds) in counts.items()
            if 1 < number < seeds
        }

    def calibration_of(self, point: PointKey) -> tuple[str, str]:
        """How the predictions of an arm's run are calibrated, and how the arm asks for it."""
        cell = self.by_name[self.points[point]]
        return cell.recipe.evaluation.calibration, self.evaluations[point].calibration

    def pretraining_of(self, cell: Cell) -> Cell | None:
        """The pre-training that a cell starts from; ``None`` for random weights."""
        needed = (self.by_name[name] for name in cell.needs)
        return next((one for one in needed if one.kind == "pretrain"), None)
