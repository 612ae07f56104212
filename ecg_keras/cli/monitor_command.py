"""`ecg-keras monitor`: what a network in service receives and says, against how it was made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ecg_keras.cli.options import PATH, RunPath, json_option, page_option
from ecg_keras.cli.saying import say, warn


@click.command()
@RunPath
@click.argument("received", nargs=-1, required=True, type=PATH)
@click.option(
    "--labels",
    type=PATH,
    help="The truth: a table with record_id and a 0/1 column of each label, or shards.",
)
@click.option(
    "--time",
    default="time",
    show_default=True,
    metavar="COLUMN",
    help="Dates, in the answers or in the table of labels: each period is compared, too.",
)
@click.option(
    "--by",
    default="month",
    show_default=True,
    type=click.Choice(["year", "quarter", "month", "week", "day"]),
    help="The length of a period.",
)
@click.option("--shards", type=PATH, help="The run's shards, where they have been moved.")
@page_option("comparison")
@json_option("comparison")
def monitor(
    run: Path,
    received: tuple[Path, ...],
    page: Path | None,
    json_file: Path | None,
    **options: Any,
) -> None:
    """Compare what RUN receives and says in service with its training and validation.

    RECEIVED are files that `ecg-keras predict --out` wrote, or folders of shards. Exit code 1 where
    something differs by more than chance and tolerance allow, 2 where they can't be compared.
    """
    from ecg_keras import monitoring
    from ecg_keras.cli.progress import progress_bar
    from ecg_keras.json_files import write_json

    with progress_bar("predict") as moved:
        found = monitoring.monitor(run, received, on_progress=moved, **options)
    say(found.table())
    for remark in found.remarks:
        warn(remark)
    if json_file is not None:
        write_json(json_file, found.as_json())
    if page is not None:
        from ecg_keras.report import monitoring_page

        say(f"\npage  {monitoring_page(found, page)}")
    say(f"\n{found.summary}")
    if found.alarms:
        raise SystemExit(1)
