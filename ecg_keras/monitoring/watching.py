"""`monitor`: a run in service, its answers read or asked for, compared with how it was made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ecg_keras import data, validation
from ecg_keras.array_types import AnyArray, BoolArray, Float64Array, TextArray
from ecg_keras.data import Dataset
from ecg_keras.errors import DataError, look_up
from ecg_keras.evaluation import Predictions, Scores
from ecg_keras.monitoring.alarms import FEWEST, check_outputs
from ecg_keras.monitoring.found import EVERYTHING, Monitoring, Period
from ecg_keras.monitoring.outputs import Outputs
from ecg_keras.monitoring.periods import PERIODS, join, name_periods, read_known
from ecg_keras.monitoring.received import gather, unanswerable, windows_of
from ecg_keras.prediction import AnswerTable, OnProgress
from ecg_keras.text import plural
from ecg_keras.training import Run
from ecg_keras.validation import Numbers

Paths = str | Path | Iterable[str | Path]
Masks = Mapping[str, BoolArray]
# points of a distribution that is drawn
POINTS = np.linspace(0, 1, 101)


def monitor(
    run: str | Path,
    received: Paths,
    *,
    labels: str | Path | None = None,
    time: str = "time",
    by: str = "month",
    shards: str | Path | None = None,
    on_progress: OnProgress | None = None,
) -> Monitoring:
    """Compares what a network receives and says in service with its training and validation.

    The figures of signals are compared with those of its training split by TensorFlow Data
    Validation, its probabilities and decisions with those on its validation split and, where the
    truth is known, prevalences, calibration and AUROCs with those on its test split.

    Args:
        run: the folder of a finished run.
        received: files of answers that `predict` wrote, or folders of shards, about which the
            network is asked.
        labels: a table, ``.csv`` or ``.parquet``, with ``record_id`` and a column of 0 and 1 for
            each label (empty where nobody knows), and perhaps ``patient_id`` and times; or a folder
            of shards that holds the truth.
        time: the name of a column of dates, in files of answers or in ``labels``; where there is
            one, each period is compared on its own, too.
        by: the length of a period: ``"year"``, ``"quarter"``, ``"month"``, ``"week"`` or ``"day"``.
        shards: of the run's training, where they are no longer where it was trained.
        on_progress: called with the records that were asked about, and their total.

    Returns:
        What was found; ``alarms`` is empty where nothing differs by more than is allowed.

    Raises:
        ConfigError: ``by`` is no such word.
        DataError: there is no finished run; or a file is missing, damaged, or of another network.

    Example:
        >>> monitor("runs/ptbxl_scratch", "answers.parquet", labels="known.csv").alarms
        ()
    """
    look_up("by", by, dict.fromkeys(PERIODS))
    folder = Run(Path(run))
    dataset, valid, test, scores = _open(folder)
    places = [received] if isinstance(received, str | Path) else list(received)
    remarks = []
    paths = [Path(one) for one in places]
    table, doubled = gather(folder, dataset, paths, time, on_progress)
    if doubled:
        remarks.append(f"of {plural(doubled, 'more answer')} about the same recordings none counts")
    if several := int(np.count_nonzero(table.answered & (windows_of(table) > 1))):
        remarks.append(
            f"{plural(several, 'answer')} of {np.count_nonzero(table.answered):,} are of several "
            "windows each, and the run's validation is of single ones, from which means and maxima "
            "differ: ask with --aggregate trained"
        )
    targets = None
    if labels is not None:
        table, targets, remark = join(table, read_known(Path(labels), dataset.labels, time))
        remarks += [remark] * bool(remark)
    masks = {EVERYTHING: np.ones(len(table.record_ids), np.bool_)}
    if table.times is not None:
        masks |= _split(table.times, by, remarks)
    lost = len(unanswerable(dataset))
    usual = replace(_outputs_of(valid or test), lost=lost, out_of=dataset.num_records + lost)
    checks = check_outputs(
        dataset.labels,
        {name: _choose(table, targets, mask) for name, mask in masks.items()},
        usual=usual,
        scored=_outputs_of(test),
        thresholds=scores.thresholds,
    )
    inputs = _compare_inputs(folder, shards, table, masks, remarks)
    return Monitoring(
        run=str(run),
        received=tuple(map(str, places)),
        references=(
            f"probabilities and decisions: the {'test' if valid is None else 'validation'} split, "
            f"{plural(len((valid or test).record_ids), 'record')}",
            f"what the truth says: the test split, {plural(len(test.record_ids), 'record')}",
            f"signals: the training split, {plural(dataset.splits['train'].records, 'record')}",
        ),
        periods=tuple(
            Period(
                name,
                int(mask.sum()),
                int((mask & table.answered).sum()),
                0 if targets is None else int((mask & ~np.isnan(targets).all(axis=1)).sum()),
                checks[name],
                inputs.get(name),
                _distributions(dataset.labels, table.probabilities[mask & table.answered]),
            )
            for name, mask in masks.items()
        ),
        usual=_distributions(dataset.labels, usual.probabilities),
        remarks=tuple(remarks),
    )


def _open(run: Run) -> tuple[Dataset, Predictions | None, Predictions, Scores]:
    if not (run.scores.is_file() and run.dataset.is_file()):
        raise DataError(
            f"{run.folder}: no finished run: its scores.json or dataset.json is missing. Train it, "
            "or name another folder."
        )
    valid = run.predictions("valid")
    return (
        data.read_dataset(run.dataset),
        Predictions.load(valid) if valid.is_file() else None,
        Predictions.load(run.predictions("test")),
        Scores.load_json(run.scores),
    )


def _split(times: TextArray, by: str, remarks: list[str]) -> Masks:
    """The recordings of each period, where there are several."""
    periods = name_periods(times, by)
    names = sorted(set(periods.tolist()) - {""})
    untimed = int((periods == "").sum())
    if untimed and names:
        remarks.append(f"no time is known of {plural(untimed, 'recording')}: they are in no {by}")
    return {name: periods == name for name in names} if len(names) > 1 else {}


def _outputs_of(predictions: Predictions) -> Outputs:
    return Outputs(predictions.probabilities, predictions.patient_ids, predictions.targets)


def _choose(table: AnswerTable, targets: Float64Array | None, mask: BoolArray) -> Outputs:
    chosen = mask & table.answered
    return Outputs(
        table.probabilities[chosen],
        table.patient_ids[chosen],
        None if targets is None else targets[chosen],
        int((mask & ~table.answered).sum()),
    )


def _compare_inputs(
    run: Run, shards: str | Path | None, table: AnswerTable, masks: Masks, remarks: list[str]
) -> Mapping[str, Any]:
    """The figures of each period beside the training split, or a remark on why not."""
    why = ""
    known = np.zeros(len(table.record_ids), np.bool_)
    for values in table.figures.values():
        known |= ~np.isnan(values.reshape(len(known), -1)).all(axis=1)
    if not known.any():
        why = "the answers hold no figures of the signals; those of this version's predict do"
    elif missing := validation.why_missing():
        why = f"TensorFlow Data Validation can't be imported ({missing})"
    else:
        place = Path(shards) if shards is not None else run.read_place("shards")
        if shards is None and not (place / "dataset.json").is_file():
            why = f"the shards of its training are not in {place}: name them with --shards"
    if why:
        remarks.append(f"signals are not compared: {why}")
        return {}
    sets = {}
    for name, mask in masks.items():
        # of a recording that was not answered nothing may be known
        some = mask & known
        if some.sum() >= FEWEST:
            sets[name] = {each: values[some] for each, values in table.figures.items()}
    return validation.find_skew(place, sets)


def _distributions(labels: tuple[str, ...], probabilities: AnyArray) -> dict[str, Numbers]:
    found = {}
    for column, label in enumerate(labels):
        values = probabilities[:, column].astype(np.float64)
        if len(values):
            points = np.quantile(values, POINTS)
            last = np.append(points[1:] > points[:-1], True)  # of equal ones the last
            found[label] = Numbers(
                records=len(values),
                missing=0,
                mean=float(values.mean()),
                std=float(values.std()),
                median=float(np.median(values)),
                low=float(points[0]),
                high=float(points[-1]),
                quantiles=tuple(zip(points[last].tolist(), POINTS[last].tolist(), strict=True)),
            )
    return found
