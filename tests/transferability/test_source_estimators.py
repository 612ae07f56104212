"""MELEP, LEEP and NCE against their definitions, written out as loops."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

from ecg_keras.errors import DataError
from ecg_keras.transferability import leep, melep, nce
from ecg_keras.transferability.source_estimators import one_label_distribution

ROWS = 12


def entropy(share: float) -> float:
    return -sum(p * math.log(p) for p in (share, 1 - share) if p > 0)


def melep_by_loops(source, targets):
    total = weights = 0.0
    for y in range(targets.shape[1]):
        phis = []
        for z in range(source.shape[1]):
            joint = np.zeros((2, 2))
            for i in range(len(targets)):
                for b, q in ((1, source[i, z]), (0, 1 - source[i, z])):
                    joint[targets[i, y], b] += q / len(targets)
            conditional = joint / joint.sum(axis=0)
            likelihood = [
                conditional[targets[i, y], 0] * (1 - source[i, z])
                + conditional[targets[i, y], 1] * source[i, z]
                for i in range(len(targets))
            ]
            phis.append(-np.mean(np.log(likelihood)))
        weight = targets[:, y].mean()
        total, weights = total + weight * np.mean(phis), weights + weight
    return total / weights


def leep_by_loops(theta, targets):
    total = weights = 0.0
    for y in range(targets.shape[1]):
        logs = []
        for i in range(len(targets)):
            predicted = 0.0
            for z in range(theta.shape[1]):
                same = sum(
                    theta[k, z] for k in range(len(targets)) if targets[k, y] == targets[i, y]
                )
                predicted += same / theta[:, z].sum() * theta[i, z]
            logs.append(math.log(predicted))
        weight = targets[:, y].mean()
        total, weights = total + weight * np.mean(logs), weights + weight
    return total / weights


def nce_by_loops(theta, targets):
    total = weights = 0.0
    chosen = [max(range(theta.shape[1]), key=lambda z, row=row: row[z]) for row in theta]
    for y in range(targets.shape[1]):
        logs = []
        for i in range(len(targets)):
            peers = [targets[k, y] for k in range(len(targets)) if chosen[k] == chosen[i]]
            logs.append(math.log(peers.count(targets[i, y]) / len(peers)))
        weight = targets[:, y].mean()
        total, weights = total + weight * np.mean(logs), weights + weight
    return total / weights


@st.composite
def cases(draw):
    source = draw(arrays(np.float64, (ROWS, 3), elements=st.floats(0.01, 0.99)))
    targets = draw(arrays(np.uint8, (ROWS, 2), elements=st.integers(0, 1)))
    targets[:2] = 1
    targets[2:4] = 0
    return source, targets


@settings(max_examples=40, deadline=None)
@given(cases())
def test_they_are_what_their_definitions_say(case):
    source, targets = case
    theta = one_label_distribution(source)
    assert melep(source, targets) == pytest.approx(melep_by_loops(source, targets), abs=1e-9)
    assert leep(source, targets) == pytest.approx(leep_by_loops(theta, targets), abs=1e-9)
    assert nce(source, targets) == pytest.approx(nce_by_loops(theta, targets), abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(cases())
def test_they_lie_between_knowing_nothing_and_everything(case):
    source, targets = case
    shares = targets.mean(axis=0)
    most = np.average([entropy(share) for share in shares], weights=shares)
    assert -1e-12 <= melep(source, targets) <= most + 1e-9
    assert -most - 1e-9 <= leep(source, targets) <= 1e-12
    assert -most - 1e-9 <= nce(source, targets) <= 1e-12


def test_a_source_label_that_is_the_target_label_tells_everything():
    targets = np.array([[1, 0], [1, 1], [0, 1], [0, 0]] * 3)
    exact = targets[:, :1].astype(float)
    assert melep(exact, targets[:, :1]) == 0
    assert leep(exact, targets[:, :1]) == pytest.approx(0, abs=1e-5)
    assert nce(exact, targets[:, :1]) == 0
    # and nothing of a label that is independent of it
    for score in (-melep(exact, targets[:, 1:]), leep(exact, targets[:, 1:])):
        assert score == pytest.approx(-math.log(2), abs=1e-5)


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_saturated_source_unit_counts_as_knowing_nothing(level):
    targets = np.array([[1], [1], [0], [0], [0]])
    saturated = np.full((5, 1), level)
    assert melep(saturated, targets) == pytest.approx(entropy(0.4))
    assert leep(saturated, targets) == pytest.approx(-entropy(0.4))
    assert nce(saturated, targets) == pytest.approx(-entropy(0.4))


def test_probabilities_that_are_nearly_0_or_1_give_numbers():
    rng = np.random.default_rng(0)
    source = rng.choice([0.0, 1e-300, 1e-12, 1 - 1e-12, 1.0], size=(50, 4))
    targets = rng.integers(0, 2, size=(50, 3))
    for score in (melep(source, targets), leep(source, targets), nce(source, targets)):
        assert np.isfinite(score)


@settings(deadline=None)
@given(arrays(np.float64, (6, 3), elements=st.floats(0.01, 0.99)))
def test_the_distribution_is_that_of_independent_labels_of_which_at_most_one_is_present(source):
    none = np.prod(1 - source, axis=1)
    each = np.stack([none / (1 - p) * p for p in source.T], axis=1)
    joint = np.hstack([each, none[:, None]])
    expected = joint / joint.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(one_label_distribution(source), expected, rtol=1e-9)


def test_probabilities_must_be_probabilities():
    with pytest.raises(DataError, match=r"must be in \[0, 1\].*Received: 1.5"):
        melep([[1.5], [0], [0], [0]], [[1], [1], [0], [0]])
    with pytest.raises(
        DataError, match=r"must have the shape \(4, size\).*Received: shape \(3, 1\)"
    ):
        leep([[1.0], [0], [0]], [[1], [1], [0], [0]])
