"""Net benefit: identities of Vickers & Elkin (2006), a case by hand, weights as repetitions."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.metrics import benefit_of_all, net_benefit

THRESHOLDS = [0.0, 0.1, 0.25, 0.5, 0.9]
seeds = st.integers(0, 2**32 - 1)


def draw(seed, records=40, labels=2):
    rng = np.random.default_rng(seed)
    # ties with thresholds among them
    return rng.integers(0, 2, (records, labels)), rng.integers(0, 21, (records, labels)) / 20


def by_hand(target, probability, threshold):
    hits = sum(y == 1 and p >= threshold for y, p in zip(target, probability, strict=True))
    alarms = sum(y == 0 and p >= threshold for y, p in zip(target, probability, strict=True))
    return hits / len(target) - alarms / len(target) * threshold / (1 - threshold)


@given(seeds)
@settings(deadline=None, max_examples=40)
def test_it_is_counted_as_by_hand(seed):
    targets, probabilities = draw(seed)
    found = net_benefit(targets, probabilities, THRESHOLDS)
    expected = [
        [by_hand(targets[:, label], probabilities[:, label], t) for label in range(2)]
        for t in THRESHOLDS
    ]
    np.testing.assert_allclose(found, expected, atol=1e-12)


@given(seeds)
@settings(deadline=None, max_examples=40)
def test_identities(seed):
    targets, probabilities = draw(seed)
    prevalence = targets.mean(axis=0)
    everyone = benefit_of_all(targets, THRESHOLDS)
    odds = np.array(THRESHOLDS)[:, None] / (1 - np.array(THRESHOLDS)[:, None])
    np.testing.assert_allclose(everyone, prevalence - (1 - prevalence) * odds, atol=1e-12)
    found = net_benefit(targets, probabilities, THRESHOLDS)
    np.testing.assert_allclose(found[0], prevalence)  # at 0 everybody is treated
    np.testing.assert_allclose(net_benefit(targets, targets, THRESHOLDS[1:]), [prevalence] * 4)
    assert (found <= prevalence + 1e-12).all()
    # nobody is treated
    assert (net_benefit(targets, 0 * probabilities, THRESHOLDS[1:]) == 0).all()
    # all decisions pooled are the mean of the labels
    pooled = net_benefit(targets.reshape(-1, 1), probabilities.reshape(-1, 1), THRESHOLDS)
    np.testing.assert_allclose(pooled[:, 0], found.mean(axis=1), atol=1e-12)


@given(seeds)
@settings(deadline=None, max_examples=20)
def test_weights_are_repetitions(seed):
    targets, probabilities = draw(seed)
    weights = np.random.default_rng(seed).integers(0, 3, (2, len(targets)))
    weights[:, 0] = 1
    found = net_benefit(targets, probabilities, THRESHOLDS, weights)
    assert found.shape == (2, 5, 2)
    for row, own in zip(found, weights, strict=True):
        again = np.repeat(np.arange(len(targets)), own)
        np.testing.assert_allclose(
            row, net_benefit(targets[again], probabilities[again], THRESHOLDS), atol=1e-12
        )
    assert np.isnan(net_benefit(targets, probabilities, [0.5], 0 * weights[0])).all()


def test_what_is_no_threshold_or_probability_is_refused():
    with pytest.raises(ConfigError, match=r"thresholds must be in \[0, 1\). Received: 1."):
        net_benefit([[1], [0]], [[0.5], [0.5]], [0.5, 1.0])
    with pytest.raises(DataError, match=r"probabilities must be in \[0, 1\]"):
        net_benefit([[1], [0]], [[1.5], [0.5]], [0.5])
