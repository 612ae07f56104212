"""`ecg-keras study`: a grid of runs, and the page that says what they show together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ecg_keras.cli.options import PATH, overrides, refuse_given
from ecg_keras.cli.saying import say, warn
from ecg_keras.errors import ConfigError

if TYPE_CHECKING:
    from ecg_keras.study import Cell, Snapshot, StudyPlan

# failures that are listed at the end
SHOWN = 10
OF_RUNS = ("workers", "shard", "ray", "gpus_per_cell", "cpus_per_cell")


@click.command()
@click.argument("recipe", metavar="RECIPE|FOLDER", type=PATH)
@overrides
@click.option(
    "--workers", type=int, default=1, show_default=True, help="Local processes that run cells."
)
@click.option(
    "--shard", metavar="I/N", help="Run the I-th of N parts of the cells, such as 1/8: see docs."
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
    dry_run: bool,
    **options: Any,
) -> None:
    """Run the grid of RECIPE and write the page that answers its question.

    Finished cells are kept and failed ones tried again, so the same command resumes where it
    stopped.

    Of a FOLDER with predictions made elsewhere, it writes the page without a run: see
    docs/predictions-from-elsewhere.md.
    """
    if recipe.is_dir():
        from ecg_keras.config import parse_overrides

        refuse_given(OF_RUNS, "needs a study recipe: a folder of predictions has nothing to run")
        _write_page_of_files(recipe, parse_overrides(assignments), dry_run=dry_run)
        return
    from ecg_keras.cli.console import show_costs
    from ecg_keras.cli.study_progress import StudyProgress
    from ecg_keras.config import load_study, parse_overrides
    from ecg_keras.study import estimate, list_cells, run_study

    plan = list_cells(load_study(recipe, parse_overrides(assignments)))
    if options["ray"] is not None:
        refuse_given(("workers",), "is of local processes, and --ray runs cells on its cluster")
    part = None if shard is None else _parse_shard(shard)
    _warn_of_rates(plan)
    for warning in dict.fromkeys(plan.dependent_seeds.values()):
        warn(warning)
    if dry_run:
        refuse_given(("shard", "ray"), "is of a study that runs: --dry-run lists all of it")
        _show_cells(plan)
        show_costs(partial(estimate, plan), workers)
        return
    with StudyProgress(plan) as view:
        last = run_study(plan, workers=workers, shard=part, on_tick=view.update, **options)
    _show_end(plan, last)
    if last.is_over and any(last.states[name] == "done" for name in plan.points.values()):
        _write_page(plan)
    if last.failures:
        raise SystemExit(1)


def _parse_shard(text: str) -> tuple[int, int]:
    """``"2/8"`` to ``(2, 8)``."""
    number, _, shards = text.partition("/")
    if not (number.isdecimal() and shards.isdecimal() and 1 <= int(number) <= int(shards)):
        raise ConfigError(
            f"--shard is I/N with I from 1 to N, such as 1/8 for the first of eight. "
            f"Received: {text}."
        )
    return int(number), int(shards)


def _warn_of_rates(plan: StudyPlan) -> None:
    """Prints which networks are trained at a rate that they are not known to take, each once."""
    from ecg_keras.workflow import rate_warning

    trained = (cell.recipe for cell in plan.cells if cell.kind != "candidate" and not cell.problem)
    for warning in dict.fromkeys(map(rate_warning, trained)):
        if warning:
            warn(warning)


def _show_cells(plan: StudyPlan) -> None:
    """Prints every cell with its state, group by group, and how many there are of each."""
    from ecg_keras.cli.study_progress import count_states
    from ecg_keras.study import snapshot

    now = snapshot(plan)
    groups: dict[str, list[Cell]] = {}
    for cell in plan.cells:
        groups.setdefault(_group(cell), []).append(cell)
    for title, cells in groups.items():
        say(f"{len(cells)} {title}")
        for cell in cells:
            say(f"  {now.states[cell.name]:<8} {cell.name}")
    say()
    say(", ".join(f"{len(cells)} {title}" for title, cells in groups.items()))
    say(count_states(now).plain)
    _show_blocked(now)


def _show_end(plan: StudyPlan, last: Snapshot) -> None:
    """Prints how the runs ended, what failed, and what is still to come."""
    from ecg_keras.cli.study_progress import count_states

    say(count_states(last).plain)
    for name, error in last.failures[:SHOWN]:
        say(f"failed  {name}: {error}")
    if len(last.failures) > SHOWN:
        say(f"... and {len(last.failures) - SHOWN} more")
    if last.failures:
        say(
            f"{plan.folder}/runs/CELL/failed.json says where each failed, cell.log what it "
            "printed. The same command tries them again."
        )
    _show_blocked(last)
    if not last.is_over:
        say("Other shards still run. The one that ends last writes the page.")


def _write_page(plan: StudyPlan) -> None:
    """Gathers what the finished cells say, writes the page and prints the answer."""
    from ecg_keras import report
    from ecg_keras.cli.progress import progress_bar
    from ecg_keras.study import gather

    with progress_bar("gather") as move:
        result = gather(plan, on_progress=move)
    page = report.write_study(result, plan.folder)
    say(f"\n{result.table()}")
    say(f"\nreport  {page}")


def _group(cell: Cell) -> str:
    if cell.arm is None:
        return "pre-trainings"
    return cell.arm.mode + (" on fewer training records" if cell.arm.size else "")


def _show_blocked(now: Snapshot) -> None:
    for reason, number in Counter(reason for _, reason in now.blocked).items():
        say(f"{number} blocked: {reason}")


def _write_page_of_files(folder: Path, overrides: Mapping[str, Any], *, dry_run: bool) -> None:
    """Writes the page of a folder of predictions and prints the answer."""
    from ecg_keras.config import load_file_study
    from ecg_keras.study import list_networks

    settings = load_file_study(folder, overrides)
    target = _place_of_page(folder, settings.folder)
    if dry_run:
        say(_networks_table(list_networks(folder)))
        return
    from ecg_keras import report
    from ecg_keras.cli.progress import progress_bar
    from ecg_keras.study import gather_files

    with progress_bar("score") as move:
        result = gather_files(folder, settings, on_progress=move)
    page = report.write_study(result, target)
    say(result.table())
    say(f"\nreport  {page}")


def _place_of_page(folder: Path, given: Path | None) -> Path:
    """Where the page goes: ``runs/`` and the folder's name, or what is given."""
    target = given or Path("runs") / folder.resolve().name
    if target.resolve().is_relative_to(folder.resolve()):
        raise ConfigError(
            f"{target}: the page must be outside {folder}, where only predictions are. Name "
            "another place with --set folder=FOLDER."
        )
    if (target / "runs").is_dir():
        raise ConfigError(
            f"{target}: holds the runs and the page of another study. Name another place with "
            "--set folder=FOLDER."
        )
    return target


def _networks_table(networks: Collection[Any]) -> str:
    """The arms that files are of, with the seeds and folds of each."""
    from ecg_keras.text import text_table

    arms: dict[Any, list[Any]] = {}
    for one in networks:
        arms.setdefault(one.arm, []).append(one)
    rows = []
    for name, own in arms.items():
        seeds, folds = {one.seed for one in own}, {one.fold for one in own}
        counts = len(seeds), len(folds), len(own), sum(one.valid is not None for one in own)
        rows.append([str(name), *map(str, counts)])
    return text_table(["", "seeds", "folds", "files", "with validation"], rows)
