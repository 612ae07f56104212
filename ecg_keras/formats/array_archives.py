"""Files of several named arrays that are read at once: NumPy's ``.npz``, and MATLAB's ``.mat``.

Which arrays there are is read first, and then the numbers of one of them. Neither kind runs code:
pickles are not opened, and MATLAB's objects are no arrays of numbers.
"""

from __future__ import annotations

import functools
import math
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ecg_keras.array_files import read_arrays, read_headers
from ecg_keras.array_types import AnyArray
from ecg_keras.errors import DataError, listed
from ecg_keras.formats.hdf5_files import list_arrays, read_array
from ecg_keras.formats.matlab_files import (
    MOST_BYTES,
    VERSION_7,
    list_matlab,
    matlab_version,
    read_matlab,
)
from ecg_keras.formats.plain_files import stat_file

NUMPY_ARCHIVE, MATLAB = ".npz", ".mat"
# an array with fewer numbers is an age or a rate, and no recording
LEAST_VALUES = 100
_NUMBERS, _OBJECTS = "fiu", "O"
_AGAIN = "Save it again."


class _Listed(NamedTuple):
    """An array that a file says it has."""

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    read: Callable[[], AnyArray]


def read_named_array(path: Path, usual: tuple[str, ...], array: str | None) -> AnyArray:
    """The array of a recording, or of many, with its axes in the order in which they were saved.

    ``ECG.data`` names a field of a structure. Of several arrays the first of the ``usual`` names is
    taken, or the only one that is large."""
    state = stat_file(path, "Check that the export is complete.")
    return _read_once(path, usual, array, (state.st_ino, state.st_size, state.st_mtime_ns))


@functools.lru_cache(maxsize=1)  # its rows are recordings, one after the other
def _read_once(
    path: Path, usual: tuple[str, ...], array: str | None, mark: tuple[int, ...]
) -> AnyArray:
    """A file with another mark was written again."""
    is_numpy = path.suffix.lower() == NUMPY_ARCHIVE
    try:
        stored = _list_numpy(path) if is_numpy else _list_matlab(path)
        chosen = stored[_choose(path, stored, usual, array)]
        size = math.prod(chosen.shape) * chosen.dtype.itemsize
        if size > MOST_BYTES:
            raise DataError(
                f"{path}: its array of {chosen.shape} has {size:,} bytes, and at most "
                f"{MOST_BYTES:,} are read at once. Save it as .npy, of which a recording is read."
            )
        return chosen.read()
    except DataError:
        raise
    except Exception as error:  # zipfile, zlib and NumPy raise what the bytes bring about
        kind = ".npz" if is_numpy else "MATLAB"
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise DataError(f"{path}: no {kind} file that can be read: {reason}. {_AGAIN}") from error


def _choose(
    path: Path, stored: Mapping[str, _Listed], usual: tuple[str, ...], array: str | None
) -> str:
    numbers = {name: one.shape for name, one in stored.items() if one.dtype.kind in _NUMBERS}
    large = [name for name, shape in numbers.items() if math.prod(shape) >= LEAST_VALUES]
    # one of objects is refused with what it is
    objects = [name for name, one in stored.items() if one.dtype.kind == _OBJECTS]
    if array is not None:
        found = [array] if array in numbers or array in objects else []
    else:
        found = [name for name in usual if name in large or name in objects][:1] or large
    if len(found) != 1:
        has = listed([f"{name} {shape}" for name, shape in numbers.items()], 9)
        what = "several arrays" if len(found) > 1 else f"no array {array or ' or '.join(usual)}"
        raise DataError(
            f"{path}: has {what}. It holds: {has or 'nothing'}. Name the one with the samples with "
            "data.folder.array."
        )
    return found[0]


def _list_numpy(path: Path) -> dict[str, _Listed]:
    def read(name: str) -> AnyArray:
        return read_arrays(path, [name], "arrays", _AGAIN)[name]

    with zipfile.ZipFile(path) as archive:
        return {
            name: _Listed(shape, dtype, functools.partial(read, name))
            for name, (shape, dtype) in read_headers(archive).items()
        }


def _list_matlab(path: Path) -> dict[str, _Listed]:
    if matlab_version(path) == VERSION_7:
        return {
            # a structure is a group, and MATLAB stores the first axis last
            name.replace("/", "."): _Listed(
                shape[::-1], dtype, functools.partial(_read_turned, path, name, shape)
            )
            for name, (shape, dtype) in list_arrays(path).items()
        }
    return {
        one.name: _Listed(one.shape, np.dtype(one.dtype), functools.partial(read_matlab, one))
        for one in list_matlab(path)
    }


def _read_turned(path: Path, name: str, shape: tuple[int, ...]) -> AnyArray:
    return read_array(path, name, shape, _NUMBERS).T
