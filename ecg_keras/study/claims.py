"""Who runs a cell: one process at a time, of all processes and machines that see the folder."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

import filelock

from ecg_keras.errors import DataError
from ecg_keras.files import as_number, read_json, write_json
from ecg_keras.training import Run

# the kernel frees this lock when its process ends, however it ends
LOCK = ".claim"
NOTE = "cell.json"


@contextmanager
def claim(run: Run) -> Iterator[bool]:
    """Claims a run folder while the block lasts; gives whether nobody else has it.

    While it is ours, ``cell.json`` tells on which machine and in which process, and afterwards the
    seconds that the run took so far.
    """
    run.folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(run.folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        yield False
        return
    try:
        seconds, begun = read_seconds(run), time.perf_counter()
        note = {"host": socket.gethostname(), "pid": os.getpid(), "begun": now()}
        write_json(run.folder / NOTE, {**note, "seconds": seconds})
        yield True
        spent = round(seconds + time.perf_counter() - begun, 1)
        write_json(run.folder / NOTE, {**note, "pid": None, "seconds": spent})
    finally:
        lock.release()


def is_claimed(run: Run) -> bool:
    """Whether a process that lives runs the cell.

    A process must not ask this of a cell that it runs itself: some shared file systems would
    release its claim.
    """
    if _read(run).get("pid") is None:
        return False
    lock = filelock.FileLock(run.folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return True
    lock.release()
    return False


def read_seconds(run: Run) -> float:
    """The time that a cell took so far, without what was lost to a kill."""
    return float(_read(run).get("seconds", 0.0))


def held_by(run: Run, pid: int) -> str | None:
    """When this process of this machine began the cell; ``None`` where another or none did."""
    note = _read(run)
    ours = note.get("pid") == pid and note.get("host") == socket.gethostname()
    return str(note.get("begun")) if ours else None


def now() -> str:
    """The time, for files."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _read(run: Run) -> dict[str, Any]:
    try:
        return read_json(run.folder / NOTE, "notes", _parse)
    except DataError:  # whoever claims the cell writes another
        return {}


def _parse(note: dict[str, Any]) -> dict[str, Any]:
    as_number(note.get("seconds", 0.0))
    return note
