"""Hashes of files: read once at the speed of the disk, and remembered by their times of change.

What a file holds is its identity. What is remembered only saves reading it again, so it may be
lost, damaged or not be written at all: the next call reads the files. It is kept in the folder of
shards, because a database is never written to.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple

from ecg_keras.errors import DataError
from ecg_keras.files import as_list, as_object, as_text, read_json, replacing, sha256_of

FORMAT = 1
# a file that changes twice within a tick of the clock of its disk looks unchanged; the coarsest
# clock, that of FAT, ticks every two seconds
TICK = 2_000_000_000
# enough to keep a disk busy that answers several requests at once; hashing itself takes a core each
THREADS = min(16, 4 * (os.cpu_count() or 1))
# of small files, so many are one piece of work
BATCH_FILES, BATCH_BYTES = 64, 16 << 20

OnBytes = Callable[[int, int], None]
_listener: ContextVar[OnBytes | None] = ContextVar("listener", default=None)
# what this process has read, by the folder: a database is hashed before its folder of shards is
_read: dict[str, dict[str, Remembered]] = {}


class Listed(NamedTuple):
    """A file, as a listing of its folder shows it.

    Attributes:
        path: below the folder, with slashes.
        size: in bytes.
        modified, changed: times in ns of the last change of its content, and of anything about it.
            Programs that copy files set the first; nothing sets the second but the system.
    """

    path: str
    size: int
    modified: int
    changed: int


class Remembered(NamedTuple):
    """A hash, and what the file looked like before it was read."""

    size: int
    modified: int
    changed: int
    sha256: str


@contextmanager
def listening(on_bytes: OnBytes) -> Iterator[None]:
    """While the block lasts, ``on_bytes`` hears of the bytes hashed and their total.

    Example:
        >>> with listening(lambda done, total: print(done, total)):
        ...     pass
    """
    token = _listener.set(on_bytes)
    try:
        yield
    finally:
        _listener.reset(token)


def hash_files(root: Path, files: Sequence[Listed], memory: Path | None) -> list[str]:
    """The sha256 of each file, as 64 hex digits; those that have not changed are not read again.

    A file that changed within the last two seconds is read, but not remembered: it could change
    once more and look the same.

    Args:
        root: the folder of the files, which is not written to.
        files: as they were listed just now.
        memory: a folder to remember in, where it is there and may be written to; another process
            may do the same at the same time.

    Raises:
        OSError: a file can't be read.
    """
    begun = time.time_ns()
    place = _place(root, memory)
    known = _read.setdefault(str(root.absolute()), {})
    unknown = [one for one in files if not _is_known(one, known)]
    if unknown and place is not None:
        kept = _load(place)
        known.update({one.path: kept[one.path] for one in unknown if _is_known(one, kept)})
        unknown = [one for one in unknown if not _is_known(one, known)]
    found = dict(zip(unknown, _hash_all(root, unknown), strict=True))
    settled = {
        one.path: Remembered(*one[1:], sha256)
        for one, sha256 in found.items()
        if not any(begun - TICK <= at <= begun + TICK for at in (one.modified, one.changed))
    }
    known.update(settled)
    if place is not None and (settled or not place.exists()):
        _save(place, {**_load(place), **known})
    return [found[one] if one in found else known[one.path].sha256 for one in files]


def _is_known(file: Listed, known: Mapping[str, Remembered]) -> bool:
    """Whether the hash is known of the file as it is."""
    return file.path in known and known[file.path][:3] == file[1:]


def _hash_all(root: Path, files: Sequence[Listed]) -> Iterator[str]:
    """The hash of each file in turn; several are read at once."""
    listener, lock = _listener.get(), threading.Lock()
    done, total = 0, sum(one.size for one in files)

    def count(length: int) -> None:
        nonlocal done
        with lock:
            done += length
            if listener is not None:
                listener(done, total)

    with ThreadPoolExecutor(THREADS) as threads:
        for hashes in threads.map(lambda batch: _hash_batch(root, batch, count), _batches(files)):
            yield from hashes


def _batches(files: Sequence[Listed]) -> Iterator[list[Listed]]:
    batch: list[Listed] = []
    size = 0
    for one in files:
        if batch and (len(batch) == BATCH_FILES or size + one.size > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += one.size
    if batch:
        yield batch


def _hash_batch(root: Path, files: Sequence[Listed], count: Callable[[int], None]) -> list[str]:
    return [sha256_of(root / one.path, count) for one in files]


def _place(root: Path, memory: Path | None) -> Path | None:
    """The file that remembers; none where there is no place for it, or only among the files."""
    if memory is None or not memory.is_dir():
        return None
    raw, folder = root.resolve(), memory.resolve()
    if folder.is_relative_to(raw):
        return None
    try:  # so that it is found again where both were moved together
        name = os.path.relpath(raw, folder)
    except ValueError:  # on another drive
        name = str(raw)
    return memory / f".hashes-{hashlib.sha256(name.encode()).hexdigest()[:12]}.json"


def _load(place: Path) -> dict[str, Remembered]:
    """What is remembered; nothing where that can't be read."""
    with suppress(DataError):
        return read_json(place, "hashes", _parse)
    return {}


def _parse(tree: dict[str, Any]) -> dict[str, Remembered]:
    if tree["format"] != FORMAT:
        return {}
    known = {}
    for path, one in as_object(tree["files"]).items():
        size, modified, changed, sha256 = as_list(one)
        known[path] = Remembered(int(size), int(modified), int(changed), as_text(sha256))
    return known


def _save(place: Path, known: dict[str, Remembered]) -> None:
    with suppress(OSError), replacing(place) as temporary:
        tree = {"format": FORMAT, "files": known}
        temporary.write_text(json.dumps(tree, separators=(",", ":")), encoding="utf-8")
