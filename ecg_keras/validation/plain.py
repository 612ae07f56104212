"""The schema's rules without TensorFlow Data Validation, for systems that it has no package for.

Ranges, presence, labels and the conditions on medians are checked in one pass over the shards.
Statistics pages, drift and skew need the library.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.data import Dataset
from ecg_keras.validation.conditions import Condition
from ecg_keras.validation.features import (
    INTEGERS,
    NUMBERS,
    PER_LEAD,
    TEXTS,
    lead_feature,
    parse_as,
)
from ecg_keras.validation.reasons import say_absent, say_condition, say_range, say_strange
from ecg_keras.validation.results import Anomaly, Numbers, Texts
from ecg_keras.validation.schema import TRAINING

OUT_OF_RANGE, TOO_MANY = OF_RECORDS = ("out of range", "too many values")
NOT_A_NUMBER = "some values are not a number (NaN)"


@dataclass
class _Counted:
    """What has been seen of one column so far."""

    present: int = 0
    low: float = math.inf
    high: float = -math.inf
    undefined: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    fewest: float = math.inf
    most: int = 0
    # all of them, where their median is asked for
    values: list[npt.NDArray[Any]] = field(default_factory=list)

    def add_numbers(self, values: npt.NDArray[Any], keep: bool) -> None:
        if not values.size:
            return
        self.present += len(values)
        self.low, self.high = min(self.low, values.min()), max(self.high, values.max())
        self.undefined |= bool(np.isnan(values).any())
        if keep:
            self.values.append(values)

    def add_texts(self, values: Sequence[bytes], lengths: npt.NDArray[Any]) -> None:
        some = lengths[lengths > 0]
        if not some.size:
            return
        self.present += len(some)
        self.fewest, self.most = min(self.fewest, some.min()), max(self.most, some.max())
        self.counts.update(value.decode(errors="replace") for value in values)

    def profile(self, name: str, records: int) -> Texts | Numbers:
        missing = records - self.present
        if name in TEXTS:
            return Texts(records, missing, dict(self.counts.most_common()))
        median = float(np.median(np.concatenate(self.values))) if self.values else math.nan
        return Numbers(records, missing, math.nan, math.nan, median, self.low, self.high, ())


def check_plainly(
    folder: Path, dataset: Dataset, split: str, schema: Any, conditions: Sequence[Condition]
) -> list[tuple[Anomaly, bool]]:
    """What breaks the schema or a condition in one split; of each, whether a range is missed.

    Memory grows by four bytes a record for each feature whose median is asked for.

    Args:
        folder: of the shards.
        dataset: what is in them.
        split: one that has records.
        schema: a `Schema` of tensorflow_metadata.
        conditions: on distributions.

    Raises:
        DataError: a shard is damaged.
    """
    wanted = {one.feature for one in conditions if one.of == "median"}
    records, columns = 0, dict[str, _Counted]()
    for batch in _batches(folder, dataset, split):
        records += len(batch["labels"][1])
        for name, (values, lengths) in batch.items():
            _count(columns, name, values, lengths, dataset.leads, wanted)
    profiles = {name: one.profile(name, records) for name, one in columns.items()}
    found: list[tuple[Anomaly, bool]] = []
    for rule in schema.feature:
        if rule.name in profiles and TRAINING not in rule.not_in_environment:
            for short, said in _check(rule, columns[rule.name], profiles[rule.name]):
                found.append((Anomaly(split, rule.name, short, said), short in OF_RECORDS))
    for one in conditions:
        profile = profiles[one.feature]
        median = profile.median if isinstance(profile, Numbers) else math.nan
        if not one.holds(profile.present, profile.missing, median):
            said = say_condition(one.sentence, profile)
            found.append((Anomaly(split, one.feature, one.sentence, said), False))
    return sorted(found, key=lambda one: one[0].feature)


def _batches(folder: Path, dataset: Dataset, split: str) -> Iterator[dict[str, Any]]:
    """The values of every profiled feature, and how many each of some hundred records has."""
    import tensorflow as tf

    from ecg_keras.data import PARSED, serialized, whole_shards

    wanted = parse_as((*TEXTS, *NUMBERS, *INTEGERS, *PER_LEAD))

    def parse(serialised: Any) -> Any:
        parsed = tf.io.parse_example(serialised, wanted)
        return {name: (rows.values, rows.row_lengths()) for name, rows in parsed.items()}

    stream = serialized(folder, dataset, split).batch(PARSED)
    with whole_shards(folder, split):
        yield from stream.map(parse).as_numpy_iterator()


def _count(
    columns: dict[str, _Counted],
    name: str,
    values: npt.NDArray[Any],
    lengths: npt.NDArray[Any],
    leads: Sequence[str],
    wanted: set[str],
) -> None:
    """Adds a batch of a feature to its column, or to the columns of its leads."""
    if name in TEXTS:
        columns.setdefault(name, _Counted()).add_texts(values.tolist(), lengths)
    elif name in PER_LEAD:
        for lead, of_lead in zip(leads, values.reshape(-1, len(leads)).T, strict=True):
            column = lead_feature(name, lead)
            columns.setdefault(column, _Counted()).add_numbers(of_lead, column in wanted)
    else:
        columns.setdefault(name, _Counted()).add_numbers(values, name in wanted)


def _check(rule: Any, counted: _Counted, profile: Texts | Numbers) -> Iterator[tuple[str, str]]:
    """What is wrong in a few words, and with the figures."""
    if profile.present < rule.presence.min_fraction * profile.records:
        yield "missing", say_absent(profile, rule)
    if not profile.present:
        return
    if isinstance(profile, Texts):
        if set(profile.counts) - set(rule.string_domain.value):
            yield "unexpected values", say_strange(profile, rule)
        least, greatest = rule.value_count.min, rule.value_count.max
        if greatest and not least <= counted.fewest <= counted.most <= greatest:
            said = f"up to {counted.most} values in a record, allowed are {least} to {greatest}"
            yield TOO_MANY, said
        return
    domain = rule.float_domain if rule.HasField("float_domain") else rule.int_domain
    if counted.undefined:
        yield "not a number", NOT_A_NUMBER
    if domain.HasField("max") and profile.high > domain.max:
        yield OUT_OF_RANGE, say_range(profile, rule, high=True)
    if domain.HasField("min") and profile.low < domain.min:
        yield OUT_OF_RANGE, say_range(profile, rule, high=False)
