"""What runs cells: `attempt`, for one of them, and the process that does one after the other.

`ecg_keras.study.running` starts this process. Its first line of input says what to do; the end of
its input says that whoever started it is gone.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

from ecg_keras import workflow
from ecg_keras.config import LoadedRecipe, LoadedStudy, Study
from ecg_keras.errors import DataError
from ecg_keras.keras_library import keras
from ecg_keras.study.cells import Cell, StudyPlan, list_cells
from ecg_keras.study.checking import is_checked, list_unchecked
from ecg_keras.study.claims import claim, now
from ecg_keras.study.state import (
    OVER,
    is_done,
    read_failure,
    read_leak,
    read_state,
    snapshot,
    write_failure,
)

LOG = "cell.log"
# seconds between looks at cells that others run
PAUSE = 1.0
# cells that a process runs before a new one goes on: TensorFlow keeps a graph and the variables of
# each network that was trained
MANY = 10
# exit codes of a process that did so many, and of one that found leaks before anything was trained
RENEW, REFUSED = 75, 76


def attempt(cell: Cell, study: Path, *, check: bool = False) -> bool:
    """Runs a cell unless another process does; a failure is left in its folder and raises nothing.

    Args:
        cell: whose pre-training, if it needs one, is done, or checked.
        study: the study recipe, for messages.
        check: only check it, as `run_cell` does.

    Returns:
        Whether it was free: it is now done, or checked, or failed.
    """
    with claim(cell.run) as free:
        if not free:
            return False
        if is_done(cell) or read_failure(cell.run) is not None or (check and is_checked(cell)):
            return True
        with _writing_to(cell.run.folder / LOG):
            sys.stdout.write(f"{now()}: {'the data of ' if check else ''}{cell.name}\n")
            try:
                run_cell(cell, study, check=check)
            except Exception as error:
                write_failure(cell.run, error)
            finally:
                keras.backend.clear_session()
                gc.collect()
    return True


def run_cell(cell: Cell, study: Path, *, check: bool = False) -> None:
    """Makes everything that a cell's recipe asks for, but for its page.

    Args:
        cell: which one.
        study: the study recipe, for messages.
        check: stop before anything is trained: prepare its data, and search them for leaks.

    Raises:
        ConfigError, DataError: as for any recipe; or there are no recordings.
    """
    loaded = LoadedRecipe(cell.name, study, cell.recipe, {})
    job = workflow.make_job(loaded, tried_in=cell.candidates)
    data = cell.recipe.data
    if data.simulate is None and not data.raw.is_dir() and not job.outlives_its_data():
        raise DataError(
            f"{study}: there is no folder {data.raw} with the recordings of {data.source}. Say "
            f"where they lie: --set raw.{data.source}=FOLDER."
        )
    steps = workflow.make_plan(job, report=False, tried=cell.tried, tested=cell.kind != "candidate")
    workflow.run_plan(takewhile(lambda step: not check or step.action != "train", steps))


def check(plan: StudyPlan, cells: Sequence[Cell]) -> bool:
    """Prepares the data of all cells and searches them for leaks, in turns with other processes.

    Args:
        plan: of the whole study.
        cells: with the pre-trainings that they need, which come first.

    Returns:
        Whether they may be trained: `read_leak` tells what was found otherwise. A cell that fails
        for another reason keeps the others from nothing.
    """
    tried: set[str] = set()
    while True:
        unchecked = list_unchecked(cells, snapshot(plan).states, tried)
        if not unchecked:
            return not any(read_leak(cell.run) for cell in cells)
        free = [cell for cell in unchecked if attempt(cell, plan.loaded.path, check=True)]
        tried |= {cell.name for cell in free}
        if not free:  # others check what is left, or what it starts from
            time.sleep(PAUSE)


def work(cells: Sequence[Cell], study: Path) -> bool:
    """Runs cells in their order until each is done or failed, here or elsewhere, or can't run.

    Args:
        cells: with the pre-trainings that they need, which come first.
        study: the study recipe, for messages.

    Returns:
        Whether nothing is left; if not, a new process is to go on.
    """
    states = {cell.name: read_state(cell) for cell in cells}
    number = 0
    while number < MANY:
        before = number
        for cell in cells:
            if states[cell.name] in OVER:
                continue
            needed = {states[name] for name in cell.needs}
            if cell.problem is not None or needed & {"failed", "blocked"}:
                states[cell.name] = "blocked"
            elif needed <= {"done"} and number < MANY and attempt(cell, study):
                number += 1
                states[cell.name] = "done" if is_done(cell) else "failed"
        left = [cell for cell in cells if states[cell.name] not in OVER]
        if not left:
            return True
        if number == before:  # others run what is left, or what it needs
            time.sleep(PAUSE)
            states |= {cell.name: read_state(cell) for cell in left}
    return False


def share(plan: StudyPlan, shard: tuple[int, int] | None) -> tuple[Cell, ...]:
    """The cells of one shard: every n-th run that is tested, and the cells that these need.

    Args:
        plan: of the whole study.
        shard: ``(i, n)``, with i from 1 to n; ``None`` for all cells.
    """
    if shard is None:
        return plan.cells
    number, shards = shard
    downstream = [cell for cell in plan.cells if cell.kind == "downstream"]
    ours = {cell.name for cell in downstream[number - 1 :: shards]}
    for cell in reversed(plan.cells):  # what a cell needs comes before it
        if cell.name in ours:
            ours.update(cell.needs)
    return tuple(cell for cell in plan.cells if cell.name in ours)


def pack(loaded: LoadedStudy) -> dict[str, Any]:
    """A study as plain values, for another process."""
    return {
        "name": loaded.name,
        "path": str(loaded.path),
        "study": loaded.study.model_dump(mode="json", by_alias=True),
    }


def unpack(packed: dict[str, Any]) -> StudyPlan:
    """The plan of a packed study."""
    study = Study.model_validate(packed["study"])
    return list_cells(LoadedStudy(packed["name"], Path(packed["path"]), study, {}))


def main() -> None:
    """The process: reads what to do, does it, and ends at once when the parent does."""
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    plan = unpack(request["study"])
    cells = share(plan, request["shard"] and tuple(request["shard"]))
    if not check(plan, cells):
        sys.exit(REFUSED)
    sys.exit(0 if work(cells, plan.loaded.path) else RENEW)


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


@contextmanager
def _writing_to(path: Path) -> Iterator[None]:
    """Sends all output of this process, TensorFlow's too, to the end of a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with path.open("ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for stream, before in zip((1, 2), kept, strict=True):
            os.dup2(before, stream)
            os.close(before)
