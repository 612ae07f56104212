"""Tables: columns that find their values in items, and cells as people read them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from markupsafe import Markup, escape

from ecg_keras.evaluation import Estimate, p_text
from ecg_keras.text import short_duration, two_digits

Kind = Literal[
    "text", "way", "word", "size", "count", "decimal", "signed", "score", "difference", "p",
    "seconds", "epochs", "records", "factor", "number",
]  # fmt: skip
NUMBERS = ("number", "size", "count", "decimal", "signed", "score", "difference", "p", "seconds",
           "epochs", "records", "factor")  # fmt: skip
SIZED = ("records", "factor")  # known within the sizes that were tried
INTERVALS = ("score", "difference", "records", "factor")
FORMATS = {"decimal": ".3f", "score": ".3f", "signed": "+.3f", "difference": "+.3f",
           "records": ",.0f", "epochs": ",.1f"}  # fmt: skip
MISSING = {"seconds": "never", "epochs": "never", "records": "none"}  # else undefined
# a mark for each word that judges, so that none is known by its colour alone
MARKS = {"better": "▲", "equivalent": "■", "worse": "▼", "inconclusive": "○", "confirmed": "✓",
         "refuted": "✗", "undecided": "?", "differs": "◆", "alike": "●", "higher": "△",
         "lower": "▽", "none shown": "◇", "gains more": "⇧", "gains less": "⇩",
         "too few": "–"}  # fmt: skip
ARM = {"downstream": "Downstream", "backbone": "Backbone", "head": "Head", "size": "ECGs",
       "protocol": "Protocol", "mode": "Mode", "upstream": "Upstream"}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One column of a table, and where an item has its value."""

    key: str  # in the CSV, where an interval also has ``<key>_low`` and ``<key>_high``
    title: str
    # an interval is an `Estimate`, a way a pair of a name and its details, a number one as text;
    # text in another column of numbers says to readers why there is none
    kind: Kind = "text"
    # a function, or a path: ``contrast.p_value``, ``1.size``; by default the key, or the column's
    # place in an item that is a tuple
    of: str | Callable[[Any], Any] = ""
    plain: bool = False  # omitted for readers where all its cells are the same

    def find(self, item: Any, place: int) -> Any:
        """Its value of an item; nothing where the path ends at nothing."""
        if callable(self.of):
            return self.of(item)
        path = self.of or (str(place) if isinstance(item, tuple) else self.key)
        for part in path.split("."):
            if isinstance(item, Mapping):
                item = item.get(part)
            elif item is not None:
                item = item[int(part)] if part.isdigit() else getattr(item, part)
        return item


@dataclass(frozen=True)
class Table:
    """A row for each item; one that is a tuple may be a row."""

    name: str  # of its files: letters, digits, hyphens, underscores
    title: str
    caption: str  # what a reader has to know to read it; begins where the title ends
    columns: tuple[Column, ...]
    items: Iterable[Any]
    first: int = 0  # rows of the first part, which a page rules off from those below; 0 for none

    @cached_property
    def rows(self) -> tuple[tuple[Any, ...], ...]:
        """One value for each column in each row."""
        columns = tuple(enumerate(self.columns))
        return tuple(
            tuple(column.find(item, place) for place, column in columns) for item in self.items
        )

    def select(self, keys: Iterable[str]) -> Table:
        """The columns with these keys, in this order."""
        places = {column.key: place for place, column in enumerate(self.columns)}
        return self._keep([places[key] for key in keys])

    def for_readers(self) -> Table:
        """Without the plain columns that have the same value in every row."""
        return self._keep(
            [
                place
                for place, column in enumerate(self.columns)
                if not column.plain or len({str(row[place]) for row in self.rows}) > 1
            ]
        )

    def for_page(self) -> Table:
        """The same with one column for an arm, as a phone has no room for seven.

        It has mode and upstream, and small what else distinguishes the rows.
        """
        shown = self.for_readers()
        keys = {column.key: place for place, column in enumerate(self.columns)}
        if not {"mode", "upstream"} <= set(keys):
            return shown
        details = [one.key for one in shown.columns if one.key in ARM]
        details = [key for key in details if key not in ("mode", "upstream")]

        def name(row: tuple[Any, ...]) -> tuple[str, str]:
            mode, upstream = row[keys["mode"]], row[keys["upstream"]]
            smaller = ", ".join(_detail(key, row[keys[key]]) for key in details)
            return f"{mode} from {upstream}" if upstream else mode, smaller

        others = shown.select(column.key for column in shown.columns if column.key not in ARM)
        rows = ((name(row), *rest) for row, rest in zip(self.rows, others.rows, strict=True))
        columns = (Column("arm", "Arm", "way"), *others.columns)
        return replace(others, columns=columns, items=tuple(rows))

    def _keep(self, places: list[int]) -> Table:
        if places == list(range(len(self.columns))):
            return self
        columns = tuple(replace(self.columns[place], of="") for place in places)
        rows = tuple(tuple(row[place] for place in places) for row in self.rows)
        return replace(self, columns=columns, items=rows)


def arm_columns(path: str = "arm", without: str = "") -> tuple[Column, ...]:
    """The columns that name an arm, given where an item has its `ArmName`."""
    return tuple(
        Column(key, title, "size" if key == "size" else "text", f"{path}.{key}", key != "mode")
        for key, title in ARM.items()
        if key != without
    )


def capital(text: str) -> str:
    """With a first capital, and the rest as it is: ``Macro AUROC``."""
    return text[:1].upper() + text[1:]


def cell_text(kind: Kind, value: Any) -> str:
    """A value as readers see it: ``−0.012 (−0.030 to +0.006)``, ``1.5 h``, ``undefined``."""
    point, interval = _parts(kind, value)
    return f"{point} ({interval})" if interval else point


def cell_html(column: Column, value: Any) -> Markup:
    """The inside of a cell of a page: the interval small, a judging word with its mark."""
    if isinstance(value, Markup):
        return value
    if column.kind == "word" and value in MARKS:
        return word_html(value)
    small = value if column.kind == "way" else _parts(column.kind, value)
    if column.kind == "way" or small[1]:
        return Markup("{} <small>{}</small>").format(*map(_breakable, small))
    return _breakable(small[0])


def _breakable(text: str) -> Markup:
    """Names of settings may break after an underscore: a table then fits beside them."""
    return Markup("_<wbr>").join(escape(part) for part in text.split("_"))


def word_html(word: str) -> Markup:
    """A judging word with its mark, which is not read aloud."""
    mark = Markup('<span aria-hidden="true">{}</span> ').format(MARKS[word])
    return Markup('<span class="word {}">{}{}</span>').format(word, mark, word)


def _detail(key: str, value: Any) -> str:
    if key == "size":
        return f"{cell_text('size', value)} ECGs"
    return f"{value} head" if key == "head" else str(value)


def _parts(kind: Kind, value: Any) -> tuple[str, str]:
    """A value, and its interval where it has one."""
    if not isinstance(value, Estimate):
        return _number(kind, value), ""
    if math.isnan(value.value):
        return _number(kind, None), ""
    if kind in SIZED and math.isinf(value.value):
        return _outside(kind, value)
    if kind in SIZED or value.has_interval:
        ends = f"{_number(kind, value.low)} to {_number(kind, value.high)}"
    else:
        ends = "too few"
    return _number(kind, value.value), ends


def _outside(kind: Kind, value: Estimate) -> tuple[str, str]:
    """An estimate outside the sizes that were tried, as the sentences about it say it."""
    is_all_outside = value.low == value.high
    side = "beyond the sizes" if value.value > 0 else "below the sizes"
    # a factor is of more than was tried only where the interval is, too
    if kind == "factor" and not (is_all_outside and value.value > 0):
        side = "undefined"
    ends = f"{_number(kind, value.low)} to {_number(kind, value.high)}"
    return side, "" if is_all_outside else ends


def _number(kind: Kind, value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return MISSING.get(kind, "undefined")
    if isinstance(value, float) and math.isinf(value):
        above = "beyond the sizes" if kind in SIZED else "no bound"
        return above if value > 0 else "below the sizes"
    if kind in FORMATS:
        return f"{value:{FORMATS[kind]}}".replace("-", "−")
    if kind == "factor":
        return two_digits(value)
    if kind == "way":
        return ", ".join(part for part in value if part)
    if kind == "p":
        return p_text(value)
    if kind == "seconds":
        return short_duration(value)
    if kind == "size":
        return f"{value:,}" if value else "all"
    if kind == "count":
        return f"{value:,.{0 if value == int(value) else 1}f}"
    return str(value)
