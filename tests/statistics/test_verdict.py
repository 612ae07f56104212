"""`judge`, `verdict_sentence`, Holm's correction, and what would settle a comparison."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ecg_keras.errors import ConfigError
from ecg_keras.evaluation.judging import correct as holm
from ecg_keras.evaluation.variance import Parts, interval, two_sided
from ecg_keras.statistics import Contrast, Verdict, judge, settles, verdict_sentence
from ecg_keras.statistics.verdict import roughly


def contrast(value, patient=1e-4, seed=1e-4, seeds=5, interaction=2e-5, degrees=150.0, records=400):
    parts = Parts(seeds, seed if seeds > 1 else math.nan, interaction, patient, degrees)
    low, high = interval(value, parts.reach(0.95), bounded=False)
    return Contrast(
        value, low, high, 0.95, parts.standard_error, 30.0, two_sided(value, parts), parts.seed,
        patient, seeds, 1, records, records - 10, (value,) * seeds, interaction, degrees,
    )  # fmt: skip


def word(one, margin=0.02, **settings):
    return judge([one], margin=margin, **settings)[0].word


# ---------------------------------------------------------------- Holm


def test_holm_by_hand():
    # the worked example of statsmodels.stats.multitest.multipletests(..., method="holm")
    found = holm([0.01, 0.02, 0.03, 0.04, 0.5])
    np.testing.assert_allclose(found, [0.05, 0.08, 0.09, 0.09, 0.5])
    np.testing.assert_allclose(holm([0.5, 0.04, 0.01, 0.03, 0.02]), [0.5, 0.09, 0.05, 0.09, 0.08])
    np.testing.assert_allclose(holm([0.6, 0.9]), [1, 1])
    assert holm([]).shape == (0,) and holm([0.2]).tolist() == [0.2]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.001, 0.3))
def test_holm_rejects_what_stepping_down_does(given_p, alpha):
    # Holm 1979: reject in order of p while p(k) < alpha / (m - k)
    rejected = set()
    for step, place in enumerate(np.argsort(given_p, kind="stable")):
        if not given_p[place] * (len(given_p) - step) < alpha:
            break
        rejected.add(int(place))
    assert set(np.flatnonzero(holm(given_p) < alpha).tolist()) == rejected


# ---------------------------------------------------------------- verdicts


def test_words():
    assert word(contrast(0.05)) == "better"
    assert word(contrast(-0.05)) == "worse"
    assert word(contrast(0.02)) == "inconclusive"
    assert word(contrast(0.001, patient=2e-5, seed=2e-5)) == "equivalent"
    assert word(contrast(0.001, patient=2e-5, seed=2e-5), margin=0.005) == "inconclusive"
    # a difference that is there comes first, even if it lies within the margin
    small = contrast(0.01, patient=5e-6, seed=5e-6)
    assert small.high < 0.02 and word(small) == "better"


def test_the_level_is_that_of_the_verdict():
    one = contrast(0.027)
    assert 0.01 < one.p_value < 0.05
    assert word(one) == "better" and word(one, level=0.99) == "inconclusive"


def test_looking_at_more_raises_the_bar():
    one, nothing = contrast(0.027), contrast(0.004)
    alone = judge([one], margin=0.02)[0]
    among = judge([nothing, one, nothing, nothing, nothing], margin=0.02)[1]
    assert alone.word == "better" and alone.p_value == pytest.approx(one.p_value)
    assert among.word == "inconclusive" and among.p_value == pytest.approx(5 * one.p_value)
    assert among.equivalence_p >= alone.equivalence_p
    assert (alone.comparisons, among.comparisons) == (1, 5)
    assert judge([], margin=0.02) == ()


def test_a_perfect_tie_proves_nothing():
    tie = contrast(0.0, patient=0.0, seed=0.0, interaction=0.0)
    (verdict,) = judge([tie], margin=0.02)
    assert verdict.word == "inconclusive"
    assert (verdict.more_seeds, verdict.more_records) == (None, None)


def test_refusals():
    for margin in (0, -0.1, math.inf, math.nan):
        with pytest.raises(ConfigError, match=r"margin must be above 0, such as 0\.02\. Received"):
            judge([contrast(0.1)], margin=margin)
    with pytest.raises(ConfigError, match=r"level must be above 0\.5 and below 1\. Received: 95"):
        judge([contrast(0.1)], margin=0.02, level=95)


# ---------------------------------------------------------------- what would settle it


def settled(one, seeds, records, margin=0.02):
    """Whether the comparison is decided with so many seeds and records, by `judge` itself."""
    parts = one.parts.project(seeds, records / one.records)
    low, high = interval(one.value, parts.reach(0.95), bounded=False)
    then = Contrast(
        one.value, low, high, 0.95, parts.standard_error, 30.0, two_sided(one.value, parts),
        parts.seed, parts.patient, seeds, 1, records, records, (one.value,) * seeds,
        parts.interaction, parts.degrees,
    )  # fmt: skip
    return word(then, margin) != "inconclusive"


@pytest.mark.parametrize("value", [0.018, 0.012, 0.008, 0.002, -0.018])
@pytest.mark.parametrize(("patient", "seed"), [(3e-5, 4e-4), (1.2e-4, 1e-4), (4e-4, 0.0)])
def test_the_numbers_are_the_fewest_that_settle_it(value, patient, seed):
    one = contrast(value, patient=patient, seed=seed)
    (verdict,) = judge([one], margin=0.02)
    if verdict.word != "inconclusive":
        assert (verdict.more_seeds, verdict.more_records) == (0, 0)
        return
    if verdict.more_seeds is None:
        assert not settled(one, 9999, one.records)
    else:
        assert settled(one, one.seeds + verdict.more_seeds, one.records)
        assert not settled(one, one.seeds + verdict.more_seeds - 1, one.records)
    if verdict.more_records is None:
        assert not settled(one, one.seeds, 9999 * one.records)
    else:
        assert settled(one, one.seeds, one.records + verdict.more_records)
        assert not settled(one, one.seeds, one.records + verdict.more_records - 1)


def test_seeds_do_not_help_where_patients_decide_and_the_other_way_round():
    (patients,) = judge([contrast(0.015, patient=4e-4, seed=1e-6)], margin=0.02)
    assert patients.more_seeds is None and patients.more_records > 0
    (seeds,) = judge([contrast(0.015, patient=2e-5, seed=4e-3)], margin=0.02)
    assert seeds.more_records is None and seeds.more_seeds > 0


def test_both_together_settle_what_neither_does():
    one = contrast(0.015, patient=4e-4, seed=4e-2)
    (verdict,) = judge([one], margin=0.02)
    assert verdict.more_seeds is None and verdict.more_records is None
    seeds, records = verdict.more_of_both
    assert records == math.ceil(one.records * seeds / one.seeds)
    assert settled(one, one.seeds + seeds, one.records + records)
    fewer = one.records * (seeds - 1) / one.seeds
    assert not settled(one, one.seeds + seeds - 1, one.records + fewer)
    assert judge([contrast(0.015, patient=4e-4)], margin=0.02)[0].more_of_both is None


def test_one_seed_can_not_tell_how_many_seeds():
    (verdict,) = judge([contrast(0.015, patient=4e-4, seeds=1)], margin=0.02)
    assert verdict.word == "inconclusive"
    assert verdict.more_seeds is None and verdict.more_records > 0


def test_a_difference_at_the_margin_can_only_be_found_not_refuted():
    (verdict,) = judge([contrast(0.02, patient=2e-4, seed=0.0)], margin=0.02)
    assert verdict.more_records is not None
    (zero,) = judge([contrast(0.0, patient=2e-4, seed=0.0)], margin=0.02)
    assert zero.more_records is not None


def test_more_comparisons_need_more():
    one = contrast(0.015, patient=4e-4, seed=0.0)
    alone = judge([one], margin=0.02)[0].more_records
    among = judge([one] * 6, margin=0.02)[0].more_records
    assert among > alone
    # comparisons that are settled raise the bar no longer
    clear = contrast(0.2)
    assert judge([one, *[clear] * 5], margin=0.02)[0].more_records == alone


@pytest.mark.parametrize(
    ("seeds", "said"),
    [(5, "further test patients"), (1, "at least 2 more seeds and further test patients")],
)
def test_only_further_patients_settle_what_has_no_interval(seeds, said):
    nothing = dict.fromkeys(("low", "high", "p_value"), math.nan)
    one = replace(contrast(0.3, seeds=seeds), **nothing)
    assert settles(one, judge([one], margin=0.02)[0]) == said


# ---------------------------------------------------------------- sentences


def say(one, margin=0.02, others=()):
    verdict = judge([one, *others], margin=margin)[0]
    return verdict_sentence("finetune from georgia", "scratch", "macro_auroc", one, verdict)


def test_better_and_worse_are_told_with_their_figures():
    assert say(contrast(0.05)) == (
        "finetune from georgia is better than scratch: macro AUROC +0.050 [+0.027, +0.073] "
        "(p < 0.001; 5 seeds, 390 patients)."
    )
    assert say(contrast(-0.05), others=[contrast(0.0)]).startswith(
        "finetune from georgia is worse than scratch: macro AUROC -0.050 [-0.073, -0.027] "
        "(p = 0.001, corrected for 2 comparisons; 5 seeds"
    )
    label = verdict_sentence(
        "a", "b", "AFIB", contrast(0.05), judge([contrast(0.05)], margin=0.02)[0]
    )
    assert label.startswith("a is better than b: AUROC of AFIB +0.050")


def test_a_difference_within_the_margin_is_said_to_be_too_small_to_matter():
    small = contrast(0.01, patient=5e-6, seed=5e-6)
    assert say(small).endswith(
        "The whole interval is within ±0.02, the margin: the difference is there, but too small "
        "to matter."
    )
    assert "margin" not in say(contrast(0.05))


def test_equivalence_is_told_with_its_own_p_value():
    same = contrast(0.001, patient=2e-5, seed=2e-5)
    text = say(same)
    assert text.startswith("finetune from georgia and scratch are equivalent within ±0.02: macro")
    assert "(p = 0.0" in text or "(p < 0.001" in text


def test_inconclusive_says_what_would_settle_it():
    one = contrast(0.015, patient=1.2e-4, seed=1e-4)
    (verdict,) = judge([one], margin=0.02)
    text = say(one)
    assert text.startswith(
        "It is not shown whether finetune from georgia is better or worse than scratch, or "
        "equivalent within ±0.02: macro AUROC +0.015 ["
    )
    assert verdict.more_records and f"{roughly(verdict.more_records):,} more test records" in text
    patients = say(contrast(0.015, patient=4e-4, seed=1e-6))
    assert "more test records would settle it; no number of seeds alone would." in patients
    seeds = say(contrast(0.015, patient=2e-5, seed=4e-3))
    assert "more seeds of each would settle it; no number of records alone would." in seeds
    neither = contrast(0.015, patient=4e-4, seed=4e-2)
    seeds, records = judge([neither], margin=0.02)[0].more_of_both
    assert say(neither).endswith(
        "Neither more seeds nor more test records alone would settle it; if the difference stays, "
        f"about {seeds} more seeds of each together with {roughly(records):,} more test records "
        "would."
    )
    tie = contrast(0.0, patient=0.0, seed=0.0, interaction=0.0)
    assert "Every resample of the patients says the same" in say(tie)


def test_one_seed_speaks_of_these_networks_alone():
    for value in (0.05, 0.005):
        text = say(contrast(value, seeds=1))
        assert "1 seed, 390 patients" in text
        assert text.endswith(
            "With one seed each this speaks of these trained networks alone, not of the two ways "
            "of training: those need at least 2 more seeds of each."
        )
        assert "no number of seeds" not in text


@pytest.mark.parametrize(
    ("word", "seeds", "records", "said"),
    [
        ("better", 0, 0, "decided"),
        ("inconclusive", 1, None, "1 more seed"),
        ("inconclusive", 4, 1250, "4 more seeds or 1,300 more test ECGs"),
        ("inconclusive", None, 1, "1 more test ECG"),
        ("inconclusive", None, None, "neither seeds nor test ECGs alone"),
    ],
)
def test_what_would_settle_a_difference_in_a_few_words(word, seeds, records, said):
    assert settles(contrast(0.01), Verdict(word, 0.02, 0.5, 0.5, seeds, records)) == said


def test_one_seed_decides_nothing_about_ways_of_training_whatever_the_word():
    clear, open_one = contrast(0.05, seeds=1), contrast(0.015, patient=4e-4, seeds=1)
    first, second = (judge([one], margin=0.02)[0] for one in (clear, open_one))
    assert first.word == "better" and second.word == "inconclusive"
    assert settles(clear, first) == "at least 2 more seeds"
    assert settles(open_one, second) == (
        f"at least 2 more seeds and {roughly(second.more_records):,} more test ECGs"
    )


@given(st.integers(1, 10**7))
def test_numbers_are_told_roughly_and_rather_too_high(number):
    told = roughly(number)
    assert number <= told <= 1.1 * number + 1
    assert str(told).rstrip("0") == "" or len(str(told).rstrip("0")) <= 2
