"""ECGs as text: a row for each sample, a column for each lead, or turned.

Exports differ in what separates the cells, in the decimal sign, in encoding, header and columns
beside the leads. The file itself says all of it; not so the sampling rate, and seldom the unit.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ecg_keras.array_types import Float32Array
from ecg_keras.errors import ConfigError, DataError, listed
from ecg_keras.formats.csv_clocks import check_steps
from ecg_keras.formats.csv_layout import Layout, find_layout, is_lead_row, name_cells
from ecg_keras.formats.csv_numbers import (
    Columns,
    is_missing,
    is_number,
    read_cells,
    read_columns,
    split_line,
)
from ecg_keras.formats.csv_rows import read_rows
from ecg_keras.formats.csv_text import cut_lines, first_lines, read_start, read_text, to_utf8
from ecg_keras.formats.plain_files import errors_name
from ecg_keras.formats.voltages import unit_in_mv
from ecg_keras.records import Signal, Span, cut_signal, span_samples
from ecg_keras.signals import LeadNames

# bytes by which a table of texts or ids is known, a column of ids, and a word
_GLIMPSE = 20_000
_ID = re.compile(r"(?i)(^|[_ ])(id|record|patient|file|filename)s?$")
_WORD = re.compile(r"(?!(?i:am|pm|[mu]v|ms|hz|utc)\b)\b[^\W\d_]{2,}")
# lines that are looked at for a header, and where it is not among them
_LINES, _MORE_LINES = 24, 2000
# lines below the samples, such as "End of file"
_MOST_BELOW = 20


def read_csv(
    path: Path,
    *,
    sampling_rate: float | None,
    unit: str | None,
    leads: Sequence[str] | None = None,
    lead_names: LeadNames = None,
    decimal: str | None = None,
    span: Span | None = None,
) -> Signal:
    """Reads an ECG from a CSV file in millivolts; the settings are those of `read_recording`."""
    rate = check_rate(f"{path}", sampling_rate)
    text = read_text(path)
    start, total, remarks = 0, None, list[str]()
    with errors_name(path):
        layout = _find_layout(text, leads, lead_names, decimal)
        text = cut_lines(text, layout.first)
        # numbers that no float32 holds become infinite, and the recording is left out
        with np.errstate(over="ignore", invalid="ignore"):
            if layout.rows:
                values, layout, times = read_rows(text, layout, leads, lead_names, decimal)
                _check_clocks(rate, layout)
            else:
                _check_clocks(rate, layout)  # before what takes long is read
                text, has_more = _strip_below(text, layout.columns)
                text, start, total = _cut(text, rate, span)
                if has_more:
                    remarks.append("lines below the samples are left out")
                values = read_columns(text, layout.columns, decimal)
                times = [
                    (clock, read_cells(text, layout.columns.separator, clock.column))
                    for clock in layout.clocks
                    if clock.column is not None
                ]
            for clock, cells in times:
                if not clock.contradicts(rate):
                    begin, end = span_samples(None if start else span, rate, len(cells))
                    check_steps(clock, cells[begin:end], rate, start + begin)
            # divided, so that integer microvolts become what WFDB files of them do
            values = values / _steps_in_mv(f"{path}", unit, layout)
    if layout.left_out:
        names = listed([repr(name[:40]) for name in layout.left_out], 10)
        remarks.append(f"columns that are not among the twelve leads are left out: {names}")
    if layout.renamed:
        remarks.append("columns are named by data.folder.leads, and differently by the header")
    whole = Signal(values, rate, layout.leads, start, total, tuple(remarks))
    return whole if total is not None else cut_signal(whole, span)


def list_table_columns(path: Path, lead_names: LeadNames = None) -> tuple[str, ...]:
    """The columns of a CSV file that is clearly no recording, but a table of texts or ids.

    Its first line names all columns, none of them a lead or a number, and one of them holds words
    in most rows or is called like an id. Nothing is returned of any other file.
    """
    try:
        text = to_utf8(read_start(path, _GLIMPSE)).decode("utf-8", "replace")
    except DataError:  # the reason is given when it is read
        return ()
    lines = [] if "\0" in text else text.splitlines()
    first = lines[0] if lines else ""
    separator = max(";\t|,", key=first.count)
    header, *rows = list(csv.reader(lines, delimiter=separator)) or [[]]
    if rows and len(text) >= _GLIMPSE // 2:
        rows.pop()  # it may be torn
    named = sum(map(bool, header)) >= len(header) - 1 > 0  # pandas names no index
    filled = [row for row in rows if len(row) == len(header)]
    # of other widths are lines about a device above the header of samples
    if (
        not named
        or 10 * len(filled) <= 9 * sum(map(bool, rows))
        or any(map(is_number, header))
        or any(name_cells(header, lead_names))
    ):
        return ()
    if any(is_lead_row(row, lead_names) for row in filled):
        return ()
    wordy = (2 * sum(map(_is_wordy, column)) > len(filled) for column in zip(*filled, strict=True))
    return tuple(header) if any(map(_ID.search, header)) or any(wordy) else ()


def _is_wordy(cell: str) -> bool:
    """Whether a cell holds words, and no number with a unit, time of day or word for nothing."""
    return bool(_WORD.search(cell)) and not is_number(cell) and not is_missing(cell)


def check_rate(where: str, sampling_rate: float | None, what: str = "a CSV file") -> float:
    """The sampling rate, which a file, called ``where``, does not say and nobody may guess."""
    if sampling_rate is None:
        raise ConfigError(
            f"{where}: {what} does not say its sampling rate. Set data.folder.sampling_rate to "
            "Hz, or to the column that says them."
        )
    return sampling_rate


def _check_clocks(rate: float, layout: Layout) -> None:
    if layout.clocks and all(clock.contradicts(rate) for clock in layout.clocks):
        raise DataError(
            f"{layout.clocks[0].says}, which is another sampling rate than {rate:g} Hz. Set "
            "data.folder.sampling_rate to Hz, or to the column that says them."
        )


def unknown_unit(where: str, what: str = "a CSV file") -> ConfigError:
    """The error that neither a file nor the user says its unit, which nobody may guess."""
    return ConfigError(
        f"{where}: {what} does not say its unit. Set data.folder.unit to mV, uV or V."
    )


def _find_layout(
    text: bytes, leads: Sequence[str] | None, lead_names: LeadNames, decimal: str | None
) -> Layout:
    try:
        return find_layout(first_lines(text, _LINES), leads, lead_names, decimal)
    except DataError:
        lines = first_lines(text, _MORE_LINES)
        if len(lines) <= _LINES:
            raise
        return find_layout(lines, leads, lead_names, decimal)


def _strip_below(text: bytes, columns: Columns) -> tuple[bytes, bool]:
    """Samples without what is below them, and whether there was anything but empty lines."""
    if b"'" in text:  # around cells, or between thousands
        text = text.replace(b"'", b"")
    if b"\n#" in text:
        text = re.sub(rb"(?m)^#(?!N/A).*\n", b"", text)
    above = split_line(text[: text.index(b"\n")].decode("utf-8", "ignore"), columns.separator)[0]
    end, has_more = len(text), False
    for _ in range(_MOST_BELOW):
        start = text.rfind(b"\n", 0, end - 1) + 1
        if start == 0:
            break
        cells = split_line(text[start:end].decode("utf-8", "ignore").strip("\n"), columns.separator)
        samples = [cells[column] for column in columns.wanted if column < len(cells)]
        words = any(cells)
        short = 2 * len(cells) <= columns.width
        # Mean;0.1;0.2 below times of samples, or Samples;300
        named = cells[0][:1].isalpha() and not above[:1].isalpha()
        named = named and (short or columns.width == 1 or 0 not in columns.wanted)
        if words and not named and not (short and not any(map(is_number, samples))):
            break
        end, has_more = start, has_more or words
    return text[:end], has_more


def _cut(text: bytes, rate: float, span: Span | None) -> tuple[bytes, int, int | None]:
    """The wanted lines, the number of the first of them and of all; ``None`` where all are."""
    # where a line may be no sample, all are read, and cut then
    if span is None or b'"' in text or re.search(rb"\n *\n", text):
        return text, 0, None
    total = text.count(b"\n")
    start, stop = span_samples(span, rate, total)
    if (start, stop) == (0, total) or start == stop:
        return text, 0, None
    return cut_lines(text, start, stop), start, total


def _steps_in_mv(where: str, unit: str | None, layout: Layout) -> Float32Array:
    """How much of each lead's unit a millivolt is; ``where`` is what to call the file."""
    scale = unit_in_mv(unit) if unit else None
    if scale is None:
        stated = [1 / one for one in layout.units if one is not None]
        if len(stated) < len(layout.leads):
            raise unknown_unit(where)
        return np.array(stated, np.float32)
    for lead, one in zip(layout.leads, layout.units, strict=True):
        if one is not None and not math.isclose(one, scale):
            raise DataError(
                f"it says that lead {lead} is in units of {one:g} mV, and data.folder.unit is "
                f"{unit}. Correct the wrong one: without data.folder.unit, each file's own is used."
            )
    return np.array([1 / scale], np.float32)
