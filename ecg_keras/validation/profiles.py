"""How the values of a feature are distributed in a split, as plain values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Texts:
    """How often each value of a feature occurs.

    Attributes:
        records: of the split.
        missing: how many of them have no value.
        counts: by value, the most frequent first; a record with several values counts for each.
    """

    records: int
    missing: int
    counts: Mapping[str, int]

    @property
    def present(self) -> int:
        """Records with a value."""
        return self.records - self.missing

    def share(self, value: str) -> float:
        """The share of all values that this one has."""
        return self.counts.get(value, 0) / max(1, sum(self.counts.values()))


@dataclass(frozen=True)
class Numbers:
    """How the values of a feature are distributed.

    Attributes:
        records: of the split.
        missing: how many of them have no value.
        mean, std, median, low, high: of the values; NaN where there is none.
        quantiles: points of the distribution from ``low`` to ``high``, each with the share of
            values below it, both ascending; empty where there is no value.
    """

    records: int
    missing: int
    mean: float
    std: float
    median: float
    low: float
    high: float
    quantiles: tuple[tuple[float, float], ...]

    @property
    def present(self) -> int:
        """Records with a value."""
        return self.records - self.missing


Profile = Mapping[str, Texts | Numbers]


def read_profile(statistics: Any) -> Profile:
    """The profile of a `DatasetFeatureStatisticsList` of one dataset."""
    dataset = statistics.datasets[0]
    return {
        feature.path.step[0]: _read_texts(feature.string_stats, dataset.num_examples)
        if feature.HasField("string_stats")
        else _read_numbers(feature.num_stats, dataset.num_examples)
        for feature in dataset.features
    }


def format_number(value: float) -> str:
    """Three digits, or as many as a whole number has."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _read_texts(counted: Any, records: int) -> Texts:
    counts = {one.label: round(one.sample_count) for one in counted.rank_histogram.buckets}
    return Texts(records, records - counted.common_stats.num_non_missing, counts)


def _read_numbers(counted: Any, records: int) -> Numbers:
    present = counted.common_stats.num_non_missing
    if not present:
        nan = math.nan
        return Numbers(records, records, nan, nan, nan, nan, nan, ())
    return Numbers(
        records=records,
        missing=records - present,
        mean=counted.mean,
        std=counted.std_dev,
        median=counted.median,
        low=counted.min,
        high=counted.max,
        quantiles=_join(counted.histograms, counted.min, counted.max),
    )


def _join(histograms: Any, low: float, high: float) -> tuple[tuple[float, float], ...]:
    """The points of all histograms of one feature, as one ascending distribution function.

    Equal widths show the middle of a distribution finely and equal numbers its ends: an outlier
    widens all buckets of the first kind.
    """
    points = {low: 0.0, high: 1.0}
    for histogram in histograms:
        total = sum(bucket.sample_count for bucket in histogram.buckets)
        below = 0.0
        for bucket in histogram.buckets:
            below += bucket.sample_count
            if low < bucket.high_value < high and total:
                points[bucket.high_value] = below / total
    ascending, share = [], 0.0
    for value in sorted(points):
        share = max(share, points[value])  # each histogram is approximate in its own way
        ascending.append((value, share))
    return tuple(ascending)
