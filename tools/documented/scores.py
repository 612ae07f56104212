"""The tables of summary scores, from `ecg_keras.metrics.table.TABLE`."""

from __future__ import annotations

from collections.abc import Iterable

from documented.markdown import format_table
from ecg_keras.metrics import FURTHER, METRICS, Metric

# of the labels' ECE, which resamples can't estimate, so it has no row among the others
ECE = ("`macro_ece`", "mean ECE of the labels, without those that are undefined")


def make_scores() -> str:
    """One row for each score that may select."""
    return _make(_list_rows(METRICS.values()))


def make_further_scores() -> str:
    """One row for each of the others."""
    return _make([*_list_rows(FURTHER.values()), ECE])


def _make(rows: Iterable[tuple[str, str]]) -> str:
    return format_table(("name", "what it is"), rows)


def _list_rows(metrics: Iterable[Metric]) -> list[tuple[str, str]]:
    return [(f"`{row.name}`", row.about) for row in metrics]
