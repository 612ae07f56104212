"""The callbacks a user takes into an own script."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import average_precision_score, f1_score, log_loss, roc_auc_score

from ecg_keras.callbacks import RunLog, ValidationScores
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.training import read_log

LABELS = ("NORM", "MI")


@pytest.fixture
def signals() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(40, 20, 3)).astype(np.float32)


@pytest.fixture
def targets(signals) -> np.ndarray:
    return (signals.mean(axis=1)[:, :2] > 0).astype(np.float32)


@pytest.fixture
def valid(signals, targets) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices((signals, targets)).batch(16)


def network(outputs: int = 2) -> keras.Model:
    keras.utils.set_random_seed(1)
    signal = keras.Input((20, 3), name="signal")
    x = keras.layers.GlobalAveragePooling1D()(signal)
    model = keras.Model(signal, keras.layers.Dense(outputs, "sigmoid", name="head")(x))
    model.compile(keras.optimizers.Adam(1e-2), "binary_crossentropy")
    return model


def test_scores_equal_scikit_learn_and_reach_history_and_log(tmp_path, valid, signals, targets):
    model = network()
    history = model.fit(
        valid,
        epochs=2,
        verbose=0,
        shuffle=False,
        callbacks=[
            ValidationScores(valid, LABELS, per_label=True),
            RunLog(tmp_path / "log.csv", phase=1),
        ],
    ).history
    probabilities = model.predict(signals, verbose=0)
    assert history["val_macro_auroc"][-1] == pytest.approx(roc_auc_score(targets, probabilities))
    assert history["val_macro_auprc"][-1] == pytest.approx(
        average_precision_score(targets, probabilities)
    )
    assert history["val_auroc_MI"][-1] == pytest.approx(
        roc_auc_score(targets[:, 1], probabilities[:, 1])
    )
    assert history["val_weighted_f1"][-1] == pytest.approx(
        f1_score(targets, probabilities >= 0.5, average="weighted")
    )
    losses = [log_loss(targets[:, k], probabilities[:, k]) for k in range(2)]
    assert history["val_loss"][-1] == pytest.approx(np.mean(losses), rel=1e-5)
    rows = read_log(tmp_path / "log.csv")
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert rows[1]["phase"] == "1"
    assert float(rows[1]["learning_rate"]) == pytest.approx(1e-2)
    assert float(rows[1]["val_macro_auroc"]) == pytest.approx(
        history["val_macro_auroc"][-1], abs=1e-5
    )


def test_a_label_without_positives_is_left_out_of_the_mean(signals, targets):
    targets = targets.copy()
    targets[:, 1] = 0
    valid = tf.data.Dataset.from_tensor_slices((signals, targets)).batch(16)
    model = network()
    history = model.fit(
        valid, epochs=1, verbose=0, shuffle=False, callbacks=[ValidationScores(valid, LABELS)]
    ).history
    expected = roc_auc_score(targets[:, 0], model.predict(signals, verbose=0)[:, 0])
    assert history["val_macro_auroc"][0] == pytest.approx(expected)


def test_other_outputs_than_labels_are_refused(valid):
    with pytest.raises(ConfigError, match="the model has 3 outputs and ValidationScores 2 labels"):
        network(3).fit(
            valid.map(lambda x, y: (x, tf.concat([y, y[:, :1]], 1))),
            verbose=0,
            shuffle=False,
            callbacks=[ValidationScores(valid, LABELS)],
        )
    with pytest.raises(ConfigError, match="different names"):
        ValidationScores(valid, ("MI", "MI"))


def test_the_log_goes_on_after_a_restart_without_listing_an_epoch_twice(tmp_path, valid):
    path = tmp_path / "log.csv"
    network().fit(valid, epochs=3, verbose=0, shuffle=False, callbacks=[RunLog(path)])
    network().fit(
        valid, epochs=5, initial_epoch=2, verbose=0, shuffle=False, callbacks=[RunLog(path)]
    )
    assert [row["epoch"] for row in read_log(path)] == ["1", "2", "3", "4", "5"]


def test_one_log_object_serves_two_fits(tmp_path, valid):
    log = RunLog(tmp_path / "log.csv")
    model = network()
    model.fit(valid, epochs=2, verbose=0, shuffle=False, callbacks=[log])
    model.fit(valid, epochs=1, verbose=0, shuffle=False, callbacks=[log])
    assert [row["epoch"] for row in read_log(log.path)] == ["1"]


def test_there_is_no_log_before_the_first_epoch(tmp_path):
    assert read_log(tmp_path / "log.csv") == []


def test_a_log_that_is_no_table_is_told(tmp_path):
    (tmp_path / "log.csv").write_bytes(b"\xff\xfe\0")
    with pytest.raises(DataError, match=r"log\.csv: no log of a training: "):
        read_log(tmp_path / "log.csv")
