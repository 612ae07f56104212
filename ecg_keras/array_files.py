"""Arrays of an ``.npz``, read so that a small file takes little time and memory."""

from __future__ import annotations

import io
import math
import os
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any

import numpy as np

from ecg_keras.array_types import AnyArray
from ecg_keras.errors import DataError, shortened

# what any file may unpack to; a larger one to this many times its size
FREE_BYTES = 64 << 20
RATIO = 200
# what comes before the header, and the longest that NumPy reads
_LONGEST_HEADER = 12 + 10_000
# NumPy does not give the types of these functions
_NPY: Any = np.lib.format


def read_arrays(
    path: Path, names: Collection[str], kind: str, advice: str = ""
) -> dict[str, AnyArray]:
    """The arrays of these names that are in an ``.npz``; no pickle is opened."""
    try:
        with path.open("rb") as stream:
            if stream.read(6) == b"\x93NUMPY":
                what = f"holds one array, and {kind} are an .npz of several"
                raise DataError(f"{path}: {what}. {advice}".rstrip())
        with path.open("rb") as stream, zipfile.ZipFile(stream) as archive:
            members = {one.filename.removesuffix(".npy"): one for one in archive.infolist()}
            wanted = {name: members[name] for name in names if name in members}
            total = sum(member.file_size for member in wanted.values())
            size = os.fstat(stream.fileno()).st_size
            if total > max(FREE_BYTES, RATIO * size):
                raise ValueError(f"it would unpack to {total} bytes")
            # zipfile takes memory for what is promised to be there
            if any(member.compress_size > size for member in wanted.values()):
                raise ValueError("it is cut off")
            return {name: _read_array(archive, member) for name, member in wanted.items()}
    except FileNotFoundError as error:
        raise DataError(f"{path}: there are no {kind} here. {advice}".rstrip()) from error
    except DataError:
        raise
    except Exception as error:  # zipfile, zlib and NumPy raise what the bytes bring about
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        why = shortened(why.partition("\n")[0] or type(error).__name__, 300)
        raise DataError(f"{path}: can't be read as {kind}: {why}. {advice}".rstrip()) from error


def holds_array(path: Path, name: str) -> bool:
    """Whether a file is an ``.npz`` with an array of this name."""
    try:
        if not path.is_file():  # a pipe would wait for its writer
            return False
        with zipfile.ZipFile(path) as archive:
            return f"{name}.npy" in archive.namelist()
    except Exception:  # zipfile raises what the bytes bring about
        return False


def read_headers(archive: zipfile.ZipFile) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """The shapes and types of the arrays of an open ``.npz``, whatever else it holds."""
    found = {}
    for member in archive.infolist():
        if member.filename.endswith(".npy"):
            with archive.open(member) as stream:
                # NumPy takes memory for a header of any length before it refuses it
                shape, _, dtype = _read_header(io.BytesIO(stream.read(_LONGEST_HEADER)))
            if min(shape, default=0) >= 0:
                found[member.filename.removesuffix(".npy")] = (shape, dtype)
    return found


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    readers = {
        (1, 0): _NPY.read_array_header_1_0,
        (2, 0): _NPY.read_array_header_2_0,
    }
    shape, columns_first, dtype = readers[_NPY.read_magic(stream)](stream)
    return shape, columns_first, dtype


def _read_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> AnyArray:
    with archive.open(member) as stream:
        shape, columns_first, dtype = _read_header(stream)
        if dtype.hasobject:
            name = member.filename.removesuffix(".npy")
            raise ValueError(
                f"Object arrays are not opened, and {member.filename} is one: save text as "
                f"np.array({name}, dtype=str), numbers with a type of numbers"
            )
        content = stream.read()
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(content):
        raise ValueError(
            f"{member.filename} has {len(content)} bytes, not those of {shape} times {dtype}"
        )
    values = np.frombuffer(content, dtype)
    return values.reshape(shape, order="F" if columns_first else "C")
