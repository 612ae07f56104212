"""Groups beside the rest: scores of the subset, intervals of differences, corrections, files."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from ecg_keras.evaluation import Grouping, Predictions, Scores, evaluate, score_subgroups
from ecg_keras.evaluation.two_sides import combine, correlate, p_value_of

LABELS = ("MI", "CD", "RARE")
LIMITS = np.array([0.5, 0.4, 0.5])


def draw(seed, patients=400, records=1, worse=()):
    """Predictions, and their records by number modulo three; in ``worse`` groups they are noise."""
    rng = np.random.default_rng(seed)
    people = np.repeat(np.arange(patients), records)
    targets = rng.random((len(people), 3)) < [0.4, 0.3, 0.004]
    skill = np.where(np.isin(people % 3, worse), 0.0, 1.5)[:, None]
    probabilities = 1 / (1 + np.exp(-(skill * targets + rng.normal(size=targets.shape) - 1)))
    ids = [f"r{at:05d}" for at in range(len(people))]
    thirds = Grouping(
        "ward", ("a", "b", "c"), {one: "abc"[p % 3] for one, p in zip(ids, people, strict=True)}
    )
    return Predictions(LABELS, ids, people.astype(str), targets, probabilities), thirds


def halves(test, name="sex"):
    of = {
        str(one): "fm"[int(p) % 2] for one, p in zip(test.record_ids, test.patient_ids, strict=True)
    }
    return Grouping(name, ("f", "m"), of)


@pytest.fixture(scope="module")
def scored():
    test, wards = draw(0)
    return test, score_subgroups(test, LIMITS, [wards, halves(test)], bootstrap=300)


def test_a_group_scores_as_its_records_alone(scored):
    test, found = scored
    for one in found.groups:
        column = halves(test) if one.column == "sex" else draw(0)[1]
        own = test.take(column.members(test.record_ids) == column.names.index(one.name))
        alone = evaluate(own, None, thresholds="fixed", bootstrap=300)
        assert (one.records, one.patients) == (alone.records, alone.patients)
        for label in ("MI", "CD"):
            mine, theirs = one.labels[label].scores["auroc"].group, alone.labels[label].auroc
            assert mine.value == pytest.approx(theirs.value, abs=1e-6)
            # other draws of patients, whose number in the group varies
            assert mine.low == pytest.approx(theirs.low, abs=0.03)
            assert mine.high == pytest.approx(theirs.high, abs=0.03)
            assert one.labels[label].ece == pytest.approx(alone.labels[label].ece)
            gap = one.labels[label].scores["observed_less_predicted"].group.value
            at = LABELS.index(label)
            assert gap == pytest.approx(
                (own.targets[:, at] - own.probabilities[:, at]).mean(), abs=1e-6
            )
        assert one.scored == ("MI", "CD")
        means = [one.labels[label].scores["auroc"].group.value for label in one.scored]
        assert one.summary["macro_auroc"].value == pytest.approx(np.mean(means))
        assert one.deciding.group == one.summary["macro_auroc"]


def test_two_groups_are_one_comparison_from_both_sides(scored):
    _, found = scored
    female, male = (one for one in found.groups if one.column == "sex")
    assert female.deciding.group == male.deciding.rest
    assert female.deciding.difference.value == -male.deciding.difference.value
    assert female.deciding.difference.low == -male.deciding.difference.high
    assert female.deciding.p_holm == male.deciding.p_holm
    assert found.tests[0] == 3 + 1  # three wards, one comparison of sexes


def test_too_few_patients_have_no_comparison(scored):
    _, found = scored
    rare = found.groups[0].labels["RARE"].scores["sensitivity"]
    assert rare.difference is None
    assert rare.word == "too few"
    assert math.isnan(rare.p_holm)


def test_a_group_that_is_worse_is_found_and_the_others_are_said():
    test, wards = draw(1, patients=900, worse=(2,))
    found = score_subgroups(test, LIMITS, [wards], bootstrap=300)
    words = {one.name: one.deciding.word for one in found.groups}
    assert words == {"a": "higher", "b": "higher", "c": "lower"}
    last = found.groups[-1].deciding
    assert last.difference.high < 0
    assert last.p_holm >= last.p_value
    (sentence,) = found.sentences
    assert sentence.startswith("Macro AUROC by ward: higher in a (0.")
    assert "AUROC of MI lower in c" in sentence
    numbered = replace(found, groups=tuple(replace(one, name="3") for one in found.groups))
    assert "AUROC of MI lower in ward 3" in numbered.sentences[0]


def test_records_of_unknown_group_are_in_neither_side():
    test, wards = draw(2)
    some = {one: name for one, name in wards.group_of.items() if name != "c"}
    found = score_subgroups(test, LIMITS, [replace(wards, group_of=some)], bootstrap=100)
    assert [one.name for one in found.groups] == ["a", "b"]
    assert found.unknown == {"ward": 133}
    assert found.groups[0].deciding.group == found.groups[1].deciding.rest
    one = dict.fromkeys(wards.group_of, "a")
    assert score_subgroups(test, LIMITS, [replace(wards, group_of=one)], bootstrap=100).groups == ()


def test_patients_in_two_groups_make_their_scores_vary_together():
    test, _ = draw(3, patients=150, records=2)
    first = {str(one): "fm"[at % 2] for at, one in enumerate(test.record_ids)}
    twins = replace(
        test,
        targets=np.repeat(test.targets[::2], 2, axis=0),
        probabilities=np.repeat(test.probabilities[::2], 2, axis=0),
    )
    # the same ECG of each patient on both sides: nothing can differ, whoever is drawn
    found = score_subgroups(twins, LIMITS, [Grouping("visit", ("f", "m"), first)], bootstrap=200)
    both = found.groups[0].deciding
    assert both.difference.value == 0
    assert both.difference.high < 0.75 * (both.group.high - both.group.value)


@given(
    st.integers(6, 60),
    st.integers(6, 60),
    st.floats(0.1, 0.9),
    st.floats(0.1, 0.9),
)
@settings(deadline=None)
def test_differences_of_shares_are_those_of_newcombe(m, n, p, q):
    a, b = round(m * p), round(n * q)

    def wilson(hits, records):
        return lambda level: stats.binomtest(hits, records).proportion_ci(level, method="wilson")

    def interval_at(level):
        return combine((a / m, *wilson(a, m)(level)), (b / n, *wilson(b, n)(level)))

    low, high = interval_at(0.95)
    difference = a / m - b / n
    assert -1 <= low <= difference <= high <= 1
    p_value = p_value_of(difference, interval_at)
    assert (p_value < 0.05) == (not low <= 0 <= high)


def test_newcombe_published_example():
    # Newcombe 1998, table II, (a): 56 of 70 and 48 of 80, method 10: 0.0524 to 0.3339
    def wilson(hits, records):
        return stats.binomtest(hits, records).proportion_ci(0.95, method="wilson")

    low, high = combine((56 / 70, *wilson(56, 70)), (48 / 80, *wilson(48, 80)))
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)


def test_correlation_of_what_does_not_vary_is_none():
    assert correlate(np.array([1.0, 1.0, np.nan]), np.array([1.0, 2.0, 3.0])) == 0
    assert correlate(np.array([1.0, 2.0, np.nan]), np.array([1.0, 2.0, 3.0])) == pytest.approx(1)


def test_files_keep_the_groups_and_earlier_ones_have_none(tmp_path):
    test, wards = draw(4)
    scores = evaluate(test, test, groupings=[wards], bootstrap=100)
    scores.save_json(tmp_path / "scores.json")
    again = Scores.load_json(tmp_path / "scores.json")
    assert repr(again.subgroups) == repr(scores.subgroups)
    assert "ward: a" in again.table()
    assert "No difference shown is not the same as no difference" in again.table()
    plain = evaluate(test, test, bootstrap=100)
    assert plain.subgroups is None
    assert plain.labels == scores.labels


def test_the_order_of_records_changes_nothing():
    test, wards = draw(5)
    shuffled = test.take(np.random.default_rng(0).permutation(len(test.record_ids)))
    one, other = (score_subgroups(x, LIMITS, [wards], bootstrap=100) for x in (test, shuffled))
    assert repr(one) == repr(other)
