"""The whole road: one command from a recipe to shards, runs, scores, a page and a SavedModel."""

import json
import re
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from ecg_keras.training import read_log

COMMAND = Path(sys.executable).parent / "ecg-keras"


def test_everything_a_run_promises_is_there(project):
    runs = project / "runs"
    for name in ("up", "scratch", "finetune"):
        status = json.loads((runs / name / "status.json").read_text())
        assert status["state"] == "trained"
        for file in ("model.keras", "scores.json", "report.html", "log.csv", "recipe.yaml"):
            assert (runs / name / file).stat().st_size > 0
        for split in ("valid", "test"):
            assert (runs / name / "predictions" / f"{split}.npz").is_file()
    shards = [path for path in (project / "shards").iterdir() if path.is_dir()]
    assert len(shards) == 2  # the baseline is trained on the same shards
    for folder in shards:
        checked = json.loads((folder / "validation.json").read_text())
        assert checked["anomalies"] == []
        # nothing was left unchecked, or without the library one remark says what
        assert len(checked["remarks"]) == (find_spec("tensorflow_data_validation") is None)


def test_what_was_not_looked_at_is_said_once_and_on_the_page(
    ecg_keras, write_recipes, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "tensorflow_data_validation", None)
    write_recipes(tmp_path)
    answer = ecg_keras("train", "up.yaml")
    assert answer.code == 0, answer.err
    told = " ".join(answer.err.split())
    assert told.count("checked without TensorFlow Data Validation, which can't be imported") == 1
    page = (tmp_path / "runs" / "up" / "report.html").read_text()
    assert page.count("The check of the data: checked without TensorFlow Data Validation") == 1
    assert "checked without" not in ecg_keras("train", "up.yaml").err


def test_the_comparison_is_of_the_same_patients(project):
    comparison = json.loads((project / "runs" / "finetune" / "comparison.json").read_text())
    scores = json.loads((project / "runs" / "scratch" / "scores.json").read_text())
    assert comparison["records"] == scores["records"]
    assert "finetune" in json.dumps(comparison["names"])


def test_the_saved_model_answers_as_keras_does(project):
    run = project / "runs" / "finetune"
    served = tf.saved_model.load(str(run / "saved_model" / "1")).signatures["serving_default"]
    ecgs = np.random.default_rng(0).normal(0, 0.3, (3, 200, 12)).astype(np.float32)
    answer = served(signal=tf.constant(ecgs))["probabilities"].numpy()
    model = keras.models.load_model(run / "model.keras", compile=False)
    np.testing.assert_allclose(answer, model.predict(ecgs, verbose=0), atol=1e-5)


def test_the_same_command_again_reuses_everything(ecg_keras, project, monkeypatch):
    monkeypatch.chdir(project)

    def times():
        """Of all files, but for hashes: those of files that were changed just now come later."""
        files = (p for p in project.rglob("*") if p.is_file() and p.name[:7] != ".hashes")
        return {p: p.stat().st_mtime_ns for p in files}

    before = times()
    answer = ecg_keras("train", "finetune.yaml")
    assert answer.code == 0
    assert answer.err.count("there already") == 20
    assert "macro AUROC" in answer.out
    assert "report  runs/finetune/report.html" in answer.out
    assert times() == before


def test_a_dry_run_tells_and_does_nothing(ecg_keras, project, tmp_path, monkeypatch, write_recipes):
    write_recipes(tmp_path)
    answer = ecg_keras("train", "finetune.yaml", "--dry-run")
    assert answer.code == 0
    assert answer.out.count("to do") == 20
    files = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    # what was measured is kept, and nothing else
    assert files == {"finetune.yaml", "scratch.yaml", "up.yaml", "runs/pilot.json"}
    monkeypatch.chdir(project)
    assert "to do" not in ecg_keras("train", "finetune.yaml", "--dry-run").out


def test_a_dry_run_estimates_what_is_left_to_train(ecg_keras, project, monkeypatch):
    monkeypatch.chdir(project)
    assert "time  " not in ecg_keras("train", "finetune.yaml", "--dry-run").out
    few = "tune.candidates=[{rate: 1}, {rate: 3}]"
    settings = ("--set", few, "--set", "run=runs/tuned", "--seeds", "2", "--dry-run")
    answer = ecg_keras("train", "finetune.yaml", *settings)
    assert answer.code == 0, answer.err
    rows = {line.split()[0]: line.split()[1:] for line in answer.out.splitlines() if line.strip()}
    # of each kind all and those that are done: the upstream is there; two rates, seeds and arms
    counts = {kind: rows[kind][:2] for kind in ("pre-training", "candidates", "downstream")}
    assert counts == {
        "pre-training": ["1", "1"],
        "candidates": ["8", "0"],
        "downstream": ["4", "0"],
    }
    assert rows["time"][-3:] == ["with", "one", "worker"]
    # shards of both databases are there
    assert " of shards, all of them there\n" in answer.out


def test_other_settings_do_not_overwrite_a_run(ecg_keras, project, monkeypatch):
    monkeypatch.chdir(project)
    answer = ecg_keras("train", "scratch.yaml", "--set", "training.seed=1")
    assert answer.code == 2
    assert (
        "runs/scratch: this run was made with other settings: training.seed: 0 -> 1" in answer.err
    )


def test_other_data_get_runs_of_their_own(ecg_keras, project, monkeypatch):
    monkeypatch.chdir(project)
    answer = ecg_keras("train", "finetune.yaml", "--set", "data.raw=elsewhere", "--dry-run")
    assert answer.code == 0
    runs = {place.split("/")[1] for place in re.findall(r"runs/\S+", answer.out)}
    assert "up" in runs and len(runs) == 3
    assert {name.rpartition("-")[0] for name in runs - {"up"}} == {
        "finetune-elsewhere",
        "scratch-elsewhere",
    }
    again = ecg_keras("train", "finetune.yaml", "--set", "data.raw=elsewhere", "--dry-run")
    assert again.out == answer.out


def test_an_override_reaches_both_arms_or_says_that_it_does_not(ecg_keras, project, monkeypatch):
    monkeypatch.chdir(project)
    settings = ("--set", "training.batch_size=8", "--set", "run=runs/small", "--dry-run")
    answer = ecg_keras("train", "finetune.yaml", *settings)
    assert answer.code == 0 and answer.err == ""
    assert "runs/small-scratch" in answer.out and "runs/scratch" not in answer.out


def test_the_comparison_says_what_both_were_trained_for(project):
    comparison = json.loads((project / "runs" / "finetune" / "comparison.json").read_text())
    ours, theirs = comparison["budgets"]
    assert ours == theirs and ours["epochs"] == 2 and ours["records"] > 0
    assert ours["steps"] == 2 * -(-ours["records"] // 16)
    assert comparison["warning"] is None
    page = (project / "runs" / "finetune" / "report.html").read_text()
    assert "finetune was trained for 2 epochs" in page


def test_a_changed_raw_file_makes_a_new_dataset(ecg_keras, project, monkeypatch):
    monkeypatch.chdir(project)
    header = next((project / "raw" / "down").rglob("*.hea"))
    before = header.read_bytes()
    header.write_bytes(before + b"\n")
    try:
        answer = ecg_keras("train", "scratch.yaml", "--dry-run")
        assert answer.code == 2
        assert "the dataset (its settings or its raw files)" in answer.err
    finally:
        header.write_bytes(before)
    assert "to do" not in ecg_keras("train", "scratch.yaml", "--dry-run").out


@pytest.mark.long
def test_a_training_that_is_killed_goes_on_to_the_same_end(project, tmp_path, write_recipes):
    write_recipes(tmp_path)
    (tmp_path / "raw").symlink_to(project / "raw")
    arguments = [COMMAND, "train", "scratch.yaml", "--set", "training.phases.0.epochs=6"]
    log = tmp_path / "runs" / "scratch" / "log.csv"
    victim = subprocess.Popen(arguments, cwd=tmp_path, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 300
    while len(read_log(log)) < 2 and time.monotonic() < end and victim.poll() is None:
        time.sleep(0.02)
    victim.send_signal(signal.SIGKILL)
    assert victim.wait() == -signal.SIGKILL
    killed_after = len(read_log(log))
    assert not (tmp_path / "runs" / "scratch" / "model.keras").exists()
    subprocess.run(arguments, cwd=tmp_path, check=True, capture_output=True)

    whole = [*arguments, "--set", "run=runs/whole"]
    subprocess.run(whole, cwd=tmp_path, check=True, capture_output=True)
    rows = [read_log(tmp_path / "runs" / name / "log.csv") for name in ("scratch", "whole")]
    assert 2 <= killed_after < 6
    for one, other in zip(*rows, strict=True):
        one.pop("seconds"), other.pop("seconds")
        assert one == other
    scores = [(tmp_path / "runs" / n / "scores.json").read_bytes() for n in ("scratch", "whole")]
    assert scores[0] == scores[1]
