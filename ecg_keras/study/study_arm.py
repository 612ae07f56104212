"""The networks of a study as arms: predictions, thresholds and costs of each way of training."""

from __future__ import annotations

import posixpath
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Generic, Protocol, TypeVar

import numpy as np

from ecg_keras.array_types import Float64Array
from ecg_keras.evaluation import Predictions, RunFacts
from ecg_keras.metrics import METRICS
from ecg_keras.statistics import Arm, ArmName, ArmTuning
from ecg_keras.training import Tuned

# the column of log.csv that says how far a run has come in the study's metric
LOGGED = {name: f"val_{name}" for name in METRICS}
DEFAULT_LOGGED = LOGGED["macro_auroc"]


class Network(Protocol):
    """A network that was tested, and what is known of its training; unknown is ``None``."""

    @property
    def name(self) -> str: ...

    @property
    def test(self) -> Predictions: ...

    @property
    def thresholds(self) -> Mapping[str, float]: ...

    @property
    def tuned(self) -> Tuned | None: ...

    @property
    def settings(self) -> int | None:
        """That it was chosen from; 0 where it was not tuned, though it has a rate to tune."""

    @property
    def log(self) -> list[dict[str, str]] | None: ...

    @property
    def seconds(self) -> float | None:
        """Of training."""

    @property
    def train_records(self) -> int | None: ...

    @property
    def steps_per_epoch(self) -> float | None: ...

    @property
    def facts(self) -> RunFacts: ...

    @property
    def validated_on(self) -> str | None:
        """The split that scored every epoch."""


AnyNetwork = TypeVar("AnyNetwork", bound=Network, covariant=True)


@dataclass(frozen=True, eq=False)
class StudyArm(Generic[AnyNetwork]):
    """The networks of one arm: ``cells[seed][fold]`` for the seeds that are complete."""

    name: ArmName
    cells: Mapping[int, tuple[AnyNetwork, ...]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "cells", dict(sorted(self.cells.items())))

    @property
    def runs(self) -> tuple[AnyNetwork, ...]:
        """All of them, those of each seed together."""
        return tuple(cell for folds in self.cells.values() for cell in folds)

    @property
    def folds(self) -> int:
        """Of each seed."""
        return len(next(iter(self.cells.values())))

    @cached_property
    def arm(self) -> Arm:
        """For `ecg_keras.statistics`."""
        return Arm(
            tuple(tuple(cell.test for cell in folds) for folds in self.cells.values()),
            tuple(tuple(cell.thresholds for cell in folds) for folds in self.cells.values()),
            name=str(self.name),
        )

    @cached_property
    def mean_predictions(self) -> Predictions:
        """Of every tested record once, the mean probability over seeds; sorted by record."""
        seeds = [_join([cell.test for cell in folds]).sorted() for folds in self.cells.values()]
        mean = np.mean([one.probabilities for one in seeds], axis=0, dtype=np.float64)
        return replace(seeds[0], probabilities=mean.astype(np.float32))

    @cached_property
    def mean_thresholds(self) -> dict[str, float]:
        """Of each label, over seeds and folds."""
        return {
            label: float(np.mean([cell.thresholds[label] for cell in self.runs]))
            for label in self.runs[0].test.labels
        }

    @property
    def thresholds_by_record(self) -> dict[str, Float64Array]:
        """Of each label, for each of `mean_predictions`, that of its own fold; mean over seeds."""
        seeds = []
        for folds in self.cells.values():
            limits = [[cell.thresholds[label] for label in cell.test.labels] for cell in folds]
            every = np.repeat(limits, [len(cell.test.record_ids) for cell in folds], axis=0)
            ids = np.concatenate([cell.test.record_ids for cell in folds])
            seeds.append(every[np.argsort(ids)])
        return dict(zip(self.runs[0].test.labels, np.mean(seeds, axis=0).T, strict=True))

    @cached_property
    def tuning(self) -> ArmTuning | None:
        """How its runs were chosen; ``None`` where one of them was not."""
        # seeds that decide nothing share one run, which is tuned for each of them
        runs = [(run.name, one) for run in self.runs if (one := run.tuned) is not None]
        if len(runs) < len(self.runs):
            return None
        scores: dict[str, list[float]] = defaultdict(list)
        trained: dict[str, float] = {}
        diverged: dict[str, None] = {}
        for name, one in runs:
            for tried in one.candidates:
                scores[tried.name].append(np.nan if tried.score is None else tried.score)
                run = posixpath.normpath(f"{name}/{tried.run}")
                trained[run] = tried.seconds
                if tried.loss is None:
                    diverged[run] = None
        defined = {name: [one for one in values if one == one] for name, values in scores.items()}
        _, first = runs[0]
        return ArmTuning(
            settings=first.settings,
            by=first.by,
            chosen=Counter(one.chosen for _, one in runs),
            tried={name: len(values) for name, values in scores.items()},
            scores={
                name: float(np.mean(values)) if values else np.nan
                for name, values in defined.items()
            },
            edges=tuple(dict.fromkeys(name for name, one in runs if one.edge is not None)),
            trained=trained,
            diverged=tuple(diverged),
        )

    @property
    def train_records(self) -> float | None:
        """The mean over seeds and folds."""
        return _mean([cell.train_records for cell in self.runs])

    @property
    def steps_per_epoch(self) -> float | None:
        """Optimizer steps, the mean over runs."""
        return _mean([cell.steps_per_epoch for cell in self.runs])

    @property
    def seconds(self) -> float | None:
        """Of training, the mean of a run."""
        return _mean([cell.seconds for cell in self.runs])

    def logs(self, column: str) -> bool:
        """Whether all runs have a column in their logs, as those of earlier versions may not."""
        return all(run.log and column in run.log[0] for run in self.runs)

    def only(self, seeds: Sequence[int]) -> StudyArm[AnyNetwork]:
        """The same arm with these seeds alone."""
        return StudyArm(self.name, {seed: self.cells[seed] for seed in seeds})


AnyArm = StudyArm[Network]
Arms = Mapping[ArmName, AnyArm]


def _join(folds: Sequence[Predictions]) -> Predictions:
    """The predictions of all folds, one after another."""
    if len(folds) == 1:
        return folds[0]
    return Predictions(
        folds[0].labels,
        *(
            np.concatenate([getattr(fold, name) for fold in folds])
            for name in ("record_ids", "patient_ids", "targets", "probabilities")
        ),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    numbers = [value for value in values if value is not None]
    return float(np.mean(numbers)) if len(numbers) == len(values) else None
