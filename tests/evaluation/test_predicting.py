"""`predict` on shards of simulated and of real ECGs."""

import ast
import csv
import shutil

import numpy as np
import pytest

from ecg_keras import data
from ecg_keras.config import Data
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.evaluation import Predictions, evaluate, predict, predict_splits
from ecg_keras.simulate import simulate

keras = pytest.importorskip("keras")


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("predict")
    simulate(folder / "raw", hospital="lakeside", records=40, seed=0)
    data.prepare(Data(source="simulated", raw=folder / "raw", seconds=4), folder / "shards")
    return folder / "shards"


def network(labels, num_samples=400, num_leads=12, activation="sigmoid", fill=None):
    signal = keras.Input((num_samples, num_leads), name="signal")
    features = keras.layers.Conv1D(4, 5, kernel_initializer=keras.initializers.HeNormal(seed=1))(
        signal
    )
    features = keras.layers.Dropout(0.5)(keras.layers.GlobalMaxPooling1D()(features))
    start = keras.initializers.GlorotNormal(seed=2) if fill is None else "zeros"
    bias = "zeros" if fill is None else keras.initializers.Constant(fill)
    head = keras.layers.Dense(
        labels, activation, name="head", kernel_initializer=start, bias_initializer=bias
    )
    return keras.Model(signal, head(features))


def test_rows_are_those_of_the_shards_in_their_order(shards):
    dataset = data.describe(shards)
    model = network(len(dataset.labels))
    calls = []
    found = predict(
        model, shards, "train", batch_size=7, on_progress=lambda *call: calls.append(call)
    )
    records = dataset.splits["train"].records
    assert found.labels == dataset.labels
    assert found.targets.sum(axis=0).tolist() == list(dataset.splits["train"].labels.values())
    assert len(np.unique(found.patient_ids)) == dataset.splits["train"].patients
    assert calls == [(min(done, records), records) for done in range(7, records + 7, 7)]

    batches = list(data.load(shards, "train", batch_size=100))
    signals, targets = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    np.testing.assert_array_equal(found.targets, targets)
    np.testing.assert_allclose(found.probabilities, model.predict(signals, verbose=0), atol=1e-5)
    assert np.ptp(found.probabilities, axis=0).min() > 0.01


def test_the_batch_size_changes_nothing(shards):
    model = network(len(data.describe(shards).labels))
    one, all_at_once = (predict(model, shards, "test", batch_size=size) for size in (1, 100))
    np.testing.assert_array_equal(one.record_ids, all_at_once.record_ids)
    np.testing.assert_allclose(one.probabilities, all_at_once.probabilities, atol=1e-5)


def test_several_splits_are_answered_by_one_graph(shards, monkeypatch):
    from ecg_keras import models

    model = network(len(data.describe(shards).labels))
    alone = {split: predict(model, shards, split) for split in ("valid", "test")}
    out = alone["test"].record_ids[:1]
    made, as_graph = [], models.as_graph
    monkeypatch.setattr(models, "as_graph", lambda *args: made.append(args) or as_graph(*args))
    found = predict_splits(model, shards, {"valid": (), "test": out})
    assert len(made) == 1 and list(found) == ["valid", "test"]
    np.testing.assert_array_equal(found["valid"].probabilities, alone["valid"].probabilities)
    np.testing.assert_array_equal(found["test"].record_ids, alone["test"].record_ids[1:])


def test_a_model_of_any_length_is_taken(shards):
    model = network(len(data.describe(shards).labels), num_samples=None)
    assert (
        len(predict(model, shards, "test").record_ids)
        == data.describe(shards).splits["test"].records
    )


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (
            {"num_samples": 1000},
            r"\(num_samples, num_leads\) = \(400, 12\), and the model takes \(",
        ),
        ({"num_leads": 8}, r"and the model takes \(400, 8\). Prepare the dataset with"),
        ({"labels": 3}, r"it has 14 labels \(NORM, .*\), and the model's output has .* \(3,\)"),
    ],
)
def test_a_model_for_other_data_is_refused(shards, shape, message):
    with pytest.raises(ConfigError, match=message) as caught:
        predict(network(**{"labels": 14, **shape}), shards, "test")
    assert str(caught.value).startswith(f"{shards}: ")


def test_a_model_with_a_call_of_its_own_is_refused_and_put_into_one_of_layers(shards):
    class OwnCall(keras.Model):
        def call(self, signal):
            return self.inside(signal)

    model = OwnCall(name="mine")
    model.inside = network(14)
    with pytest.raises(ConfigError, match=r"mine does not say what it takes.*model\(inputs\)\)"):
        predict(model, shards, "test")
    inputs = keras.Input((400, 12))
    found = predict(keras.Model(inputs, model(inputs)), shards, "test")
    expected = predict(model.inside, shards, "test")
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-6)


def test_outputs_that_are_no_probabilities_are_refused(shards):
    for fill, message in (
        (np.nan, r"Received: nan for record"),
        (7.0, r"Received: 7.0 for record"),
    ):
        with pytest.raises(DataError, match=message) as caught:
            predict(network(14, activation=None, fill=fill), shards, "test")
        assert str(caught.value).startswith(f"the model's predictions of {shards}, test: ")


def test_a_missing_split_or_folder_and_a_senseless_batch_are_refused(shards, tmp_path):
    with pytest.raises(DataError, match=r"no split named 'tests'. Allowed: .* mean 'test'"):
        predict(network(14), shards, "tests")
    with pytest.raises(ConfigError, match=r"batch_size must be at least 1. Received: 0"):
        predict(network(14), shards, "test", batch_size=0)
    with pytest.raises(DataError, match=r"no such folder of shards"):
        predict(network(14), tmp_path / "nowhere", "test")


@pytest.mark.real
def test_real_ecgs_from_tables_to_scores(real_data, tmp_path):
    raw = real_data / "ptbxl"
    data.prepare(Data(source="ptbxl", raw=raw), tmp_path / "shards")
    model = network(5, num_samples=1000)
    splits = {name: predict(model, tmp_path / "shards", name) for name in ("valid", "test")}

    def read_csv(name):
        with (raw / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    for name, fold in (("valid", 9), ("test", 10)):
        table = [row for row in read_csv("ptbxl_database") if int(row["strat_fold"]) == fold]
        codes = {row[""]: row["diagnostic_class"] for row in read_csv("scp_statements")}
        classes = [{codes[code] for code in ast.literal_eval(row["scp_codes"])} for row in table]
        assert len(splits[name].record_ids) == len(table)
        for column, label in enumerate(splits[name].labels):
            assert splits[name].targets[:, column].sum() == sum(label in one for one in classes)
        assert len(np.unique(splits[name].patient_ids)) == len({row["patient_id"] for row in table})

    path = tmp_path / "test.npz"
    splits["test"].save(path)
    scores = evaluate(Predictions.load(path), splits["valid"], bootstrap=100)
    assert (scores.records, scores.patients) == (66, 59)
    assert scores.undefined == ()
    assert 0.2 < scores.summary["macro_auroc"].value < 0.8  # an untrained network knows little


def test_a_damaged_shard_is_named(shards, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(shards, folder)
    shard = next(folder.glob("test-*.tfrecord"))
    content = bytearray(shard.read_bytes())
    content[5000] ^= 255
    shard.write_bytes(content)
    with pytest.raises(DataError, match=r"copy: a shard of the test split is damaged \(corrupted"):
        predict(network(len(data.describe(folder).labels)), folder, "test")
