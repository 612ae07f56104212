"""AUROC, AUPRC and their curves against scikit-learn, with ties, rare labels and weights."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn import metrics as sklearn_metrics

from ecg_keras.errors import DataError
from ecg_keras.metrics import auprc, auroc, pr_curve, rank_scores, roc_curve


@st.composite
def scored(draw):
    """Targets and probabilities: all ties to none, labels from rare to common."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    records, labels = draw(st.integers(1, 60)), draw(st.integers(1, 4))
    prevalence = draw(st.sampled_from([0.0, 0.03, 0.3, 0.9, 1.0]))
    levels = draw(st.sampled_from([1, 2, 5, 1000]))
    targets = (rng.random((records, labels)) < prevalence).astype(np.uint8)
    probabilities = np.floor(rng.random((records, labels)) * levels) / levels
    return targets, probabilities.astype(draw(st.sampled_from([np.float32, np.float64])))


def oracle(score, targets, probabilities, weights=None):
    values = []
    for target, probability in zip(targets.T, probabilities.T, strict=True):
        seen = target if weights is None else target[weights > 0]
        defined = 0 < seen.sum() < len(seen)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values.append(score(target, probability, sample_weight=weights) if defined else np.nan)
    return np.array(values)


@given(scored())
@settings(deadline=None, max_examples=80)
def test_areas_equal_those_of_scikit_learn(case):
    np.testing.assert_allclose(
        auroc(*case), oracle(sklearn_metrics.roc_auc_score, *case), rtol=0, atol=1e-12
    )
    np.testing.assert_allclose(
        auprc(*case), oracle(sklearn_metrics.average_precision_score, *case), rtol=0, atol=1e-12
    )


@given(scored(), st.integers(0, 2**32 - 1), st.booleans())
@settings(deadline=None, max_examples=80)
def test_weighted_areas_equal_those_of_scikit_learn(case, seed, whole):
    rng = np.random.default_rng(seed)
    records = len(case[0])
    weights = rng.poisson(1.0, (3, records)) if whole else rng.exponential(size=(3, records))
    area_roc, area_pr = rank_scores(*case, weights)
    assert area_roc.shape == (3, case[0].shape[1])
    for row, weight in enumerate(weights.astype(float)):
        np.testing.assert_allclose(
            area_roc[row],
            oracle(sklearn_metrics.roc_auc_score, *case, weight),
            rtol=0,
            atol=1e-10,
        )
        np.testing.assert_allclose(
            area_pr[row],
            oracle(sklearn_metrics.average_precision_score, *case, weight),
            rtol=0,
            atol=1e-10,
        )


def test_one_row_of_weights_as_a_matrix_stays_a_matrix():
    targets, probabilities = [[1], [0]], [[0.9], [0.5]]
    assert auroc(targets, probabilities, [1, 1]).shape == (1,)
    assert auroc(targets, probabilities, [[1, 1]]).shape == (1, 1)


def test_scores_that_differ_in_the_last_bit_are_not_ties():
    scores = np.array([[0.5], [np.nextafter(0.5, 1)]])
    assert auroc([[0], [1]], scores) == 1.0


@given(scored())
@settings(deadline=None, max_examples=60)
def test_curves_equal_those_of_scikit_learn(case):
    target, probability = case[0][:, 0], case[1][:, 0].astype(np.float64)
    if 0 < target.sum() < len(target):
        expected = sklearn_metrics.roc_curve(target, probability, drop_intermediate=False)
        for mine, theirs in zip(roc_curve(target, probability), expected, strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-12)
        false_positive_rate, sensitivity, _ = roc_curve(target, probability)
        area = np.sum(np.diff(false_positive_rate) * (sensitivity[1:] + sensitivity[:-1]) / 2)
        assert area == pytest.approx(auroc(*case)[0], abs=1e-12)

        precision, recall, thresholds = sklearn_metrics.precision_recall_curve(target, probability)
        mine = pr_curve(target, probability)
        np.testing.assert_allclose(mine[0][::-1], recall, atol=1e-12)
        np.testing.assert_allclose(mine[1][::-1], precision, atol=1e-12)
        np.testing.assert_allclose(mine[2][:0:-1], thresholds)
        assert np.sum(np.diff(mine[0]) * mine[1][1:]) == pytest.approx(auprc(*case)[0], abs=1e-12)


def test_a_curve_without_positives_has_no_sensitivity():
    false_positive_rate, sensitivity, _ = roc_curve([0, 0], [0.1, 0.2])
    assert false_positive_rate.tolist() == [0.0, 0.5, 1.0]
    assert np.isnan(sensitivity).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[1], [0]], [[0.5]]), r"probabilities must have the shape of the targets, \(2, 1\)"),
        (([1, 0], [0.5, 0.1]), r"targets must have the shape \(records, labels\).*shape \(2,\)"),
        ((np.empty((0, 3)), np.empty((0, 3))), r"at least one of each. Received: shape \(0, 3\)"),
        (([[1], [2]], [[0.5], [0.1]]), r"targets must be 0 or 1. Received: 2 in row 1, column 0"),
        (
            ([[1, 0]], [[0.5, np.nan]]),
            r"must be finite. Received: nan in row 0, column 1.*training diverged",
        ),
        (([[1], [0]], [[0.5], [0.1]], [1, 1, 1]), r"weights must have the shape \(2,\) or"),
        (([[1], [0]], [[0.5], [0.1]], [1, -1]), r"weights must be finite and at least 0"),
    ],
)
def test_what_is_wrong_is_said(arguments, message):
    for score in (auroc, auprc):
        with pytest.raises(DataError, match=message):
            score(*arguments)


def test_a_curve_is_of_one_label():
    with pytest.raises(DataError, match=r"one label, both \(records,\).*shapes \(2, 1\) and"):
        roc_curve([[1], [0]], [[0.5], [0.1]])
