"""What speaks against a difference is said in one sentence, and nothing else is."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ecg_keras.evaluation import (
    Comparison,
    Estimate,
    Fit,
    Pair,
    Predictions,
    RunFacts,
    compare,
    diagnose,
    upstream_is_no_better,
)
from ecg_keras.evaluation.diagnostics import GAP, SCARCE_SHARE, loss_gap
from ecg_keras.evaluation.run_facts import count_scarce, label_entropy, mean_end

NAMES = ("finetune", "scratch")
DONE = Fit(loss=0.2, entropy=0.6, alike="mark", probe=False)
BEHIND = replace(DONE, loss=0.5)
losses = st.floats(0, 5)
fits = st.builds(
    Fit, loss=losses, entropy=st.just(0.6), alike=st.sampled_from("ab"), probe=st.booleans()
)
pairs = st.builds(
    lambda one, other, scores: Pair((RunFacts(one), RunFacts(other)), scores),
    st.none() | fits,
    st.none() | fits,
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
)


def pair(first, second, scores=(0.6, 0.9)):
    return Pair((RunFacts(first), RunFacts(second)), scores)


def test_an_arm_that_ends_behind_and_scores_below_had_not_finished():
    (said,) = diagnose(NAMES, [pair(BEHIND, DONE)])
    assert said == (
        "finetune had not finished learning: its training loss ended 0.50 of the labels' entropy "
        "above that of scratch, and it scored lower; try other learning rates or more epochs, or "
        "tune both."
    )


def test_so_had_a_reference():
    (said,) = diagnose(NAMES, [pair(DONE, BEHIND, (0.9, 0.6))])
    assert said.startswith("scratch had not finished learning: ")


@pytest.mark.parametrize(
    ("first", "second", "scores"),
    [
        (DONE, DONE, (0.6, 0.9)),
        (replace(DONE, loss=0.2 + 0.99 * GAP * 0.6), DONE, (0.6, 0.9)),
        (BEHIND, DONE, (0.9, 0.6)),  # it fitted less and was the better for it
        (BEHIND, DONE, (0.9, 0.9)),
        (BEHIND, DONE, (math.nan, 0.9)),
        (replace(BEHIND, probe=True), DONE, (0.6, 0.9)),  # as is meant
        (replace(BEHIND, alike="with mixup"), DONE, (0.6, 0.9)),
        (None, DONE, (0.6, 0.9)),
        (BEHIND, None, (0.6, 0.9)),
    ],
)
def test_silence(first, second, scores):
    assert diagnose(NAMES, [pair(first, second, scores)]) == ()
    assert diagnose(NAMES[::-1], [pair(second, first, scores[::-1])]) == ()


def test_worse_than_a_probe_is_unfinished_all_the_same():
    (said,) = diagnose(NAMES, [pair(BEHIND, replace(DONE, probe=True))])
    assert said.startswith("finetune had not finished")


def test_of_several_runs_it_says_in_how_many():
    fires, silent = pair(BEHIND, DONE), pair(DONE, DONE)
    unknown = pair(None, DONE)
    (said,) = diagnose(NAMES, [fires, fires, silent, unknown])
    assert said.startswith("finetune had not finished learning in 2 of 3 runs: ")
    assert diagnose(NAMES, [fires, silent, silent]) == ()


@given(fits, fits)
def test_a_gap_changes_its_sign_with_the_order(one, other):
    gap = loss_gap(one, other)
    back = loss_gap(other, one)
    assert (gap is None) == (back is None)
    assert gap is None or gap == pytest.approx(-back)


@given(st.lists(pairs, max_size=6))
def test_at_most_one_of_two_ways_had_not_finished_and_order_means_nothing(some):
    said = diagnose(NAMES, some)
    assert len(said) <= 2
    assert set(diagnose(NAMES[::-1], [one.swapped() for one in some])) == set(said)
    assert diagnose(NAMES, some[::-1]) == said
    assert not any(one.is_unfinished and one.swapped().is_unfinished for one in some)


@given(st.lists(losses, min_size=1, max_size=200))
def test_the_end_of_a_training_lies_between_its_losses(values):
    last = max(3, round(0.1 * len(values)))
    assert min(values[-last:]) - 1e-9 <= mean_end(values) <= max(values[-last:]) + 1e-9


def test_of_40_epochs_the_last_four_count():
    assert mean_end([9.0] * 36 + [1.0, 2.0, 3.0, 4.0]) == 2.5
    assert mean_end([9.0] * 7 + [1.0, 2.0, 3.0]) == 2.0
    assert math.isnan(mean_end([]))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_the_entropy_is_the_loss_of_answering_with_the_prevalence(shares):
    entropy = label_entropy(shares)
    assert 0 <= entropy <= math.log(2) + 1e-12
    assert label_entropy([1 - one for one in shares]) == pytest.approx(entropy, abs=1e-9)


# ---------------------------------------------------------------- the validation split


def scarce(*counts):
    return [Pair((RunFacts(scarce=one), RunFacts(scarce=one)), (0.5, 0.5)) for one in counts]


def test_a_small_validation_split_is_no_ground_for_a_choice():
    (said,) = diagnose(NAMES, scarce((2, 5)))
    assert said.startswith(
        "The validation split is small for a choice in 2 of 2 runs: fewer than 5 of its patients "
        "have, or lack, 2 of 5 labels"
    )
    assert "enlarge data.split.valid" in said
    assert diagnose(NAMES, scarce((1, 20))) == ()
    assert diagnose(NAMES, scarce((1, 1 / SCARCE_SHARE))) == ()
    assert diagnose(NAMES, scarce(None)) == ()
    assert "in 2 of 4 runs" in diagnose(NAMES, scarce((3, 5), (0, 5)))[0]
    assert diagnose(NAMES, scarce((3, 5), (0, 5), (0, 5))) == ()


@given(
    st.lists(st.lists(st.integers(0, 1), min_size=4, max_size=4), min_size=1, max_size=30),
    st.lists(st.integers(0, 9), min_size=4, max_size=4),
    st.lists(st.integers(0, 9), min_size=4, max_size=4),
)
def test_labels_count_that_this_split_or_another_can_score(rows, train, test):
    targets = np.array(rows)
    ids = np.arange(len(rows)).astype(str)
    chooser = Predictions("abcd", ids, ids, targets, np.full(targets.shape, 0.5))
    splits = {
        name: SimpleNamespace(records=9, labels=dict(zip("abcd", counts, strict=True)))
        for name, counts in (("train", train), ("valid", [0] * 4), ("test", test))
    }
    few, total = count_scarce(chooser, SimpleNamespace(splits=splits))
    support = np.minimum(targets.sum(axis=0), len(rows) - targets.sum(axis=0))
    elsewhere = [0 < one < 9 or 0 < other < 9 for one, other in zip(train, test, strict=True)]
    asked = (support > 0) | elsewhere
    assert total == sum(asked)
    assert few == sum(asked & (support < 5))


# ---------------------------------------------------------------- the edge of a grid


def tuned(*edges):
    return [Pair((RunFacts(edge=one), RunFacts()), (0.5, 0.5)) for one in edges]


def test_a_choice_at_the_edge_of_its_grid_is_said_with_the_way_to_go():
    (said,) = diagnose(NAMES, tuned("lowest"))
    assert said == (
        "The learning rate that was chosen for finetune is the lowest of all that were tried, so a "
        "better one may be beyond; add lower ones to the candidates (tune)."
    )
    (said,) = diagnose(NAMES, tuned("highest", None, "highest"))
    assert "is the highest of all that were tried in 2 of 3 runs" in said
    assert "add higher ones" in said
    assert diagnose(NAMES, tuned("lowest", None, None)) == ()


def test_runs_of_two_rules_of_weight_decay_are_remarked():
    def pairs(*rules):
        return [Pair((RunFacts(decays_by_stage=rule), RunFacts()), (0.8, 0.8)) for rule in rules]

    for rules in ((True, True), (False, False), (None, True), (None,)):
        assert diagnose(("finetune", "scratch"), pairs(*rules)) == ()
    (said,) = diagnose(("finetune", "scratch"), pairs(True, False, True, None))
    assert said.startswith("Two rules of weight decay are compared in 1 of 3 runs: an earlier ")


# ---------------------------------------------------------------- the upstream


@given(st.floats(-0.3, 0.3), st.floats(0.001, 0.2))
def test_an_upstream_is_questioned_where_its_interval_reaches_zero(value, half):
    gain = Estimate(value, value - half, value + half)
    assert (upstream_is_no_better(gain, "ptbxl", "ludb") is None) == (gain.low > 0)


def test_without_an_interval_nothing_is_said_of_an_upstream():
    assert upstream_is_no_better(Estimate(-0.1, math.nan, math.nan), "ptbxl", "ludb") is None


# ---------------------------------------------------------------- the file


def test_a_comparison_keeps_and_shows_them(tmp_path):
    rng = np.random.default_rng(0)
    ids, targets = np.arange(60).astype(str), rng.integers(0, 2, (60, 1))
    said = Predictions(["MI"], ids, ids, targets, rng.random((60, 1)))
    plain = compare(said, said, bootstrap=100)
    assert plain.warnings == ()
    warned = replace(plain, diagnostics=diagnose(NAMES, [pair(BEHIND, DONE)]))
    assert warned.table().splitlines()[1].startswith("finetune had not finished learning: ")
    warned.save_json(tmp_path / "comparison.json")
    assert Comparison.load_json(tmp_path / "comparison.json") == warned
