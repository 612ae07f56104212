import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import filelock
import numpy as np
import pytest
import tensorflow as tf
from late_files import show_late
from my_lab import hospital
from running_processes import CAN_TELL, running_processes

from ecg_keras.config import Data, Split
from ecg_keras.data import preparation, raw_files, writing
from ecg_keras.data.dataset import SplitSummary, describe
from ecg_keras.data.listing import list_database
from ecg_keras.data.pipeline import load, load_with_ids
from ecg_keras.data.preparation import prepare
from ecg_keras.data.raw_files import raw_digest
from ecg_keras.data.reading import read_shards
from ecg_keras.data.shard_folders import dataset_fingerprint, find_shards
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.records import Signal
from ecg_keras.signals import resample

# small enough for several shards a split
SMALL = 30_000


def visible(folder):
    """The bytes of every file of a folder but the lock."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


def change(data, **settings):
    return Data.model_validate({**data.model_dump(), **settings})


def damage(raw, tmp_path):
    """A copy of the hospital in which records 3, 5, 8 and 9 can't be used."""
    root = tmp_path / "damaged"
    shutil.copytree(raw, root)
    (root / "r0003.npy").write_bytes((root / "r0003.npy").read_bytes()[:200])
    for name, rows, columns, value in (
        ("r0005", slice(100, 103), 1, -32768),
        ("r0008", slice(None), 7, 12),
    ):
        values = np.load(root / f"{name}.npy")
        values[rows, columns] = value
        np.save(root / f"{name}.npy", values)
    (root / "r0009.npy").unlink()
    return root


def test_what_is_stored_is_what_was_recorded(hospital_shards, hospital_raw):
    dataset = describe(hospital_shards)
    seen = {}
    for split, summary in dataset.splits.items():
        paths = [str(hospital_shards / name) for name in summary.shards]
        for serialized in tf.data.TFRecordDataset(paths):
            stored = tf.train.Example.FromString(serialized.numpy()).features.feature
            seen[stored["record_id"].bytes_list.value[0].decode()] = (split, stored)
    infos = hospital.list_records(hospital_raw, label_set="rhythm", sampling_rate=100)
    assert sorted(seen) == [info.record_id for info in infos]
    for info in infos:
        _, stored = seen[info.record_id]
        assert [one.decode() for one in stored["labels"].bytes_list.value] == sorted(info.labels)
        assert stored["patient_id"].bytes_list.value[0].decode() == info.patient_id
        assert list(stored["age"].float_list.value) == ([] if info.age is None else [info.age])
        assert stored["einthoven_mv"].float_list.value[0] < 0.01
        raw = np.load(info.path) / np.float32(1000)
        values = np.frombuffer(stored["signal"].bytes_list.value[0], "<i2").reshape(200, 12)
        np.testing.assert_allclose(values / 1000, resample(raw, 500, 100), rtol=0, atol=0.000501)
    assert dataset.settings["source"] == "my_lab.hospital"
    assert "raw" not in dataset.settings
    assert not (hospital_shards / ".unfinished").exists()


def test_decimation_without_resampling_stores_the_recording_exactly(hospital_data, tmp_path):
    data = change(hospital_data, sampling_rate=500.0, leads=("V1", "II"))
    dataset = prepare(data, tmp_path / "shards")
    assert dataset.leads == ("V1", "II")
    path = tmp_path / "shards" / "test-00000-of-00001.tfrecord"
    first = next(iter(tf.data.TFRecordDataset(str(path)))).numpy()
    stored = tf.train.Example.FromString(first).features.feature
    name = stored["record_id"].bytes_list.value[0].decode()
    raw = np.load(data.raw / f"{name}.npy")[:, [6, 1]]
    assert stored["signal"].bytes_list.value[0] == np.ascontiguousarray(raw).tobytes()
    assert stored["scale"].float_list.value[0] == np.float32(0.001)


def test_training_records_are_shuffled_as_they_are_written(hospital_shards):
    paths = str(hospital_shards / "train-00000-of-00001.tfrecord")
    ids = [
        tf.train.Example.FromString(one.numpy()).features.feature["record_id"].bytes_list.value[0]
        for one in tf.data.TFRecordDataset(paths)
    ]
    assert ids != sorted(ids)


def test_a_finished_dataset_is_returned_at_once(hospital_data, hospital_shards, monkeypatch):
    monkeypatch.setattr(hospital, "list_records", None)
    assert prepare(hospital_data, hospital_shards) == describe(hospital_shards)


def test_any_number_of_workers_writes_the_same_bytes(hospital_data, tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "SHARD_BYTES", SMALL)
    steps = []
    prepare(hospital_data, tmp_path / "one", on_progress=lambda *step: steps.append(step))
    assert steps == [(done, 40) for done in range(41)]
    steps.clear()
    two = change(hospital_data, workers=2)
    prepare(two, tmp_path / "two", on_progress=lambda *step: steps.append(step))
    assert steps == sorted(set(steps))
    assert (steps[0], steps[-1]) == ((0, 40), (40, 40))
    assert len(visible(tmp_path / "one")) > 5
    assert visible(tmp_path / "one") == visible(tmp_path / "two")


SLOW = """
import sys, time
from pathlib import Path
from ecg_keras.config import Data
from ecg_keras.data import raw_files, writing
from ecg_keras.data.preparation import prepare
from my_lab import hospital
writing.SHARD_BYTES, read_signal = {small}, hospital.read_signal
# the processes run this file, too
hospital.read_signal = lambda info: time.sleep(0.05) or read_signal(info)
if __name__ == "__main__":
    raw, folder = Path(sys.argv[1]), Path(sys.argv[2])
    prepare(Data(source="my_lab.hospital", raw=raw, seconds=2, workers=2), folder)
"""


@pytest.mark.skipif(not CAN_TELL, reason="needs /proc, to find processes")
def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(hospital_data, tmp_path, monkeypatch):
    script = tmp_path / "slow.py"
    script.write_text(SLOW.format(small=SMALL))
    folder = tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, str(script), str(hospital_data.raw), str(folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    until = time.monotonic() + 120
    while len(list(folder.glob(".unfinished/*.json"))) < 2 and time.monotonic() < until:
        assert process.poll() is None, "it ended before it was killed"
        time.sleep(0.005)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) >= 2
    process.send_signal(signal.SIGKILL)
    process.wait()
    while running_processes().keys() & set(map(int, children)):
        assert time.monotonic() < until, "its processes outlive it"
        time.sleep(0.01)
    with pytest.raises(DataError, match=r"is unfinished"):
        describe(folder)
    finished = {
        path.name.removesuffix(".json"): (folder / path.name.removesuffix(".json")).stat().st_ino
        for path in folder.glob(".unfinished/*.tfrecord.json")
    }
    assert len(finished) >= 2

    monkeypatch.setattr(writing, "SHARD_BYTES", SMALL)
    prepare(hospital_data, folder)
    for name, inode in finished.items():
        assert (folder / name).stat().st_ino == inode, f"{name} was written again"
    prepare(hospital_data, tmp_path / "whole")
    assert visible(folder) == visible(tmp_path / "whole")


def test_leftovers_of_other_settings_are_removed(hospital_data, tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "SHARD_BYTES", SMALL)
    folder = tmp_path / "shards"
    with pytest.raises(KeyboardInterrupt):
        prepare(hospital_data, folder, on_progress=interrupt_at(30))
    assert len(list(folder.glob("*.tfrecord"))) >= 2
    monkeypatch.undo()
    other = change(hospital_data, seconds=1)
    prepare(other, folder)
    prepare(other, tmp_path / "fresh")
    assert visible(folder) == visible(tmp_path / "fresh")


def test_shards_with_signatures_of_an_earlier_rule_are_written_again(
    hospital_data, tmp_path, monkeypatch
):
    monkeypatch.setattr(writing, "SHARD_BYTES", SMALL)
    folder = tmp_path / "shards"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("ecg_keras.data.recording_parts.signature", lambda *_: b"e" * 64)
        prepare(hospital_data, folder, on_progress=interrupt_at(30))
    finished = sorted(folder.glob(".unfinished/*.tfrecord.json"))
    assert len(finished) >= 2
    for path in finished:  # as an earlier version wrote them
        kept = json.loads(path.read_text())
        assert kept.pop("signatures") == 2
        path.write_text(json.dumps(kept))
    prepare(hospital_data, folder)
    prepare(hospital_data, tmp_path / "fresh")
    assert visible(folder) == visible(tmp_path / "fresh")


def test_a_shard_holds_at_least_one_record_however_long(hospital_data, tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "SHARD_BYTES", SMALL)
    folder = tmp_path / "shards"
    with pytest.raises(KeyboardInterrupt):  # shards that are cut otherwise leave nothing behind
        prepare(hospital_data, folder, on_progress=interrupt_at(30))
    monkeypatch.setattr(writing, "SHARD_BYTES", 100)
    dataset = prepare(hospital_data, folder)
    shards = sorted(path.name for path in folder.glob("*.tfrecord"))
    assert len(shards) == dataset.num_records
    assert shards == sorted(name for split in dataset.splits.values() for name in split.shards)
    assert all((folder / name).stat().st_size > 0 for name in shards)


def interrupt_at(number):
    def progress(done, total):
        if done == number:
            raise KeyboardInterrupt

    return progress


def test_another_dataset_in_the_folder_is_refused(hospital_data, hospital_shards):
    with pytest.raises(DataError, match=r"other settings \(seconds: 2.0 -> 1.0\).*another folder"):
        prepare(change(hospital_data, seconds=1), hospital_shards)


def test_changed_raw_files_make_another_dataset(hospital_data, hospital_shards, tmp_path):
    raw = tmp_path / "raw"
    shutil.copytree(hospital_data.raw, raw)
    moved = change(hospital_data, raw=raw)
    assert dataset_fingerprint(moved) == dataset_fingerprint(hospital_data)
    assert prepare(moved, hospital_shards) == describe(hospital_shards)
    np.save(raw / "r0001.npy", np.load(raw / "r0001.npy") + 1)
    assert dataset_fingerprint(moved) != dataset_fingerprint(hospital_data)
    with pytest.raises(DataError, match=r"holds a dataset made of other raw files"):
        prepare(moved, hospital_shards)


def test_shards_that_another_machine_made_meanwhile_are_not_made_again(
    hospital_data, tmp_path, monkeypatch
):
    made = prepare(hospital_data, tmp_path / "shards")
    show_late(tmp_path / "shards" / "dataset.json", tmp_path, monkeypatch)
    assert prepare(hospital_data, tmp_path / "shards", run=None) == made


def test_two_peoples_shards_of_one_database_are_the_same(hospital_data, tmp_path):
    made = []
    for person, seconds in (("a", 1_000_000_000), ("b", 1_100_000_000)):
        raw = tmp_path / person / "raw"
        shutil.copytree(hospital_data.raw, raw, copy_function=shutil.copyfile)
        for path in raw.iterdir():
            os.utime(path, (seconds, seconds))
        data = change(hospital_data, raw=raw, shards=tmp_path / person / "shards")
        folder, fingerprint = find_shards(data)
        assert prepare(data, folder).fingerprint == fingerprint
        made.append((folder.name, visible(folder)))
        assert str(tmp_path) not in (folder / "dataset.json").read_text()
    assert made[0] == made[1]


def test_files_that_change_while_they_are_read_stop_it(hospital_data, tmp_path):
    raw = tmp_path / "raw"
    shutil.copytree(hospital_data.raw, raw)
    data = change(hospital_data, raw=raw)

    def write(done, total):
        if done == total:
            np.save(raw / "r0001.npy", np.load(raw / "r0001.npy") + 1)

    with pytest.raises(DataError, match=r"raw: files changed meanwhile\. Run the same command"):
        prepare(data, tmp_path / "shards", on_progress=write)
    assert not (tmp_path / "shards" / "dataset.json").exists()
    assert prepare(data, tmp_path / "shards").fingerprint == dataset_fingerprint(data)


def test_where_things_lie_and_how_many_workers_change_no_fingerprint(hospital_data):
    mark = dataset_fingerprint(hospital_data)
    same = change(hospital_data, workers=4, shards="elsewhere", train_records=5)
    assert dataset_fingerprint(same) == mark
    assert dataset_fingerprint(change(hospital_data, sampling_rate=250.0)) != mark


def test_missing_raw_files(hospital_data, tmp_path):
    data = change(hospital_data, raw=tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"data.raw: there is no folder .*nowhere. Check the path"):
        prepare(data, tmp_path / "shards")
    assert not list(tmp_path.iterdir())


def test_shards_never_go_into_the_raw_folder(hospital_data):
    with pytest.raises(ConfigError, match=r"data.shards: .* is inside the raw files"):
        prepare(hospital_data, hospital_data.raw / "shards")
    assert not (hospital_data.raw / "shards").exists()


def test_links_that_lead_back_do_not_hang_the_digest(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("1")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    before = raw_digest(tmp_path)
    (tmp_path / "a" / "y").write_text("")
    assert raw_digest(tmp_path) != before


def test_a_lock_or_what_a_file_browser_leaves_makes_no_other_dataset(tmp_path):
    (tmp_path / "x").write_text("1")
    before = raw_digest(tmp_path)
    (tmp_path / ".lock").touch()
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "y").touch()
    assert raw_digest(tmp_path) == before


def test_every_record_that_cannot_be_used_is_named(hospital_data, tmp_path):
    raw = damage(hospital_data.raw, tmp_path)
    data = change(hospital_data, raw=raw)
    with pytest.raises(DataError) as caught:
        prepare(data, tmp_path / "shards")
    message = str(caught.value)
    assert "4 of 40 records can't be used, and data.quarantine allows a share of 0.05:" in message
    assert "--set data.quarantine=0.1." in message
    for part in ("r0003.npy", "r0005.npy", "lead II", "r0008.npy", "lead V2", "r0009.npy"):
        assert part in message
    assert not (tmp_path / "shards" / "dataset.json").exists()

    dataset = prepare(change(data, quarantine=0.1), tmp_path / "shards")
    assert [one.record_id for one in dataset.quarantined] == ["r0003", "r0005", "r0008", "r0009"]
    assert str(tmp_path) not in dataset.dump()
    assert sum(split.records for split in dataset.splits.values()) == 36


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        pytest.param(
            15, r"15 of 40(.*\n){11}.*and 5 more\n.*quarantine=0.38", id="ten of many are named"
        ),
        pytest.param(
            40, r"40 of 40 (.*\n)*Fix the files\.$", id="nobody is told to leave out everything"
        ),
    ],
)
def test_many_that_can_not_be_used(hospital_data, tmp_path, damaged, message):
    raw = tmp_path / "raw"
    shutil.copytree(hospital_data.raw, raw)
    for path in list(raw.glob("*.npy"))[:damaged]:
        path.write_bytes(b"")
    with pytest.raises(DataError, match=message):
        prepare(change(hospital_data, raw=raw), tmp_path / "shards")


def test_leads_that_are_off_zero_are_told_from_exchanged_ones(hospital_data, tmp_path):
    raw = tmp_path / "raw"
    shutil.copytree(hospital_data.raw, raw)
    off, exchanged = (np.load(raw / name) for name in ("r0003.npy", "r0005.npy"))
    np.save(raw / "r0003.npy", off + np.int16(5000))
    np.save(raw / "r0005.npy", exchanged[:, [1, 0, *range(2, 12)]])
    dataset = prepare(change(hospital_data, raw=raw, quarantine=0.1), tmp_path / "shards")
    reasons = {one.record_id: one.reason for one in dataset.quarantined}
    assert set(reasons) == {"r0003", "r0005"}
    assert "the leads are off zero, by 5 mV, so that they miss" in reasons["r0003"]
    assert "the limb leads don't belong together: they miss" in reasons["r0005"]


def test_leads_that_a_recorder_does_not_store_are_derived_and_counted(
    hospital_data, hospital_shards, tmp_path, monkeypatch
):
    read = hospital.read_signal

    def read_eight(info):
        signal = read(info)
        if info.record_id in ("r0004", "r0011"):  # as if their recorder stored no more
            kept = [0, 1, *range(6, 12)]
            leads = tuple(signal.leads[lead] for lead in kept)
            return Signal(signal.values[:, kept], 500.0, leads, remarks=("a column is left out",))
        return signal

    monkeypatch.setattr(hospital, "read_signal", read_eight)
    said = []
    dataset = prepare(hospital_data, tmp_path / "shards", on_warning=said.append)
    assert dataset.remarks == (
        "a column is left out (2 of 40 records, such as r0004)",
        "leads III, aVR, aVL, aVF are not recorded, and derived from two other limb leads (2 of 40 "
        "records, such as r0004)",
    )
    assert said == [f"{hospital_data.raw}: {remark}" for remark in dataset.remarks]
    assert describe(tmp_path / "shards") == dataset
    assert dataset.table().endswith("\n".join(dataset.remarks))
    for split in ("train", "valid", "test"):
        pairs = zip(
            read_shards(tmp_path / "shards", split),
            read_shards(hospital_shards, split),
            strict=True,
        )
        for derived, recorded in pairs:
            # both are rounded to whole microvolts
            assert np.abs(derived.signal - recorded.signal).max() < 0.0021


def test_short_and_unlabelled_records_are_dropped_and_counted(hospital_data, tmp_path):
    raw = tmp_path / "raw"
    shutil.copytree(hospital_data.raw, raw)
    np.save(raw / "r0002.npy", np.load(raw / "r0002.npy")[:750])
    rows = hospital.list_records(raw, label_set="rhythm", sampling_rate=100)
    without = [info.record_id for info in rows if not info.labels]
    data = change(hospital_data, raw=raw, unlabelled="drop")
    dataset = prepare(data, tmp_path / "shards")
    reasons = {one.record_id: one.reason for one in dataset.dropped}
    assert reasons == {
        **dict.fromkeys(without, "no label of the set"),
        "r0002": "1.5 s are shorter than 2 s",
    }
    assert sum(split.records for split in dataset.splits.values()) == 40 - len(reasons)
    padded = prepare(change(hospital_data, raw=raw, short="pad"), tmp_path / "padded")
    assert not padded.dropped
    with pytest.raises(DataError, match=r"no record of the train split is left: all are too short"):
        prepare(change(hospital_data, raw=raw, seconds=9), tmp_path / "long")


def test_keys_of_a_split_that_decide_nothing_are_warned_of(hospital_data):
    def said(official, **split):
        listing = list_database(change(hospital_data, split=split))
        source = replace_official(listing.source, official)
        return replace(listing, source=source).unused_split()

    assert said(True) is said(False) is said(False, test=0.5, seed=7) is None
    assert said(True, method="patients", test=0.5) is None
    assert said(True, folds=5, fold=0) is None
    assert said(True, seed=7) is None  # it orders the training records
    assert "by its official folds, so data.split.valid, test decides nothing; data.split.m" in (
        said(True, valid=0.1, test=0.5)
    )
    assert "without official folds, so data.split.test_folds decides" in said(
        False, test_folds=(1, 2)
    )


def replace_official(source, official):
    return SimpleNamespace(**{**vars(source), "OFFICIAL_FOLDS": official})


def test_records_that_the_recipe_names_are_left_out(hospital_data, hospital_shards, tmp_path):
    rows = hospital.list_records(hospital_data.raw, label_set="rhythm", sampling_rate=100)
    without = next(info.record_id for info in rows if not info.labels)
    named, warnings = ("r0002", without, "r9999"), []
    data = change(hospital_data, exclude=named, unlabelled="drop")
    dataset = prepare(data, tmp_path / "shards", on_warning=warnings.append)
    reasons = {one.record_id: one.reason for one in dataset.dropped}
    assert {name for name, why in reasons.items() if why == "data.exclude names them"} == {
        "r0002",
        without,
    }
    assert dataset.num_records == 40 - len(reasons)
    assert warnings[0] == (
        f"{data.raw}: data.exclude names 1 of 3 records that are not there: 'r9999'."
    )
    assert f"2 of 40 records were dropped: data.exclude names them ({min(named)}" in "".join(
        warnings
    )
    # another dataset than that of all records, and the same as that of a list in a file
    (tmp_path / "ids.txt").write_text("\n".join(named))
    again = change(data, exclude=str(tmp_path / "ids.txt"))
    assert prepare(again, tmp_path / "shards") == dataset
    with pytest.raises(DataError, match=r"other settings \(exclude: None -> \['r0002', "):
        prepare(data, hospital_shards)
    everyone = [info.record_id for info in rows]
    with pytest.raises(DataError, match=r"data\.exclude names all 40 records"):
        prepare(change(hospital_data, exclude=everyone), tmp_path / "nobody")


def test_why_records_are_lost_is_told_with_the_setting_that_keeps_them(hospital_data, tmp_path):
    raw = tmp_path / "raw"
    shutil.copytree(hospital_data.raw, raw)
    for number in range(10, 16):
        np.save(raw / f"r{number:04d}.npy", np.load(raw / f"r{number:04d}.npy")[:750])
    (raw / "r0003.npy").write_bytes(b"")
    warnings = []
    data = change(hospital_data, raw=raw, quarantine=0.1)
    dataset = prepare(data, tmp_path / "shards", on_warning=warnings.append)
    short, quarantined = (
        "6 of 40 records were dropped: shorter than 2 s (1.5 s, such as r0013). data.seconds: 1.5 "
        "keeps nearly all, and data.short: pad fills them up with zeros",
        "1 of 40 records was put into quarantine: r0003.npy: ",
    )
    assert warnings[0] == f"{short}." and warnings[1].startswith(quarantined)
    lines = dataset.table().splitlines()
    assert short in lines and any(line.startswith(quarantined) for line in lines)
    data = change(hospital_data, raw=raw, seconds=9, quarantine=0.1)
    with pytest.raises(DataError) as caught:
        prepare(data, tmp_path / "long")
    assert "records were dropped: shorter than 9 s (1.5 to 2 s, median 2 s, such as" in str(
        caught.value
    )
    assert "data.seconds: 1.5 keeps nearly all" in str(caught.value) or (
        "data.seconds: 2 keeps nearly all" in str(caught.value)
    )


def test_a_database_without_any_label_can_only_be_kept(hospital_raw, tmp_path):
    raw = tmp_path / "raw"
    shutil.copytree(hospital_raw, raw)
    infos = hospital.list_records(raw, label_set="rhythm", sampling_rate=100)
    hospital.rewrite(raw, [(one.record_id, one.patient_id, "", "", "") for one in infos])
    data = Data(source="my_lab.hospital", raw=raw, seconds=2)
    with pytest.raises(DataError, match=r"none of the 40 records has a label of the label set rhy"):
        prepare(change(data, unlabelled="drop"), tmp_path / "dropped")
    warnings = []
    prepare(data, tmp_path / "shards", on_warning=warnings.append)
    (line,) = warnings
    assert line.startswith("no record has AF, PAC, SR: they have no positive to learn from")


@pytest.mark.parametrize(("factor", "peak"), [(1000, r"\d{4,}"), (0.001, r"0(\.00\d)?")])
def test_a_record_in_another_unit_is_no_ecg(hospital_data, tmp_path, monkeypatch, factor, peak):
    plain = hospital.read_signal

    def read(info):
        signal = plain(info)
        wrong = info.record_id == "r0007"
        return Signal(signal.values * np.float32(factor if wrong else 1), 500.0, signal.leads)

    monkeypatch.setattr(hospital, "read_signal", read)
    dataset = prepare(change(hospital_data, quarantine=0.1), tmp_path / "shards")
    ((name, reason),) = ((one.record_id, one.reason) for one in dataset.quarantined)
    assert name == "r0007"
    assert re.search(
        rf"the largest sample is {peak} mV, and that of an ECG is 0\.01 to 300", reason
    )
    kept = prepare(change(hospital_data, verify="off"), tmp_path / "off")
    assert kept.quarantined == ()
    assert {"r0007"} == {one.record_id for one in kept.noted if one.measure == "peak_mv"}


def test_identical_recordings_are_listed_and_those_across_splits_named(hospital_data, tmp_path):
    raw = tmp_path / "raw"
    shutil.copytree(hospital_data.raw, raw)
    before = prepare(hospital_data, tmp_path / "before")
    assert before.duplicates == ()
    shutil.copyfile(raw / "r0000.npy", raw / "r0001.npy")
    for number in range(3, 40):
        shutil.copyfile(raw / "r0002.npy", raw / f"r{number:04d}.npy")
    warnings = []
    # one heart again and again is no database whose leads could be told
    data = change(hospital_data, raw=raw, verify="off")
    dataset = prepare(data, tmp_path / "shards", on_warning=warnings.append)
    pair, many = dataset.duplicates
    assert pair.record_ids == ("r0000", "r0001")
    assert len(set(pair.splits)) == 1, "one patient"
    assert len(many.record_ids) == 38
    assert set(many.splits) == {"train", "valid", "test"}
    (warning,) = warnings
    assert "2 groups of records carry the same signals, 1 of them across splits" in warning
    assert "r0002 (" in warning
    assert "r0000" not in warning


def test_patients_that_a_split_by_record_tears_apart_are_counted_and_told(
    hospital_data, hospital_shards, tmp_path
):
    assert describe(hospital_shards).shared_patients == 0
    warnings = []
    data = change(hospital_data, split={"method": "records"})
    dataset = prepare(data, tmp_path / "shards", on_warning=warnings.append)
    patients = [set(), set(), set()]
    for place, split in zip(patients, dataset.splits, strict=True):
        place |= {one.patient_id for one in read_shards(tmp_path / "shards", split)}
    train, valid, test = patients
    torn = (train & valid) | (train & test) | (valid & test)
    assert dataset.shared_patients == len(torn) > 5
    assert warnings == [
        f"data.split.method records: {len(torn)} patients have records in more than one split, so "
        "the scores will flatter. Use patients for a sound test."
    ]
    assert describe(tmp_path / "shards") == dataset
    assert dataset.table().endswith(f"(across splits 0), patients in several splits {len(torn)}")


def test_a_dataset_without_a_validation_split(hospital_data, tmp_path):
    data = change(hospital_data, split={"valid": 0.0})
    dataset = prepare(data, tmp_path / "shards")
    assert dataset == prepare(data, tmp_path / "shards") == describe(tmp_path / "shards")
    assert dataset.splits["valid"] == SplitSummary(0, 0, dict.fromkeys(dataset.labels, 0), {}, {})
    assert sum(split.records for split in dataset.splits.values()) == 40
    message = r"the valid split has no record: .*set training.validate_on to test"
    for read in (
        lambda: load(tmp_path / "shards", "valid", batch_size=4),
        lambda: load_with_ids(tmp_path / "shards", "valid", 4),
        lambda: next(read_shards(tmp_path / "shards", "valid")),
    ):
        with pytest.raises(DataError, match=message):
            read()


def test_a_source_that_breaks_the_contract(hospital_data, tmp_path, monkeypatch):
    infos = hospital.list_records(hospital_data.raw, label_set="rhythm", sampling_rate=100)
    for listed, message in (
        ([], r"source my_lab.hospital found no record there"),
        ([*infos, infos[0]], r"lists 'r0000' twice"),
        (infos[::-1], r"does not sort its records"),
    ):
        monkeypatch.setattr(hospital, "list_records", lambda *_, listed=listed, **__: listed)
        with pytest.raises(DataError, match=message):
            prepare(hospital_data, tmp_path / "shards")
    monkeypatch.undo()
    monkeypatch.setattr(hospital, "LABEL_SETS", {"rhythm": ("AF", "SR")})
    with pytest.raises(DataError, match=r"labels outside the label set: PAC. Allowed: AF, SR"):
        prepare(hospital_data, tmp_path / "shards")


def test_settings_that_fit_no_shard(hospital_data, tmp_path):
    with pytest.raises(ConfigError, match=r"data.leads must name each lead once. Received: I, I"):
        prepare(change(hospital_data, leads=("I", "I")), tmp_path / "shards")
    with pytest.raises(ConfigError, match=r"at least one sample. Received: 0.001 s at 100.0 Hz"):
        prepare(change(hospital_data, seconds=0.001), tmp_path / "shards")
    for seconds, rate in ((1e300, 1e300), (1e6, 1000.0)):  # nothing is allocated for them
        with pytest.raises(ConfigError, match=r"at most 50000000 samples. Received: 1"):
            prepare(change(hospital_data, seconds=seconds, sampling_rate=rate), tmp_path / "shards")
    with pytest.raises(ConfigError, match=r"decimate takes every n-th sample"):
        prepare(
            change(hospital_data, resample="decimate", sampling_rate=300.0), tmp_path / "shards"
        )


def test_a_disk_that_fills_up(hospital_data, tmp_path, monkeypatch):
    resource = pytest.importorskip("resource")
    folder = tmp_path / "shards"
    monkeypatch.setattr(writing, "SHARD_BYTES", SMALL)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # the smaller shards of valid and test would fit, the first of train does not
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(DataError, match=r"shards: can't be written: .*run the same command"):
            prepare(hospital_data, folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(folder.rglob("*.tfrecord"))
    prepare(hospital_data, folder)


@pytest.mark.parametrize("lost", ["some", "all"])
def test_files_that_go_while_they_are_read_are_no_fault_of_their_records(
    hospital_data, tmp_path, monkeypatch, lost
):
    raw, away, folder = tmp_path / "raw", tmp_path / "away", tmp_path / "shards"
    shutil.copytree(hospital_data.raw, raw)
    (raw / "r0007.npy").unlink()  # that it is not there is a fault of the database
    data = change(hospital_data, raw=raw, quarantine=0.99)
    monkeypatch.setattr(writing, "SHARD_BYTES", SMALL)

    def lose(done, total):
        if done == total // 2 and raw.is_dir():
            raw.rename(away)
            if lost == "some":
                shutil.copytree(away, raw)
                for path in raw.glob("r00?[02468].npy"):
                    path.unlink()

    with pytest.raises(DataError, match=r"raw: files that could be read before are gone.*resumes"):
        prepare(data, folder, on_progress=lose)
    shutil.rmtree(raw, ignore_errors=True)
    away.rename(raw)
    assert [one.record_id for one in prepare(data, folder).quarantined] == ["r0007"]


def test_files_that_were_gone_for_a_while_are_no_fault_of_their_records(
    hospital_data, tmp_path, monkeypatch
):
    raw, away, folder = tmp_path / "raw", tmp_path / "away", tmp_path / "shards"
    shutil.copytree(hospital_data.raw, raw)
    data = change(hospital_data, raw=raw, quarantine=0.99)
    monkeypatch.setattr(writing, "SHARD_BYTES", SMALL)
    whole = raw_files.listing_digest(data)

    def lose(done, total):
        if total // 4 < done < total // 2 and raw.is_dir():
            raw.rename(away)
        elif done > total // 2 and away.is_dir():
            away.rename(raw)

    with monkeypatch.context() as patch:
        patch.setattr(writing, "listing_digest", lambda data: whole)  # whenever they are listed
        with pytest.raises(DataError, match=r"raw: files that could be read before are gone"):
            prepare(data, folder, on_progress=lose)
    assert not prepare(data, folder).quarantined


def test_a_file_that_every_shard_lacks_costs_few_listings(hospital_data, tmp_path, monkeypatch):
    raw = tmp_path / "raw"
    shutil.copytree(hospital_data.raw, raw)
    data = change(hospital_data, raw=raw, quarantine=0.99)
    monkeypatch.setattr(writing, "SHARD_BYTES", SMALL)
    plan, lists = [], []

    def stop(shards, work, on_records):
        plan.extend(shards)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(data, tmp_path / "shards", run=stop)
    lost = [shard.infos[0].record_id for shard in plan]
    for record_id in lost:
        (raw / f"{record_id}.npy").unlink()
    monkeypatch.setattr(writing, "LISTING_HOLDS", float("inf"))
    list_files = writing.listing_digest
    monkeypatch.setattr(
        writing, "listing_digest", lambda data: lists.append(data) or list_files(data)
    )
    dataset = prepare(data, tmp_path / "shards")
    assert [one.record_id for one in dataset.quarantined] == sorted(lost)
    assert len(lost) > 3
    assert len(lists) == 2  # once while shards are written, and once for all of them


def test_a_recording_that_was_never_there_costs_workers_no_look_into_the_others(
    hospital_data, tmp_path, monkeypatch
):
    raw = tmp_path / "raw"
    shutil.copytree(hospital_data.raw, raw)
    (raw / "r0007.npy").unlink()
    # a folder that is not there remembers no hashes
    data = change(hospital_data, raw=raw, quarantine=0.99, shards=tmp_path / "nowhere")

    def refuse(path, *_):
        pytest.fail(f"{path} is read for its hash again")

    def run(shards, work, on_records):
        monkeypatch.setattr(raw_files, "_read", {})  # as in a process that was started for it
        with monkeypatch.context() as patch:
            patch.setattr(raw_files, "sha256_of", refuse)
            writing.run_here(shards, work, on_records)

    dataset = prepare(data, tmp_path / "shards", run=run)
    assert [one.record_id for one in dataset.quarantined] == ["r0007"]


def test_where_nothing_is_gone_no_source_is_made_to_look_for_it(
    hospital_data, tmp_path, monkeypatch
):
    monkeypatch.setattr(writing, "SHARD_BYTES", SMALL)
    converted, convert = [], writing.convert
    monkeypatch.setattr(
        writing, "convert", lambda infos, *rest: converted.append(infos) or convert(infos, *rest)
    )
    dataset = prepare(hospital_data, tmp_path / "shards")
    assert len(converted) == sum(len(split.shards) for split in dataset.splits.values())


@pytest.mark.parametrize(
    ("name", "row", "looks"),
    [("A.H5", 0, True), ("a.hdf5", 3, True), ("a.npy", 0, False), ("a.h5", None, False)],
)
def test_arrays_of_many_recordings_are_looked_at_whatever_the_case_of_their_names(
    monkeypatch, name, row, looks
):
    info = SimpleNamespace(path=Path(name), row=row)
    monkeypatch.setattr(preparation, "describe_slow_rows", lambda path: f"{path} is slow")
    assert preparation._find_slow_rows([info] * 2) == (f"{name} is slow" if looks else None)


def test_files_that_may_no_longer_be_read_are_no_files_that_may(
    hospital_data, tmp_path, monkeypatch
):
    data = change(hospital_data, raw=tmp_path / "raw")
    shutil.copytree(hospital_data.raw, data.raw)
    before = raw_files.listing_digest(data)
    shutil.copytree(data.raw, tmp_path / "copy")
    copied = change(data, raw=tmp_path / "copy")
    assert raw_files.listing_digest(copied) == before
    monkeypatch.setattr(os, "access", lambda path, mode: path.name != "r0007.npy")
    assert raw_files.listing_digest(data) != before


def test_a_folder_that_cannot_be_made(hospital_data, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"can't be written: .*Not a directory"):
        prepare(hospital_data, tmp_path / "file" / "shards")


def test_a_second_run_waits_for_the_first(hospital_data, tmp_path):
    folder = tmp_path / "shards"
    folder.mkdir()
    warnings = []
    lock = filelock.FileLock(folder / ".lock")
    with lock:
        second = threading.Thread(
            target=prepare, args=(hospital_data, folder), kwargs={"on_warning": warnings.append}
        )
        second.start()
        second.join(1)
        assert second.is_alive()
        assert not (folder / "dataset.json").exists()
    second.join(60)
    assert warnings == [f"{folder}: another process prepares these shards; waiting for it."]
    assert describe(folder).splits["train"].records


@pytest.mark.real
def test_real_ptbxl(real_data, tmp_path):
    warnings = []
    data = Data(source="ptbxl", raw=real_data / "ptbxl")
    dataset = prepare(data, tmp_path / "shards", on_warning=warnings.append)
    assert [split.records for split in dataset.splits.values()] == [353, 81, 66]
    assert [tuple(map(int, one.record_ids)) for one in dataset.duplicates] == [
        (137, 138),
        (143, 144),
        (145, 463),
        (456, 457),
        (459, 460),
    ]
    assert "5 groups of records carry the same signals, 0 of them across" in warnings[0]
    assert json.loads((tmp_path / "shards" / "dataset.json").read_text())["quarantined"] == []


@pytest.mark.real
def test_real_ptbxl_split_by_patients(real_data, tmp_path):
    data = Data(source="ptbxl", raw=real_data / "ptbxl", split=Split(method="patients"), seconds=5)
    dataset = prepare(data, tmp_path / "shards", on_warning=lambda message: None)
    assert dataset.num_samples == 500
    train, test = dataset.splits["train"], dataset.splits["test"]
    for label in dataset.labels:
        share = test.labels[label] / sum(one.labels[label] for one in dataset.splits.values())
        assert share == pytest.approx(0.2, abs=0.05)
    assert train.patients > train.records * 0.85
