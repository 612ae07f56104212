"""Where runs lie: those of different data never meet, and each is found again."""

import shutil
from pathlib import Path

import pytest
from tiny_recipe import Stop, job_of, stop

from ecg_keras import workflow
from ecg_keras.config import Evaluation, fingerprint
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.training import Run, alone
from ecg_keras.training.begin import begin_run
from ecg_keras.workflow import Watcher, evaluation_mark
from ecg_keras.workflow.makers import MAKERS
from ecg_keras.workflow.plan_problems import check_first

RECIPES = {
    "base": "mode: scratch\ndata: {source: folder, raw: raw}\n",
    "mine": "mode: scratch\ndata: {source: folder, raw: raw}\nmodel: {dropout: 0.1}\n"
    "evaluation: {baseline: base.yaml}\n",
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working folder with two recipes, and three folders of recordings."""
    monkeypatch.chdir(tmp_path)
    for name, text in RECIPES.items():
        Path(f"{name}.yaml").write_text(text)
    for folder in ("raw", "x/export", "y/export"):
        Path(folder).mkdir(parents=True)
        Path(folder, "labels.csv").write_text("file,patient_id,AF\na.csv,1,0\nb.csv,2,1\n")
        Path(folder, "a.csv").write_text(folder)
    return tmp_path


def name_of(name, **overrides):
    return str(job_of(name, **overrides).run.folder)


def begin(job, *, epochs=True):
    """Leaves what a training leaves once its first epoch is over."""
    begin_run(job.run, job.recipe, dataset=job.dataset_fingerprint, upstream=None)
    if epochs:
        job.run.model.touch()
    return str(job.run.folder)


def finish(job):
    begin(job)
    job.run.write_status(state="trained")


def test_candidates_that_are_one_training_are_refused_until_they_are_trained(place):
    same = {"candidates": [{}, {"recipe": {"training": {"batch_size": 64}}}]}
    job = job_of("base", tune=same)
    (found,) = workflow.check_trials_of(job)
    assert "tune: only 1 of 2 candidates differ here (rate 1, training.batch_size 64)" in str(found)
    assert str(found) in map(str, workflow.find_problems(workflow.make_plan(job)))
    finish(job)
    assert workflow.check_trials_of(job) == ()
    assert workflow.find_problems(workflow.make_plan(job)) == ()


@pytest.mark.parametrize("training", [{"validate_on": "test"}, {"seed": 7}])
def test_a_candidate_that_sets_what_the_arm_decides_is_refused_until_it_is_trained(place, training):
    job = job_of("base", tune={"candidates": [{}, {"recipe": {"training": training}}]})
    (found,) = workflow.check_trials_of(job)
    (key,) = training
    assert f"a candidate sets no training.{key}: epochs and candidates are chosen" in str(found)
    finish(job)
    assert workflow.check_trials_of(job) == ()


def test_the_first_run_of_a_recipe_has_its_name_and_is_found_again(place):
    assert begin(job_of("base")) == "runs/base" == name_of("base")
    assert name_of("base", data__raw=str(place / "raw")) == "runs/base"
    assert name_of("base", data__raw="x/../raw") == "runs/base"


@pytest.mark.parametrize("epochs", [True, False])
def test_runs_of_other_data_go_elsewhere_and_are_found_again(place, epochs):
    names = [
        begin(job_of("base", data__raw=raw), epochs=epochs)
        for raw in ("raw", "x/export", "y/export")
    ]
    assert names[0] == "runs/base"
    assert names[1].startswith("runs/base-export-") and names[2].startswith("runs/base-export-")
    assert len(set(names)) == 3
    for raw, name in zip(("raw", "x/export", "y/export"), names, strict=True):
        assert name_of("base", data__raw=raw) == name
        assert name_of("base", data__raw=str(place / raw)) == name


def test_another_table_of_one_folder_is_other_data(place):
    begin(job_of("base"))
    Path("raw/second.csv").write_text("file,patient_id,AF\na.csv,1,1\nb.csv,2,0\n")
    name = name_of("base", data__folder__table="second.csv")
    assert name.startswith("runs/base-raw-")
    begin(job_of("base", data__folder__table="second.csv"))
    assert name_of("base", data__folder__table="second.csv") == name
    assert name_of("base") == "runs/base"


def test_data_that_were_moved_are_the_same(place):
    begin(job_of("base"))
    (place / "raw").rename(place / "elsewhere")
    assert name_of("base", data__raw="elsewhere") == "runs/base"


def test_other_settings_on_the_same_data_are_refused_with_what_differs(place):
    begin(job_of("base"))
    job = job_of("base", training__seed=1)
    assert str(job.run.folder) == "runs/base"
    with pytest.raises(ConfigError, match=r"training\.seed: 0 -> 1.*--set run=FOLDER"):
        job.is_trained()
    assert name_of("base", training__seed=1, run="runs/seed1") == "runs/seed1"


def test_a_run_that_does_not_say_where_its_data_lay_is_refused_as_before(place):
    job = job_of("base")
    begin(job)
    status = job.run.read_status()
    del status["raw"]
    job.run.status.unlink()
    job.run.write_status(**status)
    assert name_of("base", data__raw="x/export") == "runs/base"


def test_a_baseline_shares_the_run_of_its_recipe_on_the_same_data(place):
    for raw in ("raw", "x/export"):
        alone = begin(job_of("base", data__raw=raw))
        job = job_of("mine", data__raw=raw)
        begin(job)
        assert str(job.baseline.run.folder) == alone
    names = {name_of("mine", data__raw=raw) for raw in ("raw", "x/export", "y/export")}
    assert len(names) == 3


def test_a_baseline_with_other_settings_lies_beside_the_run_that_it_is_compared_with(place):
    begin(job_of("base"))
    job = job_of("mine", training__seed=1)
    assert str(job.baseline.run.folder) == "runs/mine-base"
    named = job_of("mine", training__seed=2, run="results/seed2")
    assert str(named.baseline.run.folder) == "results/base"
    begin(named.baseline)
    other = job_of("mine", training__seed=3, run="results/seed3")
    assert str(other.baseline.run.folder) == "results/seed3-base"
    begin(other.baseline)
    again = job_of("mine", training__seed=3, run="results/seed3")
    assert str(again.baseline.run.folder) == "results/seed3-base"
    assert job_of("mine", training__seed=2, run="results/seed2").baseline.run.name == "base"


def test_a_run_folder_that_is_named_reaches_the_baseline_of_changed_recordings(place):
    begin(job_of("mine"))
    begin(job_of("mine").baseline)
    Path("raw/a.csv").write_text("war")
    with pytest.raises(ConfigError, match=r"the dataset \(its settings or its raw files\)"):
        check_first(job_of("mine"))
    job = job_of("mine", run="runs/anew")
    assert str(job.baseline.run.folder) == "runs/anew-base"
    check_first(job)
    check_first(job.baseline)


def test_a_finished_run_outlives_its_recordings_but_not_for_a_folder_that_is_not_there(place):
    finish(job_of("base"))
    (place / "raw" / "labels.csv").unlink()
    (place / "raw" / "a.csv").unlink()
    (place / "raw").rmdir()
    assert job_of("base").outlives_its_data()
    misspelled = job_of("base", data__raw="rwa")
    assert not misspelled.outlives_its_data()
    with pytest.raises(DataError, match=r"there is no folder rwa"):
        workflow.run_plan(workflow.make_plan(misspelled))


def test_a_working_folder_that_is_moved_finds_its_runs(place, monkeypatch):
    names = [begin(job_of("base", data__raw=raw)) for raw in ("raw", "x/export", "y/export")]
    moved = place.with_name("moved")
    shutil.copytree(place, moved, copy_function=shutil.copyfile)
    monkeypatch.chdir(moved)
    for raw, name in zip(("raw", "x/export", "y/export"), names, strict=True):
        assert name_of("base", data__raw=raw) == name
        assert name_of("base", data__raw=str(moved / raw)) == name
        check_first(job_of("base", data__raw=raw))


def test_a_run_is_found_whose_name_comes_from_a_place_that_is_gone(place):
    begin(job_of("base"))
    job = job_of("base", data__raw="x/export")
    Path(begin(job)).rename("runs/base-export-0123abcd")
    run = Run(Path("runs/base-export-0123abcd"))
    run.write_status(raw="/gone/x/export")
    assert name_of("base", data__raw="x/export") == "runs/base-export-0123abcd"
    assert name_of("base", data__raw="y/export") != "runs/base-export-0123abcd"


def test_a_copy_of_the_recordings_elsewhere_has_the_same_run_and_shards(place):
    begin(job_of("base"))
    shutil.copytree("raw", "z/copy", copy_function=shutil.copyfile)
    copy = job_of("base", data__raw="z/copy")
    assert str(copy.run.folder) == "runs/base"
    assert copy.shards == job_of("base").shards
    assert copy.fingerprint() == job_of("base").fingerprint()


class Compared:
    """A comparison that is only saved."""

    def save_json(self, path):
        path.touch()


def test_a_comparison_ends_the_one_before_when_it_is_written(place, monkeypatch):
    compared = MAKERS["compare"]
    finish(job_of("mine"))
    finish(job_of("mine").baseline)
    before, other = job_of("mine"), job_of("mine", evaluation__metric="macro_auprc")
    monkeypatch.setattr("ecg_keras.workflow.makers.compare_runs", lambda *_, **__: Compared())
    compared.make(before, Watcher())
    before.run.seeds.touch()
    assert compared.is_done(before) and not compared.is_done(other)
    with monkeypatch.context() as patch:
        patch.setattr("ecg_keras.workflow.makers.compare_runs", stop)
        with pytest.raises(Stop):
            compared.make(other, Watcher())
    assert compared.is_done(before) and before.run.seeds.is_file()
    with monkeypatch.context() as patch:
        patch.setattr(Compared, "save_json", stop)
        with pytest.raises(Stop):
            compared.make(other, Watcher())
    assert not compared.is_done(before) and not compared.is_done(other)
    assert not before.run.seeds.exists()


def test_scores_of_an_earlier_version_are_known_by_its_mark():
    keys = ("calibration", "thresholds", "bootstrap", "level", "seed")
    settings = Evaluation(bootstrap=500)
    earlier = fingerprint({"run": "r", "evaluation": settings.model_dump(include=set(keys))})
    assert evaluation_mark("r", settings, earlier) == earlier
    ours = evaluation_mark("r", settings)
    assert evaluation_mark("r", settings, ours) == ours != earlier
    assert evaluation_mark("other", settings, earlier) != earlier
    assert evaluation_mark("r", Evaluation(bootstrap=600), earlier) != earlier


def test_a_baseline_that_another_process_trains_with_other_settings_is_left_to_it(place):
    job = job_of("base")
    begin(job, epochs=False)
    assert str(job_of("mine", training__seed=1).baseline.run.folder) == "runs/base"
    with alone(job.run):
        assert str(job_of("mine", training__seed=1).baseline.run.folder) == "runs/mine-base"
        assert str(job_of("mine").baseline.run.folder) == "runs/base"
