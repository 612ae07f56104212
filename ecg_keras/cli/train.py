"""`ecg-keras train`: everything a recipe asks for."""

from __future__ import annotations

from pathlib import Path

import click

from ecg_keras.cli.options import RecipePath, overrides


@click.command()
@RecipePath
@overrides
@click.option("--dry-run", is_flag=True, help="Print the plan and do nothing.")
def train(recipe: Path, assignments: tuple[str, ...], dry_run: bool) -> None:
    """Make what RECIPE needs, train it, score it and write its report.

    Products that are there and fresh are reused; a run that was stopped goes on.
    """
    from ecg_keras import evaluation, training, workflow
    from ecg_keras.cli.console import ConsoleWatcher, progress_bar, show_plan
    from ecg_keras.config import parse_overrides
    from ecg_keras.errors import raise_together

    job = workflow.make_job(workflow.load(recipe, parse_overrides(assignments)))
    plan = workflow.make_plan(job)
    notes = workflow.overrides_left_out(job.loaded)
    if dry_run:
        with progress_bar("look at what is there"):
            raise_together(workflow.find_problems(plan, tables=True))
        show_plan(plan)
        for note in notes:
            click.echo(f"! {note}", err=True)
        return
    with ConsoleWatcher() as watcher:
        for note in notes:
            watcher.warned(note)
        workflow.run_plan(plan, watcher)
    for one in (job, job.baseline):
        if one is not None and (tuned := training.read_tuned(one.run)) is not None:
            click.echo(f"\n{one.run.name}: {evaluation.tuning_table(tuned)}")
    click.echo()
    if job.run.scores.is_file():
        click.echo(evaluation.Scores.load_json(job.run.scores).table())
    if job.baseline is not None and job.run.comparison.is_file():
        click.echo()
        click.echo(evaluation.Comparison.load_json(job.run.comparison).table())
    else:
        for sentence in evaluation.diagnose_run(job.run.folder):
            click.echo(f"! {sentence}")
    click.echo()
    click.echo(f"model   {job.run.model}")
    if job.recipe.export:
        click.echo(f"serving {job.run.saved_model}")
    click.echo(f"report  {job.run.report}")
