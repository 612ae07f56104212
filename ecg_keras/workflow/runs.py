"""Scores of finished runs and of predictions made elsewhere, and the check of shards."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from ecg_keras import data, evaluation, models, validation, weights
from ecg_keras.config import Evaluation, load_recipe
from ecg_keras.data import check_split
from ecg_keras.errors import DataError
from ecg_keras.files import NOT_OURS
from ecg_keras.json_files import write_json
from ecg_keras.sources import SOURCES
from ecg_keras.training import check_upstream, describe_known
from ecg_keras.workflow.grouped import read_groupings
from ecg_keras.workflow.opened import (
    chooser,
    open_finished,
    open_scored,
    read_files,
    shards_of,
)


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
    place (``training.validate_on``), or 0.5 where its recipe says so: nothing is fitted to the new
    data. Those of published weights that were imported are 0.5.

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
    for sentence in (
        known and known.sentence,
        weights.describe_head(folder, run.card),
        weights.describe_decisions(folder, run.card),
    ):
        if sentence:
            warn(sentence)
    predicted = evaluation.predict(models.load_model(run.model), Path(shards), split)
    codes = None
    if dataset.source in SOURCES:  # no other module is imported because a folder names it
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
        thresholds=settings.thresholds,
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
        path = Path(shards) / "validation.json"
        try:
            write_json(path, kept)
        except OSError as error:
            if error.errno not in NOT_OURS:
                raise
            older = ", and keeps what an earlier check found" * path.is_file()
            remark = f"{path} may not be written{older}"
            found = replace(found, remarks=(*found.remarks, remark))
    return found
