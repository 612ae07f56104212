"""Stages that thaw in one fit, and the time to a score."""

import copy
import json
import time

import keras
import numpy as np
import pytest
from small_trainings import assert_same, fit

from ecg_keras.callbacks import RunLog, TimeToQuality, UnfreezeStages, ValidationScores
from ecg_keras.errors import ConfigError, DataError


def staged():
    keras.utils.set_random_seed(1)
    signal = keras.Input((20, 3), name="signal")
    x = keras.layers.Conv1D(4, 3, name="stem_conv")(signal)
    x = keras.layers.BatchNormalization(name="stage1_norm")(x)
    x = keras.layers.GlobalAveragePooling1D(name="embedding_pool")(x)
    return keras.Model(signal, keras.layers.Dense(2, "sigmoid", name="head")(x))


def compiled(**settings):
    model = staged()
    model.compile(keras.optimizers.Adam(1e-2, **settings), "binary_crossentropy")
    return model


class Changed(keras.callbacks.Callback):
    """Which layers an epoch changes."""

    def on_epoch_begin(self, epoch, logs=None):
        self.before = {one.name: one.get_weights() for one in self.model.layers}

    def on_epoch_end(self, epoch, logs=None):
        self.model.changed = getattr(self.model, "changed", [])
        self.model.changed.append(
            {
                one.name
                for one in self.model.layers
                for old, new in zip(self.before[one.name], one.get_weights(), strict=True)
                if not np.array_equal(old, new)
            }
        )


def test_stages_thaw_one_after_another(valid):
    model = compiled()
    thaw = UnfreezeStages({2: "stem", 0: "head", 1: "stage1"})
    fit(model, valid, thaw, Changed(), epochs=4)
    everything = {"stem_conv", "stage1_norm", "head"}
    assert model.changed == [{"head"}, {"head", "stage1_norm"}, everything, everything]


@pytest.mark.parametrize("swaps", [False, True])
@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_averages_are_those_of_their_weights_wherever_fit_ends(valid, epochs, swaps):
    class Average(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.means = [one.numpy() for one in self.model.trainable_variables]
            self.steps = 0

        def on_train_batch_end(self, batch, logs=None):
            share = 0.2 if self.steps else 1.0
            self.means = [
                (1 - share) * mean + share * one.numpy()
                for mean, one in zip(self.means, everything, strict=True)
            ]
            self.steps += 1

    model, averaged = compiled(use_ema=True, ema_momentum=0.8), Average()
    everything = model.trainable_variables
    thaw = UnfreezeStages({0: "head", 1: "stage1", 2: "stem"})
    swap = [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)] * swaps
    stem = model.get_layer("stem_conv").kernel
    before = stem.numpy()
    fit(model, valid, averaged, thaw, *swap, epochs=epochs)
    for mean, one in zip(averaged.means, everything, strict=True):
        np.testing.assert_allclose(one.numpy(), mean, rtol=1e-4, atol=1e-6)
    assert np.allclose(stem.numpy(), before, atol=1e-6) == (epochs < 3)


def test_a_killed_training_thaws_as_one_that_was_not(valid, tmp_path):
    def callbacks(folder):
        thaw = UnfreezeStages({0: "head", 2: "stem"})
        return [thaw, keras.callbacks.BackupAndRestore(tmp_path / folder)]

    class Kill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                raise KeyboardInterrupt

    whole, again = compiled(), compiled()
    fit(whole, valid, *callbacks("whole"), epochs=5)
    with pytest.raises(KeyboardInterrupt):
        fit(compiled(), valid, *callbacks("killed"), Kill(), epochs=5)
    fit(again, valid, *callbacks("killed"), epochs=5)
    assert_same(whole.get_weights(), again.get_weights())


def test_stages_that_can_not_thaw(valid):
    for stages in ({}, {1: "head"}, {0: "head", -1: "stem"}):
        with pytest.raises(ConfigError, match="stage that trains from epoch 0 on"):
            UnfreezeStages(stages)
    with pytest.raises(ConfigError, match="no stage named 'stage9'"):
        fit(compiled(), valid, UnfreezeStages({0: "stage9"}))
    model = staged()
    model.get_layer("stem_conv").trainable = False
    model.compile("adam", "binary_crossentropy")
    fit(model, valid)
    with pytest.raises(ConfigError, match="built without stem_conv/kernel"):
        fit(model, valid, UnfreezeStages({0: "stem"}))


def fit_scores(valid, scores, timed, begin=0):
    class Scores(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            time.sleep(0.02)
            logs["score"] = scores[epoch]

    return fit(compiled(), valid, Scores(), timed, initial_epoch=begin, epochs=len(scores))


def test_the_time_to_a_score_is_that_of_its_epochs(valid, tmp_path):
    path = tmp_path / "times.json"
    timed = TimeToQuality("score", 0.8, path=path)
    fit_scores(valid, [0.5, np.nan], timed)
    assert timed.epoch is timed.seconds is None
    later = TimeToQuality("score", 0.8, path=path)
    fit_scores(valid, [0.5, 0.6, 0.85, 0.7], later, begin=1)  # the second epoch is trained again
    seconds = [one for one, _ in json.loads(path.read_text())["epochs"]]
    assert (later.epoch, len(seconds)) == (3, 4)
    assert later.seconds == pytest.approx(sum(seconds[:3]))
    assert later.seconds >= 0.06

    least = TimeToQuality("score", 0.3, mode="min", stop=True)
    history = fit_scores(valid, [0.5, 0.2, 0.1], least)
    assert (least.epoch, len(history["loss"])) == (2, 2)


def test_epochs_keep_their_numbers_in_a_fit_that_begins_later(valid, tmp_path):
    path = tmp_path / "times.json"
    later = TimeToQuality("score", 0.8, path=path)
    fit_scores(valid, [0.9, 0.9, 0.5, 0.85], later, begin=2)  # the first two were in another file
    assert (later.epoch, later.seconds) == (4, None)
    again = TimeToQuality("score", 0.8, path=path)
    fit_scores(valid, [0.9, 0.9, 0.5, 0.5, 0.9], again, begin=4)
    assert (again.epoch, again.seconds) == (4, None)
    fit_scores(valid, [0.5, 0.9], again)
    assert again.epoch == 2 and again.seconds >= 0.04


def test_copies_write_files_of_their_own(tmp_path):
    first = TimeToQuality("score", 0.8, path=tmp_path / "times.json")
    copies = [copy.deepcopy([first])[0] for _ in range(2)]
    assert [one.path.name for one in copies] == ["times-1.json", "times-2.json"]
    assert copy.deepcopy(TimeToQuality("score", 0.8)).path is None


def test_times_that_make_no_sense(valid, tmp_path):
    with pytest.raises(ConfigError, match=r"max or min\. Received: 'auto'"):
        TimeToQuality("score", 0.8, mode="auto")
    with pytest.raises(ConfigError, match=r"no val_f1. They have: loss, score\. Place"):
        fit_scores(valid, [0.5], TimeToQuality("val_f1", 0.8))
    with pytest.raises(ConfigError, match=r"in every epoch \(validation_freq=1\)"):
        every_second = {"validation_data": valid, "validation_freq": 2}
        fit(compiled(), valid, TimeToQuality("val_loss", 0, mode="min"), **every_second)
    (tmp_path / "times.json").write_text('{"epochs": [1]}')
    with pytest.raises(DataError, match=r"times\.json"):
        fit_scores(valid, [0.5], TimeToQuality("score", 0.8, path=tmp_path / "times.json"))


def test_they_work_beside_the_others(valid, tmp_path):
    timed = TimeToQuality("val_macro_auroc", 0.0)
    listed = [UnfreezeStages({0: "head"}), ValidationScores(valid, ["a", "b"]), timed]
    listed.append(RunLog(tmp_path / "log.csv"))
    fit(compiled(), valid, *listed)
    assert timed.epoch == 1
