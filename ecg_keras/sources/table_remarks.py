"""How a labels table was read, in sentences for the user: a wrong choice of column is no error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ecg_keras.config import Folder
from ecg_keras.errors import listed
from ecg_keras.sources.fields import parse_age_band
from ecg_keras.sources.label_columns import read_names
from ecg_keras.sources.labels_table import MOST_NAMED, MOST_SHOWN, join_names, shorten
from ecg_keras.sources.table_columns import FOLDS, name_parts
from ecg_keras.sources.table_text import CP1252, find_layout
from ecg_keras.text import plural

# a person with more recordings than this, and this many times what is usual, is perhaps nobody
MANY_RECORDINGS = 20
TIMES_USUAL = 10


def list_remarks(
    path: Path,
    frame: pd.DataFrame,
    settings: Folder,
    columns: Mapping[str, str],
    *,
    labels: Sequence[str],
    present: Sequence[tuple[str, ...]],
    ids: Sequence[str],
    patients: Sequence[str],
    unknown: Mapping[str, Counter[str]],
) -> tuple[str, ...]:
    """Which column is what, and each reason to doubt that, a sentence or two each.

    `columns` are those that are no labels, by what they mean; `unknown` counts, of ages and sexes,
    the cells that mean nothing known. The others have an entry for each recording, but `labels`.
    """
    parts = name_parts(settings.file, frame.columns)
    used = {*parts, *columns.values(), *labels, *settings.ignore}
    remarks: list[str] = [
        _describe_columns(frame, settings, columns, labels, _count_labels(labels, present, ids)),
        *_describe_patients(frame, columns.get("patient"), patients),
        *_describe_folds(frame, columns.get("fold")),
        *([] if "fold" in columns else _describe_unused_folds(frame, used)),
        *_describe_unknown(columns, unknown),
        *_describe_bands(frame, columns.get("age")),
        *_describe_reading(path, frame, settings),
    ]
    return tuple(f"{path}: {remark}" for remark in remarks)


def _describe_columns(
    frame: pd.DataFrame,
    settings: Folder,
    columns: Mapping[str, str],
    labels: Sequence[str],
    counted: str,
) -> str:
    """How the table is read: which column is what, and which are left aside.

    A column that was taken for a label by mistake is no error that could be found: it is shown.
    """
    column = columns.get("label_column")
    parts = name_parts(settings.file, frame.columns)
    used = {*parts, *columns.values(), *(labels if column is None else ())}
    aside = [name for name in frame if name not in used]
    read = ", ".join(
        f"{key} from {name!r}"
        for key, name in {"file": settings.file, **columns}.items()
        if key != "label_column"
    )
    if not parts and "row" not in columns:
        read += ", row from their order in the table"
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
        if text != patient
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


def _describe_unknown(columns: Mapping[str, str], unknown: Mapping[str, Counter[str]]) -> list[str]:
    """What columns of ages and sexes hold that means nothing known."""
    return [
        f"column {columns[key]!r}: the {key} of {plural(cells.total(), 'recording')} counts as "
        f"unknown: {_list_counts(cells)}."
        for key, cells in unknown.items()
        if cells
    ]


def _describe_folds(frame: pd.DataFrame, column: str | None) -> list[str]:
    counts = _count_texts(frame, column, str.lower)
    named = [f"{name} as fold {FOLDS[name]} ({n:,})" for name, n in counts.items() if name in FOLDS]
    return [f"column {column!r} counts {', '.join(named)}."] * bool(named)


def _describe_unused_folds(frame: pd.DataFrame, used: Collection[str]) -> list[str]:
    """A column that seems to say who is tested, where no column is taken for that."""
    for name in frame:
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
    return listed([f"{word!r:.40} {count:,}" for word, count in counts.most_common()], MOST_SHOWN)
