"""`ecg-keras transferability` and `advise`: which checkpoint to start from, and how."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ecg_keras.cli.options import PATH, Checkpoints, Seed, Target, json_option, refuse_given
from ecg_keras.cli.saying import say

if TYPE_CHECKING:
    from ecg_keras.transferability import Ranking


@click.command()
@Checkpoints
@Target
@click.option(
    "--records",
    default=20_000,
    show_default=True,
    type=click.IntRange(min=1),
    help="Look at a nested subset of this many training records only, where there are more.",
)
@Seed
@json_option("ranking")
def transferability(
    checkpoints: tuple[Path, ...],
    target: Path,
    records: int,
    seed: int,
    json_file: Path | None,
) -> None:
    """Rank CHECKPOINTS (run folders or .keras files) for a target, in one forward pass each.

    Only the target's training split is read.
    """
    from ecg_keras.cli.progress import progress_bar
    from ecg_keras.data import describe
    from ecg_keras.json_files import write_json
    from ecg_keras.training import describe_known
    from ecg_keras.transferability import rank_checkpoints

    with progress_bar("read the target") as progressed:
        ranking = rank_checkpoints(
            checkpoints, target, train_records=records, seed=seed, on_progress=progressed
        )
    if json_file is not None:
        write_json(json_file, ranking.as_json())
    is_part = ranking.records < describe(target).splits["train"].records
    say(
        f"{ranking.target}: {ranking.records} training records of {ranking.patients} patients, "
        f"{len(ranking.labels)} labels{' (a nested subset: --records)' if is_part else ''}"
    )
    if ranking.left_out:
        say(
            f"left out, with or without which there are fewer than two patients: "
            f"{', '.join(ranking.left_out)}"
        )
    say(f"\n{ranking_table(ranking)}")
    say(f"\n{ranking.sentence()}")
    for checkpoint in checkpoints:
        known = describe_known(checkpoint, target, "test")
        if known is not None:
            say(f"! {known.sentence}")
    say(
        "No such metric is reliable on its own (docs/transferability.md). Short pilot runs say "
        "more: ecg-keras advise."
    )


def ranking_table(ranking: Ranking) -> str:
    """Checkpoints, the most promising first: each metric's value, with its rank in brackets."""
    from ecg_keras.text import text_table
    from ecg_keras.transferability import ORIENTATION, TITLES

    several = len(ranking.checkpoints) > 1
    arrows = {"higher": "\N{UPWARDS ARROW}", "lower": "\N{DOWNWARDS ARROW}"}
    header = ["checkpoint", *(f"{TITLES[m]} {arrows[ORIENTATION[m]]}" for m in ranking.values)]
    ranks = {metric: ranking.ranks(metric) for metric in ranking.values}
    rows = []
    for row in ranking.order():
        cells = [ranking.checkpoints[row]]
        for metric, values in ranking.values.items():
            value, rank = values[row], ranks[metric][row]
            known = value is not None and rank is not None
            cells.append((f"{value:.3f}" + f" ({rank:g})" * several) if known else "-")
        rows.append(cells)
    return text_table(header, rows)


@click.command()
@Checkpoints
@Target
@click.option("--out", type=PATH, help="Write the recipe to this file.")
@click.option("--raw", type=PATH, help="The target's recordings, for the recipe.")
@click.option(
    "--pilot-minutes",
    default=10.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Time for the pilot runs.",
)
@click.option(
    "--seeds", default=3, show_default=True, type=click.IntRange(min=2), help="Of each pilot run."
)
@click.option(
    "--tune", is_flag=True, help="Try each way, scratch too, with four learning rates first."
)
@click.option(
    "--margin",
    default=0.02,
    show_default=True,
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Differences in macro AUROC below this do not matter.",
)
@click.option(
    "--folder",
    default="runs/advise",
    show_default=True,
    type=PATH,
    help="Where the pilot runs are kept.",
)
@click.option(
    "--own-code",
    multiple=True,
    metavar="NAME",
    help="A backbone or source of your own that CHECKPOINTS or the target name: it is imported and "
    "run. Repeatable.",
)
def advise(
    checkpoints: tuple[Path, ...],
    target: Path,
    out: Path | None,
    raw: Path | None,
    pilot_minutes: float,
    tune: bool,
    **options: Any,
) -> None:
    """Say which of CHECKPOINTS to start from for a target, how, and whether it is worth it.

    Reads the target's training and validation splits. The same command resumes where it stopped.
    """
    from ecg_keras.advise import advise as find_advice, write_recipe
    from ecg_keras.config import Tune
    from ecg_keras.errors import ConfigError, DataError

    if out is None:
        refuse_given(("raw",), "is written into the recipe of --out, which is not given")
    elif raw is None:
        raise ConfigError(
            "--out needs --raw FOLDER, the target's recordings: shards do not say where they are."
        )
    if raw is not None and not raw.is_dir():
        raise DataError(f"--raw: there is no folder {raw}.")
    with _bars() as show:
        advice = find_advice(
            checkpoints,
            target,
            minutes=pilot_minutes,
            tune=Tune() if tune else None,
            on_progress=show,
            **options,
        )
    say(advice.facts())
    say(f"\n{ranking_table(advice.ranking)}")
    say(advice.ranking.sentence())
    if advice.ranking.records < advice.dataset.splits["train"].records:
        say(f"Of the training records, a nested subset of {advice.ranking.records} was looked at.")
    say()
    say(
        f"pilots: {advice.size.records} records, {advice.size.epochs} epochs, {options['seeds']} "
        "seeds each"
    )
    say(advice.table())
    say()
    for sentence in advice.sentences():
        say(sentence)
    if out is not None and raw is not None:
        say(f"recipe  {write_recipe(advice, out, raw)}")


@contextmanager
def _bars() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each kind of work; without a terminal, a line for each pilot run that ends."""
    from rich.console import Console
    from rich.progress import TaskID

    from ecg_keras.cli.progress import make_progress

    console = Console(stderr=True, highlight=False)
    with make_progress(console) as bars:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=None, note="")
            bars.update(tasks[what], completed=done, total=total)
            if what == "pilot runs" and done and not console.is_terminal:
                console.print(f"pilot run {done} of {total} is over")

        yield show
