"""What runs cells: `attempt`, for one of them, and the process that does one after the other.

`ecg_keras.study.local_pool` starts this process. Each line of its input names a cell; the end of
its input says that whoever started it is gone.
"""

from __future__ import annotations

import gc
import json
import os
import queue
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

from ecg_keras import workflow
from ecg_keras.config import LoadedRecipe, LoadedStudy, Study
from ecg_keras.errors import DataError
from ecg_keras.keras_library import keras
from ecg_keras.study.cell_listing import list_cells
from ecg_keras.study.cell_notes import claim, now, read_failure, write_failure
from ecg_keras.study.cells import Cell, StudyPlan
from ecg_keras.study.leak_check import is_checked
from ecg_keras.study.state import is_done

LOG = "cell.log"
# cells that a process runs before another takes its place: TensorFlow keeps a graph and the
# variables of each network that was trained
MANY = 10
# what a process answers before its first cell
READY = b"r"


class ProcessDied(Exception):
    """The process that ran a cell was killed or lost; or it ended, and its log says why."""

    def __init__(self, how: str, log: str | None = None) -> None:
        super().__init__(how)
        self.log = log


def attempt(cell: Cell, study: Path, *, check: bool = False) -> bool:
    """Runs a cell, or only checks it; whether no other process does so.

    A failure is left in its folder and raises nothing. The cells that it needs are done, or
    checked; the study recipe is for messages.
    """
    with claim(cell.run) as free:
        if not free:
            return False
        if is_done(cell) or read_failure(cell.run) is not None or (check and is_checked(cell)):
            return True
        with _writing_to(cell.run.folder / LOG):
            sys.stdout.write(f"{now()}: {'the data of ' if check else ''}{cell.name}\n")
            try:
                _run_cell(cell, study, check=check)
            except Exception as error:
                write_failure(cell.run, error)
            finally:
                keras.backend.clear_session()
                gc.collect()
    return True


def _run_cell(cell: Cell, study: Path, *, check: bool) -> None:
    """Makes everything that a cell's recipe asks for, but for its page.

    With ``check`` nothing is trained: its data are prepared and searched for leaks.
    """
    loaded = LoadedRecipe(cell.name, study, cell.recipe, {})
    job = replace(workflow.make_job(loaded, tried_in=cell.candidates), tried=cell.tried)
    data = cell.recipe.data
    if data.simulate is None and not data.raw.is_dir() and not job.outlives_its_data():
        raise DataError(
            f"{study}: there is no folder {data.raw} with the recordings of {data.source}. Say "
            f"where they are: --set raw.{data.source}=FOLDER."
        )
    steps = workflow.make_plan(job, report=False, tried=cell.tried, tested=cell.kind != "candidate")
    workflow.run_plan(takewhile(lambda step: not check or step.action != "train", steps))


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


def main(answers: int) -> None:
    """The process: reads which study it is, then which cells to run; ends with the parent."""
    plan = unpack(json.loads(sys.stdin.readline()))
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_read_requests, args=(requests,), daemon=True).start()
    os.write(answers, READY)
    while True:
        request = requests.get()
        cell = plan.by_name[request["cell"]]
        free = attempt(cell, plan.loaded.path, check=request["check"])
        os.write(answers, b"1" if free else b"0")


def _read_requests(requests: queue.SimpleQueue[dict[str, Any]]) -> None:
    for line in sys.stdin:
        requests.put(json.loads(line))
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
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:  # what a full disk refuses is then printed where the process began
            for stream, before in zip((1, 2), kept, strict=True):
                os.dup2(before, stream)
                os.close(before)
