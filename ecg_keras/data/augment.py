"""Random changes of training ECGs in TensorFlow, repeatable from a seed."""

from __future__ import annotations

import tensorflow as tf

from ecg_keras.config import Augment


def augment(
    signal: tf.Tensor, settings: Augment, sampling_rate: float, seed: tf.Tensor
) -> tf.Tensor:
    """A batch of ECGs with every change that the settings switch on, in the order given there.

    Args:
        signal: float32 ``(batch, num_samples, num_leads)`` in millivolts.
        settings: how strong each change is; zero switches it off.
        sampling_rate: in Hz.
        seed: two integers; the same seed gives the same changes.

    Returns:
        float32 of the same shape, or as long as ``settings.crop`` says.

    Example:
        >>> augment(tf.ones((2, 100, 12)), Augment(gain=0.1), 100.0, tf.constant([0, 1])).shape
        TensorShape([2, 100, 12])
    """
    seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 5))
    if settings.crop:
        signal = crop(signal, round(settings.crop * sampling_rate), seeds[4])
    if settings.shift:
        signal = shift(signal, settings.shift * sampling_rate, seeds[0])
    if settings.gain:
        signal = gain(signal, settings.gain, seeds[1])
    if settings.noise:
        signal = noise(signal, settings.noise, seeds[2])
    if settings.lead_dropout:
        signal = lead_dropout(signal, settings.lead_dropout, seeds[3])
    return signal


def crop(signal: tf.Tensor, length: int, seed: tf.Tensor) -> tf.Tensor:
    """A window of ``length`` samples of each ECG, from a random start."""
    batch, samples = tf.shape(signal)[0], tf.shape(signal)[1]
    start = tf.random.stateless_uniform((batch, 1), seed, 0, samples - length + 1, dtype=tf.int32)
    window = tf.gather(signal, tf.range(length) + start, batch_dims=1)
    return tf.ensure_shape(window, (signal.shape[0], length, signal.shape[2]))


def shift(signal: tf.Tensor, greatest: float, seed: tf.Tensor) -> tf.Tensor:
    """Each ECG later or earlier by up to ``greatest`` samples; what is shifted in is zero."""
    batch, length = tf.shape(signal)[0], tf.shape(signal)[1]
    limit = int(greatest)
    by = tf.random.stateless_uniform((batch, 1), seed, -limit, limit + 1, dtype=tf.int32)
    # after zeros on both sides, each ECG is the window that starts `by` samples before the middle
    padded = tf.pad(signal, ((0, 0), (limit, limit), (0, 0)))
    return tf.ensure_shape(
        tf.gather(padded, tf.range(length) + limit - by, batch_dims=1), signal.shape
    )


def gain(signal: tf.Tensor, spread: float, seed: tf.Tensor) -> tf.Tensor:
    """Each ECG times ``exp(N(0, spread))``, the same for all of its leads."""
    exponent = tf.random.stateless_normal((tf.shape(signal)[0], 1, 1), seed, stddev=spread)
    return signal * tf.exp(exponent)


def noise(signal: tf.Tensor, spread: float, seed: tf.Tensor) -> tf.Tensor:
    """Each sample plus ``N(0, spread)`` millivolts."""
    return signal + tf.random.stateless_normal(tf.shape(signal), seed, stddev=spread)


def lead_dropout(signal: tf.Tensor, chance: float, seed: tf.Tensor) -> tf.Tensor:
    """Each lead of each ECG set to zero with this chance."""
    shape = (tf.shape(signal)[0], 1, tf.shape(signal)[2])
    kept = tf.random.stateless_uniform(shape, seed) >= chance
    return signal * tf.cast(kept, signal.dtype)
