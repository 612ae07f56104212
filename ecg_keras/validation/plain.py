"""The schema's rules without TensorFlow Data Validation, for systems that it has no package for.

Ranges, presence, labels and the requirements on medians are checked while the shards are read once.
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

from ecg_keras.array_types import AnyArray
from ecg_keras.data import Dataset
from ecg_keras.validation.anomalies import (
    Anomaly,
    out_of_range,
    too_few,
    unexpected_values,
    unmet_requirement,
)
from ecg_keras.validation.columns import TEXTS, read_columns
from ecg_keras.validation.profiles import Numbers, Texts
from ecg_keras.validation.schema import TRAINING, Requirement

OUT_OF_RANGE, TOO_MANY = OF_RECORDS = ("out of range", "too many values")


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
    # all of them, where their median is needed
    values: list[AnyArray] = field(default_factory=list)

    def add_numbers(self, values: AnyArray, keep: bool) -> None:
        if not values.size:
            return
        self.present += len(values)
        self.low, self.high = min(self.low, values.min()), max(self.high, values.max())
        self.undefined |= bool(np.isnan(values).any())
        if keep:
            self.values.append(values)

    def add_texts(self, values: Sequence[bytes], lengths: AnyArray) -> None:
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
    folder: Path, dataset: Dataset, split: str, schema: Any, requirements: Sequence[Requirement]
) -> list[tuple[Anomaly, bool]]:
    """What breaks the schema or a requirement in one split; of each, whether a range is missed.

    Memory grows by four bytes a record for each feature whose median is needed.
    """
    medians = {one.feature for one in requirements if one.of == "median"}
    records, columns = 0, dict[str, _Counted]()
    for batch in read_columns(folder, dataset, split):
        records += len(batch["labels"][1])
        for name, (values, lengths) in batch.items():
            column = columns.setdefault(name, _Counted())
            if name in TEXTS:
                column.add_texts(values.tolist(), lengths)
            else:
                column.add_numbers(values, name in medians)
    profiles = {name: one.profile(name, records) for name, one in columns.items()}
    found: list[tuple[Anomaly, bool]] = []
    for rule in schema.feature:
        if rule.name in profiles and TRAINING not in rule.not_in_environment:
            for short, text in _check(rule, columns[rule.name], profiles[rule.name]):
                found.append((Anomaly(split, rule.name, short, text), short in OF_RECORDS))
    for one in requirements:
        profile = profiles[one.feature]
        median = profile.median if isinstance(profile, Numbers) else math.nan
        if not one.holds(profile.present, profile.missing, median):
            text = unmet_requirement(one.sentence, profile)
            found.append((Anomaly(split, one.feature, one.sentence, text), False))
    return sorted(found, key=lambda one: one[0].feature)


def _check(rule: Any, counted: _Counted, profile: Texts | Numbers) -> Iterator[tuple[str, str]]:
    """What is wrong in a few words, and with the figures."""
    if profile.present < rule.presence.min_fraction * profile.records:
        yield "missing", too_few(profile, rule)
    if not profile.present:
        return
    if isinstance(profile, Texts):
        if set(profile.counts) - set(rule.string_domain.value):
            yield "unexpected values", unexpected_values(profile, rule)
        least, most = rule.value_count.min, rule.value_count.max
        if most and not least <= counted.fewest <= counted.most <= most:
            text = f"up to {counted.most} values in a record, allowed are {least} to {most}"
            yield TOO_MANY, text
        return
    domain = rule.float_domain if rule.HasField("float_domain") else rule.int_domain
    if counted.undefined:
        yield "not a number", "some values are not a number (NaN)"
    if domain.HasField("max") and profile.high > domain.max:
        yield OUT_OF_RANGE, out_of_range(profile, rule, high=True)
    if domain.HasField("min") and profile.low < domain.min:
        yield OUT_OF_RANGE, out_of_range(profile, rule, high=False)
