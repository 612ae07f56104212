"""`mixup`: ECGs and targets mixed in pairs."""

from __future__ import annotations

import tensorflow as tf

LEAST = -1e30  # of a logarithm, so that the difference of two is a number


def mixup(
    signal: tf.Tensor, target: tf.Tensor, alpha: float, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Each ECG and its targets mixed with another of the batch.

    ``w * own + (1 - w) * other`` with ``w`` from Beta(alpha, alpha), drawn for each ECG; the others
    are the same batch in a random order (Zhang et al., "mixup: Beyond empirical risk minimization",
    ICLR 2018, section 2). Binary cross-entropy is linear in the target, so its value is
    the mean of the losses for either ECG's targets, weighted by ``w``.

    Args:
        signal: float32 ``(batch, num_samples, num_leads)``.
        target: float32 ``(batch, num_labels)``.
        alpha: above 0; the smaller, the nearer to one of the two ECGs.
        seed: two integers.

    Returns:
        Signal and target of the same shapes.
    """
    of_order, *of_weight = tf.unstack(tf.random.experimental.stateless_split(seed, 5))
    batch = tf.shape(signal)[0]
    other = tf.random.experimental.stateless_shuffle(tf.range(batch), of_order)
    # Beta(a, a) is g / (g + h) with g and h from Gamma(a)
    weight = tf.sigmoid(
        _log_gamma(batch, alpha, *of_weight[:2]) - _log_gamma(batch, alpha, *of_weight[2:])
    )[:, tf.newaxis]
    mixed = weight * target + (1 - weight) * tf.gather(target, other)
    weight = weight[:, :, tf.newaxis]
    return weight * signal + (1 - weight) * tf.gather(signal, other), mixed


def _log_gamma(count: tf.Tensor, alpha: float, seed: tf.Tensor, further: tf.Tensor) -> tf.Tensor:
    """Logarithms of draws from Gamma(alpha, 1), many of which float32 can't hold for small alpha.

    A draw from Gamma(alpha) is one from Gamma(alpha + 1) times u**(1 / alpha) with a uniform u
    (Marsaglia and Tsang, "A simple method for generating gamma variables", ACM Transactions on
    Mathematical Software 2000, 26:363-372).
    """
    larger = tf.random.stateless_gamma([count], seed, alpha + 1.0)
    uniform = tf.random.stateless_uniform([count], further, minval=1e-30)
    return tf.maximum(tf.math.log(larger) + tf.math.log(uniform) / alpha, LEAST)
