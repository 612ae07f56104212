"""What is said of a labels table before its recordings are read: what was understood, and how.

A column that was taken for a label by mistake, or a label that was not, is no error that could be
found; nor is a person whose name stands for many. So they are said, with counts and examples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ecg_keras.sources.labels_table import MOST_NAMED, MOST_SAID, join_names, shorten

# a person with more recordings than this, and so many times what is usual, is perhaps nobody
MANY_RECORDINGS = 20
TIMES_USUAL = 10


def describe_columns(
    path: Path,
    header: Sequence[str],
    columns: Mapping[str, str],
    labels: Sequence[str],
    counted: str,
) -> str:
    """How the table is read: which column is what, and which are left aside.

    Args:
        path: of the table.
        header: its columns.
        columns: by what they mean to ``data.folder``.
        labels: columns of labels, or the names in the one column.
        counted: from `count_labels`.
    """
    others = {key: name for key, name in columns.items() if key != "label_column"}
    column = columns.get("label_column")
    used = {*columns.values(), *(labels if column is None else ())}
    aside = [name for name in header if name and name not in used]
    told = ", ".join(f"{key} from {name!r}" for key, name in others.items())
    where = "" if column is None else f" from {column!r}"
    return (
        f"{path}: is read as {told}; labels{where}: {counted}. Left aside: "
        f"{join_names(aside) if aside else 'no column'}. data.folder can name others."
    )


def count_labels(
    labels: Sequence[str], present: Sequence[tuple[str, ...]], ids: Sequence[str]
) -> str:
    """Each label with its recordings and the first of them; of very many the first.

    Example:
        >>> count_labels(["AF", "SR"], [("AF",), (), ("AF",)], ["r1", "r2", "r3"])
        'AF 2 (such as r1), SR 0'
    """
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


def describe_patients(
    path: Path, column: str | None, patients: Sequence[str], unknown: Counter[str]
) -> list[str]:
    """Whether persons can be told apart: a warning for each reason to doubt it.

    Args:
        path: of the table.
        column: with the persons; ``None`` where the table has none.
        patients: of each recording.
        unknown: how often each word stands there for nobody known.
    """
    if column is None:
        return [
            f"{path}: no column says which recordings are of one person (data.folder.patient "
            "is null), so each counts as another person's. If anyone has two recordings, one "
            "may be trained on and the other tested, and the scores flatter. Name the column "
            "with --set data.folder.patient=COLUMN, if there is one."
        ]
    remarks = []
    if unknown:
        remarks.append(
            f"{path}: column {column!r} names nobody for {_count(unknown)} "
            f"({list_counts(unknown)}): each counts as another person's. If some are of one "
            "person, one may be trained on and another tested, and the scores flatter. Leave them "
            "out of the table where that matters."
        )
    counts = Counter(patients)
    usual = float(np.median(list(counts.values())))
    many = [
        f"{shorten(name)} {count:,}"
        for name, count in counts.most_common(MOST_SAID)
        if count > MANY_RECORDINGS and count > TIMES_USUAL * usual
    ]
    if many:
        remarks.append(
            f"{path}: column {column!r}: very many recordings are of one person: "
            f"{', '.join(many)}; usual are {usual:g}. If that is a word for nobody known, write "
            "unknown: it keeps all of them in one split."
        )
    return remarks


def describe_unknown(path: Path, column: str, key: str, unknown: Counter[str]) -> list[str]:
    """What stands in a column of ages or sexes, and means nothing known.

    Example:
        >>> describe_unknown(Path("t.csv"), "years", "age", Counter({"300": 4, ">89": 1}))
        ["t.csv: column 'years': the age of 5 recordings counts as unknown: '300' 4, '>89' 1."]
    """
    if not unknown:
        return []
    return [
        f"{path}: column {column!r}: the {key} of {_count(unknown)} counts as unknown: "
        f"{list_counts(unknown)}."
    ]


def describe_bands(path: Path, column: str, bands: Mapping[str, tuple[int, float]]) -> list[str]:
    """Ages that are known to a band of years, and what each is read as.

    Args:
        path: of the table.
        column: of the ages.
        bands: by their text, how many recordings have it and what it was read as.

    """
    if not bands:
        return []
    first, (_, middle) = next(iter(bands.items()))
    total = _count(Counter({text: count for text, (count, _) in bands.items()}))
    return [
        f"{path}: column {column!r}: the age of {total} is a band of years, read as its middle, "
        f"such as {first!r:.40} as {middle:g}."
    ]


def _count(counts: Counter[str]) -> str:
    total = sum(counts.values())
    return f"{total:,} recording{'s' * (total != 1)}"


def list_counts(counts: Counter[str]) -> str:
    """Words with their counts, the commonest first.

    Example:
        >>> list_counts(Counter({"NA": 2, "-": 1}))
        "'NA' 2, '-' 1"
    """
    more = len(counts) - MOST_SAID
    shown = ", ".join(f"{word!r:.40} {count:,}" for word, count in counts.most_common(MOST_SAID))
    return f"{shown} and {more} more" if more > 0 else shown
