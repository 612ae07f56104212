"""The samples of a text table that is turned: each line is a lead, or the times of the samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ecg_keras.array_types import Float32Array
from ecg_keras.errors import DataError
from ecg_keras.formats.csv_clocks import Clock, clock_of
from ecg_keras.formats.csv_layout import (
    MOST_COLUMNS,
    Layout,
    find_named,
    is_lead_row,
    name_cells,
    wrong_number,
)
from ecg_keras.formats.csv_numbers import Columns, is_number, read_columns, split_line
from ecg_keras.formats.voltages import parse_unit, split_unit
from ecg_keras.signals import LeadNames

# cells in a line, where that is a lead
MOST_CELLS = 2_000_000
# first cells of a line that is no lead, which show whether it has times
_GLANCE = 24
# between the cells of a table of one column: it occurs in no number
_NEVER = "\x1f"


def read_rows(
    text: bytes,
    layout: Layout,
    leads: Sequence[str] | None,
    lead_names: LeadNames,
    decimal: str | None,
) -> tuple[Float32Array, Layout, list[tuple[Clock, list[str]]]]:
    """The samples ``(num_samples, num_leads)`` of a table whose lines are leads, its leads, and
    what its lines of times hold.

    ``layout`` is what the lines above them say, and ``leads`` are the user's names of all lines."""
    cells = _split_rows(text, layout.columns.separator)
    names = list(leads or [])
    units: list[float | None] = [None] * len(cells)
    if any(is_lead_row(row, lead_names) for row in cells):
        first = [row[0] for row in cells]
        names, units = names or first, [split_unit(name)[1] for name in first]
        cells = [row[1:] for row in cells]
        of_leads = [
            row for row, lead in zip(cells, name_cells(first, lead_names), strict=True) if lead
        ]
        if all(row and parse_unit(row[0]) for row in of_leads):
            units = [parse_unit(row[0]) if row else None for row in cells]
            # of times it is seconds, or nothing is there
            cells = [row if row and is_number(row[0]) else row[1:] for row in cells]
    if leads is not None and len(leads) != len(cells):
        raise wrong_number("row", len(cells), leads)
    _check_names(names)
    named = find_named(names, lead_names)
    kept = [row for row, lead in enumerate(named) if lead is not None]
    others = [row for row, lead in enumerate(named) if lead is None]
    clocks = [(clock_of(names[row], cells[row][:_GLANCE], "row"), cells[row]) for row in others]
    times = [(clock, row) for clock, row in clocks if clock is not None]
    turned = replace(
        layout,
        leads=tuple(lead for lead in named if lead is not None),
        units=tuple(layout.unit if units[row] is None else units[row] for row in kept),
        left_out=tuple(names[row] for row in others if any(map(is_number, cells[row][:100]))),
        clocks=(*layout.clocks, *(clock for clock, _ in times)),
    )
    return _read_samples([cells[row] for row in kept], decimal), turned, times


def _split_rows(text: bytes, separator: str) -> list[list[str]]:
    lines = [line for line in text.split(b"\n") if line.strip() and line[:1] != b"#"]
    if len(lines) > MOST_COLUMNS:
        raise DataError(f"its rows would be leads, and are {len(lines)}. Export it turned.")
    if any(line.count(separator.encode()) >= MOST_CELLS for line in lines):
        raise DataError(f"a line has more than {MOST_CELLS:,} cells. Export a shorter recording.")
    return [split_line(line.decode("utf-8"), separator) for line in lines]


def _check_names(names: Sequence[str]) -> None:
    if not names:
        raise DataError("no line begins with the name of a lead. Export the file again.")
    most, times = Counter(names).most_common(1)[0]
    if times > 2 and times > len(names) / 20:
        raise DataError(
            f"{times} of its lines begin with {most!r}: a line for each sample of each lead. "
            "Export a column for each lead."
        )


def _read_samples(rows: Sequence[list[str]], decimal: str | None) -> Float32Array:
    """The samples of lines, turned so that each line becomes a column."""
    if all(row and not row[-1] for row in rows):  # a separator at the end of each line
        rows = [row[:-1] for row in rows]
    lengths = sorted({len(row) for row in rows})
    if len(lengths) > 1:
        raise DataError(
            f"its rows are leads, and have {lengths[0]} to {lengths[-1]} samples. Export it again."
        )
    column = "\n".join(cell for row in rows for cell in row) + "\n"
    values = read_columns(column.encode(), Columns(_NEVER, 1, (0,)), decimal)
    return np.ascontiguousarray(values.reshape(len(rows), -1).T)
