"""Writes the tables of summary scores in docs/statistics.md, from `ecg_keras.metrics.table.TABLE`.

python tools/metric_tables.py
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ecg_keras.metrics import FURTHER, METRICS, Metric

PAGE = Path(__file__).resolve().parents[1] / "docs" / "statistics.md"
HEADING = "| name | what it is |\n|---|---|\n"
# of the labels' ECE, which resamples can't estimate, so it has no row among the others
ECE = "| `macro_ece` | mean ECE of the labels, without those that are undefined |\n"


def replace_tables(page: str) -> str:
    """The text of the page with other tables in place of those in it: what selects, the others."""
    before, first, rest = page.partition(HEADING)
    between, second, after = rest.partition("\n\n")[2].partition(HEADING)
    if not (first and second):
        raise ValueError(f"{PAGE}: there must be two tables of summary scores.")
    after = after.partition("\n\n")[2]
    rows = _make_rows(METRICS.values()), _make_rows(FURTHER.values()) + ECE
    return f"{before}{HEADING}{rows[0]}\n{between}{HEADING}{rows[1]}\n{after}"


def _make_rows(metrics: Iterable[Metric]) -> str:
    return "".join(f"| `{row.name}` | {row.about} |\n" for row in metrics)


if __name__ == "__main__":
    PAGE.write_text(replace_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
