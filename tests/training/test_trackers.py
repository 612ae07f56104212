"""Scores, settings and ECGs in TensorBoard, MLflow and W&B, without a network."""

import copy
import json
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from small_trainings import changed, fit, network
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ecg_keras import training
from ecg_keras.callbacks import MlflowRun, TensorBoardEcgs, TensorBoardSettings, WandbRun
from ecg_keras.config import Training
from ecg_keras.errors import ConfigError
from ecg_keras.training.choices import make_callbacks
from ecg_keras.training.trackers import HEIGHT, PER_MV, PER_SECOND, draw, flatten

SETTINGS = {"rate": 0.1, "model": {"dropout": 0.5}, "phases": [{"epochs": 2}], "leads": ["I", "II"]}
FLAT = {"rate": 0.1, "model.dropout": 0.5, "phases.0.epochs": 2, "leads": "['I', 'II']"}


def events(folder):
    found = EventAccumulator(str(folder), size_guidance={"images": 0, "tensors": 0})
    return found.Reload()


def test_an_ecg_is_drawn_to_scale():
    signal = np.zeros((100, 2))
    signal[50, 0], signal[:, 1] = 1.0, np.nan
    picture = draw(signal, 50)
    assert picture.shape == (2 * HEIGHT, 2 * PER_SECOND, 3)
    dark = (picture < 100).all(axis=2)
    rows = np.flatnonzero(dark[:HEIGHT, PER_SECOND - 2 : PER_SECOND + 3].any(axis=1))
    assert (rows.min(), rows.max()) == (HEIGHT // 2 - PER_MV, HEIGHT // 2)
    assert dark[HEIGHT:].any(axis=1).sum() == 1  # what is not known is flat
    assert dark[HEIGHT:].any(axis=0)[1:].all()  # and has no gaps


def test_ecgs_and_answers_are_in_tensorboard(valid, tmp_path):
    shown = TensorBoardEcgs(valid, ["a", "b"], tmp_path, sampling_rate=20, records=3)
    fit(network(), valid, shown, epochs=2)
    found = events(tmp_path / "ecgs")
    assert found.Tags()["tensors"] == ["ecg/0", "ecg/1", "ecg/2", "ecg/probabilities"]
    answers = found.Tensors("ecg/probabilities")
    assert [one.step for one in answers] == [0, 1]
    text = answers[0].tensor_proto.string_val[0].decode()
    assert text.splitlines()[0] == "| ECG | has | a | b |" and len(text.splitlines()) == 5
    with pytest.raises(ConfigError, match="records must be at least 1"):
        TensorBoardEcgs(valid, ["a", "b"], tmp_path, sampling_rate=20, records=0)


def test_of_several_inputs_the_ecg_is_shown(valid, tmp_path):
    signal, age = keras.Input((20, 3), name="signal"), keras.Input((1,), name="age")
    x = keras.layers.Concatenate()([keras.layers.GlobalAveragePooling1D()(signal), age])
    model = keras.Model([signal, age], keras.layers.Dense(2, "sigmoid")(x))
    model.compile("sgd", "binary_crossentropy")
    both = valid.map(lambda signal, target: ({"signal": signal, "age": signal[:, 0, 0]}, target))
    shown = TensorBoardEcgs(both, ["a", "b"], tmp_path, sampling_rate=20, records=2)
    fit(model, both, shown)
    tags = events(tmp_path / "ecgs").Tags()["tensors"]
    assert tags == ["ecg/0", "ecg/1", "ecg/probabilities"]


def test_of_several_outputs_the_named_one_is_shown(valid, tmp_path):
    signal = keras.Input((20, 3), name="signal")
    x = keras.layers.GlobalAveragePooling1D()(signal)
    heads = {
        "diagnosis": keras.layers.Dense(2, "sigmoid", name="diagnosis")(x),
        "age": keras.layers.Dense(1, name="age")(x),
    }
    both = valid.map(lambda signal, target: (signal, {"diagnosis": target, "age": target[:, :1]}))
    for outputs, data in ((heads, both), (list(heads.values()), both), (heads, valid)):
        model = keras.Model(signal, outputs)
        model.compile("sgd", {"diagnosis": "binary_crossentropy", "age": "mse"})
        shown = TensorBoardEcgs(data, "ab", tmp_path, sampling_rate=20, output="diagnosis")
        model.fit(both, verbose=0, shuffle=False, callbacks=[shown])
    assert events(tmp_path / "ecgs").Tensors("ecg/probabilities")
    shown = TensorBoardEcgs(both, "ab", tmp_path, sampling_rate=20)
    with pytest.raises(ConfigError, match=r"age, diagnosis: .* with TensorBoardEcgs\(\.\.\., outp"):
        model.fit(both, verbose=0, shuffle=False, callbacks=[shown])


def test_settings_and_scores_are_in_the_table_of_hyperparameters(valid, tmp_path):
    from tensorboard.plugins.hparams import plugin_data_pb2

    fit(network(), valid, TensorBoardSettings(SETTINGS, tmp_path), epochs=2)
    found = events(tmp_path / "settings")
    assert [one.step for one in found.Tensors("loss")] == [0, 1]
    content = found.PluginTagToContent("hparams")["_hparams_/session_start_info"]
    kept = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    assert kept["rate"].number_value == 0.1
    assert kept["leads"].string_value == "['I', 'II']"
    assert set(kept) == set(FLAT)
    assert dict(flatten(SETTINGS)) == FLAT


def test_each_copy_has_a_folder_of_its_own(valid, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace(MlflowClient=lambda **_: None))
    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace())
    listed = [
        TensorBoardEcgs(valid, ["a", "b"], tmp_path / "first", sampling_rate=20),
        *(one(SETTINGS, tmp_path / "first") for one in (TensorBoardSettings, MlflowRun, WandbRun)),
    ]
    # of an earlier search
    (tmp_path / "first-2" / "ecgs").mkdir(parents=True)
    (tmp_path / "first-2" / "mlflow.json").touch()
    copies = [[one.folder.name for one in copy.deepcopy(listed)] for _ in range(2)]
    assert copies == [["first-1"] * 4, ["first-3", "first-2", "first-3", "first-2"]]
    fit(network(), valid, *copy.deepcopy(listed)[:2], epochs=1)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["first-2", "first-3", "first-4"]


def test_a_package_that_is_missing_is_named_with_its_installation(tmp_path, monkeypatch):
    for name in ("mlflow", "wandb"):
        monkeypatch.setitem(sys.modules, name, None)
        message = f"needs the package {name}, which is not installed .*: pip install {name}"
        settings = Training(callbacks=(name,))
        with pytest.raises(ConfigError, match=message):
            make_callbacks(settings, settings={}, folder=tmp_path)


def test_mlflow_has_one_run_that_resumes(valid, tmp_path):
    mlflow = pytest.importorskip("mlflow", reason="needs MLflow: pip install mlflow")
    store = (tmp_path / "store").as_uri()
    client = mlflow.MlflowClient(tracking_uri=store)
    seen = []

    class Status(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            kept = json.loads((tmp_path / "first" / "mlflow.json").read_text())
            seen.append(client.get_run(kept["id"]).info.status)

    for epochs in (2, 3):  # the second begins with epoch 1 again, as after a kill
        run = MlflowRun(SETTINGS, tmp_path / "first", tracking_uri=store)
        fit(network(), valid, run, Status(), epochs=epochs)
    assert seen == ["RUNNING"] * 5  # in the second phase of a training, too
    (experiment,) = [one for one in client.search_experiments() if one.name == "ecg_keras"]
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.params == {name: str(value) for name, value in FLAT.items()}
    assert {one.step for one in client.get_metric_history(run.info.run_id, "loss")} == {1, 2, 3}
    assert run.info.status == "FINISHED"


def test_wandb_stays_offline(valid, tmp_path, monkeypatch):
    pytest.importorskip("wandb", reason="needs Weights & Biases: pip install wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    history = fit(network(), valid, WandbRun(SETTINGS, tmp_path / "first"), epochs=2)
    assert len(history["loss"]) == 2
    assert list((tmp_path / "first" / "wandb").glob("offline-run-*"))
    assert (tmp_path / "first" / "wandb.json").is_file()


def test_a_recipe_names_them(recipe, shards, tmp_path):
    rows = ["tensorboard_settings", {"tensorboard_ecgs": {"records": 2}}]
    quick = changed(recipe, training={"callbacks": rows, "phases": recipe.training.phases[:1]})
    run = training.Run(tmp_path / "run")
    training.train(quick, shards=shards, run=run)
    kept = events(run.tensorboard / "settings").Tensors("val_macro_auroc")
    assert [one.step for one in kept] == [0, 1]
    assert len(events(run.tensorboard / "ecgs").Tensors("ecg/probabilities")) == 2
