"""What can be done with finished runs and with predictions made elsewhere, outside any plan."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ecg_keras import data, evaluation, models, validation, weights
from ecg_keras.config import Evaluation, data_of, load_recipe
from ecg_keras.data import check_split
from ecg_keras.errors import DataError
from ecg_keras.files import write_json
from ecg_keras.statistics import Arm, gains_by_group
from ecg_keras.training import Run, check_upstream, describe_known
from ecg_keras.workflow.grouped import read_groupings
from ecg_keras.workflow.opened import (
    chooser,
    open_finished,
    open_predictions,
    open_scored,
    read_files,
    shards_of,
    tell_apart,
)

# of the training split, from which int8 takes its ranges
RANGE_ECGS = 128


def evaluate_elsewhere(
    folder: str | Path,
    shards: str | Path,
    *,
    split: str = "test",
    by: Sequence[str] | None = None,
    table: Path | None = None,
    bootstrap: int = 2000,
    allow_leaks: bool = False,
    on_warning: Callable[[str], None] | None = None,
) -> evaluation.Scores:
    """Scores a finished run on another dataset with the same labels, leads and sampling rate.

    Thresholds are those of the run's own validation split, or of its test split where that took its
    place (``training.validate_on``): nothing is fitted to the new data. Those of published weights
    that were imported are 0.5.

    Args:
        folder: the run.
        shards: the other dataset.
        split: its split to test on.
        by, table: columns by which its records are grouped, see `read_groupings`; none takes
            age and sex, as far as they are known.
        bootstrap: patient resamples behind the intervals.
        allow_leaks: score records all the same whose patient or signal the run's network, or one
            of its upstreams, has seen.
        on_warning: called with messages; none logs them.

    Raises:
        DataError: labels, leads or sampling rate differ, or the run knows records of the split.

    Example:
        >>> evaluate_elsewhere("runs/ptbxl_scratch", "shards/ptbxl-copy").summary["macro_auroc"]
    """
    run = open_finished(folder)
    imported = run.card.is_file()  # its labels and signals are known, its thresholds are not
    if not imported:
        open_scored(folder)
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
    for sentence in (known and known.sentence, weights.describe_head(folder, run.card)):
        if sentence:
            warn(sentence)
    predicted = evaluation.predict(models.load_model(run.model), Path(shards), split)
    codes = evaluation.snomed_codes(dataset.source, dataset.label_set)
    columns = Evaluation().subgroups if by is None else by
    groupings = read_groupings(columns, predicted, shards=[Path(shards)], split=split, table=table)
    if imported:
        return evaluation.evaluate(
            predicted,
            None,
            thresholds="fixed",
            codes=codes,
            groupings=groupings,
            bootstrap=bootstrap,
        )
    own_scores = evaluation.Scores.load_json(run.scores)
    settings = load_recipe(run.recipe).recipe.evaluation
    # the run's own predictions are calibrated already: here nothing is fitted again
    scores = evaluation.evaluate(
        own_scores.calibration.apply(predicted),
        evaluation.Predictions.load(run.predictions(chooser(run))),
        codes=codes,
        groupings=groupings,
        bootstrap=bootstrap,
        # a test split that chose the epoch promises nothing
        conformal=settings.conformal if chooser(run) == "valid" else None,
        conformal_by=settings.conformal_by,
    )
    return replace(scores, calibration=own_scores.calibration)


def evaluate_file(
    path: str | Path,
    valid: str | Path | None = None,
    *,
    calibration: Literal["none", "temperature", "platt"] = "none",
    by: Sequence[str] = (),
    table: Path | None = None,
    bootstrap: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> evaluation.Scores:
    """Scores predictions made elsewhere.

    Args:
        path: of the test predictions, as `evaluation.Predictions.load` reads them.
        valid: of the validation predictions, which choose the thresholds and fit the calibration;
            of a file named ``test`` those named ``valid`` beside it are taken where none are given,
            and without any the thresholds are 0.5.
        calibration, bootstrap, level, seed: as of `evaluation.evaluate`.
        by, table: columns of the table by which its records are grouped, see `read_groupings`.

    Raises:
        ConfigError: a setting is out of range, or a calibration has no validation predictions.
        DataError: a file can't be read, or the labels of the two differ.

    Example:
        >>> evaluate_file("theirs/test.npz").summary["macro_auroc"]
    """
    test, chosen = read_files(path, valid)
    return evaluation.evaluate(
        test,
        chosen,
        calibration=calibration,
        thresholds="fixed" if chosen is None else "validation",
        groupings=read_groupings(by, test, table=table),
        bootstrap=bootstrap,
        level=level,
        seed=seed,
    )


def group_scores(
    folder: str | Path, by: Sequence[str], table: Path | None = None
) -> evaluation.Scores:
    """The scores of a finished run, with those of groups of its test records.

    Args:
        folder: the run.
        by, table: columns by which its records are grouped, see `read_groupings`.

    Raises:
        DataError: the run was not scored, or a column is neither in its shards nor in the table.

    Example:
        >>> print(group_scores("runs/ptbxl_scratch", ["sex", "age:40,65"]).table())
    """
    run = open_scored(folder)
    scores = evaluation.Scores.load_json(run.scores)
    test = evaluation.Predictions.load(run.predictions("test"))
    groupings = read_groupings(by, test, shards=shards_of(run), table=table)
    found = evaluation.score_subgroups(
        test,
        np.array([scores.thresholds[label] for label in test.labels]),
        groupings,
        bootstrap=scores.bootstrap,
        level=scores.level,
        seed=scores.seed,
    )
    return replace(scores, subgroups=found)


def compare_runs(
    first: str | Path,
    second: str | Path,
    *,
    valid: tuple[str | Path | None, str | Path | None] = (None, None),
    names: tuple[str, str] | None = None,
    metric: str = "macro_auroc",
    bootstrap: int = 2000,
    level: float = 0.95,
    seed: int = 0,
    margin: float = evaluation.MARGIN,
    by: Sequence[str] | None = None,
    table: Path | None = None,
    on_note: Callable[[str], None] | None = None,
) -> evaluation.Comparison:
    """The paired difference first - second on the test patients that both were tested on.

    Args:
        first, second: run folders, or files of predictions made elsewhere, in any combination.
        valid: validation predictions that choose the thresholds of a file, see
            `open_predictions`; without any they are 0.5.
        names: what to call the two; none takes those of the folders and files.
        metric, bootstrap, level, seed, margin: as of `evaluation.compare`.
        by, table: columns by which the records are grouped, to see whether one group gains more;
            see `read_groupings`. None takes age and sex where the shards of a run know them.
        on_note: called with what a reader should know of the two; none logs it.

    Raises:
        DataError: a run is not finished, a file can't be read, or they were tested on other
            records or labels.

    Example:
        >>> print(compare_runs("runs/ptbxl_finetune", "theirs/test.npz").table())
    """
    both = [open_predictions(*pair) for pair in zip((first, second), valid, strict=True)]
    names = names or tell_apart(first, second)
    note = on_note or logging.getLogger(__name__).info
    for one, name in zip(both, names, strict=True):
        if one.thresholds is None:
            note(f"{name}: F1 is at threshold 0.5, because there are no validation predictions.")
    folders = [one.run.folder for one in both if one.run is not None]
    comparison = evaluation.compare(
        *(one.test for one in both),
        metric=metric,
        names=names,
        thresholds_a=both[0].thresholds,
        thresholds_b=both[1].thresholds,
        bootstrap=bootstrap,
        level=level,
        seed=seed,
        margin=margin,
        budgets=evaluation.read_budgets(*folders) if len(folders) == 2 else None,
    )
    shards = next((found for one in both if one.run and (found := shards_of(one.run))), [])
    columns = (Evaluation().subgroups if shards else ()) if by is None else by
    if columns:
        groupings = read_groupings(columns, both[0].test, shards=shards, table=table)
        ours, theirs = (
            Arm(((one.test,),), ((one.thresholds,),), name=name)
            for one, name in zip(both, names, strict=True)
        )
        gains = gains_by_group(
            ours, theirs, groupings, metric=metric, level=level, bootstrap=bootstrap, seed=seed
        )
        comparison = replace(comparison, groups=gains)
    if len(folders) < 2:
        return comparison
    return evaluation.diagnose_comparison(comparison, *folders)


def export_run(
    folder: str | Path,
    target: Path,
    *,
    format: str = "saved_model",
    precision: str = "float32",
    max_loss: float | None = None,
    replace: bool = False,
) -> Path:
    """Writes the network of a finished run into ``target``, checked against Keras on reload.

    Args:
        folder: the run.
        target: of the export; of a SavedModel its name is the version.
        format, precision, max_loss, replace: as of `export.export_model`. What float16 and int8
            lose is measured on the split that chose the run's epoch and thresholds.

    Raises:
        ConfigError: ``target`` exists and ``replace`` is not set, or its name is no version; the
            format lacks something that the network needs.
        DataError: the run is not finished, its shards are gone and int8 needs them, or the
            reloaded model differs from Keras or loses too much.

    Example:
        >>> export_run("runs/ptbxl_finetune", Path("serving/ptbxl/1"))
    """
    from ecg_keras import export

    run = open_finished(folder)
    dataset = data.read_dataset(run.dataset)
    scores = evaluation.Scores.load_json(run.scores) if run.scores.is_file() else None
    ecgs: dict[str, Any] = {} if precision == "float32" else _example_ecgs(run, precision)
    export.export_model(
        models.load_model(run.model),
        target,
        labels=dataset.labels,
        leads=dataset.leads,
        sampling_rate=dataset.sampling_rate,
        format=format,
        precision=precision,
        thresholds=scores.thresholds if scores else None,
        calibration=scores.calibration if scores else None,
        sets=scores.sets if scores else None,
        reading=data_of(dataset.settings, Path()),
        max_loss=export.MAX_LOSS if max_loss is None else max_loss,
        replace=replace,
        **ecgs,
    )
    return target


def _example_ecgs(run: Run, precision: str) -> dict[str, Any]:
    """ECGs of the run's own training and validation splits, where its shards are still there."""
    shards = None if run.card.is_file() else run.read_place("shards")
    if shards is None or not (shards / "dataset.json").is_file():
        if precision == "int8":
            raise DataError(
                f"{run.folder}: int8 needs ECGs of the run's training and validation splits, and "
                f"{shards or 'an imported run'} has none. Put its shards back, or take float16."
            )
        return {}
    first = next(iter(data.load(shards, "train", batch_size=RANGE_ECGS, cache=False)), None)
    return {
        "range_signals": None if first is None else first[0].numpy(),
        "valid": data.load(shards, chooser(run), batch_size=64, cache=False),
    }


def validate_shards(
    shards: str | Path,
    *,
    against: str | Path | None = None,
    serving: str | Path | None = None,
    beam: Sequence[str] | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> validation.Validation:
    """Checks a dataset with TensorFlow Data Validation and keeps the result beside it.

    Args:
        shards: the dataset.
        against: another dataset from which it should not drift, such as the upstream's.
        serving: shards of what the served model received.
        beam: options of an Apache Beam pipeline that counts the records; none counts them here.
        on_progress: called with the records that were counted here, and their total.
    """
    found = validation.validate(
        shards, against=against, serving=serving, beam=beam, on_progress=on_progress
    )
    if against is None and serving is None:
        anomalies = [anomaly.line() for anomaly in found.anomalies]
        kept = {"anomalies": anomalies, "remarks": list(found.remarks)}
        write_json(Path(shards) / "validation.json", kept)
    return found
