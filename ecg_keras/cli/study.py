"""`ecg-keras study`: a grid of runs, and the page that says what they show together."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from ecg_keras.cli.options import overrides
from ecg_keras.errors import ConfigError

if TYPE_CHECKING:
    from ecg_keras.study import Cell, Snapshot, StudyPlan

# failures that are told at the end
SHOWN = 10
OF_RUNS = ("workers", "shard", "ray", "gpus_per_cell", "cpus_per_cell")


@click.command()
@click.argument("recipe", metavar="RECIPE|FOLDER", type=click.Path(path_type=Path))
@overrides
@click.option(
    "--workers", type=int, default=1, show_default=True, help="Local processes that run cells."
)
@click.option(
    "--shard", metavar="I/N", help="Run every N-th cell from the I-th on, such as 1/8: see docs."
)
@click.option("--ray", metavar="ADDRESS", help="Run on this Ray cluster; local starts one here.")
@click.option(
    "--gpus-per-cell", type=float, default=0.0, show_default=True, help="What a cell asks of Ray."
)
@click.option(
    "--cpus-per-cell", type=float, default=1.0, show_default=True, help="What a cell asks of Ray."
)
@click.option("--dry-run", is_flag=True, help="List the cells, estimate time and disk, and stop.")
def study(
    recipe: Path,
    assignments: tuple[str, ...],
    workers: int,
    shard: str | None,
    ray: str | None,
    gpus_per_cell: float,
    cpus_per_cell: float,
    dry_run: bool,
) -> None:
    """Run the grid of RECIPE and write the page that answers its question.

    Finished cells are kept and failed ones tried again, so the same command resumes where it
    stopped.

    Of a FOLDER with predictions made elsewhere, it writes the page without a run: see
    docs/predictions-from-elsewhere.md.
    """
    if recipe.is_dir():
        from ecg_keras.cli.study_files import study_files
        from ecg_keras.config import parse_overrides

        refuse_given(OF_RUNS)
        study_files(recipe, parse_overrides(assignments), dry_run=dry_run)
        return
    from ecg_keras.cli.study_view import StudyView
    from ecg_keras.config import load_study, parse_overrides
    from ecg_keras.study import list_cells, run_study

    plan = list_cells(load_study(recipe, parse_overrides(assignments)))
    part = None if shard is None else parse_shard(shard)
    if dry_run:
        show_cells(plan)
        show_costs(plan, workers)
        return
    with StudyView(plan) as view:
        last = run_study(
            plan,
            workers=workers,
            shard=part,
            ray=ray,
            gpus_per_cell=gpus_per_cell,
            cpus_per_cell=cpus_per_cell,
            on_tick=view.update,
        )
    show_end(plan, last)
    if last.is_over and any(last.states[name] == "done" for name in plan.points.values()):
        write_page(plan)
    if last.failures:
        raise SystemExit(1)


def refuse_given(names: tuple[str, ...]) -> None:
    """Refuses options that only a grid of runs has.

    Raises:
        UsageError: one of them was typed.
    """
    context = click.get_current_context()
    for name in names:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(
                f"--{name.replace('_', '-')} needs a study recipe: a folder of predictions has "
                "nothing to run."
            )


def parse_shard(text: str) -> tuple[int, int]:
    """``"2/8"`` to ``(2, 8)``.

    Raises:
        ConfigError: it is no such pair.
    """
    number, _, shards = text.partition("/")
    if not (number.isdecimal() and shards.isdecimal() and 1 <= int(number) <= int(shards)):
        raise ConfigError(
            f"--shard is I/N with I from 1 to N, such as 1/8 for the first of eight. "
            f"Received: {text}."
        )
    return int(number), int(shards)


def show_cells(plan: StudyPlan) -> None:
    """Prints every cell with its state, group by group, and how many there are of each."""
    from ecg_keras.study import snapshot

    now = snapshot(plan)
    groups: dict[str, list[Cell]] = {}
    for cell in plan.cells:
        groups.setdefault(_group(cell), []).append(cell)
    for title, cells in groups.items():
        click.echo(f"{len(cells)} {title}")
        for cell in cells:
            click.echo(f"  {now.states[cell.name]:<8} {cell.name}")
    click.echo()
    click.echo(", ".join(f"{len(cells)} {title}" for title, cells in groups.items()))
    click.echo(_count(now))
    for reason, number in Counter(reason for _, reason in now.blocked).items():
        click.echo(f"{number} blocked: {reason}")


def show_costs(plan: StudyPlan, workers: int) -> None:
    """Prints the time and the disk that the study needs, measured on this machine."""
    from ecg_keras.cli.console import progress_bar
    from ecg_keras.study import cost_table, estimate

    with progress_bar("estimate") as move:
        costs = estimate(plan, on_progress=lambda what, done, total: move(done, total))
    click.echo()
    click.echo(cost_table(costs, workers))


def show_end(plan: StudyPlan, last: Snapshot) -> None:
    """Prints how the runs ended, what failed, and what is still to come."""
    click.echo(_count(last))
    for name, error in last.failures[:SHOWN]:
        click.echo(f"failed  {name}: {error}")
    if len(last.failures) > SHOWN:
        click.echo(f"... and {len(last.failures) - SHOWN} more")
    if last.failures:
        click.echo(
            f"{plan.folder}/runs/CELL/failed.json tells where each failed, cell.log what it "
            "printed. The same command tries them again."
        )
    for reason, number in Counter(reason for _, reason in last.blocked).items():
        click.echo(f"{number} blocked: {reason}")
    if not last.is_over:
        click.echo("Other shards still run. The one that ends last writes the page.")


def write_page(plan: StudyPlan) -> None:
    """Gathers what the finished cells say, writes the page and prints the answer."""
    from ecg_keras import report
    from ecg_keras.cli.console import progress_bar
    from ecg_keras.study import gather

    with progress_bar("gather") as move:
        result = gather(plan, on_progress=move)
    page = report.write_study(result, plan.folder)
    click.echo()
    click.echo(result.table())
    click.echo()
    click.echo(f"report  {page}")


def _group(cell: Cell) -> str:
    if cell.arm is None:
        return "pre-trainings"
    return cell.arm.mode + (" on fewer training records" if cell.arm.size else "")


def _count(now: Snapshot) -> str:
    return ", ".join(f"{number} {state}" for state, number in now.counts.items() if number)
