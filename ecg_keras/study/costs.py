"""What a study will cost in time and disk, from a measured pilot; what is left of one that runs.

See docs/cost.md.
"""

from __future__ import annotations

import heapq
import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ecg_keras.config import Recipe
from ecg_keras.study.cells import Cell, StudyPlan
from ecg_keras.study.dataset_sizes import DatasetSize, count_records, dataset_key
from ecg_keras.study.pilot import Pilot, Timing, run_pilot, workloads_of
from ecg_keras.study.running import check_unfinished
from ecg_keras.study.state import Snapshot, State, snapshot

FLOAT_BYTES = 4
# of a run besides its model and predictions: log, TensorBoard's events, scores, recipe
RUN_BYTES = 100_000
# of each tested or validated record: its two ids; and of each label: target and probability
ID_BYTES, LABEL_BYTES = 80, 5
# while a run trains: weights with two moments, and the best model, before and after an epoch
CHECKPOINT_COPIES = 8

OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class CellCost:
    """What one cell costs, as if nothing of it was done; ``None`` is unknown.

    ``size`` is that of its dataset, or why it is unknown.
    """

    cell: Cell
    database: str
    state: State
    size: DatasetSize | str
    seconds: float | None
    parameters: int | None

    @property
    def left(self) -> float:
        """Seconds still to come, as far as they are known."""
        return 0.0 if self.state == "done" else self.seconds or 0.0

    @property
    def run_bytes(self) -> float:
        """Of its run folder once it is done, as far as it is known."""
        if self.parameters is None or isinstance(self.size, str):
            return 0.0
        record = ID_BYTES + LABEL_BYTES * self.size.labels
        predicted = self.size.valid + self.size.test
        return RUN_BYTES + FLOAT_BYTES * self.parameters + predicted * record


@dataclass(frozen=True, eq=False)
class StudyEstimate:
    """What a study will cost.

    Attributes:
        costs: of each cell, in the order in which they run.
        pilot: what the times rest on.
        shard_bytes: of all datasets, and ``new_shard_bytes`` of those that are not there yet.
        run_bytes: of all runs once they are done, and ``new_run_bytes`` of those still to come.
        peak_bytes: that a training run takes besides, until it is over.
    """

    costs: tuple[CellCost, ...]
    pilot: Pilot
    shard_bytes: float
    new_shard_bytes: float
    run_bytes: float
    new_run_bytes: float
    peak_bytes: float

    @property
    def unknown(self) -> tuple[CellCost, ...]:
        """The cells still to run whose time is not known."""
        return tuple(one for one in self.costs if one.state != "done" and one.seconds is None)

    def seconds(self, workers: int = 1) -> float:
        """Until all cells whose time is known are over, on workers that don't slow each other."""
        left = {one.cell.name: one.left for one in self.costs if one.left}
        return makespan(left, {one.cell.name: one.cell.needs for one in self.costs}, workers)


def estimate(
    plan: StudyPlan, on_progress: OnProgress = lambda what, done, total: None
) -> StudyEstimate:
    """What a study will cost, from its grid, the records that are there, and a measured pilot.

    The pilot trains each kind of network for a few steps on random signals, in about a minute, and
    is kept in ``pilot.json`` in the study's folder for the next estimate on the same machine.

    Args:
        plan: of `list_cells`.
        on_progress: called with what is done (``"counting records"`` or ``"measuring"``), how many
            pieces of it are done, and how many there are.

    Returns:
        The cost of each cell and of all together.

    Raises:
        ConfigError: `run_study` refuses what is left of the study.
        DataError: the pilot's process can't begin.

    Example:
        >>> plan = list_cells(load_study("recipes/studies/quick.yaml"))
        >>> f"{estimate(plan).seconds() / 60:.0f} min"  # doctest: +SKIP
        '25 min'
    """
    check_unfinished(plan)
    sizes = count_records(plan, partial(on_progress, "counting records"))
    pilot = measure(plan.cells, sizes, plan.folder, partial(on_progress, "measuring"))
    return price(plan.cells, plan.databases, sizes, pilot, snapshot(plan).states)


def measure(
    cells: Sequence[Cell],
    sizes: Mapping[str, DatasetSize | str],
    folder: Path,
    on_progress: Callable[[int, int], None],
) -> Pilot:
    """The pilot of the cells whose records are known, which is kept in a folder."""
    needed = {
        one: None
        for cell in cells
        if not isinstance(sizes[cell.name], str)
        for one in workloads_of(cell.recipe)
    }
    return run_pilot(tuple(needed), folder / "pilot.json", on_progress=on_progress)


def price(
    cells: Sequence[Cell],
    databases: Mapping[str, str],
    sizes: Mapping[str, DatasetSize | str],
    pilot: Pilot,
    states: Mapping[str, State],
) -> StudyEstimate:
    """The arithmetic of `estimate`; all mappings are by name of the cell."""
    costs = tuple(
        _price_cell(cell, databases.get(cell.name, ""), states[cell.name], sizes[cell.name], pilot)
        for cell in cells
    )
    datasets = {dataset_key(one.cell): one.size for one in costs if not isinstance(one.size, str)}
    parameters = max((one.parameters or 0 for one in costs), default=0)
    return StudyEstimate(
        costs=costs,
        pilot=pilot,
        shard_bytes=sum(one.shard_bytes for one in datasets.values()),
        new_shard_bytes=sum(one.shard_bytes for one in datasets.values() if not one.stored),
        run_bytes=sum(one.run_bytes for one in costs),
        new_run_bytes=sum(one.run_bytes for one in costs if one.state != "done"),
        peak_bytes=CHECKPOINT_COPIES * FLOAT_BYTES * parameters,
    )


def _price_cell(
    cell: Cell, database: str, state: State, size: DatasetSize | str, pilot: Pilot
) -> CellCost:
    phases = [pilot.timings.get(one) for one in workloads_of(cell.recipe)]
    timings = [one for one in phases if one is not None]
    seconds = None
    if not isinstance(size, str) and len(timings) == len(phases):
        tune = cell.recipe.tune
        seconds = seconds_of_run(
            cell.recipe,
            size,
            timings,
            pilot.scoring if cell.kind != "candidate" else 0.0,
            trains=tune is None or not cell.candidates or tune.epochs < 1,
        )
    parameters = timings[0].parameters if timings else None
    return CellCost(cell, database, state, size, seconds, parameters)


def seconds_of_run(
    recipe: Recipe,
    size: DatasetSize,
    timings: Sequence[Timing],
    scoring: float,
    *,
    trains: bool = True,
) -> float:
    """Of one run that lasts all its epochs: training, then scoring by the saved model.

    Args:
        recipe: its settings.
        size: of its dataset.
        timings: of each of its phases.
        scoring: seconds for each test record, label and patient resample.
        trains: whether it is trained, rather than taken over from a candidate.
    """
    scored = size.test if recipe.training.validate_on == "test" else size.valid
    first = timings[0]
    records = min(recipe.data.train_records or size.train, size.train)
    steps = math.ceil(records / recipe.training.batch_size)
    seconds = first.build * (1 + (recipe.initialise is not None)) * trains
    for phase, timing in zip(recipe.training.phases, timings, strict=True) if trains else ():
        validation = timing.predict_begin + scored * timing.predict
        fitting = phase.epochs * (steps * timing.step + validation)
        saves = min(phase.epochs, 1 + fitting // timing.between)
        seconds += timing.trace + timing.predict_trace + fitting + saves * timing.save
    seconds += first.build + 2 * first.predict_trace
    seconds += (size.valid + size.test) * first.predict
    return seconds + scoring * size.test * size.labels * recipe.evaluation.bootstrap


# ---------------------------------------------------------------- runs one after another


def makespan(
    seconds: Mapping[str, float], needs: Mapping[str, Sequence[str]], workers: int = 1
) -> float:
    """Seconds until all runs are over, each of equal workers taking the first that can begin.

    Runs that are over have no seconds; ``needs`` names those that must be over before another.
    """
    order = {name: place for place, name in enumerate(seconds)}
    waiting: dict[str, list[str]] = defaultdict(list)
    ready: list[tuple[int, str]] = []
    before = {name: {one for one in needs.get(name, ()) if one in seconds} for name in seconds}
    for name, needed in before.items():
        for one in needed:
            waiting[one].append(name)
        if not needed:
            ready.append((order[name], name))
    heapq.heapify(ready)
    busy: list[tuple[float, int, str]] = []
    now = 0.0
    while ready or busy:
        while ready and len(busy) < workers:
            place, name = heapq.heappop(ready)
            heapq.heappush(busy, (now + seconds[name], place, name))
        now, _, over = heapq.heappop(busy)
        for name in waiting[over]:
            before[name].remove(over)
            if not before[name]:
                heapq.heappush(ready, (order[name], name))
    return now


def remaining_seconds(plan: StudyPlan, now: Snapshot, workers: int = 0) -> float | None:
    """Seconds until a study that runs is over, judged by its finished runs.

    A run is expected to last as long as the mean of the finished ones that are most like it: of
    the same arm; else of the same backbone, head, database, number of records and mode; and so on,
    down to all of them.

    Args:
        plan: of the study.
        now: how far it is.
        workers: how many run it, here and elsewhere; at least those that are busy now.

    Returns:
        The seconds; ``None`` where no run is finished yet.
    """
    if not now.seconds_done:
        return None
    finished: dict[tuple[int, Hashable], list[float]] = defaultdict(list)
    for name, seconds in now.seconds_done.items():
        for key in enumerate(_likeness(plan.by_name[name], plan.databases.get(name))):
            finished[key].append(seconds)
    running = {one.name: one.epoch / max(1, one.epochs) for one in now.running}
    left = {}
    for cell in sorted(plan.cells, key=lambda cell: cell.name not in running):
        if now.states[cell.name] in ("running", "waiting"):
            levels = enumerate(_likeness(cell, plan.databases.get(cell.name)))
            most_alike = next(finished[key] for key in levels if key in finished)
            left[cell.name] = statistics.fmean(most_alike) * (1 - running.get(cell.name, 0.0))
    needs = {cell.name: cell.needs for cell in plan.cells}
    return makespan(left, needs, max(1, workers, len(running)))


def _likeness(cell: Cell, database: str | None) -> Sequence[Hashable]:
    """What runs of about equal length have in common, most alike first."""
    recipe = cell.recipe
    network = recipe.model.backbone, recipe.model.head
    # what is chosen from candidates is not trained again
    kind = cell.kind, bool(cell.candidates)
    return (
        (*network, database, recipe.data.train_records, recipe.training.phases, kind),
        (*network, database, kind),
        (*network, kind),
        network[:1],
        (),
    )
