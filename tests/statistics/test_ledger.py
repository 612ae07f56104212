"""The ledger: what is saved, what the share of the pre-training leaves, when it has paid."""

import math

import pytest
from hypothesis import given, settings, strategies as st

from ecg_keras.errors import ConfigError
from ecg_keras.evaluation import Estimate
from ecg_keras.statistics import ledger_row


def row(**changes):
    given_ = {
        "own": 80.0,
        "to_quality": 20.0,
        "reference_to_quality": 50.0,
        "pretraining": 600.0,
        "shared_by": 4,
    }
    return ledger_row("ptb, resnet1d18", "finetune from georgia", **{**given_, **changes})


def test_a_row_by_hand():
    found = row(ratio=Estimate(0.4, 0.2, 1.2))
    assert (found.saved, found.tasks_to_pay, found.share) == (30, 20, 150)
    assert found.saved_with_share == -120
    assert found.saved_interval == pytest.approx((-10, 40))


def test_what_is_slower_never_pays():
    found = row(to_quality=70.0)
    assert (found.saved, found.tasks_to_pay) == (-20, None)
    assert row(to_quality=50.0).tasks_to_pay is None


@pytest.mark.parametrize("missing", ["to_quality", "reference_to_quality"])
def test_where_one_never_reaches_the_quality_nothing_is_saved(missing):
    found = row(**{missing: None}, ratio=None)
    assert (found.saved, found.tasks_to_pay, found.saved_with_share) == (None, None, None)
    assert found.saved_interval is None


def test_random_weights_have_nothing_to_pay():
    found = row(to_quality=50.0, pretraining=0.0, shared_by=0)
    assert (found.share, found.saved, found.saved_with_share) == (0, 0, 0)
    assert row(pretraining=0.0, shared_by=0).tasks_to_pay == 0


def test_a_pretraining_of_unknown_cost_never_shows_that_it_paid():
    found = row(pretraining=None)
    assert (found.saved, found.share, found.saved_with_share, found.tasks_to_pay) == (
        *(30, None, None, None),
    )


def test_one_run_has_no_interval_and_a_ratio_without_upper_end_none_below():
    assert row(ratio=Estimate(0.4, math.nan, math.nan)).saved_interval is None
    low, high = row(ratio=Estimate(0.4, 0.2, math.inf)).saved_interval
    assert (low, high) == (-math.inf, pytest.approx(40))


seconds = st.floats(0.1, 1e5)


@settings(deadline=None, max_examples=50)
@given(seconds, seconds, seconds, st.integers(1, 50))
def test_after_the_tasks_to_pay_the_savings_cover_the_pretraining(own, other, pretraining, ways):
    found = row(to_quality=own, reference_to_quality=other, pretraining=pretraining, shared_by=ways)
    if found.tasks_to_pay is None:
        assert found.saved <= 0
    else:
        assert found.tasks_to_pay * found.saved == pytest.approx(pretraining)
        assert (found.saved_with_share > 0) == (found.saved > pretraining / ways)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"own": -1.0}, "finetune from georgia: own must be seconds, at least 0. Received: -1"),
        ({"to_quality": math.nan}, "to_quality must be seconds"),
        ({"pretraining": math.inf}, "pretraining must be seconds"),
        ({"shared_by": 0}, "shared_by must be at least 1 where there is a pre-training"),
    ],
)
def test_what_is_wrong_is_said(changes, said):
    with pytest.raises(ConfigError, match=said):
        row(**changes)
