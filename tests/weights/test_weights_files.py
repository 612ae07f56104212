"""What kind a file of weights is shows its content; all else is refused in one line."""

import json
import struct
import sys
import tarfile
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from weight_files import VALUES, WRITERS, entry, write_safetensors

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.weights import keras_files, read_tensors


@pytest.fixture
def path(tmp_path):
    return tmp_path / "theirs.pt"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty. Download it again."),
        (bytes(4096), "is empty. Download it again."),
        (b"PK\x03\x04" + bytes(500), "begins as a PyTorch or .keras file, and its end is missing."),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
         "is a pointer of git-lfs in place of the weights. Run `git lfs pull`"),
        (b"\n <!DOCTYPE html><title>Sign in", "is a web page in place of the weights."),
        (b"<html>", "is a web page in place of the weights."),
        (b"\x1f\x8b\x08\x00rest", "is an archive. Unpack it"),
        (b"\x93NUMPY\x01\x00", "holds one NumPy array, and weights are arrays with names."),
        (b"\x08\x01\x12\x80\x01", "is a graph of TensorFlow. Save its weights as .h5 or .keras"),
        (b"{\"error\": 404}", "is not a PyTorch file, safetensors, ONNX, .h5 of Keras 2 or"),
        (b"\x80\x04N.", "is a pickle, which is a program, and of no version of torch.save."),
    ],
)  # fmt: skip
def test_other_kinds_are_named_with_what_to_do(path, refusal, content, what):
    path.write_bytes(content)
    assert refusal(path).startswith(what)


def test_archives_are_to_be_unpacked(path, refusal):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights/theirs.bin", b"x")
    assert refusal(path).startswith("is an archive of 1 files, not a PyTorch file")
    with tarfile.open(path, "w") as archive:
        archive.add(__file__)
    assert refusal(path) == "is an archive. Unpack it, and name the file of weights in it."


def test_a_missing_file_and_a_folder(path, refusal, tmp_path):
    assert refusal(path).startswith("there is no such file. Name a file of weights: a PyTorch file")
    assert refusal(tmp_path).startswith("is a folder. Name a file of weights: ")


class TestSafetensors:
    @pytest.fixture(autouse=True)
    def library(self):
        pytest.importorskip("safetensors")

    def test_arrays_of_several_types(self, path):
        header = {
            "__metadata__": {"format": "pt"},
            "model.w": entry(),
            "model.brain": entry("BF16", (2,), (24, 28)),
            "model.half": entry("F16", (2,), (28, 32)),
            "model.steps": entry("I64", (), (32, 40)),
        }
        brain = struct.pack("<2H", 0x3FC0, 0xC000)
        half = np.array([1.5, -2], "f2").tobytes()
        write_safetensors(path, header, brain + half + struct.pack("<q", 7))
        read = read_tensors(path)
        assert read["w"].dtype == read["brain"].dtype == read["half"].dtype == np.float32
        np.testing.assert_array_equal(read["w"], VALUES.reshape(2, 3))
        np.testing.assert_array_equal(read["brain"], [1.5, -2])
        np.testing.assert_array_equal(read["half"], [1.5, -2])
        assert read["steps"].shape == () and read["steps"] == 7

    @pytest.mark.parametrize(
        "header",
        [
            {"w": entry(offsets=(0, 48))},
            {"w": entry(offsets=(24, 0))},
            {"w": entry(offsets=(-24, 0))},
            {"w": entry(), "v": entry(offsets=(12, 36))},
            {"w": entry(shape=(2, 10**18))},
            {"w": entry(shape=(-2, -3))},
            {"w": entry(dtype="F33")},
            {"w": entry(shape=(2**40, 2**40))},
            {"w": {}},
            {"w": entry(dtype="F8_E4M3", shape=(24,))},
            {},
            b"{" + b"[" * 100_000,
            json.dumps({"w": entry(), "v": entry()}).replace("v", "w").encode(),
        ],
    )  # fmt: skip
    def test_headers_that_promise_what_is_not_there(self, path, refusal, header):
        write_safetensors(path, header)
        assert refusal(path).startswith("can't be read as weights: ")

    def test_numbers_of_a_kind_that_is_not_read_are_named(self, path, refusal):
        write_safetensors(path, {"w": entry("F8_E4M3", (24,))})
        assert refusal(path) == (
            "can't be read as weights: w is stored as F8_E4M3. Save it as F32; read are F64, F32, "
            "F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8, BOOL."
        )
        write_safetensors(path, {"w": entry("U16", (12,))})
        assert read_tensors(path)["w"].dtype == np.uint16

    def test_a_header_larger_than_the_file(self, path, refusal):
        path.write_bytes(struct.pack("<Q", 2**62) + b'{"w": {}}')
        assert refusal(path).startswith("can't be read as weights: ")


@pytest.mark.parametrize("name", ["safetensors", "onnx"])
def test_the_package_that_is_missing_is_named(path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    if name == "onnx":
        path.write_bytes(b"\x08\x08\x12\x07pytorch")
    else:
        write_safetensors(path, {"w": entry()})
    with pytest.raises(ConfigError, match=rf"{name}, which is not installed: pip install"):
        read_tensors(path)


def damage(path, kind, data):
    """What can be read of a file of which some bytes are others, or its end is missing."""
    WRITERS[kind](path)
    content = bytearray(path.read_bytes())
    place = st.integers(0, len(content) - 1)
    for where, value in data.draw(st.lists(st.tuples(place, st.integers(0, 255)), max_size=8)):
        content[where] = value
    if data.draw(st.booleans()):
        del content[data.draw(place) :]
    path.write_bytes(content)
    try:
        read = read_tensors(path)
    except (DataError, ConfigError) as error:
        assert "\n" not in str(error) and len(str(error)) < 1000
    else:
        assert sum(array.size for array in read.values()) <= len(content)


@pytest.mark.parametrize("kind", [kind for kind in WRITERS if kind != "keras_h5"])
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_refused_in_a_line_or_is_not_there(path, kind, data):
    damage(path, kind, data)


# fewer: each is first read in a process of its own
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damaged_hdf5_neither_crashes_nor_stops_who_reads_it(path, monkeypatch, data):
    monkeypatch.setattr(keras_files, "SECONDS", 8)
    damage(path, "keras_h5", data)


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("import os; os.abort()", "is damaged: HDF5's library crashes on it"),
        ("import time; time.sleep(100)", "is damaged: HDF5's library does not come to its end"),
    ],
)
def test_hdf5_that_crashes_or_stops_its_library_is_refused(path, refusal, monkeypatch, code, what):
    WRITERS["keras_h5"](path)
    monkeypatch.setattr(keras_files, "_REHEARSAL", code)
    monkeypatch.setattr(keras_files, "SECONDS", 3)
    assert refusal(path).startswith(what)


@pytest.mark.parametrize("kind", WRITERS)
def test_what_is_damaged_above_is_whole_at_first(path, kind):
    if kind in ("onnx", "safetensors"):
        pytest.importorskip(kind)
    WRITERS[kind](path)
    name = "dense/kernel" if kind == "keras_h5" else "w"
    np.testing.assert_array_equal(read_tensors(path)[name].ravel(), VALUES)
