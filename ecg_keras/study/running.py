"""`run_study`: what is left of a study is handed, cell by cell, to whoever runs them."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, Protocol

from ecg_keras import data
from ecg_keras.config import (
    check_candidates,
    check_different,
    list_changes,
    run_changes,
    run_settings,
)
from ecg_keras.errors import ConfigError, DataError, listed
from ecg_keras.files import lock_file, refresh
from ecg_keras.statistics import ArmName
from ecg_keras.stopping import stopping
from ecg_keras.study.cell_notes import LOCK, forget_failure
from ecg_keras.study.cells import Cell, StudyPlan
from ecg_keras.study.given_upstreams import import_published
from ecg_keras.study.leak_check import list_unchecked, refuse_leaks
from ecg_keras.study.local_pool import open_processes
from ecg_keras.study.on_ray import open_ray
from ecg_keras.study.state import (
    OVER,
    Snapshot,
    fail_unfinished,
    is_done,
    keeps_its_upstream,
    snapshot,
)
from ecg_keras.study.worker import LOG, ProcessDied
from ecg_keras.workflow import known_dataset

# a cell that ended as many processes in a row, none of which kept a new checkpoint, has failed
DEATHS = 2
KILLED = (
    "the process that ran it was killed {times} times ({how}), perhaps for want of memory. Use "
    "fewer workers or a smaller training.batch_size, and run the same command again."
)
ENDED = (
    "the process that ran it ended {times} times by itself ({how}). The end of {printed} says why, "
    "or of {log}: correct that, and run the same command again."
)
# seconds between looks at the study
PAUSE = 1.0
# a look at a large study takes seconds: it takes a twentieth of the time, for workers need the core
BETWEEN = 19

# in what a run was made otherwise, as runs themselves say it
UPSTREAM = "the upstream weights"

Tick = Callable[[Snapshot], None]
Changed = tuple[Cell, list[str]]


class Pool(Protocol):
    """Who runs cells: processes of this machine, or tasks of a Ray cluster."""

    @property
    def room(self) -> float:
        """Tasks that it takes at a time."""

    def begin(self, name: str, check: bool) -> Any:
        """Begins to run a cell, or only to check it; returns the task."""

    def wait(self, tasks: Sequence[Any], seconds: float) -> Sequence[Any]:
        """Those of the tasks that have ended, after at most as many seconds."""

    def result(self, task: Any, name: str) -> bool:
        """Whether the cell was free; raises `ProcessDied` where its process did not live."""


def run_study(
    plan: StudyPlan,
    *,
    workers: int = 1,
    shard: tuple[int, int] | None = None,
    ray: str | None = None,
    gpus_per_cell: float = 0.0,
    cpus_per_cell: float = 1.0,
    on_tick: Tick = lambda now: None,
) -> Snapshot:
    """Runs what is left of a study; finished cells are kept, failed ones are tried again.

    All data are prepared and searched for leaks first, and nothing is trained where a run would
    know what it is tested on. Each cell becomes an ordinary run folder. One that fails leaves
    ``failed.json`` in it and does not stop the others. No two processes run the same cell, in this
    call or another, here or on another machine that shares the folder.

    Args:
        plan: of `list_cells`.
        workers: processes on this machine, which share its cores and GPUs.
        shard: ``(i, n)``, with i from 1 to n: run an n-th of the cells, as many of each arm, and
            the pre-trainings they need.
        ray: address of a Ray cluster, or ``"local"``, instead of local processes.
        gpus_per_cell, cpus_per_cell: what each cell requests of Ray.
        on_tick: called about once a second with how far the study is.

    Returns:
        How far the study is when nothing of this shard is left to run.

    Raises:
        ConfigError: finished or begun runs were made with other settings or recordings, an arm asks
            for another calibration than its run has or for candidates that are the same, a shard
            or number of workers is out of range, or Ray is not installed.
        DataError: runs would be tested on records that they know; or processes end before they run
            a cell.

    Example:
        >>> plan = list_cells(load_study("recipes/studies/quick.yaml"))
        >>> run_study(plan, workers=2).counts["failed"]
        0
    """
    if workers < 1:
        raise ConfigError(f"workers must be at least 1. Received: {workers}.")
    if shard is not None and not 1 <= shard[0] <= shard[1]:
        raise ConfigError(f"a shard is i/n with i from 1 to n. Received: {shard[0]}/{shard[1]}.")
    cells = share(plan, shard)
    check_unchanged(plan, cells)
    check_unfinished(plan)
    plan.folder.mkdir(parents=True, exist_ok=True)
    for cell in cells:
        forget_failure(cell.run)
    states = snapshot(plan).states
    left = sum(states[cell.name] not in OVER for cell in cells)
    if left:
        with lock_file(plan.folder / LOCK):
            pass  # where nothing can be locked, it is refused before a cell is run
        import_published(plan.given.values())
        pool: AbstractContextManager[Pool] = (
            open_processes(plan, workers, left)
            if ray is None
            else open_ray(plan, ray, gpus=gpus_per_cell, cpus=cpus_per_cell)
        )
        with stopping(), pool as opened:
            dispatch(plan, cells, opened, on_tick, check=True)
            refuse_leaks(plan, cells)
            dispatch(plan, cells, opened, on_tick, check=False)
    last = snapshot(plan)
    on_tick(last)
    return last


def share(plan: StudyPlan, shard: tuple[int, int] | None) -> tuple[Cell, ...]:
    """The cells of shard i of n: an n-th of the runs that are tested, and the cells they need."""
    if shard is None:
        return plan.cells
    number, shards = shard
    arms: dict[ArmName | None, list[Cell]] = defaultdict(list)
    for cell in plan.cells:
        if cell.kind == "downstream":
            arms[cell.arm].append(cell)
    # machines may compute otherwise: whole rounds go seed by seed and fold by fold, so that what is
    # compared shares one; what is left of each arm is dealt on, so that no shard has more to do
    ours: set[str] = set()
    dealt = 0
    for cells in arms.values():
        whole = len(cells) - len(cells) % shards
        places = [*range(whole), *range(dealt, dealt + len(cells) - whole)]
        dealt += len(cells) - whole
        pairs = zip(cells, places, strict=True)
        ours.update(cell.name for cell, place in pairs if place % shards == number - 1)
    for cell in reversed(plan.cells):  # what a cell needs comes before it
        if cell.name in ours:
            ours.update(cell.needs)
    return tuple(cell for cell in plan.cells if cell.name in ours)


def dispatch(
    plan: StudyPlan, cells: Sequence[Cell], pool: Pool, tick: Tick, *, check: bool
) -> None:
    """Hands cells to a pool until each is done or failed, here or elsewhere, or can't run.

    With ``check``, until the data of each are prepared and searched for leaks. Cells come with
    those that they need, which come first.
    """
    deaths: Counter[str] = Counter()
    trained: dict[str, bytes] = {}
    pending: dict[Any, Cell] = {}
    checked: set[str] = set()
    now = None
    while True:
        begun = time.perf_counter()
        now = snapshot(plan, now)
        tick(now)
        pause = max(PAUSE, BETWEEN * (time.perf_counter() - begun))
        left = (
            list_unchecked(cells, now.states, checked)
            if check
            else [cell for cell in cells if now.states[cell.name] not in OVER]
        )
        if not left and not pending:
            return
        begun_already = {cell.name for cell in pending.values()}
        for cell in left:
            ready = now.states[cell.name] == "waiting" if check else now.is_ready(cell)
            if ready and cell.name not in begun_already and len(pending) < pool.room:
                trained[cell.name] = _read_checkpoint(cell)
                pending[pool.begin(cell.name, check)] = cell
        ended = pool.wait(list(pending), pause) if pending else ()
        free = False
        for task in ended:
            cell = pending.pop(task)
            try:
                free = pool.result(task, cell.name)
            except ProcessDied as error:
                if _read_checkpoint(cell) != trained[cell.name]:
                    deaths[cell.name] = 0  # as where its machine is taken away time and again
                    continue
                deaths[cell.name] += 1
                if deaths[cell.name] >= DEATHS:
                    why = KILLED if error.log is None else ENDED
                    times, printed = deaths[cell.name], cell.run.folder / LOG
                    why = why.format(times=times, how=error, printed=printed, log=error.log)
                    fail_unfinished(cell, why)
                continue
            if free and check:
                checked.add(cell.name)
            elif free:
                fail_unfinished(cell, "it ended, and its scores are not there.")
        if not pending and not free:  # others run what is left, or what it needs
            time.sleep(pause)


def _read_checkpoint(cell: Cell) -> bytes:
    """How far a cell is trained: what it would resume from, and empty where there is nothing."""
    # not the checkpoints: whoever trains removes what it finds there. A file system that looks into
    # the run's folder again learns that they changed, too
    refresh(cell.run.folder)
    with suppress(OSError):
        return (cell.run.checkpoints / "progress.json").read_bytes()
    return b""


def check_unchanged(plan: StudyPlan, cells: Sequence[Cell]) -> None:
    """Refuses runs in the study's folder that were made otherwise than the study now says."""
    changed = [(cell, what) for cell in cells for what in [_changes(cell)] if what]
    datasets: dict[str, tuple[Path, str]] = {}
    for cell in cells:
        raw = cell.recipe.data.raw
        if raw.is_dir() and is_done(cell):
            key = f"{raw} {json.dumps(run_settings(cell.recipe)['data'], sort_keys=True)}"
            if key not in datasets:
                datasets[key] = data.find_shards(cell.recipe.data)
            dataset = known_dataset(cell.run, cell.recipe.data, *datasets[key])
            if cell.run.read_status().get("dataset") != dataset:
                changed.append((cell, [f"the recordings in {raw}"]))
    changed += _list_started_from(changed, cells)
    if changed:
        cell, what = changed[0]
        raise ConfigError(
            f"{plan.loaded.path}: {len(changed)} of {len(cells)} runs in {plan.folder / 'runs'} "
            f"were made with other settings. {cell.name}: {list_changes(what)}. Give the study "
            "another folder with --set folder=FOLDER, or remove these runs to train them again: "
            f"{listed([one.name for one, _ in changed])}."
        )


def _list_started_from(changed: Sequence[Changed], cells: Sequence[Cell]) -> list[Changed]:
    """The other runs that began with a pre-training that is to be made again."""
    names = {cell.name for cell, _ in changed}
    again = {cell.name for cell, _ in changed if cell.kind == "pretrain"}
    return [
        (cell, [UPSTREAM])
        for cell in cells
        if cell.name not in names and again.intersection(cell.needs) and cell.run.holds_epochs()
    ]


def check_unfinished(plan: StudyPlan) -> None:
    """Refuses what no run that is still to be finished may be: finished ones stay what they are."""
    left = {cell.name for cell in plan.cells if not is_done(cell)}
    for point, name in plan.points.items():
        arm, (kept, own) = point[0], plan.calibration_of(point)
        if name in left and own != kept:
            raise ConfigError(
                f"{plan.loaded.path}: {arm}, protocol {arm.protocol}: evaluation.calibration is "
                f"{own}, and {kept} for another arm of the same run, {name}, whose predictions are "
                "stored calibrated, once. Give both the same calibration, or make them two studies."
            )
    for cell in plan.cells:
        if cell.name in left:  # candidates that are one run here have its folder, and name
            tried = {name: plan.by_name[one.name].recipe for name, one in cell.candidates.items()}
            check_different(tried, f"{plan.loaded.path}: {cell.name}")
            check_candidates(cell.recipe, f"{plan.loaded.path}: {cell.name}")


def _changes(cell: Cell) -> list[str]:
    try:
        status = cell.run.read_status()
    except DataError:
        return []  # the cell fails with what is damaged
    if not cell.run.holds_epochs():
        return []
    changed = run_changes(status.get("settings", {}), cell.recipe)
    return [*changed, *[UPSTREAM] * (not keeps_its_upstream(cell.run, cell.recipe))]
