"""Where the samples of a text table are: its separator, its header, and what each column holds.

Exports differ in all of it: lines about the device above the header, units below it, columns of
clocks and notes, leads in columns or in rows. What a file's first lines say decides.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ecg_keras.errors import DataError
from ecg_keras.formats.csv_clocks import Clock, clock_of, stated_clock
from ecg_keras.formats.csv_numbers import Columns, is_missing, is_number, split_line
from ecg_keras.formats.lead_errors import BY_COLUMN, BY_SPELLING, no_lead
from ecg_keras.formats.voltages import parse_unit, split_unit, stated_unit
from ecg_keras.signals import LeadNames, find_lead, find_leads
from ecg_keras.text import plural

# in the order in which they are preferred where two fit; a blank stands for any number of blanks
_SEPARATORS = (";", "\t", "|", ",", " ")
# columns of a table
MOST_COLUMNS = 1000
# cells of a row of the numbers of columns, such as 0, 1, 2, 3, where the samples are whole numbers
_FEWEST_NUMBERED = 4
# samples whose times show how fast a clock runs; further ones may be lost
_BEGINNING = 24
# of a line that much is looked at to find the separator
_GLANCE = 400


@dataclass(frozen=True)
class Layout:
    """What the first lines of a table say."""

    # the number of the first line of samples, counted from 0
    first: int
    # how lines are cut, and which of their cells are leads
    columns: Columns
    # whether each line is a lead: its leads, and what else is of each, are then not known here
    rows: bool = False
    # millivolts in the unit that a line above the samples states for all leads
    unit: float | None = None
    # the lead of each of the cells that are one
    leads: tuple[str, ...] = ()
    # millivolts in the unit that the file states for each lead
    units: tuple[float | None, ...] = ()
    # the names of the columns that are no lead
    left_out: tuple[str, ...] = ()
    # whether the user's names of the columns are others than the header's
    renamed: bool = False
    # what it says of its sampling rate
    clocks: tuple[Clock, ...] = ()


@dataclass(frozen=True)
class _Row:
    """A line that is not empty: its number, and its cells."""

    line: int
    cells: list[str]

    @functools.cached_property
    def numbers(self) -> int:
        """How many of its cells are numbers."""
        return sum(map(is_number, self.cells))

    def pick(self, columns: Sequence[int]) -> list[str]:
        """The cells of some columns, as far as there are such."""
        return [self.cells[column] for column in columns if column < len(self.cells)]

    @functools.cached_property
    def filled(self) -> int:
        """The number of its cells, without empty ones at the end."""
        return max((number for number, cell in enumerate(self.cells, 1) if cell), default=0)


def find_layout(
    lines: Sequence[str],
    leads: Sequence[str] | None = None,
    lead_names: LeadNames = None,
    decimal: str | None = None,
) -> Layout:
    """Finds the samples in the first lines of a table, some 50 or all.

    ``leads`` are the user's names of the columns or rows, which come before those of a header."""
    separator = _find_separator(lines, decimal)
    rows = [
        _Row(number, split_line(line.lstrip("#% ") if line[:1] in ("#", "%") else line, separator))
        for number, line in enumerate(lines)
        if line.strip()
    ]
    top, end = _find_table(rows)
    table = rows[top:end]
    counts = [sum(map(bool, name_cells(row.cells, lead_names))) for row in rows[:top]]
    most = max(counts, default=0)
    if sum(is_lead_row(row.cells, lead_names) for row in table) > most:
        numbered = _is_numbered(table[0].cells, ())
        return _lay_out_rows(lines, rows, table[numbered].line, separator)
    header = rows[counts.index(most)] if most else None
    if header is not None:
        table = rows[counts.index(most) + 1 : end]
    elif table and _is_numbered(table[0].cells, table[1:]):
        table = table[1:]
    if not table:
        raise DataError("no table of numbers: it holds no sample. Export the file again.")
    if header is None and leads is not None and len(leads) == len(table) != table[0].filled:
        return _lay_out_rows(lines, rows, table[0].line, separator)
    above = [row for row in rows if row.line < table[0].line]
    names = _name_columns(above, header, table, leads, lead_names)
    named = find_named(names, lead_names)
    wanted = tuple(column for column, lead in enumerate(named) if lead is not None)
    if not wanted:
        raise no_lead("columns", names, f"{BY_COLUMN} or {BY_SPELLING}")
    first = _first_samples(table, wanted)
    above, table = [*above, *table[:first]], table[first:]
    short = [names[column] for column in wanted if column >= max(len(row.cells) for row in table)]
    if short:
        raise DataError(
            f"its header names {len(names)} columns, and its lines have fewer: there is no "
            f"{', '.join(short)}. Export the file again, or name its columns with "
            "data.folder.leads."
        )
    return Layout(
        table[0].line,
        Columns(separator, len(names), wanted),
        leads=tuple(lead for lead in named if lead is not None),
        units=_find_units(lines, above, names if header is None else header.cells, wanted),
        left_out=tuple(
            name or f"column {column + 1}"
            for column, name in enumerate(names)
            if column not in wanted and any("".join(row.pick([column])) for row in table)
        ),
        renamed=header is not None and _differ(header.cells, names, lead_names),
        clocks=_find_clocks(lines, above, names, table, wanted),
    )


def is_lead_row(cells: Sequence[str], lead_names: LeadNames) -> bool:
    """Whether a line begins with the name of a lead, and has numbers behind it."""
    if len(cells) < 2 or is_number(cells[0]) or not any(map(is_number, cells[1:])):
        return False
    return name_cells(cells[:1], lead_names) != [None]


def find_named(names: Sequence[str], lead_names: LeadNames) -> tuple[str | None, ...]:
    """`find_leads` of names that may have a unit behind them."""
    return find_leads([_bare_name(name, lead_names) for name in names], lead_names)


def name_cells(cells: Sequence[str], lead_names: LeadNames) -> list[str | None]:
    """The lead that each cell names by itself."""
    return [find_lead(_bare_name(cell, lead_names), lead_names) for cell in cells]


def wrong_number(what: str, count: int, leads: Sequence[str]) -> DataError:
    """The error that the user names fewer or more columns or rows than a file has."""
    return DataError(
        f"{count} {what}s, and data.folder.leads names {len(leads)}. Name each {what}, also those"
        " that are no lead."
    )


def _bare_name(name: str, lead_names: LeadNames) -> str:
    """A column's name, without its unit where it is no spelling of a lead with it."""
    return name if find_lead(name, lead_names) else split_unit(name)[0]


def _is_numbered(cells: Sequence[str], following: Sequence[_Row]) -> bool:
    """Whether a line counts its cells from 0 or 1, as headers do where columns have no names."""
    counted = [*itertools.dropwhile(lambda cell: not is_number(cell), cells)]
    while counted and not counted[-1]:
        counted.pop()
    numbers = [cell.removesuffix(".0") for cell in counted]
    if len(cells) - len(counted) > 1 or len(counted) < 2:
        return False
    if all(numbers != [str(start + n) for n in range(len(numbers))] for start in (0, 1)):
        return False
    # of two or three columns they may be samples, unless samples have decimals
    fractions = [all(re.search("[.,]", cell) for cell in row.cells if cell) for row in following]
    return len(counted) >= _FEWEST_NUMBERED or (len(fractions) > 2 and all(fractions))


def _find_separator(lines: Sequence[str], decimal: str | None) -> str:
    """The separator that cuts the last of some lines into the most numbers."""
    glances = [line[:_GLANCE].strip(" ") for line in lines if line.strip()][-16:]
    present = [
        one
        for one in _SEPARATORS
        if any(one in line for line in glances)
        # of a single column
        and not (one == "," == decimal and not any("." in line for line in glances))
    ]
    if "\t" in present:  # which is a blank, too
        present = [one for one in present if one != " "]
    if len(present) < 2:
        return (*present, ";")[0]
    return max(
        present,
        key=lambda one: sum(is_number(cell) for line in glances for cell in split_line(line, one)),
    )


def _find_table(rows: Sequence[_Row]) -> tuple[int, int]:
    """The place of the first line of numbers, and the one behind the last; 0 where there is none.

    Lines above with a number or two, such as the age of the patient, do not belong to it."""
    numeric = [place for place, row in enumerate(rows) if row.numbers]
    if not numeric:
        return 0, 0
    widths = Counter(len(rows[place].cells) for place in numeric[-20:])
    width = max(widths, key=lambda one: (widths[one], one))
    last = max(place for place in numeric if len(rows[place].cells) == width)
    # of lines that are leads the end is not looked at, and long cells are fewer
    least = min(width, MOST_COLUMNS), min(rows[last].numbers, MOST_COLUMNS)
    top = next(
        place
        for place in numeric
        if 2 * len(rows[place].cells) >= least[0] and 2 * rows[place].numbers > least[1]
    )
    while top and rows[top - 1].filled and all(map(is_missing, rows[top - 1].cells)):
        top -= 1
    return top, last + 1


def _first_samples(table: Sequence[_Row], wanted: Sequence[int]) -> int:
    """The place of the first line in which a wanted cell is a number, or all say there is none."""
    for place, row in enumerate(table):
        cells = row.pick(wanted)
        if any(map(is_number, cells)) or (row.filled and all(map(is_missing, cells))):
            return place
    return len(table) - 1


def _name_columns(
    above: Sequence[_Row],
    header: _Row | None,
    table: Sequence[_Row],
    leads: Sequence[str] | None,
    lead_names: LeadNames,
) -> list[str]:
    """The name of each column: the user's, or else the header's."""
    filled = max(row.filled for row in table)
    if filled > MOST_COLUMNS:
        raise DataError(f"its lines have {filled} cells, which are no leads. Export it turned.")
    if header is not None and (leads is None or _same(header.cells, leads, lead_names)):
        if min(row.filled for row in table) > header.filled:
            raise DataError(
                f"no table of numbers: its header names {header.filled} columns, and its lines "
                f"have {filled} cells. Export the file again, or name its columns with "
                "data.folder.leads."
            )
        return header.cells[: header.filled]
    if leads is None:
        last = above[-1].cells if above else []
        if len(last) >= filled and (len(last) > 1 or any(last)):
            return last
        columns = plural(filled, "column")
        raise DataError(f"no header names its {columns}. Name them with data.folder.leads.")
    if len(leads) not in (filled, 0 if header is None else header.filled):
        raise wrong_number("column", filled, leads)
    return list(leads)


def _same(cells: Sequence[str], leads: Sequence[str], lead_names: LeadNames) -> bool:
    """Whether a header names just the leads that the user names, among columns that are none."""
    named = [lead for lead in name_cells(cells, lead_names) if lead]
    return named == [find_lead(name, lead_names) for name in leads]


def _differ(cells: Sequence[str], names: Sequence[str], lead_names: LeadNames) -> bool:
    """Whether a header's cell names another lead than the user does."""
    both = itertools.zip_longest(name_cells(cells, lead_names), name_cells(names, lead_names))
    return cells != names and any(a is not None and a != b for a, b in both)


def _lay_out_rows(lines: Sequence[str], rows: Sequence[_Row], first: int, separator: str) -> Layout:
    """Of a table whose lines are leads: what the lines above the first of them say."""
    above = [row for row in rows if row.line < first]
    unit, clocks = _find_unit(lines, above), _find_clocks(lines, above)
    return Layout(first, Columns(separator, 0, ()), rows=True, unit=unit, clocks=clocks)


def _find_clocks(
    lines: Sequence[str],
    above: Sequence[_Row],
    names: Sequence[str] = (),
    table: Sequence[_Row] = (),
    wanted: Sequence[int] = (),
) -> tuple[Clock, ...]:
    """What lines above the samples, and columns beside the leads, say of the sampling rate."""
    stated = stated_clock([lines[row.line] for row in above])
    found = [] if stated is None else [stated]
    for column in range(len(names)):
        cells = [cell for row in table[:_BEGINNING] for cell in row.pick([column])]
        if column not in wanted and (clock := clock_of(names[column], cells)) is not None:
            found.append(clock._replace(column=column))
    return tuple(found)


def _find_units(
    lines: Sequence[str], above: Sequence[_Row], names: Sequence[str], wanted: Sequence[int]
) -> tuple[float | None, ...]:
    """What the header, a line of units below it, or a line above it says of each lead's unit."""
    stated = _find_unit(lines, above)
    units = []
    for column in wanted:
        own = split_unit(names[column])[1] if column < len(names) else None
        below = [parse_unit(cell) for row in above for cell in row.pick([column])]
        units.append(next((one for one in (own, *below, stated) if one is not None), None))
    return tuple(units)


def _find_unit(lines: Sequence[str], above: Sequence[_Row]) -> float | None:
    """Millivolts in the unit that one of the lines above the samples states."""
    return next((one for row in above if (one := stated_unit(lines[row.line]))), None)
