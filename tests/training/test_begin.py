"""The run folder belongs to one set of settings, and says so."""

import pytest

from ecg_keras.config import Recipe
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.training import Run, check_same_run, mark_of
from ecg_keras.training.begin import alone, begin_run, find_changes, is_held


def recipe(**training) -> Recipe:
    return Recipe.model_validate(
        {"mode": "scratch", "data": {"source": "ptbxl", "raw": "x"}, "training": training}
    )


def begin(tmp_path, settings=None, dataset="d1", upstream=None) -> Run:
    run = Run(tmp_path / "ptbxl_scratch")
    begin_run(run, settings or recipe(), dataset=dataset, upstream=upstream)
    return run


def test_a_begun_run_can_be_begun_again(tmp_path):
    run = begin(tmp_path)
    assert begin(tmp_path).read_status() == run.read_status()
    assert run.read_status()["state"] == "begun"
    assert "source: ptbxl" in run.recipe.read_text()


def test_a_run_without_an_epoch_is_begun_anew_with_other_settings(tmp_path):
    run = begin(tmp_path)
    check_same_run(run, recipe(seed=1), dataset="d1", upstream=None)
    begin(tmp_path, recipe(seed=1))
    assert run.read_status()["settings"]["training"]["seed"] == 1
    assert "seed: 1" in run.recipe.read_text()


def test_a_run_that_is_begun_anew_is_not_tuned_any_more(tmp_path):
    run = begin(tmp_path)
    run.tuning.touch()
    begin(tmp_path)
    assert run.tuning.exists()
    begin(tmp_path, recipe(seed=1))
    assert not run.tuning.exists()


def train_an_epoch(run):
    run.checkpoints.mkdir()
    (run.checkpoints / "progress.json").write_text("{}")


def test_other_settings_are_refused_and_listed(tmp_path):
    run = begin(tmp_path)
    train_an_epoch(run)
    with pytest.raises(ConfigError, match=r"training\.seed: 0 -> 1.*--set run=FOLDER"):
        begin(tmp_path, recipe(seed=1))
    with pytest.raises(ConfigError, match="the dataset"):
        check_same_run(run, recipe(), dataset="d2", upstream=None)
    with pytest.raises(ConfigError, match="the upstream weights"):
        check_same_run(run, recipe(), dataset="d1", upstream="u")


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    folder = tmp_path / "ptbxl_scratch"
    folder.mkdir()
    (folder / "thesis.docx").write_text("years of work")
    with pytest.raises(ConfigError, match=r"not a run folder, and not empty \(it has thesis\.docx"):
        begin(tmp_path)
    assert [path.name for path in folder.iterdir()] == ["thesis.docx"]


def test_a_place_that_can_not_be_written_is_an_error_not_a_crash(tmp_path):
    (tmp_path / "ptbxl_scratch").write_text("a file where the folder should be")
    with pytest.raises(DataError, match="can't be written"):
        begin(tmp_path)


def test_two_processes_do_not_train_one_run(tmp_path):
    run = begin(tmp_path)
    with (
        alone(run),
        pytest.raises(ConfigError, match="another process trains this run"),
        alone(run),
    ):
        pass
    with alone(run):  # free again
        pass


def test_a_run_of_an_earlier_version_keeps_its_fingerprint(tmp_path):
    run = begin(tmp_path)
    train_an_epoch(run)
    status = dict(run.read_status())
    for key in ("defaults", "raw"):
        del status[key]
    del status["settings"]["training"]["epsilon"], status["settings"]["data"]["window"]
    status["fingerprint"] = "of another formula"
    run.status.unlink()
    run.write_status(**status)
    marks = {"dataset": "d1", "upstream": None}
    assert mark_of(run, recipe(), **marks) == "of another formula"
    assert begin(tmp_path).read_status() == status
    assert mark_of(run, recipe(seed=1), **marks) != "of another formula"
    assert mark_of(run, recipe(), dataset="d2", upstream=None) != "of another formula"


def test_a_run_is_another_where_defaults_mean_something_else(tmp_path, monkeypatch):
    run = begin(tmp_path)
    monkeypatch.setattr("ecg_keras.training.begin.DEFAULTS", 2)
    assert find_changes(run.read_status(), recipe(), dataset="d1", upstream=None) == [
        "what defaults mean"
    ]


def test_where_an_upstream_lies_makes_no_other_run(tmp_path):
    tree = {"mode": "finetune", "data": {"source": "ptbxl", "raw": "x"}}
    here, there = (
        Recipe.model_validate({**tree, "initialise": {"from": f"{place}/runs/up"}})
        for place in ("/old/work", "/new/place")
    )
    run = begin(tmp_path, here, upstream="u")
    assert find_changes(run.read_status(), there, dataset="d1", upstream="u") == []
    assert find_changes(run.read_status(), there, dataset="d1", upstream="v") == [
        "the upstream weights"
    ]


def test_a_status_names_no_absolute_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = {"source": "ptbxl", "raw": str(tmp_path / "data" / "ptbxl")}
    run = begin(tmp_path, Recipe.model_validate({"mode": "scratch", "data": data}))
    assert run.read_status()["raw"] == "data/ptbxl"
    assert str(tmp_path) not in run.status.read_text()


def test_a_run_that_another_process_began_meanwhile_is_not_entered(tmp_path):
    run = begin(tmp_path)
    mark = run.read_status()["fingerprint"]
    with alone(run, mark):
        assert is_held(run)
    assert not is_held(run)
    begin(tmp_path, recipe(seed=1))
    with pytest.raises(ConfigError, match="began this run with other settings"), alone(run, mark):
        pass


def test_a_run_that_is_begun_again_keeps_nothing_of_the_attempt_before(tmp_path):
    run = begin(tmp_path)
    run.write_status(state="training", seen_databases=[{"database": "ptbxl"}], decays_by_stage=True)
    run.leaks.write_text("{}")
    begin(tmp_path, recipe(seed=1))
    again = Run(tmp_path / "again" / "ptbxl_scratch")
    begin_run(again, recipe(seed=1), dataset="d1", upstream=None)
    assert run.read_status() == again.read_status()
    assert not run.leaks.exists()


def test_after_a_kill_between_its_files_a_run_has_the_recipe_that_it_is_begun_with(tmp_path):
    run = begin(tmp_path)
    run.recipe.write_text("of a command that was killed before it wrote its status")
    begin(tmp_path)
    assert "seed: 0" in run.recipe.read_text()
