"""Datasets that went by times of change are taken for what they are, and for nothing else."""

import json
import logging
import os
import shutil

import numpy as np
import pytest
from my_lab import hospital
from small_folder import write_folder

from ecg_keras.config import Data, Split
from ecg_keras.data import shard_folders
from ecg_keras.data.dataset import describe
from ecg_keras.data.identities import population
from ecg_keras.data.preparation import prepare
from ecg_keras.data.raw_files import digest_of, earlier_digests, raw_digest, times_digest
from ecg_keras.data.shard_folders import combine, dataset_fingerprint, find_shards, is_made_of
from ecg_keras.errors import DataError


def copy(data, raw):
    """The same recordings elsewhere, with other times."""
    shutil.copytree(data.raw, raw, copy_function=shutil.copyfile)
    for path in raw.iterdir():
        os.utime(path, (1, 1))
    return data.model_copy(update={"raw": raw, "shards": raw.parent / "shards"})


@pytest.fixture
def old(hospital_data, hospital_shards, tmp_path):
    """Settings of a database, and its dataset as an earlier version left it."""
    data = copy(hospital_data, tmp_path / "raw")
    digest = times_digest(data.raw)
    fingerprint = combine(data, digest)
    folder = data.shards / f"hospital-default-{fingerprint[:12]}"
    shutil.copytree(hospital_shards, folder)
    tree = json.loads((folder / "dataset.json").read_text())
    del tree["raw_by"]
    tree |= {"raw_digest": digest, "fingerprint": fingerprint}
    (folder / "dataset.json").write_text(json.dumps(tree))
    return data, folder


@pytest.fixture
def moved(old):
    """The same where all times have changed."""
    data, folder = old
    for path in data.raw.iterdir():
        os.utime(path, (2, 2))
    return data, folder


def judged(data, folder):
    return is_made_of(folder, describe(folder), data, digest_of(data))


def test_it_is_accepted_under_its_own_name_while_the_times_are_the_same(old, caplog):
    data, folder = old
    assert find_shards(data) == (folder, describe(folder).fingerprint)
    assert prepare(data, folder) == describe(folder)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"{folder}: made by an earlier version")
    assert line.endswith("accepted, as its raw files still have theirs.")


def test_in_a_copy_everything_is_compared_once(moved, caplog, monkeypatch):
    data, folder = moved
    with caplog.at_level(logging.WARNING):
        assert find_shards(data) == (folder, describe(folder).fingerprint)
    (line,) = [record.getMessage() for record in caplog.records]
    assert "the same 40 records, patients, labels and splits, and 40 of the recordings" in line
    monkeypatch.delattr(shard_folders, "convert")
    assert find_shards(data)[0] == folder
    for path in data.raw.iterdir():
        os.utime(path, (3, 3))
    assert find_shards(data)[0] == folder
    assert len(caplog.records) == 1


def test_of_many_recordings_a_sample_is_converted(moved, caplog, monkeypatch):
    data, folder = moved
    monkeypatch.setattr(shard_folders, "SAMPLE", 10)
    assert judged(data, folder)
    assert "and 11 of the recordings" in caplog.text


def change_signal(raw):
    np.save(raw / "r0007.npy", np.load(raw / "r0007.npy")[:, ::-1])


def change_gain(raw):
    for path in raw.glob("*.npy"):
        np.save(path, np.load(path) // 2)


def lose_signal(raw):
    (raw / "r0007.npy").write_bytes(b"")


def change_rows(change):
    def act(raw):
        with (raw / "records.csv").open() as file:
            rows = [line.rstrip("\n").split(",") for line in file][1:]
        hospital.rewrite(raw, change(rows))

    return act


def change_cell(column, value):
    return change_rows(lambda rows: [[*rows[0][:column], value, *rows[0][column + 1 :]], *rows[1:]])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (change_signal, "recording r0007 is another"),
        (change_gain, "is another"),
        (lose_signal, "recording r0007 is another"),
        (change_rows(lambda rows: rows[:-1]), "the tables list other records"),
        (change_cell(1, "stranger"), "the tables say something else of record r0000"),
        (change_cell(2, "AF PAC"), "the tables say something else of record r0000"),
        (change_cell(3, "99"), "the tables say something else of record r0000"),
    ],
)
def test_other_recordings_or_tables_are_refused(moved, change, why, caplog):
    data, folder = moved
    change(data.raw)
    assert not judged(data, folder)
    assert "not of these raw files" in caplog.text and why in caplog.text
    with pytest.raises(DataError, match="holds a dataset made of other raw files"):
        prepare(data, folder)
    assert find_shards(data)[0] != folder
    assert len(caplog.records) == 1


def test_other_settings_are_another_dataset(moved):
    data, folder = moved
    assert not judged(data.model_copy(update={"seconds": 1.0}), folder)
    assert not (folder / shard_folders.KEPT).exists()


def test_what_this_version_makes_goes_by_content_alone(hospital_data, hospital_shards, tmp_path):
    data = copy(hospital_data, tmp_path / "raw")
    assert dataset_fingerprint(data) == describe(hospital_shards).fingerprint
    change_signal(data.raw)
    assert not judged(data, hospital_shards)
    assert not (hospital_shards / shard_folders.KEPT).exists()


@pytest.mark.parametrize("text", ["", "[]", '{"x": 1}', '{"x": {"accepted": true}}'])
def test_an_answer_that_is_damaged_is_found_again(old, text):
    data, folder = old
    (folder / shard_folders.KEPT).write_text(text)
    assert judged(data, folder)
    assert len(json.loads((folder / shard_folders.KEPT).read_text())) == 1


def test_a_folder_that_can_not_be_written_to_is_read(old, monkeypatch):
    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    data, folder = old
    monkeypatch.setattr(shard_folders, "write_json", refuse)
    assert judged(data, folder) and judged(data, folder)
    assert not (folder / shard_folders.KEPT).exists()


def test_a_damaged_dataset_beside_it_is_passed_over(old):
    data, folder = old
    other = folder.with_name("hospital-default-000000000000")
    other.mkdir()
    (other / "dataset.json").write_text("{")
    assert find_shards(data)[0] == folder


def test_patients_of_a_folder_keep_the_name_by_which_older_runs_know_them(tmp_path):
    raw = tmp_path / "raw"
    write_folder(raw, records=12)
    split = Split(valid=0.3, test=0.3)
    settings = {"raw": raw, "shards": tmp_path / "shards", "quarantine": 0.5, "verify": "off"}
    data = Data(source="folder", sampling_rate=500, split=split, **settings)
    folder = find_shards(data)[0]
    prepare(data, folder)
    tree = json.loads((folder / "dataset.json").read_text())
    read, everything = earlier_digests(data)
    tree |= {"raw_by": "times", "raw_digest": everything, "fingerprint": combine(data, read)}
    (folder / "dataset.json").write_text(json.dumps(tree))
    other = data.model_copy(update={"seconds": 5.0})
    for path in raw.rglob("*"):
        os.utime(path, (1, 1))
    newer = prepare(other, find_shards(other)[0])
    assert newer.raw_by == "content"
    assert population(newer) == population(describe(folder)) == f"folder {everything}"
    # a folder of which there is no older dataset goes by its content
    alone = data.model_copy(update={"shards": tmp_path / "elsewhere"})
    assert population(prepare(alone, find_shards(alone)[0])) == f"folder {raw_digest(raw)}"


def test_an_object_as_a_source_has_a_folder_without_a_colon(hospital_data, tmp_path, monkeypatch):
    (tmp_path / "own_lab.py").write_text("from my_lab import hospital as SOURCE\n")
    monkeypatch.syspath_prepend(tmp_path)
    data = hospital_data.model_copy(update={"source": "own_lab:SOURCE", "shards": tmp_path})
    folder, fingerprint = find_shards(data)
    assert folder.name == f"own_lab-SOURCE-default-{fingerprint[:12]}"
