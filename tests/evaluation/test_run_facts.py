"""What is read of a run's folder for diagnostics, and what a missing or damaged file does."""

import csv
import json
import math
import shutil

import numpy as np
import pytest
from test_budget import write_run

from ecg_keras.errors import DataError
from ecg_keras.evaluation import (
    NO_RATE,
    Budget,
    Predictions,
    RunFacts,
    compare,
    diagnose_comparison,
    diagnose_run,
    read_facts,
)
from ecg_keras.metrics import METRICS
from ecg_keras.training import Run, Tuned
from ecg_keras.training.tuned import Tried

HALF = -0.01 * math.log(0.01) - 0.99 * math.log(0.99)  # 1 of 100 training records has MI
SLOW = [0.055 - 0.0002 * epoch for epoch in range(24)]  # as of a rate that is ten times too low
QUICK = [0.055 * 0.85**epoch for epoch in range(24)]


def log_losses(folder, losses):
    with (folder / "log.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["epoch", "phase", "loss", "seconds"])
        rows.writerows([number, 1, loss, 2.0] for number, loss in enumerate(losses, start=1))
    return folder


def change_settings(folder, **training):
    status = json.loads((folder / "status.json").read_text())
    status["settings"]["training"].update(training)
    (folder / "status.json").write_text(json.dumps(status))


def write_valid(folder, positives):
    ids = [str(number) for number in range(30)]
    targets = [[int(number < positives)] for number in range(30)]
    (folder / "predictions").mkdir()
    said = Predictions(["MI"], ids, ids, targets, np.full((30, 1), 0.5))
    said.save(folder / "predictions" / "valid.npz")


@pytest.fixture
def run(tmp_path):
    return log_losses(write_run(tmp_path / "run"), QUICK)


def test_loss_entropy_and_budget_are_read(run):
    facts = read_facts(run)
    assert facts.fit.loss == pytest.approx(np.mean(QUICK[-3:]))
    assert facts.fit.entropy == pytest.approx(HALF)
    assert not facts.fit.probe
    assert facts.budget == Budget(10, 40, 100)
    assert facts.scarce is None  # there are no validation predictions


@pytest.mark.parametrize(
    ("positives", "expected"), [(3, (1, 1)), (27, (1, 1)), (8, (0, 1)), (0, (1, 1))]
)
def test_patients_of_the_validation_split_are_counted(run, positives, expected):
    write_valid(run, positives)
    assert read_facts(run).scarce == expected
    assert len(diagnose_run(run)) == (expected == (1, 1))


@pytest.mark.parametrize("score", METRICS)
def test_an_epoch_that_any_score_chose_is_questioned(run, score):
    write_valid(run, 2)
    change_settings(run, select=f"best_{score}")
    assert read_facts(run).scarce == (1, 1)
    assert "The validation split is small for a choice" in diagnose_run(run)[0]


@pytest.mark.parametrize(
    "training", [{"select": "last"}, {"select": "best_loss"}, {"validate_on": "test"}]
)
def test_a_split_that_chose_nothing_by_its_positives_is_not_questioned(run, training):
    write_valid(run, 3)
    change_settings(run, **training)
    assert read_facts(run).scarce is None


@pytest.mark.parametrize("edge", [None, "lowest", "highest"])
def test_a_tuned_run_chose_by_its_validation_split_whatever_epoch_it_keeps(run, edge):
    write_valid(run, 3)
    change_settings(run, select="last")
    tried = [Tried(name, "x", 0.8, 0.3, 1e-3, 10, 5.0) for name in ("rate 1", "rate 3")]
    Tuned("mark", "macro_auroc", "rate 1", tuple(tried), edge=edge).save(Run(run))
    facts = read_facts(run)
    assert facts.scarce == (1, 1)
    assert facts.edge == edge
    assert len(diagnose_run(run)) == 1 + (edge is not None)
    (run / "tuning.json").write_text("{")
    with pytest.raises(DataError, match=r"tuning\.json"):
        read_facts(run)


def test_a_head_that_was_trained_alone_is_a_probe(run):
    phases = [{"epochs": 3, "train_from": "head"}, {"epochs": 7, "train_from": "head"}]
    change_settings(run, phases=phases)
    assert read_facts(run).fit.probe
    change_settings(run, phases=[phases[0], {"epochs": 7}])
    assert not read_facts(run).fit.probe


@pytest.mark.parametrize("augment", [{"mixup": 0.2}, {"crop": 2.5}])
def test_other_augmentation_is_not_alike(run, tmp_path, augment):
    other = log_losses(write_run(tmp_path / "other"), QUICK)
    assert read_facts(other).fit == read_facts(run).fit
    change_settings(other, augment=augment)
    assert read_facts(other).fit.alike != read_facts(run).fit.alike


@pytest.mark.parametrize(
    "loss",
    ["focal", {"asymmetric": {}}, {"binary_crossentropy": {"label_smoothing": 0.1}}, "mine:loss"],
)
def test_another_loss_than_plain_cross_entropy_is_not_compared(run, loss):
    change_settings(run, loss=loss)
    facts = read_facts(run)
    assert facts.fit is None
    assert facts.budget == Budget(10, 40, 100)


def test_no_label_smoothing_is_plain_cross_entropy(run):
    plain = read_facts(run).fit
    change_settings(run, loss={"binary_crossentropy": {"label_smoothing": 0.0}})
    assert read_facts(run).fit == plain


def test_of_a_tuned_run_the_chosen_candidate_counts(run, tmp_path):
    candidate = write_run(tmp_path / "candidate")
    change_settings(candidate, batch_size=16, augment={"mixup": 0.2})
    plain = read_facts(run).fit
    tried = Tried("rate 1", "../candidate", 0.8, 0.3, 1e-3, 10, 5.0)
    Tuned("mark", "macro_auroc", "rate 1", (tried, tried)).save(Run(run))
    found = read_facts(run)  # as of an earlier version, whose status does not keep them
    assert found.budget == Budget(10, 70, 100, 2)
    assert found.fit.alike != plain.alike
    trained = json.loads((candidate / "status.json").read_text())["settings"]
    shutil.rmtree(candidate)
    assert read_facts(run).fit == plain
    Run(run).write_status(trained_settings=trained)
    assert read_facts(run) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "epoch,phase,seconds\n1,1,2\n",
        "epoch,loss\n1,broken\n",
        "epoch,loss\n1,\n",
        "epoch,loss\n1,nan\n",
        "epoch,loss\nno,1\n",
        "epoch,loss\n",
        "\x00\x01\x02",
    ],
)
def test_a_log_that_does_not_tell_is_silence(run, text):
    (run / "log.csv").write_text(text)
    facts = read_facts(run)
    assert facts.fit is None
    assert facts.budget is not None


def test_a_missing_log_and_a_damaged_file_of_predictions_are_silence(run):
    write_valid(run, 3)
    (run / "log.csv").unlink()
    (run / "predictions" / "valid.npz").write_bytes(b"PK\x03\x04broken")
    assert read_facts(run) == RunFacts(budget=Budget(10, 40, 100))


def test_a_run_of_an_earlier_version_is_silence(tmp_path, run):
    (run / "dataset.json").unlink()
    assert read_facts(run) == RunFacts()
    (tmp_path / "empty").mkdir()
    assert read_facts(tmp_path / "empty") == RunFacts()
    status = json.loads((run / "status.json").read_text())
    for settings in ({}, {"model": 3, "training": {}}, {"model": {"of": 1}, "training": {}}):
        (run / "status.json").write_text(json.dumps({**status, "settings": settings}))
        assert read_facts(run) == RunFacts()


def test_the_rule_of_weight_decay_is_known_where_it_matters(run):
    assert read_facts(run).decays_by_stage is None
    phases = [{"epochs": 2, "stage_decay": 0.7}]
    change_settings(run, phases=phases, optimizer="adamw", weight_decay=0.05)
    assert read_facts(run).decays_by_stage is False  # of an earlier version
    # a tuned run's own phases are not those of the candidate that was chosen
    tried = Tried("rate 1", "x", 0.8, 0.3, 1e-3, 10, 5.0)
    Tuned("mark", "macro_auroc", "rate 1", (tried,)).save(Run(run))
    assert read_facts(run).decays_by_stage is None
    Run(run).write_status(decays_by_stage=True)
    assert read_facts(run).decays_by_stage is True


def test_a_damaged_status_is_named(run):
    (run / "status.json").write_text("{")
    with pytest.raises(DataError, match=r"status\.json"):
        read_facts(run)


def test_the_shipped_schedule_beside_scratch_fires_and_equal_logs_do_not(tmp_path):
    """As measured: a tenth of scratch's rate leaves the loss near the entropy of the labels."""
    shipped = log_losses(write_run(tmp_path / "shipped"), SLOW)
    scratch = log_losses(write_run(tmp_path / "scratch"), QUICK)
    again = log_losses(write_run(tmp_path / "again"), QUICK)
    rng = np.random.default_rng(0)
    ids, targets = np.arange(200).astype(str), rng.integers(0, 2, (200, 1))
    poor, good = (
        Predictions(["MI"], ids, ids, targets, share * targets + (1 - share) * rng.random((200, 1)))
        for share in (0.05, 0.4)
    )
    below = compare(poor, good, names=("shipped", "scratch"), bootstrap=100)
    (said,) = diagnose_comparison(below, shipped, scratch).diagnostics
    assert said.startswith("shipped had not finished learning: its training loss ended 0.")
    assert diagnose_comparison(below, again, scratch).diagnostics == ()
    assert " How they were tuned is not known." in below.sentence
    change_settings(again, phases=[{"epochs": 1, "train_from": "head", "fit": "ridge"}])
    assert read_facts(again).is_ridge_head and not read_facts(scratch).is_ridge_head
    assert diagnose_comparison(below, again, scratch).sentence.endswith(f" {NO_RATE}")
    above = compare(good, poor, names=("shipped", "scratch"), bootstrap=100)
    assert diagnose_comparison(above, shipped, scratch).diagnostics == ()
