"""Attributions against what is known of them: sums, linear networks, scales, and refusals."""

import keras
import numpy as np
import pytest
from keras import layers

from ecg_keras import models
from ecg_keras.attribution import explain, explainer
from ecg_keras.config import Preprocessing
from ecg_keras.errors import ConfigError, DataError

LABELS = ("MI", "NORM")
LEADS = ("I", "II", "V1")


@pytest.fixture(scope="module")
def signals():
    """Five ECG-like signals (5, 64, 3) in millivolts, each lead with an offset."""
    random = np.random.default_rng(0)
    return (random.normal(0, 0.3, (5, 64, 3)) + random.normal(0, 1, (5, 1, 3))).astype(np.float32)


def small(name="fcn_wang", **options):
    return models.classifier(models.find_backbone(name)(64, 3), LABELS, **options)


def linear():
    signal = keras.Input((64, 3))
    x = layers.Dense(2, activation="sigmoid", name="head")(layers.Flatten()(signal))
    return keras.Model(signal, x)


def test_of_a_linear_network_they_are_weights_times_deflections(signals):
    model = linear()
    weights = model.get_layer("head").get_weights()[0].reshape(64, 3, 2)
    deflections = signals - np.median(signals, axis=1, keepdims=True)
    for method in ("integrated_gradients", "gradient_input"):
        found = explain(model, signals, label="NORM", labels=LABELS, method=method)
        assert found.values == pytest.approx(weights[..., 1] * deflections, abs=1e-5)
        assert found.labels == ("NORM",) * 5 and found.residuals.max() < 1e-3
    found = explain(model, signals[0], label=0, baseline="zero")
    assert found.values[0] == pytest.approx(weights[..., 0] * signals[0], abs=1e-5)


@pytest.mark.parametrize("name", ["fcn_wang", "gru"])
def test_they_add_up_to_the_change_of_the_logit(name, signals):
    model = small(name)
    found = explain(model, signals, label=0)
    probability = np.asarray(model(signals))[:, 0]
    assert 1 / (1 + np.exp(-found.outputs)) == pytest.approx(probability, abs=1e-5)
    change = found.outputs - found.flat_outputs
    assert found.values.sum(axis=(1, 2)) == pytest.approx(change, abs=0.01)
    assert found.residuals == pytest.approx(
        np.abs(found.values.sum(axis=(1, 2)) / change - 1), abs=1e-3
    )
    assert (explain(model, signals, label=0, method="grad_cam").values >= 0).all()


@pytest.mark.long
@pytest.mark.parametrize("name", models.BACKBONES)
def test_every_backbone_is_explained(name):
    model = models.classifier(models.find_backbone(name)(256, 3), LABELS)
    ecg = np.random.default_rng(1).normal(0, 0.3, (1, 256, 3)).astype(np.float32)
    both = [explain(model, ecg, label=label) for label in range(len(LABELS))]
    # a residual is a share of this difference, which of random weights may be next to nothing
    found = max(both, key=lambda one: abs(one.outputs - one.flat_outputs).max())
    assert found.values.shape == (1, 256, 3) and found.residuals.max() < 0.1
    found = explain(model, ecg, label=0, method="grad_cam")
    assert found.values.shape == (1, 256) and found.step >= 1 and found.layer


def test_a_network_that_scales_each_ecg_is_explained_in_millivolts(signals):
    model = small(scaling="minmax")
    found = explain(model, signals, label=1)
    assert found.values.sum(axis=(1, 2)) == pytest.approx(
        found.outputs - found.flat_outputs, abs=0.01
    )
    # it sees the same at twice the amplitude, and so do its attributions
    assert explain(model, 2 * signals, label=1).values == pytest.approx(found.values, abs=1e-4)


def test_preprocessing_is_part_of_the_network(signals):
    wanted = Preprocessing.model_validate(
        {
            "leads": ["II", "I"],
            "unit": "uV",
            "filters": [{"kind": "highpass", "hz": 1.0, "order": 1}],
            "scaling": {"kind": "zscore", "over": "all"},
        }
    )
    backbone = models.find_backbone("fcn_wang")(64, 2)
    model = models.classifier(
        backbone, LABELS, preprocessing=wanted, leads=LEADS, sampling_rate=100
    )
    found = explain(model, signals, label=0)
    assert found.residuals.max() < 0.05
    assert not found.values[..., 2].any() and found.values[..., 0].any()


def test_mixed_precision_changes_little(signals):
    exact = small()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = small()
    finally:
        keras.config.set_dtype_policy("float32")
    mixed.set_weights(exact.get_weights())
    found, wanted = (explain(model, signals, label=0) for model in (mixed, exact))
    assert found.values == pytest.approx(wanted.values, abs=1e-5)


def test_grad_cam_of_a_mean_over_time_is_its_weighted_feature_map(signals):
    signal = keras.Input((64, 3))
    features = layers.Conv1D(4, 5, strides=2, padding="same", activation="relu", name="conv")(
        signal
    )
    pooled = layers.GlobalAveragePooling1D()(features)
    model = keras.Model(signal, layers.Dense(2, activation="softmax", name="out")(pooled))
    found = explain(model, signals, label=0, method="grad_cam")
    maps = np.asarray(keras.Model(signal, features)(signals))
    wanted = np.maximum(maps @ model.get_layer("out").get_weights()[0][:, 0] / 32, 0)
    # a step is two samples, so its middle is between them
    assert (found.values[:, 0:-1:2] + found.values[:, 1::2])[:, 1:-1] / 2 == pytest.approx(
        (wanted * 0.75 + 0.125 * (np.roll(wanted, 1, 1) + np.roll(wanted, -1, 1)))[:, 1:-1],
        abs=1e-6,
    )
    assert (found.layer, found.step) == ("conv", 2) and np.isnan(found.residuals).all()


def test_a_backbone_that_was_called_as_a_layer_is_looked_into(signals):
    inner = models.find_backbone("fcn_wang")(64, 3)
    signal = keras.Input((64, 3))
    model = keras.Model(signal, layers.Dense(2)(inner(signal)))
    found = explain(model, signals, label=0, method="grad_cam")
    assert found.layer == "stage2_relu"
    assert found.outputs == pytest.approx(np.asarray(model(signals))[:, 0], abs=1e-5)


class Own(keras.Model):
    """A network that is no graph of layers."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, signal):
        return self.dense(keras.ops.mean(keras.ops.square(signal), axis=1))


def test_a_network_with_a_call_of_its_own(signals):
    found = explain(Own(), signals, label=1, baseline="zero", steps=4)
    assert found.values.shape == (5, 64, 3) and found.residuals.max() < 1e-3
    with pytest.raises(ConfigError, match="Use method integrated_gradients"):
        explain(Own(), signals, label=1, method="grad_cam")


def test_what_no_gradient_passes_shows_in_the_residual(signals):
    signal = keras.Input((64, 3))
    rounded = layers.Lambda(lambda one: keras.ops.cast(one > 0, "float32"))(signal)
    model = keras.Model(signal, layers.Dense(1)(layers.Flatten()(rounded)))
    found = explain(model, signals, label=0, baseline="zero", steps=2)
    assert not found.values.any() and found.residuals == pytest.approx(1)


def test_without_a_label_it_is_what_the_network_says_most_of(signals):
    model = small()
    ask = explainer(model, labels=LABELS, steps=2)
    wanted = [LABELS[column] for column in np.asarray(model(signals)).argmax(axis=1)]
    assert list(ask(signals, None).labels) == wanted
    columns = np.asarray(model(signals)).argmax(axis=1)
    assert list(ask(signals, columns).labels) == wanted
    assert ask(signals, columns[0]).labels == (wanted[0],) * len(signals)
    mixed = ask(signals[:2], ["MI", 1])
    assert mixed.labels == LABELS
    assert mixed.values[1] == pytest.approx(ask(signals[1:2], "NORM").values[0], abs=1e-6)


@pytest.mark.parametrize("method", ["integrated_gradients", "grad_cam"])
def test_how_many_at_once_changes_nothing(method, signals):
    model = small()
    few, many = (
        explain(model, signals, label=0, method=method, steps=5, batch_size=size).values
        for size in (2, 64)
    )
    assert few == pytest.approx(many, abs=1e-6)


def test_what_is_refused(signals):
    model = linear()
    with pytest.raises(ConfigError, match="no method named 'cam'"):
        explain(model, signals, method="cam")
    with pytest.raises(ConfigError, match=r"no label named 'HYP'\. Allowed: MI, NORM"):
        explain(model, signals, label="HYP", labels=LABELS)
    with pytest.raises(ConfigError, match=r"outputs of this network are 0 to 1\. R"):
        explain(model, signals, label=2)
    with pytest.raises(ConfigError, match=r"or one for each of 5 records\. Received: 1"):
        explain(model, signals, label=[0])
    with pytest.raises(ConfigError, match="steps must be at least 1"):
        explain(model, signals, steps=0)
    with pytest.raises(ConfigError, match="this network has none"):
        explain(model, signals, label=0, method="grad_cam")
    with pytest.raises(ConfigError, match="2 outputs, and these labels are named: A"):
        explain(model, signals, labels=["A"])
    with pytest.raises(DataError, match=r"\(any, 64, 3\). Received: \(5, 63, 3\)"):
        explain(model, signals[:, 1:])
    with pytest.raises(DataError, match="must be finite"):
        explain(model, signals * np.nan)
    two = keras.Input(signals.shape[1:]), keras.Input(signals.shape[1:])
    with pytest.raises(ConfigError, match="one input"):
        explain(keras.Model(two, model(keras.layers.add(two))), signals, label=0)
    with pytest.raises(ConfigError, match="one input"):
        explain(keras.Model(model.input, [model.output, model.output]), signals)
