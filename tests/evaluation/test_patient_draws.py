"""`Draws`: patients within folds, leave-outs, and the same rows for all arms."""

import numpy as np
import pytest

from ecg_keras.errors import DataError
from ecg_keras.evaluation import Arm, Predictions, draws as drawing
from ecg_keras.evaluation.arm_scores import FoldScorer, plan_draws, score_arm
from ecg_keras.evaluation.draws import LEFT_OUT, Draws, draw_all


def rows(draws):
    return np.concatenate(list(draws.blocks()), axis=1).T


def patients(number):
    return np.array([f"p{i:04d}" for i in range(number)])


def say(records, people):
    rng = np.random.default_rng(len(records))
    targets = np.arange(len(records))[:, None] % 2
    return Predictions(("MI",), records, people, targets, rng.random((len(records), 1)))


def test_the_first_rows_are_everybody_and_everybody_but_one():
    drawn = rows(Draws(patients(7), np.zeros(7, dtype=int), 100, 0))
    assert drawn.shape == (1 + 7 + 100, 7)
    assert (drawn[0] == 1).all()
    assert (drawn[1:8].sum(axis=1) == 6).all() and (drawn[1:8].sum(axis=0) == 6).all()


def test_many_patients_are_left_out_in_groups_of_nearly_one_size():
    number = 2 * LEFT_OUT + 50
    drawn = rows(Draws(patients(number), np.zeros(number, dtype=int), 100, 0))
    left = (drawn[1 : 1 + LEFT_OUT] == 0).sum(axis=1)
    assert left.min() == 2 and left.max() == 3 and left.sum() == number


def test_without_folds_resamples_are_those_of_evaluate():
    drawn = rows(Draws(patients(30), np.zeros(30, dtype=int), 150, 5))
    np.testing.assert_array_equal(drawn, rows(draw_all(np.repeat(patients(30), 2), 150, 5)))


def test_folds_keep_their_size(monkeypatch):
    monkeypatch.setattr(drawing, "WEIGHTS_PER_BLOCK", 3200)  # several blocks
    strata = np.arange(40) % 3
    drawn = rows(Draws(patients(40), strata, 300, 1))[41:]
    assert drawn.shape == (300, 40)
    for fold in range(3):
        assert (drawn[:, strata == fold].sum(axis=1) == (strata == fold).sum()).all()
    # each patient is drawn once on average, with the variance of drawing with replacement
    assert abs(drawn.mean() - 1) < 1e-12
    assert np.abs(drawn.mean(axis=0) - 1).max() < 5 / 300**0.5
    assert drawn.var() == pytest.approx(1 - 1 / 13.3, abs=0.05)


def test_strata_are_the_folds_that_all_arms_share():
    a, b = say(["r1", "r2", "r3"], ["p1", "p2", "p1"]), say(["r4", "r5"], ["p3", "p4"])
    folded, whole = Arm(((a, b), (b, a))), Arm(((say(["x"], ["p1"]),),))
    assert plan_draws([folded], 100, 0).strata.tolist() == [0, 0, 1, 1]
    together = Arm(((say(["r1", "r2", "r3", "r4", "r5"], ["p1", "p2", "p1", "p3", "p4"]),),))
    assert plan_draws([together], 100, 0).strata.tolist() == [0, 0, 0, 0]
    assert plan_draws([folded, together], 100, 0).strata.tolist() == [0, 0, 0, 0]
    assert plan_draws([folded, whole], 100, 0).strata.tolist() == [0, 0, 0, 0]
    # a split of records puts a patient into two folds
    halves = say(["r1", "r2"], ["p1", "p2"]), say(["r3", "r4"], ["p1", "p3"])
    assert plan_draws([Arm((halves,))], 100, 0).strata.tolist() == [0, 0, 0]


def test_arms_are_scored_once_for_the_same_draws(monkeypatch):
    calls = []
    plain = FoldScorer.score
    monkeypatch.setattr(FoldScorer, "score", lambda *given: calls.append(1) or plain(*given))
    arm = Arm(((say([f"r{i}" for i in range(9)], [f"p{i}" for i in range(9)]),),))
    first = score_arm(arm, plan_draws([arm], 100, 0))
    done = len(calls)
    assert score_arm(arm, plan_draws([arm, arm], 100, 0)) is first and len(calls) == done
    assert score_arm(arm, plan_draws([arm], 100, 1)) is not first and len(calls) > done


def test_one_patient_is_refused():
    arm = Arm(((say(["r1", "r2"], ["p", "p"]),),))
    with pytest.raises(DataError, match=r"at least two patients. All records are of p\."):
        plan_draws([arm], 100, 0)
