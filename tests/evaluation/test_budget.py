"""What two runs were trained for is shown beside their difference, and a warning if it differs."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ecg_keras.config import Recipe, run_settings
from ecg_keras.data.dataset import Dataset, SplitSummary
from ecg_keras.evaluation import (
    Budget,
    Comparison,
    Predictions,
    compare,
    describe_tuning,
    read_budgets,
    warn_of_budgets,
)
from ecg_keras.evaluation.run_facts import ALIKE

SHORT, LONG = Budget(12, 408, 1088), Budget(80, 2720, 1088)
sizes = st.integers(1, 10**6)


@pytest.fixture
def comparison(made_comparison):
    return replace(made_comparison, names=("tuned", "scratch"), budgets=(SHORT, LONG))


@pytest.fixture(scope="module")
def made_comparison():
    rng = np.random.default_rng(0)
    ids, targets = np.arange(200).astype(str), rng.integers(0, 2, (200, 1))
    said = [
        Predictions(["MI"], ids, ids, targets, share * targets + (1 - share) * rng.random((200, 1)))
        for share in (0.4, 0.1)
    ]
    return compare(*said, bootstrap=100)


def test_unequal_budgets_are_shown_and_warned_of(comparison, tmp_path):
    shown = comparison.table().splitlines()
    assert shown[1] == (
        "tuned was trained for 12 epochs (408 steps) on 1,088 records, scratch for 80 epochs "
        "(2,720 steps) on 1,088 records."
    )
    assert shown[2] == (
        "Unequal budgets (epochs 12 against 80, steps 408 against 2,720): the difference between "
        "tuned and scratch may come from that alone."
    )
    comparison.save_json(tmp_path / "comparison.json")
    kept = json.loads((tmp_path / "comparison.json").read_text())
    expected = {"epochs": 12, "steps": 408, "records": 1088, "settings": 0, "further": 0}
    assert kept["budgets"][0] == expected
    assert kept["warning"] == comparison.warning
    assert Comparison.load_json(tmp_path / "comparison.json") == comparison


def test_equal_budgets_are_shown_without_a_warning(comparison):
    equal = replace(comparison, budgets=(LONG, LONG))
    assert equal.warning is None
    assert "80 epochs (2,720 steps)" in equal.table()


@given(sizes, sizes, sizes, sizes)
def test_a_warning_does_not_depend_on_the_order(epochs, steps, other_epochs, other_steps):
    budgets = (Budget(epochs, steps, 9), Budget(other_epochs, other_steps, 9))
    unequal = any(
        abs(one - other) > ALIKE * max(one, other)
        for one, other in ((epochs, other_epochs), (steps, other_steps))
    )
    for pair in (budgets, budgets[::-1]):
        assert (warn_of_budgets(("a", "b"), pair) is not None) == unequal


def write_run(folder, **changes):
    """The two files of a finished run that tell its budget; its training split has 100 records."""
    recipe = Recipe.model_validate(
        {
            "mode": "scratch",
            "data": {"source": "ptb", "raw": "x", "train_records": changes.pop("wanted", None)},
            "training": {"batch_size": 32},
        }
    )
    status = {"state": "trained", "epochs": 10, "settings": run_settings(recipe), **changes}
    folder.mkdir()
    (folder / "status.json").write_text(json.dumps(status))
    split = SplitSummary(records=100, patients=100, labels={"MI": 1}, shards={}, checksums={})
    dataset = Dataset(
        source="ptb",
        label_set="superclass",
        labels=("MI",),
        leads=("II",),
        sampling_rate=100.0,
        num_samples=1000,
        splits={"train": split, "valid": split, "test": split},
        dropped=(),
        quarantined=(),
        duplicates=(),
        settings={},
        fingerprint="1",
        raw_digest="1",
    )
    (folder / "dataset.json").write_text(dataset.dump())
    return folder


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Budget(10, 40, 100)),
        ({"left_out": {"train": 5, "valid": 0}}, Budget(10, 30, 95)),
        ({"wanted": 33}, Budget(10, 20, 33)),
        ({"epochs": 3}, Budget(3, 12, 100)),
    ],
)
def test_the_budget_of_a_run_is_read_from_its_folder(tmp_path, changes, expected):
    one = write_run(tmp_path / "one", **changes)
    assert read_budgets(one, one) == (expected, expected)


def test_what_a_run_does_not_tell_is_not_made_up(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "status.json").write_text(json.dumps({"state": "trained"}))
    assert read_budgets(folder, folder) is None


def test_a_ridge_head_has_no_budget_to_compare(tmp_path):
    ridge, plain = write_run(tmp_path / "ridge"), write_run(tmp_path / "plain")
    status = json.loads((ridge / "status.json").read_text())
    phases = [{"epochs": 1, "train_from": "head", "fit": "ridge"}]
    for kept, known in ((phases, False), ([*phases, {"epochs": 3}], True)):
        status["settings"]["training"]["phases"] = kept
        (ridge / "status.json").write_text(json.dumps(status))
        assert (read_budgets(ridge, plain) is not None) == known


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ((0, 0), "Neither was tuned."),
        ((4, 4), "Each was tuned over 4 settings."),
        ((4, 0), "tuned was tuned over 4 settings, scratch not."),
        ((4, 3), "tuned was tuned over 4 settings, scratch over 3 settings."),
    ],
)
def test_a_verdict_says_how_both_were_tuned(comparison, settings, expected):
    ours, theirs = (replace(LONG, settings=number) for number in settings)
    compared = replace(comparison, budgets=(ours, theirs))
    assert compared.sentence.endswith(f" may decide otherwise. {expected}")
    assert (compared.warning is None) == (settings[0] == settings[1])


@pytest.mark.parametrize(
    ("further", "expected"),
    [
        ((1, 0), "tuned was tuned over 4 settings and one beyond, scratch over 4 settings."),
        ((1, 1), "Each was tuned over 4 settings and one beyond."),
    ],
)
def test_a_setting_beyond_the_edge_is_said_and_is_no_unequal_budget(comparison, further, expected):
    ours, theirs = (replace(LONG, settings=4, further=number) for number in further)
    compared = replace(comparison, budgets=(ours, theirs))
    assert compared.sentence.endswith(expected)
    assert compared.warning is None


def test_of_several_runs_those_with_a_setting_beyond_are_counted():
    names = ("tuned", "scratch")
    assert describe_tuning(names, (4, 4), (0, 0), 15) == "Each was tuned over 4 settings."
    assert describe_tuning(names, (4, 4), (0, 2), 15) == (
        "Each was tuned over 4 settings, and one beyond in 0 and 2 of 15 runs."
    )
    assert describe_tuning(names, (4, 0), (2, 0), 15) == (
        "tuned was tuned over 4 settings, and one beyond in 2 of 15 runs, scratch not."
    )
