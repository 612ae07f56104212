"""`read_log`: the rows of a ``log.csv``, without Keras."""

from __future__ import annotations

import csv
from pathlib import Path

from ecg_keras.errors import DataError


def read_log(path: str | Path) -> list[dict[str, str]]:
    """The rows of a `RunLog` file, oldest first; none where there is no file.

    Raises:
        DataError: it is no CSV file, or its rows do not begin with the number of an epoch.
    """
    path = Path(path)
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            if None in row or int(row["epoch"]) < 1:
                raise ValueError(f"a row of {list(row.values())[:3]}")
    except (UnicodeDecodeError, OSError, csv.Error, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: no log of a training ({type(error).__name__}: {error}). Remove it, or name "
            "another file."
        ) from error
    return rows
