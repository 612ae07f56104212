"""The answers that `monitor` looks at: of files and of shards, each recording once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from ecg_keras import data, prediction
from ecg_keras.array_types import AnyArray, Float32Array
from ecg_keras.data import Dataset, LeftOut
from ecg_keras.errors import DataError, listed
from ecg_keras.prediction import Answer, AnswerTable, OnProgress
from ecg_keras.text import plural
from ecg_keras.training import Run


def unanswerable(dataset: Dataset) -> list[LeftOut]:
    """What is in no shard because no network could be asked about it: not what has no label."""
    return [*dataset.quarantined, *(one for one in dataset.dropped if one.seconds is not None)]


def gather(
    run: Run, dataset: Dataset, places: list[Path], time: str, on_progress: OnProgress | None
) -> tuple[AnswerTable, int]:
    """The answers in files and those about shards, and how many more about a recording are left
    out."""
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
            for one in unanswerable(data.read_dataset(place / "dataset.json"))
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
    return _keep_one(_join(tables))


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
        windows=np.concatenate([windows_of(one) for one in tables]),
    )


def windows_of(table: AnswerTable) -> Float32Array:
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
