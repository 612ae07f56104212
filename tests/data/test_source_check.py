"""What `prepare` does where leads, units or rates are not what a database says."""

import json

import numpy as np
import pytest
from my_lab import hospital

from ecg_keras.config import Data
from ecg_keras.data.dataset import describe
from ecg_keras.data.preparation import prepare
from ecg_keras.data.reading import read_shards
from ecg_keras.data.shard_folders import dataset_fingerprint
from ecg_keras.data.source_check import SAMPLE, Verified, verify_source
from ecg_keras.errors import DataError
from ecg_keras.records import RecordInfo, Signal
from ecg_keras.signals import LEADS, Repair
from ecg_keras.simulate import record_ecg
from ecg_keras.sources import find_source

RECORDS = 24
CODE_TEST = [0, 1, 2, 4, 5, 3, *range(6, 12)]


def write(root, order=range(12), factor=1.0):
    """A hospital of `my_lab` with simulated hearts, its columns in another order or unit."""
    root.mkdir(parents=True)
    rows = []
    for index in range(RECORDS):
        microvolts = record_ecg("riverside", index).values[:, list(order)] * 1000 * factor
        np.save(root / f"r{index:04d}.npy", np.rint(microvolts).astype(np.int16))
        rows.append((f"r{index:04d}", f"p{index:04d}", "SR" if index % 2 else "AF PAC", 50, "male"))
    hospital.rewrite(root, rows)
    return root


@pytest.fixture(scope="module")
def databases(tmp_path_factory):
    root = tmp_path_factory.mktemp("databases")
    return {
        "good": write(root / "good"),
        "code_test": write(root / "code_test", CODE_TEST),
        "small": write(root / "small", factor=0.1),
    }


def settings(raw, **changes):
    return Data(source="my_lab.hospital", raw=raw, **changes)


def signals(folder):
    return {
        record.record_id: record.signal
        for split in ("train", "valid", "test")
        for record in read_shards(folder, split)
    }


def test_a_good_database_is_prepared_without_a_word(databases, tmp_path):
    warnings = []
    dataset = prepare(settings(databases["good"]), tmp_path / "s", on_warning=warnings.append)
    assert warnings == []
    assert dataset.repairs == ()
    assert dataset.settings["verify"] == "refuse"


def test_chest_leads_in_disorder_are_found_where_only_two_limb_leads_are_stored(
    databases, tmp_path, monkeypatch
):
    read, stored = hospital.read_signal, (0, 1, 7, 6, *range(8, 12))
    leads = ("I", "II", *LEADS[6:])

    def read_eight(info):
        return Signal(read(info).values[:, stored], 500.0, leads)

    monkeypatch.setattr(hospital, "read_signal", read_eight)
    with pytest.raises(DataError, match="V2, V1 are in the columns V1, V2"):
        prepare(settings(databases["good"]), tmp_path / "s")
    fixed = prepare(settings(databases["good"], verify="fix"), tmp_path / "s")
    assert fixed.repairs[0].what == "V2, V1 are in the columns V1, V2"
    monkeypatch.undo()
    truth = prepare(settings(databases["good"]), tmp_path / "truth")
    assert fixed.splits["train"].records == truth.splits["train"].records
    expected = signals(tmp_path / "truth")
    for record_id, values in signals(tmp_path / "s").items():
        assert np.abs(values - expected[record_id]).max() < 0.0021


def test_a_wrong_one_is_refused_with_the_evidence_and_both_ways_out(databases, tmp_path):
    with pytest.raises(DataError) as caught:
        prepare(settings(databases["code_test"]), tmp_path / "shards")
    first, second, third = str(caught.value).splitlines()
    assert first == f"{databases['code_test']}: the signals are not what they are said to be:"
    assert second.startswith("  aVL, aVF, aVR are in the columns aVR, aVL, aVF. Evidence: Ein")
    assert third == (
        "Fix the files or what reads them. Or have every record repaired with --set "
        "data.verify=fix, by which the columns aVR, aVL, aVF are read as aVL, aVF, aVR."
    )
    assert not list((tmp_path / "shards").rglob("*.tfrecord"))


def test_fix_repairs_every_record_and_says_so_everywhere(databases, tmp_path):
    warnings = []
    data = settings(databases["code_test"], verify="fix")
    dataset = prepare(data, tmp_path / "fixed", on_warning=warnings.append)
    (repaired,) = dataset.repairs
    assert repaired.what == "aVL, aVF, aVR are in the columns aVR, aVL, aVF"
    assert repaired.done == ("the columns aVR, aVL, aVF are read as aVL, aVF, aVR",)
    assert warnings == [f"{databases['code_test']}: {repaired.line()}"]
    assert f"repaired: {repaired.line()}" in dataset.table()
    assert describe(tmp_path / "fixed") == dataset
    prepare(settings(databases["good"]), tmp_path / "good")
    right, mended = signals(tmp_path / "good"), signals(tmp_path / "fixed")
    assert right.keys() == mended.keys()
    for record_id, signal in right.items():
        np.testing.assert_array_equal(mended[record_id], signal)


def test_several_processes_repair_to_the_same_bytes(databases, tmp_path):
    data = settings(databases["small"], verify="fix")
    one = prepare(data, tmp_path / "one", on_warning=lambda message: None)
    two = settings(databases["small"], verify="fix", workers=2)
    assert prepare(two, tmp_path / "two", on_warning=lambda message: None) == one
    assert one.repairs[0].done == ("all samples are multiplied by 10",)


def test_off_takes_the_signals_as_they_are(databases, tmp_path):
    dataset = prepare(settings(databases["small"], verify="off"), tmp_path / "shards")
    assert dataset.repairs == ()
    for signal in signals(tmp_path / "shards").values():
        assert np.max(np.abs(signal)) < 1


def test_the_three_ways_make_three_datasets(databases):
    ways = ("refuse", "fix", "off")
    prints = {dataset_fingerprint(settings(databases["good"], verify=way)) for way in ways}
    assert len(prints) == 3


class Source:
    """A source whose records are in memory."""

    def __init__(self, change, count=40, age=60.0):
        self.read, self.change = [], change
        self.infos = [
            RecordInfo(f"r{index:03d}", f"r{index:03d}", None, (), age=age)
            for index in range(count)
        ]

    def read_signal(self, info):
        self.read.append(info.record_id)
        index = int(info.record_id[1:])
        values = self.change(record_ecg("riverside", index % RECORDS).values, index)
        return Signal(np.asarray(values, np.float32), 500.0, LEADS)

    def verify(self, **changes):
        self.read.clear()
        return verify_source(self, self.infos, settings("raw", **changes), lambda message: None)


def test_the_sample_is_drawn_once_and_for_all():
    source = Source(lambda values, index: values)
    assert source.verify() == Verified(identities=True)
    first = list(source.read)
    assert len(set(first)) == SAMPLE
    source.verify()
    assert source.read == first
    source.verify(verify="off")
    assert source.read == []


def test_what_cannot_be_read_is_passed_over():
    def damaged(values, index):
        if index % 3 == 0:
            raise DataError("truncated")
        return values if index % 3 == 1 else values * np.nan

    source = Source(damaged)
    assert source.verify() == Verified(identities=True)
    assert sum(int(one[1:]) % 3 == 1 for one in source.read) < SAMPLE
    assert Source(damaged, count=3).verify() == Verified()


def test_a_fault_without_a_repair_is_refused_even_with_fix():
    source = Source(lambda values, index: values * 200)
    with pytest.raises(DataError, match=r"times as large as ECGs are(.*\n)*.*data\.verify=off"):
        source.verify(verify="fix")


def test_hearts_of_children_are_not_judged_by_those_of_adults():
    with pytest.raises(DataError, match="all limb leads are inverted"):
        Source(lambda values, index: values * np.repeat([-1, 1], 6)).verify()
    children = Source(lambda values, index: values * np.repeat([-1, 1], 6), age=3.0)
    assert children.verify() == Verified(identities=True)
    with pytest.raises(DataError, match="microvolts"):
        Source(lambda values, index: values * 1000, age=3.0).verify()
    mixed = Source(lambda values, index: values)
    mixed.infos = Source(None, count=20, age=3.0).infos + mixed.infos[20:]
    mixed.verify()
    assert min(mixed.read) == "r020", "adults alone are asked where there are some"


def test_a_repair_changes_what_is_read_and_nothing_else():
    source = Source(lambda values, index: values * [1, -1, *[1] * 10])
    verified = source.verify(verify="fix")
    assert verified.repair == Repair(gains={"II": -1.0})
    assert json.dumps(verified.repairs[0].done) == '["lead II is multiplied by -1"]'
    assert verified.identities


def test_a_record_whose_limb_leads_do_not_belong_together(databases, tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    for path in databases["good"].iterdir():
        (raw / path.name).write_bytes(path.read_bytes())
    values = np.load(raw / "r0007.npy")
    values[:, 4] = np.load(raw / "r0008.npy")[:, 4]
    np.save(raw / "r0007.npy", values)
    with pytest.raises(DataError, match=r"1 of 24 .*\n  r0007.npy: the limb leads don't belong"):
        prepare(settings(raw, quarantine=0.01), tmp_path / "shards")
    dataset = prepare(settings(raw), tmp_path / "shards")
    (left_out,) = dataset.quarantined
    assert left_out.record_id == "r0007"
    # where nothing is verified, nothing is known of the others
    assert prepare(settings(raw, verify="off"), tmp_path / "off").quarantined == ()


@pytest.mark.real
@pytest.mark.parametrize(
    ("source", "folder"),
    [("ptbxl", "ptbxl"), ("ludb", "ludb"), ("challenge", "challenge/training")],
)
def test_real_databases_are_what_they_say(real_data, source, folder):
    data = Data(source=source, raw=real_data / folder)
    module = find_source(source)
    infos = module.list_records(
        data.raw, label_set=next(iter(module.LABEL_SETS)), sampling_rate=100
    )
    assert verify_source(module, infos, data, pytest.fail) == Verified(identities=True)
