"""The answer of a study in a few sentences: what one seed can't show, and what would settle it."""

from dataclasses import replace

import pytest
from test_findings import compared

from ecg_keras.evaluation import NO_RATE, UNKNOWN_TUNING
from ecg_keras.statistics import headline
from ecg_keras.statistics.verdict import say_tuning


def say(*comparisons):
    return headline(comparisons, "macro_auroc")


def test_one_comparison_is_its_verdict():
    assert say(compared(0.08)) == (
        "ptbxl, resnet1d18, finetune from georgia is better than scratch: macro AUROC +0.080 "
        f"[+0.072, +0.088] (p < 0.001; 5 seeds, 500 patients). {UNKNOWN_TUNING}"
    )


@pytest.mark.parametrize(("gain", "word"), [(0.08, "is better"), (0.012, "is not shown")])
def test_one_comparison_of_one_seed_is_of_two_networks(gain, word):
    said = say(compared(gain, error=0.01, seeds=1))
    assert word in said
    assert "etwork of ptbxl, resnet1d18, finetune from georgia is better" in said
    assert said.endswith(
        "not of the two ways of training: those need at least 2 more seeds of each. "
        f"{UNKNOWN_TUNING}"
    )


def test_many_comparisons_are_counted_and_the_largest_named():
    said = say(compared(0.08), compared(0.0, downstream="ludb"))
    assert said == (
        "Of 2 comparisons with scratch, 1 better, 1 equivalent. The largest difference in macro "
        "AUROC is +0.080 [+0.072, +0.088]: ptbxl, resnet1d18, finetune from georgia (better). "
        f"{UNKNOWN_TUNING}"
    )


def test_the_largest_that_is_shown_comes_before_a_larger_one_that_is_not():
    said = say(compared(0.022), compared(0.038, error=0.03, downstream="ludb"))
    assert said.startswith(
        "Of 2 comparisons with scratch, 1 better, 1 inconclusive. The largest difference in macro "
        "AUROC that is shown is +0.022 [+0.014, +0.030]: ptbxl, resnet1d18, finetune from georgia "
        "(better). A larger one is not shown: +0.038 ["
    )
    assert "]: ludb, resnet1d18, finetune from georgia (inconclusive). " in said
    assert "settle it" in said
    loss = say(compared(-0.022), compared(0.001, error=0.03, downstream="ludb"))
    assert "The largest difference in macro AUROC is -0.022 [" in loss
    assert "settle" not in loss and "larger" not in loss


def test_what_would_settle_the_largest_is_said_where_it_is_open():
    wide = [compared(0.03, error=0.03, downstream=name) for name in "ab"]
    said = say(*wide)
    assert "2 inconclusive" in said
    assert "If the difference stays, about " in said or "would settle it" in said


@pytest.mark.parametrize(
    ("seeds", "which"), [((1, 1), "In all of them one seed"), ((1, 5), "In 1 of them one seed")]
)
def test_one_seed_shows_no_way_of_training_to_be_better(seeds, which):
    first, second = seeds
    said = say(compared(0.08, seeds=first), compared(0.08, downstream="ludb", seeds=second))
    assert which in said
    assert said.endswith(f"before there are at least 2 more seeds of each. {UNKNOWN_TUNING}")
    assert ("of one trained network with one of scratch" in said) == (seeds == (1, 1))


def test_what_was_made_elsewhere_is_not_known_to_be_tuned_alike():
    assert say(compared(0.08)).endswith(" How they were tuned is not known.")
    ridge = replace(compared(0.08), has_ridge_head=True)
    assert say(ridge).endswith(f" {NO_RATE}") and say(ridge, ridge).endswith(f" {NO_RATE}")
    tuned = replace(compared(0.08), settings=(4, 4))
    assert "is not known" not in say(tuned, compared(0.08))


def test_how_the_arms_were_tuned_is_said():
    two = [replace(compared(0.08), settings=(4, 4)) for _ in range(2)]
    assert say(*two).endswith(" Each arm was tuned over 4 settings on validation.")
    unequal = "The arms were not tuned alike, which may be what differs: see their settings."
    assert say(two[0], replace(two[1], settings=(4, 0))).endswith(unequal)
    assert say(replace(two[0], settings=(4, 0))).endswith(unequal)
    assert "The arms were not tuned: a difference may be one of learning rates" in say(
        replace(two[0], settings=(0, 0))
    )


def test_arms_are_tuned_alike_where_both_of_each_comparison_are():
    """Downstreams may have other numbers of settings, as long as their arms have the same."""
    first, second = (replace(compared(0.08), settings=(number, number)) for number in (4, 2))
    assert say(first, second).endswith(
        " In each comparison both arms were tuned alike, over 2 or 4 settings on validation."
    )
    assert say(first, replace(second, settings=(0, 0))).endswith(
        " In each comparison both arms were tuned alike, over 4 settings on validation; in 1 of "
        "them they were not tuned: a difference may be one of learning rates that suit one of "
        "them better."
    )


def test_runs_with_a_setting_beyond_the_edge_are_counted():
    tuned = "Each arm was tuned over 4 settings on validation, and one beyond "
    one = replace(compared(0.08), settings=(4, 4), beyond=(3, 1))
    assert say(one).endswith(f"{tuned}in 3 and 1 of 5 runs.")
    # scratch is the reference of both upstreams, and counts once
    other = replace(compared(0.08, upstream="code15"), settings=(4, 4), beyond=(2, 1))
    assert say(one, other).endswith(f"{tuned}in 5 of 10 runs, and in 1 of 5 of scratch.")
    single = replace(compared(0.08, seeds=1), settings=(4, 4), beyond=(0, 1))
    assert say(single).endswith(f"{tuned}for scratch.")


def test_runs_of_several_controls_are_not_counted_for_one_of_them():
    one = replace(compared(0.08), settings=(4, 4), beyond=(3, 1))
    other = replace(
        one,
        arm=replace(one.arm, mode="gradual"),
        reference=replace(one.reference, mode="gradual_from_random"),
    )
    assert say_tuning((one, other)).endswith("in 6 of 10 runs, and in 2 of 10 of their controls.")
    alike = replace(other, reference=one.reference)
    assert say_tuning((one, alike)).endswith("in 6 of 10 runs, and in 1 of 5 of scratch.")


def test_runs_that_are_not_tuned_have_no_setting_beyond():
    tuned = replace(compared(0.08), settings=(4, 4), beyond=(3, 1))
    ridge = replace(compared(0.08, upstream="code15"), settings=None)
    said = say(tuned, ridge)
    assert said.endswith(", and one beyond in 3 of 5 runs, and in 1 of 5 of scratch.")
    plain = replace(compared(0.08, downstream="ludb"), settings=(0, 0))
    assert ", and one beyond in 3 of 5 runs, and in 1 of 5 of scratch; in 1" in say(tuned, plain)
    assert "The arms were not tuned" in say(plain, plain)


def test_nothing_is_compared():
    assert say() == (
        "Nothing was compared: no way of training and its reference are both finished."
    )
