"""What the command line does about recordings and patients that are trained on and tested on."""

import json
import re

import pytest

from ecg_keras import workflow
from ecg_keras.data.identities import Identities

UP = """\
mode: pretrain
data:
  source: ptbxl_challenge
  raw: {real}/challenge/training/ptb-xl
  label_set: challenge2021
  anomalies: warn
  split: {{method: patients, valid: 0.3, test: 0.1}}
"""
DOWN = """\
mode: finetune
data:
  source: ptbxl
  raw: {real}/ptbxl
  label_set: superdiagnostic
  anomalies: warn
  split: {{method: official, test_folds: [3]}}
  leaks: leave_out
initialise: {{from: up.yaml}}
"""


@pytest.fixture(scope="module")
def real_recipes(real_data, tmp_path_factory):
    """Recipes that pre-train on the Challenge's copy of what they test."""
    folder = tmp_path_factory.mktemp("real")
    for name, text in (("up", UP), ("down", DOWN)):
        (folder / f"{name}.yaml").write_text(text.format(real=real_data))
    return folder


@pytest.mark.real
def test_an_upstream_on_copies_of_tested_recordings_is_refused(
    ecg_keras, real_recipes, monkeypatch
):
    monkeypatch.chdir(real_recipes)
    answer = ecg_keras("train", "down.yaml")
    assert answer.code == 1
    (error,) = [line for line in answer.err.splitlines() if line.startswith("ecg-keras:")]
    assert "the upstream runs/up knows " in error
    assert "test records (" in error and " by signal, 0 by patient): " in error
    assert "the same signal as HR000" in error
    assert "Train the upstream without them: --set 'initialise.set.data.without=[shards/" in error
    # nothing was trained: neither the upstream, for hours, nor this one
    assert json.loads((real_recipes / "runs/up/status.json").read_text())["state"] == "begun"
    assert not (real_recipes / "runs/up/model.keras").exists()
    assert not (real_recipes / "runs/down").exists()

    shards = error.partition("ecg-keras: ")[2].partition(": the upstream")[0]
    option = f"initialise.set.data.without=[{shards}]"
    plan = ecg_keras("train", "down.yaml", "--set", option, "--dry-run")
    assert plan.code == 0
    lines = [line.split() for line in plan.out.splitlines()]
    todo = [(line[2], line[-1]) for line in lines if line[:1] == ["to"]]
    assert todo[0] == ("look", "runs/up/leaks.json")
    assert [what for what, _ in todo] == [
        *("look", "look"),  # for leaks, before anything is trained
        *("train", "evaluate", "write") * 2,
    ]

    overrides = {"initialise.set.data.without": [shards]}
    job = workflow.make_job(workflow.load("down.yaml", overrides))
    workflow.run_plan(step for step in workflow.make_plan(job) if step.action == "guard")
    up, down = (
        json.loads((real_recipes / "runs" / name / "leaks.json").read_text())
        for name in ("up", "down")
    )
    tested = {f"HR{number:05d}" for number in range(1, 11)} & {*up["left_out"]["train"]}
    assert tested and f"is to stay unknown for {shards}" in " ".join(up["notes"])
    assert down["warnings"] == []


@pytest.mark.real
def test_what_two_datasets_share_is_listed(ecg_keras, real_recipes, monkeypatch):
    monkeypatch.chdir(real_recipes)
    prepared = [ecg_keras("prepare", name) for name in ("up.yaml", "down.yaml")]
    copy, original = (one.out.splitlines()[-1].removeprefix("shards  ") for one in prepared)
    answer = ecg_keras("describe", copy, "--against", original)
    assert answer.code == 0
    assert f"{copy} and {original} share 10 recordings\n" in answer.out
    for number in range(1, 11):
        assert f"  recording HR{number:05d} (" in answer.out
        assert f") is {number} (" in answer.out
    assert "patients can't be compared" in answer.out
    itself = ecg_keras("describe", original, "--against", original)
    assert f"share {500 + 10} recordings and 466 patients" in itself.out
    assert re.search(r"  recording 145 \((\w+)\) is 463 \(\w+\)\n", itself.out)
    assert ecg_keras("describe", "--against", original).code == 2


def test_an_evaluation_on_what_was_trained_on_is_refused(ecg_keras, project, monkeypatch, tmp_path):
    monkeypatch.chdir(project)
    other = ("--set", "data.split.seed=5", "--set", f"data.shards={tmp_path}", "--set", "run=r")
    made = ecg_keras("prepare", "scratch.yaml", *other)
    assert made.code == 0, made.err
    shards = made.out.splitlines()[-1].split()[-1]
    command = ("evaluate", "runs/finetune", "--shards", shards, "--bootstrap", "100")
    answer = ecg_keras(*command)
    assert answer.code == 1
    assert "runs/finetune knows " in answer.err and f" test records of {shards} (" in answer.err
    assert "trained on in finetune" in answer.err
    assert "--allow-leaks" in answer.err
    allowed = ecg_keras(*command, "--allow-leaks")
    assert allowed.code == 0
    assert allowed.err.startswith("! runs/finetune knows ")
    assert "macro AUROC" in allowed.out
    target = ("--target", shards)
    ranked = ecg_keras("transferability", "runs/up", "runs/finetune", *target)
    assert ranked.code == 0
    (warning,) = [line for line in ranked.out.splitlines() if line.startswith("! ")]
    assert warning.startswith("! runs/finetune knows ")


def test_a_run_tells_what_it_and_its_upstream_have_seen(project):
    seen = Identities.load(project / "runs" / "finetune" / "seen.npz")
    assert set(seen.runs.tolist()) == {"finetune", "up"}
    leaks = json.loads((project / "runs" / "finetune" / "leaks.json").read_text())
    assert leaks["warnings"] == leaks["notes"] == []
    assert leaks["left_out"] == {"train": [], "valid": []}
