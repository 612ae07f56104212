"""What is listed of files and folders before any recording is read."""

import os
import threading
from contextlib import contextmanager

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from ecg_keras.errors import DataError
from ecg_keras.prediction.loose_files import LooseFiles, UnreadableError

READER = LooseFiles(sampling_rate=500, unit="mV")


@pytest.mark.parametrize("shape", [(2**50, 10, 12), (1, 2_000_000_000, 12), (2**26, 2, 1)])
def test_an_array_that_claims_any_size_is_one_recording_that_can_not_be_read(tmp_path, shape):
    with h5py.File(tmp_path / "claims.h5", "w") as file:
        file.create_dataset("tracings", shape, "i1")
    (info,) = READER.list_records([tmp_path])
    assert info.row is None
    with pytest.raises(UnreadableError, match=r"claims\.h5: "):
        READER.read_signal(info)


@contextmanager
def pipe(path):
    """A named pipe, and a list of when it was opened; whoever reads it finds it empty."""
    os.mkfifo(path)
    opened, ended = [], threading.Event()

    def write():
        while not ended.is_set():
            os.close(os.open(path, os.O_WRONLY))  # waits for a reader
            opened.append(path)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield opened
    finally:
        ended.set()
        while writer.is_alive():
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
            writer.join(0.01)


@pytest.mark.parametrize("name", ["p.csv", "p.txt", "p.hea", "p.h5", "p.npz", "p.mat", "p"])
def test_a_pipe_is_never_opened(tmp_path, name):
    (tmp_path / "a.csv").write_text("I,II\n1,2\n")
    reader = LooseFiles(sampling_rate=500, unit="mV", array="val")
    with pipe(tmp_path / name) as opened:
        listed = [
            *reader.list_records([tmp_path], unnamed=[]),
            *reader.list_records([tmp_path / name]),
        ]
        assert {info.path.name for info in listed} == {"a.csv", name}
        for info in listed:
            if info.path.name == name:
                with pytest.raises(UnreadableError, match=r"/p(\.\w+)?: No such file"):
                    reader.read_signal(info)
        assert not opened


def test_a_pattern_finds_shards_and_the_recordings_beside_them(tmp_path):
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / "dataset.json").touch()
    (tmp_path / "notes.txt").write_text("1,2\n")
    (tmp_path / "summary.csv").write_text("record_id,label\na,MI\n")
    reader = LooseFiles(sampling_rate=500, unit="mV", array="val")
    for beside in ([], ["one.mat"]):
        for name in beside:
            savemat(tmp_path / name, {"val": np.zeros((100, 2))})
        tables, stored = [], []
        infos = reader.list_records([tmp_path / "*"], tables, stored)
        assert [info.path.name for info in infos] == beside
        assert stored == [tmp_path / "shards"] and tables == [tmp_path / "summary.csv"]


def test_attributions_beside_recordings_are_no_recordings(tmp_path):
    np.savetxt(tmp_path / "a.csv", np.zeros((1, 12)), delimiter=",")
    signals = np.zeros((2, 10, 12))
    np.savez(tmp_path / "why.npz", attributions=signals, signals=signals)
    np.savez(tmp_path / "b.npz", ecg=signals[0])
    (tmp_path / "c.npz").write_bytes(b"PK\x03\x04")
    for named, listed in ((tmp_path, {"a.csv"}), (tmp_path / "*", {"a.csv", "b.npz", "c.npz"})):
        unnamed = []
        infos = READER.list_records([named], unnamed=unnamed)
        assert {info.path.name for info in infos} == listed
        assert {one.name for one in unnamed} == {"b.npz", "c.npz"} - listed
    asked = LooseFiles(sampling_rate=500, unit="mV", array="signals")
    assert len(asked.list_records([tmp_path / "*.npz"])) == 4
    assert [info.path.name for info in READER.list_records([tmp_path / "why.npz"])] == ["why.npz"]


def test_texts_and_arrays_that_a_folder_leaves_out_are_counted(tmp_path):
    row = ";".join(["0,125"] * 12)
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    texts = [folder / "deep" / "a.txt", folder / "b.txt"]
    texts[0].write_text("I;II;III\n" + f"{row}\n" * 900)
    texts[1].write_text(f"{row}\n" * 3, encoding="utf-16")
    (folder / "LICENSE.txt").write_text("These recordings may be used by all.\n" * 30)
    (folder / "SHA256SUMS.txt").write_text(f"{'0123456789abcdef' * 4} a.csv\n" * 30)
    np.save(folder / "c.npy", np.zeros((2, 2)))
    says = r" 3 files of texts or arrays left out: name them, .*in/deep/\*.txt"
    for named in (folder, tmp_path / "*", tmp_path / "i*"):
        with pytest.raises(DataError, match=says):
            READER.list_records([named])
    with pytest.raises(DataError, match=rf"matches .*b\.txt.* 2 files of texts .*{folder}/\*\.txt"):
        READER.list_records([folder / "**" / "*.tx[t]"])
    (folder / "d.csv").write_text(f"{row}\n")
    for named in (folder, tmp_path / "*"):
        unnamed = []
        (info,) = READER.list_records([named], unnamed=unnamed)
        assert info.path.name == "d.csv"
        assert set(unnamed) == {*texts, folder / "c.npy"}
    assert len(READER.list_records([f"{folder}/**/[ab].txt"], unnamed=unnamed)) == 2
