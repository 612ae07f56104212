"""Training: phases, freezing, selection, and going on after a stop as if there had been none."""

import json
import shutil

import keras
import numpy as np
import pytest
from sklearn.metrics import f1_score
from small_trainings import assert_same, changed, weights

from ecg_keras import evaluation
from ecg_keras.data import describe, fits_in_memory
from ecg_keras.errors import DataError
from ecg_keras.json_files import write_json
from ecg_keras.training import Run, read_log, train
from ecg_keras.training.checkpoint import read_progress


class StopAt(keras.callbacks.Callback):
    """Breaks off as a kill would, after an epoch was checkpointed."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == self.epoch:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def trained(tmp_path_factory, recipe, shards):
    """The recipe's run without a stop."""
    return train(recipe, shards=shards, run=Run(tmp_path_factory.mktemp("runs") / "whole"))


def logged(run: Run) -> float:
    return sum(float(row["seconds"]) for row in read_log(run.log))


def test_a_run_folder_is_complete(trained, recipe):
    status = trained.read_status()
    assert status["state"] == "trained"
    assert status["epochs"] == 5
    assert "decays_by_stage" not in status  # no weight decays
    assert 1 <= status["best_epoch"] <= 5
    assert status["seconds"] > logged(trained)  # reading the records, and what is written
    assert not trained.checkpoints.exists()
    rows = read_log(trained.log)
    assert [row["phase"] for row in rows] == ["1", "1", "2", "2", "2"]
    best = max(float(row["val_macro_auroc"]) for row in rows)
    assert status["best_score"] == pytest.approx(best, abs=1e-5)
    assert float(rows[status["best_epoch"] - 1]["val_macro_auroc"]) == pytest.approx(best)
    assert "keras" in trained.environment.read_text()
    assert any(trained.tensorboard.rglob("events*"))
    assert keras.models.load_model(trained.model, compile=False).input_shape == (None, 200, 12)


@pytest.mark.parametrize(
    ("epoch", "seconds", "saved", "version"),
    [
        pytest.param(1, 0, 1, "this", marks=pytest.mark.long),
        (2, 0, 2, "this"),
        (4, 0, 4, "this"),
        (4, 99, 2, "earlier"),
        (5, 0, 5, "earlier"),
    ],
)
def test_a_stopped_run_goes_on_as_if_there_had_been_no_stop(
    tmp_path, trained, recipe, shards, monkeypatch, epoch, seconds, saved, version
):
    def leave(free):
        monkeypatch.setattr("ecg_keras.data.memory.free_memory", lambda: free)

    monkeypatch.setattr("ecg_keras.training.checkpoint.SECONDS_BETWEEN", seconds)
    run = Run(tmp_path / "stopped")
    # what a running training has taken is not free for its next phase
    taking = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: leave(0))
    with pytest.raises(KeyboardInterrupt):
        train(recipe, shards=shards, run=run, callbacks=[taking, StopAt(epoch)])
    assert read_progress(run.checkpoints).epoch == saved
    assert not run.model.exists()
    # less is free now, so that a run that began now would read its records in another order
    dataset = describe(shards)
    taken = dataset.splits["train"].records * dataset.num_samples * len(dataset.leads) * 2
    leave(2 * taken)
    assert not fits_in_memory(dataset, dataset.splits["train"].records)
    if version == "earlier":
        status = {name: one for name, one in run.read_status().items() if name != "in_memory"}
        write_json(run.status, status)
    else:
        leave(2 * taken - 1)  # reading takes twice as much
        with pytest.raises(
            DataError,
            match=r"train split is to be in memory.* the same command again: this run began",
        ):
            train(recipe, shards=shards, run=run)
        leave(2 * taken)
    train(recipe, shards=shards, run=run)
    rows = read_log(run.log)
    assert run.read_status()["seconds"] >= logged(run) - 0.06  # before the stop and after it
    for one, other in zip(rows, read_log(trained.log), strict=True):
        one.pop("seconds"), other.pop("seconds")
        assert one == other
    assert_same(weights(run), weights(trained))


def test_a_run_that_another_process_finished_meanwhile_is_not_trained_again(
    tmp_path, trained, recipe, shards, monkeypatch
):
    run = Run(tmp_path / "shared")
    shutil.copytree(trained.folder, run.folder)
    status = run.read_status()
    monkeypatch.setattr("ecg_keras.training.loop.build_model", None)
    assert train(recipe, shards=shards, run=run).read_status() == status


def test_a_frozen_stage_keeps_its_weights(tmp_path, recipe, shards, trained):
    phase = {"epochs": 1, "learning_rate": 1e-2, "train_from": "head"}
    start = {"mode": "finetune", "initialise": {"from": str(trained.folder)}}
    frozen = changed(recipe, training={"phases": [phase], "seed": 5}, **start)
    run = train(frozen, shards=shards, run=Run(tmp_path / "frozen"), upstream=trained.folder)
    one, other = (
        {layer.name: layer.get_weights() for layer in keras.models.load_model(r.model).layers}
        for r in (run, trained)
    )
    for name in one:
        same = all(np.array_equal(a, b) for a, b in zip(one[name], other[name], strict=True))
        assert same == (name != "head"), name


def test_the_scaling_is_the_upstreams_unless_the_recipe_keeps_its_own(
    tmp_path, recipe, shards, trained
):
    def finetuned(model, scaling):
        tuned = changed(
            recipe,
            mode="finetune",
            initialise={"from": str(trained.folder), "scaling": scaling},
            model={**recipe.model.model_dump(), "scaling": model},
            training={"phases": [{"epochs": 1, "train_from": "head"}]},
        )
        run = train(tuned, shards=shards, run=Run(tmp_path / model), upstream=trained.folder)
        return keras.models.load_model(run.model, compile=False)

    with pytest.raises(DataError, match=r"scaling: preprocess_standardise in the file, none here"):
        finetuned("none", "upstream")
    upstream = keras.models.load_model(trained.model, compile=False)
    unscaled = finetuned("none", "own")
    assert not [layer.name for layer in unscaled.layers if layer.name.startswith("preprocess")]
    assert_same(*(one.get_layer("stem_gru").get_weights() for one in (unscaled, upstream)))


@pytest.mark.parametrize("average", ["macro", "weighted"])
def test_the_test_split_chooses_the_epoch_where_the_recipe_says_so(
    tmp_path, recipe, shards, average
):
    training = {
        "validate_on": "test",
        "select": f"best_{average}_f1",
        "phases": [{"epochs": 3, "learning_rate": 3e-2}],
    }
    run = train(changed(recipe, training=training), shards=shards, run=Run(tmp_path / "published"))
    rows = read_log(run.log)
    scores = [float(row[f"val_{average}_f1"]) for row in rows]
    status = run.read_status()
    assert status["best_epoch"] == 1 + scores.index(max(scores))
    test = evaluation.predict(keras.models.load_model(run.model, compile=False), shards, "test")
    best = f1_score(test.targets, test.probabilities >= 0.5, average=average, zero_division=0)
    assert status["best_score"] == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize(
    ("precision", "computes"), [("mixed_bfloat16", "bfloat16"), ("float64", "float64")]
)
def test_other_precisions_keep_probabilities_in_float32(
    tmp_path, recipe, shards, precision, computes
):
    training = {
        "phases": [{"epochs": 1, "stage_decay": 0.5}, {"epochs": 1}],
        "precision": precision,
    }
    run = train(changed(recipe, training=training), shards=shards, run=Run(tmp_path / "other"))
    model = keras.models.load_model(run.model, compile=False)
    assert model.get_layer("stem_gru").compute_dtype == computes
    assert model.output.dtype == "float32"
    assert json.loads(run.environment.read_text())["precision"] == precision
    assert keras.config.dtype_policy().name == "float32"


def test_a_run_resumes_in_the_precision_that_it_began_in(tmp_path, recipe, shards, monkeypatch):
    monkeypatch.setattr("ecg_keras.training.checkpoint.SECONDS_BETWEEN", 0)
    recipe = changed(recipe, training={"phases": [{"epochs": 2, "learning_rate": 1e-2}]})
    run, earlier = Run(tmp_path / "moved"), Run(tmp_path / "earlier")
    with monkeypatch.context() as elsewhere, pytest.raises(KeyboardInterrupt):
        # as `auto` does on a GPU that lacks bfloat16
        elsewhere.setattr("ecg_keras.training.loop.choose_precision", lambda _: "mixed_float16")
        train(recipe, shards=shards, run=run, callbacks=[StopAt(1)])
    begun = dict(run.read_status())
    shutil.copytree(run.folder, earlier.folder)
    run.write_status(precision="float32")
    with pytest.raises(DataError, match=r"epoch-0001.weights.h5: its network or optimizer is anot"):
        train(recipe, shards=shards, run=run)
    write_json(run.status, begun)
    train(recipe, shards=shards, run=run)
    assert json.loads(run.environment.read_text())["precision"] == "mixed_float16"
    model = keras.models.load_model(run.model, compile=False)
    assert model.get_layer("stem_gru").compute_dtype == "float16"
    begun.pop("precision")
    write_json(earlier.status, begun)
    with pytest.warns(UserWarning, match="Skipping variable loading for optimizer"):
        train(recipe, shards=shards, run=earlier)
    assert "precision" not in earlier.read_status()


def test_patience_ends_a_phase(tmp_path, recipe, shards):
    training = {"phases": [{"epochs": 9, "learning_rate": 1e-9}], "patience": 2}
    run = train(changed(recipe, training=training), shards=shards, run=Run(tmp_path / "patient"))
    status = run.read_status()
    assert status["epochs"] == status["best_epoch"] + 2 < 9
