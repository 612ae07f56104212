"""Arrays in ``.npz`` files and in those of MATLAB: which one is read, and what is refused."""

import tracemalloc
import zipfile

import h5py
import numpy as np
import pytest
from scipy.io import savemat
from small_signals import RATE, microvolts

from ecg_keras.errors import DataError
from ecg_keras.formats import array_archives, count_recordings, find_recording, read_recording

VALUES = microvolts(0, 2 * RATE).astype("f8")
MANY = np.stack([microvolts(number, 2 * RATE) + 1.0 for number in range(3)])
SETTINGS = {"sampling_rate": RATE, "unit": "uV"}


def save(path, **arrays):
    if path.suffix.lower() == ".npz":
        with path.open("wb") as stream:
            np.savez_compressed(stream, **arrays)
    elif path.stem.startswith("v73"):
        with h5py.File(path, "w", userblock_size=512) as file:
            for name, values in arrays.items():
                file[name] = np.asarray(values).T  # MATLAB writes the first axis last
        with path.open("r+b") as stream:
            stream.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    else:
        savemat(path, arrays, do_compression=path.stem == "packed")
    return path


def read(path, **settings):
    return read_recording(path, "array", **SETTINGS, **settings).values


@pytest.fixture(params=["a.npz", "a.mat", "packed.mat", "v73.mat", "A.MAT", "a.NPZ"])
def path(tmp_path, request):
    return tmp_path / request.param


def test_one_recording_and_rows_of_many(tmp_path):
    for name in ("a.npz", "a.mat", "packed.mat", "v73.mat"):
        one = save(tmp_path / name, ecg=VALUES.T, age=np.array([[56.0]]))
        assert find_recording(one, "ecg") == (one, "array") and count_recordings(one) is None
        np.testing.assert_allclose(read(one), VALUES / 1000, rtol=1e-6)
        many = save(one, tracings=MANY, ecg=VALUES)
        assert count_recordings(many) == 3
        np.testing.assert_allclose(read(many, row=2), MANY[2] / 1000, rtol=1e-6)
        with pytest.raises(DataError, match=r"rows\. Received: row 3"):
            read(many, row=3)


def test_the_only_large_array_needs_no_name_and_a_field_of_a_structure_has_one(tmp_path):
    np.testing.assert_allclose(
        read(save(tmp_path / "a.npz", mine=VALUES)), VALUES / 1000, rtol=1e-6
    )
    ecg = {"sex": "Male", "age": 56, "data": VALUES.T, "inner": {"xyz": VALUES[:, :3]}}
    one = save(tmp_path / "a.mat", ECG=ecg)
    with pytest.raises(
        DataError, match=r"several arrays\. It holds: .*ECG\.data \(12, \d+\).*array"
    ):
        read(one)
    np.testing.assert_allclose(read(one, array="ECG.data"), VALUES / 1000, rtol=1e-6)
    vectorcardiogram = read(one, array="ECG.inner.xyz", leads=["V1", "V2", "V3"])
    np.testing.assert_allclose(vectorcardiogram, VALUES[:, :3] / 1000, rtol=1e-6)
    with pytest.raises(DataError, match=r"a\.mat: has no array nothing\. It holds: ECG\.age"):
        read(one, array="nothing")


def test_a_file_with_a_header_is_wfdbs(tmp_path):
    save(tmp_path / "a.mat", val=VALUES.T)
    (tmp_path / "a.hea").touch()
    for array in (None, "val"):
        assert find_recording(tmp_path / "a.mat", array) == (tmp_path / "a.hea", "wfdb")


def test_without_a_header_it_is_matlabs_only_where_its_array_is_named(tmp_path):
    for name in ("a.mat", "v73.mat"):
        file = save(tmp_path / name, val=VALUES.T)
        with pytest.raises(DataError, match=r"no \w+\.hea\. .*array with data\.folder\.array"):
            find_recording(file)
        np.testing.assert_allclose(read(file, array="val"), VALUES / 1000, rtol=1e-6)


def test_fields_of_structures_in_version_7_3(tmp_path):
    file = save(tmp_path / "v73.mat", age=[[56.0]])
    with h5py.File(file, "r+") as archive:
        archive["ECG/data"], archive["ECG/sex"] = VALUES, np.ones((300, 1), "u2")
        archive["ECG/sex"].attrs["MATLAB_class"] = np.bytes_("char")
        archive["#refs#/a"] = VALUES
    for array in (None, "ECG.data"):  # it is the only large one
        np.testing.assert_allclose(read(file, array=array), VALUES / 1000, rtol=1e-6)
    with pytest.raises(DataError, match=r"no array x\. It holds: ECG\.data \(12, 1000\), age"):
        read(file, array="x")


def test_of_an_archive_only_the_array_that_is_named_is_read(tmp_path):
    file = save(tmp_path / "a.npz", ecg=VALUES, labels=np.array(["AF", None], object))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("readme.txt", "of two hospitals")
    for array in (None, "ecg"):
        np.testing.assert_allclose(read(file, array=array), VALUES / 1000, rtol=1e-6)
    with pytest.raises(DataError, match=r"labels\.npy is one"):
        read(file, array="labels")


def test_an_archive_that_wants_another_version_is_named(tmp_path):
    file = save(tmp_path / "a.npz", ecg=VALUES)
    content = bytearray(file.read_bytes())
    content[content.index(b"PK\1\2") + 6] = 99
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.npz: no \.npz file that can be read: .*version 9\.9"):
        read(file)


def test_a_header_is_not_read_beyond_what_numpy_takes(tmp_path):
    header = b"\x93NUMPY\x02\x00" + (1 << 20).to_bytes(4, "little")
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ecg.npy", header.ljust(1 << 20))
    message = "reading array header, expected 1048576 bytes got 10000"
    with pytest.raises(DataError, match=rf"a\.npz: no \.npz file that can be read: .*{message}"):
        read(tmp_path / "a.npz")


def test_an_archive_that_promises_more_than_it_has_takes_no_memory(tmp_path):
    np.savez(tmp_path / "a.npz", ecg=VALUES)
    content = bytearray((tmp_path / "a.npz").read_bytes())
    packed = content.index(b"PK\1\2") + 20  # in the directory, of which a gigabyte is promised
    content[packed : packed + 4] = (1 << 30).to_bytes(4, "little")
    (tmp_path / "a.npz").write_bytes(content)
    tracemalloc.start()
    with pytest.raises(DataError, match=r"a\.npz: .*it is cut off"):
        read(tmp_path / "a.npz")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 10_000_000


@pytest.mark.filterwarnings("error")
def test_bits_that_are_no_number_do_not_warn(tmp_path):
    values = VALUES.copy()
    values.view("u8")[5, 2] = 0x7FF0000000000001
    for name in ("a.npz", "a.mat", "v73.mat"):
        assert np.isnan(read(save(tmp_path / name, ecg=values))[5, 2])


def test_what_would_take_all_memory_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(array_archives, "MOST_BYTES", VALUES.nbytes - 1)
    for name in ("a.npz", "a.mat", "packed.mat", "v73.mat"):
        with pytest.raises(DataError, match=r"at most 95,999 are read at once\. Save it as \.npy"):
            read(save(tmp_path / name, ecg=VALUES))


def test_what_is_damaged_or_no_number_is_refused_in_a_line(tmp_path):
    files = [save(tmp_path / name, ecg=VALUES) for name in ("a.npz", "a.mat", "packed.mat")]
    for file in files:
        whole = file.read_bytes()
        for damaged in (whole[:-200], whole[:200], whole[:130] + b"\xff" * 40 + whole[170:]):
            file.write_bytes(damaged)
            with pytest.raises(DataError, match=rf"{file.name}: ") as caught:
                read(file)
            assert "\n" not in str(caught.value) and len(str(caught.value)) < 500
    for file in (save(tmp_path / "text.mat", val="AF"), save(tmp_path / "few.npz", ecg=[1, 2])):
        with pytest.raises(DataError, match="has no array tracings or ecg"):
            read(file)
    np.savez(tmp_path / "pickle.npz", ecg=np.array([VALUES, None], dtype=object))
    with pytest.raises(DataError, match="Object arrays are not opened"):
        read(tmp_path / "pickle.npz")


def test_a_small_file_takes_little_memory(tmp_path):
    file = save(tmp_path / "packed.mat", ecg=np.zeros((12, 7_000_000), "i1"))
    assert file.stat().st_size < 200_000
    with pytest.raises(DataError, match="unpack to more than 67,108,864 bytes"):
        read(file)


def test_a_file_that_was_written_again_is_read_again(path):
    save(path, ecg=VALUES)
    read(path)
    save(path, ecg=VALUES[RATE:] + 7.0)
    np.testing.assert_allclose(read(path), (VALUES[RATE:] + 7.0) / 1000, rtol=1e-6)
