"""HDF5 arrays: rows, and what is refused before a sample is read."""

import multiprocessing
import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from ecg_keras.errors import DataError
from ecg_keras.formats import count_rows, describe_slow_rows, hdf5_files, read_array, read_row
from ecg_keras.formats.hdf5_files import find_array

SHAPE = (None, 4, 2)
NOT_INSIDE = ("link", "soft", "whole/tracings", "external", "virtual")


@pytest.fixture
def path(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["tracings"] = np.arange(24, dtype="f8").reshape(3, 4, 2)
        file["exam_id"] = np.array([7, 8, 0])
        file["name"] = "text"
        file["group/inside"] = 1.0
    return tmp_path / "a.h5"


def test_arrays_and_rows_are_read(path):
    assert count_rows(path, "tracings", SHAPE) == 3
    row = read_row(path, "tracings", SHAPE, 2)
    assert row.dtype == np.float32 and row.tolist() == [[16, 17], [18, 19], [20, 21], [22, 23]]
    assert read_array(path, "exam_id", (None,), "iu").tolist() == [7, 8, 0]
    assert read_array(path, "tracings", SHAPE).dtype == np.float64


def test_half_and_double_precision_become_single(tmp_path):
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["half"] = np.array([[0.5, -1.25]], dtype="f2")
        file["double"] = np.array([[0.5, 1e300]])
    assert read_row(tmp_path / "b.h5", "half", (None, 2), 0).tolist() == [0.5, -1.25]
    # what is too large for an ECG is infinite, without a warning, and refused later
    assert read_row(tmp_path / "b.h5", "double", (None, 2), 0).tolist() == [0.5, np.inf]


@pytest.mark.parametrize("row", [-1, 3, None])
def test_a_row_that_is_not_there_is_named(path, row):
    with pytest.raises(DataError, match=rf"a.h5: tracings has 3 rows. Received: row {row}"):
        read_row(path, "tracings", SHAPE, row)


@pytest.mark.parametrize(
    ("name", "shape", "kind", "message"),
    [
        (
            "ecg",
            SHAPE,
            "f",
            r"has no array ecg. It holds: exam_id \(3,\), group/inside \(\), name ",
        ),
        ("tracings", (None, 4, 3), "f", r"must have the shape \(any, 4, 3\). Received: \(3, 4"),
        ("tracings", (None, 4), "f", r"must have the shape \(any, 4\). Received: \(3, 4, 2\)"),
        ("tracings", SHAPE, "iu", r"must hold integers. Received: float64"),
        ("exam_id", (None,), "f", r"must hold floating-point numbers. Received: int64"),
        ("name", (), "f", r"must hold floating-point numbers. Received: object"),
        ("group", SHAPE, "f", r"must have the shape \(any, 4, 2\). Received: None"),
    ],
)
def test_an_array_of_another_kind_is_refused(path, name, shape, kind, message):
    with pytest.raises(DataError, match=f"a.h5: .*{message}"):
        read_array(path, name, shape, kind)


def test_no_sample_is_read_from_another_file(path, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(np.ones(24, dtype="<f8").tobytes())
    layout = h5py.VirtualLayout((3, 4, 2), dtype="f8")
    layout[:] = h5py.VirtualSource(str(path), "tracings", (3, 4, 2))
    with h5py.File(tmp_path / "out.h5", "w") as file:
        file["link"] = h5py.ExternalLink("a.h5", "/tracings")
        file["soft"] = h5py.SoftLink("/link")
        file["whole"] = h5py.ExternalLink("a.h5", "/")
        file.create_dataset("external", (3, 4, 2), "f8", external=[(str(secret), 0, 192)])
        file.create_virtual_dataset("virtual", layout)
    with h5py.File(tmp_path / "out.h5") as file:  # the library itself would read all five
        assert all(file[name][0].any() for name in NOT_INSIDE)
    for name in NOT_INSIDE:
        for read in (read_array, lambda *one: read_row(*one, 0)):
            with pytest.raises(
                DataError, match=rf"out.h5: {name} is a link, or its samples are in"
            ):
                read(tmp_path / "out.h5", name, SHAPE)


def test_a_claim_of_any_size_allocates_nothing(tmp_path):
    rows = 10**12
    with h5py.File(tmp_path / "big.h5", "w") as file:
        file.create_dataset("plain", (rows, 4, 2), "f4")
        file.create_dataset("rows", (rows, 4, 2), "f4", chunks=(1, 4, 2), compression="gzip")
        file.create_dataset("pieces", (rows, 4, 2), "f4", chunks=(2**26, 4, 2))
        file.create_dataset("ids", (rows,), "i8", chunks=(8,))
    path = tmp_path / "big.h5"
    with pytest.raises(DataError, match=r"big.h5: ids claims 8000000000000 bytes, more than any"):
        read_array(path, "ids", (None,), "iu")
    with pytest.raises(DataError, match=r"rows claims 32000000000000 bytes"):
        read_array(path, "rows", SHAPE)
    with pytest.raises(DataError, match=r"pieces is stored in pieces of \(67108864, 4, 2\), too l"):
        read_row(path, "pieces", SHAPE, 0)
    for name in ("plain", "rows"):
        message = rf"{name} claims 32000000000000 bytes, and the file has \d+ of them\. Download"
        for look in (count_rows, read_array, lambda *one: read_row(*one, rows - 1)):
            with pytest.raises(DataError, match=rf"{name} claims 32000000000000 bytes, "):
                look(path, name, SHAPE)
        with pytest.raises(DataError, match=message):
            find_array(path, (name,))


def test_a_row_is_no_larger_than_any_recording(path, monkeypatch):
    assert read_row(path, "tracings", SHAPE, 2).shape == (4, 2)
    hdf5_files._look_up_once.cache_clear()
    monkeypatch.setattr(hdf5_files, "MOST_VALUES", 7)
    with pytest.raises(DataError, match=r"a\.h5: tracings claims rows of \(4, 2\), more than any"):
        read_row(path, "tracings", SHAPE, 2)


def test_a_long_recording_is_read_where_the_file_holds_it(tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5_files, "_LARGEST", 1000)
    path, values = tmp_path / "hour.h5", np.random.default_rng(0).normal(size=(5000, 12))
    with h5py.File(path, "w") as file:
        file["plain"] = values
        file.create_dataset("packed", data=values, chunks=values.shape, compression="gzip")
        file.create_dataset("promised", (5000, 12), "f8", chunks=(5, 12))
    for name in ("plain", "packed"):
        assert np.array_equal(read_array(path, name, (None, 12)), values)
    with pytest.raises(DataError, match=r"promised claims 480000 bytes, more than any recording"):
        read_array(path, "promised", (None, 12))
    monkeypatch.setattr(hdf5_files, "MOST_VALUES", 59_999)
    with pytest.raises(DataError, match=r"plain claims 480000 bytes, more than any recording"):
        read_array(path, "plain", (None, 12))


def test_files_that_are_no_hdf5_are_named(path, tmp_path):
    (tmp_path / "cut.h5").write_bytes(path.read_bytes()[:-2])
    (tmp_path / "text.h5").write_text("no HDF5")
    (tmp_path / "link.h5").symlink_to("/etc/hostname")
    for name, message in (
        ("cut.h5", "no readable HDF5 file: .*truncated.* Download the file again"),
        ("text.h5", "no readable HDF5 file: .*signature.* Download the file again"),
        ("gone.h5", "No such file or directory. Check that the whole database was downloaded"),
        ("link.h5", "a link that leads out of its folder"),
    ):
        with pytest.raises(DataError, match=f"{name}: {message}"):
            read_array(tmp_path / name, "tracings", SHAPE)


@given(st.binary(max_size=400), st.integers(0, 2000), st.booleans())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_bytes_of_any_kind_are_read_or_refused(tmp_path_factory, noise, where, cut):
    path = tmp_path_factory.mktemp("noise") / "a.h5"
    with h5py.File(path, "w") as file:
        file["tracings"] = np.zeros((3, 4, 2))
    content = bytearray(path.read_bytes())
    content[where : where + len(noise)] = noise
    path.write_bytes(content[: len(content) // 2] if cut else content)
    try:
        assert read_row(path, "tracings", SHAPE, 1).shape == (4, 2)
    except DataError as error:
        assert str(path) in str(error)


def test_a_file_that_is_written_anew_is_read_anew(path):
    assert read_row(path, "tracings", SHAPE, 0)[0, 0] == 0
    with h5py.File(path.with_suffix(".new"), "w") as file:
        file["tracings"] = np.full((1, 4, 2), 5.0)
    path.write_bytes(path.with_suffix(".new").read_bytes())
    os.utime(path, ns=(1, 1))
    assert count_rows(path, "tracings", SHAPE) == 1
    assert read_row(path, "tracings", SHAPE, 0)[0, 0] == 5


def test_no_file_stays_open(path):
    read_row(path, "tracings", SHAPE, 0)
    read_array(path, "exam_id", (None,), "iu")
    links = [one for one in Path("/proc/self/fd").iterdir() if one.is_symlink()]
    assert not [one for one in links if str(path) in str(one.readlink())]
    with h5py.File(path, "r+") as file:  # the library would refuse this
        file["tracings"][0] = 9


@pytest.mark.parametrize("dtype", ["<f2", "<f4", ">f4", "<f8", ">f8"])
@pytest.mark.parametrize(
    "storage", [{}, {"chunks": (1, 4, 2)}, {"compression": "gzip"}, {"shuffle": True}]
)
def test_a_row_is_what_the_library_reads(tmp_path, dtype, storage):
    values = np.random.default_rng(0).normal(size=(5, 4, 2))
    with h5py.File(tmp_path / "c.h5", "w", userblock_size=512) as file:
        file["before"] = np.ones(7)
        file.create_dataset("tracings", data=values.astype(dtype), **storage)
    with h5py.File(tmp_path / "c.h5") as file:
        expected = file["tracings"][()].astype(np.float32)
    for row in range(5):
        found = read_row(tmp_path / "c.h5", "tracings", SHAPE, row)
        assert found.dtype == np.float32 and np.array_equal(found, expected[row])


def read_first(path):
    return float(read_row(path, "tracings", SHAPE, 1)[0, 0])


def test_other_processes_read_the_same_file(path):
    assert read_first(path) == 8
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(read_first, [path] * 6) == [8.0] * 6


@pytest.mark.parametrize(
    ("storage", "times"),
    [
        ({"chunks": (30, 2, 1)}, 30),
        ({"chunks": (10, 4, 2)}, None),
        ({"chunks": (1, 1, 1)}, None),
        ({}, None),
    ],
)
def test_rows_that_are_slow_to_read_are_named_with_the_remedy(
    tmp_path, monkeypatch, storage, times
):
    path = tmp_path / "exams.hdf5"
    with h5py.File(path, "w") as file:
        file.create_dataset("sub/tracings", (60, 4, 2), "f4", **storage)
        file.create_dataset("exam_id", (60,), "i8", chunks=(8,))
    assert describe_slow_rows(path) is None  # all of it is read in no time
    monkeypatch.setattr(hdf5_files, "_SLOW_ARRAY", 0)
    remark = describe_slow_rows(path)
    assert (remark is None) == (times is None)
    if remark is not None:
        assert f"for each recording {times} times its bytes" in remark
        assert "h5repack -l sub/tracings:CONTI -f sub/tracings:NONE exams.hdf5" in remark
    spaced = path.rename(tmp_path / "my exams.hdf5")
    remark = describe_slow_rows(spaced)
    assert remark is None or remark.endswith("'my exams.hdf5' 'NEW.my exams.hdf5'")
    spaced.write_bytes(b"damaged")
    assert describe_slow_rows(spaced) is None
