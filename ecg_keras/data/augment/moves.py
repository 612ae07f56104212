"""Which part of the recording is seen: `crop` and `shift`."""

from __future__ import annotations

import tensorflow as tf


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
