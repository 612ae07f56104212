"""What the trainings of a recipe will cost: its runs, counted and priced as those of a study."""

from dataclasses import replace

import pytest
from studies import TIMING

from ecg_keras import workflow
from ecg_keras.study import estimate_jobs, seconds_of_run
from ecg_keras.study.pilot import Pilot

DATA = "data: {{source: simulated, raw: {0}, simulate: {{hospital: {0}, records: {1}}}}}\n"


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """Fine-tuning against scratch, each chosen from two rates; nothing is there yet."""
    monkeypatch.chdir(tmp_path)
    small, large = DATA.format("riverside", 100), DATA.format("lakeside", 300)
    tune = "tune: {candidates: [{rate: 1}, {rate: 3}], extend: false}\n"
    (tmp_path / "up.yaml").write_text(f"mode: pretrain\n{large}")
    (tmp_path / "scratch.yaml").write_text(f"mode: scratch\n{small}")
    (tmp_path / "tuned.yaml").write_text(
        f"mode: finetune\n{small}initialise: {{from: up.yaml}}\n{tune}"
        "evaluation: {baseline: scratch.yaml}\n"
    )
    return tmp_path / "tuned.yaml"


@pytest.fixture
def measured(monkeypatch):
    """A pilot that was not run: the workloads that it was asked for."""
    asked = []

    def run(workloads, path, *, on_progress):
        asked.append((workloads, path))
        return Pilot(1e-6, dict.fromkeys(workloads, TIMING))

    monkeypatch.setattr("ecg_keras.study.costs.run_pilot", run)
    return asked


def plans_of(recipe, seeds):
    jobs = workflow.list_seed_jobs(recipe, {}, seeds)
    return [workflow.make_plan(job) for job in jobs]


def test_each_run_counts_once_and_is_priced_as_a_cell(recipe, measured):
    found = estimate_jobs(plans_of(recipe, 2))
    kinds = [one.cell.kind for one in found.costs]
    # two seeds start from one upstream, and have two arms of two rates each
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "pretrain": 1,
        "candidate": 8,
        "downstream": 4,
    }
    assert {one.state for one in found.costs} == {"waiting"}
    assert {str(one.size.records): one.database for one in found.costs} == {
        "300": "simulated, lakeside",
        "100": "simulated, riverside",
    }
    for one in found.costs:
        recipe, scoring = one.cell.recipe, 0.0 if one.cell.kind == "candidate" else 1e-6
        timings = [TIMING] * len(recipe.training.phases)
        trains = one.cell.kind != "downstream"  # what is chosen is taken over
        expected = seconds_of_run(recipe, one.size, timings, scoring, trains=trains)
        assert one.seconds == pytest.approx(expected) and expected > 0
    ((workloads, path),) = measured
    assert len(workloads) == 1 and str(path) == "runs/pilot.json"
    # an arm's candidates wait for the upstream: workers can't begin with them
    alone = max(one.seconds for one in found.costs if one.cell.kind == "pretrain")
    assert found.seconds(workers=100) > alone


def test_what_is_trained_already_costs_nothing(recipe, measured):
    def where(is_done):
        """The plan of one seed, where these jobs are done."""
        return [
            [replace(step, maker=replace(step.maker, is_done=is_done), needs=()) for step in plan]
            for plan in plans_of(recipe, 1)
        ]

    costs = estimate_jobs(where(lambda job: job.recipe.mode == "pretrain")).costs
    assert {one.cell.kind for one in costs if one.state == "done"} == {"pretrain"}
    assert estimate_jobs(where(lambda job: True)) is None
    assert len(measured) == 1
