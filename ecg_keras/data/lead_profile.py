"""The quality of each lead over a whole dataset: counts that any number of processes can add up.

Counts in fixed classes, and not values, because a dataset may have a million records: each class is
15 per cent wide, so that quantiles are as exact as anybody needs, and memory stays the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.signals import LEAD_MEASURES, LeadQuality
from ecg_keras.text import text_table

# classes a decade, from 0.0001 to 100; before them one for less, behind them one for unknown
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

Counts = npt.NDArray[np.int64]


def count(records: Sequence[LeadQuality], leads: int) -> Counts:
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


def to_json(counts: Counts) -> list[Any]:
    """The counts as lists, for a sidecar."""
    listed: list[Any] = counts.tolist()
    return listed


def summarise(
    sidecars: Iterable[Sequence[Any]], leads: int
) -> dict[str, dict[str, list[float | None]]]:
    """Quantiles of all records together.

    Args:
        sidecars: `to_json` of each part of the dataset.
        leads: how many there are.

    Returns:
        For each of `LEAD_MEASURES` and `QUANTILES` a figure for each lead; ``None`` where no
        record has one.

    Example:
        >>> records = [
        ...     LeadQuality(*np.array([[0.0], [0.0], [noise], [0.0], [np.nan]]))
        ...     for noise in (0.0, 0.01, 0.012)
        ... ]
        >>> summary = summarise([to_json(count(records, 1))], 1)
        >>> summary["noise_mv"]["median"], summary["mains_mv"]["median"]
        ([0.0107], [None])
    """
    total = count([], leads)
    for one in sidecars:
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


def rows(
    quality: Mapping[str, Mapping[str, Sequence[float | None]]], leads: Sequence[str]
) -> list[tuple[str, ...]]:
    """The summary as cells of text, a heading first: median and 95th percentile of each lead.

    Args:
        quality: from `summarise`.
        leads: names.
    """
    cells: list[tuple[str, ...]] = [("median (95 %)", *(title for title, _ in _SHOWN.values()))]
    for column, lead in enumerate(leads):
        row = [lead]
        for name, (_, factor) in _SHOWN.items():
            middle, high = (quality[name][one][column] for one in QUANTILES)
            known = middle is not None and high is not None
            row.append(f"{middle * factor:.3g} ({high * factor:.3g})" if known else "-")
        cells.append(tuple(row))
    return cells


def table(quality: Mapping[str, Mapping[str, Sequence[float | None]]], leads: Sequence[str]) -> str:
    """`rows` as lines of text."""
    return text_table((), rows(quality, leads))


def _quantile(classes: Counts, share: float, most: float) -> float | None:
    """The middle of the class that holds the quantile, to three digits."""
    known = np.cumsum(classes[:_CLASSES])
    if not known[-1]:
        return None
    place = int(np.searchsorted(known, share * known[-1]))
    middle = min(most, _LOWEST * 10 ** ((place - 0.5) / _DECADE))
    return float(f"{middle:.3g}") if place else 0.0
