"""Training ends where validation patients can't resolve a gain: by simulation."""

import copy
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from small_trainings import assert_same, fit, network

from ecg_keras.callbacks import StopWhenUnresolved, ValidationScores
from ecg_keras.errors import ConfigError
from ecg_keras.training import resolved_stopping
from ecg_keras.training.resolved_stopping import divide_patients, score_without
from ecg_keras.training.validation_pass import Outcome

LABELS = ["a", "b"]


def patients_of(random, records):
    """Targets, and what all networks can see of them: two records a patient, which are alike."""
    owners = np.arange(records) // 2
    targets = (random.random((records // 2, 2)) < 0.3)[owners].astype(float)
    visible = targets + random.normal(0, 1, (records // 2, 2))[owners]
    return owners, targets, visible


def outcome_of(random, targets, visible, noise):
    logits = visible + random.normal(0, noise, visible.shape) - 0.5
    return Outcome(targets, 1 / (1 + np.exp(-logits)), np.ones(len(targets)))


@pytest.fixture(autouse=True)
def fewer_groups(monkeypatch):
    """Which are quicker, and say the same less exactly."""
    monkeypatch.setattr(resolved_stopping, "GROUPS", 20)


def test_the_standard_error_is_how_much_the_gain_varies_over_patients():
    gains, errors = [], []
    for number in range(50):
        random = np.random.default_rng(number)
        owners, targets, visible = patients_of(random, 200)
        groups = divide_patients(owners, 200, 0)
        better, worse = (
            score_without(
                outcome_of(random, targets, visible, noise), LABELS, "macro_auroc", groups
            )
            for noise in (0.6, 1.0)
        )
        gain, error = better.gain_over(worse)
        gains.append(gain)
        errors.append(error)
    assert np.mean(errors) == pytest.approx(np.std(gains), rel=0.25)


class Epochs:
    """Stands for `ValidationScores`: predictions of made networks, one an epoch."""

    labels = tuple(LABELS)
    outcome = None


def run(seed, noises, records=800, patience=3):
    """How many epochs are trained with networks of this much noise."""
    random = np.random.default_rng(seed)
    owners, targets, visible = patients_of(random, records)
    scores = Epochs()
    stop = StopWhenUnresolved(scores, patients=owners, patience=patience)
    stop.set_model(SimpleNamespace(stop_training=False))
    for epoch, noise in enumerate(noises):
        scores.outcome = outcome_of(random, targets, visible, noise)
        stop.on_epoch_end(epoch)
        if stop.model.stop_training:
            break
    return epoch + 1, stop


def test_it_stops_soon_after_the_last_gain_that_shows():
    rising = np.linspace(2.5, 0.5, 5)
    ended = [run(seed, [*rising, *[0.5] * 12])[0] for seed in range(3)]
    assert all(5 <= one <= 15 for one in ended), ended
    # gains too small to show in one epoch add up
    slowly, stop = run(0, np.linspace(2.5, 0.5, 16), patience=6)
    assert slowly == len(stop.gains) == 16


def test_few_patients_resolve_less():
    noises = [*np.linspace(1.2, 0.8, 6), *[0.8] * 6]
    few, many = (
        np.mean([run(seed, noises, records)[1].best_epoch for seed in range(3)])
        for records in (60, 1000)
    )
    assert few < many


def test_a_fit_stops_with_the_weights_of_its_best_epoch(valid):
    model = network(optimizer=keras.optimizers.SGD(0.0))
    scores = ValidationScores(valid, LABELS)
    listed = [scores, StopWhenUnresolved(scores, monitor="loss", restore_best_weights=True)]
    copied = copy.deepcopy(listed)
    assert copied[1].scores is copied[0] is not scores
    before = model.get_weights()
    history = fit(model, valid, *copied, epochs=20)
    assert len(history["loss"]) == 1 + 5  # nothing is learned: no gain, and no error of it
    assert (copied[1].best_epoch, copied[1].gains[1]) == (1, (0.0, 0.0))
    assert_same(before, model.get_weights())


@pytest.mark.parametrize("patience", [2, 9])
@pytest.mark.parametrize("swaps", [None, "before", "after"])
def test_averages_of_the_best_epoch_are_left_in_the_model(valid, swaps, patience):
    class Best(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 0:
                self.scored = scores.outcome.probabilities

    optimizer = keras.optimizers.Adam(0.1, use_ema=True, ema_momentum=0.5)
    model, best = network(optimizer=optimizer), Best()
    scores = ValidationScores(valid, LABELS)
    stop = StopWhenUnresolved(
        scores, monitor="loss", patience=patience, errors=1e9, restore_best_weights=True
    )
    listed = [scores, stop, best]
    if swaps is not None:
        swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
        listed.insert(0 if swaps == "before" else 2, swap)
    history = fit(model, valid, *listed, epochs=4)
    assert (stop.best_epoch, len(history["loss"])) == (1, min(4, 1 + patience))
    signals = np.concatenate([signal for signal, _ in valid])
    found = np.asarray(model(signals))
    np.testing.assert_allclose(found, best.scored, atol=1e-6)
    assert not np.allclose(scores.outcome.probabilities, best.scored, atol=1e-3)


def test_what_can_not_be_resolved_is_refused(valid):
    scores = Epochs()
    with pytest.raises(ConfigError, match="no score named 'auroc'"):
        StopWhenUnresolved(scores, monitor="auroc")
    with pytest.raises(ConfigError, match="patience must be at least 1"):
        StopWhenUnresolved(scores, patience=0)
    with pytest.raises(ConfigError, match="from a ValidationScores before it"):
        StopWhenUnresolved(scores).on_epoch_end(0)
    for patients, message in (
        (["a"] * 4, "of each of 3 .* Received: 4"),
        (["a"] * 3, "at least 2"),
    ):
        with pytest.raises(ConfigError, match=message):
            divide_patients(patients, 3, 0)


def test_epochs_of_shuffled_records_are_refused():
    targets = np.array([[0.0, 1.0], [1.0, np.nan], [1.0, 0.0]])
    scores = Epochs()
    stop = StopWhenUnresolved(scores, patience=9)
    stop.set_model(SimpleNamespace(stop_training=False))
    for epoch in range(2):
        scores.outcome = Outcome(targets, np.full((3, 2), 0.5), np.ones(3))
        stop.on_epoch_end(epoch)
    scores.outcome = Outcome(targets[::-1], np.full((3, 2), 0.5), np.ones(3))
    with pytest.raises(ConfigError, match="in another order than in the first one"):
        stop.on_epoch_end(2)
    stop.on_train_begin()
    stop.on_epoch_end(0)
