import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings, strategies as st
from scipy.stats import beta, kstest

from ecg_keras.data.augment import mixup

BATCH = 600
# the first column of an ECG names it, the target too
OWN = np.arange(BATCH, dtype=np.float32)
ECG = tf.constant(np.eye(BATCH, dtype=np.float32)[:, :, np.newaxis] * np.ones(2, np.float32))


def mixed(alpha, seed=(0, 1)):
    """The weight of each ECG's own part, and the number of the other."""
    signal, target = mixup(ECG, ECG[:, :, 0], alpha, seed)
    np.testing.assert_allclose(signal[:, :, 0], target, atol=1e-7)
    np.testing.assert_array_equal(signal[:, :, 0], signal[:, :, 1])
    shares = target.numpy()
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
    weight = np.diagonal(shares).copy()
    np.fill_diagonal(shares, 0)
    return weight, shares.argmax(axis=1), shares


def test_each_ecg_is_mixed_with_one_other_and_each_is_the_other_once():
    weight, other, shares = mixed(0.9)
    assert ((shares > 0).sum(axis=1) <= 1).all()
    apart = weight < 1  # an ECG may be its own other
    assert apart.sum() > BATCH - 8
    assert len(set(other[apart])) == apart.sum()


@pytest.mark.parametrize("alpha", [0.2, 1.0, 8.0])
def test_weights_are_from_the_beta_distribution(alpha):
    weight, _, _ = mixed(alpha)
    assert kstest(weight, beta(alpha, alpha).cdf).pvalue > 1e-3


@settings(max_examples=25, deadline=None)
@given(
    alpha=st.floats(1e-40, 1e6),
    seed=st.tuples(st.integers(0, 2**31), st.integers(0, 2**31)),
    size=st.integers(1, 5),
)
def test_mixtures_stay_between_what_they_mix(alpha, seed, size):
    signal, target = mixup(ECG[:size, :8], tf.eye(size), alpha, seed)
    for one in (signal.numpy(), target.numpy()):
        assert np.isfinite(one).all()
        assert one.min() >= 0
        assert one.max() <= 1 + 1e-6


def test_the_loss_is_the_weighted_mean_of_the_losses_for_both_targets():
    first, second = tf.constant([[1.0, 0.0, 1.0]]), tf.constant([[0.0, 0.0, 1.0]])
    probability = tf.constant([[0.7, 0.2, 0.4]])
    loss = keras.losses.BinaryCrossentropy()
    np.testing.assert_allclose(
        loss(0.3 * first + 0.7 * second, probability),
        0.3 * loss(first, probability) + 0.7 * loss(second, probability),
        rtol=1e-6,
    )
