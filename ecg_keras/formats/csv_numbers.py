"""The samples of a text table, by pandas' C parser."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ecg_keras.errors import DataError
from ecg_keras.formats.csv_marks import (
    MISSING,
    Marks,
    Signs,
    decide,
    find_marks,
    is_missing,
    is_number,
    see,
)

# lines that nearly always settle what a sign means, and lines that are looked at at a time
_FEW, _MANY = (2, 20), 20_000
# bytes that hold the former
_FIRST = 20_000

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Columns:
    """Which cells of each line are samples.

    Attributes:
        separator: between two cells; a blank stands for any number of them.
        width: the most cells of a line.
        wanted: the columns that are read, in ascending order.
    """

    separator: str
    width: int
    wanted: tuple[int, ...]


def split_line(line: str, separator: str) -> list[str]:
    """The cells of a line, without quotes and blanks around them."""
    if '"' in line:
        skip = separator == " "
        (cells,) = csv.reader([line.strip()], delimiter=separator, skipinitialspace=skip) or [[]]
        return [cell.strip(" '\"\t") for cell in cells if cell or not skip]
    cells = line.split() if separator == " " else line.split(separator)
    return [cell.strip(" '\"\t") for cell in cells]


def read_columns(text: bytes, columns: Columns, decimal: str | None = None) -> Floats:
    """The samples of a table.

    Args:
        text: UTF-8, lines of samples only.
        columns: which of its cells are samples.
        decimal: the decimal sign, where the user says it.

    Returns:
        ``(num_samples, len(wanted))``; missing samples are NaN.

    Raises:
        DataError: a cell is no number, a line has more cells than the others, or what a comma means
            can't be known.
    """
    signed = b"." in text or b"," in text
    # the first lines settle it: 0.5 has a decimal point, and where one follows that is written
    # otherwise, the parser refuses it
    seen = _see_first(text, columns) if signed else Signs()
    marks = decide(seen, decimal)
    if marks is None or seen.groups or (seen.either and not seen.decimal):
        marks = _check_all(text, columns, decimal)
    try:
        values = _parse(text, columns, marks)
    except DataError:
        checked = _check_all(text, columns, decimal)  # which names the cell
        if checked == marks:
            raise
        return _parse(text, columns, checked)
    open_ = signed and marks == Marks() and not seen.decimal and decimal is None
    if open_ and np.any((values != np.rint(values)) & np.isfinite(values)):
        # whole numbers first, and behind them 1.234: more than a thousand?
        return _parse(text, columns, _check_all(text, columns, decimal))
    return values


def _check_all(text: bytes, columns: Columns, decimal: str | None) -> Marks:
    """`find_marks` of all cells, once each is known to be a number or missing."""
    distinct, line = set[str](), 0
    for cells in _cells(text, columns):
        beyond = np.flatnonzero(cells[:, -1] != "")
        if len(beyond):
            raise DataError(
                f"no table of numbers: line {line + beyond[0] + 1} of the samples has more cells "
                f"than the {columns.width} of others. Export the file again."
            )
        new = set(pd.unique(cells.ravel())) - distinct
        wrong = [one for one in new if not is_number(one.strip()) and not is_missing(one.strip())]
        if wrong:
            row, column = np.argwhere(np.isin(cells, np.array(wrong, dtype=object)))[0]
            raise DataError(
                f"no table of numbers: line {line + row + 1} of the samples has "
                f"{cells[row, column][:40]!r} in column {columns.wanted[column] + 1}. Correct it, "
                "or name the columns that are leads with data.folder.leads."
            )
        distinct |= new
        line += len(cells)
    marks = find_marks(distinct, decimal)
    if marks is None:
        raise DataError(
            "numbers such as 2,168 may be 2168 or 2.168. Say which with data.folder.decimal, the "
            "decimal sign: '.' or ','."
        )
    return marks


def _see_first(text: bytes, columns: Columns) -> Signs:
    lines = text[:_FIRST].decode("utf-8", "ignore").split("\n")
    for few in _FEW:
        rows = [split_line(line, columns.separator) for line in lines[:few]]
        seen = see(row[column] for row in rows for column in columns.wanted if column < len(row))
        if seen.decimal and not seen.groups:
            break
    return seen


def _cells(text: bytes, columns: Columns) -> Iterator[npt.NDArray[Any]]:
    """The wanted cells as text, and what a line has beyond its width, some lines at a time."""
    chunks = pd.read_csv(
        **_format(text, columns, beyond=True), dtype=str, na_filter=False, chunksize=_MANY
    )
    try:
        with chunks:
            for number, chunk in enumerate(chunks):
                yield chunk.to_numpy(dtype=object)[number == 0 :]
    except ValueError as error:
        raise DataError(f"no table of numbers: {_one_line(error)}. Export it again.") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _parse(text: bytes, columns: Columns, marks: Marks) -> Floats:
    beyond = len(columns.wanted) < columns.width  # else the parser itself looks for it
    try:
        with warnings.catch_warnings():
            # that lines have more cells than the first
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                **_format(text, columns, beyond),
                dtype=np.float32,
                na_values=MISSING,
                decimal=marks.decimal,
                thousands=marks.thousands,
            )
    except (ValueError, pd.errors.ParserWarning) as error:
        raise DataError(f"no table of numbers: {_one_line(error)}. Export it again.") from error
    values: Floats = frame.to_numpy(dtype=np.float32)[beyond:]
    if beyond:
        if not np.isnan(values[:, -1]).all():
            raise DataError("no table of numbers: a line has more cells than others.")
        values = values[:, :-1]
    return values


def _format(text: bytes, columns: Columns, beyond: bool) -> dict[str, Any]:
    """How pandas is to cut lines into cells.

    ``beyond`` reads one cell more than a line should have, behind a first line that has it: without
    one, pandas refuses to look for it.
    """
    chosen = [*columns.wanted, columns.width] if beyond else None
    blank = (b'""' + columns.separator.encode()) * (columns.width + 1) + b"\n"
    return {
        "filepath_or_buffer": BytesIO(blank + text if beyond else text),
        "sep": r"\s+" if columns.separator == " " else columns.separator,
        "header": None,
        "names": range(columns.width + beyond),
        "usecols": chosen,
        "index_col": False,
        "skipinitialspace": True,
        # of a single column an empty line is a missing sample
        "skip_blank_lines": columns.width > 1,
        "engine": "c",
    }
