"""`monitor`: a run in service, its answers read or asked for, compared with how it was made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from ecg_keras import data, prediction, validation
from ecg_keras.array_types import AnyArray, BoolArray, Float32Array, Float64Array, TextArray
from ecg_keras.data import Dataset, LeftOut
from ecg_keras.errors import DataError, listed, look_up
from ecg_keras.evaluation import Predictions, Scores
from ecg_keras.monitoring.alarms import FEWEST, check_outputs
from ecg_keras.monitoring.found import EVERYTHING, Monitoring, Period
from ecg_keras.monitoring.outputs import Outputs
from ecg_keras.monitoring.periods import PERIODS, join, name_periods, read_known
from ecg_keras.prediction import Answer, AnswerTable
from ecg_keras.text import plural
from ecg_keras.training import Run
from ecg_keras.validation import Numbers

OnProgress = Callable[[int, int], Any]
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
    table = _gather(folder, dataset, [Path(one) for one in places], time, on_progress)
    remarks = []
    table, doubled = _keep_one(table)
    if doubled:
        remarks.append(f"of {plural(doubled, 'more answer')} about the same recordings none counts")
    if several := int(np.count_nonzero(table.answered & (_windows_of(table) > 1))):
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
    lost = len(_unanswerable(dataset))
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


def _unanswerable(dataset: Dataset) -> list[LeftOut]:
    """What is in no shard because no network could be asked about it: not what has no label."""
    return [*dataset.quarantined, *(one for one in dataset.dropped if one.seconds is not None)]


def _gather(
    run: Run, dataset: Dataset, places: list[Path], time: str, on_progress: OnProgress | None
) -> AnswerTable:
    """The answers in files, and those about shards."""
    num_labels, num_leads = len(dataset.labels), len(dataset.leads)
    tables: list[AnswerTable] = []
    stored = [one for one in places if one.is_dir()]
    for place in stored:
        if not (place / "dataset.json").is_file():
            raise DataError(
                f"{place}: no folder of shards. Ask the network about recordings with `ecg-keras "
                "predict --out answers.parquet`, and name that file."
            )
    if stored:
        rows = list(prediction.predict(run.folder, stored, on_progress=on_progress).rows)
        rows += [
            Answer(one.record_id, one.record_id, status="abstained", reason=one.reason)
            for place in stored
            for one in _unanswerable(data.read_dataset(place / "dataset.json"))
        ]
        tables.append(prediction.as_table(rows, num_labels, num_leads))
    named: dict[Path, set[str]] = {}
    for place in places:
        if place not in stored:
            tables.append(prediction.read_answers(place, dataset.labels, num_leads, time))
            named[place] = set(() if tables[-1].network_ids is None else tables[-1].network_ids)
    if not sum(len(one.record_ids) for one in tables):
        raise DataError("there is no answer to look at: no file is named, or all are empty.")
    _check_networks(run, named)
    return _join(tables)


def _check_networks(run: Run, named: Mapping[Path, set[str]]) -> None:
    """Refuses answers that another network gave; of earlier versions it is not known."""
    if not set().union(*named.values()) - {""}:
        return
    ours = prediction.open_trained(run.folder).network_id
    for place, given in named.items():
        if strange := given - {"", ours}:
            raise DataError(
                f"{place}: its column network_id names {listed(sorted(strange), 4)}, and that is "
                f"not the network of {run.folder}, or its calibration was another then. Name the "
                "run that answered, or ask this one again with `ecg-keras predict`."
            )


def _join(tables: list[AnswerTable]) -> AnswerTable:
    """All rows; what a table lacks is unknown there."""
    if len(tables) == 1:
        return tables[0]
    names = dict.fromkeys(name for one in tables for name in one.figures)
    figures = {}
    for name in names:
        like = next(one.figures[name] for one in tables if name in one.figures)
        figures[name] = np.concatenate(
            [
                one.figures.get(name, np.full((len(one.answered), *like.shape[1:]), np.nan))
                for one in tables
            ]
        ).astype(np.float32)
    blank = [np.full(len(one.answered), "") if one.times is None else one.times for one in tables]
    timed = any(one.times is not None for one in tables)
    columns = ("record_ids", "patient_ids", "answered", "probabilities")
    return AnswerTable(
        **{name: np.concatenate([getattr(one, name) for one in tables]) for name in columns},
        figures=figures,
        times=np.concatenate(blank) if timed else None,
        windows=np.concatenate([_windows_of(one) for one in tables]),
    )


def _windows_of(table: AnswerTable) -> Float32Array:
    unknown = np.full(len(table.answered), np.nan, np.float32)
    return unknown if table.windows is None else table.windows


def _keep_one(table: AnswerTable) -> tuple[AnswerTable, int]:
    """Each recording once, by its first answer where it has one, and how many rows are left out."""
    order = np.argsort(~table.answered, kind="stable")
    ids = table.record_ids[order]
    _, first, group = np.unique(ids, return_index=True, return_inverse=True)
    kept = np.sort(order[first])
    if len(kept) == len(order):
        return table, 0
    _refuse_others(table, order, order[first][group])
    changes: dict[str, Any] = {}
    for one in fields(table):
        value = getattr(table, one.name)
        if isinstance(value, dict):
            changes[one.name] = {name: values[kept] for name, values in value.items()}
        elif value is not None:
            changes[one.name] = value[kept]
    return AnswerTable(**changes), len(table.record_ids) - len(kept)


def _refuse_others(table: AnswerTable, rows: AnyArray, kept: AnyArray) -> None:
    """Refuses answers of one record id that are of several recordings.

    The figures of a signal may differ by rounding from one machine to another.
    """
    doubled = rows != kept
    rows, kept = rows[doubled], kept[doubled]
    others = table.patient_ids[rows] != table.patient_ids[kept]
    for values in table.figures.values():
        one, other = values[rows], values[kept]
        apart = ~np.isclose(one, other, rtol=0.01, atol=1e-3) & ~np.isnan(one) & ~np.isnan(other)
        others |= apart.reshape(len(rows), -1).any(axis=1)
    # of what is not answered it is not known
    others &= table.answered[rows] & table.answered[kept]
    if others.any():
        names = sorted(set(table.record_ids[rows[others]].tolist()))
        raise DataError(
            f"{plural(len(names), 'record id')} of answers, {listed(names, 4)}, mean several "
            "recordings each: their patients or signals differ. Compare each site or dataset on "
            "its own; of a file that was corrected name its last answers alone."
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
