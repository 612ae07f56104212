"""Writes the tables in README.md and docs/ that are made from tables of the code.

    python tools/docs_tables.py

A table is between the lines ``<!-- table: NAME -->`` and ``<!-- end -->`` of a page, and a count
before the words of its link. A test compares them, so a new backbone, metric or source needs
nothing written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from documented import exports, scores, sources, training, weights

from ecg_keras.models import ZOO
from ecg_keras.sources import FOLDER, SOURCES

ROOT = Path(__file__).resolve().parents[1]
# page: its tables
TABLES: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "README.md": {"databases": sources.list_databases},
    "docs/backbones.md": {"backbones": training.make_backbones},
    "docs/recipes.md": {"error": training.make_error, "choices": training.make_choices},
    "docs/serving.md": {
        "formats": exports.describe_formats,
        "signatures": exports.describe_signatures,
        "inputs": exports.describe_inputs,
    },
    "docs/sources.md": {"sources": sources.describe_sources},
    "docs/statistics.md": {
        "scores": scores.make_scores,
        "further scores": scores.make_further_scores,
    },
    "docs/validation.md": {"expectations": sources.describe_expectations},
    "docs/weight-families.md": {"families of weights": weights.describe_families},
}
# in the README: what a link says is counted, and how many there are
COUNTS = {
    "databases](docs/sources.md)": len(set(SOURCES) - {"simulated", FOLDER}),
    "networks](docs/backbones.md)": len(ZOO),
}


def replace_tables(text: str, tables: Mapping[str, Callable[[], str]]) -> str:
    """The text of a page with its tables and counts made again."""
    for name, make in tables.items():
        begin = f"<!-- table: {name} -->\n"
        if text.count(begin) != 1:
            raise ValueError(f"there is no line {begin.strip()}, or more than one")
        before, _, rest = text.partition(begin)
        _, end, after = rest.partition("<!-- end -->")
        if not end:
            raise ValueError(f"there is no line <!-- end --> after {begin.strip()}")
        text = f"{before}{begin}{make()}{end}{after}"
    for words, count in COUNTS.items():
        text = re.sub(rf"\[\d+ (?={re.escape(words)})", f"[{count} ", text)
    return text


if __name__ == "__main__":
    for page, tables in TABLES.items():
        path = ROOT / page
        path.write_text(replace_tables(path.read_text(encoding="utf-8"), tables), encoding="utf-8")
