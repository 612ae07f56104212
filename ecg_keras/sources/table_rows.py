"""All rows of a labels table as a recipe's ``data.folder`` reads them; all problems at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ecg_keras.config import Folder
from ecg_keras.errors import DataError, nearest
from ecg_keras.formats import split_ending
from ecg_keras.sources.fields import parse_age, parse_age_band, parse_sex
from ecg_keras.sources.label_columns import find_labels, list_present, read_names
from ecg_keras.sources.labels_table import name_columns, read_header, read_table
from ecg_keras.sources.table_columns import (
    FOLDS,
    parse_rate,
    read_files,
    read_folds,
    read_ids,
    read_patients,
    read_values,
)
from ecg_keras.sources.table_remarks import (
    count_labels,
    describe_bands,
    describe_columns,
    describe_patients,
    describe_unknown,
)
from ecg_keras.sources.table_text import CP1252, find_layout, find_line

# lines of one message
MOST_LINES = 20


@dataclass(frozen=True)
class TableRows:
    """What a table says, an entry for each recording in the order of its rows.

    Attributes:
        numbers: of the rows in the file, counted from 0 below the header.
        files: relative to the folder.
        kinds: their formats, ``None`` where their ending does not tell.
        ids: of the recordings.
        patients: of whom they are.
        labels: the label set.
        present: the labels of each.
        ages: in years, or ``None``.
        sexes: as in `RecordInfo`.
        folds: official ones, or ``None``.
        rates: in Hz, or ``None``.
        remarks: sentences on what was understood, for the user.
    """

    numbers: Sequence[int]
    files: Sequence[str]
    kinds: Sequence[str | None]
    ids: Sequence[str]
    patients: Sequence[str]
    labels: tuple[str, ...]
    present: Sequence[tuple[str, ...]]
    ages: Sequence[float | None]
    sexes: Sequence[str | None]
    folds: Sequence[int | None]
    rates: Sequence[float | None]
    remarks: tuple[str, ...]


def read_table_rows(path: Path, root: Path, settings: Folder) -> TableRows:
    """Reads a labels table.

    Args:
        path: from `labels_table.find_table`.
        root: the folder with the recordings.
        settings: the recipe's ``data.folder``.

    Raises:
        DataError: a column is missing; or rows are wrong: a line for each problem, of very many the
            first.
    """
    header = read_header(path)
    columns = find_columns(path, header, settings)
    text = {columns[key] for key in ("file", "record", "patient", "label_column") if key in columns}
    frame = read_table(path, text)
    problems: list[str] = []

    def attempt(read: Callable[..., Any], *args: Any) -> Any:
        # None where it failed, which is raised below before anything is made of it
        try:
            return read(*args)
        except DataError as error:
            problems.extend(str(error).splitlines())
            return None

    files = attempt(read_files, path, root, frame[columns["file"]])
    stems = [split_ending(file) for file in files or ()]
    ids: Any = None
    if files is not None:
        ids = attempt(read_ids, path, frame, columns, [stem for stem, _ in stems])
    labels = attempt(find_labels, path, frame, settings, columns.values())
    present: Any = attempt(list_present, path, frame, settings, labels) if labels else None
    who = columns.get("patient")
    names = ids or frame.index.astype(str).tolist()
    patients = names if who is None else attempt(read_patients, path, frame, who, names)
    ages = attempt(read_values, path, frame, columns.get("age"), parse_age)
    sexes = attempt(read_values, path, frame, columns.get("sex"), parse_sex)
    folds = attempt(read_folds, path, frame, columns.get("fold"))
    rates = attempt(read_values, path, frame, columns.get("sampling_rate"), parse_rate)
    if problems:
        raise DataError(_list_problems(path, problems))
    remarks = [
        describe_columns(path, header, columns, labels, count_labels(labels, present, ids)),
        *describe_patients(path, who, patients, _nobodies(frame, who, patients)),
        *_describe_folds(path, frame, columns.get("fold")),
        *(
            remark
            for key, (_, unknown) in (("age", ages), ("sex", sexes))
            for remark in describe_unknown(path, columns.get(key, key), key, unknown)
        ),
        *_describe_bands(path, frame, columns.get("age")),
        *_describe_reading(path, frame, settings),
    ]
    return TableRows(
        frame.index.tolist(),
        files,
        [kind for _, kind in stems],
        ids,
        patients,
        labels,
        present,
        ages[0],
        sexes[0],
        folds,
        rates[0],
        tuple(remarks),
    )


def find_columns(path: Path, header: Sequence[str], settings: Folder) -> dict[str, str]:
    """The columns that are no labels by what they mean to `Folder`.

    Raises:
        DataError: one that the settings name is not there: a line for each.
    """
    named: dict[str, str | None] = {
        key: getattr(settings, key)
        for key in ("file", "record", "patient", "age", "sex", "fold", "label_column")
    }
    if isinstance(settings.sampling_rate, str):
        named["sampling_rate"] = settings.sampling_rate
    columns = {key: name for key, name in named.items() if name is not None}
    missing = {key: name for key, name in columns.items() if name not in header}
    if missing:
        raise DataError(
            "\n".join(_say_missing(path, key, name, header) for key, name in missing.items())
        )
    labels = settings.labels if settings.label_column is None else None
    otherwise = {*columns, *settings.ignore, *(labels or ())}
    return columns | {
        key: key for key in ("age", "sex", "fold") if key in header and key not in otherwise
    }


def _say_missing(path: Path, key: str, name: str, header: Sequence[str]) -> str:
    there = name_columns(header)
    message = f"{path}: there is no column {name!r}. {there}{nearest(name, header)}"
    line = None if path.suffix.lower() == ".parquet" else find_line(path, name)
    if line is not None:
        return (
            f"{message} Line {line} of the file has it: what stands above is taken for the header. "
            f"Delete the lines above line {line}, such as a title."
        )
    if key != "patient":
        return f"{message} Name the column with data.folder.{key}."
    return (
        f"{message} Name the column that is equal for all recordings of one person with "
        "data.folder.patient. Without it a person's recordings may be trained on and tested, and "
        "the scores flatter: only where each recording is of another person, set "
        "data.folder.patient to null."
    )


def _list_problems(path: Path, problems: Sequence[str]) -> str:
    more = len(problems) - MOST_LINES
    lines = [*problems[:MOST_LINES], *[f"{path}: and {more} problems more."] * (more > 0)]
    # what says nothing of a recording may as well not be read
    ways = " or ".join(
        f"data.folder.ignore=[{key}]"
        for key in ("age", "sex")
        if any(f"column {key!r}: " in line for line in problems)
    )
    return "\n".join([*lines, *[f"{path}: leave columns out with --set {ways}."] * bool(ways)])


def _nobodies(frame: pd.DataFrame, who: str | None, patients: Sequence[str]) -> Counter[str]:
    """The words that stand for nobody known, with their counts."""
    if who is None:
        return Counter()
    return Counter(
        text or "an empty cell"
        for text, patient in zip(frame[who], patients, strict=True)
        if text is not patient
    )


def _describe_folds(path: Path, frame: pd.DataFrame, column: str | None) -> list[str]:
    if column is None or frame[column].dtype != object:
        return []
    counts = Counter(frame[column].astype(str).str.strip().str.lower())
    named = [f"{name} as fold {FOLDS[name]} ({n:,})" for name, n in counts.items() if name in FOLDS]
    return [f"{path}: column {column!r} counts {', '.join(named)}."] * bool(named)


def _describe_bands(path: Path, frame: pd.DataFrame, column: str | None) -> list[str]:
    if column is None or frame[column].dtype != object:
        return []
    counts = Counter(frame[column].astype(str).str.strip())
    middles = {text: parse_age_band(text) for text in counts}
    found = {text: (counts[text], one) for text, one in middles.items() if one is not None}
    return describe_bands(path, column, found)


def _describe_reading(path: Path, frame: pd.DataFrame, settings: Folder) -> list[str]:
    remarks = []
    if settings.label_column is not None:
        _, _, found = read_names(path, frame[settings.label_column], settings)
        remarks += [f"{path}: {remark}." for remark in found]
    if path.suffix.lower() == ".csv" and find_layout(path).encoding == CP1252:
        remarks.append(
            f"{path}: is not UTF-8, and is read as Windows-1252. Where letters are wrong, save it "
            "as CSV with UTF-8."
        )
    return remarks
