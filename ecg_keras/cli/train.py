"""`ecg-keras train`: everything a recipe asks for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ecg_keras.cli.options import RecipePath, overrides

if TYPE_CHECKING:
    from ecg_keras.workflow import Job


@click.command()
@RecipePath
@overrides
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    help="Train so often with other seeds and judge over all; evaluation.seeds by default.",
)
@click.option("--dry-run", is_flag=True, help="Print the plan and do nothing.")
def train(recipe: Path, assignments: tuple[str, ...], seeds: int | None, dry_run: bool) -> None:
    """Make what RECIPE needs, train it, score it and write its report.

    Products that are there and fresh are reused; a run that was stopped resumes.
    """
    from ecg_keras import workflow
    from ecg_keras.cli.console import ConsoleWatcher, progress_bar, show_plan
    from ecg_keras.config import parse_overrides
    from ecg_keras.errors import raise_together

    jobs = workflow.list_seed_jobs(recipe, parse_overrides(assignments), seeds)
    plans = [workflow.make_plan(job) for job in jobs]
    notes = workflow.overrides_left_out(jobs[0].loaded)
    if dry_run:
        with progress_bar("look at what is there"):
            raise_together([e for plan in plans for e in workflow.find_problems(plan, tables=True)])
        show_plan([step for plan in plans for step in plan])
        for note in notes:
            click.echo(f"! {note}", err=True)
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
        click.echo(f"\n{found.table()}")
    _show_places(jobs[0])


def _show_run(job: Job) -> None:
    """How it was tuned, its scores, and how it compares with its baseline."""
    from ecg_keras import evaluation, training

    for one in (job, job.baseline):
        if one is not None and (tuned := training.read_tuned(one.run)) is not None:
            click.echo(f"\n{one.run.name}: {evaluation.tuning_table(tuned)}")
    click.echo()
    if job.run.scores.is_file():
        click.echo(evaluation.Scores.load_json(job.run.scores).table())
    if job.baseline is not None and job.run.comparison.is_file():
        click.echo()
        click.echo(evaluation.Comparison.load_json(job.run.comparison).table())


def _show_places(job: Job) -> None:
    click.echo()
    click.echo(f"model   {job.run.model}")
    if job.recipe.export:
        click.echo(f"serving {job.run.saved_model}")
    click.echo(f"report  {job.run.report}")
