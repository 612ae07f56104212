"""Means over labels, and the table of summary scores."""

import warnings

import numpy as np
import pytest
from metric_oracles import CODES, FURTHER_ORACLES, ORACLES

from ecg_keras.metrics import (
    FURTHER,
    METRICS,
    FurtherScorer,
    FurtherScores,
    LabelScorer,
    macro,
    score_labels,
    weighted,
)


def draw_case(seed, records=300, labels=6):
    rng = np.random.default_rng(seed)
    targets = (rng.random((records, labels)) < rng.uniform(0.05, 0.6, labels)).astype(np.uint8)
    return targets, np.clip(0.3 * targets + 0.7 * rng.random((records, labels)), 0, 1)


def test_every_summary_score_has_an_oracle():
    assert list(METRICS) == list(ORACLES)
    assert list(FURTHER) == list(FURTHER_ORACLES)


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("seed", range(5))
def test_a_summary_score_equals_that_of_scikit_learn(name, seed):
    targets, probabilities = draw_case(seed)
    expected = ORACLES[name](targets, probabilities, probabilities >= 0.5)
    assert float(METRICS[name](score_labels(targets, probabilities))) == pytest.approx(expected)


@pytest.mark.parametrize("name", FURTHER)
def test_a_further_score_equals_its_reference(name):
    # of two decimals, the thresholds of the sample-centric F-max
    targets, probabilities = draw_case(0, records=100)
    probabilities = probabilities.round(2)
    scorer = FurtherScorer(LabelScorer(targets, probabilities), CODES)
    expected = FURTHER_ORACLES[name](targets, probabilities, probabilities >= 0.5)
    found = FURTHER[name](scorer.score(np.ones((len(targets), 1))))
    assert found == pytest.approx([expected])


@pytest.mark.parametrize("name", METRICS)
def test_an_absent_or_universal_label_is_left_out_not_counted_as_zero(name):
    targets, probabilities = draw_case(7)
    without = METRICS[name](score_labels(targets, probabilities))
    odd = np.column_stack([targets, np.zeros(len(targets), int), np.ones(len(targets), int)])
    both = METRICS[name](score_labels(odd, np.column_stack([probabilities, probabilities[:, :2]])))
    assert float(both) == pytest.approx(float(without), abs=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_many_resamples_at_once_equal_one_at_a_time(name):
    targets, probabilities = draw_case(3)
    weights = np.random.default_rng(0).poisson(1.0, (8, len(targets)))
    together = METRICS[name](score_labels(targets, probabilities, 0.4, weights))
    for row, weight in enumerate(weights):
        alone = METRICS[name](score_labels(targets, probabilities, 0.4, weight))
        repeated = (np.repeat(part, weight, axis=0) for part in (targets, probabilities))
        assert together[row] == pytest.approx(float(alone), abs=1e-12)
        assert together[row] == pytest.approx(
            float(METRICS[name](score_labels(*repeated, 0.4))), abs=1e-12
        )


def test_means_skip_what_is_undefined_and_warn_of_nothing():
    nan = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert macro([0.2, nan, 0.6]) == pytest.approx(0.4)
        assert np.isnan(macro([nan, nan]))
        np.testing.assert_allclose(macro([[1.0, nan], [nan, nan], [1.0, 0.5]]), [1.0, nan, 0.75])
        assert weighted([0.2, nan, 0.6], [0.1, 0.9, 0.3]) == pytest.approx(0.5)
        assert np.isnan(weighted([0.2, 0.3], [0.0, 0.0]))


def test_a_threshold_per_label_is_used_for_its_label():
    scores = score_labels([[1, 1], [0, 0]], [[0.3, 0.3], [0.1, 0.1]], [0.2, 0.4])
    assert scores.sensitivity.tolist() == [1.0, 0.0]


def test_a_label_that_is_undefined_is_in_no_further_mean():
    one, nothing = np.array([0.6, np.nan, 0.8]), np.array(np.nan)
    brier = np.array([0.1, 0.9, 0.3])
    scores = FurtherScores(one, one, brier, nothing, nothing, nothing)
    rows = FurtherScores(*(np.stack([each] * 2) for each in (one, one, brier)), *[nothing] * 3)
    for name, expected in (("macro_f_max", 0.7), ("macro_brier", 0.2)):
        assert FURTHER[name](scores) == pytest.approx(expected)
        assert FURTHER[name](rows) == pytest.approx([expected, expected])
