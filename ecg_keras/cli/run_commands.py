"""`ecg-keras evaluate`, `compare`, `report`, `export`: finished runs, and predictions in files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import click

from ecg_keras.cli.options import (
    PATH,
    Bootstrap,
    RunPath,
    Seed,
    grouping_options,
    json_option,
    page_option,
    refuse_given,
)
from ecg_keras.cli.saying import say, warn
from ecg_keras.export import FORMATS, PRECISIONS
from ecg_keras.keras_settings import check_keras_settings
from ecg_keras.metrics import METRICS


@click.command()
@click.argument("run", metavar="RUN|FILE", type=PATH)
@click.option(
    "--shards",
    type=PATH,
    help="Of a run: score on this dataset's split instead; it needs the same labels, leads and "
    "rate.",
)
@click.option(
    "--split",
    type=click.Choice(["valid", "test"]),
    default="test",
    show_default=True,
    help="With --shards: which one.",
)
@click.option(
    "--allow-leaks", is_flag=True, help="With --shards: score records that RUN knows, too."
)
@click.option(
    "--valid",
    type=PATH,
    help="Of a file: validation predictions, which choose the thresholds; else those named valid "
    "beside a file named test, else 0.5.",
)
@click.option(
    "--calibration",
    type=click.Choice(["none", "temperature", "platt"]),
    default="none",
    show_default=True,
    help="Of a file: fit it on the validation predictions first.",
)
@grouping_options
@Bootstrap
@json_option("scores")
@page_option("scores of a file")
def evaluate(
    run: Path,
    shards: Path | None,
    split: str,
    allow_leaks: bool,
    valid: Path | None,
    calibration: Literal["none", "temperature", "platt"],
    by: tuple[str, ...],
    table: Path | None,
    bootstrap: int,
    json_file: Path | None,
    page: Path | None,
) -> None:
    """Print the scores of a finished RUN, or of predictions made elsewhere, with intervals.

    Without --shards the scores of RUN are those that `train` computed on its own test split; what
    an earlier version did not make of it is added to its folder. FILE is an .npz, .csv or .parquet
    of predictions: see docs/predictions-from-elsewhere.md.
    """
    from ecg_keras import evaluation, workflow

    _check_grouping(by, table)
    of_shards = ("split", "allow_leaks")
    if workflow.is_prediction_file(run):
        if shards is not None:
            raise click.UsageError("--shards needs a run: a file holds no network to predict with.")
        refuse_given(of_shards, "is of a run with --shards: a file holds one split")
        scores = workflow.evaluate_file(
            run, valid, calibration=calibration, by=by, table=table, bootstrap=bootstrap
        )
    elif valid is not None or calibration != "none" or page is not None:
        raise click.UsageError(
            "--valid, --calibration and --page are for a file of predictions: a run has its own, "
            "and `ecg-keras report` writes its page."
        )
    elif shards is None:
        refuse_given(of_shards, "needs --shards: a run's own scores are of its test split")
        refuse_given(("bootstrap",), "needs --shards: a run's own scores are there already")
        if by:
            scores = workflow.group_scores(run, by, table)
        else:
            scores = workflow.complete_run(run, on_note=warn)
    else:
        check_keras_settings()
        scores = workflow.evaluate_elsewhere(
            run,
            shards,
            split=split,
            by=by or None,
            table=table,
            bootstrap=bootstrap,
            allow_leaks=allow_leaks,
            on_warning=warn,
        )
    say(scores.table())
    if json_file is not None:
        scores.save_json(json_file)
    if page is not None:
        from ecg_keras.report import scores_page

        test = evaluation.Predictions.load(run)
        say(scores_page(scores, test, page, title=run.stem))


@click.command()
@click.argument("first", metavar="RUN|FILE", type=PATH)
@click.argument("second", metavar="RUN|FILE", type=PATH)
@click.option(
    "--names", nargs=2, metavar="A B", help="What to call the two; else by their folders or files."
)
@click.option(
    "--valid-a",
    type=PATH,
    help="Of a first file: validation predictions, which choose the thresholds of F1; else those "
    "named valid beside a file named test, else 0.5.",
)
@click.option("--valid-b", type=PATH, help="The same of a second file.")
@click.option(
    "--metric",
    type=click.Choice(list(METRICS)),
    default="macro_auroc",
    show_default=True,
)
@Bootstrap
@click.option("--level", default=0.95, show_default=True, type=click.FloatRange(0.5, 1, True, True))
@Seed
@click.option(
    "--margin",
    default=0.02,
    show_default=True,
    type=click.FloatRange(0, 1, True, True),
    help="Differences below it do not matter: two within it are equivalent.",
)
@grouping_options
@json_option("comparison")
@page_option("comparison")
def compare(
    first: Path,
    second: Path,
    valid_a: Path | None,
    valid_b: Path | None,
    by: tuple[str, ...],
    table: Path | None,
    json_file: Path | None,
    page: Path | None,
    **options: Any,
) -> None:
    """Print the difference of two on the same test patients, the first - the second.

    Each is a finished run, or an .npz, .csv or .parquet of predictions made elsewhere: see
    docs/predictions-from-elsewhere.md.
    """
    from ecg_keras import workflow

    _check_grouping(by, table)
    comparison = workflow.compare_runs(
        first,
        second,
        valid=(valid_a, valid_b),
        by=by or None,
        table=table,
        on_note=warn,
        **options,
    )
    say(comparison.table())
    if json_file is not None:
        comparison.save_json(json_file)
    if page is not None:
        from ecg_keras.report import comparison_page

        say(comparison_page(comparison, page))


@click.command()
@RunPath
@click.option("--shards", type=PATH, help="The run's dataset, where it was moved.")
@click.option(
    "--explain/--no-explain",
    default=None,
    help="Mark on the ECGs what drove the answers; by default as the recipe says.",
)
def report(run: Path, shards: Path | None, explain: bool | None) -> None:
    """Write report.html into RUN."""
    from ecg_keras import workflow
    from ecg_keras.report import write_report

    workflow.open_scored(run)
    say(write_report(run, shards=shards, explain=explain))


@click.command()
@RunPath
@click.argument("folder", type=PATH)
@click.option(
    "--format",
    type=click.Choice(list(FORMATS)),
    default="saved_model",
    show_default=True,
    help="What it is for: docs/serving.md compares them.",
)
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="float32",
    show_default=True,
    help="Of its numbers: float16 halves the file, int8 is faster on small devices.",
)
@click.option(
    "--max-loss",
    type=click.FloatRange(0, 1),
    help="Of float16 and int8: the macro AUROC that they may lose on the run's validation split, "
    "else nothing is written.  [default: 0.01]",
)
@click.option("--replace", is_flag=True, help="Write again where FOLDER holds an export.")
def export(run: Path, folder: Path, precision: str, **options: Any) -> None:
    """Write RUN into FOLDER, such as serving/ptbxl/1, as a SavedModel or for another program."""
    from ecg_keras import workflow
    from ecg_keras.export import read_card

    target = workflow.export_run(run, folder, precision=precision, **options)
    say(target)
    if loss := read_card(target).loss:
        say(f"{precision}, {loss.sentence()}")
    elif precision != "float32":
        warn(f"what {precision} loses was not measured: the run's shards are not there.")


def _check_grouping(by: Sequence[str], table: Path | None) -> None:
    if table is not None and not by:
        raise click.UsageError("--table holds columns to group records by: name one with --by.")
