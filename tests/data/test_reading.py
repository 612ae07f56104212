import shutil
import time

import numpy as np
import pytest
from my_lab import hospital

from ecg_keras.config import Data
from ecg_keras.data import lead_statistics, reading
from ecg_keras.data.batch_sources import Chosen, from_memory
from ecg_keras.data.dataset import describe
from ecg_keras.data.lead_statistics import signal_statistics
from ecg_keras.data.pipeline import load, load_chosen
from ecg_keras.data.preparation import prepare
from ecg_keras.data.reading import (
    decode_texts,
    read_identities,
    read_people,
    read_shards,
    remaining_records,
    training_subset,
)
from ecg_keras.errors import DataError

# looked through for each batch, these take a second in a few of them
MANY = 300_000


def test_records_are_what_the_source_lists(hospital_shards, hospital_raw):
    infos = hospital.list_records(hospital_raw, label_set="rhythm", sampling_rate=100)
    stored = {
        one.record_id: one
        for split in ("train", "valid", "test")
        for one in read_shards(hospital_shards, split)
    }
    assert sorted(stored) == [info.record_id for info in infos]
    for info in infos:
        one = stored[info.record_id]
        assert one.labels == tuple(sorted(info.labels))
        assert one.target.tolist() == [label in info.labels for label in ("AF", "PAC", "SR")]
        assert (one.patient_id, one.age, one.sex) == (info.patient_id, info.age, info.sex)
        assert one.signal.shape == (200, 12)
        assert (one.signal.dtype, one.target.dtype) == (np.float32, np.uint8)


def test_chosen_records(hospital_shards):
    ids = [one.record_id for one in read_shards(hospital_shards, "train")]
    chosen = [ids[5], ids[2]]
    found = [one.record_id for one in read_shards(hospital_shards, "train", chosen)]
    assert found == [ids[2], ids[5]]
    assert list(read_shards(hospital_shards, "train", [])) == []


def test_people_are_those_of_the_records(hospital_shards):
    people = read_people(hospital_shards, "test")
    stored = read_shards(hospital_shards, "test")
    assert people == {one.record_id: (one.age, one.sex) for one in stored}
    assert {type(sex) for _, sex in people.values()} <= {str, type(None)}


def test_records_that_are_not_there(hospital_shards):
    test_id = next(read_shards(hospital_shards, "test")).record_id
    with pytest.raises(DataError, match=rf"train split has no record {test_id}, zzz. Look in"):
        list(read_shards(hospital_shards, "train", [test_id, "zzz"]))
    with pytest.raises(DataError, match=r"no split named 'training'"):
        next(read_shards(hospital_shards, "training"))


def test_statistics_are_those_of_the_training_split(hospital_shards):
    signals = np.concatenate(
        [one.signal for one in read_shards(hospital_shards, "train")], dtype=np.float64
    )
    mean, std = signal_statistics(hospital_shards)
    np.testing.assert_allclose(mean, signals.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(std, signals.std(axis=0), rtol=1e-7)


def test_statistics_of_a_subset_see_nothing_else(hospital_shards, monkeypatch):
    # several blocks, some of them without a record of the subset
    monkeypatch.setattr("ecg_keras.data.reading.PARSED", 2)
    subset = training_subset(hospital_shards, describe(hospital_shards), 5, 1)
    signals = np.concatenate(
        [one.signal for one in read_shards(hospital_shards, "train", subset)], dtype=np.float64
    )
    mean, std = signal_statistics(hospital_shards, train_records=5, seed=1)
    np.testing.assert_allclose(mean, signals.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(std, signals.std(axis=0), rtol=1e-7)
    first = signal_statistics(hospital_shards, train_records=5, seed=1, subset="first")
    assert not np.allclose(first[1], std)


@pytest.fixture
def reads(monkeypatch):
    """Of each time that shards are read, what of them."""
    seen, read = [], reading.batches

    def counted(folder, dataset, split, *wanted):
        seen.append((split, *wanted))
        return read(folder, dataset, split, *wanted)

    for module in (reading, lead_statistics):
        monkeypatch.setattr(module, "batches", counted)
    return seen


def members_of(folder):
    """What is known of the training split, some of it left out."""
    dataset, people = describe(folder), read_identities(folder, "train")
    left_out = people.record_ids[:3].tolist()
    return (
        people.record_ids.tolist(),
        people.patient_ids.tolist(),
        people.content.tobytes(),
        remaining_records(folder, dataset, "train", left_out),
        training_subset(folder, dataset, 7, 1, left_out=left_out),
    )


def test_who_is_in_a_split_and_with_which_labels_is_read_once(hospital_shards, tmp_path, reads):
    folder = tmp_path / "shards"
    shutil.copytree(hospital_shards, folder, ignore=shutil.ignore_patterns(".identities*"))
    expected = members_of(folder)
    assert len(reads) == 1
    labels = {one.record_id: one.labels for one in read_shards(folder, "train")}
    without = labels.keys() - expected[3].keys()
    assert len(without) == 3 and {**labels, **expected[3]} == labels
    reads.clear()
    assert members_of(folder) == expected
    assert reads == []


def test_files_of_earlier_versions_say_who_is_in_a_split(hospital_shards, tmp_path, reads):
    folder = tmp_path / "shards"
    shutil.copytree(hospital_shards, folder)
    expected = members_of(folder)
    (kept,) = folder.glob(".identities-train-*")
    with np.load(kept) as arrays:
        earlier = {name: arrays[name] for name in arrays.files if name != "targets"}
    for damaged in ({}, {"targets": np.zeros((3, 1), np.uint8)}, {"targets": np.zeros(9)}):
        np.savez(kept, **{**earlier, **damaged})
        reads.clear()
        read_identities(folder, "train")
        assert reads == []
        assert members_of(folder) == expected
        assert len(reads) == 1


def test_statistics_of_the_same_records_are_measured_once(
    hospital_shards, tmp_path, reads, monkeypatch
):
    folder = tmp_path / "shards"
    shutil.copytree(hospital_shards, folder, ignore=shutil.ignore_patterns(".*"))
    settings = ({}, {"train_records": 5}, {"train_records": 5, "seed": 1})
    first = [signal_statistics(folder, **one) for one in settings]
    assert len({mean.tobytes() for mean, _ in first}) == 3
    reads.clear()
    again = [signal_statistics(folder, **one) for one in settings]
    assert reads == []
    assert [(mean.tobytes(), std.tobytes()) for mean, std in again] == [
        (mean.tobytes(), std.tobytes()) for mean, std in first
    ]
    kept = sorted(folder.glob(".statistics-*"))
    np.savez(kept[0], mean=np.zeros(3))
    kept[1].write_bytes(b"")
    np.savez(kept[2], mean=np.zeros(12), std=np.full(12, np.nan))
    for one, (mean, _) in zip(settings, first, strict=True):
        np.testing.assert_array_equal(signal_statistics(folder, **one)[0], mean)
    assert len(reads) == 3
    monkeypatch.setattr(lead_statistics, "MEASURE", 0)  # another version measures otherwise
    signal_statistics(folder)
    assert len(reads) == 4


def read_statistics(folder, chosen, monkeypatch):
    monkeypatch.setattr("ecg_keras.data.lead_statistics.training_subset", lambda *_: chosen)
    signal_statistics(folder)


def read_into_memory(folder, chosen, monkeypatch):
    from_memory(Chosen(folder, describe(folder), "train", 5, 1, chosen))


def read_chosen(folder, chosen, monkeypatch):
    assert len(list(load_chosen(folder, "train", 1, chosen))) == 5


@pytest.mark.parametrize("read", [read_statistics, read_into_memory, read_chosen])
def test_a_batch_takes_as_long_however_many_records_are_chosen(hospital_shards, monkeypatch, read):
    monkeypatch.setattr("ecg_keras.data.reading.PARSED", 1)
    chosen = training_subset(hospital_shards, describe(hospital_shards), 5, 1)
    seconds = []
    for others in range(0), range(MANY):
        begun = time.process_time()
        read(hospital_shards, (*chosen, *(f"other {one}" for one in others)), monkeypatch)
        seconds.append(time.process_time() - begun)
    assert seconds[1] < seconds[0] + 1


def test_names_of_other_alphabets(tmp_path):
    # ids are file names as hospitals write them
    rows = [
        (f"Müller {name}", f"Ö {patient}", *others)
        for name, patient, *others in hospital.write(tmp_path / "raw", records=16)
    ]
    for path in (tmp_path / "raw").glob("*.npy"):
        path.rename(path.with_name(f"Müller {path.name}"))
    hospital.rewrite(tmp_path / "raw", rows)
    folder = tmp_path / "shards"
    dataset = prepare(Data(source="my_lab.hospital", raw=tmp_path / "raw", seconds=2), folder)
    people = {
        record_id: person
        for split in dataset.splits
        for record_id, person in read_people(folder, split).items()
    }
    assert people == {name: (age or None, sex or None) for name, _, _, age, sex in rows}
    patients = {name: patient for name, patient, *_ in rows}
    subset = training_subset(folder, dataset, 5, 1)
    stored = list(read_shards(folder, "train", subset))
    assert {one.record_id: one.patient_id for one in stored} == {
        name: patients[name] for name in subset
    }
    mean, _ = signal_statistics(folder, train_records=5, seed=1)
    signals = np.concatenate([one.signal for one in stored], dtype=np.float64)
    np.testing.assert_allclose(mean, signals.mean(axis=0), atol=1e-9)
    for cache in (True, False):
        loaded = load(
            folder, "train", batch_size=8, train_records=5, seed=1, cache=cache,
            features=("record_id", "patient_id"),
        )  # fmt: skip
        ((inputs, _),) = loaded
        ids, persons = (inputs[key].numpy() for key in ("record_id", "patient_id"))
        found = dict(zip(decode_texts(ids), decode_texts(persons), strict=True))
        assert found == {name: patients[name] for name in subset}
    ((_, _, ids, persons),) = load_chosen(folder, "train", 64, subset)
    assert dict(zip(ids, persons, strict=True)) == {name: patients[name] for name in subset}
