"""A tuned recipe: candidates are runs, validation chooses, and test is not looked at."""

import json
import shutil
from contextlib import contextmanager
from dataclasses import replace

import pytest
from tiny_recipe import RECIPE, Stop, job_of, working_in, write_recipe

from ecg_keras import workflow
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.evaluation import tuning_rows
from ecg_keras.training import Run, read_log, read_tuned
from ecg_keras.workflow.makers import MAKERS

pytestmark = pytest.mark.usefixtures("without_tfdv")
TUNED = {
    **RECIPE,
    "training": RECIPE["training"] | {"phases": [{"epochs": 4}]},
    "tune": {"candidates": [{"rate": 1e-6}, {"rate": 10}], "extend": False},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A working folder with the recipe, its data, and its run as far as the choice."""
    folder = tmp_path_factory.mktemp("tuned")
    with working_in(folder, TUNED):
        steps = workflow.make_plan(job_of())
        workflow.run_plan([one for one in steps if one.action in ("simulate", "prepare", "guard")])
        with unreadable_test_shards(job_of().shards):
            workflow.run_plan([one for one in steps if one.action in ("train", "try", "tune")])
    return folder


@pytest.fixture(autouse=True)
def inside(place, monkeypatch):
    monkeypatch.chdir(place)


@contextmanager
def unreadable_test_shards(shards):
    """Meanwhile the test split holds zeros: whoever tries to read it fails."""
    kept = {path: path.read_bytes() for path in shards.glob("test-*")}
    for path, content in kept.items():
        path.write_bytes(bytes(len(content)))
    yield
    for path, content in kept.items():
        path.write_bytes(content)


def test_the_choice_is_made_without_a_look_at_test(place):
    """All of it ran while the test shards could not be read."""
    tuned = read_tuned(job_of().run)
    assert [one.name for one in tuned.candidates] == ["rate 1e-06", "rate 10"]
    assert tuned.by == "macro_auroc"
    best = max(tuned.candidates, key=lambda one: one.score)
    assert tuned.chosen == best.name
    assert tuned.edge in ("lowest", "highest")


def test_the_run_is_the_chosen_candidate(place):
    run, tuned = job_of().run, read_tuned(job_of().run)
    chosen = Run(run.folder / tuned.choice.run)
    for name in ("model.keras", "log.csv", "dataset.json"):
        assert (run.folder / name).read_bytes() == (chosen.folder / name).read_bytes()
    assert len(read_log(run.log)) == 4
    assert run.read_status()["trained_settings"] == chosen.read_status()["settings"]
    assert run.read_status()["state"] == chosen.read_status()["state"] == "trained"
    assert not (chosen.folder / "predictions" / "test.npz").exists()


def test_candidates_are_ordinary_runs_that_are_kept(place):
    job = job_of()
    for name, one in job.candidates.items():
        assert one.is_trained(), name
        assert one.run.read_status()["settings"]["tune"] is None
    done = [step.is_done() for step in workflow.make_plan(job) if step.action in ("train", "tune")]
    assert done == [True] * 4


def test_another_candidate_changes_the_run_and_keeps_the_old_ones(place):
    tune = {"candidates": [{"rate": 10}, {"rate": 3}]}
    job = job_of(tune=tune, run="other")
    assert not job.is_trained()
    with pytest.raises(ConfigError, match=r"tune\.candidates"):
        job_of(tune=tune).is_trained()


def test_a_choice_at_the_edge_tries_one_more_rate_and_short_pilots_end_in_a_whole_run(place):
    tune = {"candidates": [{"rate": 1e-6}, {"rate": 1}], "epochs": 0.5}
    job = job_of(tune=tune, run="further")
    steps = workflow.make_plan(job)
    workflow.run_plan([one for one in steps if one.action in ("guard", "train", "try", "tune")])
    tuned = read_tuned(job.run)
    assert (tuned.settings, tuned.further, len(tuned.candidates)) == (2, 1, 3)
    assert {one.epochs for one in tuned.candidates} == {2}
    assert len(read_log(job.run.log)) == 4
    at_the_end = tuned.candidates[-1].name == tuned.chosen
    assert (tuned.edge is not None) == at_the_end


def test_a_validation_split_that_can_score_no_label_is_refused_where_it_chooses(place, tmp_path):
    shutil.copytree(job_of().shards, tmp_path, dirs_exist_ok=True)
    dataset = json.loads((tmp_path / "dataset.json").read_text())
    valid = dataset["splits"]["valid"]
    valid["labels"] = dict.fromkeys(valid["labels"], 0)
    (tmp_path / "dataset.json").write_text(json.dumps(dataset))
    (tmp_path / "validation.json").write_text('{"anomalies": [], "remarks": []}')
    by_loss = TUNED["tune"] | {"by": "calibrated_loss"}
    for tune, sound in ((TUNED["tune"], False), (None, True), (by_loss, True)):
        job = job_of(tune=tune, data__anomalies="stop", run="undecidable")
        job = replace(job, prepared=tmp_path)
        for one in (job, *job.candidates.values()):
            assert MAKERS["validate"].is_done(one) == sound
    job = job_of(data__anomalies="stop", run="undecidable")
    job.run.folder.mkdir()
    job.run.write_status(state="trained")  # an earlier version did not refuse it
    assert MAKERS["validate"].is_done(replace(job, prepared=tmp_path))


def only(*actions, job):
    workflow.run_plan([one for one in workflow.make_plan(job) if one.action in actions])


def test_a_candidate_that_diverges_is_shown_so_never_chosen_and_not_trained_again(
    place, monkeypatch
):
    tune = {"candidates": [{"rate": 1e-6}, {"rate": 1}, {"rate": 1e36}]}
    job = job_of(tune=tune, run="diverging", training__select="best_macro_auroc")
    only("guard", "train", "try", "tune", job=job)
    tuned = read_tuned(job.run)
    wild = next(one for one in tuned.candidates if one.name == "rate 1e+36")
    assert (wild.score, wild.loss) == (None, None)
    assert tuned.chosen != wild.name
    assert job.is_trained()
    _, rows = tuning_rows(tuned)
    assert rows[2][3:5] == ("diverged", "-")
    workflow.run_plan(workflow.make_plan(job, report=False))

    def refuse(*arguments, **others):
        raise AssertionError("nothing is left to train")

    monkeypatch.setattr("ecg_keras.training.train", refuse)
    job.run.tuning.unlink()
    only(
        "train",
        "try",
        "tune",
        job=job_of(tune=tune, run="diverging", training__select="best_macro_auroc"),
    )
    assert read_tuned(job.run) == tuned


def test_the_time_of_a_candidate_that_diverges_later_is_that_of_all_its_epochs(place):
    phases = [{"epochs": 2, "learning_rate": 1e-3}, {"epochs": 2, "learning_rate": 1e36}]
    wild = {"recipe": {"training": {"phases": phases}}}
    tune = {"candidates": [{"rate": 1}, wild], "extend": False}
    job = job_of(tune=tune, run="later")
    only("guard", "train", "try", "tune", job=job)
    _, diverged = read_tuned(job.run).candidates
    assert diverged.loss is None
    run = Run(job.run.folder / diverged.run)
    logged = [float(row["seconds"]) for row in read_log(run.log)]
    assert len(logged) > 2
    run.write_status(seconds=sum(logged[:2]))  # of the phase that ended
    job.run.tuning.unlink()
    only("tune", job=job_of(tune=tune, run="later"))
    assert read_tuned(job.run).candidates[1].seconds == pytest.approx(sum(logged))


def test_an_extension_that_diverges_leaves_the_choice(place):
    tune = {"candidates": [{"rate": 1e-35}, {"rate": 3}], "by": "calibrated_loss"}
    job = job_of(tune=tune, run="extended")
    only("guard", "train", "try", "tune", job=job)
    tuned = read_tuned(job.run)
    assert [one.loss is None for one in tuned.candidates] == [False, False, True]
    assert (tuned.chosen, tuned.edge) == ("rate 3", None)


def test_where_all_candidates_diverge_they_are_named(place):
    job = job_of(tune={"candidates": [{"rate": 1e36}, {"rate": 1e37}]}, run="all_wild")
    with pytest.raises(DataError, match=r"all candidates diverged \(rate 1e\+36, rate 1e\+37\)"):
        only("guard", "train", "try", "tune", job=job)


def test_weights_that_are_no_numbers_after_the_last_step_are_a_divergence(place):
    job = job_of(tune={"candidates": [{"rate": 1}, {"rate": 2}]}, run="at_the_end")
    first, _ = job.candidates.values()
    only("guard", job=job)
    workflow.make_alone(first, "train")
    log = first.run.log.read_text().splitlines()
    column = log[0].split(",").index("val_loss")
    cells = log[-1].split(",")
    cells[column] = "nan"
    first.run.log.write_text("\n".join([*log[:-1], ",".join(cells)]) + "\n")
    workflow.make_alone(first, "try")
    assert workflow.has_diverged(first.run)


def test_a_tuned_run_is_not_begun_again_while_a_candidate_is_trained(place, monkeypatch):
    job, other = job_of(run="busy"), job_of(run="busy", training__seed=9)
    only("guard", job=job)
    first, _ = job.candidates.values()

    def begin_other(*arguments, **others):
        with pytest.raises(ConfigError, match="busy: another process trains this run"):
            workflow.make_alone(other, "guard")
        raise Stop

    monkeypatch.setattr("ecg_keras.training.train", begin_other)
    for name, one in (("train", first), ("tune", job)):
        if name == "tune":
            monkeypatch.setattr("ecg_keras.workflow.tuning.read_scores", begin_other)
        with pytest.raises(Stop):
            workflow.make_alone(one, name)
    workflow.make_alone(other, "guard")
    for name, one in (("train", first), ("tune", job), ("train", job)):
        with pytest.raises(ConfigError, match="busy: another process began this run with other"):
            workflow.make_alone(one, name)


def test_a_page_and_a_comparison_say_what_was_tried(place):
    job = job_of()
    workflow.run_plan(workflow.make_plan(job))
    page = job.run.report.read_text()
    assert "Chosen from 2 settings by macro AUROC on validation" in page
    assert "rate 1e-06" in page
    untuned = job_of(tune=None, run="untuned")
    workflow.run_plan(workflow.make_plan(untuned))
    said = workflow.compare_runs(job.run.folder, "untuned", bootstrap=100)
    assert said.sentence.endswith("mine was tuned over 2 settings, untuned not.")
    assert "settings 2 against 0" in said.warning
    test = job.run.predictions("test")
    given = workflow.compare_runs("untuned", test, names=("ours", "theirs"), bootstrap=100)
    assert given.sentence.endswith(" How they were tuned is not known.")


def test_a_baseline_is_tuned_as_the_recipe_is(place):
    base = {key: value for key, value in TUNED.items() if key != "tune"}
    write_recipe("base", base)
    job = job_of(evaluation__baseline="base.yaml", run="against")
    assert job.baseline.recipe.tune == job.recipe.tune
    three = {"tune": {"candidates": [{}, {"rate": 2}, {"rate": 3}]}}
    write_recipe("own", base | three)
    with pytest.raises(ConfigError, match=r"2 candidates, and the baseline .*own.yaml 3"):
        job_of(evaluation__baseline="own.yaml", run="against").baseline  # noqa: B018
