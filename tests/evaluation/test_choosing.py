"""What chooses among candidates: scores on validation, ties by the loss after one temperature."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ecg_keras.errors import DataError
from ecg_keras.evaluation import CALIBRATED_LOSS, Predictions, choose, score_validation
from ecg_keras.metrics import METRICS


def said(logits, targets):
    ids = np.arange(len(targets)).astype(str)
    labels = [f"l{number}" for number in range(np.shape(targets)[1])]
    return Predictions(labels, ids, ids, targets, 1 / (1 + np.exp(-np.asarray(logits))))


def drawn(seed=0, skill=1.0):
    rng = np.random.default_rng(seed)
    targets = rng.random((200, 3)) < 0.3
    return skill * targets + rng.normal(size=targets.shape) - 1, targets


def scores(auroc, loss):
    return {"macro_auroc": auroc, CALIBRATED_LOSS: loss}


def test_the_highest_score_wins_and_the_lowest_calibrated_loss():
    tried = {"slow": scores(0.7, 0.3), "right": scores(0.9, 0.5)}
    assert choose(tried, "macro_auroc") == "right"
    assert choose(tried, CALIBRATED_LOSS) == "slow"


def test_equal_scores_go_by_the_calibrated_loss_and_then_by_their_order():
    tried = {"a": scores(0.8, 0.5), "b": scores(0.8 + 1e-12, 0.4), "c": scores(0.8, 0.4)}
    assert choose(tried, "macro_auroc") == "b"


def test_an_undefined_score_is_worse_than_any():
    tried = {"a": scores(math.nan, 0.1), "b": scores(0.1, 0.9)}
    assert choose(tried, "macro_auroc") == "b"
    neither = {"a": scores(math.nan, 0.2), "b": scores(math.nan, 0.1)}
    assert choose(neither, "macro_auroc") == "b"


def test_one_without_a_loss_is_never_chosen():
    diverged = scores(math.nan, math.nan)
    for by in ("macro_auroc", CALIBRATED_LOSS):
        assert choose({"a": diverged, "b": scores(0.1, 0.9)}, by) == "b"
        assert choose({"a": diverged, "b": scores(math.nan, 0.9)}, by) == "b"


def test_without_a_candidate_there_is_no_choice():
    with pytest.raises(DataError, match="nothing to choose"):
        choose({}, "macro_auroc")


@given(temperature=st.floats(0.2, 5))
def test_how_sure_a_network_is_changes_neither_score(temperature):
    logits, targets = drawn()
    plain, hot = (score_validation(said(logits / t, targets)) for t in (1.0, temperature))
    assert hot["macro_auroc"] == pytest.approx(plain["macro_auroc"])
    assert hot[CALIBRATED_LOSS] == pytest.approx(plain[CALIBRATED_LOSS], abs=1e-4)


def test_a_sure_network_that_ranks_better_is_chosen_although_its_raw_loss_is_higher():
    """The wrong verdict that raw loss led to: the slow arm is less wrong and knows less."""
    timid, targets = drawn(skill=1.5)
    bold, _ = drawn(skill=2.0)
    networks = {"timid": said(0.8 * timid, targets), "bold": said(8 * bold, targets)}
    raw = {
        name: -np.mean(np.log(np.where(one.targets, one.probabilities, 1 - one.probabilities)))
        for name, one in networks.items()
    }
    assert raw["bold"] > raw["timid"]
    tried = {name: score_validation(one) for name, one in networks.items()}
    assert {choose(tried, by) for by in ("macro_auroc", CALIBRATED_LOSS)} == {"bold"}


def test_labels_that_nobody_has_count_in_no_score():
    logits, targets = drawn()
    targets[:, 1] = False
    found = score_validation(said(logits, targets))
    assert set(found) == {*METRICS, CALIBRATED_LOSS}
    kept = score_validation(said(logits[:, [0, 2]], targets[:, [0, 2]]))
    assert found["macro_auroc"] == pytest.approx(kept["macro_auroc"])
