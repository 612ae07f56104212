"""What makes the products of a finished training, and when the ones before end."""

import errno
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from late_files import show_late
from tiny_recipe import Stop, job_of, stop, working_in

from ecg_keras import workflow
from ecg_keras.errors import DataError
from ecg_keras.training import Run
from ecg_keras.workflow.makers import MAKERS
from ecg_keras.workflow.shard_check import check_shards

pytestmark = pytest.mark.usefixtures("without_tfdv")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A working folder with the recipe, its data, and its run, which nobody scored."""
    folder = tmp_path_factory.mktemp("made")
    with working_in(folder):
        workflow.run_plan(workflow.make_plan(job_of(), tested=False))
    return folder


@pytest.fixture(autouse=True)
def inside(place, monkeypatch):
    monkeypatch.chdir(place)


@pytest.fixture
def copied(inside, tmp_path):
    """The trained job, with shards and a run of its own to change."""
    trained, shards = job_of(), tmp_path / "shards"
    shutil.copytree(trained.shards, shards)
    shutil.copytree(trained.run.folder, tmp_path / "run")
    return replace(trained, run=Run(tmp_path / "run"), prepared=shards)


def test_scores_end_the_ones_before_when_they_are_written(place, monkeypatch):
    evaluated, watcher = MAKERS["evaluate"], workflow.Watcher()
    before, other = job_of(), job_of(evaluation__level=0.9)
    evaluated.make(before, watcher)
    assert evaluated.is_done(before) and not evaluated.is_done(other)
    for part in ("evaluation.evaluate", "workflow.makers.last_check"):
        with monkeypatch.context() as patch:
            patch.setattr(f"ecg_keras.{part}", stop)
            with pytest.raises(Stop):
                evaluated.make(other, watcher)
        assert evaluated.is_done(before)
    with monkeypatch.context() as patch:
        patch.setattr("ecg_keras.workflow.makers.save_reference", stop)
        with pytest.raises(Stop):
            evaluated.make(other, watcher)
    assert not evaluated.is_done(before) and not evaluated.is_done(other)


def test_groups_that_are_not_there_are_refused_before_anything_is_predicted(place, monkeypatch):
    evaluated, watcher = MAKERS["evaluate"], workflow.Watcher()
    evaluated.make(job_of(), watcher)
    monkeypatch.setattr("ecg_keras.models.load_model", stop)
    with pytest.raises(DataError, match="can't be grouped by hospitl"):
        evaluated.make(job_of(evaluation__subgroups=["hospitl"]), watcher)
    Path("table.csv").write_text("record_id,site\nnobody,A\n")
    wrong = {"evaluation__subgroups": ["site"], "evaluation__subgroup_table": "table.csv"}
    with pytest.raises(DataError, match="no row is of a tested record"):
        evaluated.make(job_of(**wrong), watcher)
    assert evaluated.is_done(job_of())


def test_anomalies_that_are_kept_are_not_looked_for_again(copied, monkeypatch):
    kept = {"anomalies": ["train: peak_mv: known"], "remarks": []}
    (copied.shards / "validation.json").write_text(json.dumps(kept))
    monkeypatch.setattr("ecg_keras.workflow.shard_check.validate_shards", stop)
    MAKERS["evaluate"].make(copied, workflow.Watcher())
    assert copied.run.read_status()["anomalies"] == kept["anomalies"]


def test_shards_that_another_machine_found_sound_meanwhile_are_not_checked(
    copied, tmp_path, monkeypatch
):
    path = copied.shards / "validation.json"
    path.write_text(json.dumps({"anomalies": [], "remarks": ["theirs"]}))
    show_late(path, tmp_path, monkeypatch)
    monkeypatch.setattr("ecg_keras.workflow.shard_check.validate_shards", stop)
    assert check_shards(copied)[1] == ["theirs"]


@pytest.mark.parametrize("older", [None, "train: peak_mv: of an earlier check"])
def test_shards_that_may_not_be_written_to_are_checked_by_each_process(copied, monkeypatch, older):
    job, shards = copied, copied.shards
    (shards / "validation.json").unlink(missing_ok=True)
    if older:
        (shards / "validation.json").write_text(json.dumps({"anomalies": [older]}))

    def refuse(*arguments, **others):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def count(folder):
        checked.append(folder)
        return workflow.validate_shards(folder)

    checked = []
    monkeypatch.setattr("ecg_keras.workflow.shard_check.validate_shards", count)
    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    monkeypatch.setattr("ecg_keras.workflow.runs.write_json", refuse)
    warned = []
    watcher = workflow.Watcher()
    watcher.warned = warned.append
    MAKERS["validate"].make(job, watcher)
    assert any("validation.json may not be written" in one for one in warned)
    MAKERS["evaluate"].make(job, watcher)
    status = job.run.read_status()
    assert any("validation.json may not be written" in one for one in status["remarks"])
    assert status["anomalies"] == []
    assert MAKERS["validate"].is_done(job) == bool(older)
    assert checked == [shards]
    with (shards / "schema.pbtxt").open("a") as file:  # its owner edits what is allowed
        file.write("\n")
    MAKERS["validate"].make(job, watcher)
    assert checked == [shards, shards]
