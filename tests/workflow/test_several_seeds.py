"""Several seeds of a recipe: where their runs lie, and the verdict over all of them."""

from dataclasses import replace

import pytest
from tiny_recipe import RECIPE, write_recipe

from ecg_keras import workflow
from ecg_keras.config import Phase, load_recipe
from ecg_keras.report import write_report
from ecg_keras.statistics import read_seeds

pytestmark = pytest.mark.usefixtures("without_tfdv")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A working folder with a recipe and the one that it is compared with."""
    monkeypatch.chdir(tmp_path)
    mine = RECIPE | {"evaluation": {"baseline": "base.yaml", "bootstrap": 100, "seeds": 2}}
    for name, recipe in (("mine", mine), ("base", RECIPE)):
        write_recipe(name, recipe)


def test_each_seed_has_runs_of_its_own_beside_the_first():
    jobs = workflow.list_seed_jobs("mine.yaml", {"training.seed": 4}, seeds=3)
    assert [job.recipe.training.seed for job in jobs] == [4, 5, 6]
    assert [job.run.name for job in jobs] == ["mine", "mine-seed5", "mine-seed6"]
    assert [job.baseline.run.name for job in jobs] == ["base", "base-seed5", "base-seed6"]
    assert [job.baseline.recipe.training.seed for job in jobs] == [4, 5, 6]
    (alone,) = workflow.list_seed_jobs("mine.yaml", seeds=1)
    assert alone.run.name == "mine"
    assert len(workflow.list_seed_jobs("mine.yaml")) == 2
    named = workflow.list_seed_jobs("mine.yaml", {"run": "there/one"}, seeds=2)
    assert [str(job.run.folder) for job in named] == ["there/one", "there/one-seed1"]


def test_a_baseline_with_a_seed_of_its_own_is_trained_with_several_too():
    write_recipe("base", RECIPE | {"training": RECIPE["training"] | {"seed": 7}})
    own = workflow.list_seed_jobs("mine.yaml", seeds=3)
    assert [job.baseline.recipe.training.seed for job in own] == [7, 8, 9]
    assert [job.recipe.training.seed for job in own] == [0, 1, 2]
    key = "evaluation.baseline_set.training.seed"
    named = workflow.list_seed_jobs("mine.yaml", {key: 4}, seeds=2)
    assert [job.baseline.recipe.training.seed for job in named] == [4, 5]


def test_the_verdict_is_over_all_seeds_and_on_the_page_of_the_first():
    jobs = workflow.list_seed_jobs("mine.yaml")
    for job in jobs:
        workflow.run_plan(workflow.make_plan(job, report=False))
    found = workflow.compare_seeds(jobs)
    assert "2 seeds" in found.sentence
    assert found.sentence.endswith("Neither was tuned.")
    assert read_seeds(jobs[0].run.seeds) == found
    assert not any("Unequal budgets" in one for one in found.diagnostics)
    page = write_report(jobs[0].run.folder, shards=jobs[0].shards).read_text()
    assert found.sentence.partition(":")[0] in page
    assert "Other seeds" in page
    # a ridge head has nothing to tune
    phases = (Phase(epochs=1, train_from="head", fit="ridge"),)
    recipe = jobs[0].recipe
    training = recipe.training.model_copy(update={"phases": phases})
    ridge = replace(jobs[0].loaded, recipe=recipe.model_copy(update={"training": training}))
    beside = workflow.compare_seeds([replace(jobs[0], loaded=ridge), jobs[1]])
    assert beside.sentence.endswith("A ridge head has no rate to tune.")
    # one of them trained for longer, as a baseline with phases of its own does
    epochs = jobs[1].run.read_status()["epochs"]
    jobs[1].run.write_status(epochs=3 * epochs)
    (unequal,) = (one for one in workflow.compare_seeds(jobs).diagnostics if "budgets" in one)
    assert unequal.startswith(f"Unequal budgets (epochs {2 * epochs} against {epochs}, steps ")
    assert "the difference between mine and base may come from that alone" in unequal
    # scores of other settings are another run's
    jobs[0].run.write_status(evaluated="of other settings")
    assert "Other seeds" not in write_report(jobs[0].run.folder, shards=jobs[0].shards).read_text()
    # a comparison with another baseline is one of other seeds, too
    workflow.compare_seeds(jobs)
    baseline = {"evaluation.baseline_set.training.batch_size": 8}
    (alone,) = workflow.list_seed_jobs("mine.yaml", baseline, seeds=1)
    workflow.run_plan(workflow.make_plan(alone))
    assert alone.run == jobs[0].run
    assert alone.run.comparison.is_file() and not alone.run.seeds.exists()


def test_a_finished_run_keeps_how_it_was_scored_and_shown_last():
    def make(**settings):
        settings = {f"evaluation.{key}": value for key, value in settings.items()}
        (job,) = workflow.list_seed_jobs("base.yaml", settings)
        workflow.run_plan(workflow.make_plan(job))
        return load_recipe(job.run.recipe).recipe.evaluation, job.run.report.read_text()

    asked, page = make()
    assert asked.metric == "macro_auroc" and "reaches a macro AUROC of" in page
    asked, page = make(metric="macro_auprc", explain=True)
    assert asked.explain and "reaches a macro AUPRC of" in page
    asked, _ = make(thresholds="fixed", conformal=None)
    assert (asked.thresholds, asked.conformal, asked.explain) == ("fixed", None, False)
    # a study's runs have no page
    (job,) = workflow.list_seed_jobs("base.yaml")
    workflow.run_plan(workflow.make_plan(job, report=False))
    assert load_recipe(job.run.recipe).recipe.evaluation.thresholds == "validation"
