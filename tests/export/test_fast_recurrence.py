"""The quicker forms of recurrent layers give what Keras gives, at any length and either way."""

import keras
import numpy as np
import pytest

from ecg_keras.export.fast_recurrence import with_fast_recurrence

LAYERS = keras.layers
# drawn, so that each gate has one of its own, and both of a GRU
BIAS = {"bias_initializer": keras.initializers.RandomUniform(-1, 1, seed=1)}


def build(layer: keras.Layer, steps: int) -> keras.Model:
    signal = keras.Input((steps, 3), name="signal")
    return keras.Model(signal, LAYERS.Dense(2, "sigmoid")(layer(signal)))


@pytest.mark.parametrize("steps", [1, 10, 37])
@pytest.mark.parametrize(
    "make",
    [
        lambda: LAYERS.GRU(5, return_sequences=True, **BIAS),
        lambda: LAYERS.LSTM(5, return_sequences=True, **BIAS),
        lambda: LAYERS.GRU(5, go_backwards=True, **BIAS),
        lambda: LAYERS.LSTM(5, go_backwards=True, return_sequences=True, **BIAS),
        lambda: LAYERS.Bidirectional(LAYERS.GRU(5, **BIAS)),
        lambda: LAYERS.Bidirectional(LAYERS.LSTM(5, return_sequences=True, **BIAS)),
    ],
)
def test_the_answers_are_those_of_keras(make, steps):
    model = build(make(), steps)
    fast = with_fast_recurrence(model)
    assert not any(isinstance(layer, LAYERS.RNN | LAYERS.Bidirectional) for layer in fast.layers)
    signals = np.random.default_rng(0).normal(0, 1, (4, steps, 3)).astype(np.float32)
    np.testing.assert_allclose(fast(signals), model(signals), atol=1e-6)


@pytest.mark.parametrize(
    "layer",
    [
        LAYERS.GRU(5, reset_after=False),
        LAYERS.LSTM(5, activation="relu"),
        LAYERS.LSTM(5, use_bias=False),
        LAYERS.Bidirectional(LAYERS.LSTM(5), merge_mode="sum"),
        LAYERS.SimpleRNN(5),
    ],
)
def test_what_has_no_quicker_form_stays_as_it_is(layer):
    model = build(layer, 10)
    assert with_fast_recurrence(model) is model


def build_masked(signal):
    """Only rows of zeros are masked, and few ECGs have such a row."""
    return LAYERS.LSTM(5, **BIAS)(LAYERS.Masking(0.0)(signal))


def build_begun(signal):
    state = LAYERS.Dense(5)(LAYERS.Flatten()(signal))
    return LAYERS.GRU(5, **BIAS)(signal, initial_state=state)


def build_shared(signal):
    layer = LAYERS.LSTM(5, **BIAS)
    return LAYERS.Concatenate()([layer(signal), layer(signal * 2), layer(LAYERS.Dense(3)(signal))])


@pytest.mark.parametrize(
    ("make", "quicker"), [(build_masked, 0), (build_begun, 0), (build_shared, 3)]
)
def test_masks_and_given_states_count_and_a_layer_may_be_asked_several_times(make, quicker):
    keras.utils.set_random_seed(2)
    signal = keras.Input((12, 3), name="signal")
    model = keras.Model(signal, LAYERS.Dense(2, "sigmoid")(make(signal)))
    signals = np.random.default_rng(0).normal(0, 1, (4, 12, 3)).astype(np.float32)
    signals[:, 7:] = 0
    fast = with_fast_recurrence(model)
    np.testing.assert_allclose(fast(signals), model(signals), atol=1e-6)
    asked = [one.operation.name for node in fast.operations for one in node._inbound_nodes]
    assert sum(name.endswith("_fast") for name in asked) == quicker
