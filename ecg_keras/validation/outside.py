"""Records outside of a range that the schema names: a few are theirs, many are the dataset's."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ecg_keras.data import Dataset, Noted, describe_value
from ecg_keras.sources import Range
from ecg_keras.validation.features import INTEGERS, NUMBERS, PER_LEAD, feature_of, parse_as

# the share of a dataset's records that may be outside of one range; what chance does to small
# datasets is added
TOLERATED = 0.05


def tolerated(records: int) -> float:
    """How many records of a dataset may be outside of one range.

    A share of 5 %, and three standard errors of it.

    Example:
        >>> [math.floor(tolerated(records)) for records in (1, 10, 40, 363, 21_000)]
        [0, 2, 6, 30, 1144]
    """
    return TOLERATED * records + 3 * math.sqrt(TOLERATED * (1 - TOLERATED) * records)


def range_of(rule: Any) -> Range | None:
    """The range that a feature of the schema allows to each value; none where it names none.

    That of texts is how many values a record may have.
    """
    for domain in ("float_domain", "int_domain"):
        if rule.HasField(domain):
            limits = getattr(rule, domain)
            low = limits.min if limits.HasField("min") else -math.inf
            return low, limits.max if limits.HasField("max") else math.inf
    return (0, rule.value_count.max or math.inf) if rule.HasField("value_count") else None


def find_outside(
    folder: Path, dataset: Dataset, splits: Sequence[str], ranges: Mapping[str, Range]
) -> dict[str, dict[str, list[Noted]]]:
    """The records outside of ranges, those farthest out first.

    Args:
        folder: of the shards.
        dataset: what is in them.
        splits: to look in, each with records.
        ranges: by the names of columns, such as ``peak_mv`` or ``noise_mv V6``; of ``labels`` the
            number of a record's labels.

    Returns:
        By column and split. A lead that `prepare` named is named again.
    """
    leads = {(one.record_id, one.measure): one.lead for one in dataset.noted}
    found: dict[str, dict[str, list[Noted]]] = {name: {} for name in ranges}
    for split in splits:
        for record_id, values in _read(folder, dataset, split, list(ranges)):
            for name, value in values.items():
                low, high = ranges[name]
                if not (value < low or value > high):
                    continue
                measure, _, lead = name.partition(" ")
                where = lead or leads.get((record_id, measure))
                said = describe_value(measure, where, value, ranges[name])
                found[name].setdefault(split, []).append(
                    Noted(record_id, where, measure, float(f"{value:.4g}"), said)
                )
    for name, by_split in found.items():
        low, high = ranges[name]
        for records in by_split.values():
            records.sort(key=lambda one: max(one.value - high, low - one.value), reverse=True)
    return found


def _read(
    folder: Path, dataset: Dataset, split: str, columns: Sequence[str]
) -> Iterator[tuple[str, dict[str, float]]]:
    """The id of each record, and those of its figures that are known."""
    import tensorflow as tf

    from ecg_keras.data import PARSED, serialized, whole_shards

    known = {*NUMBERS, *PER_LEAD, *INTEGERS, "labels"}
    names = {feature_of(column) for column in columns} & known
    features = parse_as(names)
    features["record_id"] = tf.io.FixedLenFeature([], tf.string)
    with whole_shards(folder, split):
        for batch in serialized(folder, dataset, split).batch(PARSED):
            parsed = tf.io.parse_example(batch, features)
            rows = {name: parsed[name].to_list() for name in names}
            for index, record_id in enumerate(parsed["record_id"].numpy().tolist()):
                values = {}
                for column in columns:
                    feature, _, lead = column.partition(" ")
                    row = rows[feature][index] if feature in rows else []
                    if feature == "labels":
                        values[column] = float(len(row))
                    elif row:
                        values[column] = float(row[dataset.leads.index(lead) if lead else 0])
                yield record_id.decode(), values
