"""DeLong's test against its definition, and against how often it should be wrong."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from ecg_keras.evaluation import delong_test
from ecg_keras.metrics import auroc


def by_definition(target, first, second):
    """The structural components of DeLong, DeLong & Clarke-Pearson (1988), pair by pair."""
    tables = []
    for scores in (first, second):
        gap = scores[target == 1][:, None] - scores[target == 0][None, :]
        tables.append((gap > 0) + 0.5 * (gap == 0))
    of_positives = np.cov([table.mean(axis=1) for table in tables])
    of_negatives = np.cov([table.mean(axis=0) for table in tables])
    covariance = of_positives / (target == 1).sum() + of_negatives / (target == 0).sum()
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    return tables[0].mean() - tables[1].mean(), math.sqrt(max(variance, 0))


@given(st.integers(0, 2**32 - 1), st.sampled_from([3, 10, 10**6]))
@settings(deadline=None, max_examples=80)
def test_ranks_give_what_all_pairs_give(seed, levels):
    rng = np.random.default_rng(seed)
    target = rng.permutation(np.arange(30) < rng.integers(2, 29)).astype(int)
    first, second = rng.integers(0, levels, (2, 30)) / levels
    difference, error = by_definition(target, first, second)
    test = delong_test(target, first, second)
    assert test.difference == pytest.approx(difference, abs=1e-12)
    columns = (auroc(target[:, None], scores[:, None])[0] for scores in (first, second))
    assert test.difference == pytest.approx(next(columns) - next(columns), abs=1e-12)
    assert test.standard_error == pytest.approx(error, abs=1e-9)
    if error > 1e-9:
        assert test.p_value == pytest.approx(math.erfc(abs(difference / error) / math.sqrt(2)))
        swapped = delong_test(target, second, first)
        assert (swapped.z, swapped.p_value) == pytest.approx((-test.z, test.p_value))


def test_where_nothing_differs_it_cries_wolf_about_five_times_in_100():
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(400):
        target = (np.arange(120) < 40).astype(int)
        shared = target + rng.normal(size=120)
        first, second = shared + 0.7 * rng.normal(size=(2, 120))
        alarms += delong_test(target, first, second).p_value < 0.05
    assert 0.02 <= alarms / 400 <= 0.085


def test_scores_that_rank_alike_do_not_differ():
    target, scores = [0, 1, 0, 1], np.array([0.1, 0.4, 0.2, 0.3])
    test = delong_test(target, scores, scores**2)
    assert (test.difference, test.standard_error, test.p_value) == (0.0, 0.0, 1.0)


def test_what_can_not_be_told_is_nan():
    assert math.isnan(delong_test([0, 0, 1], [1, 2, 3], [3, 2, 1]).p_value)
    # perfect against perfectly wrong: no variance to judge the difference by
    test = delong_test([0, 0, 1, 1], [1, 2, 3, 4], [4, 3, 2, 1])
    assert test.difference == 1.0
    assert math.isnan(test.p_value)
