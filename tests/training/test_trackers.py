"""Scores, settings and ECGs in TensorBoard, MLflow and W&B, without a network."""

import copy
import json
import math
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


class RecordingMlflow:
    """The client's methods that are used, and no others; each is noted."""

    def __init__(self):
        self.calls, self.experiments = [], {}

    def MlflowClient(self, *, tracking_uri):
        self.calls.append(("MlflowClient", tracking_uri))
        return self

    def get_experiment_by_name(self, name):
        return self.experiments.get(name)

    def create_experiment(self, name):
        self.calls.append(("create_experiment", name))
        self.experiments[name] = SimpleNamespace(experiment_id=f"of {name}")
        return f"of {name}"

    def create_run(self, experiment_id, *, tags):
        self.calls.append(("create_run", experiment_id, tags))
        return SimpleNamespace(info=SimpleNamespace(run_id=f"run of {tags['mlflow.runName']}"))

    def update_run(self, run_id, *, status):
        self.calls.append(("update_run", run_id, status))

    def log_param(self, run_id, key, value):
        self.calls.append(("log_param", run_id, key, value))

    def log_metric(self, run_id, key, value, *, step):
        self.calls.append(("log_metric", run_id, key, value, step))

    def set_terminated(self, run_id):
        self.calls.append(("set_terminated", run_id))


def test_mlflow_is_called_for_each_setting_and_epoch(valid, tmp_path, monkeypatch):
    mlflow = RecordingMlflow()
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    losses = fit(network(), valid, MlflowRun(SETTINGS, tmp_path / "first"), epochs=2)["loss"]
    logged = [("log_metric", "run of first", "loss", pytest.approx(one)) for one in losses]
    assert mlflow.calls == [
        ("MlflowClient", None),
        ("create_experiment", "ecg_keras"),
        ("create_run", "of ecg_keras", {"mlflow.runName": "first"}),
        *(("log_param", "run of first", name, str(value)) for name, value in FLAT.items()),
        *((*one, step) for step, one in enumerate(logged, start=1)),
        ("set_terminated", "run of first"),
    ]
    mlflow.calls.clear()  # the same folder resumes its run, and its settings are there
    again = MlflowRun(SETTINGS, tmp_path / "first", tracking_uri="http://lab")
    (loss,) = fit(network(), valid, again, initial_epoch=2, epochs=3)["loss"]
    assert mlflow.calls == [
        ("MlflowClient", "http://lab"),
        ("update_run", "run of first", "RUNNING"),
        ("log_metric", "run of first", "loss", pytest.approx(loss), 3),
        ("set_terminated", "run of first"),
    ]
    mlflow.calls.clear()  # another folder is another run of the experiment that is there
    other = MlflowRun({"note": "x" * 300}, tmp_path / "second")
    other.on_train_begin()
    other.on_epoch_end(0, {"loss": np.float32(0.5), "odd": math.nan, "several": np.ones(2)})
    _, created, noted, metric = mlflow.calls
    assert created == ("create_run", "of ecg_keras", {"mlflow.runName": "second"})
    assert noted[:3] == ("log_param", "run of second", "note") and 200 < len(noted[3]) <= 250
    assert metric == ("log_metric", "run of second", "loss", 0.5, 1)


def test_wandb_is_called_for_each_training_and_epoch(valid, tmp_path, monkeypatch):
    calls = []
    run = SimpleNamespace(
        id="run 1",
        log=lambda values, *, step: calls.append(("log", values, step)),
        finish=lambda: calls.append("finish"),
    )
    fake = SimpleNamespace(init=lambda **options: calls.append(("init", options)) or run)
    monkeypatch.setitem(sys.modules, "wandb", fake)
    folder = tmp_path / "first"
    options = {"project": "ecg_keras", "name": "first", "mode": "offline", "dir": str(folder)}
    options |= {"resume": "allow", "config": FLAT}
    losses = fit(network(), valid, WandbRun(SETTINGS, folder), epochs=2)["loss"]
    assert calls == [
        ("init", {**options, "id": None}),
        *(("log", {"loss": pytest.approx(one)}, step) for step, one in enumerate(losses, start=1)),
        "finish",
    ]
    calls.clear()
    (loss,) = fit(network(), valid, WandbRun(SETTINGS, folder), initial_epoch=2, epochs=3)["loss"]
    assert calls == [
        ("init", {**options, "id": "run 1"}),
        ("log", {"loss": pytest.approx(loss)}, 3),
        "finish",
    ]


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
