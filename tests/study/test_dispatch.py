"""Cells whose machine is lost, or shows late what became of them."""

import os

import pytest
from finished_study import finish_cell
from late_files import show_late
from studies import tiny

from ecg_keras.errors import DataError
from ecg_keras.json_files import write_json
from ecg_keras.study import running, snapshot
from ecg_keras.study.cell_notes import read_failure, write_failure
from ecg_keras.study.worker import ProcessDied


class Preempted:
    """A pool whose machine is taken away each time, after an epoch of those that are ``left``."""

    room = 1

    def __init__(self, plan, left):
        self.plan, self.left, self.begun = plan, left, 0

    def begin(self, name, check):
        self.begun += 1
        if self.begun <= self.left:
            progress = self.plan.by_name[name].run.checkpoints / "progress.json"
            write_json(progress, {"epoch": self.begun})
        return name

    def wait(self, tasks, seconds):
        return tasks

    def result(self, task, name):
        raise ProcessDied("NodeDiedError")


@pytest.mark.parametrize("left", [0, 1, 5])
def test_a_cell_whose_machine_is_taken_away_has_not_failed_while_it_is_trained(
    tmp_path, monkeypatch, left
):
    plan = tiny(tmp_path)
    monkeypatch.setattr(running, "PAUSE", 0.0)
    monkeypatch.setattr(running, "BETWEEN", 0)
    pool = Preempted(plan, left)
    running.dispatch(plan, plan.cells[:1], pool, lambda now: None, check=False)
    assert pool.begun == left + 2
    assert "killed 2 times (NodeDiedError)" in snapshot(plan).failures[0][1]


def test_how_far_a_cell_is_leaves_its_checkpoints_alone(tmp_path):
    run = (cell := tiny(tmp_path).cells[0]).run
    write_json(run.checkpoints / "progress.json", {"epoch": 1})
    os.utime(run.checkpoints, ns=(0, 0))
    assert b'"epoch": 1' in running._read_checkpoint(cell)
    assert run.checkpoints.stat().st_mtime_ns == 0


class Elsewhere(Preempted):
    """A pool of another machine, which leaves something in the cell's folder that is seen late."""

    def __init__(self, plan, leave):
        super().__init__(plan, 0)
        self.leave = leave

    def result(self, task, name):
        self.leave(self.plan.by_name[name])
        return True


def leave_failure(cell):
    cell.run.folder.mkdir(parents=True)
    write_failure(cell.run, DataError("the leads are others."))


@pytest.mark.parametrize(
    ("leave", "late", "expected"),
    [
        (leave_failure, "failed.json", "the leads are others."),
        (finish_cell, "scores.json", None),
        (lambda cell: None, None, "it ended, and its scores are not there."),
    ],
)
def test_what_another_machine_left_is_not_written_over(
    tmp_path, monkeypatch, leave, late, expected
):
    def leave_late(cell):
        leave(cell)
        if late is not None:
            show_late(cell.run.folder / late, tmp_path, monkeypatch)

    plan = tiny(tmp_path)
    _, cell, _ = plan.cells
    running.dispatch(plan, [cell], Elsewhere(plan, leave_late), lambda now: None, check=False)
    assert read_failure(cell.run) == expected
