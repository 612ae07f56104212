"""What can be done with finished runs, outside any plan."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ecg_keras import data, evaluation, models
from ecg_keras.config import load_recipe
from ecg_keras.data.dataset import check_split
from ecg_keras.errors import DataError
from ecg_keras.files import write_json
from ecg_keras.training import Run, check_upstream, describe_known

GO_ON = (
    "Run the `ecg-keras train` command that began it once more: it goes on where it stopped and "
    "makes what is missing."
)


def open_finished(folder: str | Path) -> Run:
    """The run in a folder.

    Raises:
        DataError: there is no finished run in it.
    """
    run = Run(Path(folder))
    if not run.folder.is_dir():
        raise DataError(
            f"{folder}: there is no such run folder. Name one, such as runs/quickstart."
        )
    state = run.read_status().get("state")
    if state is None:
        raise DataError(
            f"{folder}: not a run folder: it has no {run.status.name}. Name the folder of one run, "
            "such as runs/quickstart."
        )
    if state != "trained" or not run.model.is_file():
        raise DataError(f"{folder}: not a finished run (its state is {state}). {GO_ON}")
    return run


def open_scored(folder: str | Path) -> Run:
    """The run in a folder, if it was scored on its test split.

    Raises:
        DataError: there is no finished run in it, or its scores are missing.
    """
    run = open_finished(folder)
    for path in (run.scores, run.predictions(_chooser(run)), run.predictions("test")):
        if not path.is_file():
            raise DataError(f"{path}: this run was not scored: there is no such file. {GO_ON}")
    return run


def _chooser(run: Run) -> str:
    """The split that chose the run's epoch and thresholds."""
    return load_recipe(run.recipe).recipe.training.validate_on


def evaluate_elsewhere(
    folder: str | Path,
    shards: str | Path,
    *,
    split: str = "test",
    bootstrap: int = 2000,
    allow_leaks: bool = False,
    on_warning: Callable[[str], None] | None = None,
) -> evaluation.Scores:
    """Scores a finished run on another dataset with the same labels, leads and sampling rate.

    Thresholds are those of the run's own validation split, or of its test split where that took its
    place (``training.validate_on``): nothing is fitted to the new data.

    Args:
        folder: the run.
        shards: the other dataset.
        split: its split to test on.
        bootstrap: patient resamples behind the intervals.
        allow_leaks: score records all the same whose patient or signal the run's network, or one
            of its upstreams, has seen.
        on_warning: called with messages; none logs them.

    Raises:
        DataError: labels, leads or sampling rate differ, or the run knows records of the split.

    Example:
        >>> evaluate_elsewhere("runs/ptbxl_scratch", "shards/ptbxl-copy").summary["macro_auroc"]
    """
    run = open_scored(folder)
    dataset = data.describe(shards)
    own = data.read_dataset(run.dataset)
    if own.labels != dataset.labels:
        raise DataError(
            f"{shards}: its labels are {', '.join(dataset.labels)}, and {folder} was trained for "
            f"{', '.join(own.labels)}. Prepare the dataset with the run's label set and order."
        )
    check_upstream(run.folder, dataset, keep_head=True)
    check_split(Path(shards), dataset, split)
    warn = on_warning or logging.getLogger(__name__).warning
    known = describe_known(run.folder, Path(shards), split)
    if known is not None and not allow_leaks and known.leaks:
        raise DataError(
            f"{known.sentence} Its scores there would flatter: take another dataset or split, or "
            "see them all the same with --allow-leaks."
        )
    if known is not None:
        warn(known.sentence)
    own_scores = evaluation.Scores.load_json(run.scores)
    said = evaluation.predict(models.load_model(run.model), Path(shards), split)
    # the run's own predictions are calibrated already: here nothing is fitted again
    scores = evaluation.evaluate(
        own_scores.calibration.apply(said),
        evaluation.Predictions.load(run.predictions(_chooser(run))),
        codes=evaluation.snomed_codes(dataset.source, dataset.label_set),
        bootstrap=bootstrap,
    )
    return replace(scores, calibration=own_scores.calibration)


def compare_runs(
    first: str | Path,
    second: str | Path,
    *,
    metric: str = "macro_auroc",
    bootstrap: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> evaluation.Comparison:
    """The paired difference first - second on the test patients that both runs were tested on.

    Raises:
        DataError: a run is not finished, or they were tested on other records or labels.

    Example:
        >>> print(compare_runs("runs/ptbxl_finetune", "runs/ptbxl_scratch").table())
    """
    runs = [open_scored(folder) for folder in (first, second)]
    scores = [evaluation.Scores.load_json(run.scores) for run in runs]
    return evaluation.compare(
        *(evaluation.Predictions.load(run.predictions("test")) for run in runs),
        metric=metric,
        names=(runs[0].name, runs[1].name),
        thresholds_a=scores[0].thresholds,
        thresholds_b=scores[1].thresholds,
        bootstrap=bootstrap,
        level=level,
        seed=seed,
        budgets=evaluation.read_budgets(*(run.folder for run in runs)),
    )


def export_run(folder: str | Path, target: Path, *, replace: bool = False) -> Path:
    """Writes the SavedModel of a finished run into ``target``, checked against Keras on reload.

    Raises:
        ConfigError: ``target`` exists and ``replace`` is not set, or its name is no version.
        DataError: the run is not finished, or the reloaded model differs from Keras.

    Example:
        >>> export_run("runs/ptbxl_finetune", Path("serving/ptbxl/1"))
    """
    from ecg_keras import export

    run = open_finished(folder)
    dataset = data.read_dataset(run.dataset)
    scores = evaluation.Scores.load_json(run.scores) if run.scores.is_file() else None
    return export.export_saved_model(
        models.load_model(run.model),
        target,
        labels=dataset.labels,
        leads=dataset.leads,
        sampling_rate=dataset.sampling_rate,
        thresholds=scores.thresholds if scores else None,
        calibration=scores.calibration if scores else None,
        replace=replace,
    )


def validate_shards(
    shards: str | Path,
    *,
    against: str | Path | None = None,
    serving: str | Path | None = None,
    beam: Sequence[str] | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> data.Validation:
    """Checks a dataset with TensorFlow Data Validation and keeps the result beside it.

    Args:
        shards: the dataset.
        against: another dataset from which it should not drift, such as the upstream's.
        serving: shards of what the served model received.
        beam: options of an Apache Beam pipeline that counts the records; none counts them here.
        on_progress: called with the records that were counted here, and their total.
    """
    found = data.validate(
        shards, against=against, serving=serving, beam=beam, on_progress=on_progress
    )
    if against is None and serving is None:
        anomalies = [anomaly.line() for anomaly in found.anomalies]
        kept = {"anomalies": anomalies, "remarks": list(found.remarks)}
        write_json(Path(shards) / "validation.json", kept)
    return found
