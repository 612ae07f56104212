"""`ecg-keras evaluate`, `compare`, `report` and `export`: commands on finished runs."""

from __future__ import annotations

from pathlib import Path

import click

from ecg_keras.cli.options import RunPath, check_page


@click.command()
@RunPath
@click.option(
    "--shards",
    type=click.Path(path_type=Path),
    help="Score on this dataset's split instead; it needs the same labels, leads and rate.",
)
@click.option("--split", type=click.Choice(["valid", "test"]), default="test", show_default=True)
@click.option("--bootstrap", default=2000, show_default=True, type=click.IntRange(min=100))
@click.option(
    "--allow-leaks", is_flag=True, help="With --shards: score records that RUN knows, too."
)
def evaluate(run: Path, shards: Path | None, split: str, bootstrap: int, allow_leaks: bool) -> None:
    """Print the scores of RUN with intervals.

    Without --shards these are the scores that `train` computed on the run's own test split.
    """
    from ecg_keras import evaluation, workflow

    finished = workflow.open_scored(run)
    if shards is None:
        scores = evaluation.Scores.load_json(finished.scores)
    else:
        scores = workflow.evaluate_elsewhere(
            run,
            shards,
            split=split,
            bootstrap=bootstrap,
            allow_leaks=allow_leaks,
            on_warning=lambda message: click.echo(f"! {message}", err=True),
        )
    click.echo(scores.table())


@click.command()
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option(
    "--metric",
    type=click.Choice(["macro_auroc", "macro_auprc", "macro_f1", "weighted_f1"]),
    default="macro_auroc",
    show_default=True,
)
@click.option("--bootstrap", default=2000, show_default=True, type=click.IntRange(min=100))
@click.option("--level", default=0.95, show_default=True, type=click.FloatRange(0.5, 1, True, True))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
@click.option(
    "--page",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=check_page,
    help="Write the comparison as a page too, such as compare.html.",
)
def compare(
    first: Path,
    second: Path,
    metric: str,
    bootstrap: int,
    level: float,
    seed: int,
    page: Path | None,
) -> None:
    """Print the difference FIRST - SECOND on the same test patients, with its interval."""
    from ecg_keras import workflow

    comparison = workflow.compare_runs(
        first, second, metric=metric, bootstrap=bootstrap, level=level, seed=seed
    )
    click.echo(comparison.table())
    if page is not None:
        from ecg_keras.report import comparison_page

        click.echo(comparison_page(comparison, page))


@click.command()
@RunPath
@click.option(
    "--shards", type=click.Path(path_type=Path), help="The run's dataset, where it was moved."
)
def report(run: Path, shards: Path | None) -> None:
    """Write report.html into RUN."""
    from ecg_keras import workflow
    from ecg_keras.report import write_report

    workflow.open_scored(run)
    click.echo(write_report(run, shards=shards))


@click.command()
@RunPath
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Write anew where FOLDER holds a SavedModel.")
def export(run: Path, folder: Path, replace: bool) -> None:
    """Write RUN as a SavedModel into FOLDER, such as serving/ptbxl/1."""
    from ecg_keras import workflow

    click.echo(workflow.export_run(run, folder, replace=replace))
