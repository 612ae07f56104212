"""What every page is made of, before it is HTML: sections of blocks, with the tables for files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup
from matplotlib.figure import Figure

from ecg_keras.report.svg import inline_svg
from ecg_keras.report.tables import Column, Table

OPEN_ROWS = 16  # of a table that is open from the start


@dataclass(frozen=True)
class Note:
    """A paragraph that is set small; a plain one is a text."""

    text: str


@dataclass(frozen=True)
class Items:
    """A list."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Rows:
    """A table, drawn as `Table.for_page` leaves it; one to ``fold`` is closed where it is long."""

    table: Table
    fold: bool = False


@dataclass(frozen=True)
class Drawing:
    """A figure: a name unique in the page, its text alternative, its caption, how to draw it."""

    name: str
    title: str
    caption: str
    draw: Callable[[], Figure]

    def svg(self) -> Markup:
        """The figure, drawn when the page is written."""
        return inline_svg(self.draw(), self.name, self.title)


@dataclass(frozen=True)
class Figures:
    """Figures as wide as the text, or ``panels`` side by side where there is room."""

    drawings: tuple[Drawing, ...]
    style: Literal["wide", "panels"] = "wide"


@dataclass(frozen=True)
class ShownEcg:
    """An ECG of the test split with truth and decision, and the rule that chose it."""

    rule: str
    record_id: str
    about: str
    drawing: Drawing | None
    table: Table


@dataclass(frozen=True)
class Ecgs:
    """ECGs with truth and decision; ``prefix`` makes their anchors unique in the page."""

    shown: tuple[ShownEcg, ...]
    prefix: str


@dataclass(frozen=True)
class Code:
    """Text as it is in a file."""

    text: str


@dataclass(frozen=True)
class Group:
    """Blocks under a heading of their own."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Fold:
    """Blocks that are closed until a reader opens them."""

    summary: str
    blocks: tuple[Block, ...]


Block = str | Note | Items | Rows | Figures | Ecgs | Code | Group | Fold


@dataclass(frozen=True)
class Section:
    """A part of the page; ``tables`` are the full ones, for files beside the page."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Absent:
    """A part that a reader may expect, and why it is not there: the page gives the reason."""

    title: str
    reason: str
    tables: tuple[Table, ...] = ()


def first_open(groups: Sequence[Group], summary: str) -> tuple[Block, ...]:
    """The first group, and the others folded: a long section stays readable."""
    folded = (Fold(summary, tuple(groups[1:])),) if len(groups) > 1 else ()
    return (*groups[:1], *folded)


def facts(title: str, lines: Mapping[str, str]) -> Rows:
    """A table of plain facts, each with its name."""
    columns = (Column("what", "What"), Column("value", "Value"))
    return Rows(Table("", title, "", columns, lines.items()))
