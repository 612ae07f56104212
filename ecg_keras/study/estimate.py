"""`estimate`: what a study will cost in time and disk, from a measured pilot. See docs/cost.md."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ecg_keras.config import Recipe
from ecg_keras.study.cells import Cell, StudyPlan
from ecg_keras.study.pilot import Pilot, run_pilot
from ecg_keras.study.records import Counted, count_records, dataset_key, name_databases
from ecg_keras.study.remaining import makespan
from ecg_keras.study.state import STATES, Snapshot, State, snapshot
from ecg_keras.study.workloads import Timing, workloads_of

FLOAT_BYTES = 4
# of a run besides its model and predictions: log, TensorBoard's events, scores, recipe
RUN_BYTES = 100_000
# of each tested or validated record: its two ids; and of each label: target and probability
ID_BYTES, LABEL_BYTES = 80, 5
# while a run trains: weights with two moments, and the best model, before and after an epoch
CHECKPOINT_COPIES = 8

KINDS = ("pretrain", "candidate", "downstream")

OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Cost:
    """What one cell costs.

    Attributes:
        cell: which one.
        database: its downstream or upstream, as the study names it.
        state: of the cell.
        counted: its records, or why they can't be told.
        seconds: of training and scoring, as if nothing of it was done; ``None`` where it can't be
            told.
        parameters: of its network; ``None`` where it is undefined.
    """

    cell: Cell
    database: str
    state: State
    counted: Counted | str
    seconds: float | None
    parameters: int | None

    @property
    def left(self) -> float:
        """Seconds still to come, as far as they are known."""
        return 0.0 if self.state == "done" else self.seconds or 0.0


@dataclass(frozen=True, eq=False)
class Estimate:
    """What a study will cost.

    Attributes:
        costs: of each cell, in the order in which they run.
        pilot: what the times rest on.
        shard_bytes: of all datasets, and ``new_shard_bytes`` of those that are not there yet.
        run_bytes: of all runs once they are done, and ``new_run_bytes`` of those still to come.
        peak_bytes: that a training run takes besides, until it is over.
    """

    costs: tuple[Cost, ...]
    pilot: Pilot
    shard_bytes: float
    new_shard_bytes: float
    run_bytes: float
    new_run_bytes: float
    peak_bytes: float

    @property
    def counts(self) -> dict[str, dict[State, int]]:
        """Cells by kind and state."""
        return {
            kind: {
                state: sum(one.cell.kind == kind and one.state == state for one in self.costs)
                for state in STATES
            }
            for kind in KINDS
        }

    @property
    def untold(self) -> tuple[Cost, ...]:
        """The cells still to run whose time is not known."""
        return tuple(one for one in self.costs if one.state != "done" and one.seconds is None)

    def seconds(self, workers: int = 1) -> float:
        """Until all cells whose time is known are over, on workers as fast as this one.

        Args:
            workers: that do not slow each other, such as one for each GPU or machine.
        """
        left = {one.cell.name: one.left for one in self.costs if one.left}
        return makespan(left, {one.cell.name: one.cell.needs for one in self.costs}, workers)

    def seconds_by_kind(self) -> dict[str, float]:
        """Of computing still to come, by kind of cell."""
        return {
            kind: sum(one.left for one in self.costs if one.cell.kind == kind) for kind in KINDS
        }


def estimate(plan: StudyPlan, on_progress: OnProgress | None = None) -> Estimate:
    """What a study will cost, from its grid, the records that are there, and a measured pilot.

    The pilot trains each kind of network for a few steps on random signals, in about a minute, and
    is kept in ``pilot.json`` in the study's folder for the next estimate on the same machine.

    Args:
        plan: of `list_cells`.
        on_progress: called with what is done (``"counting records"`` or ``"measuring"``), how many
            pieces of it are done, and how many there are.

    Raises:
        DataError: the pilot's process can't begin.

    Example:
        >>> plan = list_cells(load_study("recipes/studies/quick.yaml"))
        >>> estimate(plan).seconds() / 60
        24.5
    """
    tell = on_progress or (lambda what, done, total: None)
    counted = count_records(plan, lambda *steps: tell("counting records", *steps))
    needed = {
        one: None
        for cell in plan.cells
        if not isinstance(counted[cell.name], str)
        for one in workloads_of(cell.recipe)
    }
    pilot = run_pilot(
        tuple(needed), plan.folder / "pilot.json", on_progress=lambda *n: tell("measuring", *n)
    )
    return price(plan, counted, pilot, snapshot(plan))


def price(
    plan: StudyPlan, counted: Mapping[str, Counted | str], pilot: Pilot, now: Snapshot
) -> Estimate:
    """The arithmetic of `estimate`.

    Args:
        plan: of the study.
        counted: the records of each cell, from `count_records`.
        pilot: what each workload takes.
        now: how far the study is.
    """
    databases = name_databases(plan)
    costs = []
    for cell in plan.cells:
        records = counted[cell.name]
        timings = [pilot.timings.get(one) for one in workloads_of(cell.recipe)]
        trains = not cell.candidates or cell.recipe.tune.epochs < 1
        known = [one for one in timings if one is not None]
        told = not isinstance(records, str) and len(known) == len(timings)
        costs.append(
            Cost(
                cell,
                databases.get(cell.name, ""),
                now.states[cell.name],
                records,
                seconds_of_run(
                    cell.recipe,
                    records,
                    known,
                    pilot.scoring if cell.kind != "candidate" else 0.0,
                    trains=trains,
                )
                if told
                else None,
                known[0].parameters if known else None,
            )
        )
    datasets = {
        dataset_key(one.cell): one.counted for one in costs if not isinstance(one.counted, str)
    }
    runs = [(one.state == "done", size) for one in costs for size in _run_bytes(one)]
    return Estimate(
        costs=tuple(costs),
        pilot=pilot,
        shard_bytes=sum(one.shard_bytes for one in datasets.values()),
        new_shard_bytes=sum(one.shard_bytes for one in datasets.values() if not one.stored),
        run_bytes=sum(size for _, size in runs),
        new_run_bytes=sum(size for done, size in runs if not done),
        peak_bytes=max(
            (CHECKPOINT_COPIES * FLOAT_BYTES * (one.parameters or 0) for one in costs), default=0
        ),
    )


def seconds_of_run(
    recipe: Recipe,
    counted: Counted,
    timings: Sequence[Timing],
    scoring: float,
    *,
    trains: bool = True,
) -> float:
    """Of one run that lasts all its epochs: training, then scoring by the saved model.

    Args:
        recipe: its settings.
        counted: its records.
        timings: of each of its phases.
        scoring: seconds for each test record, label and patient resample.
        trains: whether it is trained, rather than taken over from a candidate.
    """
    scored = counted.test if recipe.training.validate_on == "test" else counted.valid
    first = timings[0]
    steps = math.ceil(
        min(recipe.data.train_records or counted.train, counted.train) / recipe.training.batch_size
    )
    seconds = first.build * (1 + (recipe.initialise is not None)) * trains
    for phase, timing in zip(recipe.training.phases, timings, strict=True) if trains else ():
        validation = timing.predict_begin + scored * timing.predict
        fitting = phase.epochs * (steps * timing.step + validation)
        saves = min(phase.epochs, 1 + fitting // timing.between)
        seconds += timing.trace + timing.predict_trace + fitting + saves * timing.save
    seconds += first.build + 2 * first.predict_trace
    seconds += (counted.valid + counted.test) * first.predict
    return seconds + scoring * counted.test * counted.labels * recipe.evaluation.bootstrap


def _run_bytes(cost: Cost) -> Iterator[float]:
    if cost.parameters is None or isinstance(cost.counted, str):
        return
    predicted = cost.counted.valid + cost.counted.test
    record = ID_BYTES + LABEL_BYTES * cost.counted.labels
    yield RUN_BYTES + FLOAT_BYTES * cost.parameters + predicted * record
