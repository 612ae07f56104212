"""The diagonal state space against its definition, and what weight decay leaves alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ecg_keras import models
from ecg_keras.config import Phase, Training
from ecg_keras.models.state_space import state_space
from ecg_keras.training import compile_phase

CHANNELS, STATES = 5, 4


def make(num_samples, seed=0):
    """A state space over a signal of five channels."""
    signal = keras.Input((num_samples, CHANNELS), name="signal")
    return keras.Model(signal, state_space(signal, STATES, "stage1", seed))


def layer_of(model, part):
    return model.get_layer(f"stage1_{part}")


def set_parts(model, **values):
    for part, value in values.items():
        layer = layer_of(model, part)
        layer.set_weights([np.full(layer.weights[0].shape, value, np.float32)])


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def scan(u, step, states, outputs):
    """Sample by sample with a complex state, in double precision."""
    turn = np.exp(step * states)
    hold = np.expm1(step * states) / states
    h = np.zeros((CHANNELS, STATES), complex)
    answers = []
    for sample in u.astype(np.float64):
        h = turn * h + hold * sample[:, None]
        answers.append(2 * (outputs * h).sum(axis=1).real)
    return np.array(answers)


def recurrence(model, u):
    """What the model with these weights is defined to answer to ``(samples, CHANNELS)``."""
    step, decay, frequency, output, skip = (
        layer_of(model, part).get_weights()[0].astype(np.float64)
        for part in ("log_step", "log_decay", "frequency", "output", "skip")
    )
    states = -np.exp(decay) + 1j * frequency
    outputs = output[:, :STATES] + 1j * output[:, STATES:]
    forward = scan(u, np.exp(step), states, outputs[..., 0])
    backward = scan(u[::-1], np.exp(step), states, outputs[..., 1])[::-1]
    later = np.concatenate([backward[1:], np.zeros((1, CHANNELS))])
    return forward + later + skip[0] * u


@pytest.mark.parametrize("num_samples", [1, 2, 37, 300])
def test_the_convolution_is_the_recurrence(num_samples):
    model, u = make(num_samples), noise(2, num_samples, CHANNELS)
    for answer, signal in zip(model(u).numpy(), u, strict=True):
        expected = recurrence(model, signal)
        assert np.abs(answer - expected).max() < 1e-5 * max(1, np.abs(expected).max())


@pytest.mark.parametrize("log_step", [-12.0, 1.0])
def test_very_small_and_very_large_steps_are_as_exact(log_step):
    model, u = make(64), noise(64, CHANNELS)
    set_parts(model, log_step=log_step, skip=0)
    expected = recurrence(model, u)
    assert np.abs(model(u[None])[0] - expected).max() < 1e-5 * np.abs(expected).max()


def test_doubling_the_time_step_is_sampling_half_as_often():
    fine, coarse = make(80), make(40)
    layer_of(coarse, "log_step").set_weights([layer_of(fine, "log_step").beta + np.log(2)])
    u = noise(2, 40, CHANNELS)
    held = np.repeat(u, 2, axis=1)
    assert np.abs(fine(held)[:, 1::2] - coarse(u)).max() < 1e-5


def test_another_length_has_the_same_kernel_and_nothing_wraps_around():
    model, u = make(40), noise(1, 40, CHANNELS)
    longer = models.with_length(model, 101)
    silence = np.zeros((1, 61, CHANNELS), np.float32)
    answer = model(u)
    assert np.abs(longer(np.concatenate([u, silence], axis=1))[:, :40] - answer).max() < 1e-5
    assert np.abs(longer(np.concatenate([silence, u], axis=1))[:, 61:] - answer).max() < 1e-5
    again = models.with_length(longer, 40)
    assert np.array_equal(again(u), answer)


@pytest.mark.parametrize("values", [{}, {"log_step": -20, "log_decay": -20, "frequency": 0}])
def test_every_gradient_is_finite(values):
    model = make(30)
    set_parts(model, **values)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(model(noise(2, 30, CHANNELS))))
    gradients = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_mixed_precision_computes_kernels_in_float32():
    u = noise(2, 300, CHANNELS)
    expected = make(300)(u)
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = make(300)
    answer = model(u)
    assert answer.dtype == tf.float32
    # one ULP of bfloat16
    assert np.abs(answer - expected).max() < 2**-8 * np.abs(expected).max()


def test_weight_decay_leaves_the_diagonal_and_the_time_steps_alone():
    model = models.classifier(models.find_backbone("s4")(8, 2), ["MI"])
    training = Training(optimizer="adamw", weight_decay=0.5)
    fitted = compile_phase(model, training, Phase(epochs=1, learning_rate=0.1), steps_per_epoch=1)
    before = {variable.path: variable.numpy() for variable in fitted.trainable_variables}
    fitted.optimizer.apply([tf.zeros_like(variable) for variable in fitted.trainable_variables])
    kept = {
        variable.path
        for variable in fitted.trainable_variables
        if np.array_equal(variable, before[variable.path]) and variable.path.startswith("stage1")
    }
    assert kept == {
        "stage1_log_step/beta",
        "stage1_log_decay/beta",
        "stage1_frequency/beta",
        "stage1_dense/bias",
        "stage1_norm/gamma",
        "stage1_norm/beta",
    }
