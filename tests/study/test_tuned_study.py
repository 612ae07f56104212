"""A study whose arms are tuned: its cells, their budgets, and what its page says of the choices."""

import pytest
from studies import MODES, run_here, study_plan, tiny, tiny_data

from ecg_keras.errors import ConfigError
from ecg_keras.json_files import write_json
from ecg_keras.report import write_study
from ecg_keras.study import snapshot
from ecg_keras.study.cost_text import cost_table
from ecg_keras.study.costs import estimate
from ecg_keras.study.finished import read_arms
from ecg_keras.study.gathering import gather
from ecg_keras.study.running import share
from ecg_keras.training import read_tuned

pytestmark = pytest.mark.usefixtures("without_tfdv")
TWO = {"candidates": [{"rate": 0.01, "decay": 0.5}, {"rate": 1}], "extend": False}
BOTH = {"tuned": {}, "untuned": {"recipe": {"tune": None}}}


def plan_of(folder, **sections):
    return study_plan(folder, base={"tune": TWO}, **sections)


def kinds(plan):
    words = [cell.kind for cell in plan.cells]
    return {kind: words.count(kind) for kind in ("pretrain", "candidate", "downstream")}


def test_every_tuned_run_comes_after_its_candidates(tmp_path):
    plan = plan_of(tmp_path, grid={"seeds": [0, 1]})
    assert kinds(plan) == {"pretrain": 1, "candidate": 8, "downstream": 4}
    before = set()
    for cell in plan.cells:
        assert set(cell.needs) <= before
        before.add(cell.name)
        if cell.kind == "downstream":
            tried = [plan.by_name[name] for name in cell.needs if name.count("rate")]
            assert list(cell.candidates.values()) == [one.run.folder for one in tried]
            assert all(one.recipe.tune is None and one.tried for one in tried)


def test_a_candidate_that_an_untuned_arm_trains_too_is_one_run(tmp_path):
    plan = plan_of(tmp_path, protocols=BOTH, grid={"seeds": [0]})
    assert kinds(plan) == {"pretrain": 1, "candidate": 2, "downstream": 4}
    untuned = [cell for cell in plan.cells if cell.kind == "downstream" and cell.tried]
    assert [cell.name.rpartition("-")[2] for cell in untuned] == ["rate_1", "rate_1"]
    other_way_round = {name: BOTH[name] for name in ("untuned", "tuned")}
    plan = plan_of(tmp_path, protocols=other_way_round, grid={"seeds": [0]})
    assert kinds(plan) == {"pretrain": 1, "candidate": 2, "downstream": 4}


def test_upstreams_are_not_tuned_by_what_arms_share(tmp_path):
    (pretraining,) = (one for one in plan_of(tmp_path).cells if one.kind == "pretrain")
    assert pretraining.recipe.tune is None


def test_arms_of_unequal_budgets_are_refused(tmp_path):
    more = {"tune": {"candidates": [{"rate": 1}, {"rate": 2}, {"rate": 3}]}}
    modes = {"scratch": MODES["scratch"], "finetune": {"recipe": more}}
    with pytest.raises(
        ConfigError, match="finetune is chosen from 3 candidates and scratch from 2"
    ):
        plan_of(tmp_path, modes=modes)
    plain = {"scratch": {"start": "random", "recipe": {"tune": None}}, "finetune": {}}
    assert kinds(plan_of(tmp_path, modes=plain))["candidate"] == 10  # of five seeds


def test_a_shard_has_the_candidates_of_its_runs(tmp_path):
    plan = plan_of(tmp_path, grid={"seeds": [0, 1]})
    parts = [share(plan, (number, 4)) for number in (1, 2, 3, 4)]
    for part in parts:
        names = {cell.name for cell in part}
        (tested,) = (cell for cell in part if cell.kind == "downstream")
        assert set(tested.needs) <= names
        assert len(names) == 3 + (tested.recipe.mode == "finetune")
    assert {cell.name for part in parts for cell in part} == set(plan.by_name)


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """A finished study of two arms, tuned and not."""
    folder = tmp_path_factory.mktemp("tuned")
    base = {
        "data": tiny_data(folder) | {"anomalies": "warn"},
        "training": {"batch_size": 16, "select": "last", "phases": [{"epochs": 2}]},
        "tune": TWO,
    }
    plan = tiny(folder, base=base, protocols=BOTH)
    state = run_here(plan)
    assert state.counts["done"] == len(plan.cells), state.failures
    return plan


@pytest.mark.slow
def test_each_arm_says_how_it_was_chosen(plan):
    arms, notes = read_arms(plan)
    assert notes == ()
    for name, arm in arms.items():
        assert (arm.tuning is not None) == (name.protocol == "tuned")
        (run,) = arm.runs
        assert run.settings == (2 if name.protocol == "tuned" else 0)
        if arm.tuning is not None:
            assert sum(arm.tuning.chosen.values()) == 1
            assert set(arm.tuning.scores) == {one.name for one in read_tuned(run.run).candidates}


@pytest.mark.slow
def test_one_that_diverges_stops_no_choice_and_stays_so_when_the_study_resumes(tmp_path):
    wild = {"candidates": [{"rate": 1}, {"rate": 1e36}], "extend": False}
    hot = {"training": {"phases": [{"epochs": 1, "learning_rate": 1e33}]}, "tune": None}
    base = {
        "data": tiny_data(tmp_path) | {"anomalies": "warn"},
        "training": {"batch_size": 16, "select": "last", "phases": [{"epochs": 1}]},
        "tune": wild,
    }
    # the hot arm is the wild candidate, and is tested itself
    protocols = {"tuned": {}, "hot": {"recipe": hot}}
    grid = {"backbones": ["tiny:mean"], "heads": ["pooled"], "seeds": [0]}
    sections = {"modes": {"scratch": MODES["scratch"]}, "upstreams": {}, "grid": grid}
    plan = tiny(tmp_path, base=base, protocols=protocols, **sections)
    (shared,) = (cell for cell in plan.cells if cell.tried and cell.kind == "downstream")
    for _ in range(2):
        state = run_here(plan)
        ((name, why),) = state.failures
        assert (name, "training diverged" in why) == (shared.name, True)
        assert state.counts["done"] == len(plan.cells) - 1
        log = shared.run.log.read_text()
    assert shared.run.log.read_text() == log
    (arm,) = read_arms(plan)[0].values()
    assert (len(arm.tuning.diverged), list(arm.tuning.chosen)) == (1, ["rate 1"])
    assert "1 candidate diverged" in write_study(gather(plan), plan.folder).read_text()


@pytest.mark.slow
def test_candidates_are_not_tested(plan):
    for cell in plan.cells:
        assert cell.run.tried.is_file() == cell.tried
        assert cell.run.scores.is_file() == (cell.kind != "candidate")
        assert cell.run.predictions("test").is_file() == (cell.kind != "candidate")


@pytest.mark.slow
def test_the_page_shows_settings_choices_and_cost(plan):
    result = gather(plan)
    assert result.sentence.endswith("Each arm was tuned over 2 settings on validation.")
    page = write_study(result, plan.folder).read_text()
    assert "was chosen from 2 settings, for each fold and seed by macro AUROC" in page
    rows = (plan.folder / "tables" / "tuning.csv").read_text().splitlines()
    assert len(rows) == 1 + 4
    assert rows[1].split(",")[-4] == "rate 0.01"


@pytest.mark.slow
def test_tuned_runs_of_different_precisions_are_said(plan):
    """A tuned run took over what its candidate computed in."""
    tuned = next(cell.run for cell in plan.cells if cell.arm and cell.recipe.tune)
    kept = tuned.environment.read_bytes()
    assert tuned.read_environment()["precision"] == "float32"
    assert not any("different precisions" in line for line in gather(plan).not_done)
    write_json(tuned.environment, {"precision": "mixed_bfloat16"})
    (line,) = (line for line in gather(plan).not_done if "different precisions" in line)
    assert "finetune from" in line and "scratch, pooled head." in line
    tuned.environment.write_bytes(kept)


@pytest.mark.slow
def test_the_estimate_counts_candidates_and_names_what_may_come(plan):
    assert snapshot(plan).is_over
    text = cost_table(estimate(plan))
    assert "candidates" in text
    assert "up to" not in text  # extend is off
