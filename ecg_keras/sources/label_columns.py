"""What a labels table says of each recording: columns of 0 and 1, or names in one column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ecg_keras.config import Folder
from ecg_keras.errors import DataError, nearest
from ecg_keras.sources.label_cells import (
    SHORTENED,
    VOCABULARIES,
    describe_wrong,
    find_absent,
    find_mark,
    is_blank,
    is_list,
    read_cell,
    read_flags,
)
from ecg_keras.sources.labels_table import (
    MOST_SHOWN,
    name_columns,
    name_rows,
    shorten,
    shorten_list,
)

# this many names in one column are free text
MOST_NAMES = 200
MOST_LABELS = 1000
LONGEST_LABEL = 100
# columns of 0 and 1 with these names say something else of a recording than what is found in it
OTHERWISE = frozenset(
    (
        "fold", "folds", "strat_fold", "split", "splits", "set", "subset", "partition", "train",
        "valid", "val", "validation", "test", "is_train", "is_valid", "is_test",
        "sex", "gender", "male", "female", "is_male", "is_female", "geschlecht", "sexe",
    )
)  # fmt: skip


def find_labels(
    path: Path, frame: pd.DataFrame, settings: Folder, used: Collection[str]
) -> tuple[str, ...]:
    """The labels of a table: those of the settings, the columns of 0 and 1, or the sorted names.

    ``used`` are columns that say something else, such as the file.
    """
    if settings.label_column is not None:
        labels = _find_names(path, frame[settings.label_column], settings)
    elif settings.labels is not None:
        problems = [
            f"{path}: no column for the label {shorten(name)!r}. {name_columns(frame)}"
            f"{nearest(name, list(frame))}"
            for name in settings.labels
            if name not in frame
        ]
        if problems:
            raise DataError("\n".join(problems))
        labels = settings.labels
    else:
        labels = _find_columns(path, frame, {*used, *settings.ignore})
    _check_labels(path, labels)
    return labels


def list_present(
    path: Path, frame: pd.DataFrame, settings: Folder, labels: Sequence[str]
) -> list[tuple[str, ...]]:
    """The labels of each row, in the order of ``labels``."""
    if settings.label_column is not None:
        numbers, cells, _ = read_names(path, frame[settings.label_column], settings)
        present = [tuple(label for label in labels if label in names) for names in cells]
        return [present[number] for number in numbers.tolist()]
    flags = np.empty((len(frame), len(labels)), dtype=np.int8)
    problems = []
    for column, label in enumerate(labels):
        flags[:, column], wrong = read_flags(frame[label], named=True)
        problems += describe_wrong(path, frame[label], wrong)
    if problems:
        raise DataError("\n".join(problems))
    # few of all combinations occur: each is spelled out once
    width = (len(labels) + 7) // 8
    combinations = np.packbits(flags, axis=1).reshape(-1).view(f"V{width}").tolist()
    spelled = {one: _spell(one, labels) for one in set(combinations)}
    return [spelled[one] for one in combinations]


def read_names(
    path: Path, column: pd.Series, settings: Folder
) -> tuple[npt.NDArray[np.intp], list[frozenset[str]], tuple[str, ...]]:
    """The number of each row's cell among the different cells, and the names in each of these.

    Beside them sentences on what was understood rather than read.
    """
    numbers, texts = pd.factorize(column)
    cells, problems = [], []
    plain: set[str] = set()
    for number, text in enumerate(texts):
        try:
            cells.append(read_cell(text, settings.separator))
        except DataError as error:
            where = name_rows(column.index[numbers == number])
            problems.append(f"{path}: {where}: column {column.name!r}: {error}. Correct the table.")
            continue
        if not is_list(text.strip()):
            plain.update(cells[-1])
    problems = shorten_list(problems, f"{path}: column {column.name!r}")
    marked = find_mark(sorted(plain), settings.labels)
    if marked is not None:
        name, mark = marked
        rows = [mark in text and not is_list(text.strip()) for text in texts]
        where = name_rows(column.index[np.array(rows)[numbers]])
        problems.append(
            f"{path}: {where}: column {column.name!r} holds {name[:80]!r}, which looks like "
            f"several names with {mark!r} between them, and data.folder.separator is "
            f"{settings.separator!r}. Set data.folder.separator to {mark!r}; if it is one name, "
            "list the names that count: data.folder.labels."
        )
    zero = absent = False
    try:
        zero, absent = find_absent(cells)
    except DataError as error:
        problems.append(f"{path}: column {column.name!r}: {error}.")
    if problems:
        raise DataError("\n".join(problems))
    names = [
        frozenset(
            name for name, one in cell.items() if one is not False and not (absent and one == 0)
        )
        for cell in cells
    ]
    meaning = "as absent, as only 0 and 1 occur" if absent else "as present, as in PTB-XL"
    remark = f"column {column.name!r}: names with the value 0 count {meaning}"
    return numbers, names, (remark,) * zero


def _find_names(path: Path, column: pd.Series, settings: Folder) -> tuple[str, ...]:
    found = frozenset[str]().union(*read_names(path, column, settings)[1])
    if settings.labels is not None:
        missing = [name for name in settings.labels if name not in found]
        if missing:
            raise DataError(
                f"{path}: no recording has the label {shorten(missing[0])!r} in column "
                f"{column.name!r}.{nearest(missing[0], sorted(found)[:MOST_LABELS])} Correct "
                "data.folder.labels or separator."
            )
        return settings.labels
    if not found or len(found) > MOST_NAMES:
        examples = f", such as {', '.join(map(shorten, sorted(found)[:3]))}" if found else ""
        raise DataError(
            f"{path}: column {column.name!r} has {len(found)} different names{examples}, and a "
            f"label set has 1 to {MOST_NAMES}. Set data.folder.separator (now "
            f"{settings.separator!r}) to what is between two names, or name the labels that "
            "count: data.folder.labels."
        )
    if any(found <= vocabulary.keys() for vocabulary in map(_upper_and_lower, VOCABULARIES)):
        raise DataError(
            f"{path}: column {column.name!r} holds {' and '.join(sorted(found))}: it says whether "
            f"one label is present. Set data.folder.labels to [{column.name}] and label_column to "
            "null."
        )
    return tuple(sorted(found))


def _upper_and_lower(vocabulary: Mapping[str, int]) -> dict[str, int]:
    return {
        form: flag
        for word, flag in vocabulary.items()
        for form in (word, word.upper(), word.capitalize())
    }


def _find_columns(path: Path, frame: pd.DataFrame, used: Collection[str]) -> tuple[str, ...]:
    labels, problems = [], []
    for name in frame:
        if name in used:
            continue
        _, wrong = read_flags(frame[name], named=False)
        right = len(frame) - int(wrong.sum())
        filled = int((~is_blank(frame[name])).sum()) if right < len(frame) else right
        if right < len(frame) and (2 * right < filled or not filled):
            continue
        if name.lower() in OTHERWISE:
            problems.append(
                f"{path}: column {name!r} of 0 and 1 seems to be no label. Name it with "
                "data.folder.fold or sex if it is one, leave it out with data.folder.ignore, or "
                "name the labels: data.folder.labels."
            )
        elif right < len(frame):
            problems += describe_wrong(path, frame[name], wrong)
        else:
            labels.append(name)
    if problems:
        raise DataError("\n".join(problems))
    if not labels:
        raise DataError(
            f"{path}: no column of 0 and 1 for a label. {name_columns(frame)} Give each label such "
            "a column, or name the one with the labels' names: data.folder.label_column."
        )
    return tuple(labels)


def _check_labels(path: Path, labels: Sequence[str]) -> None:
    """Refuses names that no page, table or terminal can show, and those that look alike."""
    if len(labels) > MOST_LABELS:
        raise DataError(
            f"{path}: {len(labels):,} labels, and a label set has at most {MOST_LABELS:,}. Name "
            "those that count: data.folder.labels."
        )
    problems = []
    for label in labels:
        what = None
        if not label.isprintable():
            what = "holds a character that can't be printed"
        elif len(label) > LONGEST_LABEL:
            what = f"has {len(label):,} characters, and at most {LONGEST_LABEL} are allowed"
        elif SHORTENED.fullmatch(label):
            what = "is a number that a spreadsheet shortened. Format its cells as text"
        if what is not None:
            problems.append(f"{path}: the label {shorten(label)} {what}. Write another name.")
    problems = shorten_list(problems, f"{path}: labels")
    counts = Counter(label.lower() for label in labels)
    alike = sorted((one for one in labels if counts[one.lower()] > 1), key=str.lower)
    if alike:
        problems.append(
            f"{path}: the labels {', '.join(map(shorten, alike[:MOST_SHOWN]))} differ only in "
            "case. Make them one."
        )
    if problems:
        raise DataError("\n".join(problems))


def _spell(combination: bytes, labels: Sequence[str]) -> tuple[str, ...]:
    flags = np.unpackbits(np.frombuffer(combination, dtype=np.uint8)).tolist()
    return tuple(label for label, flag in zip(labels, flags, strict=False) if flag)
