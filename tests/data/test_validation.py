import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from my_lab import hospital

from ecg_keras.config import Data, Split
from ecg_keras.data.dataset import describe
from ecg_keras.data.preparation import prepare
from ecg_keras.data.records import Signal
from ecg_keras.data.validation import features, statistics, validate
from ecg_keras.errors import DataError
from ecg_keras.signals import LEADS


@pytest.fixture(scope="module")
def tfdv():
    return pytest.importorskip("tensorflow_data_validation", exc_type=ImportError)


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
    prepare(data, folder)
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
    for split, summary in describe(good).splits.items():
        kept = tfdv.load_stats_text(str(good / "statistics" / f"{split}.pbtxt")).datasets[0]
        assert kept.num_examples == summary.records
        profiled = {feature.path.step[0]: feature for feature in kept.features}
        assert set(profiled) == set(features.list_columns(LEADS))
        counted = {
            bucket.label: bucket.sample_count
            for bucket in profiled["labels"].string_stats.rank_histogram.buckets
        }
        assert counted == {label: n for label, n in summary.labels.items() if n}
    # they are used again: the shards are not read a second time
    monkeypatch.setattr(statistics, "count_splits", None)
    assert validate(good).anomalies == ()


def test_a_split_without_records_is_not_looked_at(tfdv, hospital_data, tmp_path):
    data = hospital_data.model_copy(update={"split": Split(valid=0.0)})
    prepare(data, tmp_path / "shards")
    assert validate(tmp_path / "shards").anomalies == ()
    statistics = sorted(path.stem for path in (tmp_path / "shards" / "statistics").iterdir())
    assert statistics == ["test", "train"]


def test_a_wrong_unit(tfdv, hospital_data, tmp_path, monkeypatch):
    folder = prepared_with(lambda x: x * 1000, hospital_data, tmp_path / "bad", monkeypatch)
    anomalies = validate(folder)
    assert everywhere("peak_mv", "rms_mv") <= found(anomalies)
    line = next(one for one in anomalies.anomalies if one.feature == "peak_mv").line()
    assert line.startswith("train: peak_mv: ")
    assert "high" in line


def test_a_unit_wrong_the_other_way(tfdv, hospital_data, tmp_path, monkeypatch):
    folder = prepared_with(lambda x: x / 1000, hospital_data, tmp_path / "bad", monkeypatch)
    assert everywhere("peak_mv", "rms_mv") <= found(validate(folder))


def test_swapped_limb_leads(tfdv, hospital_data, tmp_path, monkeypatch):
    def swap(values):
        return np.ascontiguousarray(values[:, [1, 0, *range(2, 12)]])

    folder = prepared_with(swap, hospital_data, tmp_path / "bad", monkeypatch)
    assert found(validate(folder)) == everywhere("einthoven_mv")


def test_a_lead_that_dies_after_the_window_is_cut(tfdv, hospital_data, tmp_path, monkeypatch):
    def die(values):
        values = values.copy()
        values[:-1, 9] = 0.2
        return values

    data = Data.model_validate({**hospital_data.model_dump(), "seconds": 1, "sampling_rate": 500.0})
    folder = prepared_with(die, data, tmp_path / "bad", monkeypatch)
    assert everywhere("flat_leads") <= found(validate(folder))


def test_a_label_outside_the_label_set(tfdv, good):
    path = good / "test-00000-of-00001.tfrecord"
    examples = [
        tf.train.Example.FromString(one.numpy()) for one in tf.data.TFRecordDataset(str(path))
    ]
    examples[0].features.feature["labels"].bytes_list.value.append(b"asystole")
    with tf.io.TFRecordWriter(str(path)) as writer:
        for example in examples:
            writer.write(example.SerializeToString())
    tree = json.loads((good / "dataset.json").read_text())
    tree["splits"]["test"]["shards"][path.name] = path.stat().st_size
    (good / "dataset.json").write_text(json.dumps(tree))
    (anomaly,) = validate(good).anomalies
    assert (anomaly.split, anomaly.feature) == ("test", "labels")
    assert "asystole" in anomaly.long


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
        data = Data(source="my_lab.hospital", raw=folder / "raw", seconds=2)
        prepare(data, folder / "shards")
        return folder / "shards"

    return make


def test_impossible_ages(tfdv, aged):
    assert found(validate(aged(100))) == everywhere("age")


def test_another_dataset_with_other_ages(tfdv, good, aged):
    older = aged(30)
    assert validate(older).anomalies == ()
    anomalies = validate(older, against=good)
    assert found(anomalies) == {("train", "age")}
    assert not (good / "statistics").exists(), "the other dataset is only read"
    assert validate(good, against=good).anomalies == ()


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


def test_without_tensorflow_data_validation(good, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_data_validation", None)
    with pytest.raises(DataError, match=r"checking shards needs .*pip install tensorflow-data-val"):
        validate(good)


def test_what_its_imports_print_is_not_shown(tfdv, good):
    code = f"from ecg_keras.data import validate; print(validate({str(good)!r}).anomalies)"
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
def test_real_ptbxl_has_no_anomalies(tfdv, real_data, tmp_path):
    data = Data(source="ptbxl", raw=real_data / "ptbxl")
    prepare(data, tmp_path / "shards", on_warning=lambda message: None)
    assert validate(tmp_path / "shards").anomalies == ()


def test_a_damaged_shard_is_named(tfdv, good):
    shard = next(good.glob("valid-*.tfrecord"))
    content = bytearray(shard.read_bytes())
    content[2000] ^= 255
    shard.write_bytes(content)
    with pytest.raises(DataError, match=r"good: a shard of the valid split is damaged \(corrupted"):
        validate(good)
    assert not (good / "statistics" / "valid.pbtxt").exists()
