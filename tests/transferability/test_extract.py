"""What a checkpoint makes of real shards, against plain Keras."""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from published_weights import CARD, LEADS

from ecg_keras import data, models, simulate
from ecg_keras.config import Data, Simulate
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.transferability import ESTIMATORS, extract, rank_checkpoints
from ecg_keras.transferability.estimators import NEED_SOURCE

SOURCE_LABELS = ("NORM", "AFIB", "MI")


@pytest.fixture(scope="module")
def shards(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("target")
    wanted = Simulate(hospital="lakeside", records=60)
    simulate.simulate(folder / "raw", **wanted.model_dump())
    settings = Data(
        source="simulated",
        raw=folder / "raw",
        label_set="superdiagnostic",
        sampling_rate=50.0,
        seconds=4.0,
    )
    data.prepare(settings, folder / "shards")
    return folder / "shards"


def network(head: str = "pooled", num_samples: int = 200) -> keras.Model:
    backbone = models.find_backbone("gru")(num_samples=num_samples, num_leads=12, head=head)
    return models.classifier(backbone, SOURCE_LABELS, dropout=0.5)


@pytest.fixture(scope="module")
def run(shards, tmp_path_factory) -> Path:
    """A run folder as far as it is read here, of a network with other labels."""
    folder = tmp_path_factory.mktemp("run")
    models.save_model(network(), folder / "model.keras")
    card = json.loads((shards / "dataset.json").read_text())
    for split in card["splits"].values():
        split["labels"] = dict.fromkeys(SOURCE_LABELS, 1)
    (folder / "dataset.json").write_text(json.dumps({**card, "labels": SOURCE_LABELS}))
    return folder


def test_it_is_what_goes_into_the_head_and_what_comes_out(run, shards):
    seen = []
    features = extract(run, shards, on_progress=lambda done, total: seen.append((done, total)))
    records = list(data.read_shards(shards, "train"))
    signals = np.stack([record.signal for record in records])
    model = models.load_model(run)
    embedding = keras.Model(model.input, model.get_layer("embedding_pool").output)
    np.testing.assert_allclose(features.embeddings, embedding.predict(signals, verbose=0), 1e-4)
    np.testing.assert_allclose(
        features.source_probabilities, model.predict(signals, verbose=0), 1e-4
    )
    np.testing.assert_array_equal(features.targets, [record.target for record in records])
    assert features.record_ids.tolist() == [record.record_id for record in records]
    assert features.patient_ids.tolist() == [record.patient_id for record in records]
    assert features.labels == ("NORM", "MI", "STTC", "HYP", "CD")
    assert features.source_labels == SOURCE_LABELS
    assert features.width == 100
    assert seen[-1] == (len(records), len(records))


def test_a_single_file_in_its_run_folder_is_the_run_and_elsewhere_it_has_no_labels(
    run, shards, tmp_path
):
    assert extract(run / "model.keras", shards).source_labels == SOURCE_LABELS
    shutil.copy(run / "model.keras", tmp_path)
    alone = extract(tmp_path / "model.keras", shards)
    assert alone.source_labels is None
    assert alone.source_probabilities.shape[1] == 3


def test_a_subset_is_the_one_that_a_recipe_trains_on(run, shards):
    labels = {one.record_id: one.labels for one in data.read_shards(shards, "train")}
    features = extract(run, shards, train_records=20, seed=3)
    assert sorted(features.record_ids) == list(data.nested_subset(labels, 20, 3))
    first = extract(run, shards, train_records=20, subset="first")
    assert sorted(first.record_ids) == sorted(data.first_records(labels, 20))
    assert len(extract(run, shards, train_records=10**6).record_ids) == len(labels)
    some = sorted(labels)[::3]
    without = extract(run, shards, left_out=some)
    assert sorted(without.record_ids) == sorted({*labels} - {*some})
    few = extract(run, shards, train_records=20, seed=3, left_out=some)
    remaining = {name: labels[name] for name in labels if name not in some}
    assert sorted(few.record_ids) == list(data.nested_subset(remaining, 20, 3))
    with pytest.raises(ConfigError, match="train_records must be at least 1"):
        extract(run, shards, train_records=0)


def test_a_flattened_recurrent_network_is_sketched(shards, tmp_path):
    models.save_model(network("flattened"), tmp_path / "wide.keras")
    model = models.load_model(tmp_path / "wide.keras")
    features = extract(tmp_path / "wide.keras", shards)
    assert features.width == 20000
    assert features.embeddings.shape[1] == 2048
    signals = np.stack([record.signal for record in data.read_shards(shards, "train")])
    whole = keras.Model(model.input, model.get_layer("embedding_flatten").output)
    wide = whole.predict(signals, verbose=0)
    pairs = np.triu_indices(len(wide), 1)
    distances = [
        np.linalg.norm(points[pairs[0]] - points[pairs[1]], axis=1)
        for points in (wide, features.embeddings)
    ]
    ratio = distances[1] / distances[0]
    assert 0.9 < ratio.min() < ratio.mean() < ratio.max() < 1.1
    assert abs(ratio.mean() - 1) < 0.02
    again = extract(tmp_path / "wide.keras", shards)
    np.testing.assert_array_equal(again.embeddings, features.embeddings)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"leads": ["I", "V3R"]}, "was trained with leads I, V3R"),
        ({"leads": ["I", "II"]}, r"takes signals of the shape .* = \(200, 12\)"),
        ({"sampling_rate": 100.0}, "was trained with sampling rate 100 Hz"),
    ],
)
def test_another_kind_of_signal_is_refused(run, shards, tmp_path, change, message):
    shutil.copytree(run, tmp_path / "run")
    card = json.loads((run / "dataset.json").read_text())
    (tmp_path / "run" / "dataset.json").write_text(json.dumps({**card, **change}))
    with pytest.raises(DataError, match=message):
        extract(tmp_path / "run", shards)


def test_a_network_that_pools_over_time_takes_ecgs_of_another_length(run, shards, tmp_path):
    models.save_model(network(num_samples=300), tmp_path / "longer.keras")
    features = extract(tmp_path / "longer.keras", shards)
    longer, same = models.load_model(tmp_path / "longer.keras"), network(num_samples=200)
    same.set_weights(longer.get_weights())
    signals = np.stack([one.signal for one in data.read_shards(shards, "train")])
    np.testing.assert_allclose(
        features.source_probabilities, same.predict(signals, verbose=0), rtol=1e-4
    )


def test_a_head_with_weights_for_every_time_step_takes_its_own_length_alone(shards, tmp_path):
    models.save_model(network("flattened", num_samples=300), tmp_path / "longer.keras")
    with pytest.raises(DataError, match=r"longer\.keras: .* 200 samples instead of 300.*pooled"):
        extract(tmp_path / "longer.keras", shards)


def test_a_network_of_fewer_leads_gets_its_own_by_their_names(run, shards, tmp_path):
    leads = ["V6", "V5", "V4", "V3", "V2", "V1", "II", "I"]
    backbone = models.find_backbone("gru")(num_samples=200, num_leads=8, head="pooled")
    model = models.classifier(backbone, SOURCE_LABELS)
    models.save_model(model, tmp_path / "model.keras")
    card = json.loads((run / "dataset.json").read_text())
    (tmp_path / "dataset.json").write_text(json.dumps({**card, "leads": leads}))
    features = extract(tmp_path, shards)
    stored = data.describe(shards).leads
    signals = np.stack([one.signal for one in data.read_shards(shards, "train")])
    own = signals[..., [stored.index(lead) for lead in leads]]
    np.testing.assert_allclose(
        features.source_probabilities, model.predict(own, verbose=0), rtol=1e-4
    )


def test_what_can_not_be_read_is_told(shards, tmp_path):
    foreign, whole = tmp_path / "foreign.keras", network()
    models.save_model(keras.Model(whole.input, whole.layers[-3].output), foreign)
    with pytest.raises(DataError, match="its last layer must be called head"):
        extract(foreign, shards)
    broken = tmp_path / "broken.keras"
    model = network()
    head = model.get_layer("head")
    head.set_weights([np.full_like(head.get_weights()[0], np.nan), head.get_weights()[1]])
    models.save_model(model, broken)
    with pytest.raises(DataError, match=r"broken\.keras: its embedding of record .* is not finite"):
        extract(broken, shards)
    with pytest.raises(DataError, match="no such model"):
        extract(tmp_path / "missing", shards)


def test_a_head_that_is_no_sigmoid_has_no_source_probabilities(shards, tmp_path):
    signal = keras.Input((200, 12), name="signal")
    pooled = keras.layers.GlobalMaxPooling1D()(signal)
    output = keras.layers.Dense(3, activation="softmax", name="head")(pooled)
    models.save_model(keras.Model(signal, output), tmp_path / "softmax.keras")
    features = extract(tmp_path / "softmax.keras", shards)
    assert features.source_probabilities is None
    assert features.embeddings.shape[1] == 12


@pytest.mark.parametrize("checkpoint", ["", "model.keras"])
def test_a_head_that_none_published_has_no_source_probabilities(run, shards, tmp_path, checkpoint):
    shutil.copytree(run, tmp_path / "run")
    signals = {"rate": 50, "samples": 200, "leads": ", ".join(LEADS), "labels": "NORM, AFIB, MI"}
    for family, is_chance in (("gru", False), ("xresnet1d18", True)):
        (tmp_path / "run" / "card.yaml").write_text(CARD.format(family=family, **signals))
        features = extract(tmp_path / "run" / checkpoint, shards)
        assert (features.source_probabilities is None) == is_chance
    shutil.copy(run / "model.keras", tmp_path / "run" / "other.keras")  # which the card is not of
    assert extract(tmp_path / "run" / "other.keras", shards).source_probabilities is not None
    ranking = rank_checkpoints([tmp_path / "run"], shards)
    assert set(ranking.values) == {*ESTIMATORS} - {*NEED_SOURCE}


def test_checkpoints_are_ranked_in_one_pass_each(run, shards, tmp_path):
    other = tmp_path / "other.keras"
    models.save_model(network(), other)
    seen = []
    ranking = rank_checkpoints(
        [run, other], shards, on_progress=lambda done, total: seen.append((done, total))
    )
    assert ranking.checkpoints == (str(run), str(other))
    assert list(ranking.values) == list(ESTIMATORS)
    assert seen == [(ranking.records, 2 * ranking.records), (2 * ranking.records,) * 2]
    # the same weights, but for those of their own head's bias: equal ranks share
    assert ranking.ranks("knn") == (1.5, 1.5)
    assert set(ranking.labels) | set(ranking.left_out) == {"NORM", "MI", "STTC", "HYP", "CD"}
    for twice in ([run, run / "../" / run.name], []):
        with pytest.raises(ConfigError, match="must be different run folders"):
            rank_checkpoints(twice, shards)


def test_an_error_of_a_metric_names_the_checkpoint(shards, tmp_path):
    model = network()
    for layer in model.layers:
        layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    models.save_model(model, tmp_path / "dead.keras")
    with pytest.raises(DataError, match=r"dead\.keras, on .*: embeddings are the same for all"):
        rank_checkpoints([tmp_path / "dead.keras"], shards)
