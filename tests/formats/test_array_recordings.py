"""Recordings in HDF5 and NumPy files: single ones, rows of many, and what is refused."""

import h5py
import numpy as np
import pytest
from small_signals import RATE, microvolts

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.formats import count_recordings, find_recording, read_recording
from ecg_keras.signals import LEADS

MANY = np.stack([microvolts(number, 2 * RATE) + 1 for number in range(3)])
SETTINGS = {"sampling_rate": RATE, "unit": "uV"}


def save(path, values, name="tracings"):
    if path.suffix == ".npy":
        np.save(path, values)
    else:
        with h5py.File(path, "w") as file:
            file[name] = values
    return path


def read(path, **settings):
    return read_recording(*find_recording(path), **{**SETTINGS, **settings})


@pytest.fixture(params=["a.npy", "a.h5", "a.HDF5"])
def path(tmp_path, request):
    return tmp_path / request.param


@pytest.mark.parametrize("kind", ["f4", "<f8", ">i2", "f2"])
def test_rows_of_many(path, kind):
    stored = MANY.astype(kind)
    for values in (stored, stored.transpose(0, 2, 1)):
        save(path, values)
        assert count_recordings(path) == 3
        signal = read(path, row=2)
        assert (signal.leads, signal.sampling_rate) == (LEADS, RATE)
        assert signal.values.dtype == np.float32
        np.testing.assert_allclose(signal.values, stored[2].astype("f8") / 1000, rtol=1e-6)
    part = read(path, row=1, span=(0.5, 1))
    assert (part.start, part.total, len(part.values)) == (RATE // 2, 2 * RATE, RATE // 2)


@pytest.mark.parametrize("name", ["a.npy", "a.h5"])
@pytest.mark.parametrize("shape", [(2**40, 0, 12), (2000, 8, 12), (2000, 99, 1)])
def test_rows_too_small_for_recordings_are_not_counted(tmp_path, name, shape):
    file = save(tmp_path / name, np.zeros(shape, "i1"))
    with pytest.raises(DataError, match=r"rows of \(\d+, \d+\) have fewer than 100 numbers, w"):
        count_recordings(file)


def test_a_single_recording(path):
    save(path, MANY[0].astype("f4"), "ecg")
    assert count_recordings(path) is None
    np.testing.assert_allclose(read(path).values, MANY[0] / 1000, rtol=1e-6)
    two = save(path, MANY[0][:, :3].T.astype("f4"), "mine")
    signal = read(two, leads=("II", "time", "thorax"), lead_names={"Thorax": "V1"}, array="mine")
    assert signal.leads == ("II", "V1")
    np.testing.assert_allclose(signal.values, MANY[0][:, [0, 2]] / 1000, rtol=1e-6)


def test_an_array_of_one_recording_needs_no_row(path):
    for values in (MANY[:1], MANY[:1].transpose(0, 2, 1)):
        save(path, values.astype("f4"))
        assert count_recordings(path) == 1
        for settings in ({}, {"row": 0}):
            np.testing.assert_allclose(read(path, **settings).values, MANY[0] / 1000, rtol=1e-6)


def test_numbers_of_a_recorder_are_steps_of_a_unit(path):
    save(path, MANY[0].astype("i2"), "ecg")
    np.testing.assert_allclose(read(path, unit="4.88 uV").values, MANY[0] * 0.00488, rtol=1e-5)


def test_axes_of_one_and_zeros_around_are_left_out(tmp_path):
    padded = np.zeros((2, 1, 3000, 12), "f4")
    padded[1, 0, 700:1700] = MANY[1]
    np.testing.assert_allclose(
        read(save(tmp_path / "a.npy", padded), row=1).values, MANY[1] / 1000, rtol=1e-6
    )


@pytest.mark.parametrize("name", ["a.npy", "a.h5"])
def test_rows_of_a_single_lead_and_axes_of_one(tmp_path, name):
    single = save(tmp_path / name, MANY[:, :, 0])
    assert count_recordings(single) is None
    np.testing.assert_allclose(
        read(single, row=2, leads=("I",)).values, MANY[2][:, :1] / 1000, rtol=1e-6
    )
    save(single, MANY[:, np.newaxis])
    assert count_recordings(single) == 3
    np.testing.assert_allclose(read(single, row=1).values, MANY[1] / 1000, rtol=1e-6)


def test_an_array_of_another_name_is_asked_for_with_what_is_there(tmp_path):
    path = save(tmp_path / "a.h5", MANY, "mine/data")
    for array, name in ((None, "tracings or ecg"), ("mine", "mine")):
        with pytest.raises(
            DataError,
            match=rf"a\.h5: has no array {name}\. It holds: mine/data \(3, 1000, 12\)\. Name the "
            r"one with the samples with data\.folder\.array",
        ):
            read(path, row=1, array=array)
    assert len(read(path, row=1, array="mine/data").values) == len(MANY[1])


@pytest.mark.parametrize(("zeros", "length"), [(1, 1000), (49, 1000), (50, 950), (300, 700)])
def test_few_zeros_at_an_edge_belong_to_the_recording(tmp_path, zeros, length):
    for edge in (slice(None, zeros), slice(-zeros, None)):  # 500 Hz
        values = MANY[0].copy()
        values[edge] = 0
        assert len(read(save(tmp_path / "a.npy", values)).values) == length


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, r"holds 3 recordings\. Name the column .*data\.folder\.row"),
        ({"row": 3}, r"has 3 rows\. Received: row 3"),
        ({"row": -1}, r"has 3 rows\. Received: row -1"),
        ({"row": 0, "leads": LEADS[:8]}, r"must have 8 leads, I, .* shape \(1000, 12\)\. Name its"),
        (
            {"row": 0, "leads": [f"ch{n}" for n in range(12)]},
            r"none of its columns is one of the leads .*ch0, .* with data\.folder\.leads\.",
        ),
    ],
)
def test_what_does_not_fit_is_refused(path, settings, message):
    save(path, MANY.astype("f4"))
    with pytest.raises(DataError, match=rf"{path.name}: .*{message}"):
        read(path, **settings)


def test_rate_and_unit_are_never_guessed(path):
    save(path, MANY.astype("f4"))
    for setting in SETTINGS:
        with pytest.raises(
            ConfigError, match=rf"an array does not say its .*data\.folder\.{setting}"
        ):
            read(path, row=0, **{setting: None})


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x93NUMPY\x01\x00", b"PK\x03\x04", b"\x80\x04K\x01.",
        # a million samples are promised, and none is there
        b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 12)}"
        + b" " * 56 + b"\n",
    ],
)  # fmt: skip
def test_damaged_files_are_named(tmp_path, content):
    path = tmp_path / "a.npy"
    path.write_bytes(content)
    with pytest.raises(
        DataError, match=r"a\.npy: no NumPy file that can be read: .* Save it again"
    ):
        read(path)


def test_objects_and_texts_are_refused(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.array([{}, 1], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match=r"a\.npy: no NumPy file that can be read: "):
        read(path)
    np.save(path, np.array([["a"]]))
    with pytest.raises(DataError, match=r"a\.npy: no array of numbers"):
        read(path)
