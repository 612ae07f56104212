"""Tables as files: Markdown and LaTeX for readers, CSV in full precision for machines."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ecg_keras.evaluation import Estimate
from ecg_keras.files import write_text
from ecg_keras.report.tables import INTERVALS, NUMBERS, Kind, Table, cell_text

PAGE_ROWS = 40  # of a LaTeX table that still fits a page
LONG_CELL = 30  # characters; a longer one breaks into lines in LaTeX
LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "−": r"$-$", "–": "--",
    "—": "---", "±": r"$\pm$", "×": r"$\times$", "τ": r"$\tau$", "…": r"\ldots{}",
}  # fmt: skip


def write_tables(tables: Iterable[Table], folder: Path) -> tuple[Path, ...]:
    """Writes each table as CSV, Markdown and LaTeX; one without rows has its headings only."""
    written = []
    for table in tables:
        for ending, text in {"csv": csv_text, "md": markdown_text, "tex": latex_text}.items():
            written.append(folder / f"{table.name}.{ending}")
            write_text(written[-1], text(table))
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
    texts = _texts(shown)
    heads, *body = [" & ".join(map(_latex, row)) + r" \\" for row in texts]
    aligned = "".join(_aligned([column.kind for column in shown.columns], texts))
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


def _aligned(kinds: Sequence[Kind], texts: Sequence[Sequence[str]]) -> Iterator[str]:
    """How LaTeX aligns each column; those with a long cell share what the others leave."""
    widest = (max(map(len, cells)) for cells in zip(*texts, strict=True))
    long = [
        kind not in NUMBERS and size > LONG_CELL for kind, size in zip(kinds, widest, strict=True)
    ]
    width = max(0.2, (0.95 - 0.12 * long.count(False)) / max(1, sum(long)))
    for kind, is_long in zip(kinds, long, strict=True):
        yield rf"p{{{width:.2f}\linewidth}}" if is_long else "r" if kind in NUMBERS else "l"


def _raw(kind: Kind, value: Any) -> list[Any]:
    if isinstance(value, str) and kind in NUMBERS and kind != "number":
        value = None
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
