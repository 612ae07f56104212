"""The same rules where TensorFlow Data Validation has no package."""

import json
import re
import shutil
import sys

import numpy as np
import pytest
import tensorflow as tf
from my_lab import hospital

from ecg_keras.data.dataset import describe
from ecg_keras.data.preparation import prepare
from ecg_keras.errors import DataError
from ecg_keras.records import Signal
from ecg_keras.report import validation_page
from ecg_keras.validation import validate
from ecg_keras.validation.schema import Requirement
from ecg_keras.validation.statistics import ignore_progress
from ecg_keras.validation.validating import validate_plainly


@pytest.fixture
def without_tfdv(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_data_validation", None)


@pytest.fixture
def good(hospital_shards, tmp_path):
    shutil.copytree(hospital_shards, tmp_path / "good")
    return tmp_path / "good"


def changed(data, tmp_path, monkeypatch, change=lambda values: values, rows=None):
    """Shards of the hospital with a fault in its signals or its table."""
    shutil.copytree(data.raw, tmp_path / "raw")
    if rows is not None:
        infos = hospital.list_records(data.raw, label_set="rhythm", sampling_rate=100)
        hospital.rewrite(tmp_path / "raw", [rows(info) for info in infos])
    plain = hospital.read_signal
    monkeypatch.setattr(
        hospital,
        "read_signal",
        lambda info: Signal(change(plain(info).values), 500.0, plain(info).leads),
    )
    data = data.model_copy(update={"verify": "off", "raw": tmp_path / "raw"})
    prepare(data, tmp_path / "shards")
    monkeypatch.undo()
    return tmp_path / "shards"


def of_old_people(info):
    age = "" if info.age is None else info.age + 100
    return info.record_id, info.patient_id, " ".join(info.labels), age, info.sex or ""


def of_nothing(info):
    return info.record_id, info.patient_id, "", "", ""


FAULTS = {
    "unit": {"change": lambda values: values * 1000},
    "unit, the other way": {"change": lambda values: values / 1000},
    "arms": {"change": lambda values: np.ascontiguousarray(values[:, [1, 0, *range(2, 12)]])},
    "upside down": {"change": lambda values: -values},
    "ages": {"rows": of_old_people},
    "no labels": {"rows": of_nothing},
}


def lines(checked):
    """Without the medians, which the library estimates."""
    return sorted(re.sub(r"median [-.\d]+", "median", one.line()) for one in checked.anomalies)


# one of each kind of rule; of the others each is tried with the library in test_validating.py
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(one, marks=[pytest.mark.long] * (one not in ("unit", "arms", "no labels")))
        for one in FAULTS
    ],
)
def test_both_find_the_same(fault, hospital_data, tmp_path, monkeypatch):
    pytest.importorskip("tensorflow_data_validation", exc_type=ImportError)
    folder = changed(hospital_data, tmp_path, monkeypatch, **FAULTS[fault])
    expected = lines(validate(folder))
    assert (
        lines(validate_plainly(folder, describe(folder), "for a test", ignore_progress)) == expected
    )
    assert expected or fault == "upside down"  # of fewer than a hundred records that is no proof


def test_good_shards_have_no_anomalies_and_a_remark(good, without_tfdv, tmp_path):
    checked = validate(good)
    assert checked.anomalies == () and checked.profiles == {}
    (remark,) = checked.remarks
    assert "checked without TensorFlow Data Validation" in remark
    assert (good / "schema.pbtxt").is_file() and not (good / "statistics").exists()
    page = validation_page(checked, tmp_path / "page.html").read_text()
    assert "Checked without TensorFlow Data Validation" in page and "are as their schema" in page


def test_an_edited_schema_is_respected(good, without_tfdv):
    validate(good)
    path = good / "schema.pbtxt"
    path.write_text(path.read_text().replace("max: 120.0", "max: 30.0"))
    assert {one.feature for one in validate(good).anomalies} == {"age"}


def test_a_label_outside_the_label_set_and_too_many_of_them(good, without_tfdv):
    path = good / "test-00000-of-00001.tfrecord"
    examples = [
        tf.train.Example.FromString(one.numpy()) for one in tf.data.TFRecordDataset(str(path))
    ]
    examples[0].features.feature["labels"].bytes_list.value[:] = [b"a", b"SR", b"PAC", b"AF"]
    with tf.io.TFRecordWriter(str(path)) as writer:
        for example in examples:
            writer.write(example.SerializeToString())
    tree = json.loads((good / "dataset.json").read_text())
    tree["splits"]["test"]["shards"][path.name] = path.stat().st_size
    (good / "dataset.json").write_text(json.dumps(tree))
    checked = validate(good)
    assert [one.line() for one in checked.anomalies] == [
        "test: labels: values outside the schema's domain: a"
    ]
    # one record of many is that record's matter
    assert [(one.measure, one.value) for one in checked.noted] == [("labels", 4.0)]


def test_what_needs_the_library_says_so(good, without_tfdv):
    for options in ({"against": good}, {"serving": good}, {"beam": ["--runner=DirectRunner"]}):
        with pytest.raises(DataError, match="drift, skew and statistics need TensorFlow Data"):
            validate(good, **options)


def test_a_damaged_shard_is_named(good, without_tfdv):
    shard = next(good.glob("valid-*.tfrecord"))
    content = bytearray(shard.read_bytes())
    content[2000] ^= 255
    shard.write_bytes(content)
    with pytest.raises(DataError, match=r"good: a shard of the valid split is damaged"):
        validate(good)


def test_few_records_prove_nothing():
    usual = Requirement("heart_rate", "median", ((">=", 45.0), ("<=", 115.0)), 20, "")
    assert [usual.holds(n, 0, rate) for n, rate in ((19, 300.0), (20, 300.0), (20, 60.0))] == [
        True,
        False,
        True,
    ]
    known = Requirement("age", "share", ((">=", 0.5),), 20, "")
    assert [known.holds(*counts, 0.0) for counts in ((0, 19), (10, 20), (20, 20))] == [
        True,
        False,
        True,
    ]
