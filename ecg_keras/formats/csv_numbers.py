"""The numbers of a text table: what commas, points and blanks inside them mean, and their values.

A comma is the decimal sign in half of the world and groups thousands in the other half. Each way of
reading is believed only where no cell of a file contradicts it. pandas' C parser does the work.
"""

from __future__ import annotations

import csv
import math
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd

from ecg_keras.array_types import AnyArray, Float32Array
from ecg_keras.errors import DataError

# cells without a sample, in small letters, and as they are written
_NONE = ("", "-", "--", "---", ".", "?", "nan", "-nan", "na", "n/a", "#n/a", "<na>", "null", "none")
_MISSING = sorted({*_NONE, "NaN"}.union(*({one.upper(), one.capitalize()} for one in _NONE)))
_NUMBER = re.compile(
    r"[-+]?(\d+([.,]\d+)*\.?|\d{1,3}( \d{3})+([.,]\d+)?|[.,]\d+)(e[-+]?\d+)?|[-+]?inf(inity)?",
    re.ASCII | re.IGNORECASE,
)
# lines that nearly always settle what a sign means, and bytes that hold them
_FEW, _FIRST = (2, 20), 20_000
# bytes that are parsed at a time, to the end of a line
_MANY = 2_000_000


@dataclass(frozen=True)
class Columns:
    """Which cells of each line are samples."""

    # between two cells; a blank stands for any number of them
    separator: str
    # the most cells of a line
    width: int
    # the columns that are read, in ascending order
    wanted: tuple[int, ...]


@dataclass(frozen=True)
class Marks:
    """How numbers are written: the decimal sign, and what groups their digits."""

    decimal: str = "."
    thousands: str | None = None


def is_number(cell: str) -> bool:
    """Whether a cell is a number in any of the ways in which they are written."""
    return _NUMBER.fullmatch(cell) is not None


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no sample."""
    return cell.lower() in _NONE


def split_line(line: str, separator: str) -> list[str]:
    """The cells of a line, without quotes and blanks around them."""
    if '"' in line:
        skip = separator == " "
        rows = csv.reader([line.strip()], delimiter=separator, skipinitialspace=skip)
        try:
            (cells,) = rows
        except csv.Error as error:  # such as a cell of more than 131,072 characters
            raise DataError(f"a line in quotes has no cells: {error}. Export it again.") from error
        return [cell.strip(" '\"\t") for cell in cells if cell or not skip]
    cells = line.split() if separator == " " else line.split(separator)
    return [cell.strip(" '\"\t") for cell in cells]


@dataclass
class _Signs:
    """What the commas, points and blanks inside numbers can mean."""

    # signs that are decimal for sure, as in 0,5
    decimal: set[str] = field(default_factory=set)
    # signs that group digits for sure, as in 1,234,567
    groups: set[str] = field(default_factory=set)
    # signs in numbers such as 2,168, and the smallest of these, if the sign groups
    either: set[str] = field(default_factory=set)
    least_grouped: float = math.inf
    # the largest number without a sign
    largest_whole: float = 0.0

    def add(self, cell: str) -> None:
        """What one cell shows."""
        number, _, exponent = cell.strip().lower().lstrip("+-").partition("e")
        signs = sorted({" ", ".", ","}.intersection(number), key=number.rfind)
        if not number or not is_number(number):
            return
        if not signs:
            if number.isdigit() and not exponent:
                self.largest_whole = max(self.largest_whole, float(number[:99]))
            return
        whole, _, fraction = number.rpartition(signs[-1])
        if len(signs) == 1 and signs[0] != " " and number.count(signs[0]) == 1:
            if exponent or len(fraction) != 3 or not re.fullmatch(r"[1-9]\d{0,2}", whole):
                self.decimal.add(signs[0])
            else:
                self.either.add(signs[0])
                self.least_grouped = min(self.least_grouped, float(whole + fraction))
            return
        if len(signs) == 1:
            whole = number
        else:
            self.decimal.add(signs[-1])
        if not re.fullmatch(rf"[1-9]\d{{0,2}}({re.escape(signs[0])}\d{{3}})+", whole):
            raise DataError(f"{cell[:40]!r} is no number. Correct it, or export the file again.")
        self.groups.add(signs[0])

    def marks(self, decimal: str | None) -> Marks | None:
        """How the cells write their numbers, ``None`` where that is open; see `find_marks`."""
        decimals, groups = self.decimal | ({decimal} if decimal else set()), set(self.groups)
        if decimals:
            groups |= self.either - decimals
        elif 1 <= self.largest_whole < self.least_grouped or self.either <= groups:
            groups |= self.either
        elif self.either == {","}:
            return None
        else:  # a point is one but for a reason
            decimals = self.either
        if len(decimals) > 1 or len(groups) > 1 or decimals & groups:
            signs = " and ".join(repr(sign) for sign in sorted(decimals | groups))
            setting = f", and data.folder.decimal is {decimal!r}" if decimal else ""
            raise DataError(
                f"its numbers hold {signs} in places that contradict one another{setting}. Export "
                "it with one decimal sign, and no signs between thousands."
            )
        usual = "," if "." in groups else "."
        return Marks(next(iter(decimals), usual), next(iter(groups), None))


def find_marks(cells: Iterable[str], decimal: str | None = None) -> Marks | None:
    """How some cells write their numbers, ``None`` where a comma may be decimal or group thousands.

    Whole numbers below those with a comma, such as 12 beside 2,168, say that it groups."""
    return _find_signs(cells).marks(decimal)


def _find_signs(cells: Iterable[str]) -> _Signs:
    signs = _Signs()
    for cell in cells:
        signs.add(cell)
    return signs


def read_columns(text: bytes, columns: Columns, decimal: str | None = None) -> Float32Array:
    """The samples ``(num_samples, len(wanted))`` of lines of samples; missing ones are NaN.

    ``decimal`` is the decimal sign, where the user sets it."""
    signed = b"." in text or b"," in text
    # the first lines settle it: 0.5 has a decimal point, and where one follows that is written
    # otherwise, the parser refuses it
    signs = _look_at_first(text, columns) if signed else _Signs()
    marks = signs.marks(decimal)
    if marks is None or signs.groups or (signs.either and not signs.decimal):
        marks = _check_all(text, columns, decimal)
    try:
        values = _parse(text, columns, marks)
    except DataError:
        checked = _check_all(text, columns, decimal)  # which names the cell
        if checked == marks:
            raise
        return _parse(text, columns, checked)
    is_open = signed and marks == Marks() and not signs.decimal and decimal is None
    if is_open and np.any((values != np.rint(values)) & np.isfinite(values)):
        # whole numbers first, and behind them 1.234: more than a thousand?
        return _parse(text, columns, _check_all(text, columns, decimal))
    return values


def read_cells(text: bytes, separator: str, column: int) -> list[str]:
    """One column of lines of samples with the blanks around it, empty where a line has no more."""
    lines = (line for line in BytesIO(text) if not line.isspace())
    if b'"' in text:
        rows = (split_line(line.decode("utf-8", "ignore"), separator) for line in lines)
        return [row[column] if column < len(row) else "" for row in rows]
    sign = None if separator == " " else separator.encode()
    cells = [(line.split(sign, column + 1)[column : column + 1] or [b""])[0] for line in lines]
    return b"\x1f".join(cells).decode("utf-8", "ignore").split("\x1f")  # in no text


def _look_at_first(text: bytes, columns: Columns) -> _Signs:
    lines = text[:_FIRST].decode("utf-8", "ignore").split("\n")
    for few in _FEW:
        rows = [split_line(line, columns.separator) for line in lines[:few]]
        signs = _find_signs(
            row[column] for row in rows for column in columns.wanted if column < len(row)
        )
        if signs.decimal and not signs.groups:
            break
    return signs


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


def _cells(text: bytes, columns: Columns) -> Iterator[AnyArray]:
    """The wanted cells as text, and what a line has beyond its width, some lines at a time."""
    try:
        for part in _split_text(text):
            cells = pd.read_csv(
                **_format(part, columns, beyond=True), dtype=str, na_filter=False, low_memory=False
            )
            yield cells.to_numpy(dtype=object)[1:]
    except ValueError as error:
        raise _no_table(error) from error


def _split_text(text: bytes) -> Iterator[bytes]:
    """Parts of some lines: pandas refuses to read on where later lines have fewer cells."""
    start = 0
    while start < len(text):
        end = text.find(b"\n", start + _MANY) + 1 or len(text)
        if text.count(b'"', start, end) % 2:  # within a cell of several lines
            end = len(text)
        yield text[start:end]
        start = end


def _no_table(error: Exception) -> DataError:
    return DataError(f"no table of numbers: {' '.join(str(error).split())[:200]}. Export it again.")


def _parse(text: bytes, columns: Columns, marks: Marks) -> Float32Array:
    if columns.width == 1 or len(text) <= _MANY:
        return _parse_part(text, columns, marks, beyond=len(columns.wanted) < columns.width)
    parts = [_parse_part(part, columns, marks, beyond=True) for part in _split_text(text)]
    return np.concatenate(parts)


def _parse_part(text: bytes, columns: Columns, marks: Marks, *, beyond: bool) -> Float32Array:
    """Without ``beyond`` the parser itself looks for lines that have more cells than the first."""
    try:
        with warnings.catch_warnings():
            # that lines have more cells than the first
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                **_format(text, columns, beyond),
                dtype=np.float32,
                na_values=_MISSING,
                decimal=marks.decimal,
                thousands=marks.thousands,
                low_memory=columns.width == 1,  # in parts already
            )
    except (ValueError, pd.errors.ParserWarning) as error:
        raise _no_table(error) from error
    values: Float32Array = frame.to_numpy(dtype=np.float32)[beyond:]
    if beyond:
        if not np.isnan(values[:, -1]).all():
            raise DataError("no table of numbers: a line has more cells than others.")
        values = values[:, :-1]
    return values


def _format(text: bytes, columns: Columns, beyond: bool) -> dict[str, Any]:
    """How pandas is to cut lines into cells."""
    # `beyond` reads one cell more than a line should have, behind a first line that has it: without
    # one, pandas refuses to look for it
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
