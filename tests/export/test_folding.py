"""BatchNorm in the layer before it: the same answers, and none left where nothing is between."""

import keras
import numpy as np
import pytest

from ecg_keras.export.folding import fold_norms
from ecg_keras.models import BACKBONES, classifier, find_backbone, float32_clone

QUICK = ("fcn_wang", "xception_time")
LAYERS = keras.layers


def move_norms(model: keras.Model) -> list[keras.Layer]:
    """BatchNorms with statistics as of a trained network, which differ from channel to channel."""
    random = np.random.default_rng(0)
    norms = [one for one in model.layers if isinstance(one, LAYERS.BatchNormalization)]
    for norm in norms:
        for weight in norm.weights:
            weight.assign(random.uniform(0.5, 1.5, weight.shape))
    return norms


def count_norms(model: keras.Model) -> int:
    return sum(isinstance(one, LAYERS.BatchNormalization) for one in model.layers)


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=() if one in QUICK else pytest.mark.long) for one in BACKBONES]
)
def test_a_folded_backbone_answers_as_before(name):
    model = classifier(find_backbone(name)(num_samples=250, num_leads=2), ["A", "B"])
    norms = move_norms(model)
    signals = np.random.default_rng(1).normal(0, 0.3, (3, 250, 2)).astype(np.float32)
    expected = model(signals, training=False).numpy()
    folded = fold_norms(float32_clone(model))
    assert count_norms(folded) < len(norms) or not norms
    np.testing.assert_allclose(folded(signals, training=False).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("before", "folds"),
    [
        (LAYERS.Conv1D(4, 3, use_bias=False), True),
        (LAYERS.Conv1D(4, 3, groups=2, strides=2, padding="same"), True),
        (LAYERS.DepthwiseConv1D(3, depth_multiplier=2), True),
        (LAYERS.SeparableConv1D(5, 3, use_bias=False), True),
        (LAYERS.Dense(5), True),
        (LAYERS.Conv1D(4, 3, activation="relu"), False),
        (LAYERS.MaxPooling1D(2), False),
    ],
)
@pytest.mark.parametrize("scaled", [True, False])
def test_what_takes_a_norm_in(before, folds, scaled):
    before = type(before).from_config(before.get_config())
    signal = keras.Input((16, 4), name="signal")
    norm = LAYERS.BatchNormalization(scale=scaled, center=scaled)
    x = LAYERS.ReLU()(norm(before(signal)))
    model = keras.Model(signal, LAYERS.Dense(2)(LAYERS.Flatten()(x)))
    move_norms(model)
    signals = np.random.default_rng(1).normal(0, 1, (3, 16, 4)).astype(np.float32)
    expected = model(signals).numpy()
    folded = fold_norms(model)
    assert count_norms(folded) == (not folds)
    np.testing.assert_allclose(folded(signals).numpy(), expected, rtol=1e-5, atol=1e-5)


def test_a_convolution_that_is_read_twice_keeps_its_norm():
    signal = keras.Input((16, 4), name="signal")
    x = LAYERS.Conv1D(4, 3)(signal)
    model = keras.Model(signal, LAYERS.Add()([x, LAYERS.BatchNormalization()(x)]))
    assert fold_norms(model) is model


def shared_by_branches(signal, norms):
    """A convolution that several branches call, of which some have a norm of their own."""
    shared = LAYERS.Conv1D(4, 3, padding="same")
    branches = []
    for place in range(2):
        x = shared(signal if place else LAYERS.ReLU()(signal))
        branches.append(LAYERS.BatchNormalization()(x) if place in norms else x)
    return LAYERS.Add()(branches)


def behind_a_backbone(signal, norms):
    inner = keras.Input((16, 4))
    return LAYERS.BatchNormalization()(keras.Model(inner, LAYERS.Conv1D(4, 3)(inner))(signal))


@pytest.mark.parametrize(
    ("network", "norms"),
    [
        (shared_by_branches, (0, 1)),
        (shared_by_branches, (0,)),
        (shared_by_branches, (1,)),
        (behind_a_backbone, ()),
    ],
)
def test_a_layer_that_is_called_twice_and_a_nested_network_keep_their_norms(network, norms):
    signal = keras.Input((16, 4), name="signal")
    x = LAYERS.BatchNormalization()(LAYERS.Conv1D(4, 3)(network(signal, norms)))
    model = keras.Model(signal, LAYERS.Dense(2)(LAYERS.Flatten()(x)))
    before = len(move_norms(model))
    signals = np.random.default_rng(1).normal(0, 1, (3, 16, 4)).astype(np.float32)
    expected = model(signals).numpy()
    folded = fold_norms(model)
    assert count_norms(folded) == before - 1
    np.testing.assert_allclose(folded(signals).numpy(), expected, rtol=1e-5, atol=1e-5)
