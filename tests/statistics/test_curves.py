"""Learning curves: shared errors, power laws, and planted crossovers that must be recovered."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.evaluation import Predictions
from ecg_keras.evaluation.variance import two_sided
from ecg_keras.statistics import Arm, Contrast, learning_curve
from ecg_keras.statistics.crossover import Joint, find_crossover, join, make_falling
from ecg_keras.statistics.curve_words import say_falling
from ecg_keras.statistics.power_law import fit_power_law

SIZES = np.array([50.0, 100.0, 200.0, 400.0, 800.0, 1600.0])
DRAWS = {"level": 0.95, "draws": 400}


def contrast_of(value, error=0.01, degrees=30.0):
    half = error * stats.t.ppf(0.975, degrees)
    return Contrast(
        value=value, low=value - half, high=value + half, level=0.95, standard_error=error,
        degrees=degrees, p_value=0.5, seed_variance=0.0, patient_variance=error**2, seeds=3,
        folds=1, records=300, patients=300, by_seed=(value,) * 3,
    )  # fmt: skip


def exactly(values, error=0.004, correlation=0.0, degrees=100.0):
    number = len(values)
    equal = np.full(number, 1 / number)
    return Joint(np.asarray(values), np.full(number, error), equal, correlation, degrees)


# ---------------------------------------------------------------- errors that sizes share


@pytest.mark.parametrize("correlation", [0.0, 0.4, 0.9])
def test_the_mean_betrays_what_the_errors_share(correlation):
    errors = np.array([0.03, 0.02, 0.01, 0.01])
    covariance = np.outer(errors, errors) * (correlation + (1 - correlation) * np.eye(4))
    mean = contrast_of(0.1, math.sqrt(covariance.sum()) / 4)
    joint = join([contrast_of(0.1, error) for error in errors], mean)
    assert joint.correlation == pytest.approx(correlation, abs=1e-9)
    drawn = replace(joint, degrees=math.inf).draw(40_000, seed=0)
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.03 * covariance.max())


def test_draws_have_the_heavy_tails_of_few_degrees_of_freedom():
    joint = exactly([0.0, 0.0], error=1.0, degrees=4.0)
    drawn = joint.draw(40_000, seed=1)
    high = np.quantile(drawn, 0.975, axis=0)
    np.testing.assert_allclose(high, stats.t.ppf(0.975, 4), rtol=0.05)


def test_weights_follow_precision_but_not_the_luck_of_few_seeds():
    errors = [0.02, 0.02, 0.02, 0.001]
    few, many = (
        join([contrast_of(0.1, error, degrees) for error in errors], contrast_of(0.1))
        for degrees in (2, 10_000)
    )
    assert many.weights[3] / many.weights[0] == pytest.approx(400, rel=0.3)
    assert few.weights[3] / few.weights[0] < 3
    assert few.weights.sum() == pytest.approx(1)


def test_values_without_any_error_are_drawn_as_they_are():
    joint = join([contrast_of(0.9, 0.0), contrast_of(0.8, 0.0)], contrast_of(0.85, 0.0))
    np.testing.assert_array_equal(joint.draw(3, seed=0), [[0.9, 0.8]] * 3)


# ---------------------------------------------------------------- power laws


@settings(deadline=None, max_examples=50)
@given(st.floats(0.7, 1.0), st.floats(0.02, 0.4), st.floats(0.1, 2.0))
def test_an_exact_power_law_is_found_again(top, drop, rate):
    scale = drop * SIZES[0] ** rate
    law = fit_power_law(SIZES, exactly(top - scale * SIZES**-rate, 1e-5), seed=0, **DRAWS)
    np.testing.assert_allclose(law.value, top - scale * law.at**-rate, atol=5e-4)
    assert law.rate == pytest.approx(rate, rel=0.1)
    assert law.top == pytest.approx(top, abs=0.05)
    assert (law.low <= law.value).all()
    assert (law.value <= law.high).all()


values = arrays.arrays(float, 5, elements=st.floats(0.3, 1.0))


@settings(deadline=None, max_examples=50)
@given(values)
def test_a_fit_keeps_its_bounds_whatever_the_scores(scores):
    law = fit_power_law(SIZES[:5], exactly(scores, 0.02), seed=0, level=0.9, draws=100)
    if law is None:
        return
    assert law.top <= 1
    assert law.scale > 0
    assert law.rate > 0
    assert (np.diff(law.value) >= -1e-12).all()
    assert (law.high <= 1).all()
    np.testing.assert_allclose([law.at[0], law.at[-1]], [50, 800])
    np.testing.assert_allclose(law.value, law.top - law.scale * law.at**-law.rate, atol=1e-9)


def test_a_fit_is_never_beaten_by_another_power_law():
    rng = np.random.default_rng(5)
    scores = 0.9 - 0.2 * (SIZES / 50) ** -0.5 + rng.normal(0, 0.01, 6)
    law = fit_power_law(SIZES, exactly(scores), seed=0, **DRAWS)
    best = np.mean((scores - law.top + law.scale * SIZES**-law.rate) ** 2)
    for top in np.linspace(0.8, 1, 41):
        for rate in np.geomspace(0.05, 3, 40):
            fall = SIZES**-rate
            scale = max(((top - scores) @ fall) / (fall @ fall), 0)
            assert best <= np.mean((scores - top + scale * fall) ** 2) + 1e-9


def test_no_power_law_through_two_sizes_or_falling_scores():
    assert fit_power_law(SIZES[:2], exactly([0.7, 0.8]), seed=0, **DRAWS) is None
    assert fit_power_law(SIZES[:3], exactly([0.8, 0.75, 0.7]), seed=0, **DRAWS) is None


def test_shared_errors_move_a_whole_curve_and_independent_ones_bend_it():
    scores = 0.9 - 0.2 * (SIZES / 50) ** -0.5
    shared, own = (
        fit_power_law(SIZES, exactly(scores, 0.02, correlation), seed=0, **DRAWS)
        for correlation in (0.99, 0.0)
    )
    middle = len(shared.at) // 2
    assert (shared.high - shared.low)[middle] > 1.5 * (own.high - own.low)[middle]


# ---------------------------------------------------------------- falling values, crossover


@settings(deadline=None, max_examples=50)
@given(arrays.arrays(float, (2, 6), elements=st.floats(-1, 1)),
       arrays.arrays(float, 6, elements=st.floats(0.1, 5)))  # fmt: skip
def test_falling_values_fall_and_keep_the_mean(rows, weights):
    fitted = make_falling(rows, weights)
    assert (np.diff(fitted, axis=1) <= 1e-9).all()
    np.testing.assert_allclose(fitted @ weights, rows @ weights, atol=1e-9)
    np.testing.assert_allclose(make_falling(fitted, weights), fitted, atol=1e-9)


def test_falling_values_are_isotonic_regression():
    isotonic = pytest.importorskip("sklearn.isotonic").IsotonicRegression(increasing=False)
    rng = np.random.default_rng(6)
    rows, weights = rng.normal(size=(20, 7)), rng.uniform(0.1, 3, 7)
    at = np.arange(7)
    expected = [isotonic.fit(at, row, weights).predict(at) for row in rows]
    np.testing.assert_allclose(make_falling(rows, weights), expected, atol=1e-12)


def test_the_crossover_lies_on_the_straight_line_between_two_sizes():
    found = find_crossover(SIZES[:3], exactly([0.06, 0.03, 0.01]), margin=0.02, seed=0, **DRAWS)
    assert found[0] == pytest.approx(math.sqrt(100 * 200))
    assert 100 < found[1] < found[0] < found[2] < 200


def test_a_crossover_outside_the_sizes_is_not_told():
    above = find_crossover(SIZES, exactly(np.full(6, 0.06)), margin=0.02, seed=0, **DRAWS)
    assert above == (math.inf, math.inf, math.inf)
    below = find_crossover(SIZES, exactly(np.zeros(6)), margin=0.02, seed=0, **DRAWS)
    assert below == (-math.inf, -math.inf, -math.inf)
    unclear = find_crossover(SIZES, exactly(np.full(6, 0.021)), margin=0.02, seed=0, **DRAWS)
    assert unclear[0] == math.inf
    assert unclear[1] < math.inf


@settings(deadline=None, max_examples=50)
@given(arrays.arrays(float, 6, elements=st.floats(-0.1, 0.2)), st.floats(0.001, 0.03))
def test_the_interval_holds_the_estimate_and_a_wider_margin_comes_sooner(differences, error):
    joint = exactly(differences, error)
    tight, wide = (
        find_crossover(SIZES, joint, margin=margin, level=0.9, draws=100, seed=0)
        for margin in (0.02, 0.05)
    )
    for estimate, low, high in (tight, wide):
        assert low <= estimate <= high
        for one in (estimate, low, high):
            assert math.isinf(one) or SIZES[0] <= one <= SIZES[-1]
    assert wide[0] <= tight[0]


def measure(truth, rng, seeds, luck, patients):
    """What a study would measure at each size: the luck of seeds and of shared patients."""
    number = len(truth)
    by_seed = luck * rng.normal(size=(seeds, number))
    covariance = patients**2 * (0.6 + 0.4 * np.eye(number))
    observed = truth + by_seed.mean(axis=0) + rng.multivariate_normal(np.zeros(number), covariance)

    def of(weights):
        own = (by_seed @ weights).var(ddof=1) / seeds
        variance = own + weights @ covariance @ weights
        degrees = variance**2 / (own**2 / (seeds - 1))
        return contrast_of(float(observed @ weights), math.sqrt(variance), degrees)

    return join([of(row) for row in np.eye(number)], of(np.full(number, 1 / number)))


@pytest.mark.parametrize(
    ("planted", "crossover"),
    [
        (lambda n: 0.10 * (n / 50) ** -0.6, 50 * 5 ** (1 / 0.6)),
        (lambda n: 0.09 - 0.025 * np.log(n / 50), 50 * math.exp(2.8)),
        (lambda n: 0.08 / (1 + (n / 300) ** 3), 300 * 3 ** (1 / 3)),
    ],
    ids=["power law", "straight in log n", "step"],
)
@pytest.mark.parametrize("seeds", [3, 10])
def test_a_planted_crossover_is_recovered(planted, crossover, seeds):
    rng = np.random.default_rng(7)
    found = []
    for number in range(120):
        joint = measure(planted(SIZES), rng, seeds, luck=0.015, patients=0.006)
        found.append(find_crossover(SIZES, joint, margin=0.02, seed=number, **DRAWS))
    estimates, low, high = np.array(found).T
    assert np.mean((low <= crossover) & (crossover <= high)) >= 0.9
    assert 0.7 * crossover <= np.median(estimates) <= 1.4 * crossover
    assert np.mean(low > SIZES[0]) > 0.9  # the intervals say something


# ---------------------------------------------------------------- whole curves


def plant(rng, aurocs, *, seeds=5, patients=400, luck=0.1, shared=None, truth=None):
    """An arm for each expected AUROC; all networks share part of their noise."""
    ids = [f"r{number:04d}" for number in range(patients)]
    arms = []
    for auroc in aurocs:
        runs = []
        for _ in range(seeds):
            apart = math.sqrt(2 + luck**2) * stats.norm.ppf(auroc) + luck * rng.normal()
            noise = math.sqrt(0.6) * shared + math.sqrt(0.4) * rng.normal(size=truth.shape)
            said = stats.norm.cdf(apart * truth + noise)
            runs.append((Predictions(["MI", "CD"], ids, ids, truth, said),))
        arms.append(Arm(tuple(runs)))
    return arms


def study(seed, tuned, scratch, sizes=SIZES, **settings):
    rng = np.random.default_rng(seed)
    patients = settings.get("patients", 400)
    common = {"truth": rng.random((patients, 2)) < 0.35, "shared": rng.normal(size=(patients, 2))}
    ways = [plant(rng, aurocs, **common, **settings) for aurocs in (tuned, scratch)]
    return learning_curve(
        "ptbxl, resnet1d18", "finetune", "scratch", list(sizes), *ways, margin=0.02, bootstrap=200
    )


@pytest.fixture(scope="module")
def crossing():
    far = (SIZES / 50) ** -1.0
    return study(8, 0.92 - 0.05 * far, 0.92 - 0.25 * far)


def test_a_crossover_between_simulated_networks_is_recovered(crossing):
    truth = 50 * 10.0  # 0.20 (n / 50)^-1 = 0.02
    estimate, low, high = crossing.crossover
    assert low <= truth <= high
    assert 250 <= estimate <= 1000
    assert crossing.trend.high < -0.05
    assert crossing.says.startswith("scratch catches up with finetune, to within 0.02, at about ")
    assert "95 % interval" in crossing.says


def test_a_curve_holds_scores_differences_and_fits(crossing):
    tuned, scratch = crossing.scores["finetune"], crossing.scores["scratch"]
    for one, other, gap in zip(tuned, scratch, crossing.differences, strict=True):
        assert gap.value == pytest.approx(one.value - other.value)
        assert gap.standard_error < math.hypot(one.standard_error, other.standard_error)
    assert crossing.sizes == tuple(SIZES)
    law = crossing.fits["scratch"]
    np.testing.assert_allclose(law.value[[0, -1]], [0.67, 0.912], atol=0.05)


def test_the_trend_is_the_change_along_the_line_through_all_differences(crossing):
    gaps = [one.value for one in crossing.differences]
    slope = np.polyfit(np.log(SIZES), gaps, 1)[0]
    assert crossing.trend.value == pytest.approx(slope * np.log(1600 / 50))


def test_a_gain_that_stays_is_told_as_beyond():
    found = study(9, np.full(4, 0.92), np.full(4, 0.80), SIZES[:4], luck=0.02)
    assert found.crossover == (math.inf, math.inf, math.inf)
    assert found.says == (
        "finetune is better than scratch by more than 0.02 up to 400 training ECGs, the most that "
        "were tried: a crossover is beyond."
    )


def test_no_gain_is_told_as_nowhere_better():
    found = study(10, np.full(3, 0.85), np.full(3, 0.89), SIZES[:3], luck=0.02, patients=800)
    assert found.crossover is None
    assert found.says == (
        "finetune is nowhere better than scratch by 0.02: scratch is as good from 50 training "
        "ECGs on."
    )
    unclear = study(11, np.full(3, 0.85), np.full(3, 0.85), SIZES[:3], seeds=3, patients=100)
    assert unclear.crossover is None or unclear.crossover[2] == math.inf
    assert "would show on which side of 0.02 the difference at " in unclear.says


def test_a_gain_that_grows_has_no_crossover():
    found = study(12, np.array([0.70, 0.80, 0.92]), np.full(3, 0.75), SIZES[:3], luck=0.02)
    assert found.crossover == (math.inf, math.inf, math.inf)
    assert found.says.startswith("The advantage of finetune over scratch grows from 50 to 200")
    worse = study(12, np.array([0.60, 0.70, 0.75]), np.full(3, 0.85), SIZES[:3], luck=0.02)
    assert worse.crossover is None
    assert worse.says.startswith(
        "finetune is nowhere better than scratch by 0.02 as measured, but gains on it from 50 to "
    )


def test_two_sizes_have_a_crossover_but_no_fit():
    found = study(13, [0.9, 0.9], [0.7, 0.9], SIZES[[0, 5]], luck=0.02)
    assert found.fits == {"finetune": None, "scratch": None}
    assert 50 < found.crossover[0] < 1600


def test_one_seed_gives_intervals_over_patients_alone():
    found = study(14, [0.9, 0.9, 0.9], [0.7, 0.85, 0.9], SIZES[:3], seeds=1)
    assert found.crossover is not None
    assert found.differences[0].seeds == 1
    assert found.says.endswith(
        "With one seed each this is of the trained networks alone, and says nothing of how far "
        "another training would move it: at least 2 more seeds of each would."
    )


def test_differences_without_an_interval_have_no_crossover():
    rng, truth = np.random.default_rng(16), np.zeros((60, 2), dtype=bool)
    truth[7] = True  # the one patient with either label
    shared = rng.normal(size=truth.shape)
    ways = [
        plant(rng, [high, 0.9], patients=60, shared=shared, truth=truth) for high in (0.99, 0.6)
    ]
    found = learning_curve(
        "ludb", "finetune", "scratch", [50, 200], *ways, margin=0.02, bootstrap=100
    )
    assert all(math.isnan(one.p_value) for one in found.differences)
    assert found.crossover is None and found.worth == ()
    assert found.says == (
        "Whether scratch catches up with finetune is not known: the test patients are too few to "
        "show how far off the difference at 50, 200 training ECGs is."
    )


def test_an_open_end_says_how_many_seeds_or_ecgs_would_close_it():
    wide = [replace(contrast_of(value, 0.01), by_seed=()) for value in (0.05, 0.03, 0.015)]
    said = say_falling("finetune", "scratch", SIZES[:3], wide, (150.0, 60.0, math.inf), 0.02)
    assert said.startswith("scratch catches up with finetune, to within 0.02, at about 150 train")
    assert "interval 60 to beyond 200)" in said
    shown = re.search(r"About ([\d,]+) more test ECGs would show on which side of 0.02 the", said)
    more = int(shown[1].replace(",", ""))
    last, enough = wide[-1], (300 + more) / 300
    assert two_sided(last.value - 0.02, last.parts.project(3, enough)) < 0.05
    closed = say_falling("finetune", "scratch", SIZES[:3], wide, (150.0, 60.0, 190.0), 0.02)
    assert closed.endswith("(95 % interval 60 to 190).")


def test_what_is_wrong_is_said():
    rng = np.random.default_rng(15)
    common = {"truth": rng.random((60, 2)) < 0.4, "shared": rng.normal(size=(60, 2))}
    arms = plant(rng, [0.8, 0.9], patients=60, seeds=2, **common)

    def curve(way="finetune", sizes=(50, 100), tuned=arms, margin=0.02):
        return learning_curve("ptbxl", way, "scratch", sizes, tuned, arms, margin=margin)

    with pytest.raises(ConfigError, match=r"two different modes. Received: scratch twice"):
        curve(way="scratch")
    for sizes, received in (((100, 50), "100, 50"), ((50,), "50"), ((), "none"), ((0, 9), "0, 9")):
        with pytest.raises(ConfigError, match=rf"that rise, above 0. Received: {received}"):
            curve(sizes=sizes)
    with pytest.raises(ConfigError, match=r"each of the 2 sizes. Received: 1 and 2"):
        curve(tuned=arms[:1])
    with pytest.raises(ConfigError, match=r"margin must be above 0, such as 0.02. Received: 0"):
        curve(margin=0)
    with pytest.raises(ConfigError, match=r"bootstrap must be at least 100"):
        learning_curve("t", "a", "b", [1, 2], arms, arms, margin=0.02, bootstrap=5)
    with pytest.raises(DataError):
        curve(tuned=[arms[0], plant(rng, [0.9], patients=60, seeds=3, **common)[0]])
