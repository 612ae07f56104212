"""Columns of 0 and 1, or of two words for absent and present, as labels are written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ecg_keras.sources.fields import PLACEHOLDERS
from ecg_keras.sources.labels_table import name_rows, shorten_list

# words for absent and present; a column keeps to one pair of them
FLAGS = {
    word: flag
    for flag, words in enumerate((("0", "0.0", "0,0", "false"), ("1", "1.0", "1,0", "true")))
    for word in words
}
WORDS = (
    ("no", "yes"), ("n", "y"), ("nein", "ja"), ("n", "j"), ("nee", "ja"), ("non", "oui"),
    ("nej", "ja"), ("nei", "ja"), ("não", "sim"), ("nao", "sim"), ("nie", "tak"), ("нет", "да"),
    ("否", "是"), ("falso", "verdadero"), ("falso", "verdadeiro"), ("falso", "vero"),
    ("no", "si"), ("no", "sí"), ("falsch", "wahr"), ("faux", "vrai"), ("f", "t"),
    ("absent", "present"), ("negative", "positive"), ("neg", "pos"),
)  # fmt: skip
VOCABULARIES: tuple[Mapping[str, int], ...] = (FLAGS, *({no: 0, yes: 1} for no, yes in WORDS))
NEITHER = -1


def read_flags(
    column: pd.Series, *, named: bool
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.bool_]]:
    """Whether each row has the label, as 0 or 1.

    Args:
        column: of the table.
        named: whether the recipe says that it is a label; otherwise it is none where it holds one
            word of a pair alone.

    Returns:
        The flags, and where the column says neither.

    Example:
        >>> [part.tolist() for part in read_flags(pd.Series(["yes", "No", "?"]), named=False)]
        [[1, 0, 0], [False, False, True]]
    """
    if pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return (values == 1).astype(np.int8), (values != 0) & (values != 1)
    try:
        numbers, texts = pd.factorize(column)
    except TypeError:  # lists and other things that a Parquet file may hold
        return np.zeros(len(column), dtype=np.int8), np.ones(len(column), dtype=np.bool_)
    words = [str(text).strip().lower() for text in texts]
    rows = np.bincount(numbers[numbers >= 0], minlength=len(words))
    best: Mapping[str, int] = FLAGS
    most = -1
    for vocabulary in VOCABULARIES:
        both = vocabulary is FLAGS or named or vocabulary.keys() <= set(words)
        known = sum(int(rows[n]) for n, word in enumerate(words) if word in vocabulary) * both
        if known > most:
            best, most = vocabulary, known
    meanings = np.array([*(best.get(word, NEITHER) for word in words), NEITHER], dtype=np.int8)
    flags = meanings[numbers]
    return (flags == 1).astype(np.int8), flags == NEITHER


def is_blank(column: pd.Series) -> npt.NDArray[np.bool_]:
    """Where a column holds nothing, or what is written instead.

    Example:
        >>> is_blank(pd.Series(["yes", "", "NaN"])).tolist()
        [False, True, True]
    """
    if pd.api.types.is_numeric_dtype(column):
        missing: npt.NDArray[np.bool_] = column.isna().to_numpy()
        return missing
    try:
        numbers, texts = pd.factorize(column)
    except TypeError:
        return np.zeros(len(column), dtype=np.bool_)
    blank = [str(text).strip().lower() in PLACEHOLDERS for text in texts]
    flags: npt.NDArray[np.bool_] = np.array([*blank, True])[numbers]
    return flags


def say_wrong(path: Path, column: pd.Series, wrong: npt.NDArray[np.bool_]) -> list[str]:
    """A line for what a column of labels lacks, and for each other value that it holds.

    Args:
        path: of the table.
        column: of it.
        wrong: from `read_flags`.
    """
    if not wrong.any():
        return []
    name, advice = column.name, "name those that are: data.folder.labels"
    advice = f"If {name!r} is no label, leave it out with data.folder.ignore, or {advice}."
    blank = is_blank(column) & wrong
    problems = []
    if blank.any():
        problems.append(
            f"{path}: {name_rows(column.index[blank])}: column {name!r} is empty. A label is 0 or "
            "1: what is not known can't be trained on. Fill it in, or leave the row out. "
            f"{advice}"
        )
    others = column[wrong & ~blank].map(_show)
    values = [
        f"{path}: {name_rows(rows)}: column {name!r} holds {value}, and a label is 0 or 1. Correct "
        f"it. {advice}"
        for value, rows in others.groupby(others, sort=False).groups.items()
    ]
    return problems + shorten_list(values, f"{path}: column {name!r}")


def _show(value: object) -> str:
    return f"{value!r:.80}" if isinstance(value, str) else f"{value!s:.80}"
