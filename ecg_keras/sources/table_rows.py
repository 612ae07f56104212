"""All rows of a labels table as a recipe's ``data.folder`` reads them; all problems at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ecg_keras.config import Folder
from ecg_keras.errors import DataError, nearest
from ecg_keras.formats import split_ending
from ecg_keras.sources.fields import parse_age, parse_age_band, parse_sex
from ecg_keras.sources.label_columns import find_labels, list_present, read_names
from ecg_keras.sources.labels_table import (
    MOST_NAMED,
    MOST_SHOWN,
    join_names,
    name_columns,
    read_header,
    read_table,
    shorten,
)
from ecg_keras.sources.table_columns import (
    FOLDS,
    name_parts,
    parse_rate,
    parse_row,
    read_files,
    read_folds,
    read_ids,
    read_patients,
    read_values,
)
from ecg_keras.sources.table_text import CP1252, find_layout, find_line
from ecg_keras.text import plural

# lines of one message
MOST_LINES = 20
# a person with more recordings than this, and this many times what is usual, is perhaps nobody
MANY_RECORDINGS = 20
TIMES_USUAL = 10


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
    rows = attempt(read_values, path, frame, columns.get("row"), parse_row)
    ids: Any = None
    if rows is not None and files is not None:
        ids = attempt(read_ids, path, frame, columns, _name_rows(stems, rows[0]))
    labels = attempt(find_labels, path, frame, settings, {*parts, *columns.values()})
    present: Any = attempt(list_present, path, frame, settings, labels) if labels else None
    names = ids or frame.index.astype(str).tolist()
    patients = attempt(read_patients, path, frame, columns.get("patient"), names)
    ages = attempt(read_values, path, frame, columns.get("age"), parse_age)
    sexes = attempt(read_values, path, frame, columns.get("sex"), parse_sex)
    folds = attempt(read_folds, path, frame, columns.get("fold"))
    rates = attempt(read_values, path, frame, columns.get("sampling_rate"), parse_rate)
    if problems:
        raise DataError(_list_problems(path, problems))
    remarks = [
        _describe_columns(header, settings, columns, labels, _count_labels(labels, present, ids)),
        *_describe_patients(frame, columns.get("patient"), patients),
        *_describe_folds(frame, columns.get("fold")),
        *_describe_unused_folds(
            frame, {*parts, *columns.values(), *labels, *settings.ignore}, columns
        ),
        *_describe_unknown(columns.get("age"), "age", ages[1]),
        *_describe_unknown(columns.get("sex"), "sex", sexes[1]),
        *_describe_bands(frame, columns.get("age")),
        *_describe_reading(path, frame, settings),
    ]
    return TableRows(
        frame.index.tolist(),
        files,
        rows[0],
        [kind for _, kind in stems],
        ids,
        patients,
        labels,
        present,
        ages[0],
        sexes[0],
        folds,
        rates[0],
        tuple(f"{path}: {remark}" for remark in remarks),
    )


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


def _describe_columns(
    header: Sequence[str],
    settings: Folder,
    columns: Mapping[str, str],
    labels: Sequence[str],
    counted: str,
) -> str:
    """How the table is read: which column is what, and which are left aside.

    A column that was taken for a label by mistake is no error that could be found: it is shown.
    """
    column = columns.get("label_column")
    parts = name_parts(settings.file, header)
    used = {*parts, *columns.values(), *(labels if column is None else ())}
    aside = [name for name in header if name and name not in used]
    read = ", ".join(
        f"{key} from {name!r}"
        for key, name in {"file": settings.file, **columns}.items()
        if key != "label_column"
    )
    where = "" if column is None else f" from {column!r}"
    return (
        f"is read as {read}; labels{where}: {counted}. Left aside: "
        f"{join_names(aside) if aside else 'no column'}. data.folder can name others."
    )


def _count_labels(
    labels: Sequence[str], present: Sequence[tuple[str, ...]], ids: Sequence[str]
) -> str:
    """Each label with its recordings and the first of them; of very many the first."""
    counts: Counter[str] = Counter()
    first: dict[str, int] = {}
    rows = dict(zip(reversed(present), range(len(present) - 1, -1, -1), strict=True))
    for names, count in Counter(present).items():
        for name in names:
            counts[name] += count
            first[name] = min(first.get(name, len(ids)), rows[names])
    parts = [
        f"{shorten(label)} {counts[label]:,}"
        + (f" (such as {shorten(ids[first[label]])})" if counts[label] else "")
        for label in labels[:MOST_NAMED]
    ]
    more = f" and {len(labels) - MOST_NAMED:,} more" if len(labels) > MOST_NAMED else ""
    return f"{', '.join(parts)}{more}"


def _describe_patients(
    frame: pd.DataFrame, column: str | None, patients: Sequence[str]
) -> list[str]:
    """Whether persons are known: a warning for each reason to doubt it."""
    if column is None:
        return [
            "no column says which recordings are of one person (data.folder.patient is null), so "
            "each counts as another person's. If anyone has two recordings, one may be trained on "
            "and the other tested, and the scores flatter. Name the column with "
            "--set data.folder.patient=COLUMN, if there is one."
        ]
    # a patient is the text of the cell, unless that stands for nobody known
    nobody = Counter(
        text or "an empty cell"
        for text, patient in zip(frame[column], patients, strict=True)
        if text is not patient
    )
    remarks = []
    if nobody:
        remarks.append(
            f"column {column!r} names nobody for {plural(nobody.total(), 'recording')} "
            f"({_list_counts(nobody)}): each counts as another person's. If some are of one "
            "person, one may be trained on and another tested, and the scores flatter. Leave them "
            "out of the table where that matters."
        )
    counts = Counter(patients)
    usual = float(np.median(list(counts.values())))
    many = [
        f"{shorten(name)} {count:,}"
        for name, count in counts.most_common(MOST_SHOWN)
        if count > MANY_RECORDINGS and count > TIMES_USUAL * usual
    ]
    if many:
        remarks.append(
            f"column {column!r}: very many recordings are of one person: {', '.join(many)}; usual "
            f"are {usual:g}. If that is a word for nobody known, write unknown: it keeps all of "
            "them in one split."
        )
    return remarks


def _describe_unknown(column: str | None, key: str, unknown: Counter[str]) -> list[str]:
    """What a column of ages or sexes holds that means nothing known."""
    count = plural(unknown.total(), "recording")
    remark = f"column {column!r}: the {key} of {count} counts as unknown: {_list_counts(unknown)}."
    return [remark] * bool(unknown)


def _describe_folds(frame: pd.DataFrame, column: str | None) -> list[str]:
    counts = _count_texts(frame, column, str.lower)
    named = [f"{name} as fold {FOLDS[name]} ({n:,})" for name, n in counts.items() if name in FOLDS]
    return [f"column {column!r} counts {', '.join(named)}."] * bool(named)


def _describe_unused_folds(
    frame: pd.DataFrame, used: Collection[str], columns: Mapping[str, str]
) -> list[str]:
    """A column that seems to say who is tested, while no column is taken for that."""
    for name in () if "fold" in columns else frame:
        if name in used or str(frame[name].iloc[0]).strip().lower() not in FOLDS:
            continue
        counts = _count_texts(frame, name, str.lower)
        if len(counts) > 1 and counts.keys() <= FOLDS.keys():
            return [
                f"column {name!r} holds {_list_counts(counts)}, and is not used: recordings are "
                "split by patient instead. To train and test as the column says, set "
                f"data.folder.fold={name}."
            ]
    return []


def _describe_bands(frame: pd.DataFrame, column: str | None) -> list[str]:
    """Ages that are known to a band of years, and what one of them is read as."""
    counts = _count_texts(frame, column)
    middles = {text: middle for text in counts if (middle := parse_age_band(text)) is not None}
    if not middles:
        return []
    first, middle = next(iter(middles.items()))
    count = plural(sum(counts[text] for text in middles), "recording")
    return [
        f"column {column!r}: the age of {count} is a band of years, read as its middle, such as "
        f"{first!r:.40} as {middle:g}."
    ]


def _describe_reading(path: Path, frame: pd.DataFrame, settings: Folder) -> list[str]:
    remarks = []
    if settings.label_column is not None:
        _, _, found = read_names(path, frame[settings.label_column], settings)
        remarks += [f"{remark}." for remark in found]
    if path.suffix.lower() == ".csv" and find_layout(path).encoding == CP1252:
        remarks.append(
            "is not UTF-8, and is read as Windows-1252. Where letters are wrong, save it as CSV "
            "with UTF-8."
        )
    return remarks


def _count_texts(
    frame: pd.DataFrame, column: str | None, normalise: Callable[[str], str] = str
) -> Counter[str]:
    """How often each text of a column occurs; none of a column of numbers."""
    if column is None or frame[column].dtype != object:
        return Counter()
    return Counter(normalise(text) for text in frame[column].astype(str).str.strip())


def _list_counts(counts: Counter[str]) -> str:
    """Words with their counts, the commonest first."""
    more = len(counts) - MOST_SHOWN
    shown = ", ".join(f"{word!r:.40} {count:,}" for word, count in counts.most_common(MOST_SHOWN))
    return f"{shown} and {more} more" if more > 0 else shown
