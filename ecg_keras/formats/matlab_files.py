"""The arrays of numbers in MATLAB's files of version 5 to 7, and in their structures.

Each array is read where the file has its numbers: no memory is taken for a size that is only
promised, and texts, cells and objects are passed over. Version 7.3 is HDF5.

Source: MathWorks, MAT-File Format.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ecg_keras.array_files import FREE_BYTES, RATIO
from ecg_keras.array_types import AnyArray
from ecg_keras.formats.plain_files import read_at_most

VERSION_5, VERSION_7 = b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file"
# what a file that is read at once may hold, packed or not: 8,900 ECGs of 10 s as float32
MOST_BYTES = 1 << 31
# where the parts of a file begin, and how much of a packed one says what it is
_BEGIN, _SAYS_WHAT = 128, 4096
_MATRIX, _PACKED = 14, 15
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8",
          13: "u8"}  # fmt: skip
_STRUCTURE, _NUMBERS, _COMPLEX = 2, range(6, 16), 0x800
# of structures in structures
_DEEPEST = 4


class MatlabArray(NamedTuple):
    """An array of numbers, and where it is in its part of the file."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    begin: int
    size: int
    part: _Part


class _Part(NamedTuple):
    """A variable of a file as it is stored."""

    content: memoryview
    order: str
    is_packed: bool
    most: int


class _Element(NamedTuple):
    kind: int
    begin: int
    size: int
    after: int


def matlab_version(path: Path) -> bytes:
    """`VERSION_5` or `VERSION_7` where a file says so, otherwise nothing."""
    try:
        if not path.is_file():  # a pipe would wait for ever
            return b""
        with path.open("rb") as stream:
            mark = stream.read(len(VERSION_5))
    except OSError:
        return b""
    return mark if mark in (VERSION_5, VERSION_7) else b""


def list_matlab(path: Path) -> Iterator[MatlabArray]:
    """The arrays of a file of version 5; a `ValueError` or `zlib.error` says what is damaged."""
    content = memoryview(read_at_most(path, MOST_BYTES))
    if len(content) > MOST_BYTES:
        raise ValueError(f"it is larger than {MOST_BYTES:,} bytes")
    order = "<" if bytes(content[126:128]) == b"IM" else ">"
    most = min(MOST_BYTES, max(FREE_BYTES, RATIO * len(content)))
    place = _BEGIN
    while place < len(content):
        element = _read_element(content, place, order, len(content))
        if element.kind not in (_MATRIX, _PACKED):
            raise ValueError(f"byte {place} begins no variable")
        inside = content[element.begin : element.begin + element.size]
        is_packed = element.kind == _PACKED
        part = _Part(
            inside if is_packed else content[place : element.after], order, is_packed, most
        )
        most -= yield from _list_part(part)
        # packed ones are not filled up to eight bytes
        place = element.begin + element.size if is_packed else element.after


def read_matlab(found: MatlabArray) -> AnyArray:
    """The numbers of an array, in the type in which they are stored."""
    content = _unpack(found.part, found.part.most)
    dtype = np.dtype(found.part.order + found.dtype)
    if found.begin + found.size > len(content):
        raise ValueError(f"{found.name} is cut off")
    count = found.size // dtype.itemsize
    return np.frombuffer(content, dtype, count, found.begin).reshape(found.shape, order="F")


def _unpack(part: _Part, most: int) -> memoryview:
    """The beginning of a variable; more than its limit is refused where that was asked for."""
    if not part.is_packed:
        return part.content
    packed = part.content if most >= part.most else part.content[:most]
    content = zlib.decompressobj().decompress(packed, most + 1)
    if len(content) > part.most:
        raise ValueError(f"it would unpack to more than {part.most:,} bytes")
    return memoryview(content)


def _list_part(part: _Part) -> Generator[MatlabArray, None, int]:
    """The arrays of a variable; its result is how much was unpacked for that."""
    begun = _unpack(part, _SAYS_WHAT)
    whole = _read_element(begun, 0, part.order)
    flags = _read_element(begun, whole.begin, part.order)
    if begun[flags.begin + (0 if part.order == "<" else 3)] == _STRUCTURE:
        begun = _unpack(part, part.most)
        whole = _read_element(begun, 0, part.order, len(begun))
    yield from _list_arrays(part, begun, whole, "")
    return len(begun) if part.is_packed else 0


def _list_arrays(
    part: _Part, content: memoryview, matrix: _Element, name: str, depth: int = 0
) -> Iterator[MatlabArray]:
    """The array of a matrix, or those of the fields of a structure; of nothing else."""
    if matrix.kind != _MATRIX or not matrix.size or depth > _DEEPEST:
        return
    order, end = part.order, matrix.begin + matrix.size
    flags = _read_element(content, matrix.begin, order, end)
    (says,) = struct.unpack_from(f"{order}I", content, flags.begin)
    kind = says & 0xFF
    if kind != _STRUCTURE and (kind not in _NUMBERS or says & _COMPLEX):
        return
    sizes = _read_element(content, flags.after, order, end)
    shape = struct.unpack_from(f"{order}{sizes.size // 4}i", content, sizes.begin)
    own = _read_element(content, sizes.after, order, end)
    name = name or bytes(content[own.begin : own.begin + own.size]).decode("latin-1")
    place = own.after
    if kind in _NUMBERS:
        data = _read_element(content, place, order, end)
        dtype = _TYPES.get(data.kind)
        if dtype is None or min(shape) < 0 or math.prod(shape) * int(dtype[1]) != data.size:
            raise ValueError(f"{name} has {data.size:,} bytes, not those of {shape}")
        yield MatlabArray(name, shape, dtype, data.begin, data.size, part)
    elif math.prod(shape) == 1:
        length = _read_element(content, place, order, end)
        (width,) = struct.unpack_from(f"{order}i", content, length.begin)
        names = _read_element(content, length.after, order, end)
        if width < 1:
            raise ValueError(f"the fields of {name} have no names")
        place = names.after
        for begin in range(names.begin, names.begin + names.size - width + 1, width):
            field = bytes(content[begin : begin + width]).partition(b"\0")[0].decode("latin-1")
            value = _read_element(content, place, order, end)
            yield from _list_arrays(part, content, value, f"{name}.{field}", depth + 1)
            place = value.after


def _read_element(content: memoryview, place: int, order: str, end: int | None = None) -> _Element:
    """What is stored at a place, up to the ``end`` of what holds it, if that is there."""
    if place + 8 > len(content):
        raise ValueError("it is cut off")
    kind, size = struct.unpack_from(f"{order}II", content, place)
    if kind >> 16:  # up to four bytes are stored in the place of their size
        kind, size, begin, after = kind & 0xFFFF, kind >> 16, place + 4, place + 8
    else:
        begin = place + 8
        after = begin + (size + 7) // 8 * 8
    if end is not None and begin + size > end:
        raise ValueError("it is cut off")
    return _Element(kind, begin, size, after)
