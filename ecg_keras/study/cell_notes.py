"""What a cell's run folder says of its work: who runs it, for how long, and what went wrong."""

from __future__ import annotations

import os
import socket
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

import filelock

from ecg_keras.errors import DataError, EcgKerasError, printable, shortened
from ecg_keras.files import lock_file
from ecg_keras.json_files import as_number, as_text, parse_as, read_json, write_json
from ecg_keras.training import LeakError, Run

FAILURE = "failed.json"
# of what went wrong with a cell, in one line
_LONGEST = 600
# the kernel frees this lock when its process ends, however it ends
LOCK = ".claim"
NOTE = "cell.json"


@dataclass(frozen=True)
class CellLeak:
    """Why a cell must not be trained: see `ecg_keras.training.LeakError`."""

    what: str
    shards: str
    upstream: bool


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


# ---------------------------------------------------------------- what went wrong


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


def forget_failure(run: Run) -> None:
    """Lets a failed cell be tried again."""
    (run.folder / FAILURE).unlink(missing_ok=True)
