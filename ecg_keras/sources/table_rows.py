"""All rows of a labels table as a recipe's ``data.folder`` reads them; all problems at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecg_keras.config import Folder
from ecg_keras.errors import DataError, nearest
from ecg_keras.formats import count_recordings, find_kind, split_ending
from ecg_keras.sources.fields import parse_age
from ecg_keras.sources.label_columns import find_labels, list_present
from ecg_keras.sources.labels_table import name_columns, read_header, read_table
from ecg_keras.sources.table_columns import (
    name_parts,
    parse_rate,
    parse_row,
    read_files,
    read_folds,
    read_ids,
    read_patients,
    read_values,
    sex_parser,
)
from ecg_keras.sources.table_remarks import list_remarks
from ecg_keras.sources.table_text import find_line
from ecg_keras.text import plural

# lines of one message
MOST_LINES = 20


@dataclass(frozen=True)
class TableRows:
    """What a table says, an entry for each recording in the order of its rows."""

    numbers: Sequence[int]  # of the rows in the file, counted from 0 below the header
    files: Sequence[str]  # relative to the folder
    rows: Sequence[int | None]  # of arrays of many recordings
    kinds: Sequence[str | None]  # their formats, `None` where their ending does not show it
    ids: Sequence[str]
    patients: Sequence[str]
    labels: tuple[str, ...]  # the label set
    present: Sequence[tuple[str, ...]]  # of each recording
    ages: Sequence[float | None]
    sexes: Sequence[str | None]
    folds: Sequence[int | None]
    rates: Sequence[float | None]  # in Hz
    remarks: tuple[str, ...]  # sentences on how the table is read, for the user


def read_table_rows(path: Path, root: Path, settings: Folder) -> TableRows:
    """Reads a labels table; of what is wrong with it there is a line for each problem."""
    header = read_header(path)
    columns = find_columns(path, header, settings)
    text = {columns[key] for key in ("file", "record", "patient", "label_column") if key in columns}
    parts = name_parts(settings.file, header)
    text.update(parts)
    frame = read_table(path, text)
    problems: list[str] = []

    def attempt(read: Callable[..., Any], *args: Any) -> Any:
        # None where it failed, which is raised below before anything is made of it
        try:
            return read(*args)
        except DataError as error:
            problems.extend(str(error).splitlines())
            return None

    files = attempt(read_files, path, root, frame, settings.file)
    stems = [split_ending(file) for file in files or ()]
    kinds = [kind for _, kind in stems]
    if settings.array is not None:  # a .mat may be an array
        kinds = [find_kind(root / file, settings.array) for file in files or ()]
    rows: Any = None
    if parts or "row" in columns:
        rows = attempt(read_values, path, frame, columns.get("row"), parse_row)
    elif files is not None:
        rows = attempt(_count_rows, path, root / files[0], len(frame), settings)
    ids: Any = None
    if rows is not None and files is not None:
        ids = attempt(read_ids, path, frame, columns, _name_rows(stems, rows[0]))
    labels = attempt(find_labels, path, frame, settings, {*parts, *columns.values()})
    present: Any = attempt(list_present, path, frame, settings, labels) if labels else None
    names = ids or frame.index.astype(str).tolist()
    patients = attempt(read_patients, path, frame, columns.get("patient"), names)
    ages = attempt(read_values, path, frame, columns.get("age"), parse_age)
    sexes = attempt(read_values, path, frame, columns.get("sex"), sex_parser(columns.get("sex")))
    folds = attempt(read_folds, path, frame, columns.get("fold"))
    rates = attempt(read_values, path, frame, columns.get("sampling_rate"), parse_rate)
    if problems:
        raise DataError(_list_problems(path, problems))
    remarks = list_remarks(
        path,
        frame,
        settings,
        columns,
        labels=labels,
        present=present,
        ids=ids,
        patients=patients,
        unknown={"age": ages[1], "sex": sexes[1]},
    )
    return TableRows(
        frame.index.tolist(),
        files,
        rows[0],
        kinds,
        ids,
        patients,
        labels,
        present,
        ages[0],
        sexes[0],
        folds,
        rates[0],
        remarks,
    )


def _count_rows(
    path: Path, file: Path, recordings: int, settings: Folder
) -> tuple[list[int | None], Counter[str]]:
    """The rows of the one array that holds all recordings, in the order of the table."""
    advice = "Name the column that says which row a recording is, from 0, with data.folder.row."
    if find_kind(file, settings.array) != "array":
        raise DataError(
            f"{path}: data.folder.file is {file.name}, one file for all recordings, and no array. "
            f"Name the column that says the file of each{_name_it(file)}."
        )
    count = count_recordings(file, settings.array)
    if (count or 1) != recordings:
        raise DataError(
            f"{path}: has {plural(recordings, 'row')}, and {file.name} {count or 1:,}, so that "
            f"their order does not say which is which. {advice}"
        )
    return [None] if count is None else list(range(count)), Counter()


def _name_it(file: Path) -> str:
    return ", or an array of MATLAB's with data.folder.array" * (file.suffix.lower() == ".mat")


def _name_rows(stems: Sequence[tuple[str, str | None]], rows: Sequence[int | None]) -> list[str]:
    """What recordings are called without a column that says it."""
    return [
        stem if row is None else f"{stem}#{row}" for (stem, _), row in zip(stems, rows, strict=True)
    ]


def find_columns(path: Path, header: Sequence[str], settings: Folder) -> dict[str, str]:
    """The columns that are no labels by what they mean to `Folder`."""
    named: dict[str, str | None] = {
        key: getattr(settings, key)
        for key in ("file", "row", "record", "patient", "age", "sex", "fold", "label_column")
    }
    if isinstance(settings.sampling_rate, str):
        named["sampling_rate"] = settings.sampling_rate
    columns = {key: name for key, name in named.items() if name is not None}
    parts = name_parts(settings.file, header)
    if parts != (settings.file,):  # columns of which a pattern is made may mean something else
        del columns["file"]
    missing = [
        (key, name)
        for key, name in (*(("file", part) for part in parts), *columns.items())
        if name not in header
    ]
    if missing:
        raise DataError(
            "\n".join(
                _describe_missing(path, key, name, header) for key, name in dict.fromkeys(missing)
            )
        )
    labels = settings.labels if settings.label_column is None else None
    otherwise = {*columns, *settings.ignore, *(labels or ())}
    return columns | {
        key: key for key in ("age", "sex", "fold") if key in header and key not in otherwise
    }


def _describe_missing(path: Path, key: str, name: str, header: Sequence[str]) -> str:
    there = name_columns(header)
    message = f"{path}: there is no column {name!r}. {there}{nearest(name, header)}"
    line = None if path.suffix.lower() == ".parquet" else find_line(path, name)
    if line is not None:
        return (
            f"{message} Line {line} of the file has it: what is above is taken for the header. "
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
    # what says nothing of a recording may as well be left out
    settings = " or ".join(
        f"data.folder.ignore=[{key}]"
        for key in ("age", "sex")
        if any(f"column {key!r}: " in line for line in problems)
    )
    if settings:
        lines.append(f"{path}: leave columns out with --set {settings}.")
    return "\n".join(lines)
