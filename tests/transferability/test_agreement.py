import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.transferability import Ranking, mean_kendall, weighted_kendall


def pair_by_pair(x, y):
    """The definition: pairs weighted by the sum of 1 / (rank + 1) of both, ranked by either."""

    def one(first, second):
        order = np.lexsort((second, first))[::-1]
        rank = np.empty(len(x), int)
        rank[order] = np.arange(len(x))
        top = bottom_x = bottom_y = 0.0
        for i in range(len(x)):
            for j in range(i):
                weight = 1 / (rank[i] + 1) + 1 / (rank[j] + 1)
                dx, dy = np.sign(x[i] - x[j]), np.sign(y[i] - y[j])
                top += weight * dx * dy
                bottom_x += weight * dx**2
                bottom_y += weight * dy**2
        return top / np.sqrt(bottom_x * bottom_y)

    return (one(x, y) + one(y, x)) / 2


def test_it_is_vignas_tau():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=9), rng.normal(size=9)
    found = weighted_kendall(x, y, bootstrap=100)
    assert found.value == pytest.approx(pair_by_pair(x, y))
    assert found.value == pytest.approx(stats.weightedtau(x, y).statistic)


def test_groups_on_other_scales_are_ranked_each_for_itself():
    rng = np.random.default_rng(1)
    gains = rng.normal(size=6)
    # within each target the metric ranks as the gain does; the larger values have the lesser gains
    groups = [
        {f"u{i}": (offset + gain, gain - offset) for i, gain in enumerate(gains)}
        for offset in (0.0, 50.0, -50.0)
    ]
    pooled = [pair for group in groups for pair in group.values()]
    assert weighted_kendall(*zip(*pooled, strict=True), bootstrap=100).value < 0
    assert mean_kendall(groups, bootstrap=100) == pytest.approx((1, 1, 1))


def test_a_checkpoint_of_two_groups_is_drawn_for_both():
    rng = np.random.default_rng(2)
    pairs = rng.normal(size=(7, 2)).tolist()
    one = {f"u{i}": tuple(pair) for i, pair in enumerate(pairs)}
    alone = weighted_kendall(*zip(*pairs, strict=True), bootstrap=200)
    # the same group twice says no more than once; checkpoints of others would
    assert mean_kendall([one, dict(one)], bootstrap=200) == pytest.approx(alone)
    other = {f"v{i}": pair for i, pair in enumerate(one.values())}
    apart = mean_kendall([one, other], bootstrap=200)
    assert apart.high - apart.low < 0.9 * (alone.high - alone.low)


def test_only_groups_of_five_that_can_be_ranked_count():
    five = {name: (float(at), float(at)) for at, name in enumerate("abcde")}
    four = {name: (-value, gain) for name, (value, gain) in list(five.items())[:4]}
    level = dict.fromkeys("abcde", (1.0, 2.0))
    assert mean_kendall([five, four, level], bootstrap=100) == pytest.approx((1, 1, 1))
    assert mean_kendall([four, level, {}], bootstrap=100) is None
    assert mean_kendall([], bootstrap=100) is None


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=5, max_size=8, unique=True), st.integers(0, 99))
def test_the_same_order_is_1_and_the_reverse_is_minus_1(values, seed):
    same = weighted_kendall(values, [3 * value + 1 for value in values], bootstrap=100, seed=seed)
    assert same == pytest.approx((1, 1, 1))
    reverse = weighted_kendall(values, [-value for value in values], bootstrap=100, seed=seed)
    assert reverse == pytest.approx((-1, -1, -1))


def test_a_swap_at_the_top_weighs_more_than_one_at_the_bottom():
    gains = [6, 5, 4, 3, 2, 1]
    top = weighted_kendall([5, 6, 4, 3, 2, 1], gains, bootstrap=100)
    bottom = weighted_kendall([6, 5, 4, 3, 1, 2], gains, bootstrap=100)
    assert top.value < bottom.value < 1


def test_the_interval_covers_a_true_correlation_and_says_how_little_few_points_tell():
    rng = np.random.default_rng(3)
    gains = rng.normal(size=40)
    close = weighted_kendall(gains + 0.5 * rng.normal(size=40), gains)
    assert close.low > 0.3
    assert close.low < close.value < close.high
    few = weighted_kendall([1, 2, 3, 4, 5], [1, 3, 2, 4, 5])
    assert few.high - few.low > 0.5
    assert weighted_kendall([1, 2, 3, 4, 5], [1, 3, 2, 4, 5]) == few
    assert weighted_kendall([1, 2, 3, 4, 5], [1, 3, 2, 4, 5], level=0.5 + 1e-9).low > few.low


@pytest.mark.parametrize(
    ("values", "gains"),
    [
        ([1, 2, 3, 4], [1, 2, 3, 4]),
        ([1, 1, 1, 1, 1], [1, 2, 3, 4, 5]),
        ([1, 2, 3, 4, 5], [0, 0, 0, 0, 0]),
    ],
)
def test_without_a_ranking_there_is_none(values, gains):
    assert weighted_kendall(values, gains) is None


def test_what_can_not_be_ranked_is_refused():
    with pytest.raises(DataError, match=r"of one length. Received: shapes \(3,\) and \(2,\)"):
        weighted_kendall([1, 2, 3], [1, 2])
    with pytest.raises(DataError, match="finite"):
        weighted_kendall([1, 2, np.nan], [1, 2, 3])
    with pytest.raises(ConfigError, match=r"Received: 10 and 0\.95"):
        weighted_kendall([1, 2, 3], [1, 2, 3], bootstrap=10)
    with pytest.raises(ConfigError, match="Received: 100 and 1"):
        weighted_kendall([1, 2, 3], [1, 2, 3], bootstrap=100, level=1)


# ---------------------------------------------------------------- rankings of checkpoints

VALUES = {
    "melep": (0.3, None, 0.2),
    "leep": (-0.4, None, -0.4),
    "transrate": (1.0, 3.0, 2.0),
    "knn": (0.7, 0.8, 0.6),
    "linear_probe": (0.75, 0.85, 0.75),
}


def ranking(**changes):
    names = ("a", "b", "c")
    return Ranking("shards/x", 50, 40, ("MI",), (), names, {**VALUES, **changes})


def test_ranks_follow_the_orientation_and_equals_share():
    assert ranking().ranks("melep") == (2.0, None, 1.0)
    assert ranking().ranks("leep") == (1.5, None, 1.5)
    assert ranking().first("leep") == ("a", "c")
    assert ranking().ranks("knn") == (2.0, 1.0, 3.0)


def test_the_baselines_order_the_checkpoints():
    assert ranking().order() == (1, 0, 2)
    tied = ranking(knn=(0.7, 0.7, 0.7), linear_probe=(0.8, 0.8, 0.8))
    assert tied.order() == (1, 2, 0)  # by all: b is first by TransRate, c before a by MELEP


def test_the_sentence_claims_no_more_than_there_is():
    assert ranking().sentence() == (
        "kNN and linear probe, the baselines, put b first; 1 of 3 other metrics agree."
    )
    torn = ranking(knn=(0.9, 0.8, 0.6)).sentence()
    assert torn == "The baselines disagree: kNN puts a and linear probe puts b first."
    one = {name: values[:1] for name, values in VALUES.items()}
    alone = Ranking("shards/x", 50, 40, ("MI",), (), ("a",), one)
    assert alone.sentence() == "One checkpoint has nothing to be ranked against."


def test_the_file_has_the_most_promising_first():
    written = ranking().as_json()
    assert [one["checkpoint"] for one in written["checkpoints"]] == ["b", "a", "c"]
    assert written["checkpoints"][0]["values"]["melep"] is None
    assert written["checkpoints"][1]["ranks"]["knn"] == 2.0
