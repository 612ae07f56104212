"""Writes the table of docs/backbones.md: one row for each row of `ecg_keras.models.ZOO`.

python tools/backbone_table.py
"""

from __future__ import annotations

from pathlib import Path

from ecg_keras import models

PAGE = Path(__file__).resolve().parents[1] / "docs" / "backbones.md"
HEADING = """\
| name | family | stages before `head` | backbone | with 5 labels | head as published | source |
|---|---|---|---|---|---|---|
"""


def make_table() -> str:
    """The table, with the parameters of networks that are built for it."""
    return HEADING + "".join(_make_row(row) for row in models.ZOO)


def replace_table(page: str) -> str:
    """The text of the page with another table in place of the one in it."""
    before, heading, rest = page.partition("| name | family |")
    if not heading:
        raise ValueError(f"{PAGE}: there is no table of backbones.")
    return before + make_table() + "\n" + rest.partition("\n\n")[2]


def _make_row(row: models.Backbone) -> str:
    backbone = models.find_backbone(row.name)()
    network = models.classifier(backbone, ["A", "B", "C", "D", "E"])
    counts = (
        f"{sum(weight.numpy().size for weight in one.trainable_weights):,}"
        for one in (backbone, network)
    )
    cells = (
        f"`{row.name}`",
        row.family,
        ", ".join(f"`{stage}`" for stage in row.stages[:-1]).replace(
            "`stage1`, `stage2`, `stage3`, `stage4`", "`stage1` … `stage4`"
        ),
        *counts,
        row.as_published,
        ", ".join(f"[{number}]" for number in row.sources),
    )
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    PAGE.write_text(replace_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
