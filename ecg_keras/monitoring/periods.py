"""What is known of recordings beside their answers: truth, patients, times, and their periods."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras import data
from ecg_keras.array_types import Float64Array, TextArray
from ecg_keras.errors import DataError, listed
from ecg_keras.prediction import AnswerTable
from ecg_keras.sources import is_blank, name_rows, read_flags, read_header, read_table
from ecg_keras.text import plural

# columns of the ids of recordings, the first that is there
IDS = ("record_id", "file")
TARGET = "target_"
KINDS = (".csv", ".parquet")
DATE = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?!\d)")
PERIODS: Mapping[str, Any] = {
    "year": lambda day: f"{day.year}",
    "quarter": lambda day: f"{day.year}-Q{(day.month + 2) // 3}",
    "month": lambda day: f"{day.year}-{day.month:02}",
    "week": lambda day: "{}-W{:02}".format(*day.isocalendar()),
    "day": lambda day: day.isoformat(),
}


@dataclass(frozen=True, eq=False)
class Truth:
    """What came later: a row for each recording of a table."""

    place: Path
    record_ids: TextArray
    targets: Float64Array | None  # (records, labels), NaN where it is not known
    patients: TextArray | None
    times: TextArray | None


def read_known(place: Path, labels: Sequence[str], time: str) -> Truth:
    """The truth, patients and times in a table, or the truth in a folder of shards."""
    if (place / "dataset.json").is_file():
        return _read_shards(place, labels)
    if place.suffix.lower() not in KINDS or not place.is_file():
        raise DataError(
            f"{place}: labels are a table, {' or '.join(KINDS)}, with the columns record_id and a "
            "label each, or a folder of shards. There is none."
        )
    header = read_header(place)
    key = next((name for name in IDS if name in header), None)
    columns = [next((n for n in (one, TARGET + one) if n in header), None) for one in labels]
    given = [name for name in columns if name is not None]
    if key is None or not (given or time in header):
        raise DataError(
            f"{place}: labels need the column {IDS[0]}, and one of each label "
            f"({listed(list(labels), 8)}) with 0 and 1, or a column {time!r} of dates. It has: "
            f"{listed(header, 12)}."
        )
    if given and len(given) < len(labels):
        lacking = [one for one, name in zip(labels, columns, strict=True) if name is None]
        raise DataError(
            f"{place}: lacks labels of the network: {listed(lacking, 8)}. Of a label that nobody "
            "knows leave the cells empty."
        )
    texts = [name for name in (key, "patient_id", time) if name in header]
    frame = read_table(place, texts)
    named = {name: frame[name].to_numpy(dtype=np.str_) for name in texts}
    targets = [_read_column(place, frame[name]) for name in given]
    return Truth(
        place,
        named[key],
        np.stack(targets, axis=1) if targets else None,
        named.get("patient_id"),
        named.get(time),
    )


def _read_column(place: Path, column: Any) -> Float64Array:
    flags, neither = read_flags(column, named=True)
    unknown = is_blank(column)
    wrong = neither & ~unknown
    if wrong.any():
        raise DataError(
            f"{place}: {name_rows(column.index[wrong])}: column {column.name!r} must be 0 or 1, or "
            f"empty where nobody knows. Received: {column[wrong].iloc[0]!r:.40}."
        )
    return np.where(unknown, np.nan, flags.astype(np.float64))


def _read_shards(place: Path, labels: Sequence[str]) -> Truth:
    dataset = data.describe(place)
    if dataset.labels != tuple(labels):
        raise DataError(
            f"{place}: its labels are {listed(list(dataset.labels), 8)}, and the network's are "
            f"{listed(list(labels), 8)}."
        )
    ids, patients, targets = [], [], [np.empty((0, len(labels)))]
    for split, summary in dataset.splits.items():
        if summary.records:
            wanted = ("target", "record_id", "patient_id")
            for batch in data.batches(place, dataset, split, wanted):
                ids += batch["record_id"].tolist()
                patients += batch["patient_id"].tolist()
                targets.append(batch["target"])
    return Truth(
        place,
        np.array(ids, dtype=np.str_),
        np.concatenate(targets).astype(np.float64),
        np.array(patients, dtype=np.str_),
        None,
    )


def join(received: AnswerTable, known: Truth) -> tuple[AnswerTable, Float64Array | None, str]:
    """Answers with the patients and times of a table, their truth, and what is to be said of it."""
    rows = _find_rows(received.record_ids, known)
    there = rows >= 0

    def take(values: TextArray | None, otherwise: Any) -> Any:
        """Texts of the table where there are some."""
        if values is None:
            return otherwise
        return np.where(there & (values[rows] != ""), values[rows], otherwise)

    targets = None
    if known.targets is not None:
        targets = np.where(there[:, None], known.targets[rows], np.nan)
    nothing = np.full(len(rows), "") if received.times is None else received.times
    joined = replace(
        received,
        patient_ids=take(known.patients, received.patient_ids),
        times=received.times if known.times is None else take(known.times, nothing),
    )
    absent = int(np.count_nonzero(~there))
    remark = f"{known.place}: has no row for {plural(absent, 'recording')}" if absent else ""
    return joined, targets, remark


def _find_rows(record_ids: TextArray, known: Truth) -> npt.NDArray[np.intp]:
    """The row of each recording, -1 where there is none; by the names of files where no id is."""
    for what in (str, lambda name: Path(name).name, lambda name: Path(name).stem):
        names = [what(one) for one in known.record_ids.tolist()]
        places = dict(zip(names, range(len(names)), strict=True))
        wanted = [what(one) for one in record_ids.tolist()]
        rows = np.array([places.get(one, -1) for one in wanted], dtype=np.intp)
        if (rows >= 0).any():
            twice = len(places) < len(names) or len(set(wanted)) < len(wanted)
            if twice and what is not str:
                break
            if len(places) < len(names):
                name = next(one for one, times in Counter(names).items() if times > 1)
                raise DataError(f"{known.place}: {name!r} is there twice. Leave one row.")
            return rows
    examples = [*record_ids[:1].tolist(), *known.record_ids[:1].tolist()]
    raise DataError(
        f"{known.place}: no record_id is that of an answer: answers are of {examples[0]!r} and "
        f"others, the table of {examples[-1]!r}. Write them as they are in the answers."
    )


def name_periods(times: TextArray, by: str) -> TextArray:
    """The period of each time, empty where a time is."""
    names = {}
    for text in np.unique(times).tolist():
        found = DATE.match(text.strip())
        if text.strip() and found is None:
            raise DataError(
                f"a time must begin with a date, such as 2026-03-31. Received: {text!r:.40}."
            )
        try:
            names[text] = PERIODS[by](date(*map(int, found.groups()))) if found else ""
        except ValueError as error:
            raise DataError(f"{text!r:.40} is no date: {error}.") from error
    return np.array([names[text] for text in times.tolist()], dtype=np.str_)
