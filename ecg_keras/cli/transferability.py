"""`ecg-keras transferability`: which checkpoint to start from, before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ecg_keras.transferability import Ranking

Target = click.option(
    "--target",
    required=True,
    type=click.Path(path_type=Path),
    help="The shards of the dataset that is to be learnt.",
)
Checkpoints = click.argument(
    "checkpoints", nargs=-1, required=True, type=click.Path(path_type=Path)
)


@click.command()
@Checkpoints
@Target
@click.option(
    "--records",
    type=click.IntRange(min=1),
    help="Look at a nested subset of so many training records only.",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
@click.option(
    "--json", "file", type=click.Path(path_type=Path), help="Also write the values to this file."
)
def transferability(
    checkpoints: tuple[Path, ...], target: Path, records: int | None, seed: int, file: Path | None
) -> None:
    """Rank CHECKPOINTS (run folders or .keras files) for a target, in one forward pass each.

    Only the target's training split is read.
    """
    from ecg_keras.cli.console import progress_bar
    from ecg_keras.files import write_json
    from ecg_keras.training import describe_known
    from ecg_keras.transferability import rank_checkpoints

    with progress_bar("read the target") as progressed:
        ranking = rank_checkpoints(
            checkpoints, target, train_records=records, seed=seed, on_progress=progressed
        )
    if file is not None:
        write_json(file, ranking.as_json())
    click.echo(
        f"{ranking.target}: {ranking.records} training records of {ranking.patients} patients, "
        f"{len(ranking.labels)} labels"
    )
    if ranking.left_out:
        click.echo(
            f"left out, with or without which there are fewer than two patients: "
            f"{', '.join(ranking.left_out)}"
        )
    click.echo()
    click.echo(ranking_table(ranking))
    click.echo()
    click.echo(ranking.sentence())
    for checkpoint in checkpoints:
        known = describe_known(checkpoint, target, "test")
        if known is not None:
            click.echo(f"! {known.sentence}")
    click.echo(
        "No such metric is reliable on its own (docs/transferability.md). Short pilot runs tell "
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
