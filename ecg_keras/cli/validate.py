"""`ecg-keras validate`: shards, checked against their schema and against other shards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ecg_keras.cli.options import ShardsPath, beam_options, check_page
from ecg_keras.text import plural, text_table

if TYPE_CHECKING:
    from ecg_keras.validation import Anomaly, DatasetComparison

HEADS = {
    "drift": "drift from {other}",
    "skew": "skew between training and serving, {other}",
}
COLUMNS = ("feature", "distance", "found", "allowed", "verdict", "here and there")


@click.command()
@ShardsPath
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    help="Another dataset from which this one should not drift, such as the upstream's.",
)
@click.option(
    "--serving",
    type=click.Path(path_type=Path),
    help="Shards of what the served model received, which should be like the training data.",
)
@click.option(
    "--page",
    type=click.Path(path_type=Path),
    callback=check_page,
    help="Write everything as a page of HTML, too.",
)
@beam_options
def validate(
    shards: Path,
    against: Path | None,
    serving: Path | None,
    page: Path | None,
    beam: tuple[str, ...] | None,
) -> None:
    """Check SHARDS with TensorFlow Data Validation; exit code 1 where something is off.

    With --beam the records are counted on Apache Beam; the options behind -- are Beam's own.
    """
    from ecg_keras import report, workflow
    from ecg_keras.cli.console import progress_bar
    from ecg_keras.data import describe_noted

    with progress_bar("count records") as moved:
        found = workflow.validate_shards(
            shards, against=against, serving=serving, beam=beam, on_progress=moved
        )
    _show_anomalies(found.anomalies)
    for line in describe_noted(found.noted, found.dataset.num_records):
        click.echo(line)
    for one in found.comparisons:
        _show_comparison(one)
    for remark in found.remarks:
        click.echo(f"! {remark}", err=True)
    count = len(found.anomalies)
    click.echo(f"{shards}: {plural(count, 'anomaly', 'anomalies') if count else 'no anomalies'}")
    if page is not None:
        click.echo(f"page  {report.validation_page(found, page)}")
    if count:
        raise SystemExit(1)


def _show_anomalies(anomalies: tuple[Anomaly, ...]) -> None:
    """A table on a terminal, elsewhere a line each."""
    from rich.console import Console

    if not Console().is_terminal:
        for one in anomalies:
            click.echo(one.line())
    elif anomalies:
        rows = [(one.split, one.feature, one.long) for one in anomalies]
        _draw("anomalies", ("split", "feature", "what is wrong"), rows)


def _show_comparison(comparison: DatasetComparison) -> None:
    from rich.console import Console

    rows = [
        (
            one.feature,
            one.measure,
            f"{one.value:.3f}",
            f"{one.allowed:.3f}",
            "differs" if one.differs else "alike",
            one.text,
        )
        for one in comparison.distances
    ]
    rows += [(name, "", "", "", "differs", text) for name, text in comparison.absent.items()]
    title = HEADS[comparison.kind].format(other=comparison.other)
    if Console().is_terminal:
        _draw(title, COLUMNS, rows)
        return
    click.echo(f"\n{title}\n{text_table(COLUMNS, rows, left=len(COLUMNS))}\n")


def _draw(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title), title_justify="left", title_style="bold", box=None)
    for name in columns:
        right = name in ("found", "allowed")
        table.add_column(name, justify="right" if right else "left", no_wrap=name == "feature")
    for row in rows:
        wrong = "differs" in row or "split" in columns
        table.add_row(*(escape(cell) for cell in row), style="yellow" if wrong else None)
    console = Console(highlight=False)
    console.print(table)
    console.print()
