"""A page that is made of sections: their blocks, drawn in the house style."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ecg_keras.report.blocks import Section
from ecg_keras.report.page import render_page, write_page
from ecg_keras.report.tables import NUMBERS, Column, cell_html


def write_sections(
    path: Path, *, title: str, kind: str, verdict: Sequence[str], sections: Sequence[Section]
) -> Path:
    """Writes one page of HTML that needs nothing else; the same bytes every time.

    Args:
        path: of the page.
        title: the heading.
        kind: what it is, above the heading.
        verdict: sentences below the heading.
        sections: in their order, each with an anchor of its own.

    Returns:
        ``path``.
    """
    context = {
        "title": title,
        "kind": kind,
        "verdict": verdict,
        "contents": [(section.anchor, section.title) for section in sections],
        "sections": sections,
        "cell_html": cell_html,
        "word": lambda word: cell_html(Column("word", "", "word"), word),
        "numbers": NUMBERS,
    }
    return write_page(path, render_page("sections.html.j2", context))
