"""TensorFlow Data Validation's statistics as plain values."""

from __future__ import annotations

import math
from typing import Any

from ecg_keras.validation.results import Numbers, Profile, Texts


def read_profile(statistics: Any) -> Profile:
    """The profile of one split.

    Args:
        statistics: a `DatasetFeatureStatisticsList` of one dataset.
    """
    dataset = statistics.datasets[0]
    return {
        feature.path.step[0]: _read_texts(feature, dataset.num_examples)
        if feature.HasField("string_stats")
        else _read_numbers(feature, dataset.num_examples)
        for feature in dataset.features
    }


def say_number(value: float) -> str:
    """Three digits, or as many as a whole number has.

    Example:
        >>> [say_number(value) for value in (1845.6, 68.94, 0.00052, 10.0)]
        ['1846', '68.9', '0.00052', '10']
    """
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _read_texts(feature: Any, records: int) -> Texts:
    told = feature.string_stats
    counts = {one.label: round(one.sample_count) for one in told.rank_histogram.buckets}
    return Texts(records, records - told.common_stats.num_non_missing, counts)


def _read_numbers(feature: Any, records: int) -> Numbers:
    told = feature.num_stats
    present = told.common_stats.num_non_missing
    if not present:
        return Numbers(records, records, *[math.nan] * 5, ())
    return Numbers(
        records=records,
        missing=records - present,
        mean=told.mean,
        std=told.std_dev,
        median=told.median,
        low=told.min,
        high=told.max,
        quantiles=_join(told.histograms, told.min, told.max),
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
