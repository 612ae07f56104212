"""What a labels table says of each recording beside its labels: files, ids, folds, rates."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ecg_keras.errors import DataError
from ecg_keras.formats import split_ending
from ecg_keras.sources.fields import UNKNOWN, parse_sex, path_inside
from ecg_keras.sources.label_cells import FLAGS, SHORTENED
from ecg_keras.sources.labels_table import name_row, name_rows, refuse

# what is written where nobody knows of whom a recording is
NOBODY = UNKNOWN | {
    "inconnu", "anonymous", "anonym", "anon", "missing", "not available",
    "not known", "no id", "xxx", "#ref!", "#value!", "#name?", "undefined",
} - {"", "u"}  # fmt: skip
# what no one sees in an id: blanks without a width, marks of direction, a byte order mark
INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
# the folds that stand for splits by name: those that data.split takes for them by default
FOLDS = {
    **dict.fromkeys(("train", "training"), 1),
    **dict.fromkeys(("valid", "val", "validation", "dev"), 9),
    **dict.fromkeys(("test", "testing"), 10),
}
# columns of 0 and 1 whose name says which sex 1 is
SEX_FLAGS = {"male": "male", "is_male": "male", "female": "female", "is_female": "female"}
# digits of the row of an array
LONGEST_ROW = 16
# in the pattern of the names of files: the name of a column
PART = re.compile(r"\{([^{}]+)\}")
# in the name of a file: what may climb out, or is spelled with detours
DOUBTFUL = re.compile(r"(?:^|/)\.{0,2}(?:/|$)|[^\w./ +@=,()~-]")


def _read_filled(path: Path, frame: pd.DataFrame, column: str, advice: str = "") -> list[str]:
    """A column of text."""
    empty = (frame[column] == "").to_numpy()
    if empty.any():
        raise DataError(
            f"{path}: {name_rows(frame.index[empty])}: column {column!r} is empty. Fill it in, or "
            f"leave the row out.{advice}"
        )
    texts: list[str] = frame[column].tolist()
    return texts


def name_parts(pattern: str, header: Collection[str]) -> tuple[str, ...]:
    """The columns of which names of files are made: one, or those in the braces of a pattern; none
    where it is the name of a file.
    """
    named = PART.findall(pattern)
    if pattern in header or not (named or split_ending(pattern)[1]):
        return (pattern,)
    return tuple(dict.fromkeys(named))


def read_files(path: Path, root: Path, frame: pd.DataFrame, pattern: str) -> list[str]:
    """Paths below the folder and relative to it, with slashes as Windows does not write them.

    ``pattern`` is a column, has the names of columns in braces, or is the file of all recordings.
    """
    parts = name_parts(pattern, frame.columns)
    if parts == (pattern,):
        column = frame[pattern]
    else:
        cells = [_read_filled(path, frame, part) for part in parts]
        rows = zip(*cells, strict=True) if cells else repeat((), len(frame))
        texts = [_fill(pattern, dict(zip(parts, row, strict=True))) for row in rows]
        column = pd.Series(texts, frame.index, dtype=object, name=pattern)
    column = column.str.replace("\\", "/", regex=False)
    if column.str.startswith("/").any():  # from the root of the disk, and perhaps inside
        for place in (root.absolute(), root.resolve()):
            column = column.str.removeprefix(f"{place.as_posix()}/")
    files: list[str] = column.tolist()
    doubtful = column.str.contains(DOUBTFUL, regex=True)
    problems = []
    for row in np.flatnonzero(doubtful.to_numpy()).tolist():
        try:
            files[row] = path_inside(root, files[row]).relative_to(root).as_posix()
        except DataError as error:
            problems.append(f"{path}: {name_row(column.index[row])}: {error}")
    refuse(problems, f"{path}: column {column.name!r}")
    return files


def _fill(pattern: str, cells: Mapping[str, str]) -> str:
    return PART.sub(lambda found: cells[found[1]], pattern)


def read_ids(
    path: Path, frame: pd.DataFrame, columns: dict[str, str], stems: list[str]
) -> list[str]:
    """The id of each row: of its column, or the file's stem."""
    ids = stems
    if "record" in columns:
        ids = _read_filled(path, frame, columns["record"])
        _check_digits(path, frame[columns["record"]])
    first: dict[str, int] = {}
    problems = []
    for row, one in zip(frame.index.tolist(), ids, strict=True):
        before = first.setdefault(one, row)
        if before != row:
            problems.append(
                f"{path}: the recording {one!r:.100} is there twice: in {name_row(before)} and in "
                f"{name_row(row)}. Write one row for each recording; where two are meant, name a "
                "column with ids of their own: data.folder.record."
            )
    refuse(problems, f"{path}: recordings")
    return ids


def read_patients(
    path: Path, frame: pd.DataFrame, column: str | None, ids: Sequence[str]
) -> Sequence[str]:
    """Who each recording is of; one of nobody known is of a person of its own.

    Where the whole column is empty, nobody is known: databases are published so.
    """
    if column is None:
        return ids
    advice = (
        " Where nobody knows whose recording it is, write unknown: it then counts as another "
        "person's."
    )
    if not any(frame[column]):
        return [f"unknown:{record}" for record in ids]
    patients = _read_filled(path, frame, column, advice)
    _check_digits(path, frame[column])
    spelled: dict[str, str] = {}
    problems, nobodies = [], set()
    for one in dict.fromkeys(patients):
        plain = unicodedata.normalize("NFC", one).casefold().removesuffix(".0")
        if not plain.isprintable() or "\xa0" in plain:  # a blank of no width, and similar
            plain = " ".join(INVISIBLE.sub("", plain).split())
        if plain in NOBODY:
            nobodies.add(one)
            continue
        if plain.isdigit():
            plain = plain.lstrip("0")
        other = spelled.setdefault(plain, one)
        if other != one:
            rows = [name_row(frame.index[patients.index(name)]) for name in (other, one)]
            problems.append(
                f"{path}: column {column!r}: {other!r:.80} in {rows[0]} and {one!r:.80} in "
                f"{rows[1]} look like one person, who would be trained on and tested. Write each "
                "person's id in one way, and different people's with other letters or digits."
            )
            if len(problems) > 100:
                break
    refuse(problems, f"{path}: column {column!r}")
    return [
        f"unknown:{record}" if patient in nobodies else patient
        for record, patient in zip(ids, patients, strict=True)
    ]


def read_values(
    path: Path, frame: pd.DataFrame, column: str | None, parse: Callable[[str], Any]
) -> tuple[Sequence[Any], Counter[str]]:
    """A column's values, each different one parsed once; ``None`` where there is no column."""
    if column is None:
        return [None] * len(frame), Counter()
    values = frame[column]
    if values.dtype == object:  # a Parquet file may hold anything
        values = values.where(values.notna(), "").astype(str).str.strip()
    numbers, texts = pd.factorize(values)
    if (numbers < 0).any():  # nothing is there
        numbers, texts = np.where(numbers < 0, len(texts), numbers), [*texts, ""]
    parsed, unknown, problems = [], Counter[str](), []
    counts = np.bincount(numbers, minlength=len(texts))
    for number, text in enumerate(texts):
        try:
            parsed.append(parse(str(text)))
        except DataError as error:
            where = name_rows(frame.index[numbers == number])
            problems.append(f"{path}: {where}: column {column!r}: {error}")
            if len(problems) > 100:
                break
            continue
        if parsed[-1] is None and text != "":
            unknown[str(text)] = int(counts[number])
    refuse(problems, f"{path}: column {column!r}")
    return [parsed[number] for number in numbers.tolist()], unknown


def read_folds(path: Path, frame: pd.DataFrame, column: str | None) -> Sequence[Any]:
    """The official fold of each recording; those of named splits are numbers of `FOLDS`."""
    folds, _ = read_values(path, frame, column, _parse_fold)
    if column is not None and frame[column].dtype == object:
        texts = pd.unique(frame[column].astype(str).str.strip().str.lower())
        named = [text for text in texts if text in FOLDS]
        if named and len(named) < len(texts):
            raise DataError(
                f"{path}: column {column!r} has named folds, such as {named[0]}, and numbered ones."
                " Name all of them, or number all."
            )
    return folds


def _check_digits(path: Path, column: pd.Series) -> None:
    """Refuses ids that are numbers as spreadsheets shorten them: different ones are equal then."""
    short = np.array(column.str.contains("+", regex=False))  # a copy: pandas 3 shows its own
    if not short.any():
        return
    short[short] = column[short].map(SHORTENED.fullmatch).notna()
    if short.any():
        rows = column.index[short]
        raise DataError(
            f"{path}: {name_rows(rows)}: column {column.name!r} holds {column[rows[0]]!r:.40}, a "
            "number that a spreadsheet shortened, so that different ids are equal. Format the "
            "column as text there, or as a number without decimals, and export it again."
        )


def _parse_fold(text: str) -> int:
    """An official fold, or the one that stands for a split that is named."""
    plain = text.strip().lower()
    if plain in FOLDS:
        return FOLDS[plain]
    try:
        fold = float(plain.replace(",", "."))
    except ValueError:
        fold = math.nan
    if not fold.is_integer() or abs(fold) > 1e6:
        raise DataError(
            f"a fold must be a whole number, or train, valid or test. Received: {text!r:.80}."
        )
    return int(fold)


def sex_parser(column: str | None) -> Callable[[str], str | None]:
    """How a column of sexes is read: one that is called ``is_male`` may have 0 and 1 in it."""
    sex = SEX_FLAGS.get((column or "").lower())
    if sex is None:
        return parse_sex
    (other,) = {*SEX_FLAGS.values()} - {sex}
    meanings = {word: sex if flag else other for word, flag in FLAGS.items()}
    return lambda text: meanings.get(text.strip().lower()) or parse_sex(text)


def parse_row(text: str) -> int | None:
    """The row of a recording in an array, or ``None`` beside files that hold a single one."""
    plain = text.strip().removesuffix(".0")
    if plain and not (plain.isascii() and plain.isdigit() and len(plain) < LONGEST_ROW):
        raise DataError(f"a row of an array must be a whole number from 0. Received: {text!r:.80}.")
    return int(plain) if plain else None


def parse_rate(text: str) -> float | None:
    """Hz, or ``None`` where nothing is said, as beside files that say it themselves."""
    try:
        rate = float(text.replace(",", ".")) if text.strip() else None
    except ValueError:
        rate = math.nan
    if rate is not None and not 0 < rate < math.inf:
        raise DataError(f"a sampling rate must be a number of Hz above 0. Received: {text!r:.80}.")
    return rate
