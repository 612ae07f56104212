"""A table said once, and written four ways: a page's cells, Markdown, LaTeX, and CSV.

The first three are for reading: three decimals, intervals in brackets, words for what is undefined.
The CSV is for machines: full precision, an interval in three columns, undefined values empty.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from markupsafe import Markup, escape

from ecg_keras.evaluation import Estimate, p_text
from ecg_keras.text import short_duration

Kind = Literal[
    "text", "way", "word", "size", "count", "decimal", "signed", "score", "difference", "p",
    "seconds", "epochs", "records", "factor",
]  # fmt: skip
NUMBERS = ("size", "count", "decimal", "signed", "score", "difference", "p", "seconds", "epochs",
           "records", "factor")  # fmt: skip
INTERVALS = ("score", "difference", "records", "factor")
MISSING = {"seconds": "never", "epochs": "never", "records": "none"}  # else undefined
# a mark for each word that judges, so that none is told by its colour alone
MARKS = {
    "better": "▲",
    "equivalent": "■",
    "worse": "▼",
    "inconclusive": "○",
    "confirmed": "✓",
    "refuted": "✗",
    "undecided": "?",
    "differs": "◆",
    "alike": "●",
}
PAGE_ROWS = 40  # of a LaTeX table that still fits a page
LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "−": r"$-$",
    "–": "--",
    "—": "---",
    "±": r"$\pm$",
    "×": r"$\times$",
    "τ": r"$\tau$",
    "…": r"\ldots{}",
}


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        key: its name in the CSV; an interval also has ``<key>_low`` and ``<key>_high``.
        title: its heading for readers.
        kind: what its values are, and so how they are written: ``score``, ``difference``,
            ``records`` and ``factor`` are an `Estimate` (of a number of training records, and of
            how many times as many, in the last two cases),
            ``way`` is a pair of a name and what narrows it down, all others are plain values;
            ``None`` is undefined in every kind.
        plain: left out for readers where all its cells are the same.
    """

    key: str
    title: str
    kind: Kind = "text"
    plain: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of values under columns.

    Attributes:
        name: of its files and anchors: letters, digits, hyphens, underscores.
        title: what it holds, in a few words.
        caption: what a reader has to know to read it; begins where ``title`` ends.
        columns, rows: one value for each column in each row.
    """

    name: str
    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]

    def for_readers(self) -> Table:
        """Without the columns that say the same in every row, where they may go."""
        kept = [
            index
            for index, column in enumerate(self.columns)
            if not column.plain or len({str(row[index]) for row in self.rows}) > 1
        ]
        return replace(
            self,
            columns=tuple(self.columns[index] for index in kept),
            rows=tuple(tuple(row[index] for index in kept) for row in self.rows),
        )


def cell_text(kind: Kind, value: Any) -> str:
    """A value as readers see it.

    Example:
        >>> cell_text("difference", Estimate(-0.0123, -0.03, 0.0061))
        '−0.012 (−0.030 to +0.006)'
        >>> cell_text("seconds", 5400.0), cell_text("size", 0), cell_text("score", None)
        ('1.5 h', 'all', 'undefined')
    """
    if kind in INTERVALS and value is not None and not math.isnan(value.value):
        return f"{_number(kind, value.value)} ({_interval(kind, value)})"
    return _number(kind, None if kind in INTERVALS else value)


def cell_html(column: Column, value: Any) -> Markup:
    """The inside of a cell of a page: the interval small, a judging word with its mark."""
    if column.kind == "word" and value in MARKS:
        mark = Markup('<span aria-hidden="true">{}</span> ').format(MARKS[value])
        return Markup('<span class="word {}">{}{}</span>').format(value, mark, value)
    if column.kind in INTERVALS and value is not None and not math.isnan(value.value):
        point = _number(column.kind, value.value)
        return Markup("{} <small>{}</small>").format(point, _interval(column.kind, value))
    if column.kind == "way":
        return Markup("{} <small>{}</small>").format(*value)
    return escape(cell_text(column.kind, value))


def csv_text(table: Table) -> str:
    """Comma-separated values (RFC 4180 but for its line ends), one heading line."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    heads = [_keys(column) for column in table.columns]
    writer.writerow([key for keys in heads for key in keys])
    for row in table.rows:
        cells = zip(table.columns, row, strict=True)
        writer.writerow([raw for column, value in cells for raw in _raw(column.kind, value)])
    return stream.getvalue()


def markdown_text(table: Table) -> str:
    """A GitHub table whose columns are aligned in the source too, under its caption."""
    shown = table.for_readers()
    heads = [_markdown(column.title) for column in shown.columns]
    body = [[_markdown(text) for text in row] for row in _texts(shown)]
    widths = [max(3, *(len(row[index]) for row in [heads, *body])) for index in range(len(heads))]
    right = [column.kind in NUMBERS for column in shown.columns]
    rule = [f"{'-' * (width - 1)}{':' if at_right else '-'}"
            for width, at_right in zip(widths, right, strict=True)]  # fmt: skip
    lines = [heads, rule, *body]
    drawn = [
        "| "
        + " | ".join(
            cell.rjust(width) if at_right else cell.ljust(width)
            for cell, width, at_right in zip(line, widths, right, strict=True)
        )
        + " |"
        for line in lines
    ]
    return "\n".join([_markdown(_caption(table)), "", *drawn, ""])


def latex_text(table: Table) -> str:
    r"""A ``booktabs`` table to ``\input``; ``longtable`` where it does not fit a page."""
    shown = table.for_readers()
    long = len(shown.rows) > PAGE_ROWS
    aligned = "".join("r" if column.kind in NUMBERS else "l" for column in shown.columns)
    heads = " & ".join(_latex(column.title) for column in shown.columns) + r" \\"
    body = [" & ".join(_latex(text) for text in row) + r" \\" for row in _texts(shown)]
    caption = rf"\caption{{{_latex(_caption(table))}}}"
    label = rf"\label{{tab:{table.name}}}"
    packages = r"% \usepackage{booktabs}" + (r" \usepackage{longtable}" if long else "")
    if long:
        lines = [
            packages,
            rf"\begin{{longtable}}{{{aligned}}}",
            rf"{caption}{label}\\",
            *(r"\toprule", heads, r"\midrule", r"\endfirsthead"),
            *(r"\toprule", heads, r"\midrule", r"\endhead"),
            *(r"\bottomrule", r"\endfoot"),
            *body,
            r"\end{longtable}",
        ]
    else:
        lines = [
            packages,
            r"\begin{table}",
            r"\centering",
            f"{caption}{label}",
            rf"\begin{{tabular}}{{{aligned}}}",
            *(r"\toprule", heads, r"\midrule", *body, r"\bottomrule"),
            r"\end{tabular}",
            r"\end{table}",
        ]
    return "\n".join([*lines, ""])


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


def _interval(kind: Kind, value: Estimate) -> str:
    if kind not in ("records", "factor") and not value.has_interval:
        return "too few"
    return f"{_number(kind, value.low)} to {_number(kind, value.high)}"


def _keys(column: Column) -> list[str]:
    ends = ("", "_low", "_high") if column.kind in INTERVALS else ("",)
    return [column.key + end for end in ends]


def _raw(kind: Kind, value: Any) -> list[Any]:
    if kind in INTERVALS:
        ends = (None, None, None) if value is None else (value.value, value.low, value.high)
        return [_plain(end) for end in ends]
    return ["all" if kind == "size" and value == 0 else _plain(value)]


def _plain(value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return float(value) if isinstance(value, float) else value


def _texts(table: Table) -> Sequence[list[str]]:
    return [
        [cell_text(column.kind, value) for column, value in zip(table.columns, row, strict=True)]
        for row in table.rows
    ]


def _caption(table: Table) -> str:
    return f"{table.title}. {table.caption}".strip()


def _markdown(text: str) -> str:
    text = re.sub(r"([\\|*<`])", r"\\\1", " ".join(text.split()))
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", text)  # within a word it is plain


def _latex(text: str) -> str:
    return "".join(LATEX.get(character, character) for character in " ".join(text.split()))
