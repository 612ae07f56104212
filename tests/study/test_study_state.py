"""What is told of a study from its files, and who may run a cell."""

import errno
import json
import os
import socket

import pytest
from finished_study import finish_cell
from studies import MODES, study_plan

from ecg_keras.config import run_settings
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.json_files import write_json
from ecg_keras.study import snapshot
from ecg_keras.study.cell_notes import (
    claim,
    forget_failure,
    is_claimed,
    read_seconds,
    write_failure,
)
from ecg_keras.study.running import check_unchanged
from ecg_keras.study.state import read_state
from ecg_keras.workflow import evaluation_mark


@pytest.fixture
def plan(tmp_path):
    """A pre-training, a run from scratch and one that starts from the pre-training."""
    return study_plan(tmp_path, folder=str(tmp_path / "study"), grid={"seeds": [0]})


def states(plan):
    return list(snapshot(plan).states.values())


def test_nothing_is_there_yet(plan):
    now = snapshot(plan)
    assert now.counts == {"done": 0, "failed": 0, "running": 0, "waiting": 3, "blocked": 0}
    assert (now.running, now.failures, now.blocked, now.seconds_done) == ((), (), (), {})
    assert [now.is_ready(cell) for cell in plan.cells] == [True, True, False]
    assert not now.is_over
    assert not (plan.folder).exists()


def test_a_cell_is_done_once_it_is_trained_and_scored_as_the_study_says(plan):
    pretraining, scratch, finetuned = plan.cells
    finish_cell(pretraining)
    assert states(plan) == ["done", "waiting", "waiting"]
    assert snapshot(plan).is_ready(finetuned)
    for change in (
        {"state": "training"},
        {"evaluated": None},
        {
            "evaluated": evaluation_mark(
                "abc", scratch.recipe.evaluation.model_copy(update={"level": 0.9})
            )
        },
        {"settings": {**run_settings(scratch.recipe), "mode": "pretrain"}},
    ):
        finish_cell(scratch, **change)
        assert states(plan)[1] == "waiting", change
    finish_cell(scratch)
    assert states(plan)[1] == "done"
    scratch.run.model.unlink()
    assert states(plan)[1] == "waiting"
    scratch.run.status.write_text("{")
    assert states(plan)[1] == "waiting"


def test_a_failure_is_told_and_blocks_what_starts_from_it(plan):
    pretraining, scratch, finetuned = plan.cells
    for cell in (pretraining, scratch):
        cell.run.folder.mkdir(parents=True)
    try:
        raise DataError("the disk is full.\nMake room.")
    except DataError as error:
        write_failure(pretraining.run, error)
    write_failure(scratch.run, ZeroDivisionError("division by zero"))
    now = snapshot(plan)
    assert now.counts == {"done": 0, "failed": 2, "running": 0, "waiting": 0, "blocked": 1}
    assert now.failures == (
        (pretraining.name, "the disk is full. Make room."),
        (scratch.name, "ZeroDivisionError: division by zero"),
    )
    assert now.blocked == ((finetuned.name, f"its pre-training {pretraining.name} is failed"),)
    assert now.is_over
    left = json.loads((pretraining.run.folder / "failed.json").read_text())
    assert left["error"] == "the disk is full.\nMake room."
    assert "test_study_state.py" in left["traceback"]
    assert left["time"].endswith("+00:00")

    forget_failure(pretraining.run)
    assert states(plan) == ["waiting", "failed", "waiting"]
    (scratch.run.folder / "failed.json").write_text("no JSON")
    assert snapshot(plan).failures[0][1].endswith("failed.json is damaged")


def test_a_finished_cell_counts_even_where_its_pretraining_failed_since(plan):
    pretraining, _, finetuned = plan.cells
    finish_cell(finetuned)
    pretraining.run.folder.mkdir(parents=True)
    write_failure(pretraining.run, DataError("gone"))
    assert states(plan) == ["failed", "waiting", "done"]


def test_what_was_done_is_not_read_again(plan):
    pretraining, scratch, _ = plan.cells
    finish_cell(pretraining)
    before = snapshot(plan)
    pretraining.run.status.unlink()
    finish_cell(scratch)
    now = snapshot(plan, before)
    assert list(now.states.values()) == ["done", "done", "waiting"]
    assert set(now.seconds_done) == {pretraining.name, scratch.name}
    assert states(plan) == ["waiting", "done", "waiting"]


def test_a_run_of_an_older_pretraining_is_not_done(plan):
    pretraining, scratch, finetuned = plan.cells
    finish_cell(scratch)
    finish_cell(finetuned)
    before = snapshot(plan)  # the pre-training is gone: it may be made again as it was
    assert list(before.states.values()) == ["waiting", "done", "done"]
    check_unchanged(plan, plan.cells)
    finish_cell(pretraining)
    assert list(snapshot(plan, before).states.values()) == ["done"] * 3
    mark = evaluation_mark("another", pretraining.recipe.evaluation)
    finish_cell(pretraining, fingerprint="another", evaluated=mark)
    assert list(snapshot(plan, before).states.values()) == ["done", "done", "waiting"]
    with pytest.raises(ConfigError, match=rf"1 of 3 .* {finetuned.name}: the upstream weights\."):
        check_unchanged(plan, plan.cells)


def test_a_pretraining_that_was_merely_begun_otherwise_is_no_other(plan):
    pretraining, _, finetuned = plan.cells
    finish_cell(finetuned)
    begun = {"state": "training", "fingerprint": "another"}
    pretraining.run.folder.mkdir(parents=True, exist_ok=True)
    pretraining.run.status.write_text(json.dumps(begun))
    assert states(plan) == ["waiting", "waiting", "done"]
    check_unchanged(plan, plan.cells)


def test_what_began_with_a_pretraining_of_other_settings_is_to_be_removed_with_it(plan):
    pretraining, _, finetuned = plan.cells
    for cell in plan.cells:
        finish_cell(cell)
    other = {**run_settings(pretraining.recipe), "mode": "scratch"}
    finish_cell(pretraining, settings=other)
    names = rf"train them again: {pretraining.name}, {finetuned.name}\."
    with pytest.raises(ConfigError, match=rf"2 of 3 .*mode: scratch -> pretrain\. .*{names}"):
        check_unchanged(plan, plan.cells)


def test_what_can_not_run_here_is_blocked_with_the_reason(tmp_path):
    downstreams = {"tomorrow": {"data": {"source": "tomorrow"}}}
    plan = study_plan(
        tmp_path, downstreams=downstreams, modes={"scratch": MODES["scratch"]}, grid={"seeds": [0]}
    )
    (name, reason), *others = snapshot(plan).blocked
    assert name == "tomorrow-resnet1d18-scratch-s0"
    assert reason.startswith("no source named 'tomorrow'")
    assert others == []


def test_a_claim_keeps_others_out_and_tells_who_has_it(plan):
    run = plan.cells[1].run
    assert not is_claimed(run)
    with claim(run) as ours:
        assert ours
        assert is_claimed(run)
        note = json.loads((run.folder / "cell.json").read_text())
        assert (note["pid"], note["host"]) == (os.getpid(), socket.gethostname())
        with claim(run) as theirs:
            assert not theirs
        assert is_claimed(run)
        assert states(plan) == ["waiting", "running", "waiting"]
        (running,) = snapshot(plan).running
        assert running == (plan.cells[1].name, 0, 30, None)
        run.log.write_text("epoch,val_macro_auroc\n1,0.5\n2,0.75\n")
        assert snapshot(plan).running[0][1:] == (2, 30, 0.75)
        run.log.write_text("epoch,val_macro")
        assert snapshot(plan).running[0][1:] == (0, 30, None)
        finish_cell(plan.cells[1])  # whoever has it has still to tell how long it took
        assert states(plan)[1] == "running"
    assert not is_claimed(run)
    assert states(plan) == ["waiting", "done", "waiting"]


def test_the_claim_of_a_process_that_died_is_free(plan):
    run = plan.cells[0].run
    run.folder.mkdir(parents=True)
    write_json(run.folder / "cell.json", {"host": "here", "pid": 1, "seconds": 3.0})
    assert read_state(plan.cells[0]) == "waiting"
    with claim(run) as ours:
        assert ours


def test_the_claim_of_another_user_is_not_tried(plan, monkeypatch):
    run = plan.cells[0].run
    run.folder.mkdir(parents=True)

    def refuse(*arguments, **others):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    write_json(run.folder / "cell.json", {"host": "there", "pid": 1, "seconds": 3.0})
    assert states(plan) == ["running", "waiting", "waiting"]
    write_json(run.folder / "cell.json", {"host": "there", "pid": None, "seconds": 3.0})
    assert states(plan) == ["waiting"] * 3


def test_the_seconds_of_several_visits_add_up(plan):
    run = plan.cells[0].run
    run.folder.mkdir(parents=True)
    write_json(run.folder / "cell.json", {"pid": None, "seconds": 30.0})
    with claim(run):
        assert read_seconds(run) == 30
    finish_cell(plan.cells[0])
    assert 30 <= snapshot(plan).seconds_done[plan.cells[0].name] < 31
