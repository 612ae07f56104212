"""`ecg-keras predict` and `embed`: a trained network asked about recordings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ecg_keras.cli.asking_options import asking_options
from ecg_keras.cli.options import PATH, PageEcgs, page_option
from ecg_keras.cli.saying import say, warn
from ecg_keras.errors import MAX_PROBLEMS, printable
from ecg_keras.text import text_table

if TYPE_CHECKING:
    from ecg_keras.prediction import Answer, Answers, TrainedNetwork

# of the table on the terminal
SHOWN_ROWS, SHOWN_LABELS = 40, 8


def _place(context: click.Context, option: click.Parameter, value: str) -> str | Path:
    """A path, or the URL of a model on a server."""
    return value if "://" in value else Path(value)


@click.command()
@click.argument("model", callback=_place)
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--out", type=PATH, help="Write the answers to this .csv, .jsonl or .parquet; resumes."
)
@page_option("answers")
@PageEcgs
@click.option(
    "--page-marks/--no-page-marks", default=True, show_default=True,
    help="Mark on the page's ECGs what drove the answers, by integrated gradients.",
)  # fmt: skip
@asking_options()
@click.option(
    "--model-card", type=PATH,
    help="Of a URL: the card.json of its SavedModel, where the server does not give it.",
)  # fmt: skip
def predict(
    trained: TrainedNetwork,
    files: tuple[str, ...],
    out: Path | None,
    page: Path | None,
    page_ecgs: int,
    page_marks: bool,
    **options: Any,
) -> None:
    """Ask MODEL (a run, a .keras file, a SavedModel or a server's URL) about FILES, without labels.

    FILES are recordings (WFDB, CSV, EDF, DICOM, XML, HDF5), folders, patterns or shards. Exit code
    1 where a file can't be read: the others are answered all the same.
    """
    from ecg_keras import prediction
    from ecg_keras.cli.progress import progress_bar

    remarks: list[str] = []
    with progress_bar("predict") as progressed:
        answers = prediction.predict(
            trained,
            files,
            out=out,
            shown=page_ecgs if page is not None else 0,
            on_progress=progressed,
            on_warning=remarks.append,
            **options,
        )
    _show(answers)
    if page is not None:
        from ecg_keras.attribution import explain_shown
        from ecg_keras.report import prediction_page

        explained = explain_shown(trained, answers) if page_marks else {}
        say(prediction_page(answers, page, explained=explained))
    print_end(answers, remarks)


@click.command()
@click.argument("model", metavar="RUN", type=PATH)
@click.argument("files", nargs=-1, required=True)
@click.argument("out", type=PATH)
@asking_options(embedding=True)
def embed(trained: TrainedNetwork, files: tuple[str, ...], out: Path, **options: Any) -> None:
    """Write what goes into the last layer of RUN for FILES into OUT, a .parquet or .jsonl.

    FILES are shards, or recordings as of `ecg-keras predict`. There is a row for each recording.
    """
    from ecg_keras import prediction
    from ecg_keras.cli.progress import progress_bar

    remarks: list[str] = []
    with progress_bar("embed") as progressed:
        rows = prediction.embed(
            trained,
            files,
            out,
            on_progress=progressed,
            on_warning=remarks.append,
            **options,
        )
    say(out)
    print_end(prediction.Answers.of(trained, options["aggregate"], rows=rows), remarks)


def _show(answers: Answers) -> None:
    """The first answers as a table."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    labels = answers.labels if len(answers.labels) <= SHOWN_LABELS else ()
    decisions = [
        *(["present"] if answers.thresholds else []),
        *(["undecided"] if answers.sets else []),
    ]
    header = ["recording", *labels, *decisions, "note"]
    rows = [_cells(answers, one, len(labels)) for one in answers.rows[:SHOWN_ROWS]]
    console = Console(highlight=False)
    if console.is_terminal:
        table = Table(*header)
        for row in rows:
            table.add_row(*(Text(cell, overflow="fold") for cell in row))
        console.print(table)
    else:
        say(text_table(header, rows, left=len(header)))
    if len(answers.rows) > SHOWN_ROWS:
        say(f"these are the first {SHOWN_ROWS}: --out writes all")


def _cells(answers: Answers, one: Answer, labels: int) -> list[str]:
    values = [""] * labels if one.values is None else [f"{p:.3f}" for p in one.values[:labels]]
    decided = answers.decide(one) or ()
    present = ", ".join(
        label for label, there in zip(answers.labels, decided, strict=False) if there
    )
    note = f"{one.status}: {one.reason}" if one.reason else "; ".join(one.flags)
    decision = [present or ("none" if decided else "")] if answers.thresholds else []
    if answers.sets:
        decision.append(", ".join(answers.undecided(one)))
    return [printable(cell) for cell in (answers.name(one), *values, *decision, note)]


def print_end(answers: Answers, remarks: Sequence[str]) -> None:
    """How many there are, and remarks; exit code 1 where a file can't be read."""
    say(answers.summary)
    for remark in remarks:
        warn(remark)
    lost = [one for one in answers.rows if one.status == "unreadable"]
    for one in lost[:MAX_PROBLEMS]:
        warn(f"{one.record_id}: {one.reason}")
    if len(lost) > MAX_PROBLEMS:
        warn(f"and {len(lost) - MAX_PROBLEMS} more")
    if lost:
        raise SystemExit(1)
