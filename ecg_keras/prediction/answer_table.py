"""Answers as columns: of those that were just given, or of the files they were written to."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ecg_keras.array_types import AnyArray, BoolArray, Float32Array, TextArray
from ecg_keras.data import FIGURES, LEAD_FIGURES
from ecg_keras.errors import DataError, listed
from ecg_keras.prediction.answering import Answer
from ecg_keras.prediction.asked_files import FIRST_COLUMNS, is_of_answers
from ecg_keras.prediction.output import KINDS, NETWORK_ID
from ecg_keras.prediction.readings import ANSWERED

PROBABILITY = "probability_"
TEXTS = ("record_id", "patient_id", "status")
ADVICE = "Write the answers again with `ecg-keras predict`."


@dataclass(frozen=True, eq=False)
class AnswerTable:
    """Answers of a network as columns.

    Attributes:
        record_ids, patient_ids: strings ``(records,)``, as in `Answer`.
        answered: bool ``(records,)``.
        probabilities: float32 ``(records, labels)``; NaN where a recording is not answered.
        figures: of the signals by name, float32 ``(records,)``, or ``(records, num_leads)`` for
            those of each lead; NaN where one is not known, and missing where the file has none.
        times: strings ``(records,)``, from the column of times; ``None`` where there is none.
        windows: float32 ``(records,)``, of how many windows each answer is; NaN where it is not
            known, ``None`` where it is of none.
        network_ids: strings ``(records,)``, which network each answer is of; empty where that is
            not known, ``None`` where it is of none.

    Example:
        >>> read_answers("answers.parquet", ["MI"], num_leads=12).answered.mean()  # doctest: +SKIP
        0.98
    """

    record_ids: TextArray
    patient_ids: TextArray
    answered: BoolArray
    probabilities: Float32Array = field(repr=False)
    figures: dict[str, Float32Array] = field(repr=False)
    times: TextArray | None = field(default=None, repr=False)
    windows: Float32Array | None = field(default=None, repr=False)
    network_ids: TextArray | None = field(default=None, repr=False)


def as_table(rows: Sequence[Answer], num_labels: int, num_leads: int) -> AnswerTable:
    """The columns of answers.

    Args:
        rows: of `predict`.
        num_labels, num_leads: of the network.

    Returns:
        Their columns, without times.

    Example:
        >>> as_table([Answer("a.csv", "a.csv")], num_labels=5, num_leads=12).figures["peak_mv"]
        array([nan], dtype=float32)
    """
    values = np.full((len(rows), num_labels), np.nan, np.float32)
    figures = {name: np.full(len(rows), np.nan, np.float32) for name in FIGURES}
    figures |= {name: np.full((len(rows), num_leads), np.nan, np.float32) for name in LEAD_FIGURES}
    for row, one in enumerate(rows):
        if one.values is not None:
            values[row] = one.values
        for name, known in one.figures.items():
            figures[name][row] = known if name in LEAD_FIGURES else known[0]
    return AnswerTable(
        np.array([one.record_id for one in rows], dtype=np.str_),
        np.array([one.patient_id for one in rows], dtype=np.str_),
        np.array([one.status == ANSWERED for one in rows], dtype=np.bool_),
        values,
        figures,
        windows=np.array([one.windows for one in rows], np.float32),
    )


def read_answers(
    path: str | Path, labels: Sequence[str], num_leads: int, time: str = "time"
) -> AnswerTable:
    """Reads a file of answers that `predict` wrote, to which a column of times may be added.

    Args:
        path: a ``.csv``, ``.jsonl`` or ``.parquet`` file.
        labels: of the network.
        num_leads: of its input.
        time: the name of the column of times.

    Returns:
        The answers as columns.

    Raises:
        DataError: the file is missing, damaged, no file of answers, or of a network with other
            labels.

    Example:
        >>> read_answers("answers.csv", ["NORM", "MI"], num_leads=12)  # doctest: +SKIP
    """
    path = Path(path)
    # decisions and sets are half of the columns, and follow from the probabilities
    names, table = _read(path, {*TEXTS, *FIGURES, *LEAD_FIGURES, "windows", NETWORK_ID, time})
    missing = [name for name in TEXTS if name not in table]
    found = [name.removeprefix(PROBABILITY) for name in names if name.startswith(PROBABILITY)]
    if missing or not found:
        raise DataError(f"{path}: holds no answers. It has: {listed(names, 12)}. {ADVICE}")
    if set(found) != set(labels):
        raise DataError(
            f"{path}: holds answers for {listed(found, 12)}, and the network's labels are "
            f"{listed(list(labels), 12)}. Name the run that they are of."
        )
    figures = {
        name: _numbers(path, name, table[name], num_leads if name in LEAD_FIGURES else 0)
        for name in (*FIGURES, *LEAD_FIGURES)
        if name in table
    }
    columns = [_numbers(path, PROBABILITY + one, table[PROBABILITY + one], 0) for one in labels]
    probabilities = np.stack(columns, axis=1)
    status = _texts(path, table["status"])
    answered = (status == ANSWERED) & ~np.isnan(probabilities).any(axis=1)
    if ((probabilities < 0) | (probabilities > 1)).any():
        raise DataError(f"{path}: a probability is outside of 0 to 1. {ADVICE}")
    return AnswerTable(
        _texts(path, table["record_id"]),
        _texts(path, table["patient_id"]),
        answered,
        probabilities,
        figures,
        _texts(path, table[time]) if time in table else None,
        _numbers(path, "windows", table["windows"], 0) if "windows" in table else None,
        _texts(path, table[NETWORK_ID]) if NETWORK_ID in table else None,
    )


# columns stay as pyarrow has them: of millions of rows, Python's objects are made of one at a time
def _read(path: Path, wanted: set[str]) -> tuple[list[str], dict[str, Any]]:
    """The names of all columns, and those that are wanted, with the probabilities."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    def choose(names: Sequence[str]) -> list[str]:
        return [name for name in names if name in wanted or name.startswith(PROBABILITY)]

    ending = path.suffix.lower()
    if ending not in KINDS or not path.is_file():
        raise DataError(
            f"{path}: no file of answers. Name a {', '.join(KINDS)} that `ecg-keras predict` wrote."
        )
    if ending == ".csv" and not is_of_answers(path):
        raise DataError(f"{path}: does not begin as answers do: {','.join(FIRST_COLUMNS)}.")
    with _reading(path):
        if ending == ".jsonl":
            columns = _read_lines(path)
            return [*columns], {name: columns[name] for name in choose([*columns])}
        if ending == ".parquet":
            names = parquet.read_schema(path).names
            found = parquet.read_table(path, columns=choose(names))
        else:
            # every cell as text: names of records may look like numbers
            names = csv.open_csv(path).schema.names
            texts = csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), include_columns=choose(names)
            )
            found = csv.read_csv(path, convert_options=texts)
        return names, {name: found.column(name) for name in found.column_names}


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turns what is wrong with a file of answers into a `DataError`."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, ValueError, AttributeError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path}: can't be read: {reason}. {ADVICE}") from error


def _read_lines(path: Path) -> dict[str, list[Any]]:
    """Lines of JSON, without a guess at types: names of records may look like dates."""
    with path.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file if line.strip()]
    names = dict.fromkeys(name for row in rows for name in row.keys())  # noqa: SIM118  no list
    return {name: [row.get(name) for row in rows] for name in names}


def _cells(path: Path, column: Any) -> list[Any]:
    with _reading(path):  # of texts that are no UTF-8
        return column if isinstance(column, list) else list(column.to_pylist())


def _texts(path: Path, column: Any) -> TextArray:
    cells = _cells(path, column)
    return np.array(["" if one is None else str(one) for one in cells], dtype=np.str_)


def _numbers(path: Path, name: str, column: Any, width: int) -> Float32Array:
    """A number in each row, or a list of ``width``; NaN where there is none."""
    try:
        known = _known_numbers(column, width)
        if known is None:
            unknown: Any = [math.nan] * width if width else math.nan
            rows = [
                unknown
                if one is None or one == ""
                else one.split(";")
                if width and isinstance(one, str)
                else one
                for one in _cells(path, column)
            ]
            known = np.array(rows, np.float64)
        return known.astype(np.float32).reshape((-1, width) if width else -1)
    except (ValueError, TypeError) as error:
        kind = f"{width} numbers, as the network has leads," if width else "a number"
        raise DataError(
            f"{path}: column {name!r} must hold {kind} in each row. {ADVICE}"
        ) from error


def _known_numbers(column: Any, width: int) -> AnyArray | None:
    """The numbers of a column that holds nothing else, without an object for each."""
    import pyarrow as pa
    from pyarrow import compute

    if isinstance(column, list):
        return None
    is_list = bool(width) and pa.types.is_list(column.type)
    kind = column.type.value_type if is_list else column.type
    if is_list != bool(width) or not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
        return None
    if not is_list:
        return np.asarray(column.to_numpy())
    there = column.is_valid().to_numpy()
    if (compute.list_value_length(column).to_numpy()[there] != width).any():
        raise ValueError(f"a list is not of {width}")
    rows = np.full((len(column), width), np.nan)
    rows[there] = compute.list_flatten(column).to_numpy().reshape(-1, width)
    return rows
