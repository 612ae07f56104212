"""Networks of keras.applications behind pictures; what all have in common is seen on a tiny one."""

import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from ecg_keras import models
from ecg_keras.errors import ConfigError
from ecg_keras.models import image_networks

PICTURES = ("stem_scalogram", "stem_spectrogram")


def tiny(include_top, weights, input_shape):
    """As those of keras.applications: unseeded, and as keras.json says."""
    assert (include_top, weights) == (False, None)
    image = keras.Input(input_shape)
    x = layers.Conv2D(4, 3, strides=2, padding="same", name="Conv1")(image)
    x = layers.BatchNormalization(
        axis=1 if keras.config.image_data_format() == "channels_first" else 3,
        momentum=0.999,
        name="bn_Conv1",
    )(x)
    x = layers.ReLU()(x)
    x = layers.Conv2D(4, 3, padding="same")(x)
    x = layers.DepthwiseConv2D(
        3, depthwise_initializer="he_normal", use_bias=False, name="block2a_dwconv"
    )(x)
    x = layers.Dropout(0.2)(x)
    return keras.Model(image, layers.Conv2D(5, 1, name="conv3_block1_conv")(x))


def zigzag(include_top, weights, input_shape):
    """Without an order of stages."""
    image = x = keras.Input(input_shape)
    for name in ("conv_a", "norm_a", "conv_b"):
        x = layers.Conv2D(2, 1, name=name)(x)
    return keras.Model(image, x)


@pytest.fixture(autouse=True)
def _applications(monkeypatch):
    for name, build in (("Tiny", tiny), ("Zigzag", zigzag)):
        monkeypatch.setattr(build, "__module__", keras.applications.ResNet50.__module__)
        monkeypatch.setattr(keras.applications, name, build, raising=False)


def test_stages_are_those_of_the_network_behind_a_stem():
    model = models.on_scalogram("Tiny", 64, 3)
    assert model.name == "cwt_tiny"
    assert [layer.name for layer in model.layers if "embedding" not in layer.name] == [
        "signal",
        "stem_scalogram",
        "stem_leads",
        "stem_pixels",
        "Conv1",
        "Conv1_bn",
        "Conv1_re_lu3",
        "Conv1_conv2d4",
        "block2_a_dwconv",
        "block2_dropout6",
        "conv3_block1_conv",
    ]
    classifier = models.classifier(model, ["MI"])
    assert models.stages(classifier) == ("stem", "Conv1", "block2", "conv3", "head")


def settings(model):
    """Of the layers in a file; operations within the picture are numbered by Keras."""
    return [json.dumps(layer.get_config()) for layer in model.layers if layer.name not in PICTURES]


def test_the_seed_decides_every_weight_and_the_configuration():
    first, same = (models.on_spectrogram("Tiny", 64, 3) for _ in range(2))
    other = models.on_spectrogram("Tiny", 64, 3, seed=1)
    assert settings(first) == settings(same) != settings(other)
    kernels = [weight for weight in first.weights if "kernel" in weight.name]
    assert len(kernels) == 5
    for one, again, different in zip(first.weights, same.weights, other.weights, strict=True):
        assert np.array_equal(one, again)
        assert np.array_equal(one, different) == (np.ptp(one) == 0), one.path
    depthwise = first.get_layer("block2_a_dwconv")
    assert type(depthwise.depthwise_initializer).__name__ == "HeNormal"
    seeds = {layer.get_config()["kernel_initializer"]["config"]["seed"] for layer in first.layers
             if type(layer).__name__ == "Conv2D"}  # fmt: skip
    assert len({*seeds, first.get_layer("block2_dropout6").seed}) == 5
    assert first.get_layer("Conv1_bn").momentum == 0.9


def test_colours_are_first_weighted_means_of_the_leads():
    kernel, bias = models.on_scalogram("Tiny", 64, 12).get_layer("stem_leads").get_weights()
    assert kernel.shape == (1, 1, 12, 3) and not bias.any()
    assert kernel.min() >= 0 and np.allclose(kernel.sum(axis=2), 1, atol=0.5)


@pytest.mark.parametrize(
    ("module", "flipped"),
    [("resnet50", True), ("mobilenet_v2", False), ("densenet", False), ("efficientnet_v2", False)],
)
def test_pixels_are_what_the_network_was_trained_with(module, flipped):
    """Of blue, green and red instead of red, green and blue where the network sees them so."""
    preprocess = getattr(keras.applications, module).preprocess_input
    colours = np.random.default_rng(0).random((2, 4, 5, 3)).astype(np.float32)
    seen = colours[..., ::-1] if flipped else colours
    expected = preprocess(255 * colours, data_format="channels_last")
    assert np.allclose(image_networks._pixels(preprocess)(seen), expected, atol=1e-3)


def test_the_setting_of_the_image_format_changes_nothing_and_is_kept():
    expected = models.on_scalogram("Tiny", 64, 3)
    keras.config.set_image_data_format("channels_first")
    try:
        found = models.on_scalogram("Tiny", 64, 3)
        assert keras.config.image_data_format() == "channels_first"
    finally:
        keras.config.set_image_data_format("channels_last")
    signal = np.random.default_rng(0).normal(size=(2, 64, 3)).astype(np.float32)
    assert np.array_equal(found(signal), expected(signal))


def test_settings_of_the_picture_reach_it():
    shapes = {
        models.on_scalogram("Tiny", 64, 3, rows=16, low=0.1, high=0.5, step=2): (16, 32),
        models.on_spectrogram("Tiny", 64, 3, width=32, rows=17, step=8): (17, 8),
    }
    for model, shape in shapes.items():
        assert model.get_layer("stem_leads").input.shape == (None, *shape, 3)
    assert models.on_scalogram("Tiny", 64, 3, name="mine").name == "mine"


def test_a_network_without_stages_is_refused_with_others_to_take():
    expected = r"Zigzag: its layers are .* \(conv, norm, conv, \.\.\.\)\. Use another .*ResNet50"
    with pytest.raises(ConfigError, match=expected):
        models.on_scalogram("Zigzag", 64, 3)


def test_a_picture_that_is_too_small_is_refused():
    expected = r"Tiny takes no picture of 64 rows and 2 columns.*need 32 of both, Inc"
    with pytest.raises(ConfigError, match=expected):
        models.on_scalogram("Tiny", 8, 3)


def test_an_unknown_network_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match="Did you mean 'ResNet50'"):
        models.on_scalogram("Resnet50", 64, 3)


def test_a_real_network_is_saved_and_takes_another_length(tmp_path):
    backbone = models.on_scalogram("MobileNetV2", 128, 3)
    model = models.classifier(backbone, ["MI"])
    stages = ("stem", "Conv1", *(f"block{number}" for number in range(17)), "top", "head")
    assert models.stages(model) == stages
    models.save_model(model, tmp_path / "model.keras")
    signal = np.random.default_rng(0).normal(size=(2, 128, 3)).astype(np.float32)
    keras.utils.clear_session(free_memory=False)  # as in a new process, names begin again
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    assert np.allclose(loaded(signal), model(signal), atol=1e-6)
    longer = np.resize(signal, (2, 200, 3))
    expected = models.with_length(model, 200)(longer)
    assert np.allclose(models.with_length(loaded, 200)(longer), expected, atol=1e-6)


@pytest.mark.long
def test_the_example_of_the_page_is_a_backbone(tmp_path, monkeypatch):
    page = Path(__file__).resolve().parents[2] / "docs" / "backbones.md"
    (code,) = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "our_pictures.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    backbone = models.find_backbone("our_pictures:cwt_densenet121")(128, 2)
    assert backbone.output_shape == (None, 1024)


@pytest.mark.long
@pytest.mark.parametrize(
    "application",
    ["DenseNet121", "EfficientNetB0", "InceptionV3", "MobileNet", "MobileNetV3Small", "Xception"],
)
def test_other_networks_have_stages_in_order(application):
    model = models.classifier(models.on_spectrogram(application, 1000, 3, rows=97), ["MI"])
    stages = models.stages(model)
    assert stages[0] == "stem" and len(stages) > 8
    assert np.isfinite(model(np.ones((1, 1000, 3), np.float32))).all()


@pytest.mark.long
def test_nasnet_has_none():
    with pytest.raises(ConfigError, match="NASNetMobile: its layers are not named"):
        models.on_scalogram("NASNetMobile", 1000, 3)
