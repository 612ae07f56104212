"""Time to quality and area under the validation curve: by hand, by property, and by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.statistics import Convergence, convergence, speed

COLUMN = "val_macro_auroc"


def log(scores, seconds=2.0):
    """A run's log as `read_log` gives it: every cell is text."""
    each = [seconds] * len(scores) if np.isscalar(seconds) else seconds
    return [
        {"epoch": str(epoch), "phase": "1", COLUMN: f"{score:.6g}", "seconds": f"{one:.3f}"}
        for epoch, (score, one) in enumerate(zip(scores, each, strict=True), start=1)
    ]


def curves(*runs, seconds=2.0, steps=10):
    return convergence([log(run, seconds) for run in runs], COLUMN, steps)


def test_curves_lie_side_by_side_and_a_shorter_run_keeps_its_last_score():
    found = convergence([log([0.5, 0.7, 0.9], [9, 1, 2]), log([0.6, 0.8], [5, 3])], COLUMN, 7)
    np.testing.assert_array_equal(found.epochs, [1, 2, 3])
    np.testing.assert_allclose(found.score, [[0.5, 0.7, 0.9], [0.6, 0.8, 0.8]])
    np.testing.assert_allclose(found.seconds, [7, 9, 10])  # the second run costs no more
    np.testing.assert_allclose(found.steps, [7, 14, (21 + 14) / 2])
    assert found.area == pytest.approx((0.7 + 2.2 / 3) / 2)


def test_time_to_quality_by_hand():
    scratch = curves([0.5, 0.6, 0.7, 0.8], [0.5, 0.6, 0.7, 0.8], seconds=[20, 2, 2, 2])
    tuned = curves([0.6, 0.75, 0.85], [0.6, 0.75, 0.85], seconds=[30, 3, 3])
    found = speed(tuned, scratch, quality=0.9375)  # of 0.8: 0.75
    assert found.quality == pytest.approx(0.75)
    assert found.epochs == pytest.approx((2, 3.5))
    assert found.steps == pytest.approx((20, 35))
    assert found.seconds == pytest.approx((33, 25))
    assert (found.ratio.value, found.seconds_ratio.value) == pytest.approx((2 / 3.5, 33 / 25))
    # the shorter curve keeps its last score: (0.6 + 0.75 + 0.85 + 0.85 - 2.6) / 4
    assert found.area.value == pytest.approx(0.1125)


def test_the_quality_is_a_share_of_the_mean_curves_best_and_not_of_the_runs_own():
    rng = np.random.default_rng(0)
    runs = 0.8 + rng.normal(0, 0.05, (40, 60))
    found = speed(curves(*runs), curves(*runs), quality=1.0)
    assert found.quality == pytest.approx(runs.mean(axis=0).max(), abs=1e-5)
    assert np.mean(runs.max(axis=1)) > found.quality + 0.08  # what the runs' own best would flatter
    assert found.ratio.value == 1
    assert (found.ratio.low, found.ratio.high) == (1, 1)  # paired with itself


def test_reached_before_the_first_epoch_ends_counts_as_one_epoch():
    found = speed(curves([0.9, 0.95]), curves([0.5, 0.9]), quality=0.9)
    assert found.epochs == pytest.approx((1, 1 + (0.81 - 0.5) / 0.4))


def test_never_reached_is_none_and_not_infinity():
    found = speed(curves([0.5, 0.6], [0.5, 0.7]), curves([0.8, 0.9], [0.8, 0.9]), quality=0.95)
    assert (found.epochs[0], found.steps[0], found.seconds[0]) == (None, None, None)
    assert found.epochs[1] is not None
    assert found.ratio is None
    assert found.seconds_ratio is None
    assert found.area.value < 0


def test_one_run_has_no_interval():
    found = speed(curves([0.5, 0.9]), curves([0.4, 0.6]), quality=0.9)
    assert math.isnan(found.ratio.low)
    assert math.isnan(found.ratio.high)
    assert math.isnan(found.area.low)


def test_where_draws_never_reach_the_quality_the_ratio_has_no_upper_end():
    # the mean reaches it only thanks to the first of three runs
    tuned = curves([0.6, 1.01], [0.6, 0.7], [0.6, 0.7])
    scratch = curves([0.5, 0.8], [0.5, 0.8], [0.5, 0.8])
    found = speed(tuned, scratch, quality=1.0)
    assert found.epochs[0] == pytest.approx(2, abs=0.05)
    assert found.ratio.high == math.inf
    assert 0 < found.ratio.low < found.ratio.value


def test_runs_are_paired_where_there_are_equally_many():
    rng = np.random.default_rng(1)
    luck = rng.normal(0, 0.05, (5, 1))
    rise = np.linspace(0.5, 0.8, 12)
    scratch, tuned = curves(*(rise + luck)), curves(*(rise + 0.03 + luck))
    paired = speed(tuned, scratch, quality=0.9).area
    other = curves(*(rise + 0.03 + luck[[1, 2, 3, 4, 0]]))
    unpaired = speed(other, scratch, quality=0.9).area
    assert paired.value == pytest.approx(0.03)
    assert paired.high - paired.low < 1e-6
    assert unpaired.high - unpaired.low > 0.05
    more = speed(curves(*(rise + 0.03 + luck[:4])), scratch, quality=0.9).area  # Welch
    assert more.low < 0 < more.high


def test_the_areas_interval_is_the_t_interval_of_the_paired_differences():
    from scipy import stats

    rng = np.random.default_rng(2)
    a, b = rng.uniform(0.5, 0.9, (2, 6, 10))
    found = speed(curves(*a), curves(*b), quality=0.9, level=0.9).area
    gap = np.round(a, 6).mean(axis=1) - np.round(b, 6).mean(axis=1)
    low, high = stats.t.interval(0.9, 5, gap.mean(), stats.sem(gap))
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-5)
    c = rng.uniform(0.5, 0.9, (4, 10))
    welch = stats.ttest_ind(a.mean(axis=1), c.mean(axis=1), equal_var=False)
    ends = welch.confidence_interval(0.95)
    found = speed(curves(*a), curves(*c), quality=0.9).area
    assert (found.low, found.high) == pytest.approx((ends.low, ends.high), abs=1e-5)


def simulate(rng, runs, time_constant, noise, epochs=40):
    """Validation curves that rise to about 0.85, each with a speed and a top of its own."""
    at = np.arange(1, epochs + 1)
    own = time_constant * np.exp(0.25 * rng.normal(size=(runs, 1)))
    top = 0.85 + 0.01 * rng.normal(size=(runs, 1))
    score = top - (top - 0.5) * np.exp(-at / own) + noise * rng.normal(size=(runs, epochs))
    return Convergence(at, at * 1.0, at * 2.0, score, float(score.mean()))


@pytest.mark.parametrize(("runs", "noise"), [(3, 0.0), (5, 0.01), (15, 0.03)])
def test_intervals_over_runs_cover_the_truth(runs, noise):
    rng = np.random.default_rng(3)
    truth = speed(
        simulate(rng, 20_000, 4, 0), simulate(rng, 20_000, 9, 0), quality=0.95, bootstrap=100
    )
    hits = {"ratio": [], "area": []}
    for seed in range(150):
        arms = simulate(rng, runs, 4, noise), simulate(rng, runs, 9, noise)
        found = speed(*arms, quality=0.95, bootstrap=200, seed=seed)
        for name, kept in hits.items():
            interval = getattr(found, name)
            kept.append(interval.low <= getattr(truth, name).value <= interval.high)
    assert np.mean(hits["ratio"]) >= 0.9
    assert 0.9 <= np.mean(hits["area"]) <= 0.99


scores = st.lists(st.floats(0.01, 0.99).map(lambda x: round(x, 4)), min_size=1, max_size=12)


@settings(deadline=None, max_examples=50)
@given(st.lists(scores, min_size=1, max_size=4))
def test_costs_never_fall_and_the_area_lies_between_the_scores(runs):
    found = curves(*runs)
    assert found.score.shape == (len(runs), max(map(len, runs)))
    assert (np.diff(found.steps) >= 0).all()
    assert (np.diff(found.seconds) >= 0).all()
    assert found.score.min() - 1e-9 <= found.area <= found.score.max() + 1e-9


@settings(deadline=None, max_examples=50)
@given(scores, scores, st.floats(0.3, 1.0), st.floats(0.3, 1.0))
def test_a_higher_quality_takes_at_least_as_long(tuned, scratch, one, other):
    low, high = sorted((one, other))
    arm, reference = curves(tuned), curves(scratch)
    sooner, later = (speed(arm, reference, quality=q, bootstrap=100) for q in (low, high))
    assert sooner.epochs[1] is not None
    assert later.epochs[1] is not None  # the reference always reaches a share of its own best
    assert sooner.epochs[1] <= later.epochs[1] + 1e-9
    if later.epochs[0] is not None:
        assert sooner.epochs[0] is not None
        assert sooner.epochs[0] <= later.epochs[0] + 1e-9
        assert 1 <= later.epochs[0] <= len(tuned)


@settings(deadline=None, max_examples=50)
@given(scores, st.floats(0.001, 0.3), st.floats(0.5, 1.0))
def test_a_curve_that_lies_higher_is_never_later(scratch, lift, quality):
    found = speed(
        curves([score + lift for score in scratch]), curves(scratch), quality=quality, bootstrap=100
    )
    assert found.epochs[0] <= found.epochs[1] + 1e-6
    assert found.ratio.value <= 1 + 1e-6
    assert found.area.value == pytest.approx(lift, abs=1e-5)


def test_the_same_seed_gives_the_same_interval():
    rng = np.random.default_rng(4)
    arms = simulate(rng, 5, 4, 0.02), simulate(rng, 5, 9, 0.02)
    first, again, other = (speed(*arms, quality=0.95, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first.ratio != other.ratio
    assert first.area == other.area


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "log 1: there is no epoch in it"),
        ([{"epoch": "1", "seconds": "2"}], f"log 1: there is no column {COLUMN}. There are: epoch"),
        ([{"epoch": "1", COLUMN: "0.5"}], "log 1: there is no column seconds"),
        (log([0.5, 0.6])[1:], "log 1: row 1 must be epoch 1. Received: 2"),
        (
            [*log([0.5]), {"epoch": "2", COLUMN: "", "seconds": "2"}],
            rf"{COLUMN} of epoch 2 must be a finite number. Received: ''",
        ),
        ([{"epoch": "1", COLUMN: "nan", "seconds": "2"}], "no label has both positive and neg"),
        ([{"epoch": "1", COLUMN: "0.5", "seconds": None}], "seconds of epoch 1 must be a finite"),
    ],
)
def test_what_is_wrong_with_a_log_is_said(rows, said):
    with pytest.raises(DataError, match=said):
        convergence([rows], COLUMN, 10)


def test_what_is_wrong_with_a_setting_is_said():
    arm = curves([0.5, 0.6])
    with pytest.raises(DataError, match=r"the log of at least one run. Received: none"):
        convergence([], COLUMN, 10)
    for steps in (0, -1, math.nan):
        with pytest.raises(ConfigError, match=r"steps_per_epoch must be above 0. Received"):
            convergence([log([0.5])], COLUMN, steps)
    for quality in (0, 1.1):
        with pytest.raises(ConfigError, match=r"quality must be above 0 and at most 1. Received"):
            speed(arm, arm, quality=quality)
    with pytest.raises(ConfigError, match="bootstrap must be at least 100"):
        speed(arm, arm, quality=0.9, bootstrap=10)
