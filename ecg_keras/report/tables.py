"""A table, and the four ways of writing it: cells of a page, Markdown, LaTeX and CSV.

The first three are for reading: three decimals, intervals in brackets, words for what is undefined.
The CSV is for machines: full precision, an interval in three columns, undefined values empty.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from markupsafe import Markup, escape

from ecg_keras.evaluation import Estimate, p_text
from ecg_keras.files import replacing
from ecg_keras.text import short_duration

Kind = Literal[
    "text", "way", "word", "size", "count", "decimal", "signed", "score", "difference", "p",
    "seconds", "epochs", "records", "factor", "number",
]  # fmt: skip
NUMBERS = ("number", "size", "count", "decimal", "signed", "score", "difference", "p", "seconds",
           "epochs", "records", "factor")  # fmt: skip
INTERVALS = ("score", "difference", "records", "factor")
MISSING = {"seconds": "never", "epochs": "never", "records": "none"}  # else undefined
# a mark for each word that judges, so that none is known by its colour alone
MARKS = {"better": "▲", "equivalent": "■", "worse": "▼", "inconclusive": "○", "confirmed": "✓",
         "refuted": "✗", "undecided": "?", "differs": "◆", "alike": "●"}  # fmt: skip
PAGE_ROWS = 40  # of a LaTeX table that still fits a page
LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "−": r"$-$", "–": "--",
    "—": "---", "±": r"$\pm$", "×": r"$\times$", "τ": r"$\tau$", "…": r"\ldots{}",
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        key: its name in the CSV; an interval also has ``<key>_low`` and ``<key>_high``.
        title: its heading for readers.
        kind: how its values are written: those of `INTERVALS` may be an `Estimate` (``records``
            and ``factor``: of training records, and of how many times as many), a ``way`` is a
            pair of a name and its details, a ``number`` is one as text; ``None`` is undefined.
        plain: omitted for readers where all its cells are the same.
        of: its value of an item, for `table_of`.
    """

    key: str
    title: str
    kind: Kind = "text"
    plain: bool = False
    of: Callable[[Any], Any] = str


@dataclass(frozen=True)
class Table:
    """Rows of values under columns.

    Attributes:
        name: of its files: letters, digits, hyphens, underscores.
        title: what it holds, in a few words.
        caption: what a reader has to know to read it; begins where ``title`` ends.
        columns, rows: one value for each column in each row.
    """

    name: str
    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]

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

    def _keep(self, places: list[int]) -> Table:
        columns = tuple(self.columns[place] for place in places)
        rows = tuple(tuple(row[place] for place in places) for row in self.rows)
        return replace(self, columns=columns, rows=rows)


def table_of(
    items: Iterable[Any], name: str, title: str, caption: str, columns: Iterable[Column]
) -> Table:
    """A row for each item, whose cells are what the columns are ``of`` it."""
    columns = tuple(columns)
    rows = tuple(tuple(column.of(item) for column in columns) for item in items)
    return Table(name, title, caption, columns, rows)


def cell_text(kind: Kind, value: Any) -> str:
    """A value as readers see it: ``−0.012 (−0.030 to +0.006)``, ``1.5 h``, ``undefined``."""
    point, interval = _parts(kind, value)
    return f"{point} ({interval})" if interval else point


def cell_html(column: Column, value: Any) -> Markup:
    """The inside of a cell of a page: the interval small, a judging word with its mark."""
    if column.kind == "word" and value in MARKS:
        return word_html(value)
    small = value if column.kind == "way" else _parts(column.kind, value)
    if column.kind == "way" or small[1]:
        return Markup("{} <small>{}</small>").format(*small)
    return escape(small[0])


def word_html(word: str) -> Markup:
    """A judging word with its mark, which is not read aloud."""
    mark = Markup('<span aria-hidden="true">{}</span> ').format(MARKS[word])
    return Markup('<span class="word {}">{}{}</span>').format(word, mark, word)


def write_tables(tables: Iterable[Table], folder: Path) -> tuple[Path, ...]:
    """Writes each table as CSV, Markdown and LaTeX; one without rows has its headings only."""
    written = []
    for table in tables:
        for ending, text in {"csv": csv_text, "md": markdown_text, "tex": latex_text}.items():
            written.append(folder / f"{table.name}.{ending}")
            with replacing(written[-1]) as temporary:
                temporary.write_text(text(table), encoding="utf-8", newline="\n")
    return tuple(written)


def csv_text(table: Table) -> str:
    """Comma-separated values (RFC 4180 but for its line ends), one heading line."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    kinds = [column.kind for column in table.columns]
    suffixes = [("", "_low", "_high") if kind in INTERVALS else ("",) for kind in kinds]
    keys = zip(table.columns, suffixes, strict=True)
    writer.writerow(column.key + suffix for column, three in keys for suffix in three)
    for row in table.rows:
        cells = zip(kinds, row, strict=True)
        writer.writerow(raw for kind, value in cells for raw in _raw(kind, value))
    return stream.getvalue()


def markdown_text(table: Table) -> str:
    """A GitHub table whose columns are aligned in the source too, under its caption."""
    shown = table.for_readers()
    right = [column.kind in NUMBERS for column in shown.columns]
    lines = [[_markdown(text) for text in row] for row in _texts(shown)]
    widths = [max(3, *map(len, column)) for column in zip(*lines, strict=True)]
    rule = [f"{'-' * (width - 1)}{'-:'[at]}" for width, at in zip(widths, right, strict=True)]
    drawn = []
    for line in (lines[0], rule, *lines[1:]):
        cells = zip(line, widths, right, strict=True)
        padded = (cell.rjust(width) if at else cell.ljust(width) for cell, width, at in cells)
        drawn.append(f"| {' | '.join(padded)} |")
    return "\n".join([_markdown(_caption(table)), "", *drawn, ""])


def latex_text(table: Table) -> str:
    r"""A ``booktabs`` table to ``\input``; ``longtable`` where it does not fit a page."""
    shown = table.for_readers()
    heads, *body = [" & ".join(map(_latex, row)) + r" \\" for row in _texts(shown)]
    aligned = "".join("r" if column.kind in NUMBERS else "l" for column in shown.columns)
    caption = rf"\caption{{{_latex(_caption(table))}}}\label{{tab:{table.name}}}"
    head = (r"\toprule", heads, r"\midrule")
    if len(body) > PAGE_ROWS:
        lines = [
            r"% \usepackage{booktabs} \usepackage{longtable}",
            rf"\begin{{longtable}}{{{aligned}}}",
            rf"{caption}\\",
            *(*head, r"\endfirsthead", *head, r"\endhead", r"\bottomrule", r"\endfoot"),
            *(*body, r"\end{longtable}", ""),
        ]
    else:
        lines = [
            r"% \usepackage{booktabs}",
            *(r"\begin{table}", r"\centering", caption, rf"\begin{{tabular}}{{{aligned}}}"),
            *(*head, *body, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""),
        ]
    return "\n".join(lines)


def _parts(kind: Kind, value: Any) -> tuple[str, str]:
    """A value, and its interval where it has one."""
    if not isinstance(value, Estimate):
        return _number(kind, value), ""
    if math.isnan(value.value):
        return _number(kind, None), ""
    if kind in ("records", "factor") or value.has_interval:
        ends = f"{_number(kind, value.low)} to {_number(kind, value.high)}"
    else:
        ends = "too few"
    return _number(kind, value.value), ends


def _number(kind: Kind, value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return MISSING.get(kind, "undefined")
    if isinstance(value, float) and math.isinf(value):
        return "no bound" if value > 0 else "below the sizes"
    if kind in ("decimal", "score"):
        return f"{value:.3f}".replace("-", "−")
    if kind in ("signed", "difference"):
        return f"{value:+.3f}".replace("-", "−")
    if kind == "way":
        return ", ".join(part for part in value if part)
    if kind == "p":
        return p_text(value)
    if kind == "seconds":
        return short_duration(value)
    if kind == "size":
        return f"{value:,}" if value else "all"
    if kind == "records":
        return f"{value:,.0f}"
    if kind == "factor":
        return f"{value:.2g}"
    if kind in ("count", "epochs"):
        whole = kind == "count" and value == int(value)
        return f"{value:,.{0 if whole else 1}f}"
    return str(value)


def _raw(kind: Kind, value: Any) -> list[Any]:
    if kind in INTERVALS and not isinstance(value, Estimate):
        return [_plain(value), "", ""]
    if isinstance(value, Estimate):
        return [_plain(end) for end in (value.value, value.low, value.high)]
    return ["all" if kind == "size" and value == 0 else _plain(value)]


def _plain(value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return float(value) if isinstance(value, float) else value


def _texts(table: Table) -> list[list[str]]:
    """The headings, then the rows."""
    kinds = [column.kind for column in table.columns]
    rows = [list(map(cell_text, kinds, row)) for row in table.rows]
    return [[column.title for column in table.columns], *rows]


def _caption(table: Table) -> str:
    return f"{table.title}. {table.caption}".strip()


def _markdown(text: str) -> str:
    text = re.sub(r"([\\|*<`])", r"\\\1", " ".join(text.split()))
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", text)  # within a word it is plain


def _latex(text: str) -> str:
    return "".join(LATEX.get(character, character) for character in " ".join(text.split()))
