"""The log and the order of records of a user's own `fit`, which resume."""

import copy

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_trainings import assert_same, fit, network

from ecg_keras.callbacks import FollowEpochs, RunLog, ValidationScores
from ecg_keras.data import load
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.training import read_log


def test_the_log_goes_on_after_a_restart_without_listing_an_epoch_twice(tmp_path, valid):
    path = tmp_path / "log.csv"
    fit(network(), valid, RunLog(path), epochs=3)
    fit(network(), valid, RunLog(path), epochs=5, initial_epoch=2)
    assert [row["epoch"] for row in read_log(path)] == ["1", "2", "3", "4", "5"]


def test_one_log_object_serves_two_fits(tmp_path, valid):
    log = RunLog(tmp_path / "log.csv")
    model = network()
    fit(model, valid, log, epochs=2)
    fit(model, valid, log)
    assert [row["epoch"] for row in read_log(log.path)] == ["1"]


def test_there_is_no_log_before_the_first_epoch(tmp_path):
    assert read_log(tmp_path / "log.csv") == []


def test_a_log_that_is_no_table_is_refused(tmp_path):
    (tmp_path / "log.csv").write_bytes(b"\xff\xfe\0")
    with pytest.raises(DataError, match=r"log\.csv: no log of a training \(UnicodeDecode"):
        read_log(tmp_path / "log.csv")


@pytest.mark.parametrize("text", ["name,score\na,1\n", "epoch,loss\n0,1\n", "epoch\n1,2\n"])
def test_a_table_of_another_kind_is_refused_before_training(tmp_path, valid, text):
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(DataError, match=r"log\.csv: no log of a training .*Remove it, or name an"):
        fit(network(), valid, RunLog(tmp_path / "log.csv"))
    assert (tmp_path / "log.csv").read_text() == text


def test_a_value_that_is_an_array_has_a_column_for_each_number(tmp_path):
    log = RunLog(tmp_path / "log.csv", phase=1)
    log.set_model(network())
    log.on_train_begin()
    log.on_epoch_begin(0)
    log.on_epoch_end(0, {"f1": np.array([0.5, np.nan]), "loss": np.float32(0.25)})
    log.on_epoch_begin(1)
    log.on_epoch_end(1, {"mae": tf.constant(1.0)})
    first, second = read_log(log.path)
    names = ["epoch", "phase", "learning_rate", "f1[0]", "f1[1]", "loss", "seconds", "mae"]
    assert list(first) == names
    assert [first[name] for name in (*names[3:6], "mae")] == ["0.5", "nan", "0.25", ""]
    assert (second["f1[0]"], second["mae"]) == ("", "1")


def test_constants_are_no_columns_of_another_kind(tmp_path):
    with pytest.raises(ConfigError, match="a constant of RunLog needs a name of its own"):
        RunLog(tmp_path / "log.csv", epoch=1)


class Killed(keras.callbacks.Callback):
    """Breaks off in the middle of an epoch, as a kill would."""

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == (2, 1):
            raise KeyboardInterrupt


def test_a_killed_fit_resumes_with_the_records_of_its_epoch(tmp_path, shards):
    def trained(backup, *others):
        train = load(shards, "train", batch_size=8, shuffle=True, seed=0)
        keras.utils.set_random_seed(1)
        signal = keras.Input((200, 12))
        x = keras.layers.GlobalMaxPooling1D()(signal)
        model = keras.Model(signal, keras.layers.Dense(5, "sigmoid")(x))
        model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy")
        backup = keras.callbacks.BackupAndRestore(str(tmp_path / backup))
        fit(model, train, backup, FollowEpochs(train), *others, epochs=4)
        return model.get_weights()

    expected = trained("calm")
    with pytest.raises(KeyboardInterrupt):
        trained("killed", Killed())
    assert_same(trained("killed"), expected)


def test_only_data_that_count_epochs_are_followed(valid):
    with pytest.raises(ConfigError, match=r"what ecg_keras\.data\.load returned without epochs="):
        FollowEpochs(valid)


def test_callbacks_can_be_copied_as_a_tuner_copies_them(tmp_path, valid, shards):
    train = load(shards, "train", batch_size=16, shuffle=True)
    listed = [FollowEpochs(train), ValidationScores(valid, ["a", "b"]), RunLog(tmp_path / "a.csv")]
    fit(network(), valid, *listed[1:])
    copied = copy.deepcopy(listed)  # also once they were called
    assert all(one is not other for one, other in zip(listed, copied, strict=True))
    assert (copied[0].train, copied[1].valid) == (train, listed[1].valid)
    assert copied[2].path == tmp_path / "a-1.csv"
    assert copy.deepcopy(listed)[2].path == tmp_path / "a-2.csv"
    assert copy.deepcopy(copied)[2].path == tmp_path / "a-1-1.csv"
    copied[2].path = tmp_path / "b.csv"
    history = fit(network(), valid, *copied[1:], epochs=2)
    assert len(history["val_macro_auroc"]) == 2
    assert len(read_log(tmp_path / "b.csv")) == 2
    assert len(read_log(tmp_path / "a.csv")) == 1
