"""What a batch may hold beside signal and target: age, sex, ids, figures and weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import tensorflow as tf

from ecg_keras.data.conversion import FIGURES, LEAD_FIGURES
from ecg_keras.data.dataset import Dataset
from ecg_keras.data.reading import read_identities
from ecg_keras.errors import ConfigError, listed, unknown_name
from ecg_keras.signals import LEAD_MEASURES

# each feature that can be asked for, and what of a stored record it is made of
STORED = {
    "age": "age",
    "sex": "sex",
    "record_id": "record_id",
    "patient_id": "patient_id",
    "weight": "record_id",
    **{name: name for name in (*FIGURES, *LEAD_FIGURES, *LEAD_MEASURES)},
}
NUMBERS = ("age", "sex")
NAMED = 5


@dataclass(frozen=True)
class BatchFeatures:
    """Which features are wanted, what unknown numbers are, and weights by record id."""

    names: tuple[str, ...] = ()
    missing: Mapping[str, float] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)

    @property
    def stored(self) -> tuple[str, ...]:
        """What has to be read of a record."""
        return tuple(dict.fromkeys(STORED[name] for name in self.names))

    def maker(self) -> Callable[[Mapping[str, tf.Tensor]], dict[str, tf.Tensor]]:
        """A function from what was read to each feature ``(batch,)``; it may be traced."""
        table = self._table() if self.weights else None

        def make_one(name: str, values: tf.Tensor) -> tf.Tensor:
            if name == "weight":
                return tf.ones(tf.shape(values)) if table is None else table.lookup(values)
            if name == "sex":
                known = tf.where(tf.equal(values, "female"), 1.0, float("nan"))
                values = tf.where(tf.equal(values, "male"), 0.0, known)
            if name in self.missing:
                stated = tf.cast(self.missing[name], tf.float32)
                return tf.where(tf.math.is_nan(values), stated, values)
            return values

        return lambda stored: {name: make_one(name, stored[STORED[name]]) for name in self.names}

    def _table(self) -> tf.lookup.StaticHashTable:
        names, values = list(self.weights), list(self.weights.values())
        numbers = tf.constant(values, tf.float32)
        return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(names, numbers), 1.0)


def choose_features(
    names: Sequence[str],
    missing: Mapping[str, float] | None,
    weights: Mapping[str, float] | None,
    *,
    mixed: bool,
) -> BatchFeatures:
    """What is asked for, after checks; ``mixed`` says that records are mixed with one another."""
    names = (names,) if isinstance(names, str) else tuple(names)
    for name in names:
        if name not in STORED:
            raise ConfigError(unknown_name("feature", name, tuple(STORED)))
    if len(set(names)) < len(names):
        raise ConfigError(f"features must be different names. Received: {listed(names)}.")
    if names and mixed:
        raise ConfigError(
            f"augment.mixup makes one ECG of two records, which have no {names[0]} in common. "
            "Leave out features, or augment.mixup."
        )
    for name, value in (missing or {}).items():
        if name not in NUMBERS or name not in names:
            raise ConfigError(
                f"missing gives the value of an unknown {' or '.join(NUMBERS)} that is one of "
                f"features. Received: {name}."
            )
        if not isinstance(value, int | float):
            raise ConfigError(f"missing must give numbers. Received: {value!r} for {name}.")
    if weights is not None and "weight" not in names:
        raise ConfigError(f"weights need the feature weight. Received: {listed(names) or 'none'}.")
    for record, weight in (weights or {}).items():
        if not (math.isfinite(weight) and weight >= 0):
            raise ConfigError(
                f"weights must be finite and at least 0. Received: {weight} for record {record}."
            )
    return BatchFeatures(names, dict(missing or {}), dict(weights or {}))


def check_weighted(folder: str | Path, dataset: Dataset, weights: Mapping[str, float]) -> None:
    """Refuses weights of records that the dataset never had: the others would count as 1, unseen.

    One table may have those of all splits, and of records that are in none of them.
    """
    unknown = set(weights) - {one.record_id for one in (*dataset.dropped, *dataset.quarantined)}
    for split in dataset.splits:
        if unknown:
            unknown -= set(read_identities(folder, split).record_ids.tolist())
    if unknown:
        names = listed([repr(one) for one in weights if one in unknown], NAMED)
        raise ConfigError(
            f"weights are by record id, as text: {folder} has no record {names}. Leave out what is "
            "no record of it; the feature record_id and ecg_keras.data.read_people give its ids."
        )
