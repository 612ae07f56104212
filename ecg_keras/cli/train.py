"""`ecg-keras train`, `recipe check` and `recipe show`: recipes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ecg_keras.cli.options import PATH, RecipePath, overrides
from ecg_keras.cli.saying import say, warn

if TYPE_CHECKING:
    from ecg_keras.workflow import Job, Step


@click.command()
@RecipePath
@overrides
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    help="Train with this many seeds and judge over all of them; evaluation.seeds by default.",
)
@click.option("--dry-run", is_flag=True, help="Print the plan, estimate time and disk, and stop.")
def train(recipe: Path, assignments: tuple[str, ...], seeds: int | None, dry_run: bool) -> None:
    """Make what RECIPE needs, train it, score it and write its report.

    Products that are there and fresh are reused; a run that was stopped resumes.
    """
    from ecg_keras import workflow
    from ecg_keras.cli.console import ConsoleWatcher, show_costs, show_plan
    from ecg_keras.cli.progress import progress_bar
    from ecg_keras.config import parse_overrides
    from ecg_keras.errors import raise_together
    from ecg_keras.study import estimate_jobs

    jobs = workflow.list_seed_jobs(recipe, parse_overrides(assignments), seeds)
    plans = [workflow.make_plan(job) for job in jobs]
    notes = [*workflow.overrides_left_out(jobs[0].loaded), *_rate_warnings(plans)]
    if dry_run:
        with progress_bar("look at what is there"):
            raise_together([e for plan in plans for e in workflow.find_problems(plan, tables=True)])
        show_plan([step for plan in plans for step in plan])
        for note in notes:
            warn(note)
        show_costs(partial(estimate_jobs, plans))
        return
    with ConsoleWatcher() as watcher:
        for note in notes:
            watcher.warned(note)
        for plan in plans:
            workflow.run_plan(plan, watcher)
    _show_run(jobs[0])
    if len(jobs) > 1:
        from ecg_keras import report

        found = workflow.compare_seeds(jobs)
        report.write_report(jobs[0].run.folder, shards=jobs[0].shards)
        say(f"\n{found.table()}")
    say(f"\nmodel   {jobs[0].run.model}")
    if jobs[0].recipe.export:
        say(f"serving {jobs[0].run.saved_model}")
    say(f"report  {jobs[0].run.report}")


def _show_run(job: Job) -> None:
    """How it was tuned, its scores, and how it compares with its baseline."""
    from ecg_keras import evaluation, training

    for one in (job, job.baseline):
        if one is not None and (tuned := training.read_tuned(one.run)) is not None:
            say(f"\n{one.run.name}: {evaluation.tuning_table(tuned)}")
    say()
    if job.run.scores.is_file():
        say(evaluation.Scores.load_json(job.run.scores).table())
    if job.baseline is not None and job.run.comparison.is_file():
        say()
        say(evaluation.Comparison.load_json(job.run.comparison).table())
    else:
        for sentence in evaluation.diagnose_run(job.run.folder):
            say(f"! {sentence}")


def _rate_warnings(plans: Sequence[Sequence[Step]]) -> tuple[str, ...]:
    """Of each network that is trained, once; candidates search for a rate."""
    from ecg_keras.workflow import rate_warning

    jobs = dict.fromkeys(step.job for plan in plans for step in plan if step.action == "train")
    found = (rate_warning(one.recipe) for one in jobs if one.candidate_of is None)
    return tuple(dict.fromkeys(one for one in found if one))


@click.group()
def recipe() -> None:
    """Check a recipe, or show it with every default."""


@recipe.command()
@click.argument("recipes", nargs=-1, required=True, type=PATH)
@overrides
def check(recipes: tuple[Path, ...], assignments: tuple[str, ...]) -> None:
    """Check RECIPES and what they name: recipes, and tables and weights that are here.

    Every problem is reported with its file and line.
    """
    from ecg_keras import workflow
    from ecg_keras.config import parse_overrides
    from ecg_keras.errors import EcgKerasError, raise_together

    problems: list[EcgKerasError] = []
    for path in recipes:
        try:
            job = workflow.make_job(workflow.load(path, parse_overrides(assignments)))
            jobs = (job, *(other for other in (job.upstream, job.baseline) if other))
        except EcgKerasError as error:
            problems.append(error)
            continue
        found = [
            problem
            for one in jobs
            if one.data.raw.is_dir()  # a recipe is good wherever its recordings are
            for problem in workflow.check_data(one)
        ]
        for check in (workflow.check_weights_of, workflow.check_trials_of):
            found += [problem for one in jobs for problem in check(one)]
        problems += found
        if not found:
            weights = job.recipe.initialise.from_ if job.recipe.initialise else ""
            absent = bool(weights) and job.upstream is None and not Path(weights).exists()
            others = [one.loaded.path.name for one in jobs[1:]]
            others += [f"{weights}, which is not here"] * absent
            names = " and ".join(others)
            say(f"{path}: good{f', needs {names}' if names else ''}")
        own = dict.fromkeys(code for one in jobs for code in workflow.own_code(one.recipe))
        for code in own:
            say(f"{path}: {code} is code of your own, which is imported and run")
        for warning in dict.fromkeys(map(workflow.rate_warning, (one.recipe for one in jobs))):
            if warning:
                warn(f"{path}: {warning}")
    raise_together(problems)


@recipe.command()
@RecipePath
@overrides
def show(recipe: Path, assignments: tuple[str, ...]) -> None:
    """Print RECIPE as YAML with every default and override written out."""
    from ecg_keras import workflow
    from ecg_keras.config import dump_recipe, parse_overrides

    say(dump_recipe(workflow.load(recipe, parse_overrides(assignments)).recipe), nl=False)
