"""Networks that learn a planted ST elevation look at it, and random ones look elsewhere."""

import keras
import numpy as np
import pytest
from keras import layers

from ecg_keras import models
from ecg_keras.attribution import deletion, explain, likeness, randomised, share_inside
from ecg_keras.errors import DataError
from ecg_keras.simulate import record_ecg

METHODS = ("integrated_gradients", "grad_cam")


@pytest.fixture(scope="module")
def planted():
    """ECGs (96, 100, 12) of 2 s at 50 Hz, half with 1 mV for 0.3 s in V2 and V3, and where."""
    rng = np.random.default_rng(0)
    ecgs = [record_ecg("lakeside", number, noise=False).values[:3000] for number in range(32)]
    parts = np.stack([one.reshape(3, 100, 10, 12).mean(axis=2) for one in ecgs])
    signals = parts.reshape(96, 100, 12)
    places = np.zeros(signals.shape, bool)
    for number in range(0, 96, 2):
        first = rng.integers(5, 80)
        places[number, first : first + 15, 7:9] = True
    return signals + places.astype(np.float32), places


def convolutional(signal):
    x = layers.Conv1D(12, 9, padding="same", activation="relu", name="stem_conv")(signal)
    x = layers.Conv1D(12, 5, padding="same", activation="relu", name="stage1_conv")(x)
    return layers.GlobalMaxPooling1D(name="embedding_pool")(x)


def recurrent(signal):
    x = layers.GRU(12, return_sequences=True, name="stem_gru")(signal)
    return layers.GlobalMaxPooling1D(name="embedding_pool")(x)


@pytest.fixture(
    scope="module", params=[convolutional, pytest.param(recurrent, marks=pytest.mark.long)]
)
def network(request, planted):
    signals, places = planted
    keras.utils.set_random_seed(0)
    signal = keras.Input((100, 12))
    head = layers.Dense(1, activation="sigmoid", name="head")
    model = keras.Model(signal, head(request.param(signal)))
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", jit_compile=False)
    truth = places.any(axis=(1, 2)).astype(np.float32)
    model.fit(signals, truth, epochs=30, batch_size=16, verbose=0)
    assert (np.asarray(model(signals))[:, 0].round() == truth).mean() > 0.9
    return model


@pytest.mark.parametrize("method", METHODS)
def test_it_looks_where_the_cause_is(network, planted, method):
    signals, places = (one[0:48:2] for one in planted)
    found = explain(network, signals, label=0, method=method, steps=16)
    there = places if found.values.ndim == 3 else places.any(axis=2)
    inside, chance = share_inside(found.values, there)
    assert np.nanmean(inside) > 2 * chance.mean()
    if method == "grad_cam" and "stem_gru" in {layer.name for layer in network.layers}:
        return  # a recurrent state holds what came before, so the steps it marks are late
    fall, by_chance = deletion(network, signals, found.values, 0, share=0.2)
    assert fall.mean() > by_chance.mean() + 0.1


def test_a_random_network_looks_elsewhere(network, planted):
    signals = planted[0][0:16:2]
    before = network.get_weights()
    own = explain(network, signals, label=0, steps=8).values
    like = [
        likeness(own, explain(other, signals, label=0, steps=8).values)
        for _, other in randomised(network)
    ]
    assert likeness(own, own) == pytest.approx(1)
    # not less: attributions hold the ECG's own deflections, which stay as they are
    assert min(like) < 0.95
    assert all(
        (one == other).all() for one, other in zip(before, network.get_weights(), strict=True)
    )


@pytest.mark.parametrize("nested", [False, True])
def test_a_random_network_keeps_its_scaling(nested):
    backbone = models.find_backbone("gru")(20, 2, head="pooled")
    numbers = {"mean": [3.0, -2.0], "std": [0.1, 4.0]}
    model = models.classifier(backbone, ["MI"], scaling="standardise", **numbers)
    if nested:
        signal = keras.Input((20, 2), name="signal")
        model = keras.Model(signal, model(signal))
    signals = np.random.default_rng(0).normal(size=(2, 20, 2)).astype(np.float32)
    before = [layer.get_weights() for layer in models.single_layers(model) if layer.weights]
    copies = dict(randomised(model))  # all of them, before the first is looked at
    assert list(copies) == ["head", "stem"]
    random = set()
    for stage, copy in copies.items():
        own = [layer for layer in models.single_layers(copy) if layer.weights]
        assert np.allclose(own[0](signals), (signals - [3, -2]) / [0.1, 4], atol=1e-4)
        random.add(stage)
        for layer, earlier in zip(own, before, strict=True):
            changed = [(a != b).any() for a, b in zip(layer.get_weights(), earlier, strict=True)]
            assert any(changed) == (models.stage_of(layer) in random), (stage, layer.name)


def test_shares_need_one_shape():
    inside, chance = share_inside([[0.0, 3.0, 1.0, -9.0], [0, 0, 0, 0]], np.eye(4, dtype=bool)[1:3])
    assert inside[0] == 0.75 and np.isnan(inside[1]) and chance.tolist() == [0.25, 0.25]
    with pytest.raises(DataError, match="one shape"):
        share_inside([[1.0]], [[[True]]])
