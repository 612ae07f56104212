"""The one way to a page: sections of blocks, drawn in the house style as one file of HTML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from ecg_keras.files import replacing
from ecg_keras.report.blocks import OPEN_ROWS, Section
from ecg_keras.report.style import DARK, LIGHT
from ecg_keras.report.tables import NUMBERS, cell_html


def write_page(
    path: Path, *, title: str, kind: str, verdict: Sequence[str], sections: Sequence[Section]
) -> Path:
    """Writes a page that needs no other file and no network; the same bytes every time.

    Its head has its ``kind``, its ``title`` and the sentences of its ``verdict``.
    """
    environment = Environment(
        loader=PackageLoader("ecg_keras.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    page = environment.get_template("page.html.j2").render(
        title=title,
        kind=kind,
        verdict=verdict,
        sections=sections,
        cell_html=cell_html,
        numbers=NUMBERS,
        open_rows=OPEN_ROWS,
        light=LIGHT,
        dark=DARK,
    )
    with replacing(path) as temporary:
        # names of files may hold bytes that are no UTF-8
        temporary.write_text(page, encoding="utf-8", errors="backslashreplace")
    return path
