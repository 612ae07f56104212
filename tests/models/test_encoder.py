"""What networks with attention have to prove beside the contract of all backbones."""

import keras
import numpy as np
import pytest
from scipy.special import erf, softmax

from ecg_keras import models
from ecg_keras.keras_library import layers
from ecg_keras.models.encoder import Encoder, encoder_block, sinusoids

WIDTH, HEADS, HIDDEN = 6, 2, 10


@pytest.fixture
def vectors():
    """Two sequences of five steps of WIDTH channels."""
    return np.random.default_rng(0).normal(size=(2, 5, WIDTH)).astype(np.float32)


@pytest.fixture(scope="module")
def patches():
    """The patch transformer for (75, 2)."""
    return models.find_backbone("vit1d")(75, 2)


def draw(*arguments):
    return keras.initializers.RandomNormal(seed=len(arguments[-1]))


def make_block(norm_first, activation, bias, dropout=0.0):
    encoder = Encoder(HEADS, HIDDEN, activation, norm_first, 1e-3, dropout, 0, bias, draw)
    steps = keras.Input((None, WIDTH))
    return keras.Model(steps, encoder_block(steps, encoder, "stage1_block1"))


def expected_block(x, model, norm_first, activation):
    """The block in plain NumPy, for the weights of ``model``."""
    weights = {variable.path: variable.numpy() for variable in model.weights}

    def of(name, absent=0.0):
        return weights.get(f"stage1_block1_{name}", absent)

    def norm(x, number):
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-3)
        return scaled * of(f"norm{number}/gamma") + of(f"norm{number}/beta")

    def attend(x):
        queries, keys, values = (
            np.einsum("btc,chs->bhts", x, of(f"attention/{part}/kernel"))
            + np.reshape(of(f"attention/{part}/bias", np.zeros((HEADS, 3))), (HEADS, 1, 3))
            for part in ("query", "key", "value")
        )
        shares = softmax(queries @ keys.swapaxes(2, 3) / np.sqrt(3), axis=-1)
        found = np.einsum("bhts,hsc->btc", shares @ values, of("attention/attention_output/kernel"))
        return found + of("attention/attention_output/bias")

    def transform(x):
        x = x @ of("dense1/kernel") + of("dense1/bias")
        x = np.maximum(x, 0) if activation == "relu" else x * (1 + erf(x / np.sqrt(2))) / 2
        return x @ of("dense2/kernel") + of("dense2/bias")

    for number, part in enumerate((attend, transform), start=1):
        x = x + part(norm(x, number)) if norm_first else norm(x + part(x), number)
    return x


@pytest.mark.parametrize(
    ("norm_first", "activation", "bias"),
    [(True, "gelu", False), (False, "relu", True)],
)
def test_a_block_is_the_formula(vectors, norm_first, activation, bias):
    model = make_block(norm_first, activation, bias)
    generator = np.random.default_rng(1)
    model.set_weights([generator.normal(size=weight.shape) for weight in model.get_weights()])
    expected = expected_block(vectors, model, norm_first, activation)
    assert np.abs(model(vectors) - expected).max() < 1e-5
    assert any("bias" in weight.path for weight in model.weights) == bias


def test_dropout_acts_in_training_alone(vectors):
    model = make_block(False, "relu", False, dropout=0.5)
    assert np.array_equal(model(vectors), model(vectors))
    assert not np.array_equal(model(vectors, training=True), model(vectors, training=True))


@pytest.mark.parametrize("num_steps", [1, 7, 300])
def test_positions_are_those_of_the_paper_at_every_length(num_steps):
    steps = keras.Input((5, 8))
    model = keras.Model(steps, sinusoids(steps, "stem_positions"))
    again = models.with_length(model, num_steps)
    found = np.asarray(again(np.ones((2, num_steps, 8), np.float32)))
    for channel in range(8):
        wave = np.cos if channel % 2 else np.sin
        expected = wave(np.arange(num_steps) / 10_000 ** (channel // 2 * 2 / 8))
        assert np.abs(found[:, :, channel] - expected).max() < 1e-4


@pytest.mark.parametrize("name", ["cnn_transformer", "vit1d"])
def test_first_kernels_of_attention_are_drawn_one_by_one(name, classifiers):
    found = [
        layer for layer in classifiers(name).layers if isinstance(layer, layers.MultiHeadAttention)
    ]
    assert len(found) == 8
    parts = ("query_dense", "key_dense", "value_dense", "output_dense")
    kernels = [getattr(layer, part).kernel.numpy() for layer in found for part in parts]
    assert len({kernel.tobytes() for kernel in kernels}) == 32
    spreads = np.array([kernel.std() for kernel in kernels]).reshape(8, 4)
    # of a matrix of queries, keys and values above one another; smaller for what joins the shortcut
    expected = {
        "cnn_transformer": [np.sqrt(2 / (4 * 256))] * 3 + [np.sqrt(2 / (2 * 256))],
        "vit1d": [0.02] * 3 + [0.02 / 4],
    }
    assert spreads == pytest.approx(np.tile(expected[name], (8, 1)), rel=0.02)


def test_patches_keep_their_order_and_the_register_is_not_pooled(patches):
    signal = np.random.default_rng(0).normal(size=(1, 75, 2)).astype(np.float32)
    turned = signal.reshape(1, 3, 25, 2)[:, ::-1].reshape(1, 75, 2)
    assert np.abs(patches(signal) - patches(turned)).max() > 1e-3
    assert patches.get_layer("stage4_norm").output.shape == (None, 4, 192)
    assert patches.get_layer("embedding_pool").input.shape == (None, 3, 192)


def test_zeros_at_both_ends_make_whole_patches(patches):
    signal = np.random.default_rng(0).normal(size=(2, 65, 2)).astype(np.float32)
    filled = np.pad(signal, ((0, 0), (5, 5), (0, 0)))
    assert np.abs(models.with_length(patches, 65)(signal) - patches(filled)).max() < 1e-5
