"""`ecg-keras predict` and `embed`: a trained network asked about recordings."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ecg_keras.cli.options import PATH, page_option
from ecg_keras.errors import MAX_PROBLEMS, printable
from ecg_keras.text import text_table

if TYPE_CHECKING:
    from ecg_keras.prediction import Answer, Answers

# of the table on the terminal
SHOWN_ROWS, SHOWN_LABELS = 40, 8
Count = click.IntRange(min=1)


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what files do not say themselves, as ``reading``."""

    @wraps(command)
    def gather(
        *args: Any,
        sampling_rate: float | None,
        unit: str | None,
        leads: str | None,
        lead_names: tuple[str, ...],
        decimal: str | None,
        array: str | None,
        **others: Any,
    ) -> Any:
        from ecg_keras.prediction import LooseFiles

        names = dict(_split_name(one) for one in lead_names) or None
        reading = LooseFiles(sampling_rate, unit, split_names(leads), names, decimal, array)
        return command(*args, reading=reading, **others)

    for option in reversed(
        (
            click.option(
                "--sampling-rate", type=float, help="Hz of CSV and HDF5 files, which don't say."
            ),
            click.option(
                "--unit",
                type=click.Choice(["mV", "uV", "V"]),
                help="Of CSV and HDF5 files, and of EDF files that don't say.",
            ),
            click.option(
                "--leads",
                metavar="I,II,...",
                help="The columns of CSV or HDF5 files in order; of HDF5 files the standard twelve "
                "if not given.",
            ),
            click.option(
                "--lead-names",
                multiple=True,
                metavar="NAME=LEAD",
                help="Which lead a name of yours means. May be repeated.",
            ),
            click.option(
                "--decimal", type=click.Choice([".", ","]), help="The decimal sign of CSV files."
            ),
            click.option("--array", help="Name of the array in HDF5 files; else tracings or ecg."),
        )
    ):
        gather = option(gather)
    return gather


def asking_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds how a network is asked about what it is asked about."""
    for option in reversed(
        (
            click.option(
                "--split",
                type=click.Choice(["train", "valid", "test"]),
                help="Of shards; all if not given.",
            ),
            click.option(
                "--aggregate",
                type=click.Choice(["mean", "maximum", "trained"]),
                default="mean",
                show_default=True,
                help="How the windows of a longer recording become one answer; trained asks about "
                "the one window that the shards of the training keep.",
            ),
            click.option(
                "--short",
                type=click.Choice(["drop", "pad"]),
                help="What is done with shorter recordings; by default as in the training.",
            ),
            click.option(
                "--verify",
                type=click.Choice(["refuse", "off"]),
                help="Whether a wrong unit or wrong leads are refused; by default as in the "
                "training.",
            ),
            click.option("--batch-size", default=128, show_default=True, type=Count),
            click.option(
                "--workers",
                default=min(4, os.cpu_count() or 1),
                show_default=True,
                type=Count,
                help="Processes that read files.",
            ),
        )
    ):
        command = option(command)
    return command


def lone_file_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what a lone .keras file does not say of itself."""
    for name, settings, what in (
        ("--model-rate", {"type": float}, "sampling rate in Hz"),
        ("--model-leads", {"metavar": "I,II,..."}, "leads"),
        ("--model-labels", {"metavar": "A,B,..."}, "labels"),
    ):
        command = click.option(name, help=f"Of a lone .keras file: its {what}.", **settings)(
            command
        )
    return command


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
@click.option(
    "--page-ecgs", default=12, show_default=True, type=click.IntRange(0, 200),
    help="ECGs that the page draws: the first that are answered.",
)  # fmt: skip
@click.option(
    "--page-marks/--no-page-marks", default=True, show_default=True,
    help="Mark on the page's ECGs what drove the answers, by integrated gradients.",
)  # fmt: skip
@asking_options
@reading_options
@lone_file_options
@click.option(
    "--model-card", type=PATH,
    help="Of a URL: the card.json of its SavedModel, where the server does not give it.",
)  # fmt: skip
def predict(
    model: str | Path,
    files: tuple[str, ...],
    out: Path | None,
    page: Path | None,
    page_ecgs: int,
    page_marks: bool,
    reading: Any,
    short: str | None,
    verify: str | None,
    workers: int,
    model_labels: str | None,
    model_leads: str | None,
    model_rate: float | None,
    model_card: Path | None,
    **options: Any,
) -> None:
    """Ask MODEL (a run, a .keras file, a SavedModel or a server's URL) about FILES, without labels.

    FILES are recordings (WFDB, CSV, EDF, DICOM, XML, HDF5), folders, patterns or shards. Exit code
    1 where a file can't be read: the others are answered all the same.
    """
    from ecg_keras import prediction
    from ecg_keras.cli.progress import progress_bar

    trained = prediction.open_trained(
        model,
        labels=split_names(model_labels),
        leads=split_names(model_leads),
        sampling_rate=model_rate,
        short=short,
        verify=verify,
        card=model_card,
    )
    remarks: list[str] = []
    with progress_bar("predict") as progressed:
        answers = prediction.predict(
            trained,
            files,
            out=out,
            reading=reading,
            workers=count_workers(workers, files),
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
        click.echo(prediction_page(answers, page, explained=explained))
    print_end(answers, remarks)


@click.command()
@click.argument("model", metavar="RUN", type=PATH)
@click.argument("files", nargs=-1, required=True)
@click.argument("out", type=PATH)
@asking_options
@reading_options
def embed(
    model: Path,
    files: tuple[str, ...],
    out: Path,
    reading: Any,
    short: str | None,
    verify: str | None,
    workers: int,
    **options: Any,
) -> None:
    """Write what goes into the last layer of RUN for FILES into OUT, a .parquet or .jsonl.

    FILES are shards, or recordings as of `ecg-keras predict`. There is a row for each recording.
    """
    from ecg_keras import prediction
    from ecg_keras.cli.progress import progress_bar

    trained = prediction.open_trained(model, embedding=True, short=short, verify=verify)
    remarks: list[str] = []
    with progress_bar("embed") as progressed:
        rows = prediction.embed(
            trained,
            files,
            out,
            reading=reading,
            workers=count_workers(workers, files),
            on_progress=progressed,
            on_warning=remarks.append,
            **options,
        )
    click.echo(out)
    print_end(prediction.Answers((), None, options["aggregate"], rows=rows), remarks)


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
        click.echo(text_table(header, rows, left=len(header)))
    if len(answers.rows) > SHOWN_ROWS:
        click.echo(f"these are the first {SHOWN_ROWS}: --out writes all")


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
    return [printable(cell) for cell in (one.record_id, *values, *decision, note)]


def print_end(answers: Answers, remarks: Sequence[str]) -> None:
    """How many there are, and remarks; exit code 1 where a file can't be read."""
    click.echo(answers.summary)
    for remark in remarks:
        click.echo(f"! {printable(remark)}", err=True)
    lost = [one for one in answers.rows if one.status == "unreadable"]
    for one in lost[:MAX_PROBLEMS]:
        click.echo(f"! {printable(one.record_id)}: {printable(one.reason)}", err=True)
    if len(lost) > MAX_PROBLEMS:
        click.echo(f"! and {len(lost) - MAX_PROBLEMS} more", err=True)
    if lost:
        raise SystemExit(1)


def count_workers(workers: int, files: tuple[str, ...]) -> int:
    """A process takes a second to start: a few files named one by one are read in this one."""
    few = len(files) <= 16 and not any(Path(one).is_dir() or "*" in one for one in files)
    return 1 if few else workers


def split_names(names: str | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(name.strip() for name in names.split(","))


def _split_name(text: str) -> tuple[str, str]:
    name, found, lead = text.rpartition("=")
    if not found:
        raise click.BadParameter(f"--lead-names takes NAME=LEAD. Received: {text}")
    return name, lead
