"""Predictions as a table, CSV or Parquet: a row for each record, two columns for each label."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecg_keras.array_types import AnyArray, Float64Array
from ecg_keras.errors import DataError, listed, nearest, shortened

IDS = ("record_id", "patient_id")
TARGET, PROBABILITY = "target_", "probability_"
TABLE_KINDS = (".csv", ".parquet")
LAYOUT = (
    f"The columns of predictions are {IDS[0]}, {IDS[1]}, and {TARGET}LABEL and {PROBABILITY}LABEL "
    "of each label"
)


def read_prediction_table(path: Path) -> dict[str, Any]:
    """The arguments of `Predictions`, from a table."""
    from ecg_keras.sources import read_header, read_table

    if not path.is_file():
        raise DataError(f"{path}: there is no such table of predictions.")
    labels = _find_labels(path, read_header(path))
    frame = read_table(path, text=IDS)
    return {
        "labels": labels,
        "record_ids": frame[IDS[0]].to_numpy(),
        "patient_ids": frame[IDS[1]].to_numpy(),
        "targets": _numbers(path, frame, [f"{TARGET}{label}" for label in labels]),
        "probabilities": _numbers(path, frame, [f"{PROBABILITY}{label}" for label in labels]),
    }


def _find_labels(path: Path, header: Sequence[str]) -> tuple[str, ...]:
    """The labels in the order of their targets; each needs both of its columns."""
    targets = [name.removeprefix(TARGET) for name in header if name.startswith(TARGET)]
    given = {name.removeprefix(PROBABILITY) for name in header if name.startswith(PROBABILITY)}
    needed = [
        *IDS,
        *(f"{PROBABILITY}{label}" for label in targets),
        *(f"{TARGET}{label}" for label in sorted(given.difference(targets))),
    ]
    missing = [name for name in needed if name not in header]
    if missing or not targets:
        what = listed(missing, 5) or f"the columns {TARGET}LABEL"
        hint = nearest(missing[0], header) if missing else ""
        raise DataError(f"{path}: Missing: {what}. {LAYOUT}. It has: {listed(header, 12)}.{hint}")
    return tuple(targets)


def _numbers(path: Path, frame: Any, names: Sequence[str]) -> Float64Array:
    """Columns as ``(records, labels)``; a column of text is one with a cell that is no number."""
    columns = [frame[name].to_numpy() for name in names]
    for at, name in enumerate(names):
        if columns[at].dtype.kind not in "buif":
            columns[at] = _parse(path, name, columns[at], frame.index)
    return np.stack([column.astype(np.float64) for column in columns], axis=1)


def _parse(path: Path, name: str, cells: AnyArray, rows: Sequence[int]) -> Float64Array:
    from ecg_keras.sources import name_row

    values = np.empty(len(cells))
    for at, cell in enumerate(cells):
        try:
            values[at] = float(cell)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"{path}: {name_row(rows[at])}: {name} must be a number with a decimal point. "
                f"Received: {shortened(repr(cell), 40)}."
            ) from error
    return values
