"""Writes the tables in docs/ that are made from tables of the code.

    python tools/docs_tables.py

A table is between the lines ``<!-- table: NAME -->`` and ``<!-- end -->`` of a page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from ecg_keras import models, training

DOCS = Path(__file__).resolve().parents[1] / "docs"


def make_backbones() -> str:
    """One row for each row of `models.ZOO`, with the parameters of the network that it builds."""
    heading = ("name", "family", "stages before `head`", "backbone", "with 5 labels",
               "head as published", "source")  # fmt: skip
    return format_table(heading, map(_make_backbone, models.ZOO))


def _make_backbone(row: models.Backbone) -> tuple[str, ...]:
    backbone = models.find_backbone(row.name)()
    network = models.classifier(backbone, ["A", "B", "C", "D", "E"])
    counts = (
        f"{sum(weight.numpy().size for weight in one.trainable_weights):,}"
        for one in (backbone, network)
    )
    stages = ", ".join(f"`{stage}`" for stage in row.stages[:-1])
    return (
        f"`{row.name}`",
        row.family,
        stages.replace("`stage1`, `stage2`, `stage3`, `stage4`", "`stage1` … `stage4`"),
        *counts,
        row.as_published,
        ", ".join(f"[{number}]" for number in row.sources),
    )


def make_choices() -> str:
    """One row for each loss, optimizer and callback that a recipe may name."""
    tables = (training.LOSSES, training.OPTIMIZERS, training.CALLBACKS)
    rows = ((one.kind, f"`{row.name}`", row.meaning) for one in tables for row in one.rows)
    return format_table(("", "name", "meaning"), rows)


def format_table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    heading = tuple(heading)
    lines = [heading, ["---"] * len(heading), *rows]
    text = "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
    return text.replace("|  |", "| |").replace(" --- ", "---")


# page: its tables
TABLES: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "backbones.md": {"backbones": make_backbones},
    "recipes.md": {"choices": make_choices},
}


def replace_tables(text: str, tables: Mapping[str, Callable[[], str]]) -> str:
    """The text of a page with its tables made again."""
    for name, make in tables.items():
        begin = f"<!-- table: {name} -->\n"
        if begin not in text:
            raise ValueError(f"there is no line {begin.strip()}")
        text = re.sub(f"{begin}.*?<!-- end -->", f"{begin}{make()}<!-- end -->", text, flags=re.S)
    return text


if __name__ == "__main__":
    for page, tables in TABLES.items():
        path = DOCS / page
        path.write_text(replace_tables(path.read_text(encoding="utf-8"), tables), encoding="utf-8")
