"""`ecg-keras advise`: which checkpoint, which mode and which head, from short pilot runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from ecg_keras.cli.transferability import Checkpoints, Target, ranking_table


@click.command()
@Checkpoints
@Target
@click.option("--out", type=click.Path(path_type=Path), help="Write the recipe to this file.")
@click.option(
    "--raw", type=click.Path(path_type=Path), help="The target's recordings, for the recipe."
)
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
    type=click.Path(path_type=Path),
    help="Where the pilot runs are kept.",
)
def advise(
    checkpoints: tuple[Path, ...],
    target: Path,
    out: Path | None,
    raw: Path | None,
    pilot_minutes: float,
    seeds: int,
    tune: bool,
    margin: float,
    folder: Path,
) -> None:
    """Say which of CHECKPOINTS to start from for a target, how, and whether it is worth it.

    Reads the target's training and validation splits. The same command goes on where it stopped.
    """
    from ecg_keras.advise import advise as find_advice, write_recipe
    from ecg_keras.config import Tune
    from ecg_keras.errors import ConfigError, DataError

    if out is not None and raw is None:
        raise ConfigError(
            "--out needs --raw FOLDER, the target's recordings: shards do not tell where they lie."
        )
    if raw is not None and not raw.is_dir():
        raise DataError(f"--raw: there is no folder {raw}.")
    with _bars() as tell:
        advice = find_advice(
            checkpoints,
            target,
            minutes=pilot_minutes,
            seeds=seeds,
            tune=Tune() if tune else None,
            margin=margin,
            folder=folder,
            on_progress=tell,
        )
    click.echo(advice.facts())
    click.echo()
    click.echo(ranking_table(advice.ranking))
    click.echo(advice.ranking.sentence())
    click.echo()
    click.echo(
        f"pilots: {advice.size.records} records, {advice.size.epochs} epochs, {seeds} seeds each"
    )
    click.echo(advice.table())
    click.echo()
    for sentence in advice.sentences():
        click.echo(sentence)
    if out is not None:
        click.echo(f"recipe  {write_recipe(advice, out, raw)}")


@contextmanager
def _bars() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each kind of work; without a terminal, a line for each pilot run that ends."""
    from rich.console import Console
    from rich.progress import TaskID

    from ecg_keras.cli.console import make_progress

    console = Console(stderr=True, highlight=False)
    with make_progress(console) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=None, note="")
            bars.update(tasks[what], completed=done, total=total)
            if what == "pilot runs" and done and not console.is_terminal:
                console.print(f"pilot run {done} of {total} is over")

        yield tell
