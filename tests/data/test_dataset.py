import gc
import json
import shutil
import subprocess
import sys
import time
import weakref

import pytest

from ecg_keras.data import dataset as module
from ecg_keras.data.dataset import describe, read_dataset
from ecg_keras.errors import DataError


def test_what_is_written_is_read_back(hospital_shards):
    dataset = describe(hospital_shards)
    assert dataset.labels == ("AF", "PAC", "SR")
    assert dataset.leads[:4] == ("I", "II", "III", "aVR")
    assert (dataset.sampling_rate, dataset.num_samples) == (100.0, 200)
    assert sum(split.records for split in dataset.splits.values()) == 40
    assert sum(split.patients for split in dataset.splits.values()) == 20
    assert json.loads(dataset.dump()) == json.loads((hospital_shards / "dataset.json").read_text())


def test_the_table_shows_each_label_in_each_split(hospital_shards):
    dataset = describe(hospital_shards)
    lines = dataset.table().splitlines()
    assert lines[0] == "my_lab.hospital, label set rhythm"
    assert lines[1].endswith("V5, V6; 100 Hz, 2 s")
    assert lines[3].split() == ["train", "valid", "test"]
    rows = {line.split()[0]: line.split()[1:] for line in lines[4:9]}
    for label in dataset.labels:
        assert rows[label] == [f"{split.labels[label]}" for split in dataset.splits.values()]
    assert rows["records"] == [f"{split.records}" for split in dataset.splits.values()]
    assert lines[-1] == "dropped 0, quarantined 0, groups of duplicates 0 (across splits 0)"


def test_a_description_that_does_not_change_is_read_once(hospital_shards, tmp_path, monkeypatch):
    read = []
    read_json = module.read_json
    monkeypatch.setattr(module, "read_json", lambda *one: read.append(one) or read_json(*one))
    path = tmp_path / "dataset.json"
    shutil.copy(hospital_shards / "dataset.json", path)
    first = read_dataset(path)
    assert read_dataset(path) == first and len(read) == 2  # it may change within the same tick
    monkeypatch.setattr(module, "TICK", 0)
    for _ in range(3):
        assert read_dataset(path) == first
    assert len(read) == 3
    time.sleep(0.02)  # a tick of the clock of most disks
    path.write_text(path.read_text().replace('"sampling_rate": 100', '"sampling_rate": 200'))
    for _ in range(2):
        assert read_dataset(path).sampling_rate == 200
    assert len(read) == 4
    path.write_text("{}")
    for _ in range(2):
        with pytest.raises(DataError, match=r"damaged"):
            read_dataset(path)


def test_descriptions_of_few_datasets_are_kept_in_memory(hospital_shards, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TICK", 0)
    found = []
    for number in range(4):
        path = tmp_path / str(number) / "dataset.json"
        path.parent.mkdir()
        shutil.copy(hospital_shards / "dataset.json", path)
        found.append(weakref.ref(read_dataset(path)))
    gc.collect()
    assert [one() is None for one in found] == [True, True, False, False]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match=r"no such folder of shards. Run `ecg-keras prepare`"):
        describe(tmp_path / "none")


def test_a_folder_that_is_no_dataset(tmp_path):
    with pytest.raises(DataError, match=r"holds no dataset"):
        describe(tmp_path)


def test_a_folder_of_datasets_names_them(hospital_shards):
    with pytest.raises(DataError, match=r"holds several datasets. Name one of them: .*hospital\."):
        describe(hospital_shards.parent)


def test_an_unfinished_folder(tmp_path):
    (tmp_path / "train-00000-of-00001.tfrecord").touch()
    with pytest.raises(DataError, match=r"is unfinished.*resumes where it stopped"):
        describe(tmp_path)


@pytest.mark.parametrize("other", [1, 99])
def test_another_format(hospital_shards, tmp_path, other):
    tree = json.loads((hospital_shards / "dataset.json").read_text())
    path = tmp_path / "dataset.json"
    path.write_text(json.dumps({**tree, "format": other}))
    with pytest.raises(DataError, match=rf"has format {other}, .* reads format 2. Delete .* again"):
        read_dataset(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 2, "labels": 3}'])
def test_a_file_that_is_something_else(tmp_path, text):
    path = tmp_path / "dataset.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"not a dataset.json of ecg_keras"):
        read_dataset(path)


def test_a_missing_and_a_cut_shard(hospital_shards, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(hospital_shards, folder)
    shard = folder / "valid-00000-of-00001.tfrecord"
    size = shard.stat().st_size
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(DataError, match=f"has {size - 100} bytes instead of {size}"):
        describe(folder)
    shard.unlink()
    with pytest.raises(DataError, match=r"valid-00000-of-00001.tfrecord: this shard is missing"):
        describe(folder)


def test_a_shard_with_other_bytes_is_found_when_asked(hospital_shards, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(hospital_shards, folder)
    steps = []
    dataset = describe(folder, verify=True, on_progress=lambda *step: steps.append(step))
    sizes = [size for split in dataset.splits.values() for size in split.shards.values()]
    assert steps[-1] == (sum(sizes), sum(sizes))
    for name in ("train-00000-of-00001.tfrecord", "test-00000-of-00001.tfrecord"):
        content = bytearray((folder / name).read_bytes())
        content[-9] ^= 1
        (folder / name).write_bytes(content)
    assert describe(folder) == dataset
    with pytest.raises(
        DataError, match=r"damaged .*: train-0\S+rd, test-0\S+rd\. Delete the folder"
    ):
        describe(folder, verify=True)


def test_making_shards_imports_little():
    code = (
        "import sys, numpy as np, ecg_keras.data as data\n"
        "assert set(data.__all__) <= set(dir(data))\n"
        "data.describe, data.assign_splits, data.dataset_fingerprint\n"
        "import ecg_keras.data.preparation\n"
        "assert callable(data.prepare)\n"
        "from ecg_keras.signals.beats import find_beats\n"
        "assert find_beats(np.tile(np.eye(100), 8)[:1].T) is not None\n"
        "heavy = {'tensorflow', 'keras', 'pandas', 'sklearn', 'scipy.signal', 'wfdb'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
