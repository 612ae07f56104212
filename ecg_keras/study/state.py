"""How far a study is, read from its files alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from ecg_keras.config import Recipe, run_changes
from ecg_keras.errors import DataError
from ecg_keras.files import refresh
from ecg_keras.study.cell_notes import (
    FAILURE,
    is_claimed,
    read_failure,
    read_seconds,
    write_failure,
)
from ecg_keras.study.cells import Cell, StudyPlan
from ecg_keras.training import Run, read_log
from ecg_keras.workflow import evaluation_mark, has_diverged

State = Literal["done", "failed", "running", "waiting", "blocked"]
STATES: tuple[State, ...] = ("done", "failed", "running", "waiting", "blocked")
# nothing is left to do for such a cell
OVER: tuple[State, ...] = ("done", "failed", "blocked")


class Running(NamedTuple):
    """A cell that a process is busy with.

    Attributes:
        name: of the cell.
        epoch: epochs that are complete; 0 while its data are prepared.
        epochs: how many there can be.
        score: macro AUROC on validation after the last epoch, ``None`` before the first.
    """

    name: str
    epoch: int
    epochs: int
    score: float | None


@dataclass(frozen=True)
class Snapshot:
    """How far a study is.

    Attributes:
        counts: of cells in each of the `STATES`.
        running: those that a process is busy with.
        failures: cell and what went wrong, in one line.
        seconds_done: of each finished cell, everything from preparing its data to its scores.
        blocked: cell and why it can't run.
        states: of each cell by its name.
        diverged: candidates that failed because they diverged: others are chosen without them.
    """

    counts: Mapping[State, int]
    running: tuple[Running, ...]
    failures: tuple[tuple[str, str], ...]
    seconds_done: Mapping[str, float]
    blocked: tuple[tuple[str, str], ...] = ()
    states: Mapping[str, State] = field(default_factory=dict)
    diverged: Collection[str] = ()

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to run."""
        return not self.counts["running"] and not self.counts["waiting"]

    def is_ready(self, cell: Cell) -> bool:
        """Whether the cell waits for nothing but somebody to run it."""
        needed = {self.states[name] for name in cell.needs if name not in self.diverged}
        return self.states[cell.name] == "waiting" and needed <= {"done"}


def snapshot(plan: StudyPlan, before: Snapshot | None = None) -> Snapshot:
    """How far a study is; reads a few small files of each cell.

    Args:
        plan: of `list_cells`.
        before: an earlier one of this study; what was done then is not read again, unless a cell
            that it needs was not.

    Returns:
        The state of each cell, and what there is to know of those that run, failed or can't run.

    Example:
        >>> from ecg_keras.config import load_study
        >>> from ecg_keras.study import list_cells
        >>> snapshot(list_cells(load_study("recipes/studies/quick.yaml"))).counts["done"]
        0
    """
    seconds = {} if before is None else dict(before.seconds_done)
    # a pre-training that was removed may have become another one since
    kept = {cell.name for cell in plan.cells if seconds.keys() >= {cell.name, *cell.needs}}
    states: dict[str, State] = {}
    reasons: dict[str, str] = {}
    diverged: list[str] = []
    for cell in plan.cells:  # what a cell needs comes before it
        state = "done" if cell.name in kept else read_state(cell)
        reason = cell.problem
        for name in cell.needs:
            if states[name] in ("failed", "blocked") and name not in diverged:
                what = "pre-training" if plan.by_name[name].kind == "pretrain" else "candidate"
                reason = reason or f"its {what} {name} is {states[name]}"
        if state == "waiting" and reason is not None:
            state = "blocked"
            reasons[cell.name] = reason
        states[cell.name] = state
        if state == "failed" and cell.tried and _has_diverged(cell):
            diverged.append(cell.name)
    those = {state: [cell for cell in plan.cells if states[cell.name] == state] for state in STATES}
    return Snapshot(
        counts={state: len(cells) for state, cells in those.items()},
        running=tuple(map(_progress, those["running"])),
        failures=tuple((cell.name, read_failure(cell.run) or "") for cell in those["failed"]),
        blocked=tuple(reasons.items()),
        seconds_done={
            cell.name: seconds.get(cell.name) or read_seconds(cell.run) for cell in those["done"]
        },
        states=states,
        diverged=tuple(diverged),
    )


def read_state(cell: Cell) -> State:
    """Of one cell, whatever became of the one that it needs."""
    if is_claimed(cell.run):
        return "running"
    if is_done(cell):
        return "done"
    return "waiting" if read_failure(cell.run) is None else "failed"


def is_done(cell: Cell) -> bool:
    """Whether the cell was trained with these settings and scored as they say."""
    run = cell.run
    try:
        status = run.read_status()
    except DataError:
        return False  # whoever runs it reports what is damaged
    if not keeps_its_upstream(run, cell.recipe):
        return False
    if cell.kind == "candidate" and _has_diverged(cell):
        return not run_changes(status.get("settings", {}), cell.recipe)
    trained = (
        status.get("state") == "trained"
        and run.model.is_file()
        and not run_changes(status["settings"], cell.recipe)
        and (not cell.tried or run.tried.is_file())
    )
    if not trained or cell.kind == "candidate":
        return trained
    scored = status.get("evaluated")
    return (
        scored == evaluation_mark(status["fingerprint"], cell.recipe.evaluation, scored)
        and run.scores.is_file()
        and (run.saved_model.is_dir() or not cell.recipe.export)
    )


def keeps_its_upstream(run: Run, recipe: Recipe) -> bool:
    """Whether what a run began with still is what its upstream holds, or that is gone."""
    if recipe.initialise is None:
        return True
    with suppress(DataError):  # whoever runs it reports what is damaged
        upstream = Run(Path(recipe.initialise.from_))
        mark = upstream.read_status().get("fingerprint")
        # one that was begun otherwise, and holds no epoch, is begun again as it was
        unknown = mark is None or not upstream.holds_epochs()
        return unknown or run.read_status().get("upstream", mark) == mark
    return True


def _has_diverged(cell: Cell) -> bool:
    with suppress(DataError):  # whoever runs it, or what is chosen from it, reports the damage
        return has_diverged(cell.run)
    return False


def fail_unfinished(cell: Cell, why: str) -> None:
    """Leaves ``failed.json`` of a cell that has ended, unless its scores or a failure are there.

    Both may be of another machine, and a shared file system shows them late.
    """
    refresh(cell.run.folder)
    if is_done(cell) or read_failure(cell.run) is not None:
        return
    path = cell.run.folder / FAILURE
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        path.touch(exist_ok=False)
        write_failure(cell.run, DataError(why))


def _progress(cell: Cell) -> Running:
    epochs = sum(phase.epochs for phase in cell.recipe.training.phases)
    try:
        last = read_log(cell.run.log)[-1]
        return Running(cell.name, int(last["epoch"]), epochs, float(last["val_macro_auroc"]))
    except (IndexError, KeyError, ValueError, DataError):
        return Running(cell.name, 0, epochs, None)
