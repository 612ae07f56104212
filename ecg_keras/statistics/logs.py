"""Columns of a run's log as numbers, or an error that says which row is wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ecg_keras.errors import DataError

FloatArray = npt.NDArray[np.float64]


def read_curve(
    rows: Sequence[Mapping[str, str]], column: str, where: str
) -> tuple[FloatArray, FloatArray]:
    """Validation score and seconds of each epoch.

    Args:
        rows: of a ``log.csv``, oldest first.
        column: of the score.
        where: what an error calls the log.

    Returns:
        ``(epochs,)`` scores, and ``(epochs,)`` seconds that each epoch took.

    Raises:
        DataError: there is no epoch, one is missing, or a number is not finite.

    Example:
        >>> row = {"epoch": "1", "val_macro_auroc": "0.6", "seconds": "4"}
        >>> read_curve([row], "val_macro_auroc", "log 1")
        (array([0.6]), array([4.]))
    """
    if not rows:
        raise DataError(f"{where}: there is no epoch in it. Train the run first.")
    for name in ("epoch", "seconds", column):
        if name not in rows[0]:
            raise DataError(f"{where}: there is no column {name}. There are: {', '.join(rows[0])}.")
    for number, row in enumerate(rows, start=1):
        if str(row["epoch"]) != str(number):
            raise DataError(
                f"{where}: row {number} must be epoch {number}. Received: {row['epoch']}. "
                "Train the run again."
            )
    return _numbers(rows, column, where), _numbers(rows, "seconds", where)


def _numbers(rows: Sequence[Mapping[str, str]], column: str, where: str) -> FloatArray:
    values = np.array([_number(row[column]) for row in rows])
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        raise DataError(
            f"{where}: {column} of epoch {wrong[0] + 1} must be a finite number. Received: "
            f"{rows[wrong[0]][column]!r}. A score is undefined where no label has both positive "
            "and negative validation records."
        )
    return values


def _number(text: str) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        return math.nan
