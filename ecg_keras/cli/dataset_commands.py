"""`ecg-keras prepare`, `validate`, `describe` and `simulate`: datasets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ecg_keras.cli.options import (
    PATH,
    RecipePath,
    Seed,
    ShardsPath,
    beam_options,
    file_option,
    overrides,
)
from ecg_keras.cli.saying import safe, say, warn
from ecg_keras.text import plural, text_table

if TYPE_CHECKING:
    from ecg_keras.validation import Anomaly, DatasetComparison

HEADS = {
    "drift": "drift from {other}",
    "skew": "skew between training and serving, {other}",
}
COLUMNS = ("feature", "distance", "found", "allowed", "verdict", "here and there")


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
    say(data.describe(job.shards).table(losses="prepare" not in watcher.made))
    say(f"shards  {job.shards}")


@click.command()
@ShardsPath
@click.option(
    "--against",
    type=PATH,
    help="Another dataset from which this one should not drift, such as the upstream's.",
)
@click.option(
    "--serving",
    type=PATH,
    help="Shards of what the served model received, which should be like the training data.",
)
@file_option("--page", ".html", "page", "Write everything as a page of HTML, too.")
@beam_options
def validate(
    shards: Path,
    page: Path | None,
    **options: Any,
) -> None:
    """Check SHARDS with TensorFlow Data Validation.

    Exit code 1 where something is off, 2 where they can't be checked. With --beam the records are
    counted on Apache Beam; the options behind -- are Beam's own.
    """
    from ecg_keras import report, workflow
    from ecg_keras.cli.progress import progress_bar
    from ecg_keras.data import describe_noted

    with progress_bar("count records") as moved:
        found = workflow.validate_shards(shards, on_progress=moved, **options)
    _show_anomalies(found.anomalies)
    for line in describe_noted(found.noted, found.dataset.num_records):
        say(line)
    for one in found.comparisons:
        _show_comparison(one)
    for remark in found.remarks:
        warn(remark)
    count = len(found.anomalies)
    say(f"{shards}: {plural(count, 'anomaly', 'anomalies') if count else 'no anomalies'}")
    if page is not None:
        say(f"page  {report.validation_page(found, page)}")
    if count:
        raise SystemExit(1)


def _show_anomalies(anomalies: tuple[Anomaly, ...]) -> None:
    """A table on a terminal, elsewhere a line each."""
    from rich.console import Console

    if not Console().is_terminal:
        for one in anomalies:
            say(one.line())
    elif anomalies:
        rows = [(one.split, one.feature, one.long) for one in anomalies]
        _draw("anomalies", ("split", "feature", "what is wrong"), rows)


def _show_comparison(comparison: DatasetComparison) -> None:
    from rich.console import Console

    rows: list[tuple[str, ...]] = [
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
    say(f"\n{title}\n{text_table(COLUMNS, rows, left=len(COLUMNS))}\n")


def _draw(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=safe(title), title_justify="left", title_style="bold", box=None)
    for name in columns:
        right = name in ("found", "allowed")
        table.add_column(name, justify="right" if right else "left", no_wrap=name == "feature")
    for row in rows:
        wrong = "differs" in row or "split" in columns
        table.add_row(*(safe(cell) for cell in row), style="yellow" if wrong else None)
    console = Console(highlight=False)
    console.print(table)
    console.print()


@click.command()
@click.argument("shards", required=False, type=PATH)
@click.option("--verify", is_flag=True, help="Compare every shard with its checksum.")
@click.option(
    "--against",
    type=PATH,
    help="List the recordings and patients that this other dataset has, too.",
)
@click.option("--sources", is_flag=True, help="List the databases that can be read.")
@click.option("--backbones", is_flag=True, help="List the networks that can be trained.")
def describe(
    shards: Path | None, verify: bool, against: Path | None, sources: bool, backbones: bool
) -> None:
    """Show what SHARDS hold, or which sources and backbones there are."""
    if (verify or against is not None) and shards is None:
        raise click.UsageError(f"{'--verify' if verify else '--against'} needs a folder of shards")
    if shards is None and not sources and not backbones:
        raise click.UsageError("name a folder of shards, or give --sources or --backbones")
    if shards is not None:
        _describe_shards(shards, verify=verify, against=against)
    if sources:
        _list_label_sets()
    if backbones:
        _list_backbones()


def _describe_shards(shards: Path, *, verify: bool, against: Path | None) -> None:
    from ecg_keras import data
    from ecg_keras.cli.progress import MB, progress_bar
    from ecg_keras.data import quality_table

    if verify:
        with progress_bar("verify, MB") as moved:
            dataset = data.describe(
                shards, verify=True, on_progress=lambda done, total: moved(done // MB, total // MB)
            )
    else:
        dataset = data.describe(shards)
    say(f"{dataset.table()}\n\n{quality_table(dataset.quality, dataset.leads)}")
    if verify:
        say("each shard has the bytes that were written")
    if against is not None:
        say(f"\n{data.describe_shared(shards, against).table()}")


def _list_label_sets() -> None:
    from ecg_keras.sources import FOLDER, SOURCES, find_source

    for name in SOURCES:
        if name == FOLDER:
            say(f"{name:16} {'labels':18} those of your own table")
            continue
        for label_set, labels in find_source(name).LABEL_SETS.items():
            shown = ", ".join(labels[:6]) + (", ..." if len(labels) > 6 else "")
            say(f"{name:16} {label_set:18} {len(labels):3} labels: {shown}")


def _list_backbones() -> None:
    from ecg_keras.models import ZOO
    from ecg_keras.text import text_table

    header = ("network", "family", "head as published", "rate", "stages, for train_from")
    rows = (
        (
            row.name,
            row.family,
            row.as_published,
            "" if row.highest_rate is None else f"{row.highest_rate:g}",
            " ".join(row.stages),
        )
        for row in ZOO
    )
    say(text_table(header, rows, left=len(header)))


@click.command()
@click.argument("folder", type=PATH)
@click.option("--hospital", default="lakeside", show_default=True, help="Whose ECGs to imitate.")
@click.option("--records", default=1000, show_default=True, type=click.IntRange(min=10))
@Seed
def simulate(folder: Path, hospital: str, records: int, seed: int) -> None:
    """Write RECORDS simulated 12-lead ECGs into FOLDER, in the layout of a real database."""
    from ecg_keras import simulate as simulator
    from ecg_keras.cli.progress import progress_bar

    with progress_bar("simulate") as progressed:
        simulator.simulate(
            folder, hospital=hospital, records=records, seed=seed, on_progress=progressed
        )
    say(f"{folder}: {records} recordings of {hospital}")
