"""F1, sensitivity, specificity and thresholds, against scikit-learn and exhaustive search."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn import metrics as sklearn_metrics

from ecg_keras.errors import DataError
from ecg_keras.metrics import (
    best_f1_thresholds,
    confusion,
    decide,
    f1,
    prevalence,
    sensitivity,
    specificity,
)


def draw_case(seed, records=40, labels=3, levels=7):
    rng = np.random.default_rng(seed)
    targets = (rng.random((records, labels)) < rng.random(labels)).astype(np.uint8)
    probabilities = np.floor(rng.random((records, labels)) * levels) / levels
    return targets, probabilities.astype(np.float32)


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(deadline=None, max_examples=40)
def test_scores_equal_those_of_scikit_learn(seed, use_weights):
    targets, probabilities = draw_case(seed)
    decisions = decide(probabilities, 0.5)
    weights = np.random.default_rng(seed).exponential(size=40) if use_weights else None
    for label in range(3):
        truth, decided = targets[:, label], decisions[:, label]
        both = 0 < truth.sum() < 40
        theirs = sklearn_metrics.f1_score(truth, decided, sample_weight=weights, zero_division=0)
        np.testing.assert_allclose(
            f1(targets, decisions, weights)[label], theirs if both else np.nan, atol=1e-12
        )
        for mine, positive in ((sensitivity, 1), (specificity, 0)):
            expected = (
                sklearn_metrics.recall_score(
                    truth, decided, pos_label=positive, sample_weight=weights
                )
                if (truth == positive).any()
                else np.nan
            )
            np.testing.assert_allclose(
                mine(targets, decisions, weights)[label], expected, atol=1e-12
            )
    np.testing.assert_allclose(
        prevalence(targets, weights), np.average(targets, axis=0, weights=weights)
    )


def test_values_worked_out_by_hand():
    targets = [[1, 0], [1, 0], [0, 0], [0, 0]]
    decisions = [[1, 0], [0, 1], [1, 0], [0, 0]]
    assert [cell.tolist() for cell in confusion(targets, decisions)] == [
        [1.0, 0.0],
        [1.0, 1.0],
        [1.0, 0.0],
        [1.0, 3.0],
    ]
    np.testing.assert_array_equal(f1(targets, decisions), [0.5, np.nan])
    np.testing.assert_array_equal(sensitivity(targets, decisions), [0.5, np.nan])
    np.testing.assert_array_equal(specificity(targets, decisions), [0.5, 0.75])
    np.testing.assert_array_equal(prevalence(targets), [0.5, 0.0])


def test_resamples_are_rows():
    targets, decisions = [[1], [1], [0]], [[1], [0], [0]]
    weights = [[1, 1, 1], [2, 0, 1], [0, 0, 3]]
    np.testing.assert_array_equal(
        sensitivity(targets, decisions, weights), [[0.5], [1.0], [np.nan]]
    )
    np.testing.assert_array_equal(f1(targets, decisions, weights)[1:], [[1.0], [np.nan]])


def test_a_probability_at_the_threshold_is_a_yes():
    assert decide([[0.5], [0.49]], 0.5).tolist() == [[1], [0]]


def test_each_record_may_have_thresholds_of_its_own():
    assert decide([[0.3, 0.5], [0.3, 0.5]], [[0.2, 0.6], [0.4, 0.4]]).tolist() == [[1, 0], [0, 1]]


def test_a_threshold_between_two_float32_neighbours_separates_them():
    low = np.float32(0.3)
    high = np.nextafter(low, np.float32(1))
    threshold = best_f1_thresholds([[0], [1]], np.array([[low], [high]]))
    assert low < threshold[0] < high
    assert decide(np.array([[low], [high]]), threshold).tolist() == [[0], [1]]
    assert decide(np.array([[low], [high]]), threshold[0]).tolist() == [[0], [1]]


def test_a_threshold_between_two_float64_neighbours_is_the_upper_one():
    high = np.nextafter(0.3, 1)
    assert best_f1_thresholds([[0], [1]], [[0.3], [high]])[0] == high


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 7, 10_000]))
@settings(deadline=None, max_examples=40)
def test_no_threshold_has_a_better_f1(seed, levels):
    targets, probabilities = draw_case(seed, levels=levels)
    best = f1(targets, decide(probabilities, best_f1_thresholds(targets, probabilities)))
    for label in range(3):
        if targets[:, label].all() or not targets[:, label].any():
            continue
        precision, recall, _ = sklearn_metrics.precision_recall_curve(
            targets[:, label], probabilities[:, label]
        )
        tried = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
        assert best[label] == pytest.approx(max(tried), abs=1e-12)


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=50)
def test_the_best_threshold_does_not_hang_on_the_order_of_the_records(seed):
    targets, probabilities = draw_case(seed)
    order = np.random.default_rng(seed).permutation(len(targets))
    np.testing.assert_array_equal(
        best_f1_thresholds(targets[order], probabilities[order]),
        best_f1_thresholds(targets, probabilities),
    )


def test_of_equally_good_thresholds_the_highest_is_taken():
    # Yes to the first alone: 2*1/(1+2). Yes to all four: 2*2/(4+2). Both are 2/3.
    targets, probabilities = [[1], [0], [0], [1]], [[0.8], [0.6], [0.4], [0.2]]
    assert best_f1_thresholds(targets, probabilities)[0] == pytest.approx(0.7)


def test_the_threshold_below_all_scores_is_half_the_lowest():
    assert best_f1_thresholds([[1], [1]], [[0.4], [0.6]])[0] == pytest.approx(0.2)
    assert best_f1_thresholds([[1], [1]], [[0.0], [0.6]])[0] == 0.0


def test_a_label_without_positives_gets_one_half():
    assert best_f1_thresholds([[0, 1], [0, 0]], [[0.9, 0.9], [0.8, 0.1]]).tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: f1([[1], [0]], [[0.7], [0.0]]),
            r"decisions must be 0 or 1. Received: 0.7.*decide",
        ),
        (lambda: f1([[1], [0]], [[1]]), r"decisions must have the shape of the targets, \(2, 1\)"),
        (lambda: decide([[0.1, 0.2]], [0.5]), r"one for each of the 2 labels. Received: \[0.5\]"),
        (lambda: decide([[0.1]], np.nan), r"thresholds must be one finite number"),
        (lambda: best_f1_thresholds([[1]], [[np.inf]]), r"must be finite. Received: inf"),
    ],
)
def test_what_is_wrong_is_said(call, message):
    with pytest.raises(DataError, match=message):
        call()
