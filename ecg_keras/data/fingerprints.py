"""What a dataset depends on: its settings, what the raw files hold, and the format of the shards.

A copy of a database is the same database, wherever it lies and whenever it was made: names, sizes
and hashes of the files that are read say what it is. Earlier versions went by times of change.
"""

from __future__ import annotations

import hashlib
import json
import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from ecg_keras.config import Data, data_mark, fingerprint
from ecg_keras.data.dataset import FORMAT
from ecg_keras.data.file_hashes import Listed, hash_files
from ecg_keras.download import refuse_unfinished
from ecg_keras.errors import DataError
from ecg_keras.sources import choose_files, source_of


def combine(data: Data, digest: str) -> str:
    """The fingerprint of a dataset whose raw files have the digest of `digest_of`."""
    return fingerprint({"settings": data_mark(data), "raw": digest, "format": FORMAT})


def digest_of(data: Data) -> str:
    """The `raw_digest` of the files that the recipe's source reads; others make no difference.

    Hashes are remembered in ``data.shards``, once that folder is there.

    Args:
        data: the ``data`` section of a recipe.

    Raises:
        DataError: there are no raw files, or a table that names them can't be read.
    """
    return raw_digest(data.raw, _is_read(data), memory=data.shards)


def raw_digest(
    root: str | Path,
    is_read: Callable[[str], bool] = lambda path: True,
    *,
    memory: Path | None = None,
) -> str:
    """The sha256, as 64 hex digits, of names, sizes and contents of files in a folder.

    Hidden ones, such as a lock or what a file browser leaves, are no recordings and don't count.
    The first call reads the files, at the speed of the disk; a later one lists them, and reads
    those alone that have changed since (see `file_hashes.hash_files`).

    Args:
        root: the folder.
        is_read: which files count, by their path below the folder, with slashes.
        memory: a folder to remember hashes in; none remembers them in this process alone.

    Raises:
        DataError: there is no such folder, its download is not finished, or it can't be read.
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


def times_digest(root: str | Path, is_read: Callable[[str], bool] = lambda path: True) -> str:
    """The `raw_digest` of earlier versions: of names, sizes and times of change.

    Args:
        root, is_read: as for `raw_digest`.

    Raises:
        DataError: as `raw_digest`.
    """
    return _hash([one.path, one.size, one.modified] for one in _list_files(Path(root), is_read))


def earlier_digests(data: Data) -> tuple[str, str]:
    """The `times_digest` of the files that are read, and of all files of the folder.

    Args:
        data: the ``data`` section of a recipe.

    Raises:
        DataError: as `digest_of`.
    """
    return times_digest(data.raw, _is_read(data)), times_digest(data.raw)


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


def _hash(files: Iterable[list[Any]]) -> str:
    return hashlib.sha256(json.dumps(list(files)).encode()).hexdigest()


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
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            if entry.name.startswith("."):
                continue
            path = f"{inside}{entry.name}"
            if entry.is_dir():
                yield from _walk(entry.path, f"{path}/", seen, is_read)
            elif is_read(path) and entry.is_file():
                state = entry.stat()
                yield Listed(path, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
