"""Files of several named arrays: NumPy's ``.npz``, and MATLAB's ``.mat`` of version 5.

MATLAB's version 7.3 is HDF5, and what `ecg_keras.formats.hdf5_files` reads. Neither kind runs code:
pickles are not opened, and MATLAB's objects are no arrays of numbers.

Source: MathWorks, MAT-File Format.
"""

from __future__ import annotations

import functools
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ecg_keras.array_files import FREE_BYTES, RATIO, read_arrays
from ecg_keras.array_types import AnyArray
from ecg_keras.errors import DataError, listed
from ecg_keras.formats.plain_files import MOST_VALUES, read_at_most, stat_file

NUMPY_ARCHIVE, MATLAB = ".npz", ".mat"
VERSION_5, VERSION_7 = b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file"
# an array with fewer numbers is an age or a rate, and no recording
_LEAST = 100
# of a file of MATLAB: where its parts begin, and the type of a packed one
_BEGIN, _PACKED = 128, 15
# of structures in structures
_DEEPEST = 4
_AGAIN = "Save it again."


def matlab_version(path: Path) -> bytes:
    """`VERSION_5` or `VERSION_7` where a file says so, otherwise nothing."""
    try:
        with path.open("rb") as stream:
            mark = stream.read(len(VERSION_5))
    except OSError:
        return b""
    return mark if path.is_file() and mark in (VERSION_5, VERSION_7) else b""


def read_named_array(path: Path, usual: tuple[str, ...], array: str | None) -> AnyArray:
    """The array of a recording, or of many, as it is stored; ``ECG.data`` names a field.

    Of several arrays the first of the ``usual`` names is taken, or the only one that is large."""
    state = stat_file(path, "Check that the export is complete.")
    arrays = _read_once(path, (state.st_ino, state.st_size, state.st_mtime_ns))
    large = [name for name, values in arrays.items() if values.size >= _LEAST]
    if array is not None:
        found = [array] if array in arrays else []
    else:
        found = [name for name in usual if name in large][:1] or large
    if len(found) != 1:
        has = listed([f"{name} {values.shape}" for name, values in arrays.items()], 9)
        what = "several arrays" if len(found) > 1 else f"no array {array or ' or '.join(usual)}"
        raise DataError(
            f"{path}: has {what}. It holds: {has or 'nothing'}. Name the one with the samples with "
            "data.folder.array."
        )
    return arrays[found[0]]


@functools.lru_cache(maxsize=2)  # its rows are recordings, one after the other
def _read_once(path: Path, mark: tuple[int, ...]) -> Mapping[str, AnyArray]:
    """The arrays of numbers; a file with another mark was written again."""
    if path.suffix.lower() == NUMPY_ARCHIVE:
        try:
            with zipfile.ZipFile(path) as archive:
                names = [one.removesuffix(".npy") for one in archive.namelist()]
        except (OSError, zipfile.BadZipFile) as error:
            raise DataError(f"{path}: no .npz file that can be read: {error}. {_AGAIN}") from error
        found = read_arrays(path, names, "arrays", _AGAIN)
        return {name: one for name, one in found.items() if one.dtype.kind in "fiu"}
    from scipy.io import loadmat  # takes a tenth of a second

    content = read_at_most(path, 8 * MOST_VALUES)
    try:
        _check_size(content)
        variables = loadmat(io.BytesIO(content))
        return {
            name: values
            for variable, value in variables.items()
            for name, values in _list_arrays(variable, value)
        }
    except Exception as error:  # SciPy and zlib raise what the bytes bring about
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise DataError(f"{path}: no MATLAB file that can be read: {reason}. {_AGAIN}") from error


def _check_size(content: bytes) -> None:
    """Refuses packed parts that would become far more than the file, without keeping them."""
    order = "<" if content[126:128] == b"IM" else ">"
    place, total = _BEGIN, 0
    most = max(FREE_BYTES, RATIO * len(content))
    while place + 8 <= len(content):
        kind, size = struct.unpack_from(f"{order}II", content, place)
        packed, place = content[place + 8 : place + 8 + size], place + 8 + size
        unpacking = zlib.decompressobj()
        while kind == _PACKED and packed and total <= most:
            total += len(unpacking.decompress(packed, 1 << 20))
            packed = unpacking.unconsumed_tail
        if total > most:
            raise ValueError(f"it would unpack to more than {most:,} bytes")


def _list_arrays(name: str, value: Any, depth: int = 0) -> Iterator[tuple[str, AnyArray]]:
    """The arrays of numbers of a variable, and of the fields of a structure."""
    if not isinstance(value, np.ndarray) or depth > _DEEPEST:
        return
    if value.dtype.names and value.size == 1:
        for field in value.dtype.names:
            yield from _list_arrays(f"{name}.{field}", value[field].item(), depth + 1)
    elif value.dtype.kind in "fiu":
        yield name, value
