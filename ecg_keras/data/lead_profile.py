"""The quality of each lead over a whole dataset: counts that any number of processes can add up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ecg_keras.array_types import IntArray
from ecg_keras.signals import LEAD_MEASURES, LeadQuality
from ecg_keras.text import text_table

# counts in fixed classes, and not values, because a dataset may have a million records: each class
# is 15 per cent wide, so that quantiles are exact enough, and memory stays the same; classes a
# decade, from 0.0001 to 100; before them one for less, behind them one for unknown
_DECADE, _LOWEST, _DECADES = 16, 1e-4, 6
_CLASSES = _DECADE * _DECADES + 1
QUANTILES = {"median": 0.5, "p95": 0.95}
# of each measure: the heading and the factor with which people read it
_SHOWN = {
    "flat": ("flat %", 100.0),
    "clipped": ("clipped %", 100.0),
    "noise_mv": ("noise µV", 1000.0),
    "baseline_mv": ("baseline µV", 1000.0),
    "mains_mv": ("mains µV", 1000.0),
}

# by measure and quantile, a figure for each lead
Summary = Mapping[str, Mapping[str, Sequence[float | None]]]


def count(records: Sequence[LeadQuality], leads: int) -> IntArray:
    """How many records are in each class, ``(measures, leads, classes)``."""
    counts = np.zeros((len(LEAD_MEASURES), leads, _CLASSES + 1), dtype=np.int64)
    if not records:
        return counts
    values = np.array([[getattr(one, name) for name in LEAD_MEASURES] for one in records])
    with np.errstate(divide="ignore", invalid="ignore"):
        places = np.floor(np.log10(values / _LOWEST) * _DECADE) + 1
    places = np.where(np.isnan(values), _CLASSES, np.clip(places, 0, _CLASSES - 1)).astype(int)
    _, measure, lead = np.indices(values.shape)
    np.add.at(counts, (measure, lead, places), 1)
    return counts


def summarise(parts: Iterable[Sequence[Any]], leads: int) -> Summary:
    """Quantiles of all records together, from the counts of each part of the dataset as lists. For
    each of `LEAD_MEASURES` and `QUANTILES` a figure for each lead, or ``None``.
    """
    total = count([], leads)
    for one in parts:
        total += np.array(one, dtype=np.int64)
    return {
        name: {
            # no share is above 1, but the class that 1 is in has a middle that is
            quantile: [
                _quantile(classes, share, 100.0 if "_mv" in name else 1.0) for classes in one
            ]
            for quantile, share in QUANTILES.items()
        }
        for name, one in zip(LEAD_MEASURES, total, strict=True)
    }


def quality_rows(quality: Summary, leads: Sequence[str]) -> list[tuple[str, ...]]:
    """A summary as cells of text, a heading first: median and 95th percentile of each lead."""
    cells: list[tuple[str, ...]] = [("median (95 %)", *(title for title, _ in _SHOWN.values()))]
    for column, lead in enumerate(leads):
        row = [lead]
        for name, (_, factor) in _SHOWN.items():
            middle, high = (quality[name][one][column] for one in QUANTILES)
            if middle is None or high is None:
                row.append("-")
            else:
                row.append(f"{middle * factor:.3g} ({high * factor:.3g})")
        cells.append(tuple(row))
    return cells


def quality_table(quality: Summary, leads: Sequence[str]) -> str:
    """`quality_rows` as lines of text."""
    return text_table((), quality_rows(quality, leads))


def _quantile(classes: IntArray, share: float, most: float) -> float | None:
    """The middle of the class that holds the quantile, to three digits."""
    below = np.cumsum(classes[:_CLASSES])
    if not below[-1]:
        return None
    place = int(np.searchsorted(below, share * below[-1]))
    middle = min(most, _LOWEST * 10 ** ((place - 0.5) / _DECADE))
    return float(f"{middle:.3g}") if place else 0.0
