"""What the files of a database hold: each is read once, and its hash is remembered.

Names, sizes and hashes say what a database is, wherever a copy of it is and whenever it was made.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from ecg_keras.config import Data
from ecg_keras.data.kept_hashes import Hashes, Listed, keep_hashes, kept_hashes, place_of
from ecg_keras.download import refuse_unfinished
from ecg_keras.errors import DataError
from ecg_keras.files import list_entries, sha256_of
from ecg_keras.sources import choose_files, source_of

# a file that changes twice within a tick of the clock of its disk looks unchanged; the coarsest
# clock, that of FAT, ticks every two seconds
TICK = 2_000_000_000
# enough to keep a disk busy that answers several requests at once; hashing itself takes a core each
_THREADS = min(16, 4 * (os.cpu_count() or 1))
# at most this long after it was read, the hash of a file is remembered, whatever ends the process
SECONDS_BETWEEN = 60.0
# of small files, this many are one piece of work
_BATCH_FILES, _BATCH_BYTES = 64, 16 << 20

OnBytes = Callable[[int, int], None]
_listener: ContextVar[OnBytes | None] = ContextVar("listener", default=None)
# what this process has read, by the folder: a database is hashed before its folder of shards is
_read: dict[str, Hashes] = {}


@contextmanager
def listening(on_bytes: OnBytes) -> Iterator[None]:
    """While the block lasts, ``on_bytes`` is called with the bytes hashed and their total."""
    token = _listener.set(on_bytes)
    try:
        yield
    finally:
        _listener.reset(token)


def digest_of(data: Data) -> str:
    """The `raw_digest` of the files that the recipe's source reads; others make no difference."""
    return raw_digest(data.raw, _is_read(data), memory=data.shards)


def raw_digest(
    root: str | Path,
    is_read: Callable[[str], bool] = lambda path: True,
    *,
    memory: Path | None = None,
) -> str:
    """The sha256, as 64 hex digits, of names, sizes and contents of the files that count.

    Hidden ones, such as a lock or what a file browser leaves, never do. ``memory`` is a folder to
    remember hashes in; without one, this process alone does.
    """
    root = Path(root)
    files = _list_files(root, is_read)
    try:
        hashes = hash_files(root, files, memory)
    except OSError as error:
        raise _unreadable(root, error) from error
    # systems spell accents in two ways
    return _hash(
        sorted(
            [unicodedata.normalize("NFC", one.path), one.size, sha256]
            for one, sha256 in zip(files, hashes, strict=True)
        )
    )


def listing_digest(data: Data) -> str:
    """Of names and sizes of the files that the recipe's source reads and that may be read now, as
    64 hex digits: what can be asked again and again, for nothing is read.
    """
    files = _list_files(data.raw, _is_read(data))
    return _hash([one.path, one.size] for one in files if os.access(data.raw / one.path, os.R_OK))


def earlier_digests(data: Data) -> tuple[str, str]:
    """The `times_digest` of the files that are read, and of all files of the folder."""
    return times_digest(data.raw, _is_read(data)), times_digest(data.raw)


def times_digest(root: str | Path, is_read: Callable[[str], bool] = lambda path: True) -> str:
    """The `raw_digest` of earlier versions: of names, sizes and times of change."""
    return _hash([one.path, one.size, one.modified] for one in _list_files(Path(root), is_read))


def _hash(files: Iterable[list[Any]]) -> str:
    return hashlib.sha256(json.dumps(list(files)).encode()).hexdigest()


def _is_read(data: Data) -> Callable[[str], bool]:
    _check_there(data.raw)
    return choose_files(source_of(data), data.raw, data.sampling_rate)


def _check_there(root: Path) -> None:
    refuse_unfinished(root)
    if not root.is_dir():
        raise DataError(
            f"data.raw: there is no folder {root}. Check the path, or put the database there: "
            "nothing was written."
        )


def _unreadable(root: Path, error: OSError) -> DataError:
    return DataError(f"{error.filename or root}: can't be read: {error.strerror}.")


def _list_files(root: Path, is_read: Callable[[str], bool]) -> list[Listed]:
    _check_there(root)
    try:
        return sorted(_walk(str(root), "", set(), is_read))
    except OSError as error:
        raise _unreadable(root, error) from error


def _walk(
    folder: str, inside: str, seen: set[tuple[int, int]], is_read: Callable[[str], bool]
) -> Iterator[Listed]:
    """The files that count, each folder once."""
    state = os.stat(folder)  # noqa: PTH116  strings: Path objects cost more than the files
    if (state.st_dev, state.st_ino) in seen:
        return
    seen.add((state.st_dev, state.st_ino))
    for entry in list_entries(folder):
        path = f"{inside}{entry.name}"
        if entry.is_dir():
            yield from _walk(entry.path, f"{path}/", seen, is_read)
        elif is_read(path) and entry.is_file():
            state = entry.stat()
            yield Listed(path, state.st_size, state.st_mtime_ns, state.st_ctime_ns)


def hash_files(root: Path, files: Sequence[Listed], memory: Path | None) -> list[str]:
    """The sha256 of each file; those that have not changed are not read again. Several processes
    may remember hashes in one folder, ``memory``, at the same time.
    """
    begun = time.time_ns()
    place = place_of(root, memory)
    hashes = _read.setdefault(str(root.absolute()), {})
    unread = [one for one in files if one not in hashes]
    if unread and place is not None:
        hashes.update(kept_hashes(place, unread))
        unread = [one for one in unread if one not in hashes]
    found: Hashes = {}
    unkept: Hashes = {}
    saved = time.monotonic()
    for one, sha256 in zip(unread, _hash_all(root, unread), strict=True):
        found[one] = sha256
        # a file that changed just now could change once more and look the same
        if not any(begun - TICK <= at <= begun + TICK for at in (one.modified, one.changed)):
            hashes[one] = unkept[one] = sha256
        if place is not None and time.monotonic() - saved >= SECONDS_BETWEEN:
            keep_hashes(place, unkept, hashes)
            unkept.clear()
            saved = time.monotonic()
    if place is not None:
        keep_hashes(place, unkept, hashes)
    return [found.get(one) or hashes[one] for one in files]


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

    def hash_batch(batch: Sequence[Listed]) -> list[str]:
        return [sha256_of(root / one.path, count) for one in batch]

    with ThreadPoolExecutor(_THREADS) as threads:
        for hashes in threads.map(hash_batch, _batches(files)):
            yield from hashes


def _batches(files: Sequence[Listed]) -> Iterator[list[Listed]]:
    batch: list[Listed] = []
    for one in files:
        if len(batch) == _BATCH_FILES or sum(file.size for file in batch) > _BATCH_BYTES:
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch
