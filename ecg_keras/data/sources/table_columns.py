"""What a labels table says of each recording beside its labels: files, ids, folds, rates."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ecg_keras.data.sources.fields import path_inside
from ecg_keras.data.sources.labels_table import name_row
from ecg_keras.errors import DataError


def read_filled(path: Path, frame: pd.DataFrame, column: str) -> list[str]:
    """A column of text.

    Raises:
        DataError: a row has none.
    """
    texts: list[str] = frame[column].tolist()
    if "" in texts:
        raise DataError(
            f"{path}: {name_row(texts.index(''))}: column {column!r} is empty. Fill it in, or "
            "leave the row out."
        )
    return texts


def read_files(path: Path, root: Path, column: pd.Series) -> list[str]:
    """Paths below the folder and relative to it, with slashes as Windows does not write them.

    Raises:
        DataError: a row has none, or one that leads elsewhere.
    """
    column = column.str.replace("\\", "/", regex=False)
    files: list[str] = column.tolist()
    # what may climb out or is spelled with detours is looked at one by one
    doubtful = column.str.contains(r"(?:^|/)\.{0,2}(?:/|$)|[^\w./ +@=,()~-]", regex=True)
    for row in np.flatnonzero(doubtful.to_numpy()).tolist():
        try:
            files[row] = path_inside(root, files[row]).relative_to(root).as_posix()
        except DataError as error:
            raise DataError(f"{path}: {name_row(row)}: {error}") from error
    return files


def read_ids(
    path: Path, frame: pd.DataFrame, columns: dict[str, str], stems: list[str]
) -> list[str]:
    """The id of each row: of its column, or the file's stem.

    Raises:
        DataError: two rows have the same.
    """
    ids = read_filled(path, frame, columns["record"]) if "record" in columns else stems
    if len(set(ids)) < len(ids):
        first: dict[str, int] = {}
        for row, one in enumerate(ids):
            before = first.setdefault(one, row)
            if before != row:
                raise DataError(
                    f"{path}: the recording {one!r} is there twice: in {name_row(before)} and in "
                    f"{name_row(row)}. Write one row for each recording; where two are meant, name "
                    "a column with ids of their own: data.folder.record."
                )
    return ids


def read_patients(path: Path, frame: pd.DataFrame, column: str) -> list[str]:
    """Who each recording is of.

    Raises:
        DataError: a row says nothing, or one person seems to be written in two ways: two ids
            differ in case alone, in zeros before or in ".0" behind them, as spreadsheets write.
    """
    patients = read_filled(path, frame, column)
    spelled: dict[str, str] = {}
    for one in dict.fromkeys(patients):
        plain = one.casefold().removesuffix(".0")
        if plain.isdigit():
            plain = plain.lstrip("0")
        other = spelled.setdefault(plain, one)
        if other != one:
            rows = [name_row(patients.index(name)) for name in (other, one)]
            raise DataError(
                f"{path}: column {column!r}: {other!r} in {rows[0]} and {one!r} in {rows[1]} look "
                "like one person, who would be trained on and tested. Write each person's id in "
                "one way, and different people's with other letters or digits."
            )
    return patients


def read_values(
    path: Path, frame: pd.DataFrame, column: str | None, parse: Callable[[str], Any]
) -> Sequence[Any]:
    """A column's values, each different one parsed once; ``None`` where there is no column.

    Raises:
        DataError: as ``parse`` raises it, with the row and the column.
    """
    if column is None:
        return [None] * len(frame)
    values = frame[column]
    if values.dtype == object:  # a Parquet file may hold anything
        values = values.where(values.notna(), "").astype(str)
    numbers, texts = pd.factorize(values)
    parsed = []
    for number, text in enumerate(texts):
        try:
            parsed.append(parse(str(text)))
        except DataError as error:
            row = int((numbers == number).argmax())
            raise DataError(f"{path}: {name_row(row)}: column {column!r}: {error}") from error
    if (numbers < 0).any():  # nothing is there
        parsed.append(parse(""))
    return [parsed[number] for number in numbers.tolist()]


def parse_fold(text: str) -> int:
    """An official fold.

    Raises:
        DataError: it is no whole number.

    Example:
        >>> parse_fold("7.0")
        7
    """
    try:
        fold = float(text)
    except ValueError:
        fold = math.nan
    if not fold.is_integer():
        raise DataError(f"a fold must be a whole number. Received: {text!r}.")
    return int(fold)


def parse_rate(text: str) -> float | None:
    """Hz, or ``None`` where nothing is said, as beside files that say it themselves.

    Raises:
        DataError: it is no number above 0.

    Example:
        >>> parse_rate("500"), parse_rate("")
        (500.0, None)
    """
    try:
        rate = float(text) if text.strip() else None
    except ValueError:
        rate = math.nan
    if rate is not None and not 0 < rate < math.inf:
        raise DataError(f"a sampling rate must be a number of Hz above 0. Received: {text!r}.")
    return rate
