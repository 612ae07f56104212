"""`ecg-keras prepare`: a recipe's dataset, written."""

from __future__ import annotations

from pathlib import Path

import click

from ecg_keras.cli.options import RecipePath, overrides


@click.command()
@RecipePath
@overrides
@click.option("--dry-run", is_flag=True, help="Print the plan and do nothing.")
@click.option("--beam", is_flag=True, help="Make the shards with Apache Beam.")
@click.argument("beam_options", nargs=-1, type=click.UNPROCESSED, metavar="[-- BEAM_OPTIONS]")
def prepare(
    recipe: Path,
    assignments: tuple[str, ...],
    dry_run: bool,
    beam: bool,
    beam_options: tuple[str, ...],
) -> None:
    """Write the TFRecord shards of RECIPE's dataset, and nothing more.

    With --beam, the options behind -- are Beam's own, such as --runner=FlinkRunner.
    """
    if beam_options and not beam:
        raise click.UsageError(f"{' '.join(beam_options)}: options of Beam need --beam before --")
    from ecg_keras import data, workflow
    from ecg_keras.cli.console import ConsoleWatcher, show_plan
    from ecg_keras.config import parse_overrides

    job = workflow.make_job(workflow.load(recipe, parse_overrides(assignments)))
    plan = [
        step
        for step in workflow.make_plan(job)
        if step.job is job and step.action in ("simulate", "prepare")
    ]
    if dry_run:
        show_plan(plan)
        return
    run = data.run_on_beam(beam_options) if beam else data.run_here
    with ConsoleWatcher(run) as watcher:
        workflow.run_plan(plan, watcher)
    click.echo(data.describe(job.shards).table())
    click.echo(f"shards  {job.shards}")
