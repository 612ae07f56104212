"""What a dataset depends on: its settings, the raw files, and the format of the shards."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from ecg_keras.config import Data, data_mark, fingerprint
from ecg_keras.data.dataset import FORMAT
from ecg_keras.data.download.staging import refuse_unfinished
from ecg_keras.data.sources import choose_files, source_of
from ecg_keras.errors import DataError


def dataset_fingerprint(data: Data) -> str:
    """The fingerprint that the dataset of these settings and raw files has or will have.

    Args:
        data: the ``data`` section of a recipe.

    Raises:
        DataError: there are no raw files, or a table that names them can't be read.

    Example:
        >>> folder = data.shards / f"{data.source}-{dataset_fingerprint(data)[:8]}"
    """
    return combine(data, digest_of(data))


def combine(data: Data, digest: str) -> str:
    """The fingerprint of a dataset whose raw files have the digest of `digest_of`."""
    return fingerprint({"settings": data_mark(data), "raw": digest, "format": FORMAT})


def digest_of(data: Data) -> str:
    """The `raw_digest` of the files that the recipe's source reads; others make no difference.

    Args:
        data: the ``data`` section of a recipe.

    Raises:
        DataError: as `dataset_fingerprint`.
    """
    _check_there(data.raw)
    source = source_of(data)
    return raw_digest(data.raw, choose_files(source, data.raw, data.sampling_rate))


def raw_digest(root: str | Path, is_read: Callable[[str], bool] = lambda path: True) -> str:
    """The sha256, as 64 hex digits, of names, sizes and times of change of files in a folder.

    Hidden ones, such as a lock or what a file browser leaves, are no recordings and don't count.

    Args:
        root: the folder.
        is_read: which files count, by their path below the folder, with slashes.

    Raises:
        DataError: there is no such folder, its download is not finished, or it can't be read.
    """
    root = Path(root)
    _check_there(root)
    try:
        files = sorted(_files(str(root), "", set(), is_read))
    except OSError as error:
        raise DataError(f"{error.filename or root}: can't be read: {error.strerror}.") from error
    return hashlib.sha256(json.dumps(files).encode()).hexdigest()


def _check_there(root: Path) -> None:
    refuse_unfinished(root)
    if not root.is_dir():
        raise DataError(
            f"data.raw: there is no folder {root}. Check the path, or put the database there: "
            "nothing was written."
        )


def _files(
    folder: str, inside: str, seen: set[tuple[int, int]], is_read: Callable[[str], bool]
) -> Iterator[tuple[str, int, int]]:
    """``(path below the root, size, time of change)`` of files that count, each folder once."""
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
                yield from _files(entry.path, f"{path}/", seen, is_read)
            elif is_read(path) and entry.is_file():
                state = entry.stat()
                yield path, state.st_size, state.st_mtime_ns
