from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from ecg_keras import models
from ecg_keras.errors import ConfigError

STANDARDISE = {"scaling": "standardise", "mean": (0.1, 0.0, -0.1), "std": (0.4, 0.5, 0.6)}


@pytest.mark.parametrize("options", [{}, {"scaling": "minmax"}, STANDARDISE])
def test_the_classifier_is_flat_and_gives_float32_probabilities(small, signals, options):
    model = small("gru", **options)
    names = [layer.name for layer in model.layers]
    scaling = options.get("scaling", "none")
    expected = ["signal", *([f"preprocess_{scaling}"] if options else [])]
    assert names == [*expected, "stem_gru", "embedding_flatten", "head"]
    probabilities = np.asarray(model(signals))
    assert probabilities.shape == (16, 3)
    assert probabilities.dtype == np.float32
    assert ((probabilities > 0) & (probabilities < 1)).all()


def test_the_backbone_sees_the_scaled_signal(signals):
    backbone = models.lstm(64, 3)
    plain = models.classifier(backbone, ["MI"])
    scaled = models.classifier(backbone, ["MI"], **STANDARDISE)
    by_hand = (signals - np.float32(STANDARDISE["mean"])) / np.float32(STANDARDISE["std"])
    assert np.allclose(scaled(signals), plain(by_hand), atol=1e-6)


def test_the_classifier_shares_the_backbones_weights():
    backbone = models.gru(64, 3)
    model = models.classifier(backbone, ["MI"])
    assert model.get_layer("stem_gru") is backbone.get_layer("stem_gru")


def test_dropout_belongs_to_the_head_and_acts_only_in_training(small, signals):
    model = small("gru", dropout=0.5)
    assert "head_dropout" in [layer.name for layer in model.layers]
    assert models.stages(model) == ("stem", "head")
    assert np.array_equal(model(signals), model(signals))
    assert not np.array_equal(model(signals, training=True), model(signals))


def test_the_head_starts_within_one_over_the_root_of_its_inputs(small):
    kernel, bias = small("gru").get_layer("head").get_weights()
    for weights in (kernel, bias):
        assert np.abs(weights).max() <= 1 / np.sqrt(6400)
        assert np.ptp(weights) > 0


@pytest.mark.parametrize("labels", [[], ["MI", "MI"], "MI"])
def test_labels_are_different_names(labels):
    with pytest.raises(ConfigError, match="labels must be a list of different names"):
        models.classifier(models.gru(8, 2), labels)


@pytest.mark.parametrize("dropout", [-0.1, 1.0])
def test_dropout_is_a_share(dropout):
    with pytest.raises(ConfigError, match="dropout must be at least 0 and below 1"):
        models.classifier(models.gru(8, 2), ["MI"], dropout=dropout)


def test_a_backbone_without_an_embedding_is_refused():
    signal = keras.Input((8, 2), name="signal")
    steps = keras.layers.Conv1D(4, 3, name="stem_conv")(signal)
    with pytest.raises(ConfigError, match="Pool or flatten its time steps"):
        models.classifier(keras.Model(signal, steps), ["MI"])
    with pytest.raises(ConfigError, match="one input"):
        second = keras.Input((8, 2), name="second")
        both = keras.layers.Add(name="stem_add")([signal, second])
        models.classifier(keras.Model([signal, second], both), ["MI"])


def test_a_classifier_is_no_backbone(small):
    with pytest.raises(ConfigError, match="already has a layer whose name begins with 'head'"):
        models.classifier(small("gru"), ["MI"])


@pytest.mark.parametrize("nested", [False, True])
def test_a_layer_to_train_that_is_called_preprocess_is_refused(small, nested):
    signal = keras.Input((64, 3), name="signal")
    x = keras.layers.Conv1D(3, 3, name="preprocess_conv")(signal)
    if nested:
        x = keras.Model(signal, x, name="stem_part")(signal)
    backbone = keras.Model(signal, keras.layers.GlobalMaxPooling1D(name="stem_pool")(x))
    with pytest.raises(ConfigError, match=r"preprocess_conv has weights to train.* never train"):
        models.classifier(backbone, ["MI"])
    # what only scales stays, as in a backbone that is cut from a trained network
    cut = small("gru", **STANDARDISE)
    assert models.classifier(keras.Model(cut.input, cut.layers[-2].output), ["MI"]).layers


def test_it_trains_the_same_under_a_distribution_strategy(small, signals, targets):
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = small("gru", **STANDARDISE)
        model.compile("sgd", "binary_crossentropy")
    alone = small("gru", **STANDARDISE)
    alone.compile("sgd", "binary_crossentropy")
    losses = [
        network.fit(signals, targets, epochs=2, shuffle=False, verbose=0).history["loss"]
        for network in (model, alone)
    ]
    assert np.allclose(*losses, atol=1e-6)


def wide(kind, width):
    """A network with one depthwise convolution over 64 samples."""
    signal = x = keras.Input((64, 3), name="signal")
    layer, size, image = {
        "depthwise": (layers.DepthwiseConv1D, (width,), None),
        "separable": (partial(layers.SeparableConv1D, 4), (width,), None),
        "wide image": (layers.DepthwiseConv2D, (1, width), (1, 64, 3)),
        "high image": (layers.DepthwiseConv2D, (width, 1), (64, 1, 3)),
        "grouped": (partial(layers.Conv1D, 3, groups=3), (width,), None),
    }[kind]
    if image:
        x = layers.Reshape(image, name="stem_image")(x)
    x = layer(kernel_size=size, padding="same", name="stem_wide")(x)
    x = layers.Reshape((64, -1), name="stem_steps")(x)
    return keras.Model(signal, layers.GlobalAveragePooling1D()(x), name="mine")


@pytest.mark.parametrize("kind", ["depthwise", "separable", "wide image"])
def test_a_depthwise_convolution_that_ends_the_process_on_a_cpu_is_refused(kind):
    models.classifier(wide(kind, 12), ["MI"])
    expected = r"mine: the layer stem_wide is a \w+ of width 13, .*Use DepthwiseConv2D\(\(width, 1"
    with pytest.raises(ConfigError, match=expected):
        models.classifier(wide(kind, 13), ["MI"])
    signal = keras.Input((64, 3))
    with pytest.raises(ConfigError, match="stem_wide"):  # inside a network of its own, too
        models.classifier(keras.Model(signal, wide(kind, 39)(signal)), ["MI"])


class Squeezed(layers.Layer):
    """A layer of a user's own around a list of layers."""

    def __init__(self, *inner, **settings):
        super().__init__(**settings)
        self.inner = list(inner)

    def call(self, signal):
        for layer in self.inner:
            signal = layer(signal)
        return signal


def test_it_is_found_inside_layers_of_ones_own():
    signal = keras.Input((64, 3), name="signal")
    wide_one = layers.DepthwiseConv1D(39, padding="same", name="stem_wide")
    whole = Squeezed(Squeezed(wide_one), name="stem_both")(signal)
    backbone = keras.Model(signal, layers.GlobalAveragePooling1D()(whole), name="mine")
    with pytest.raises(ConfigError, match="mine: the layer stem_wide is a DepthwiseConv1D of"):
        models.classifier(backbone, ["MI"])


@pytest.mark.parametrize("kind", ["high image", "grouped"])
def test_what_is_advised_in_its_place_runs(kind, signals):
    assert np.isfinite(models.classifier(wide(kind, 39), ["MI"])(signals)).all()


def test_where_the_kernel_is_another_it_is_taken(monkeypatch, tmp_path):
    with monkeypatch.context() as there:
        there.setattr(tf.config, "list_physical_devices", lambda kind: ["a GPU"])
        models.save_model(
            models.classifier(wide("depthwise", 39), ["MI"]), tmp_path / "model.keras"
        )
    with pytest.raises(ConfigError, match="stem_wide"):  # opened on a CPU, too
        models.load_model(tmp_path / "model.keras")
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    models.load_model(tmp_path / "model.keras")
