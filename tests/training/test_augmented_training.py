"""Training on ECGs with every random change, mixed targets included, and averages of weights."""

import keras
import numpy as np
import pytest
from small_trainings import assert_same, changed, weights

from ecg_keras import evaluation, metrics
from ecg_keras.training import Run, read_log, train

# 50 Hz, at which there can be no mains hum
EVERYTHING = {
    "crop": 2.0,
    "shift": 0.2,
    "gain": 0.1,
    "noise": 0.02,
    "coloured_noise": 0.02,
    "baseline_wander": 0.1,
    "lead_dropout": 0.1,
    "lead_group_dropout": 0.1,
    "mixup": 0.2,
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory, recipe, shards):
    """The same training twice."""
    changes = {
        "augment": EVERYTHING,
        "optimizer": {"adam": {"use_ema": True, "ema_momentum": 0.9}},
        "phases": [{"epochs": 2, "learning_rate": 1e-2}],
    }
    noisy = changed(recipe, training=changes)
    folder = tmp_path_factory.mktemp("augmented")
    return [train(noisy, shards=shards, run=Run(folder / name)) for name in "ab"]


def test_it_is_repeatable(runs):
    assert_same(*map(weights, runs))


def test_what_is_kept_has_the_score_on_unchanged_ecgs_and_their_own_labels(runs, shards):
    best = runs[0].read_status()["best_epoch"]
    row = read_log(runs[0].log)[best - 1]
    assert 0 < float(row["loss"]) < 5
    predicted = evaluation.predict(keras.models.load_model(runs[0].model), shards, "valid")
    assert set(np.unique(predicted.targets)) <= {0, 1}
    found = metrics.score_labels(predicted.targets, predicted.probabilities)
    value = metrics.METRICS["macro_auroc"](found)
    assert value == pytest.approx(float(row["val_macro_auroc"]), abs=1e-5)
