"""`ecg-keras prepare`: a recipe's dataset, written."""

from __future__ import annotations

from pathlib import Path

import click

from ecg_keras.cli.options import RecipePath, beam_options, overrides


@click.command()
@RecipePath
@overrides
@click.option("--dry-run", is_flag=True, help="Print the plan and do nothing.")
@beam_options
def prepare(
    recipe: Path,
    assignments: tuple[str, ...],
    dry_run: bool,
    beam: tuple[str, ...] | None,
) -> None:
    """Write the TFRecord shards of RECIPE's dataset, and nothing more.

    With --beam, the options behind -- are Beam's own, such as --runner=FlinkRunner.
    """
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
    run = data.run_here if beam is None else data.run_on_beam(beam)
    with ConsoleWatcher(run) as watcher:
        workflow.run_plan(plan, watcher)
    # whoever sees the shards made has heard of losses already
    click.echo(data.describe(job.shards).table(losses="prepare" not in watcher.made))
    click.echo(f"shards  {job.shards}")
