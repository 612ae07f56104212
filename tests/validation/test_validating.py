import errno
import gc
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import warnings
import weakref
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from my_lab import hospital

from ecg_keras.config import Data, Split
from ecg_keras.data.dataset import describe
from ecg_keras.data.preparation import prepare
from ecg_keras.data.reading import read_shards
from ecg_keras.errors import DataError
from ecg_keras.records import Signal
from ecg_keras.validation import (
    Numbers,
    Texts,
    columns,
    find_drift,
    statistics,
    validate,
)
from ecg_keras.validation.few_records import _tolerated
from ecg_keras.validation.profiles import format_number, read_profile
from ecg_keras.validation.schema import make_schema
from ecg_keras.validation.tfdv import compare, describe_values
from ecg_keras.workflow import validate_shards


@pytest.fixture(scope="module")
def tfdv():
    return pytest.importorskip("tensorflow_data_validation", exc_type=ImportError)


# counting takes as long as there are columns, and each lead has six
LEADS = ("I", "II", "III", "V3")


def of_hospital(raw, *, leads=LEADS, **others):
    return Data(source="my_lab.hospital", raw=raw, seconds=2, leads=leads, **others)


@pytest.fixture(scope="module")
def hospital_data(hospital_raw):
    return of_hospital(hospital_raw)


@pytest.fixture(scope="module")
def hospital_shards(hospital_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards") / "hospital"
    prepare(hospital_data, folder)
    return folder


@pytest.fixture
def good(hospital_shards, tmp_path):
    folder = tmp_path / "good"
    shutil.copytree(hospital_shards, folder)
    return folder


def prepared_with(read, data, folder, monkeypatch):
    """Shards of the hospital with a fault in what its source reads."""
    plain = hospital.read_signal
    monkeypatch.setattr(
        hospital,
        "read_signal",
        lambda info: Signal(read(plain(info).values), 500.0, plain(info).leads),
    )
    prepare(data.model_copy(update={"verify": "off"}), folder)
    monkeypatch.undo()
    return folder


def found(validation):
    return {(anomaly.split, anomaly.feature) for anomaly in validation.anomalies}


def everywhere(*features):
    return {(split, feature) for split in ("train", "valid", "test") for feature in features}


def test_good_shards_have_no_anomalies_and_keep_schema_and_statistics(tfdv, good, monkeypatch):
    assert validate(good).anomalies == ()
    schema = tfdv.load_schema_text(str(good / "schema.pbtxt"))
    assert list(tfdv.get_domain(schema, "labels").value) == ["AF", "PAC", "SR"]
    by_lead = {columns.lead_feature(name, lead) for name in columns.PER_LEAD for lead in LEADS}
    for split, summary in describe(good).splits.items():
        kept = tfdv.load_stats_text(str(good / "statistics" / f"{split}.pbtxt")).datasets[0]
        assert kept.num_examples == summary.records
        profiled = {feature.path.step[0]: feature for feature in kept.features}
        assert set(profiled) == {*columns.TEXTS, *columns.NUMBERS, *columns.INTEGERS, *by_lead}
        counted = {
            bucket.label: bucket.sample_count
            for bucket in profiled["labels"].string_stats.rank_histogram.buckets
        }
        assert counted == {label: n for label, n in summary.labels.items() if n}
    # they are used again: the shards are not read a second time
    monkeypatch.setattr(statistics, "count_splits", None)
    assert validate(good).anomalies == ()


def test_statistics_of_other_shards_are_not_used(tfdv, good, hospital_data, monkeypatch):
    validate(good)
    kept = good / "statistics"
    # copied over those of another dataset
    shutil.copyfile(kept / "train.pbtxt", kept / "test.pbtxt")
    dataset = describe(good)
    (test,) = statistics.split_statistics(good, dataset, ["test"]).values()
    assert test.datasets[0].num_examples == dataset.splits["test"].records
    # or made where another one was
    (good / "validation.json").write_text("{}")
    for path in (good / "dataset.json", *good.glob("*.tfrecord")):
        path.unlink()
    prepare(hospital_data.model_copy(update={"seconds": 1.0}), good)
    assert not kept.exists()
    assert not (good / "validation.json").exists()
    assert (good / "schema.pbtxt").exists()


@pytest.fixture
def of_others(hospital_shards):
    """Shards in a folder that may be read alone, and a process that is not the superuser's."""
    # the folders of pytest are of one user alone
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "shards"
        shutil.copytree(hospital_shards, folder)
        (folder / "validation.json").write_text('{"anomalies": []}')
        Path(place).chmod(0o755)
        folder.chmod(0o555)
        root = os.name == "posix" and os.geteuid() == 0
        try:
            if root:
                os.seteuid(65534)
            effective = {"effective_ids": os.access in os.supports_effective_ids}
            if os.access(folder, os.W_OK, **effective):
                pytest.skip("permissions bind nobody here")
            # what is imported on the way
            if not all(os.access(place, os.R_OK, **effective) for place in (__file__, np.__file__)):
                pytest.skip("others may not read this checkout or its environment")
            yield folder
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o755)


def test_shards_that_may_not_be_written_to_are_checked(tfdv, of_others):
    before = sorted(of_others.rglob("*"))
    found = validate_shards(of_others)
    assert found.anomalies == ()
    assert [remark.removeprefix(str(of_others)) for remark in found.remarks] == [
        " may not be written to: not kept, and made again next time: schema.pbtxt, checks.pbtxt, "
        "train.pbtxt, valid.pbtxt, test.pbtxt",
        "/validation.json may not be written, and keeps what an earlier check found",
    ]
    # the workers of a pipeline write there
    with pytest.raises(DataError, match=r"can't be written: Permission denied.*without Beam"):
        validate(of_others, beam=["--runner=DirectRunner"])
    assert sorted(of_others.rglob("*")) == before


def test_a_full_disk_is_no_remark(good, monkeypatch):
    monkeypatch.setattr("ecg_keras.validation.tfdv.write_text", full)
    with pytest.raises(DataError, match="No space left"):
        validate(good)


def full(*args, **kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_split_without_records_is_not_looked_at(tfdv, hospital_data, tmp_path):
    data = hospital_data.model_copy(update={"split": Split(valid=0.0)})
    prepare(data, tmp_path / "shards")
    assert validate(tmp_path / "shards").anomalies == ()
    statistics = sorted(path.stem for path in (tmp_path / "shards" / "statistics").iterdir())
    assert statistics == ["test", "train"]


def test_a_wrong_unit(hospital_data, tmp_path, monkeypatch):
    folder = prepared_with(lambda x: x * 1000, hospital_data, tmp_path / "bad", monkeypatch)
    anomalies = validate(folder)
    assert everywhere("peak_mv", "rms_mv") <= found(anomalies)
    line = next(one for one in anomalies.anomalies if one.feature == "peak_mv").line()
    assert line.startswith("train: peak_mv: ")
    records = describe(folder).splits["train"].records
    assert re.search(
        rf"values up to \d+, allowed are 0.05 to 20: {records} of {records} records, such as r\d+ "
        rf"\(V?[IF\da]\w*, \d+\), .* and {records - 5} more$",
        line,
    )


def test_a_unit_wrong_the_other_way(hospital_data, tmp_path, monkeypatch):
    folder = prepared_with(lambda x: x / 1000, hospital_data, tmp_path / "bad", monkeypatch)
    assert everywhere("peak_mv", "rms_mv") <= found(validate(folder))


def test_swapped_limb_leads(hospital_data, tmp_path, monkeypatch):
    def swap(values):
        return np.ascontiguousarray(values[:, [1, 0, *range(2, 12)]])

    folder = prepared_with(swap, hospital_data, tmp_path / "bad", monkeypatch)
    assert found(validate(folder)) == everywhere("einthoven_mv")


def rewritten(folder, split, change):
    """The shard of a split with changed examples."""
    path = folder / f"{split}-00000-of-00001.tfrecord"
    examples = [
        tf.train.Example.FromString(one.numpy()) for one in tf.data.TFRecordDataset(str(path))
    ]
    change(examples)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for example in examples:
            writer.write(example.SerializeToString())
    tree = json.loads((folder / "dataset.json").read_text())
    tree["splits"][split]["shards"][path.name] = path.stat().st_size
    (folder / "dataset.json").write_text(json.dumps(tree))


def test_a_lead_without_signal_in_the_shards_of_another_version(good):
    """This one puts such records into quarantine."""

    def die(examples):
        for example in examples:
            example.features.feature["flat_leads"].int64_list.value[:] = [1]

    for split in ("train", "valid", "test"):
        rewritten(good, split, die)
    assert everywhere("flat_leads") <= found(validate(good))


def test_a_label_outside_the_label_set(good):
    def add(examples):
        examples[0].features.feature["labels"].bytes_list.value.append(b"asystole")

    rewritten(good, "test", add)
    (anomaly,) = validate(good).anomalies
    assert (anomaly.split, anomaly.feature) == ("test", "labels")
    assert anomaly.long == "values outside the schema's domain: asystole"


@pytest.fixture(scope="module")
def aged(hospital_raw, tmp_path_factory):
    """Makes shards of the same patients, so many years older."""

    def make(years):
        folder = tmp_path_factory.mktemp("aged")
        shutil.copytree(hospital_raw, folder / "raw")
        infos = hospital.list_records(hospital_raw, label_set="rhythm", sampling_rate=100)
        hospital.rewrite(
            folder / "raw",
            [
                (
                    info.record_id,
                    info.patient_id,
                    " ".join(info.labels),
                    "" if info.age is None else info.age + years,
                    info.sex or "",
                )
                for info in infos
            ],
        )
        data = of_hospital(folder / "raw")
        prepare(data, folder / "shards")
        return folder / "shards"

    return make


def test_impossible_ages(aged):
    assert found(validate(aged(100))) == everywhere("age")


def test_another_dataset_with_other_ages(tfdv, good, aged):
    older = aged(30)
    assert validate(older).anomalies == ()
    anomalies = validate(older, against=good)
    assert found(anomalies) == {("train", "age")}
    (line,) = (one.line() for one in anomalies.anomalies)
    assert re.fullmatch(
        r"train: age: median \d+ here, \d+ there; Jensen-Shannon 0\.\d{3}, allowed 0\.\d{3} "
        rf"\(drift from {re.escape(str(good))}\)",
        line,
    )
    assert [one.line() for one in find_drift(older, good)] == [line]
    assert not (good / "statistics").exists(), "the other dataset is only read"
    assert validate(good, against=good).anomalies == ()


def test_a_value_of_texts_is_said_to_be_a_share_of_values_not_of_records():
    ours, theirs = Texts(2, 0, {"AF": 2, "LBBB": 2}), Texts(4, 0, {"AF": 1, "LBBB": 3})
    said = describe_values("labels", ours, theirs)  # all records here have AF
    assert said == "50.0 % of all labels here are AF, 25.0 % there"
    ours, theirs = Texts(4, 2, {"female": 2}), Texts(4, 0, {"female": 1, "male": 3})
    said = describe_values("sex", ours, theirs)
    assert said == "100.0 % of the known values of sex here are female, 25.0 % there"


def test_numbers_have_three_digits_or_as_many_as_a_whole_number_has():
    numbers = [format_number(value) for value in (1845.6, 68.94, 0.00052, 10.0)]
    assert numbers == ["1846", "68.9", "0.00052", "10"]


def test_how_many_records_may_be_outside_of_a_range():
    allowed = [int(_tolerated(records)) for records in (1, 10, 40, 363, 21_000)]
    assert allowed == [0, 2, 6, 30, 1144]


def test_a_few_unusual_records_are_noted_and_no_anomaly(hospital_raw, tmp_path, monkeypatch):
    """Two spikes and a poor aVF, all in one split, are these records' matter."""
    raw = tmp_path / "raw"
    shutil.copytree(hospital_raw, raw)
    data = of_hospital(raw, leads=None)
    before = prepare(data, tmp_path / "before")
    inside = [one.record_id for one in read_shards(tmp_path / "before", "test")][:3]
    for name in inside[:2]:
        values = np.load(raw / f"{name}.npy")
        values[200:260, 8] = 25_000
        np.save(raw / f"{name}.npy", values)
    values = np.load(raw / f"{inside[2]}.npy")
    values[:, 5] += 30
    np.save(raw / f"{inside[2]}.npy", values)
    warnings = []
    dataset = prepare(data, tmp_path / "shards", on_warning=warnings.append)
    told = {(one.record_id, one.measure, one.lead): one.value for one in dataset.noted}
    assert set(told) == {
        (inside[0], "peak_mv", "V3"),
        (inside[1], "peak_mv", "V3"),
        (inside[2], "einthoven_mv", "aVF"),
    }
    assert told[inside[2], "einthoven_mv", "aVF"] == pytest.approx(0.03, abs=0.001)
    assert all(25 < value < 30 for (_, what, _), value in told.items() if what == "peak_mv")
    assert dataset.quarantined == before.quarantined == ()
    checked = validate(tmp_path / "shards")
    assert checked.anomalies == ()
    assert {(one.record_id, one.measure, one.lead) for one in checked.noted} == set(told)
    (line,) = (one for one in warnings if "einthoven_mv" in one)
    assert line == f"1 of 40 records kept and noted for einthoven_mv: {inside[2]} (aVF, 0.03)."

    # shards of an older version name none: they are found by the schema, which may be edited
    path = tmp_path / "shards" / "dataset.json"
    tree = json.loads(path.read_text())
    del tree["noted"]
    path.write_text(json.dumps(tree))
    checked = validate(tmp_path / "shards")
    assert checked.anomalies == ()
    assert {(one.record_id, one.measure) for one in checked.noted} == {
        (name, measure) for name, measure, _ in told
    }


def test_one_record_that_is_no_ecg_is_an_anomaly_where_nothing_was_verified(hospital_raw, tmp_path):
    raw = tmp_path / "raw"
    shutil.copytree(hospital_raw, raw)
    np.save(raw / "r0007.npy", np.load(raw / "r0007.npy")[:, [1, 0, *range(2, 12)]])
    data = of_hospital(raw, verify="off")
    prepare(data, tmp_path / "shards")
    (anomaly,) = validate(tmp_path / "shards").anomalies
    assert anomaly.feature == "einthoven_mv"
    assert re.search(r": 1 of \d+ records, such as r0007 \(a?[VIRLF]+, \d\.\d+\)$", anomaly.line())


@pytest.mark.parametrize(("impossible", "found"), [(4, set()), (12, {"age"})])
def test_how_many_records_make_a_fault_of_the_dataset(hospital_raw, tmp_path, impossible, found):
    """Chance allows six of forty."""
    raw = tmp_path / "raw"
    shutil.copytree(hospital_raw, raw)
    rows = [
        (one.record_id, one.patient_id, " ".join(one.labels), 130 if n < impossible else 50)
        for n, one in enumerate(hospital.list_records(raw, label_set="rhythm", sampling_rate=100))
    ]
    hospital.rewrite(raw, [(*row, "female") for row in rows])
    prepare(of_hospital(raw), tmp_path / "shards")
    checked = validate(tmp_path / "shards")
    assert {one.feature for one in checked.anomalies} == found
    noted = [one for one in checked.noted if one.measure == "age"]
    assert [one.record_id for one in noted] == [f"r{n:04d}" for n in range(impossible)]
    assert noted[0].line() == "r0000: age 130 years, expected at most 120 years"


def test_an_edited_schema_is_respected(tfdv, good):
    validate(good)
    path = good / "schema.pbtxt"
    schema = tfdv.load_schema_text(str(path))
    tfdv.get_feature(schema, "age").float_domain.max = 30
    tfdv.write_schema_text(schema, str(path))
    assert found(validate(good)) == everywhere("age")


def test_a_folder_that_cannot_be_written(tfdv, good, monkeypatch):
    (good / "statistics").write_text("a file is in the way")
    with pytest.raises(DataError, match=r"statistics: can't be written"):
        validate(good)


@pytest.mark.long
def test_what_its_imports_print_is_not_shown(good):
    code = f"from ecg_keras.validation import validate; print(validate({str(good)!r}).anomalies)"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "()\n"
    assert "IPython" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.real
def test_real_ptbxl_has_no_anomalies(real_data, tmp_path):
    data = Data(source="ptbxl", raw=real_data / "ptbxl")
    prepare(data, tmp_path / "shards", on_warning=lambda message: None)
    assert validate(tmp_path / "shards").anomalies == ()


def test_a_damaged_shard_is_named(good):
    shard = next(good.glob("valid-*.tfrecord"))
    content = bytearray(shard.read_bytes())
    content[2000] ^= 255
    shard.write_bytes(content)
    with pytest.raises(DataError, match=r"good: a shard of the valid split is damaged \(corrupted"):
        validate(good)
    assert not (good / "statistics" / "valid.pbtxt").exists()


def test_batches_give_the_numbers_of_all_records_at_once(tfdv, good, monkeypatch):
    """As TensorFlow Data Validation counts them when everything is in memory."""
    dataset = describe(good)
    whole = pa.concat_tables(
        pa.Table.from_batches([one]) for one in statistics._batches(good, dataset, ["train"])
    )
    at_once = tfdv.statistics.stats_impl.generate_statistics_in_memory(
        whole.combine_chunks().to_batches()[0], statistics.make_options()
    )
    monkeypatch.setattr(statistics, "COUNTED", 5)
    monkeypatch.setattr("ecg_keras.data.reading.PARSED", 3)
    streamed = statistics.count_splits(good, dataset, ["train"])
    expected, got = read_profile(at_once), read_profile(streamed)
    assert set(expected) == set(got)
    for name, one in expected.items():
        if isinstance(one, Numbers):
            exact = ("records", "missing", "low", "high")
            assert [getattr(got[name], it) for it in exact] == [getattr(one, it) for it in exact]
            for it in ("mean", "std", "median"):
                close = pytest.approx(getattr(one, it), rel=0.02, abs=0.02, nan_ok=True)
                assert getattr(got[name], it) == close
        else:
            assert got[name] == one


def test_memory_does_not_grow_with_the_records(tfdv, good, monkeypatch):
    """Only one batch of columns is alive at a time."""
    monkeypatch.setattr(statistics, "COUNTED", 4)
    monkeypatch.setattr("ecg_keras.data.reading.PARSED", 4)
    batches = [weakref.ref(one) for one in statistics._batches(good, describe(good), ["train"])]
    gc.collect()
    assert len(batches) > 4
    assert sum(one() is not None for one in batches) <= 1


@pytest.mark.long
def test_a_beam_pipeline_counts_the_same(tfdv, good):
    dataset = describe(good)
    counted = {split: statistics.count_splits(good, dataset, [split]) for split in dataset.splits}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Beam's own dependencies
        assert validate(good, beam=["--runner=DirectRunner"]).anomalies == ()
    kept = statistics.split_statistics(good, dataset, tuple(dataset.splits))
    for split, expected in counted.items():
        ours, theirs = read_profile(kept[split]), read_profile(expected)
        assert set(ours) == set(theirs)
        for name, one in theirs.items():
            assert (ours[name].records, ours[name].missing) == (one.records, one.missing)
            if isinstance(one, Numbers):
                assert ours[name].median == pytest.approx(one.median, rel=0.02, nan_ok=True)
            else:
                assert ours[name].counts == one.counts
    assert sorted(path.name for path in (good / "statistics").iterdir()) == [
        "test.pbtxt",
        "train.pbtxt",
        "valid.pbtxt",
    ]


def test_a_pipeline_that_fails_says_so(tfdv, good):
    with (
        warnings.catch_warnings(),
        pytest.raises(DataError, match=r"good: the Beam pipeline failed: .*NoSuchRunner"),
    ):
        warnings.simplefilter("ignore")
        validate(good, beam=["--runner=NoSuchRunner"])
    assert list((good / "statistics").iterdir()) == []


def test_what_is_served_is_compared_and_held_to_rules(
    tfdv, good, hospital_data, tmp_path, monkeypatch
):
    assert validate(good, serving=good).anomalies == ()
    served = prepared_with(lambda x: x * 1000, hospital_data, tmp_path / "served", monkeypatch)
    checked = validate(good, serving=served)
    assert {("serving", "peak_mv"), ("serving", "rms_mv"), ("train", "peak_mv")} <= found(checked)
    (skew,) = checked.comparisons
    assert (skew.kind, skew.other) == ("skew", str(served))
    assert {one.feature for one in skew.distances if one.differs} >= {"peak_mv", "rms_mv"}
    assert {one.feature for one in skew.distances} >= {"labels", "sex", "age"}
    assert any("skew against" in one.line() for one in checked.anomalies)
    assert not (served / "statistics").exists(), "it is only read"


def test_what_is_served_needs_no_labels_age_or_sex(tfdv, good, hospital_raw, tmp_path):
    shutil.copytree(hospital_raw, tmp_path / "raw")
    infos = hospital.list_records(hospital_raw, label_set="rhythm", sampling_rate=100)
    hospital.rewrite(
        tmp_path / "raw", [(one.record_id, one.record_id, "", "", "") for one in infos]
    )
    prepare(of_hospital(tmp_path / "raw"), tmp_path / "served")
    checked = validate(good, serving=tmp_path / "served")
    assert checked.anomalies == ()
    assert {one.feature for one in checked.comparisons[0].distances}.isdisjoint({"labels", "age"})
    drifted = validate(good, against=tmp_path / "served")
    assert {("train", "labels"), ("train", "age"), ("train", "sex")} <= found(drifted)


def test_no_label_at_all_is_an_anomaly(hospital_raw, tmp_path):
    shutil.copytree(hospital_raw, tmp_path / "raw")
    infos = hospital.list_records(hospital_raw, label_set="rhythm", sampling_rate=100)
    rows = [(one.record_id, one.patient_id, "", one.age or "", one.sex or "") for one in infos]
    hospital.rewrite(tmp_path / "raw", rows)
    prepare(of_hospital(tmp_path / "raw"), tmp_path / "shards")
    (anomaly,) = validate(tmp_path / "shards").anomalies  # the other splits have few records
    assert anomaly.line() == (
        f"train: labels: 0 of {describe(tmp_path / 'shards').splits['train'].records} records have "
        "one: some of the records must have one: is its column there?"
    )


def test_an_edited_check_is_respected(tfdv, good):
    validate(good)
    path = good / "checks.pbtxt"
    text = path.read_text()
    path.write_text(
        text
        + """
        feature_validations { feature_path { step: "age" } validations {
          sql_expression: "feature.num_stats.median < 1" severity: ERROR
          description: "the median must be below 1 year" } }
    """
    )
    checked = validate(good)
    assert found(checked) == everywhere("age")
    assert re.search(r"median \d\d: the median must be below 1", checked.anomalies[0].line())


@pytest.mark.parametrize("name", ["schema.pbtxt", "checks.pbtxt", "statistics/train.pbtxt"])
def test_a_file_that_was_edited_wrongly_is_named(tfdv, good, name):
    validate(good)
    (good / name).write_text("feature {")
    with pytest.raises(DataError, match=rf"{name}: not a \w+ as text: .*Fix it, or remove it"):
        validate(good)


def test_every_feature_of_a_shard_is_profiled_or_left_out_by_name(hospital_shards):
    path = next(hospital_shards.glob("train-*.tfrecord"))
    stored = set()
    for one in tf.data.TFRecordDataset(str(path)):
        stored |= set(tf.train.Example.FromString(one.numpy()).features.feature)
    known = {*columns.TEXTS, *columns.NUMBERS, *columns.INTEGERS, *columns.PER_LEAD}
    assert stored <= known | set(columns.NOT_PROFILED)
    assert known.isdisjoint(columns.NOT_PROFILED)


@pytest.mark.real
def test_random_parts_of_a_database_do_not_drift(tfdv, real_data, tmp_path):
    data = Data(source="ptbxl", raw=real_data / "ptbxl")
    prepare(data, tmp_path / "shards", on_warning=lambda message: None)
    dataset = describe(tmp_path / "shards")
    (batch,) = statistics._batches(tmp_path / "shards", dataset, ["train"])
    rule, random = make_schema(dataset), np.random.default_rng(0)

    def count(rows):
        part = pa.Table.from_batches([batch]).take(pa.array(rows)).combine_chunks().to_batches()[0]
        return tfdv.statistics.stats_impl.generate_statistics_in_memory(
            part, statistics.make_options()
        )

    found = []
    for size in (20, 50, 100, 150):
        rows = random.permutation(batch.num_rows)
        parts = count(rows[:size]), count(rows[size:])
        found += compare(*parts, rule, "drift", "the rest").anomalies()
    assert found == []
