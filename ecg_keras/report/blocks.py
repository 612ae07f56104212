"""What a section of a study's page is made of, before it is HTML.

A section's function returns a `Section`, or an `Absent` with the reason why there is none: the page
then gives the reason among what was not done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from ecg_keras.report.figures import Captioned, ShownEcg
from ecg_keras.report.tables import Table

OPEN_ROWS = 16  # of a table that is open from the start


@dataclass(frozen=True)
class Text:
    """A paragraph; a ``note`` is set small."""

    text: str
    style: Literal["plain", "note"] = "plain"
    block: ClassVar[str] = "text"


@dataclass(frozen=True)
class Items:
    """A list."""

    items: tuple[str, ...]
    block: ClassVar[str] = "items"


@dataclass(frozen=True)
class Rows:
    """A table, drawn as `Table.for_readers` leaves it."""

    table: Table
    block: ClassVar[str] = "rows"


@dataclass(frozen=True)
class Figures:
    """Figures side by side where there is room: two or three in a row."""

    drawn: tuple[Captioned, ...]
    style: Literal["pair", "panels"] = "pair"
    block: ClassVar[str] = "figures"


@dataclass(frozen=True)
class Judged:
    """A claim, the word that is said of it, and why."""

    claim: str
    word: str
    why: str
    block: ClassVar[str] = "judged"


@dataclass(frozen=True)
class Ecgs:
    """ECGs with truth and decision; ``prefix`` makes their anchors unique in the page."""

    shown: tuple[ShownEcg, ...]
    prefix: str
    block: ClassVar[str] = "ecgs"


@dataclass(frozen=True)
class Check:
    """One item of a reporting checklist.

    Attributes:
        number: in the checklist.
        topic: what it asks for.
        answer: what this study says of it.
        where: anchors of the sections that say more.
    """

    number: str
    topic: str
    answer: str
    where: tuple[str, ...]


@dataclass(frozen=True)
class Checks:
    """A checklist; ``titles`` names the sections of its anchors."""

    checks: tuple[Check, ...]
    titles: Mapping[str, str]
    block: ClassVar[str] = "checks"


@dataclass(frozen=True)
class Code:
    """Text as it stands in a file, and what it is."""

    text: str
    block: ClassVar[str] = "code"


@dataclass(frozen=True)
class Group:
    """Blocks under a heading of their own."""

    title: str
    blocks: tuple[Block, ...]
    block: ClassVar[str] = "group"


@dataclass(frozen=True)
class Fold:
    """Blocks that are closed until a reader opens them."""

    summary: str
    blocks: tuple[Block, ...]
    block: ClassVar[str] = "fold"


Block = Text | Items | Rows | Figures | Judged | Ecgs | Checks | Code | Group | Fold


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading and an anchor."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Absent:
    """A part that a reader may expect, and why it is not there."""

    title: str
    reason: str


def first_open(groups: Sequence[Group], summary: str) -> tuple[Block, ...]:
    """The first group, and the others folded: a long section stays readable."""
    folded = (Fold(summary, tuple(groups[1:])),) if len(groups) > 1 else ()
    return (*groups[:1], *folded)


def table_blocks(table: Table) -> tuple[Block, ...]:
    """A table, folded where it is long."""
    rows = Rows(table)
    return (
        (rows,) if len(table.rows) <= OPEN_ROWS else (Fold(f"{table.title}: the table", (rows,)),)
    )
