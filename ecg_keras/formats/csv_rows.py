"""Text tables that are turned: a row for each lead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from ecg_keras.errors import DataError
from ecg_keras.formats.csv_layout import MOST_COLUMNS, bare_name, names_row, say_widths
from ecg_keras.formats.csv_marks import is_number
from ecg_keras.formats.csv_numbers import Columns, Floats, read_columns, split_line
from ecg_keras.formats.csv_units import parse_unit, split_unit
from ecg_keras.signals import find_leads

# cells in a line: the samples of a lead
MOST_CELLS = 2_000_000
# between the cells of a table of one column: it occurs in no number
_NEVER = "\x1f"

Rows = tuple[Floats, tuple[str, ...], tuple[float | None, ...], tuple[str, ...]]


def read_rows(
    text: bytes,
    separator: str,
    leads: Sequence[str] | None,
    lead_names: Mapping[str, str] | None,
    decimal: str | None,
) -> Rows:
    """The samples of a table whose lines are leads.

    Args:
        text: UTF-8, from the first such line on.
        separator: as in `csv_layout.Layout`.
        leads: the user's name of each line; ``None`` where the first cells are names.
        lead_names: the user's own spellings of leads.
        decimal: the decimal sign, where the user says it.

    Returns:
        ``(num_samples, num_leads)``, the leads, millivolts in the unit that is stated for each, and
        the names of the lines that are no lead.

    Raises:
        DataError: lines are of several lengths, too many, or of the same lead; or a cell is no
            number.
    """
    lines = [line for line in text.split(b"\n") if line.strip() and line[:1] != b"#"]
    if len(lines) > MOST_COLUMNS:
        raise DataError(f"its rows would be leads, and are {len(lines)}. Export it turned.")
    if any(line.count(separator.encode()) >= MOST_CELLS for line in lines):
        raise DataError(f"a line has more than {MOST_CELLS:,} cells. Export a shorter recording.")
    cells = [split_line(line.decode("utf-8"), separator) for line in lines]
    first = [row[0] for row in cells]
    units: list[float | None] = [None] * len(cells)
    if any(names_row(row, lead_names) for row in cells):
        names, units = first, [split_unit(name)[1] for name in first]
        cells = [row[1:] for row in cells]
        if all(row and parse_unit(row[0]) for row in cells):
            units = [parse_unit(row[0]) for row in cells]
            cells = [row[1:] for row in cells]
    else:
        names = list(leads or [])
    if leads is not None:
        if len(leads) != len(cells):
            raise DataError(say_widths(len(cells), leads).replace("column", "row"))
        names = list(leads)
    if not names:
        raise DataError("no line begins with the name of a lead. Export the file again.")
    most, times = Counter(names).most_common(1)[0]
    if times > 2 and times > len(names) / 20:
        raise DataError(
            f"{times} of its lines begin with {most!r}: a line for each sample of each lead. "
            "Export a column for each lead."
        )
    held = find_leads([bare_name(name, lead_names) for name in names], lead_names)
    kept = [row for row, lead in enumerate(held) if lead is not None]
    samples = [cells[row] for row in kept]
    if all(row and not row[-1] for row in samples):  # a separator at the end of each line
        samples = [row[:-1] for row in samples]
    lengths = sorted({len(row) for row in samples})
    if len(lengths) > 1:
        raise DataError(
            f"its rows are leads, and have {lengths[0]} to {lengths[-1]} samples. Export it again."
        )
    column = "\n".join(cell for row in samples for cell in row) + "\n"
    values = read_columns(column.encode(), Columns(_NEVER, 1, (0,)), decimal)
    return (
        np.ascontiguousarray(values.reshape(len(kept), -1).T),
        tuple(lead for lead in held if lead is not None),
        tuple(units[row] for row in kept),
        tuple(
            name
            for name, lead, row in zip(names, held, cells, strict=True)
            if lead is None and any(map(is_number, row[:100]))
        ),
    )
