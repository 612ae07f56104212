"""Which anomalies of a dataset are the matter of a few of its records."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ecg_keras.data import SPLITS, Dataset, Noted, describe_value, name_noted
from ecg_keras.sources import USABLE, Range
from ecg_keras.validation.anomalies import Anomaly
from ecg_keras.validation.columns import PROFILED, TEXTS, feature_of, read_columns

# the share of a dataset's records that may be outside of one range; what chance does to small
# datasets is added
TOLERATED = 0.05


def judge(
    found: Sequence[tuple[Anomaly, bool]], folder: Path, dataset: Dataset, schema: Any
) -> tuple[list[Anomaly], list[Noted]]:
    """What is wrong with a dataset, and the records that a few anomalies are about instead.

    A range that many records miss is missed by the dataset; what only few miss is these records'
    matter, unless they are no usable ECG, which `prepare` leaves out where it verifies a database.
    """
    rules = {feature.name: _range_of(feature) for feature in schema.feature}
    ranges = {one.feature: rules[one.feature] for one, of_records in found if of_records}
    splits = [split for split in SPLITS if dataset.splits[split].records]
    outside = _find_outside(folder, dataset, splits, ranges)
    allowed = _tolerated(sum(dataset.splits[split].records for split in splits))
    anomalies, noted = [], []
    for one, of_records in found:
        if not of_records:
            anomalies.append(one)
            continue
        by_split = outside[one.feature]
        everywhere = [record for records in by_split.values() for record in records]
        low, high = USABLE.get(one.feature, (-math.inf, math.inf))
        usable = all(low <= record.value <= high for record in everywhere)
        if usable and len(everywhere) <= allowed:
            noted += everywhere
            continue
        where = splits if one.split == "serving" else [one.split]
        records = [record for split in where for record in by_split.get(split, ())]
        of = sum(dataset.splits[split].records for split in where)
        named = name_noted({record.record_id: [record] for record in records})
        anomalies.append(
            replace(one, long=f"{one.long}: {len(records)} of {of} records, such as {named}")
        )
    return anomalies, noted


def _tolerated(records: int) -> float:
    """How many records of a dataset may be outside of one range: 5 %, and three standard errors."""
    return TOLERATED * records + 3 * math.sqrt(TOLERATED * (1 - TOLERATED) * records)


def _range_of(rule: Any) -> Range:
    """What a feature of the schema allows to each value; of texts, how many a record may have."""
    for domain in ("float_domain", "int_domain"):
        if rule.HasField(domain):
            limits = getattr(rule, domain)
            low = limits.min if limits.HasField("min") else -math.inf
            return low, limits.max if limits.HasField("max") else math.inf
    return 0, rule.value_count.max or math.inf


def _find_outside(
    folder: Path, dataset: Dataset, splits: Sequence[str], ranges: Mapping[str, Range]
) -> dict[str, dict[str, list[Noted]]]:
    """By column and split the records outside of its range, those farthest out first.

    A lead that `prepare` named is named again.
    """
    leads = {(one.record_id, one.measure): one.lead for one in dataset.noted}
    found: dict[str, dict[str, list[Noted]]] = {name: {} for name in ranges}
    names = [name for name in PROFILED if name in {feature_of(one) for one in ranges}]
    for split in splits if names else ():
        for columns in read_columns(folder, dataset, split, [*names, "record_id"]):
            ids = columns["record_id"][0]
            for name in ranges.keys() & columns.keys():
                low, high = ranges[name]
                values, lengths = columns[name]
                rows = np.flatnonzero(lengths)
                if name in TEXTS:  # how many values a record has
                    rows, values = np.arange(len(lengths)), lengths
                wrong = (values < low) | (values > high)
                for row, value in zip(rows[wrong], values[wrong].tolist(), strict=True):
                    record_id = ids[row].decode()
                    measure, _, lead = name.partition(" ")
                    where = lead or leads.get((record_id, measure))
                    text = describe_value(measure, where, value, ranges[name])
                    found[name].setdefault(split, []).append(
                        Noted(record_id, where, measure, float(f"{value:.4g}"), text)
                    )
    for name, by_split in found.items():
        low, high = ranges[name]
        for records in by_split.values():
            records.sort(key=lambda one: max(one.value - high, low - one.value), reverse=True)
    return found
