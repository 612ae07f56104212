"""`train` and `compare` say in a sentence what speaks against a difference, as a user meets it."""

import json
import shutil
from pathlib import Path

import pytest

from ecg_keras.evaluation import Comparison


@pytest.fixture
def in_project(project, tmp_path, monkeypatch):
    shutil.copytree(project, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")


def test_a_rate_that_is_too_low_is_said_and_equal_ones_are_silent(ecg_keras, in_project):
    rates = {"good": "1e-2", "low": "1e-6"}
    for name, rate in rates.items():
        phases = f"training.phases=[{{epochs: 12, learning_rate: {rate}}}]"
        settings = (f"run=runs/{name}", "training.select=last", phases)
        given = [part for one in settings for part in ("--set", one)]
        answer = ecg_keras("train", "scratch.yaml", *given)
        assert answer.code == 0, answer.err
        assert "not finished" not in answer.out
    given = ("--bootstrap", 100, "--json", "c.json", "--page", "c.html")
    answer = ecg_keras("compare", "runs/low", "runs/good", *given)
    assert answer.code == 0, answer.err
    said = "low had not finished learning: its training loss ended "
    assert answer.out.splitlines()[2].startswith(said)
    (kept,) = Comparison.load_json("c.json").diagnostics
    assert kept.startswith(said)
    assert said in Path("c.html").read_text(encoding="utf-8")
    back = ecg_keras("compare", "runs/good", "runs/low", "--bootstrap", 100)
    assert said in back.out
    same = ecg_keras("compare", "runs/good", "runs/good", "--bootstrap", 100)
    assert "not finished" not in same.out


def test_train_shows_what_a_small_validation_split_cannot_choose(ecg_keras, in_project):
    """Twenty ECGs choose the best epoch here."""
    said = "The validation split is small for a choice: fewer than 5 of its patients have, or lack,"
    answer = ecg_keras("train", "scratch.yaml")
    assert f"! {said}" in answer.out
    compared = json.loads(Path("runs/finetune/comparison.json").read_text())
    assert any("in 2 of 2 runs" in one for one in compared["diagnostics"])
    assert "in 2 of 2 runs" in ecg_keras("train", "finetune.yaml").out
    page = ecg_keras("report", "runs/scratch")
    assert page.code == 0
    assert said in Path("runs/scratch/report.html").read_text(encoding="utf-8")
