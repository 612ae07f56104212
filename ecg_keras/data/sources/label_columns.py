"""What a labels table says of each recording: columns of 0 and 1, or names in one column."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ecg_keras.config import Folder
from ecg_keras.data.sources.labels_table import name_columns, name_row
from ecg_keras.errors import DataError, nearest

FLAGS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}
NEITHER = -1
# so many names in one column are free text
MOST_NAMES = 200


def find_labels(
    path: Path, frame: pd.DataFrame, settings: Folder, used: Collection[str]
) -> tuple[str, ...]:
    """The labels of a table.

    Args:
        path: of the table, for messages.
        frame: from `labels_table.read_table`.
        settings: the recipe's ``data.folder``.
        used: columns that say something else, such as the file.

    Returns:
        ``settings.labels``, or what the table has: of 0/1 columns those that hold nothing else, in
        the table's order; of names in one column all of them, sorted.

    Raises:
        DataError: a label is not there, there is none, or a column is neither surely a label nor
            surely none.
    """
    if settings.label_column is not None:
        labels = _find_names(path, frame[settings.label_column], settings)
    elif settings.labels is not None:
        missing = [name for name in settings.labels if name not in frame]
        if missing:
            raise DataError(
                f"{path}: no column for the label {missing[0]!r}. {name_columns(frame)}"
                f"{nearest(missing[0], list(frame))}"
            )
        labels = settings.labels
    else:
        others = [name for name in frame if name not in used]
        labels = tuple(name for name in others if _is_label(path, frame[name]))
        if not labels:
            raise DataError(
                f"{path}: no column of 0 and 1 for a label. {name_columns(frame)} Give each label "
                "such a column, or name the one with the labels' names: data.folder.label_column."
            )
    small = [label.lower() for label in labels]
    alike = [label for label in labels if small.count(label.lower()) > 1]
    if alike:
        raise DataError(
            f"{path}: the labels {', '.join(alike)} differ only in case. Make them one."
        )
    return labels


def list_present(
    path: Path, frame: pd.DataFrame, settings: Folder, labels: Sequence[str]
) -> list[tuple[str, ...]]:
    """The labels of each row, in the order of ``labels``.

    Raises:
        DataError: a label is neither 0 nor 1.
    """
    if settings.label_column is not None:
        numbers, texts = pd.factorize(frame[settings.label_column])
        known = [_split(text, settings.separator) for text in texts]
        present = [tuple(label for label in labels if label in names) for names in known]
        return [present[number] for number in numbers]
    flags = np.empty((len(frame), len(labels)), dtype=np.int8)
    for column, label in enumerate(labels):
        flags[:, column] = _read_flags(frame[label])
        wrong = flags[:, column] == NEITHER
        if wrong.any():
            raise DataError(_say_wrong(path, frame[label], int(wrong.argmax())))
    # few of all combinations occur: each is spelled out once
    width = (len(labels) + 7) // 8
    combinations = np.packbits(flags, axis=1).reshape(-1).view(f"V{width}").tolist()
    spelled = {one: _spell(one, labels) for one in set(combinations)}
    return [spelled[one] for one in combinations]


def _spell(combination: bytes, labels: Sequence[str]) -> tuple[str, ...]:
    flags = np.unpackbits(np.frombuffer(combination, dtype=np.uint8)).tolist()
    return tuple(label for label, flag in zip(labels, flags, strict=False) if flag)


def _is_label(path: Path, column: pd.Series) -> bool:
    """Whether a column nobody named is a label; one that is mostly, not wholly, 0 and 1 is wrong.

    A count of visits has zeros and ones too, and a label may have a slip of the pen: where it can't
    be told, the user must say.
    """
    wrong = _read_flags(column) == NEITHER
    right = len(column) - int(wrong.sum())
    if right == len(column):
        return True
    filled = sum(_is_filled(column))
    if 2 * right < filled or not filled:
        return False
    raise DataError(_say_wrong(path, column, int(wrong.argmax())))


def _read_flags(column: pd.Series) -> npt.NDArray[np.int8]:
    """0, 1, or `NEITHER`."""
    if pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return np.where(values == 1, 1, np.where(values == 0, 0, NEITHER)).astype(np.int8)
    try:
        numbers, values = pd.factorize(column)
    except TypeError:  # lists and other things that a Parquet file may hold
        return np.full(len(column), NEITHER, dtype=np.int8)
    meanings = [FLAGS.get(str(value).strip().lower(), NEITHER) for value in values]
    flags: npt.NDArray[np.int8] = np.array([*meanings, NEITHER], dtype=np.int8)[numbers]
    return flags


def _is_filled(column: pd.Series) -> npt.NDArray[np.bool_]:
    filled = column.notna() & (column.astype(str).str.strip() != "")
    flags: npt.NDArray[np.bool_] = filled.to_numpy()
    return flags


def _say_wrong(path: Path, column: pd.Series, row: int) -> str:
    if not _is_filled(column)[row]:
        what = (
            f"column {column.name!r} is empty. A label is 0 or 1: what is not known can't be "
            "trained on. Fill it in, or leave the row out"
        )
    else:
        value = f"{column.iloc[row]!r:.80}"
        what = f"column {column.name!r} holds {value}, and a label is 0 or 1. Correct it"
    return (
        f"{path}: {name_row(row)}: {what}. If {column.name!r} is no label, name those that are: "
        "data.folder.labels."
    )


def _find_names(path: Path, column: pd.Series, settings: Folder) -> tuple[str, ...]:
    found: set[str] = set()
    for text in pd.unique(column):
        found |= _split(text, settings.separator)
    if settings.labels is not None:
        missing = [name for name in settings.labels if name not in found]
        if missing:
            raise DataError(
                f"{path}: no recording has the label {missing[0]!r} in column {column.name!r}."
                f"{nearest(missing[0], found)} Correct data.folder.labels or separator."
            )
        return settings.labels
    if not found or len(found) > MOST_NAMES:
        raise DataError(
            f"{path}: column {column.name!r} has {len(found)} different names, and a label set has "
            f"1 to {MOST_NAMES}. Set data.folder.separator (now {settings.separator!r}) to what "
            "stands between two names, or name the labels that count: data.folder.labels."
        )
    return tuple(sorted(found))


def _split(text: str, separator: str) -> set[str]:
    return {part.strip() for part in text.split(separator)} - {""}
