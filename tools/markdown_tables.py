"""Tables in Markdown, as the docs show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

Row = Sequence[str]


def print_table(header: Row, rows: Iterable[Row], left: int = 1) -> list[Row]:
    """Prints each row as soon as it is there; the first columns are text, the others figures."""
    printed = []
    for line, row in _lines(header, rows, left):
        print(line, flush=True)
        printed.append(row)
    return printed[2:]


def table(header: Row, rows: Iterable[Row], left: int = 1) -> str:
    """The same as text."""
    return "\n".join(line for line, _ in _lines(header, rows, left))


def _lines(header: Row, rows: Iterable[Row], left: int) -> Iterator[tuple[str, Row]]:
    rule = [*["---"] * left, *["---:"] * (len(header) - left)]
    for row in chain((header, rule), rows):
        yield f"| {' | '.join(row)} |", row
