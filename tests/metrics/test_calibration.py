"""Brier score and calibration error against scikit-learn and hand-made cases."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn import metrics as sklearn_metrics
from sklearn.calibration import calibration_curve

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.metrics import brier, ece, reliability_curve


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=50)
def test_brier_equals_that_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    targets, probabilities = rng.integers(0, 2, (50, 2)), rng.random((50, 2))
    targets[:2] = [[0, 0], [1, 1]]
    for label in range(2):
        expected = sklearn_metrics.brier_score_loss(targets[:, label], probabilities[:, label])
        assert brier(targets, probabilities)[label] == pytest.approx(expected)


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
@settings(deadline=None, max_examples=50)
def test_reliability_equals_that_of_scikit_learn_without_ties(seed, bins):
    rng = np.random.default_rng(seed)
    probability = rng.random(98)  # 97 is prime: no quantile falls on a record
    target = (rng.random(98) < probability).astype(int)
    target[:2] = [0, 1]
    share, mean = calibration_curve(target, probability, n_bins=bins, strategy="quantile")
    mine = reliability_curve(target, probability, bins)
    np.testing.assert_allclose(mine[0], mean)
    np.testing.assert_allclose(mine[1], share)
    assert mine[2].sum() == 98


def test_honest_probabilities_are_calibrated_and_overconfident_ones_are_not():
    rng = np.random.default_rng(0)
    honest = rng.random((20_000, 1))
    targets = rng.random((20_000, 1)) < honest
    assert ece(targets, honest)[0] < 0.015
    assert ece(targets, np.clip(3 * (honest - 0.5) + 0.5, 0, 1))[0] > 0.1


def test_equal_probabilities_share_a_bin_in_any_order():
    target, probability = np.array([1, 0, 0, 1, 1, 0]), np.array([0.5] * 4 + [0.1] * 2)
    curve = reliability_curve(target, probability, 3)
    assert curve[2].tolist() == [2.0, 4.0]
    np.testing.assert_allclose(curve[1], [0.5, 0.5])
    for part, shuffled in zip(
        curve, reliability_curve(target[::-1], probability[::-1], 3), strict=True
    ):
        np.testing.assert_array_equal(part, shuffled)


def test_what_is_wrong_is_said():
    with pytest.raises(DataError, match=r"in \[0, 1\]. Received: 1.5. Does the model's head lack"):
        brier([[1]], [[1.5]])
    with pytest.raises(DataError, match=r"in \[0, 1\]. Received: -2"):
        ece([[1]], [[-2.0]])
    with pytest.raises(ConfigError, match=r"bins must be at least 1. Received: 0"):
        reliability_curve([1], [0.5], 0)
