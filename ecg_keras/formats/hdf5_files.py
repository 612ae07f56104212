"""Arrays in HDF5 files that others have written: checked before a sample is read.

An HDF5 file may point at other files (external links, external storage, virtual datasets) and may
claim any size. Only arrays of the expected shape and kind that are in the file itself are read.
No file stays open. Where an array is stored as it is, one row of many is read from its place in the
file, many times faster than through the library, whose results it equals.

Source: HDF5 File Format Specification, version 3.0.
"""

from __future__ import annotations

import functools
import itertools
import math
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np

from ecg_keras.array_types import AnyArray, Float32Array
from ecg_keras.errors import DataError
from ecg_keras.formats.plain_files import MOST_VALUES, stat_file

# bytes that one read may take whatever the file holds: a whole small array, or one chunk
_LARGEST = 2**27
# bytes that one byte of a file may become: deflate packs no denser
_DENSEST = 1100
# arrays that a message lists
_MOST_NAMED = 9
# things in a file that are looked at to find its arrays
_MOST_MET = 10_000
# a row for which this many times its bytes are unpacked is read slowly, and is worth a word in an
# array of which all rows together take this many bytes, a minute
_SLOW_ROW, _SLOW_ARRAY = 10, 2**34
_KINDS = {"f": "floating-point numbers", "iu": "integers", "fiu": "numbers"}
_MISSING = "Check that the whole database was downloaded."
_AGAIN = "Download the file again, or save it again."

# for each axis its length, None where any length will do
Shape = tuple[int | None, ...]


def read_array(path: Path, name: str, shape: Shape, kind: str = "f") -> AnyArray:
    """Reads a whole array as it is stored.

    Args:
        path: of the file.
        name: of the array in the file.
        shape: that it must have; ``None`` for an axis of any length.
        kind: of its numbers: ``"f"`` for floating-point numbers, ``"iu"`` for integers,
            ``"fiu"`` for either.

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
    stat_file(path, _MISSING)
    with _opened(path) as file:
        dataset = _find(path, file, name, shape, kind)
        if dataset.nbytes > _most_bytes(dataset):
            raise DataError(
                f"{path}: {name} claims {dataset.nbytes} bytes, more than any recording has. "
                f"{_AGAIN}"
            )
        return np.asarray(dataset[()])


def find_array(path: Path, names: tuple[str, ...]) -> tuple[str, tuple[int, ...]]:
    """The first of some arrays of numbers that a user's own file has, and its shape."""
    state = stat_file(path, _MISSING)
    name = _choose_once(path, names, _mark(state))
    return name, _look_up(path, name, None, "fiu").shape


def list_arrays(path: Path) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """The shapes and types of the arrays in a file of MATLAB, but for texts and cells."""
    found: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
    met = itertools.count(1)

    def add(name: str, one: Any) -> bool | None:
        is_array = isinstance(one, h5py.Dataset) and one.shape and not name.startswith("#")
        if is_array and one.attrs.get("MATLAB_class") != b"char":
            found[name] = (one.shape, one.dtype)
        return next(met) >= _MOST_MET or None  # anything but None is the end

    with _opened(path) as file:
        file.visititems(add)
    return found


def count_rows(path: Path, name: str, shape: Shape) -> int:
    """The length of the first axis of an array of numbers, as `read_array`."""
    return _look_up(path, name, shape, "fiu").shape[0]


def read_row(path: Path, name: str, shape: Shape, row: int | None, kind: str = "f") -> Float32Array:
    """Reads one row, from 0, of an array of many recordings, however large the array is.

    It is float32, and has the shape without its first axis; other arguments are as of `read_array`.

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
    stored = _look_up(path, name, shape, kind)
    if row is None or not 0 <= row < stored.shape[0]:
        raise DataError(f"{path}: {name} has {stored.shape[0]} rows. Received: row {row}.")
    with np.errstate(over="ignore", invalid="ignore"):
        if stored.offset is None:
            with _opened(path) as file:
                return np.asarray(file[name][row], dtype=np.float32)
        count = math.prod(stored.shape[1:])
        begin = stored.offset + row * count * stored.dtype.itemsize
        values = np.fromfile(path, stored.dtype, count, offset=begin)
        if len(values) < count:
            raise DataError(f"{path}: truncated while it was read. {_AGAIN}")
        return values.reshape(stored.shape[1:]).astype(np.float32)


def describe_slow_rows(path: Path) -> str | None:
    """A sentence where rows of an array of many recordings are slow to read, and how to save it.

    Args:
        path: of the file; one that can't be read is refused when its recordings are.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.h5"
        >>> with h5py.File(path, "w") as file:
        ...     shape, chunks = (100_000, 4096, 12), (64, 1024, 1)
        ...     one = file.create_dataset("tracings", shape, "f4", chunks=chunks)
        >>> print(describe_slow_rows(path).partition(": tracings")[2].partition(":")[0])
         is stored in pieces of (64, 1024, 1), and for each recording 64 times its bytes are read
    """
    found: list[str] = []

    def look(name: str, one: Any) -> bool | None:
        chunks = getattr(one, "chunks", None)
        if chunks and len(chunks) > 1:
            row = math.prod(one.shape[1:]) * one.dtype.itemsize
            pieces = (-(-length // piece) for length, piece in zip(one.shape, chunks, strict=True))
            next(pieces)  # of the rows
            unpacked = math.prod(pieces) * math.prod(chunks) * one.dtype.itemsize
            if unpacked > _SLOW_ROW * row and unpacked * one.shape[0] > _SLOW_ARRAY:
                found.append(
                    f"{path}: {name} is stored in pieces of {chunks}, and for each recording "
                    f"{unpacked / row:.0f} times its bytes are read: what takes minutes may take "
                    "days. Save it once as it is, and put that file in its place: "
                    + shlex.join(
                        ["h5repack", "-l", f"{name}:CONTI", "-f", f"{name}:NONE"]
                        + [path.name, f"NEW.{path.name}"]
                    )
                )
        return True if found else None  # anything but None is the end

    with suppress(DataError), _opened(path) as file:
        file.visititems(look)
    return found[0] if found else None


@dataclass(frozen=True)
class _Stored:
    """An array that was checked: its shape, its numbers, and where they begin if they are plain."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int | None


def _mark(state: os.stat_result) -> tuple[int, ...]:
    """A file with another mark was written again and is looked at again."""
    return state.st_ino, state.st_size, state.st_mtime_ns


@functools.lru_cache(maxsize=64)
def _choose_once(path: Path, names: tuple[str, ...], mark: tuple[int, ...]) -> str:
    with _opened(path) as file:
        for name in names:
            link = _follow(file, name)
            is_group = isinstance(link, h5py.HardLink) and not isinstance(file[name], h5py.Dataset)
            if link is not None and not is_group:
                return name
        raise DataError(
            f"{path}: has no array {' or '.join(names)}. It holds: {_list_arrays(file)}. Name the "
            "one with the samples with data.folder.array."
        )


def _look_up(path: Path, name: str, shape: Shape | None, kind: str) -> _Stored:
    return _look_up_once(path, name, shape, kind, _mark(stat_file(path, _MISSING)))


@functools.lru_cache(maxsize=64)
def _look_up_once(
    path: Path, name: str, shape: Shape | None, kind: str, mark: tuple[int, ...]
) -> _Stored:
    with _opened(path) as file:
        dataset = _find(path, file, name, shape, kind)
        offset = dataset.id.get_offset()
        if offset is not None and offset + dataset.nbytes > path.stat().st_size:
            raise DataError(f"{path}: truncated: {name} claims {dataset.nbytes} bytes. {_AGAIN}")
        stored = dataset.id.get_storage_size()
        if dataset.nbytes > max(_LARGEST, _DENSEST * stored):
            raise DataError(
                f"{path}: {name} claims {dataset.nbytes} bytes, and the file has {stored} of them. "
                f"{_AGAIN}"
            )
        if math.prod(dataset.shape[1:]) > MOST_VALUES:
            raise DataError(
                f"{path}: {name} claims rows of {dataset.shape[1:]}, more than any recording has. "
                f"{_AGAIN}"
            )
        return _Stored(dataset.shape, dataset.dtype, offset)


def _follow(file: h5py.File, name: str) -> Any:
    """The link of a name; of a path the first one that is missing or leads elsewhere."""
    parts = name.strip("/").split("/")
    link = None
    for depth in range(len(parts)):
        link = file.get("/".join(parts[: depth + 1]), getlink=True)
        if not isinstance(link, h5py.HardLink):
            break
    return link


def _list_arrays(file: h5py.File) -> str:
    """The arrays in a file with their shapes, for messages; of very many the first."""
    found: list[str] = []

    def add(name: str, one: Any) -> bool | None:
        if isinstance(one, h5py.Dataset):
            found.append(f"{name} {one.shape}")
        return len(found) >= _MOST_NAMED or None  # anything but None is the end

    file.visititems(add)
    return ", ".join(found) or "nothing"


def _most_bytes(dataset: h5py.Dataset) -> int:
    """How large an array, or one of its chunks, may be: a large one must be backed by the file."""
    backed: int = _DENSEST * dataset.id.get_storage_size()
    return max(_LARGEST, min(backed, MOST_VALUES * int(dataset.dtype.itemsize)))


def _find(path: Path, file: h5py.File, name: str, shape: Shape | None, kind: str) -> h5py.Dataset:
    link = _follow(file, name)
    if link is None:
        raise DataError(f"{path}: has no array {name}. It holds: {_list_arrays(file)}. {_AGAIN}")
    dataset = file[name] if isinstance(link, h5py.HardLink) else None
    is_elsewhere = getattr(dataset, "is_virtual", False) or getattr(dataset, "external", None)
    if dataset is None or is_elsewhere:
        raise DataError(
            f"{path}: {name} is a link, or its samples are in another file, which is not opened. "
            "Do not use this file."
        )
    found = getattr(dataset, "shape", None)
    if shape is None:
        shape = (None,) * len(found or (1,))
    if not _fits(found, shape):
        wanted = f"({', '.join('any' if length is None else str(length) for length in shape)})"
        raise DataError(f"{path}: {name} must have the shape {wanted}. Received: {found}.")
    if dataset.dtype.kind not in kind:
        raise DataError(
            f"{path}: {name} must hold {_KINDS[kind]}. Received: {dataset.dtype}. {_AGAIN}"
        )
    of_chunk = math.prod(dataset.chunks or (0,)) * dataset.dtype.itemsize
    if of_chunk > _most_bytes(dataset):
        raise DataError(
            f"{path}: {name} is stored in pieces of {dataset.chunks}, too large to read one "
            f"recording. {_AGAIN}"
        )
    return dataset


def _fits(found: tuple[int, ...] | None, shape: Shape) -> bool:
    if found is None or len(found) != len(shape):
        return False
    return all(want in (None, has) for want, has in zip(shape, found, strict=True))


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    """The open file; whatever h5py raises about a damaged one becomes a `DataError`."""
    try:
        with h5py.File(path, "r") as file:
            yield file
    except DataError:
        raise
    except Exception as error:  # h5py raises what its C library met, under many names
        message = f"{path}: no readable HDF5 file: {error}. {_AGAIN}"
        raise DataError(message) from error
