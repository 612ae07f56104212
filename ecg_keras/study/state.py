"""How far a study is, read from its files alone; and who runs a cell."""

from __future__ import annotations

import os
import socket
import time
import traceback
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal, NamedTuple

import filelock

from ecg_keras.config import Recipe, run_changes
from ecg_keras.errors import DataError, EcgKerasError, printable, shortened
from ecg_keras.files import lock_file, refresh
from ecg_keras.json_files import as_number, as_text, parse_as, read_json, write_json
from ecg_keras.study.cells import Cell, StudyPlan
from ecg_keras.training import LeakError, Run, read_log
from ecg_keras.workflow import evaluation_mark, has_diverged

State = Literal["done", "failed", "running", "waiting", "blocked"]
STATES: tuple[State, ...] = ("done", "failed", "running", "waiting", "blocked")
# nothing is left to do for such a cell
OVER: tuple[State, ...] = ("done", "failed", "blocked")
FAILURE = "failed.json"
# of what went wrong with a cell, in one line
_LONGEST = 600
# the kernel frees this lock when its process ends, however it ends
LOCK = ".claim"
NOTE = "cell.json"


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


@dataclass(frozen=True)
class CellLeak:
    """Why a cell must not be trained: see `ecg_keras.training.LeakError`."""

    what: str
    shards: str
    upstream: bool


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


def read_failure(run: Run) -> str | None:
    """What went wrong with a cell, in one line; ``None`` where nothing did."""
    path = run.folder / FAILURE
    if not path.exists():
        return None
    try:
        error = read_json(path, "failures", lambda failure: as_text(failure["error"]))
    except DataError:
        return f"{path} is damaged"
    return printable(shortened(" ".join(error.split()), _LONGEST))


def read_leak(run: Run) -> CellLeak | None:
    """The leak for which a cell failed; ``None`` where it failed for another reason or did not."""
    try:
        leak: CellLeak = read_json(
            run.folder / FAILURE, "failures", lambda kept: parse_as(CellLeak, kept["leak"])
        )
    except DataError:
        return None
    return leak


def write_failure(run: Run, error: Exception) -> None:
    """Leaves ``failed.json``: what went wrong, when, and where in the code."""
    ours = isinstance(error, EcgKerasError)
    failure: dict[str, Any] = {
        "error": str(error) if ours else f"{type(error).__name__}: {error}",
        "time": now(),
        "traceback": "".join(traceback.format_exception(error)),
    }
    if isinstance(error, LeakError):
        failure["leak"] = asdict(CellLeak(error.what, str(error.shards), error.upstream))
    write_json(run.folder / FAILURE, failure)


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


def forget_failure(run: Run) -> None:
    """Lets a failed cell be tried again."""
    (run.folder / FAILURE).unlink(missing_ok=True)


def _progress(cell: Cell) -> Running:
    epochs = sum(phase.epochs for phase in cell.recipe.training.phases)
    try:
        last = read_log(cell.run.log)[-1]
        return Running(cell.name, int(last["epoch"]), epochs, float(last["val_macro_auroc"]))
    except (IndexError, KeyError, ValueError, DataError):
        return Running(cell.name, 0, epochs, None)


# ---------------------------------------------------------------- who runs a cell


@contextmanager
def claim(run: Run) -> Iterator[bool]:
    """Claims a run folder while the block lasts; gives whether nobody else has it.

    While it is ours, ``cell.json`` names the machine and the process, afterwards the seconds that
    the run took so far.
    """
    run.folder.mkdir(parents=True, exist_ok=True)
    try:
        held = lock_file(run.folder / LOCK, timeout=0)
    except filelock.Timeout:
        yield False
        return
    with held:
        seconds, begun = read_seconds(run), time.perf_counter()
        note = {"host": socket.gethostname(), "pid": os.getpid(), "begun": now()}
        write_json(run.folder / NOTE, {**note, "seconds": seconds})
        yield True
        spent = round(seconds + time.perf_counter() - begun, 1)
        write_json(run.folder / NOTE, {**note, "pid": None, "seconds": spent})


def is_claimed(run: Run) -> bool:
    """Whether a live process, of any machine that sees the folder, runs the cell.

    Where it is noted that one does, and the claim is another user's, it counts as running. A
    process must not ask this of a cell that it runs itself: some shared file systems would release
    its claim.
    """
    if _read_note(run).get("pid") is None:
        return False
    try:
        with lock_file(run.folder / LOCK, timeout=0):
            return False
    except OSError:  # a timeout, too
        return True


def read_seconds(run: Run) -> float:
    """The time that a cell took so far, without what was lost to a kill."""
    return float(_read_note(run).get("seconds", 0.0))


def now() -> str:
    """The time, for files."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _read_note(run: Run) -> dict[str, Any]:
    try:
        return read_json(run.folder / NOTE, "notes", _parse_note)
    except DataError:  # whoever claims the cell writes another
        return {}


def _parse_note(note: dict[str, Any]) -> dict[str, Any]:
    as_number(note.get("seconds", 0.0))
    return note
