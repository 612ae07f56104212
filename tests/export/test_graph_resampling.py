"""The filter of the graph is that of `ecg_keras.signals`, at any ratio of two rates."""

import numpy as np
import pytest
import tensorflow as tf

from ecg_keras import signals
from ecg_keras.export import graph_resampling
from ecg_keras.export.graph_resampling import resample, resampled_length

RATES = (500, 257, 360, 1000, 100, 50, 976.5625, 499.97, 33.33)


@pytest.fixture(scope="module")
def graph():
    def at_100_hz(values, rate):
        step = tf.cast(rate, tf.float64) / 100
        return resample(values, step, "polyphase"), resampled_length(tf.shape(values)[0], step)

    specs = [tf.TensorSpec((None, 2)), tf.TensorSpec(())]
    return tf.function(at_100_hz, input_signature=specs)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("seconds", [0.05, 12.34])
def test_it_resamples_as_the_library(graph, rate, seconds):
    length = max(1, round(rate * seconds))
    walk = np.cumsum(np.random.default_rng(1).normal(0, 0.05, (length, 2)), axis=0)
    values, rate = walk.astype(np.float32), float(np.float32(rate))
    found, whole = graph(values, rate)
    expected = signals.resample(values, rate, 100)
    assert int(whole) == len(expected)
    np.testing.assert_allclose(found, expected, rtol=3e-6, atol=3e-6)


def test_new_samples_of_many_old_ones_are_made_a_few_at_a_time(graph):
    """At 99,999.5 Hz one is made of 20,000: weights of a thousand at once would take a gigabyte."""
    rate = 99_999.5
    wave = np.sin(np.arange(round(rate)) * 50 / rate)[:, None] * [1, 2]
    found, whole = graph(wave.astype(np.float32), np.float32(rate))
    assert int(whole) == 101 > graph_resampling._WEIGHTS // 20_000
    expected = signals.resample(wave.astype(np.float32), rate, 100)
    np.testing.assert_allclose(found, expected, atol=1e-5)
