"""The parts of a variance and what they say of a distance, against theory and simulation."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from ecg_keras.evaluation.variance import (
    Parts,
    beyond_margin,
    find_degrees,
    find_parts,
    free_degrees,
    interval,
    match_degrees,
    two_sided,
)

parts = st.builds(
    Parts,
    st.integers(2, 12),
    st.floats(0, 4),
    st.floats(0, 1),
    st.floats(0.01, 2),
    st.floats(3, 200),
)


def parts_of(left_out, resampled, values, most=math.inf, jackknife=True):
    rows = np.hstack([values[:, None], left_out, resampled])
    return find_parts(rows, left_out.shape[1], most, jackknife=jackknife)


@pytest.mark.parametrize("seeds", [2, 3, 5, 30])
@pytest.mark.parametrize("chance", [0.4, 0.01, 5e-4, 5e-5, 1e-9])
def test_seeds_alone_give_a_t_distribution(seeds, chance):
    alone = Parts(seeds, 2.0, 0.0, 0.0, 50.0)
    distance = stats.t.isf(chance, seeds - 1) * math.sqrt(2.0 / seeds)
    assert alone.tail(distance) == pytest.approx(chance, rel=1e-6)


@pytest.mark.parametrize("seeds", [2, 4])
@pytest.mark.parametrize("distance", [1.0, 30.0, 1000.0])
def test_with_patients_the_tail_is_that_of_a_fine_grid(seeds, distance):
    both = Parts(seeds, 1.5, 0.3, 0.05, 40.0)
    # every value of chi-square that counts, in equal steps of the chance of a lesser one
    edges = np.concatenate([np.geomspace(1e-14, 1e-3, 40_001), np.linspace(1e-3, 1, 40_001)[1:]])
    square = stats.chi2.ppf((edges[1:] + edges[:-1]) / 2, seeds - 1)
    variance = 0.05 + np.maximum((seeds - 1) * 1.5 / square - 0.3, 0) / seeds
    tails = stats.t.sf(distance / np.sqrt(variance), 40 * (variance / 0.05) ** 2)
    assert both.tail(distance) == pytest.approx(np.diff(edges) @ tails, rel=1e-3)


@pytest.mark.parametrize("seeds", [1, 3])
def test_patients_alone_give_a_t_distribution(seeds):
    seed = math.nan if seeds == 1 else 0.0
    alone = Parts(seeds, seed, 0.0, 0.09, 7.0)
    for distance in (0.1, 0.5, 2.0):
        assert alone.tail(distance) == pytest.approx(stats.t.sf(distance / 0.3, 7), rel=1e-9)
    assert alone.standard_error == pytest.approx(0.3)
    assert alone.reach(0.95) == pytest.approx(stats.t.ppf(0.975, 7) * 0.3)


def test_both_are_the_mean_over_what_the_variance_of_seeds_may_be():
    both = Parts(4, 1.5, 0.3, 0.5, 20.0)
    drawn = stats.chi2.rvs(3, size=400_000, random_state=1)
    variance = 0.5 + np.maximum(3 * 1.5 / drawn - 0.3, 0) / 4
    for distance in (0.5, 2.0, 4.0):
        expected = stats.t.sf(distance / np.sqrt(variance), 20 * (variance / 0.5) ** 2).mean()
        assert both.tail(distance) == pytest.approx(expected, rel=0.02)
    assert both.standard_error == pytest.approx(math.sqrt(0.5 + 1.2 / 4))


@given(parts)
def test_tails_fall_with_distance_and_intervals_invert_them(these):
    distances = np.linspace(0, 5, 12)
    tails = [these.tail(distance) for distance in distances]
    assert tails[0] == pytest.approx(0.5) and all(np.diff(tails) <= 1e-12)
    reach = these.reach(0.9)
    assert these.tail(reach) == pytest.approx(0.05, abs=1e-6)
    assert reach < these.reach(0.95)
    assert reach >= stats.norm.ppf(0.95) * math.sqrt(these.patient) * 0.999
    assert two_sided(-reach, these) == pytest.approx(0.1, abs=1e-5)


@given(parts, st.integers(1, 50), st.floats(1, 50))
def test_more_seeds_and_patients_make_the_error_smaller(these, seeds, times):
    same = these.project(these.seeds, 1.0)
    assert same.standard_error >= these.standard_error - 1e-9
    more = these.project(these.seeds + seeds, times)
    assert more.standard_error <= same.standard_error + 1e-12
    assert more.patient <= same.patient + 1e-12
    assert more.degrees == pytest.approx(these.degrees * times)


def test_projecting_nothing_changes_nothing_where_the_parts_are_consistent():
    these = Parts(4, 1.5, 0.4, 0.5, 20.0)
    same = these.project(4, 1.0)
    for name in ("seed", "interaction", "patient", "degrees"):
        assert getattr(same, name) == pytest.approx(getattr(these, name))
    # endless seeds leave the part that all seeds share, endless patients that of the seeds
    assert these.project(10**6, 1.0).patient == pytest.approx(0.4, rel=1e-3)
    assert these.project(4, 1e9).standard_error == pytest.approx(math.sqrt(1.1 / 4), rel=1e-3)
    assert math.isnan(Parts(1, math.nan, 0.0, 0.5, 20.0).project(1, 2.0).seed)


def test_parts_are_found_again_in_crossed_data():
    # value of seed s on resampled patients: own luck, shared luck, and luck of the two together
    rng = np.random.default_rng(3)
    found = []
    for _ in range(300):
        resampled = math.sqrt(0.5) * rng.normal(size=400) + math.sqrt(0.3) * rng.normal(
            size=(6, 400)
        )
        values = math.sqrt(2.0) * rng.normal(size=6)
        resampled[:, 7] = np.nan
        found.append(parts_of(rng.normal(size=(6, 40)), resampled, values, jackknife=False))
    assert np.mean([one.interaction for one in found]) == pytest.approx(0.3, rel=0.03)
    assert np.mean([one.patient for one in found]) == pytest.approx(0.5 + 0.3 / 6, rel=0.03)
    assert np.mean([one.seed for one in found]) == pytest.approx(2.0, rel=0.15)
    one = parts_of(rng.normal(size=(1, 40)), resampled[:1], values[:1])
    assert math.isnan(one.seed) and one.interaction == 0


def test_the_greater_variance_of_resamples_and_leave_outs_counts():
    left_out, values = np.array([[0.5, 0.7, 0.6]]), np.array([0.6])
    resampled = 0.6 + 0.01 * np.random.default_rng(0).normal(size=(1, 200))
    jackknife = 2 / 3 * (0.1**2 + 0.1**2)
    assert parts_of(left_out, resampled, values).patient == pytest.approx(jackknife)
    alone = parts_of(left_out, resampled, values, jackknife=False)
    assert alone.patient == pytest.approx(1.5 * resampled.var(ddof=1))  # 3 / (3 - 1) groups
    wide = 0.6 + 20 * (resampled - 0.6)
    assert parts_of(left_out, wide, values).patient == pytest.approx(1.5 * wide.var(ddof=1))
    # what varies by rounding alone does not vary
    same = parts_of(0.4 + 1e-9 * left_out, 0.4 + 1e-9 * resampled, np.array([0.4]))
    assert same.patient == 0
    # two networks' parts are of the same kind: what they do not share is never negative
    two = parts_of(
        np.vstack([left_out, 1.2 - left_out]), np.vstack([wide, wide]), np.array([0.6, 0.7])
    )
    assert two.interaction == pytest.approx(0, abs=1e-12)
    assert two.patient == pytest.approx(1.5 * wide.var(ddof=1))


def test_a_label_of_few_patients_has_few_degrees_of_freedom():
    left_out = np.array([[0.5, 0.7, *[0.6] * 50]])
    resampled = np.random.default_rng(0).normal(0.6, 0.1, size=(1, 200))
    assert parts_of(left_out, resampled, np.array([0.6])).degrees > 3
    assert parts_of(left_out, resampled, np.array([0.6]), most=1.0).degrees == 1
    assert free_degrees(np.array([2, 2, 5])) == 6
    assert free_degrees(np.array([1])) == 1


def test_degrees_of_freedom_are_those_of_the_patients_that_decide():
    rng = np.random.default_rng(0)
    many = [find_degrees(rng.normal(size=100)) for _ in range(200)]
    assert 70 < np.median(many) <= 99
    few = [
        find_degrees(np.where(np.arange(100) < 8, 30, 1) * rng.normal(size=100)) for _ in range(200)
    ]
    assert 4 < np.median(few) < 12
    assert find_degrees(np.array([1.0, np.nan, -1.0, 1.0, -1.0])) == 3
    assert find_degrees(np.zeros(5)) == 4
    assert find_degrees(np.full(5, np.nan)) == 1


@given(st.floats(0.6, 1e6), st.floats(0.6, 0.999))
def test_degrees_are_matched(degrees, level):
    ratio = stats.t.ppf((1 + level) / 2, degrees)
    assert stats.t.ppf((1 + level) / 2, match_degrees(ratio, level)) == pytest.approx(
        ratio, rel=1e-6
    )


def test_a_ratio_below_the_normal_one_is_normal():
    assert match_degrees(1.9, 0.95) == 1e9


def test_two_one_sided_tests():
    these = Parts(1, math.nan, 0.0, 0.01**2, 30.0)
    for value in (-0.015, 0.0, 0.004, 0.02, 0.03):
        sides = [stats.t.sf((0.02 - side * value) / 0.01, 30) for side in (1, -1)]
        assert beyond_margin(value, these, 0.02) == pytest.approx(max(sides))
    # the 90 % interval touches the margin where p is 0.05
    reach = these.reach(0.9)
    assert beyond_margin(0.02 - reach, these, 0.02) == pytest.approx(0.05)


def test_resamples_that_all_say_the_same_prove_no_equivalence():
    nothing = Parts(3, 0.0, 0.0, 0.0, 20.0)
    assert beyond_margin(0.0, nothing, 0.02) == 1.0
    assert two_sided(0.0, nothing) == 1.0
    assert two_sided(0.1, nothing) == 0.0
    assert nothing.reach(0.95) == 0.0


def test_intervals_of_scores_stay_between_0_and_1():
    assert interval(0.5, 0.1, bounded=False) == (0.4, 0.6)
    low, high = interval(0.99, 0.05, bounded=True)
    assert 0 < low < 0.95 and 0.99 < high < 1
    assert interval(1.0, 0.0, bounded=True) == (1.0, 1.0)


def test_few_seeds_raise_no_false_alarm():
    # the world of the method: known patient variance, seeds normal; 3 seeds, little and much luck
    rng = np.random.default_rng(1)
    for luck in (0.0, 1.0, 10.0):
        wrong = 0
        for _ in range(1500):
            values = math.sqrt(luck + 0.3) * rng.normal(size=3) + math.sqrt(0.5) * rng.normal()
            these = Parts(3, float(values.var(ddof=1)), 0.3, 0.5 + 0.1, 100.0)
            wrong += two_sided(float(values.mean()), these) < 0.05
        assert wrong / 1500 < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1500)
        assert wrong / 1500 > 0.005


def test_one_seed_has_no_projection_over_seeds():
    alone = Parts(1, math.nan, 0.0, 0.04, 9.0)
    assert replace(alone, patient=0.01).standard_error == pytest.approx(0.1)
    assert alone.project(1, 4.0).standard_error == pytest.approx(0.1)
