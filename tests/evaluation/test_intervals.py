"""Intervals of single scores: Wilson's and Newcombe's where they apply, and always their score."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st
from scipy import stats

from ecg_keras.evaluation import LEAST_PATIENTS
from ecg_keras.evaluation.inference import Design, infer_difference
from ecg_keras.evaluation.intervals import (
    LEAST_LACKING,
    auroc_variance,
    count_patients,
    estimate_label,
    estimate_mean,
    score_interval,
)
from ecg_keras.evaluation.variance import Parts
from ecg_keras.metrics import FURTHER, METRICS

VALUES = st.one_of(st.sampled_from([0.0, 1.0, 0.5]), st.floats(1e-6, 1 - 1e-6))
SCORES = (
    "auroc", "auprc", "f1", "sensitivity", "specificity", "f_max",
    "sensitivity_at_95_specificity", "brier",
)  # fmt: skip


def rows_around(value, spread, seed=0, groups=30, resamples=100):
    rng = np.random.default_rng(seed)
    moved = value + spread * rng.normal(size=groups + resamples)
    moved[:groups] = value + (moved[:groups] - value) / groups
    return np.clip(np.append(value, moved), 0, 1)


def difference_interval(rows, groups, support, level):
    found = infer_difference(rows[None], Design(groups, records=50, patients=50), support, level)
    return found.low, found.high, found.p_value


def without_spread(patients):
    return Parts(1, math.nan, 0.0, 0.0, patients - 1.0)


@pytest.mark.parametrize(("found", "of"), [(0, 8), (8, 8), (12, 12)])
def test_a_share_that_never_varies_has_wilsons_interval(found, of):
    low, high = score_interval(
        found / of, without_spread(of), lambda p: p * (1 - p) / of, math.inf, 0.95
    )
    wilson = stats.binomtest(found, of).proportion_ci(0.95, method="wilson")
    assert (low, high) == pytest.approx((wilson.low, wilson.high), abs=1e-6)


@pytest.mark.parametrize("of", [500, 3000, 10**6])
@pytest.mark.parametrize("level", [0.001, 0.01, 0.5, 1 - 1e-10])
def test_a_perfect_share_of_many_has_an_interval_at_every_level(of, level):
    low, high = score_interval(1, without_spread(of), lambda p: p * (1 - p) / of, math.inf, level)
    wilson = stats.binomtest(of, of).proportion_ci(level, method="wilson")
    assert (low, high) == pytest.approx((wilson.low, 1.0), abs=1e-8)
    low, high = score_interval(0, without_spread(of), lambda p: p * (1 - p) / of, math.inf, level)
    assert (low, high) == pytest.approx((0.0, 1 - wilson.low), abs=1e-8)


def test_a_share_that_varies_as_patients_do_has_wilsons_interval():
    share = Parts(1, math.nan, 0.0, 0.3 * 0.7 / 40, 39.0)
    found = score_interval(0.3, share, lambda p: p * (1 - p) / 40, math.inf, 0.9)
    wilson = stats.binomtest(12, 40).proportion_ci(0.9, method="wilson")
    assert found == pytest.approx((wilson.low, wilson.high), abs=1e-6)
    clustered = Parts(1, math.nan, 0.0, 4 * 0.3 * 0.7 / 40, 39.0)
    wider = score_interval(0.3, clustered, lambda p: p * (1 - p) / 40, math.inf, 0.9)
    assert wider[0] < found[0] - 0.05 and wider[1] > found[1] + 0.05


def test_the_variance_of_an_auroc_is_that_of_exponential_scores():
    rng = np.random.default_rng(0)
    positive = rng.exponential(4.0, size=(20_000, 15))  # beats a negative in 4 of 5 pairs
    negative = rng.exponential(1.0, size=(20_000, 15))
    areas = (positive[:, :, None] > negative[:, None, :]).mean(axis=(1, 2))
    assert areas.mean() == pytest.approx(0.8, abs=0.005)
    assert auroc_variance(0.8, 15, 15) == pytest.approx(areas.var(), rel=0.05)
    assert auroc_variance(1.0, 5, 5) == 0


@settings(deadline=None, max_examples=80)
@example("brier", 0.63, 0.0, 5, 0.6)
@given(
    st.sampled_from(SCORES),
    VALUES,
    st.sampled_from([0.0, 0.001, 0.05, 0.4]),
    st.integers(LEAST_PATIENTS, 200),
    st.sampled_from([0.6, 0.95, 0.999]),
)
def test_every_interval_of_a_label_contains_its_score(name, value, spread, patients, level):
    rows = rows_around(value, spread)
    found = estimate_label(name, rows, 30, patients, 300, level)
    assert found.value == value
    assert 0 <= found.low <= value <= found.high <= 1


@settings(deadline=None, max_examples=40)
@given(VALUES, st.sampled_from([0.0, 0.01, 0.3]), st.integers(2, 200))
def test_every_interval_of_a_mean_contains_its_score(value, spread, patients):
    found = estimate_mean(
        "macro_auprc", rows_around(value, spread), 30, np.array([1, patients, 4]), 0.95
    )
    assert 0 <= found.low <= value <= found.high <= 1


def test_the_lower_end_of_a_score_that_leans_is_that_of_a_score_without_the_lean():
    even = rows_around(0.6, 0.05)
    even[31:] += 0.6 - even[31:].mean()
    rows = np.append(even[:31], even[31:] + 0.02)  # resamples are 0.02 too high on average
    lower = estimate_label("auprc", even - 0.06, 30, 30, 30, 0.95)
    found, straight = (estimate_label("auprc", one, 30, 30, 30, 0.95) for one in (rows, even))
    assert found.low == pytest.approx(lower.low) and found.high == pytest.approx(straight.high)
    assert found.value == 0.6 and found.low < straight.low - 0.04
    calm, leaning = (estimate_label("auroc", one, 30, 30, 30, 0.95) for one in (even, rows))
    assert leaning.low == pytest.approx(calm.low)
    support = np.array([30])
    mean = estimate_mean("macro_f_max", rows, 30, support, 0.95)
    straight = estimate_mean("macro_f1", rows, 30, support, 0.95)
    assert mean.low < straight.low - 0.04 and mean.low < mean.value < mean.high
    few = np.append(0.05, np.full(130, 0.1))  # leans by more than it has
    assert estimate_mean("macro_f_max", few, 30, support, 0.95).low == 0


MEANS_THAT_LEAN = {
    "macro_auprc", "macro_f_max", "sample_f_max", "macro_sensitivity_at_95_specificity",
}  # fmt: skip
MEANS_THAT_JUMP = {"macro_f_max", "macro_sensitivity_at_95_specificity"}
MEANS_OF_ALL_RECORDS = {"macro_brier"}


def ends(name, rows, support=30):
    found = estimate_mean(name, rows, 30, np.array([support]), 0.95)
    return found.low, found.high


@pytest.mark.parametrize("name", [*METRICS, *FURTHER])
def test_each_mean_has_the_interval_of_its_kind(name):
    rows = rows_around(0.6, 0.05)
    rows[31:] += 0.6 - rows[31:].mean()
    higher, wider = rows.copy(), rows.copy()
    higher[31:] += 0.02
    assert (ends(name, higher)[0] < ends(name, rows)[0] - 0.04) == (name in MEANS_THAT_LEAN)
    # how much it changes without a patient, who are as unequal as before
    wider[1:31] = 0.6 + 20 * (rows[1:31] - 0.6)
    same = ends(name, wider) == pytest.approx(ends(name, rows))
    assert same == (name in MEANS_THAT_JUMP)
    few, many = (ends(name, rows, support) for support in (5, 500))
    assert (few == pytest.approx(many)) == (name in MEANS_OF_ALL_RECORDS)


def test_too_few_patients_have_no_interval():
    rows = rows_around(0.8, 0.05)
    for name in SCORES:
        few = estimate_label(name, rows, 30, 4, 4, 0.95)
        assert few.value == 0.8 and not few.has_interval
    at_95 = "sensitivity_at_95_specificity"
    assert not estimate_label(at_95, rows, 30, 30, LEAST_LACKING - 1, 0.95).has_interval
    assert estimate_label(at_95, rows, 30, 30, LEAST_LACKING, 0.95).has_interval
    assert estimate_label("specificity", rows, 30, 1, 5, 0.95).has_interval
    assert estimate_label("sensitivity", rows, 30, 5, 1, 0.95).has_interval
    assert estimate_label("auroc", np.full(131, np.nan), 30, 0, 9, 0.95) is None
    assert not estimate_mean("macro_f1", rows, 30, np.array([2, 2]), 0.95).has_interval
    assert estimate_mean("macro_f1", rows, 30, np.array([2, 3]), 0.95).has_interval
    assert estimate_mean("macro_f1", np.full(131, np.nan), 30, np.array([0]), 0.95) is None


def test_a_challenge_score_has_no_lower_bound():
    found = estimate_mean("challenge_2021", rows_around(0.05, 0.2) - 0.1, 30, np.array([9]), 0.95)
    assert found.low < -0.3 and found.low < found.value < found.high <= 1


def test_a_difference_says_nothing_below_two_patients_or_where_nothing_varies():
    rows = rows_around(0.4, 0.05)
    assert all(map(math.isnan, difference_interval(rows, 30, np.array([1, 0]), 0.95)))
    low, high, p_value = difference_interval(rows, 30, np.array([2]), 0.95)
    assert low < 0 < high and p_value > 0.05  # one degree of freedom
    low, high, p_value = difference_interval(rows, 30, np.array([50]), 0.95)
    assert low > 0.2 and p_value < 0.001
    assert all(map(math.isnan, difference_interval(np.full(131, 0.4), 30, np.array([9]), 0.95)))
    assert difference_interval(np.zeros(131), 30, np.array([9]), 0.95) == (0, 0, 1)
    wide = difference_interval(rows, 30, np.array([2]), 0.999)
    assert wide[:2] == (-1, 1)


def test_patients_with_records_of_both_kinds_count_twice():
    people = np.array(["a", "a", "b", "c", "c"])
    found = count_patients(people, np.array([[1], [0], [0], [1], [1]]))
    assert (found.having.tolist(), found.lacking.tolist()) == ([2], [2])
    assert found.support.tolist() == [2]
