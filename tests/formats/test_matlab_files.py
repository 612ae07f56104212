"""MATLAB's files of version 5: how numbers may be written, and what only promises them."""

import os
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from scipy.io import savemat
from small_signals import microvolts

from ecg_keras.formats.matlab_files import list_matlab, matlab_version, read_matlab

VALUES = microvolts(0, 500)
TEXT, STRUCTURE, INTEGERS, DOUBLES = 4, 2, 10, 6


def read_all(path):
    return {one.name: read_matlab(one) for one in list_matlab(path)}


class Writer:
    def __init__(self, order, packed):
        self.order, self.packed = order, packed

    def element(self, kind, content):
        filled = bytes(-len(content) % 8)
        return struct.pack(f"{self.order}II", kind, len(content)) + content + filled

    def integers(self, *values):
        return self.element(5, struct.pack(f"{self.order}{len(values)}i", *values))

    def matrix(self, kind, name, shape, *parts):
        flags = self.element(6, struct.pack(f"{self.order}II", kind, 0))
        head = flags + self.integers(*shape) + self.element(1, name)
        return self.element(14, head + b"".join(parts))

    def save(self, path, *variables):
        mark = b"IM" if self.order == "<" else b"MI"
        packed = [zlib.compress(one) for one in variables]
        if self.packed:
            variables = [struct.pack(f"{self.order}II", 15, len(one)) + one for one in packed]
        head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1" + mark
        path.write_bytes(head + b"".join(variables))
        return path


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("packed", [True, False])
def test_texts_and_cells_that_only_promise_numbers_take_no_memory(tmp_path, order, packed):
    writer = Writer(order, packed)
    # doubles of whole numbers are stored as integers, here of 16 bits
    numbers = writer.element(3, VALUES.astype(f"{order}i2").tobytes("F"))
    fields = [writer.matrix(kind, b"", [30_000_000, 1]) for kind in (TEXT, 1, STRUCTURE)] + [
        writer.matrix(DOUBLES, b"", VALUES.shape, numbers)
    ]
    names = writer.integers(2) + writer.element(1, b"t\0c\0s\0d\0")
    file = writer.save(
        tmp_path / "a.mat",
        writer.matrix(TEXT, b"text", [1, 30_000_000]),
        writer.matrix(STRUCTURE, b"ECG", [1, 1], names, *fields),
        writer.matrix(DOUBLES, b"val", VALUES.shape, numbers),
    )
    tracemalloc.start()
    found = read_all(file)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert list(found) == ["ECG.d", "val"] and most < 1_000_000
    for one in found.values():
        assert np.array_equal(one, VALUES)


def test_numbers_that_are_not_there_are_refused(tmp_path):
    for packed in (True, False):
        writer = Writer("<", packed)
        for shape in ([12, 30_000_000], [-12, -30_000_000], [1, 2, 3, 0]):
            variable = writer.matrix(DOUBLES, b"x", shape, writer.element(9, bytes(96)))
            with pytest.raises(ValueError, match="x has 96 bytes, not those of"):
                read_all(writer.save(tmp_path / "a.mat", variable))


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("kind", ["f8", "f4", "i1", "u2", "i4", "u8"])
def test_all_types_of_numbers(tmp_path, packed, kind):
    values = (VALUES % 100).astype(kind).reshape(5, 100, 12)
    inner = {"a": values, "b": 7, "c": "AF", "d": values + 1j}
    savemat(tmp_path / "a.mat", {"x": values, "y": inner, "z": "text"}, do_compression=packed)
    found = read_all(tmp_path / "a.mat")
    assert list(found) == ["x", "y.a", "y.b"] and found["y.b"].item() == 7
    for name in ("x", "y.a"):
        assert np.array_equal(found[name], values)


def test_pipes_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.mat")
    assert matlab_version(tmp_path / "x.mat") == b""
