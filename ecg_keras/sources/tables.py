"""The CSV tables of databases, as rows of text."""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path

from ecg_keras.errors import DataError


def read_rows(path: Path, columns: Collection[str]) -> list[dict[str, str]]:
    """Reads a table with a header.

    Args:
        path: of the CSV file, UTF-8 with commas.
        columns: that it must have, among others.

    Returns:
        Its rows; cells that a row lacks are empty.

    Raises:
        DataError: the file is missing or no such table, or it lacks columns.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "attributes.csv"
        >>> _ = path.write_text("age,sex\\n56,F\\n")
        >>> read_rows(path, ["age", "sex"])
        [{'age': '56', 'sex': 'F'}]
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, restval="")
            header = reader.fieldnames or ()
            rows = list(reader)
    except OSError as error:
        raise DataError(
            f"{path}: {error.strerror}. Set data.raw to the folder of the database that holds it."
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not a CSV file: {error}. Download it again.") from error
    missing = [column or "(unnamed first)" for column in columns if column not in header]
    if missing:
        raise DataError(f"{path}: lacks the column {', '.join(missing)}. Download it again.")
    return rows
