"""`ValidationScores` in a user's own `fit`; tools/callback_combinations.py has many more."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import average_precision_score, f1_score, log_loss, roc_auc_score
from small_trainings import assert_same, fit, network

from ecg_keras.callbacks import RunLog, ValidationScores
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.metrics import METRICS
from ecg_keras.training import read_log
from ecg_keras.training.validation_pass import Outcome
from ecg_keras.training.validation_scores import find_link, score

LABELS = ("NORM", "MI")


def test_scores_equal_scikit_learn_and_reach_history_and_log(tmp_path, valid, signals, targets):
    model = network()
    scores, log = ValidationScores(valid, LABELS, per_label=True), tmp_path / "log.csv"
    history = fit(model, valid, scores, RunLog(log, phase=1), epochs=2)
    probabilities = model.predict(signals, verbose=0)
    assert history["val_macro_auroc"][-1] == pytest.approx(roc_auc_score(targets, probabilities))
    assert history["val_macro_auprc"][-1] == pytest.approx(
        average_precision_score(targets, probabilities)
    )
    assert history["val_auroc_MI"][-1] == pytest.approx(
        roc_auc_score(targets[:, 1], probabilities[:, 1])
    )
    for average in ("macro", "weighted"):
        assert history[f"val_{average}_f1"][-1] == pytest.approx(
            f1_score(targets, probabilities >= 0.5, average=average)
        )
    losses = [log_loss(targets[:, k], probabilities[:, k]) for k in range(2)]
    assert history["val_loss"][-1] == pytest.approx(np.mean(losses), rel=1e-5)
    rows = read_log(log)
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
    history = fit(model, valid, ValidationScores(valid, LABELS))
    expected = roc_auc_score(targets[:, 0], model.predict(signals, verbose=0)[:, 0])
    assert history["val_macro_auroc"][0] == pytest.approx(expected)


def test_other_outputs_than_labels_are_refused(valid):
    three = valid.map(lambda x, y: (x, tf.concat([y, y[:, :1]], 1)))
    message = r"outputs of shape \(batch, 3\), and ValidationScores has 2"
    with pytest.raises(ConfigError, match=message):
        fit(network(3), three, ValidationScores(valid, LABELS))
    with pytest.raises(ConfigError, match="different names"):
        ValidationScores(valid, ("MI", "MI"))


def test_a_shuffled_dataset_pairs_each_ecg_with_its_own_labels(signals, targets):
    shuffled = tf.data.Dataset.from_tensor_slices((signals, targets)).shuffle(40).batch(16)
    model = network()
    history = fit(model, shuffled, ValidationScores(shuffled, LABELS), epochs=2)
    expected = roc_auc_score(targets, model.predict(signals, verbose=0))
    assert history["val_macro_auroc"][-1] == pytest.approx(expected)


def test_unknown_targets_and_weights_count_as_in_scikit_learn():
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, (50, 2)).astype(float)
    probabilities = rng.random((50, 2), np.float32)
    weights = rng.choice([0.0, 1.0, 2.5], 50)
    targets[rng.random((50, 2)) < 0.2] = np.nan
    found = score(Outcome(targets, probabilities, weights), LABELS, per_label=True)
    known = [~np.isnan(targets[:, k]) for k in range(2)]
    areas, losses = [], []
    for k, rows in enumerate(known):
        columns = (targets[rows, k], probabilities[rows, k])
        areas.append(roc_auc_score(*columns, sample_weight=weights[rows]))
        losses.append(log_loss(*columns, sample_weight=weights[rows], normalize=False))
    assert found["auroc_NORM"] == pytest.approx(areas[0])
    assert found["macro_auroc"] == pytest.approx(np.mean(areas))
    assert found["loss"] == pytest.approx(sum(losses) / sum(weights[rows].sum() for rows in known))


def test_scores_of_predictions_that_are_not_finite_are_undefined():
    outcome = Outcome(np.eye(2), np.full((2, 2), np.nan, np.float32), np.ones(2))
    found = score(outcome, LABELS, per_label=True)
    assert list(found) == ["loss", *METRICS, "auroc_NORM", "auroc_MI"]
    assert np.isnan(list(found.values())).all()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.3, "must be 0, 1 or NaN. Received: 0.3 for MI in record 5. Soft targets are for train"),
        (-1, "Received: -1 for MI in record 5. Write NaN where it is unknown"),
    ],
)
def test_targets_that_are_no_labels_are_named_before_training(signals, targets, value, message):
    targets[5, 1] = value
    model = network()
    before = model.get_weights()
    with pytest.raises(DataError, match=message):
        fit(model, signals, ValidationScores((signals, targets), LABELS), y=targets)
    assert_same(model.get_weights(), before)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda x, y: tf.data.Dataset.from_tensor_slices((x, y)).batch(16).repeat(),
            r"must end, and this dataset repeats for ever\. Leave out repeat\(\)",
        ),
        (lambda x, y: (x[:8], y[:7]), r"as many rows each\. Received: 7, 8 rows\."),
        (
            lambda x, y: (x, y, np.ones_like(y)),
            r"one weight a record, \(batch,\)\. Received: weights of shape \(batch, 2\)\.",
        ),
    ],
)
def test_validation_data_of_another_kind_are_refused_before_training(
    signals, targets, make, message
):
    model = network()
    before = model.get_weights()
    with pytest.raises(ConfigError, match=message):
        fit(model, signals, ValidationScores(make(signals, targets), LABELS), y=targets)
    assert_same(model.get_weights(), before)


def test_a_name_that_a_metric_has_in_the_logs_is_refused(valid):
    model = network()
    model.compile("sgd", "binary_crossentropy", metrics=[keras.metrics.AUC(name="macro_auroc")])
    with pytest.raises(ConfigError, match="the logs hold val_macro_auroc already"):
        fit(model, valid, ValidationScores(valid, LABELS), validation_data=valid)
    scores = ValidationScores(valid, LABELS, prefix="own_")
    history = fit(model, valid, scores, validation_data=valid)
    assert {"val_macro_auroc", "own_macro_auroc", "own_loss"} <= history.keys()


def test_logits_become_probabilities_where_the_loss_says_so():
    signal = keras.Input((3,))
    logits = keras.Model(signal, keras.layers.Dense(2)(signal))
    sigmoid = keras.Model(signal, keras.layers.Dense(2, "sigmoid")(signal))
    said = keras.losses.BinaryCrossentropy(from_logits=True)
    assert find_link(logits, said, None, None) == "sigmoid"
    assert find_link(logits, {"dense": said}, None, None) == "sigmoid"
    assert find_link(logits, "binary_crossentropy", None, True) == "sigmoid"
    assert find_link(logits, "binary_crossentropy", None, False) == "none"
    chosen = keras.losses.CategoricalCrossentropy(from_logits=True)
    assert find_link(logits, chosen, None, None) == "softmax"
    part = functools.partial(keras.losses.categorical_crossentropy, from_logits=True)
    assert find_link(logits, part, None, None) == "softmax"
    assert find_link(sigmoid, said, None, None) == "none"
    with pytest.raises(ConfigError, match="ends in a linear layer, and its loss does not say"):
        find_link(logits, "binary_crossentropy", None, None)
    with pytest.raises(ConfigError, match="from_logits=True, and the model ends in a sigmoid"):
        find_link(sigmoid, said, None, True)


def test_the_loss_of_fit_stays(valid, signals, targets):
    model = network()
    own = (signals[:8], targets[:8])
    scores = ValidationScores(valid, LABELS)
    history = fit(model, valid, scores, epochs=2, validation_data=own)
    assert history["val_loss"][-1] == pytest.approx(model.evaluate(*own, verbose=0), rel=1e-5)
    expected = roc_auc_score(targets, model.predict(signals, verbose=0))
    assert history["val_macro_auroc"][-1] == pytest.approx(expected)


def test_the_averaged_weights_are_scored_wherever_they_are_swapped(valid, signals, targets):
    for order in (slice(None), slice(None, None, -1)):
        model = network(optimizer=keras.optimizers.Adam(0.1, use_ema=True, ema_momentum=0.9))
        swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
        listed = [swap, ValidationScores(valid, LABELS)][order]
        history = fit(model, valid, *listed, epochs=3)
        # fit leaves the averages in the model
        expected = log_loss(targets.ravel(), model.predict(signals, verbose=0).ravel())
        assert history["val_loss"][-1] == pytest.approx(expected, rel=1e-5)
