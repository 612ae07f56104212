"""First weights that can't be used are refused before any data are there."""

import re
import shutil
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import keras
import pytest

from ecg_keras import data, models
from ecg_keras.config import Recipe
from ecg_keras.errors import DataError
from ecg_keras.models import read_architecture
from ecg_keras.training import Run, check_weights
from ecg_keras.training.prerequisites import check_upstream, decide_memory

LEADS = ("I", "II", "V1")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "model.keras"
    backbone = models.find_backbone("gru")(100, 3, head="flattened")
    models.save_model(models.classifier(backbone, ["MI", "AF"]), path)
    return path


def recipe(path, *, seconds=2.0, **sections):
    return Recipe.model_validate(
        {
            "mode": "finetune",
            "data": {"source": "ptb", "raw": "raw", "sampling_rate": 50.0, "seconds": seconds},
            "model": {"backbone": "gru", **sections.pop("model", {})},
            "initialise": {"from": str(path), **sections},
        }
    )


def test_a_file_says_what_is_in_it_without_being_opened_as_a_network(path, tmp_path):
    found = read_architecture(path)
    assert (found.backbone, found.num_samples, found.num_leads) == ("gru", 100, 3)
    assert found.num_labels == 2 and found.flattened
    damaged = tmp_path / "model.keras"
    damaged.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="not a Keras model that opens safely"):
        read_architecture(damaged)
    with pytest.raises(DataError, match="no such model"):
        read_architecture(tmp_path / "none.keras")


@pytest.mark.parametrize(
    ("leads", "changes", "message"),
    [
        (LEADS, {"model": {"backbone": "lstm"}}, "its network is gru, and this recipe's lstm"),
        (LEADS[:2], {}, "its number of leads is 3, and this recipe's 2"),
        (LEADS, {"model": {"head": "attention"}}, "its head is flattened, .* recipe's attention"),
    ],
)
def test_another_network_number_of_leads_or_attention_is_refused(path, leads, changes, message):
    check_weights(path, recipe(path), leads=LEADS)
    with pytest.raises(DataError, match=message):
        check_weights(path, recipe(path, **changes), leads=leads)


def test_weights_fit_any_pooling_and_length_unless_a_dense_layer_follows_or_the_head_is_kept(
    path, shards, tmp_path
):
    for head in ("pooled", "mean_max", "flattened"):
        check_weights(path, recipe(path, seconds=4.0, model={"head": head}), leads=LEADS)
    dense, kept = tmp_path / "dense.keras", tmp_path / "model.keras"
    backbone = models.find_backbone("resnet1d18")(100, 3, head="flattened")
    models.save_model(models.classifier(backbone, ["MI"]), dense)
    shutil.copyfile(path, kept)
    dataset = replace(data.read_dataset(shards / "dataset.json"), leads=LEADS, sampling_rate=50.0)
    (tmp_path / "dataset.json").write_text(dataset.dump())
    for weights, backbone, how in ((dense, "resnet1d18", "new"), (kept, "gru", "keep")):
        for seconds, head, message in (
            (2.0, "flattened", ""),
            (4.0, "flattened", "its length in samples is 100, and this recipe's 200"),
            (2.0, "mean_max", "its head is flattened, and this recipe's mean_max. Set model.head"),
        ):
            network = {"backbone": backbone, "head": head}
            begun = recipe(weights, seconds=seconds, head=how, model=network)
            with pytest.raises(DataError, match=message) if message else nullcontext():
                check_weights(weights, begun, leads=LEADS)


def test_a_network_of_others_is_to_be_imported(tmp_path):
    signal = keras.Input((100, 3))
    end = keras.layers.Dense(1)(keras.layers.Flatten()(signal))
    keras.Model(signal, end, name="theirs").save(tmp_path / "theirs.keras")
    with pytest.raises(DataError, match=r"its network is theirs, .*ecg-keras import .*--card"):
        check_weights(tmp_path / "theirs.keras", recipe(tmp_path), leads=LEADS)


def test_a_head_of_several_layers_is_not_kept(shards, tmp_path):
    backbone = models.find_backbone("xception_time")(100, 3)
    published = models.with_label_maps(models.classifier(backbone, ["MI"]))
    models.save_model(published, tmp_path / "model.keras")
    dataset = replace(data.read_dataset(shards / "dataset.json"), leads=LEADS, sampling_rate=50.0)
    (tmp_path / "dataset.json").write_text(dataset.dump())
    settings = {"model": {"backbone": "xception_time"}}
    check_weights(tmp_path, recipe(tmp_path, **settings), leads=LEADS)
    with pytest.raises(DataError, match=r"its head has further layers \(head_"):
        check_weights(tmp_path, recipe(tmp_path, head="keep", **settings), leads=LEADS)


def test_other_labels_are_refused_where_the_head_is_kept(path, shards, tmp_path):
    shutil.copyfile(path, tmp_path / "model.keras")
    dataset = replace(data.read_dataset(shards / "dataset.json"), leads=LEADS, sampling_rate=50.0)
    (tmp_path / "dataset.json").write_text(dataset.dump())
    kept = recipe(tmp_path, head="keep")
    check_weights(tmp_path, kept, leads=LEADS, labels=dataset.labels)
    with pytest.raises(DataError, match=r"its head is for .* `initialise: \{head: new\}`"):
        check_weights(tmp_path, kept, leads=LEADS, labels=("MI",))


def test_a_model_in_its_run_folder_is_checked_like_the_run(path, shards, tmp_path):
    weights = shutil.copyfile(path, tmp_path / "model.keras")
    dataset = replace(data.read_dataset(shards / "dataset.json"), leads=LEADS, sampling_rate=50.0)
    (tmp_path / "dataset.json").write_text(dataset.dump())
    check_weights(weights, recipe(weights, head="keep"), leads=LEADS, labels=dataset.labels)
    with pytest.raises(DataError, match=r"model\.keras: was trained with leads I, II, V1, and"):
        check_weights(weights, recipe(weights), leads=("I", "II", "V2"))
    with pytest.raises(DataError, match=r"model\.keras: its head is for"):
        check_weights(weights, recipe(weights, head="keep"), leads=LEADS, labels=("MI",))
    faster = replace(dataset, sampling_rate=500.0)
    with pytest.raises(DataError, match=r"trained with sampling rate 50 Hz, and .* has 500 Hz"):
        check_upstream(weights, faster, keep_head=False)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"unit": "mV"}, "its model.preprocessing.unit is uV, and this recipe's mV. Remove"),
        (
            {"filters": [{"kind": "highpass", "hz": 1.0, "order": 2}]},
            "filters is [{'kind': 'highpass', 'hz': 0.5, 'order': 2}], and this recipe's [{",
        ),
        ({"scaling": {"kind": "zscore", "over": "all"}}, "scaling is {'kind': 'zscore'}, and"),
    ],
)
def test_another_scaling_is_refused_where_the_upstreams_is_to_come(
    path, tmp_path, changed, message
):
    shutil.copyfile(path, tmp_path / "model.keras")
    theirs = {
        "unit": "uV",
        "filters": [{"kind": "highpass", "hz": 0.5, "order": 2}],
        "scaling": {"kind": "zscore"},
        "leads": list(LEADS),
    }
    network = {"backbone": "gru", "scaling": "none", "preprocessing": theirs}
    Run(tmp_path).write_status(state="trained", settings={"model": network})
    same = {**theirs, "missing": "zero"}
    check_weights(tmp_path, recipe(tmp_path, model={**network, "preprocessing": same}), leads=LEADS)
    other = {**network, "preprocessing": {**theirs, **changed}}
    with pytest.raises(DataError, match=re.escape(message)):
        check_weights(tmp_path, recipe(tmp_path, model=other), leads=LEADS)
    check_weights(tmp_path, recipe(tmp_path, model=other, scaling="own"), leads=LEADS)
    with pytest.raises(DataError, match=r"its model\.scaling is none, and this recipe's minmax"):
        check_weights(tmp_path, recipe(tmp_path, model={"scaling": "minmax"}), leads=LEADS)


def test_fewer_leads_fit_where_the_network_gets_its_own(path, shards, tmp_path):
    whole = replace(data.read_dataset(shards / "dataset.json"), leads=LEADS, sampling_rate=50.0)
    (tmp_path / "dataset.json").write_text(whole.dump())
    fewer = replace(whole, leads=LEADS[:2])
    check_upstream(tmp_path, fewer, keep_head=False, leads=LEADS)
    with pytest.raises(DataError, match=r"take missing leads as zero with initialise\.leads"):
        check_upstream(tmp_path, fewer, keep_head=False, leads=fewer.leads)


def test_processes_of_one_machine_share_the_memory_that_each_finds_free(tmp_path, monkeypatch):
    dataset = SimpleNamespace(num_samples=100, leads=LEADS)
    monkeypatch.setattr("ecg_keras.data.memory.free_memory", lambda: 4 * 10 * 100 * 3 * 2)

    def decide(records, **begun):
        return decide_memory(begun, tmp_path, dataset, records)

    assert decide(10) and not decide(11)
    monkeypatch.setenv("ECG_KERAS_MEMORY_SHARED_BY", "4")
    assert decide(2) and not decide(3)
    # a run resumes by what was decided at its start
    assert decide(10, in_memory=True) and decide(20, state="training")
