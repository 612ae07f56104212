"""Where an epoch's batches come from: a split that is held in memory, or its files."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from ecg_keras.array_types import AnyArray
from ecg_keras.data.batch_features import BatchFeatures
from ecg_keras.data.dataset import Dataset
from ecg_keras.data.examples import ECG, decode, millivolts
from ecg_keras.data.reading import are_in, batches, serialized
from ecg_keras.data.tracing import as_written
from ecg_keras.errors import DataError

# records among which a stream is shuffled where the split does not fit in memory
_SHUFFLED = 512
# shards whose records alternate, and how many of one follow each other
_OPEN_SHARDS = 8
TURN = 32
# bytes that are read of one of them at a time: all together stay in a core's own cache
_READ_BYTES = 1 << 16
_CORES = os.cpu_count() or 1
# threads that read shards; with few cores, handing records over costs more than it gives
READERS = min(_OPEN_SHARDS, _CORES // 2) if _CORES >= 4 else None
# an epoch's batches ``(batch,)`` of row numbers or of serialised records, from the key ``(2,)`` of
# its order (none: of the files)
Batches = Callable[["tf.Tensor | None"], "tf.data.Dataset[Any]"]
# of such a batch ``signal``, float32 ``(batch, num_samples, num_leads)`` in millivolts, ``target``,
# float32 ``(batch, num_labels)``, and the features that are wanted
Fetch = Callable[[tf.Tensor], "dict[str, tf.Tensor]"]


@dataclass(frozen=True)
class Chosen:
    """What is loaded: ``records`` of a split, those with the ids ``chosen`` or else all."""

    folder: str | Path
    dataset: Dataset
    split: str
    records: int
    batch_size: int
    chosen: Sequence[str] | None = None
    features: BatchFeatures = field(default_factory=BatchFeatures)
    drop_remainder: bool = False

    def keep(self, record_ids: Sequence[str] | None) -> Chosen:
        """The same, but of these records alone; ``None`` keeps all."""
        if record_ids is None:
            return self
        if not record_ids:
            raise DataError(f"{self.folder}: every record of the {self.split} split is left out.")
        return replace(self, records=len(record_ids), chosen=record_ids)

    def stored(self) -> tf.data.Dataset[Any]:
        """The serialised records of the split, in the order of the files."""
        return serialized(self.folder, self.dataset, self.split)

    def batched(self, records: tf.data.Dataset[Any]) -> tf.data.Dataset[Any]:
        """Batches of what stands for records, the last one whole, smaller or left out."""
        return records.batch(self.batch_size, drop_remainder=self.drop_remainder)

    @property
    def steps(self) -> int:
        """Batches of one pass."""
        whole, rest = divmod(self.records, self.batch_size)
        return whole + (rest > 0 and not self.drop_remainder)


def from_memory(source: Chosen) -> tuple[Batches, Fetch]:
    """Row numbers, and the split's samples that they name: read once, here, kept as int16."""
    dataset, count = source.dataset, source.records
    chosen = None if source.chosen is None else frozenset(source.chosen)
    samples = np.empty((count, dataset.num_samples, len(dataset.leads)), np.int16)
    scale = np.empty(count, np.float32)
    target = np.empty((count, len(dataset.labels)), np.float32)
    others: dict[str, list[AnyArray]] = {name: [] for name in source.features.stored}
    filled = 0
    wanted = tuple(dict.fromkeys((*ECG, "record_id", *source.features.stored)))
    for one in batches(source.folder, dataset, source.split, wanted):
        kept = slice(None) if chosen is None else are_in(chosen, one["record_id"])
        rows = slice(filled, filled + len(one["scale"][kept]))
        samples[rows], scale[rows] = one["samples"][kept], one["scale"][kept]
        target[rows] = one["target"][kept]
        for name, parts in others.items():
            parts.append(one[name][kept])
        filled = rows.stop
    with tf.device("CPU"):
        samples_, scale_, target_ = tf.constant(samples), tf.constant(scale), tf.constant(target)
        stored = {name: tf.constant(np.concatenate(parts)) for name, parts in others.items()}
        features = source.features.maker()(stored)

    def number_rows(key: tf.Tensor | None) -> tf.data.Dataset[Any]:
        order = tf.range(count)
        if key is not None:
            order = tf.random.experimental.stateless_shuffle(order, key)
        return source.batched(tf.data.Dataset.from_tensor_slices(order))

    def fetch(batch: tf.Tensor) -> dict[str, tf.Tensor]:
        signal = millivolts(tf.gather(samples_, batch), tf.gather(scale_, batch))
        others = {name: tf.gather(values, batch) for name, values in features.items()}
        return {"signal": signal, "target": tf.gather(target_, batch), **others}

    return number_rows, fetch


def from_files(source: Chosen) -> tuple[Batches, Fetch]:
    """Serialised records, read again in each epoch, and what they hold."""
    dataset = source.dataset
    paths = [str(Path(source.folder) / name) for name in dataset.splits[source.split].shards]

    def stream(key: tf.Tensor | None) -> tf.data.Dataset[Any]:
        if key is None:
            records = source.stored()
        else:
            order = tf.random.experimental.stateless_shuffle(tf.constant(paths), key)
            records = tf.data.Dataset.from_tensor_slices(order).interleave(
                as_written(lambda path: tf.data.TFRecordDataset(path, buffer_size=_READ_BYTES)),
                cycle_length=_OPEN_SHARDS,
                block_length=TURN,
                num_parallel_calls=READERS,
            )
        if keep_chosen is not None:
            records = records.batch(TURN).map(keep_chosen).unbatch()
        if key is not None:
            # of this epoch's function alone: the order must not depend on TensorFlow's global seed
            tf.compat.v1.set_random_seed(1)
            own = tf.random.stateless_uniform((), key, maxval=2**31 - 1, dtype=tf.int64)
            records = records.shuffle(_SHUFFLED, seed=own, reshuffle_each_iteration=False)
        return source.batched(records)

    def fetch(batch: tf.Tensor) -> dict[str, tf.Tensor]:
        # a batch is parsed at once: several times faster than one record at a time
        one = decode(batch, dataset, (*ECG, *source.features.stored))
        signal = millivolts(one["samples"], one["scale"])
        return {"signal": signal, "target": one["target"], **make(one)}

    make = source.features.maker()
    keep_chosen = None if source.chosen is None else _filter(dataset, source.chosen)
    return stream, fetch


def _filter(dataset: Dataset, chosen: Sequence[str]) -> Callable[[tf.Tensor], tf.Tensor]:
    """The function that keeps those of some serialised records that have one of these ids."""
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(list(chosen), [True] * len(chosen)), False
    )

    @as_written
    def keep_chosen(some: tf.Tensor) -> tf.Tensor:
        return tf.boolean_mask(
            some, table.lookup(decode(some, dataset, ["record_id"])["record_id"])
        )

    return keep_chosen
