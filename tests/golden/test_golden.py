"""What earlier versions made is opened, resumed, compared, reported and never made again."""

import dataclasses
import json
import logging
import shutil
from pathlib import Path

import pytest

from ecg_keras import data, evaluation, report, workflow
from ecg_keras.config import load_study
from ecg_keras.errors import ConfigError
from ecg_keras.study import list_cells, run_study, snapshot
from ecg_keras.study.gathering import gather
from ecg_keras.training import Run, read_log

RUNS = ("scratch", "finetune")
# seconds each, and harder in a folder that is not where it was
WHERE_MOVED = pytest.mark.parametrize(
    "golden",
    [
        pytest.param("3b08258-as-it-was", marks=pytest.mark.long),
        "3b08258-moved",
        "5062819-moved",
    ],
    indirect=True,
)


class Noting(workflow.Watcher):
    """Remembers which steps were done."""

    def __init__(self):
        self.made = []

    def begun(self, step):
        self.made.append(f"{step.action} {step.job.run.name}")


def train(name):
    """What a second `ecg-keras train` makes."""
    watcher = Noting()
    workflow.run_plan(workflow.make_plan(workflow.make_job(workflow.load(f"{name}.yaml"))), watcher)
    return watcher.made


def shards_of(name):
    return workflow.make_job(workflow.load(f"{name}.yaml")).shards


@pytest.mark.parametrize("name", RUNS)
def test_a_finished_run_is_not_made_again(golden, name):
    assert train(name) == []


def test_the_times_by_which_an_older_version_went_are_known(unpacked, monkeypatch):
    folder = unpacked(Path(__file__).with_name("5062819.tar.xz"), moved=False)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    assert train("scratch") == train("finetune") == []
    kept = [path.read_text(encoding="utf-8") for path in Path("shards").glob("*/accepted.json")]
    assert kept and all("still have theirs" in text for text in kept)


def test_what_was_checked_is_told_once(golden, caplog):
    for kept in Path("shards").glob("*/accepted.json"):
        kept.unlink()
    with caplog.at_level(logging.WARNING):
        first, again = shards_of("scratch"), shards_of("scratch")
    assert first == again
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1 and "\n" not in told[0]
    if "copy" in golden.parts:
        assert "48 records, patients, labels and splits, and 48 of the recordings" in told[0]
    else:
        assert "still have theirs" in told[0]


def test_shards_are_whole_and_keep_their_name(golden):
    folder = shards_of("scratch")
    dataset = data.describe(folder, verify=True)
    assert folder.name.endswith(dataset.fingerprint[:12])
    assert dataset.fingerprint == Run(Path("runs/scratch")).read_status()["dataset"]
    assert dataset.num_records == 48
    assert {path.parent for path in Path("shards").glob("*/dataset.json")} == {
        shards_of("scratch"),
        shards_of("pretrain"),
    }


@WHERE_MOVED
def test_runs_are_compared_evaluated_exported_and_reported(golden, tmp_path):
    comparison = workflow.compare_runs("runs/finetune", "runs/scratch", bootstrap=100)
    assert comparison.names == ("finetune", "scratch")
    scores = workflow.evaluate_elsewhere(
        "runs/scratch", shards_of("scratch"), bootstrap=100, allow_leaks=True
    )
    before = evaluation.Scores.load_json(Run(Path("runs/scratch")).scores)
    assert scores.summary["macro_auroc"].value == pytest.approx(
        before.summary["macro_auroc"].value, abs=1e-6
    )
    recipe = Run(Path("runs/scratch")).recipe
    text = recipe.read_text(encoding="utf-8")
    assert "thresholds: validation" in text
    recipe.write_text(text.replace("thresholds: validation", "thresholds: fixed"), "utf-8")
    fixed = workflow.evaluate_elsewhere(
        "runs/scratch", shards_of("scratch"), bootstrap=100, allow_leaks=True
    )
    assert set(fixed.thresholds.values()) == {0.5} != set(scores.thresholds.values())
    recipe.write_text(text, "utf-8")
    workflow.export_run("runs/finetune", tmp_path / "served" / "1")
    page = report.write_report("runs/finetune").read_text(encoding="utf-8")
    assert "no such folder of shards" not in page and "holds another dataset" not in page


def test_what_its_version_did_not_make_of_a_run_is_added_once(golden):
    run, notes = Run(Path("runs/scratch")), []
    before = evaluation.Scores.load_json(run.scores)
    scores = workflow.complete_run(run.folder, on_note=notes.append)
    assert before.sets is None and before.subgroups is None
    assert dataclasses.replace(scores, sets=None, subgroups=None) == before
    assert scores.subgroups == workflow.group_scores(run.folder, ("sex", "age")).subgroups
    assert evaluation.Scores.load_json(run.scores) == scores and set(scores.sets.labels) == set(
        before.labels
    )
    assert evaluation.SignalReference.load(run.reference).num_leads == 12
    written = [str(run.scores), str(run.scores), str(run.reference)]
    assert [note.partition(": ")[0] for note in notes] == written
    assert workflow.complete_run(run.folder, on_note=notes.append) == scores and len(notes) == 3
    assert train("scratch") == []
    # without the shards there is no reference, and the scores are there all the same
    run.reference.unlink()
    run.write_status(shards="gone")
    assert workflow.complete_run(run.folder, on_note=notes.append) == scores
    assert "no reference for unlike recordings can be made" in notes[3] and "gone" in notes[3]
    dataclasses.replace(scores, subgroups=None).save_json(run.scores)
    assert workflow.complete_run(run.folder, on_note=notes.append).subgroups is None
    assert "no scores of groups can be added" in notes[4]


def test_the_shards_of_a_run_and_its_baseline_are_found_where_they_lie_now(golden):
    run = Run(Path("runs/finetune"))
    assert run.read_place("shards").resolve() == shards_of("finetune").resolve()
    assert run.read_place("baseline_run").resolve() == Path("runs/scratch").resolve()


def test_a_study_is_not_trained_again_and_its_page_is_written(golden):
    plan = list_cells(load_study("study.yaml"))
    assert snapshot(plan).counts["done"] == len(plan.cells) == 3
    models = {cell.name: cell.run.model.stat().st_mtime_ns for cell in plan.cells}
    assert run_study(plan).counts["done"] == 3
    assert {cell.name: cell.run.model.stat().st_mtime_ns for cell in plan.cells} == models
    page = report.write_study(gather(plan), plan.folder)
    assert "finetune" in page.read_text(encoding="utf-8")


@WHERE_MOVED
def test_a_run_that_was_stopped_goes_on_and_names_no_place_of_this_machine(golden):
    run = Run(Path("runs/stopped"))
    before = read_log(run.log)
    assert train("stopped") == ["train stopped", "evaluate stopped", "report stopped"]
    after = read_log(run.log)
    assert len(before) == 1 and len(after) == 2
    # a score that is new is empty in the earlier epoch, which is as it was
    assert after[0] == dict.fromkeys(after[0], "") | before[0]
    assert after[1]["val_macro_f1"]
    status = json.loads(run.status.read_text(encoding="utf-8"))
    assert status["state"] == "trained"
    assert not [value for value in status.values() if str(value).startswith("/")]
    assert train("stopped") == []


@WHERE_MOVED
def test_a_run_outlives_its_shards(golden):
    shutil.rmtree("shards")
    job = workflow.make_job(workflow.load("scratch.yaml"))
    made = data.prepare(job.data, job.shards)
    run = Run(Path("runs/scratch"))
    assert made.fingerprint != run.read_status()["dataset"]
    then = data.read_dataset(run.dataset)
    if made.has_shards_of(then) or data.has_same_times(then, job.data):
        assert train("scratch") == ["validate scratch"]
    else:  # another kind of CPU rounds some samples otherwise: nothing says that it is the same
        with pytest.raises(ConfigError, match=r"runs/scratch: .* the dataset \(its settings"):
            train("scratch")
