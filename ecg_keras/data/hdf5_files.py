"""Arrays in HDF5 files that others have written: checked before a sample is read.

An HDF5 file may point at other files (external links, external storage, virtual datasets) and may
claim any size. Only arrays of the expected shape and kind that lie in the file itself are read.
The last files that were read stay open, so that one row of many costs one read.

Source: HDF5 File Format Specification, version 3.0.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from ecg_keras.data.plain_files import stat_file
from ecg_keras.errors import DataError

# bytes that one read may take: a whole small array, or one chunk of a large one
LARGEST = 2**27
OPEN_FILES = 32
KINDS = {"f": "floating-point numbers", "iu": "integers"}
MISSING = "Check that the whole database was downloaded."

# for each axis its length, None where any length will do
Shape = tuple[int | None, ...]


def read_array(path: Path, name: str, shape: Shape, kind: str = "f") -> npt.NDArray[Any]:
    """Reads a whole array.

    Args:
        path: of the file.
        name: of the array in the file.
        shape: that it must have; ``None`` for an axis of any length.
        kind: one of `KINDS`, the kind of its numbers.

    Returns:
        The array as it is stored.

    Raises:
        DataError: the file is missing, leads out of its folder, is truncated or no HDF5; there is
            no such array in the file itself, or it has another shape, kind or size.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.h5"
        >>> with h5py.File(path, "w") as file:
        ...     file["ecg"] = np.ones((12, 3), dtype="f2")
        >>> read_array(path, "ecg", (12, None)).shape
        (12, 3)
    """
    dataset = _find(path, name, shape, kind)
    if dataset.nbytes > LARGEST:
        raise DataError(
            f"{path}: {name} claims {dataset.nbytes} bytes, more than any recording has. Download "
            "the file again."
        )
    with _readable(path):
        return np.asarray(dataset[()])


def count_rows(path: Path, name: str, shape: Shape) -> int:
    """The length of the first axis of an array; arguments and errors as `read_array`."""
    return int(_find(path, name, shape, "f").shape[0])


def read_row(path: Path, name: str, shape: Shape, row: int | None) -> npt.NDArray[np.float32]:
    """Reads one row of an array of many recordings, however large the array is.

    Args:
        path, name, shape: as for `read_array`.
        row: from 0.

    Returns:
        float32, the shape without its first axis.

    Raises:
        DataError: as `read_array`, or there is no such row.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.h5"
        >>> with h5py.File(path, "w") as file:
        ...     file["tracings"] = np.arange(6.0).reshape(3, 2)
        >>> read_row(path, "tracings", (None, 2), 1)
        array([2., 3.], dtype=float32)
    """
    dataset = _find(path, name, shape, "f")
    if row is None or not 0 <= row < dataset.shape[0]:
        raise DataError(f"{path}: {name} has {dataset.shape[0]} rows. Received: row {row}.")
    with _readable(path), np.errstate(over="ignore"):
        return np.asarray(dataset[row], dtype=np.float32)


@dataclass(frozen=True, eq=False)
class _Open:
    """An open file, what it was when it was opened, and its arrays that were checked."""

    mark: tuple[int, ...]
    file: h5py.File
    arrays: dict[tuple[str, Shape, str], h5py.Dataset] = field(default_factory=dict)


def _find(path: Path, name: str, shape: Shape, kind: str) -> h5py.Dataset:
    """The array of an open file, opened and checked at first."""
    state = stat_file(path, MISSING)
    with _readable(path):
        opened = _open(path, os.getpid())
        if opened.mark != _mark(state):
            # the library takes a file that was written anew for the one that is still open
            opened.file.close()
            _open.cache_clear()
            opened = _open(path, os.getpid())
        if (name, shape, kind) not in opened.arrays:
            opened.arrays[name, shape, kind] = _check(path, opened.file, name, shape, kind)
    return opened.arrays[name, shape, kind]


@functools.lru_cache(maxsize=OPEN_FILES)
def _open(path: Path, process: int) -> _Open:
    """Opens a file once in each process, forked ones included."""
    state = path.stat()
    # nothing is ever written, and network drives often can't lock
    return _Open(_mark(state), h5py.File(path, "r", locking=False))


def _mark(state: os.stat_result) -> tuple[int, ...]:
    return (state.st_ino, state.st_size, state.st_mtime_ns)


def _check(path: Path, file: h5py.File, name: str, shape: Shape, kind: str) -> h5py.Dataset:
    link = file.get(name, getlink=True)
    if link is None:
        raise DataError(
            f"{path}: has no array {name}. It holds: {', '.join(sorted(file)[:9]) or 'nothing'}. "
            "Download the file again."
        )
    dataset = file[name] if isinstance(link, h5py.HardLink) else None
    if dataset is None or (isinstance(dataset, h5py.Dataset) and _lies_elsewhere(dataset)):
        raise DataError(
            f"{path}: {name} is a link, or its samples lie in another file, which is not opened. "
            "Do not use this file."
        )
    wanted = f"({', '.join('any' if length is None else str(length) for length in shape)})"
    found = getattr(dataset, "shape", None)
    fits = found is not None and len(found) == len(shape)
    if not fits or any(want not in (None, has) for want, has in zip(shape, found, strict=True)):
        raise DataError(f"{path}: {name} must have the shape {wanted}. Received: {found}.")
    if dataset.dtype.kind not in kind:
        raise DataError(
            f"{path}: {name} must hold {KINDS[kind]}. Received: {dataset.dtype}. "
            "Download the file again."
        )
    if dataset.chunks and math.prod(dataset.chunks) * dataset.dtype.itemsize > LARGEST:
        raise DataError(
            f"{path}: {name} is stored in pieces of {dataset.chunks}, too large to read one "
            "recording. Download the file again."
        )
    return dataset


def _lies_elsewhere(dataset: h5py.Dataset) -> bool:
    return dataset.is_virtual or dataset.external is not None


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turns whatever h5py raises about a damaged file into a `DataError`."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # h5py raises what its C library met, under many names
        message = f"{path}: no readable HDF5 file: {error}. Download the file again."
        raise DataError(message) from error
