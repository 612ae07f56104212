"""A phase that fits the head in closed form: what it changes, logs, and how it resumes."""

import keras
import numpy as np
import pytest
from small_trainings import assert_same, changed, weights

from ecg_keras import data
from ecg_keras.config import Phase, Recipe, run_changes, run_settings
from ecg_keras.errors import DataError
from ecg_keras.evaluation import predict
from ecg_keras.metrics import fit_ridge_head
from ecg_keras.training import Run, build_model, read_log, train

RIDGE = {"epochs": 1, "train_from": "head", "fit": "ridge"}


def with_phases(recipe: Recipe, *phases) -> Recipe:
    return changed(recipe, training={"phases": phases})


@pytest.fixture(scope="module")
def probe(tmp_path_factory, recipe, shards):
    """A ridge head on the random network of the recipe."""
    run = Run(tmp_path_factory.mktemp("runs") / "probe")
    return train(with_phases(recipe, RIDGE), shards=shards, run=run)


def test_the_head_is_fitted_to_whole_ecgs_and_nothing_else_is_changed(probe, recipe, shards):
    model = keras.models.load_model(probe.model, compile=False)
    untrained = build_model(with_phases(recipe, RIDGE), data.describe(shards), shards)
    for layer in untrained.layers:
        if layer.name != "head":
            assert_same(layer.get_weights(), model.get_layer(layer.name).get_weights())
    embed = keras.Model(untrained.input, untrained.get_layer("head").input)
    parts = list(data.load_with_ids(shards, "train", 1000))
    assert len(parts) == 1
    signal, targets, _, patients = parts[0]
    head = fit_ridge_head(embed(signal, training=False), targets, patients)
    kernel, bias = model.get_layer("head").get_weights()
    np.testing.assert_allclose(kernel, head.kernel, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(bias, head.bias, rtol=1e-3, atol=1e-3)


def test_it_is_logged_as_one_epoch_with_its_own_loss_and_scores(probe, shards):
    (row,) = read_log(probe.log)
    assert (row["epoch"], row["phase"]) == ("1", "1")
    model = keras.models.load_model(probe.model, compile=False)
    said = predict(model, shards, "train")
    loss = -np.log(np.where(said.targets == 1, said.probabilities, 1 - said.probabilities)).mean()
    assert float(row["loss"]) == pytest.approx(loss, rel=1e-4)
    assert 0 <= float(row["val_macro_auroc"]) <= 1
    status = probe.read_status()
    assert (status["state"], status["epochs"], status["best_epoch"]) == ("trained", 1, 1)


def test_fewer_records_are_the_nested_subset(tmp_path, recipe, shards):
    few = with_phases(recipe, RIDGE)
    few = few.model_copy(update={"data": few.data.model_copy(update={"train_records": 20})})
    run = train(few, shards=shards, run=Run(tmp_path / "few"))
    chosen = data.training_subset(shards, data.describe(shards), 20, few.training.seed)
    parts = list(data.load_chosen(shards, "train", 7, chosen))
    assert sorted(name for _, _, names, _ in parts for name in names) == sorted(chosen)
    said = predict(keras.models.load_model(run.model, compile=False), shards, "train")
    own = np.isin(said.record_ids, chosen)
    share = (said.targets[own].sum(axis=0) + 1) / 22
    mean = said.probabilities[own].mean(axis=0)
    np.testing.assert_allclose(mean, share, atol=0.05)  # Platt's line keeps the mean


def test_a_second_phase_starts_from_it_also_after_a_stop(tmp_path, recipe, shards):
    both = with_phases(recipe, RIDGE, {"epochs": 2, "learning_rate": 1e-3})

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    stopped, whole = Run(tmp_path / "stopped"), Run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(both, shards=shards, run=stopped, callbacks=[Stop()])
    for run in (stopped, whole):
        train(both, shards=shards, run=run)
    assert [row["phase"] for row in read_log(whole.log)] == ["1", "2", "2"]
    assert_same(weights(stopped), weights(whole))


def test_embeddings_that_are_too_large_are_refused(tmp_path, recipe, shards, monkeypatch):
    monkeypatch.setattr("ecg_keras.training.fitting.LARGEST_BYTES", 1000)
    with pytest.raises(DataError, match=r"Set model\.head: pooled, or data\.train_records"):
        train(with_phases(recipe, RIDGE), shards=shards, run=Run(tmp_path / "large"))


@pytest.mark.parametrize("wrong", [{"epochs": 2}, {"train_from": "stem"}])
def test_other_phases_can_not_be_ridge(recipe, wrong):
    with pytest.raises(ValueError, match=r"use \{epochs: 1, train_from: head, fit: ridge\}"):
        Phase.model_validate({**RIDGE, **wrong})


def test_runs_from_before_the_key_are_the_same(recipe):
    old = run_settings(recipe)
    for phase in old["training"]["phases"]:
        del phase["fit"]
    assert run_changes(old, recipe) == []
