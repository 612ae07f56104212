"""Shards to batches of ECGs: a `tf.data.Dataset` for Keras."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from ecg_keras.array_types import AnyArray, TextArray
from ecg_keras.config import Augment
from ecg_keras.data.augment import augment as change
from ecg_keras.data.batch_features import check_weighted, choose_features
from ecg_keras.data.batch_sources import Chosen, from_files, from_memory
from ecg_keras.data.dataset import check_split, describe
from ecg_keras.data.memory import check_memory, fits_in_memory, keep_freed_memory
from ecg_keras.data.reading import (
    Subset,
    are_in,
    check_counts,
    decode_texts,
    remaining_records,
    training_subset,
    whole_shards,
)
from ecg_keras.data.settings import check_augment
from ecg_keras.data.tracing import as_written
from ecg_keras.errors import ConfigError, look_up

_CORES = os.cpu_count() or 1
# batches that are made at the same time; a limit, so that memory does not grow with the machine
MADE_AT_ONCE = min(_CORES, 16)


def load(
    folder: str | Path,
    split: str,
    *,
    batch_size: int,
    shuffle: bool = False,
    seed: int = 0,
    train_records: int | None = None,
    subset: Subset = "nested",
    left_out: Collection[str] = (),
    augment: Augment | None = None,
    cache: bool | Literal["always", "unchecked"] = True,
    epochs: range | None = None,
    features: Sequence[str] = (),
    missing: Mapping[str, float] | None = None,
    weights: Mapping[str, float] | None = None,
    drop_remainder: bool = False,
) -> tf.data.Dataset[Any]:
    """Batches of a split, for ``model.fit``, ``evaluate`` and ``predict``.

    The order and the changes of an epoch depend on ``seed``, the number of the epoch and whether
    the split is in memory alone, so that a training that stops and resumes sees what it would have
    seen: name ``cache`` where free memory might decide otherwise then (`fits_in_memory`).

    Args:
        folder: of the shards.
        split: ``"train"``, ``"valid"`` or ``"test"``.
        batch_size: the last batch of an epoch may be smaller.
        shuffle: a new order in each epoch: over the whole split where it is in memory; otherwise
            over the shards, which are shuffled as they are written, and 512 records of them.
            Without it, the order of the files.
        seed: of the order, the changes and the subset.
        train_records: train on this number of records of the training split; none takes all.
        subset: which ones: a `nested_subset`, or the `first_records`.
        left_out: ids of records of the split that are not to be loaded, whatever the subset.
        augment: random changes, drawn again in each epoch; with ``mixup`` the targets are between
            0 and 1.
        cache: keep the split in memory (two bytes a sample) where `fits_in_memory` says that it
            fits; ``"always"`` keeps it there, or refuses what takes more than half of what is free;
            `False` never does; ``"unchecked"`` keeps it there without a look at what is free.
        epochs: the numbers of the epochs that follow one another in one pass, for ``fit`` with
            ``steps_per_epoch``; none makes each pass through the dataset an epoch, counted from 0,
            or from where `set_epoch` sets it.
        features: what else of each record, ``(batch,)``: ``"age"``, float32 in years; ``"sex"``,
            float32, 0 male and 1 female; ``"record_id"`` and ``"patient_id"``, bytes, for loops of
            your own: on GPUs ``fit`` compiles with XLA, which takes no text;
            ``"weight"``, float32, what Keras calls a sample weight; and float32 figures of the
            recording, such as ``"heart_rate"``, or, ``(batch, num_leads)``, of each lead, such as
            ``"noise_mv"``. What is unknown is NaN.
        missing: another value for an unknown ``age`` or ``sex``, such as ``{"age": 60}``.
        weights: with the feature ``"weight"``, weights by record id, also of records of
            other splits; other records have 1.
        drop_remainder: leave out the last batch of an epoch where it would be smaller, so that
            every batch has a static shape.

    Returns:
        ``(signal, target)``: float32 ``(batch, num_samples, num_leads)`` in millivolts and float32
        ``(batch, num_labels)``. With features, signal is a dictionary of ``signal`` and these, as
        a model of several inputs takes it; ``weight`` is a third part of the tuple.

    Raises:
        ConfigError: ``batch_size`` or ``train_records`` is below 1, a subset is asked of another
            split than the training split, these ECGs can't have a change, there is no such feature,
            ``subset`` or ``cache``, weights are of records that the dataset never had, records that
            ``mixup`` mixes are to have features, or no batch would be left.
        DataError: the folder is no finished dataset, has no such split, a shard is damaged, the
            shards hold more or fewer records than ``dataset.json`` promises, or ``cache="always"``
            asks for more than half of the memory that is free, which reading it needs twice.

    Example:
        >>> train = load("shards/ptbxl", "train", batch_size=64, shuffle=True, seed=0)
        >>> signal, target = next(iter(train))
        >>> signal.shape, target.shape
        (TensorShape([64, 1000, 12]), TensorShape([64, 5]))
        >>> wanted = ("age", "sex", "weight")
        >>> train = load("shards/ptbxl", "train", batch_size=64, features=wanted)
        >>> inputs, target, weight = next(iter(train))
        >>> list(inputs)
        ['age', 'sex', 'signal']
    """
    if train_records is not None and split != "train":
        raise ConfigError(f"train_records is for the split train. Received: split {split}.")
    source = _open(folder, split, batch_size)
    dataset = source.dataset
    if augment is not None:
        check_augment(
            augment,
            leads=dataset.leads,
            sampling_rate=dataset.sampling_rate,
            num_samples=dataset.num_samples,
        )
    if split == "train":
        source = source.keep(
            training_subset(folder, dataset, train_records, seed, subset, left_out)
        )
    elif left_out:
        source = source.keep(tuple(remaining_records(folder, dataset, split, left_out)))
    chosen = choose_features(features, missing, weights, mixed=bool(augment and augment.mixup))
    check_weighted(folder, dataset, chosen.weights)
    source = replace(source, features=chosen, drop_remainder=drop_remainder)
    if drop_remainder and not source.steps:
        raise ConfigError(
            f"drop_remainder leaves no batch of {batch_size} records: the {split} split of {folder}"
            f" has {source.records}. Make batches smaller, or keep the remainder."
        )
    if isinstance(cache, str):
        look_up("cache", cache, dict.fromkeys(("always", "unchecked")))
    if cache == "always":
        where = f"{folder}: the {split} split"
        check_memory(where, dataset, source.records, ", or read it from files, with cache=False")
    always = cache in ("always", "unchecked")
    in_memory = always or (cache and fits_in_memory(dataset, source.records))
    epoch_batches, fetch = (from_memory if in_memory else from_files)(source)

    @as_written
    def one_epoch(epoch: tf.Tensor) -> tf.data.Dataset[Any]:
        own = epoch_batches(_key(seed, epoch) if shuffle else None)
        return tf.data.Dataset.zip((tf.data.Dataset.from_tensors(epoch).repeat(), own.enumerate()))

    @as_written
    def finish(epoch: tf.Tensor, numbered: tuple[tf.Tensor, tf.Tensor]) -> tuple[Any, ...]:
        step, batch = numbered
        parts = fetch(batch)
        signal, target = parts.pop("signal"), parts.pop("target")
        if augment is not None:
            signal, target = change(
                signal,
                target,
                augment,
                sampling_rate=dataset.sampling_rate,
                leads=dataset.leads,
                seed=_key(seed, epoch, step),
            )
        weight = [parts.pop("weight")] if "weight" in parts else []
        return {"signal": signal, **parts} if parts else signal, target, *weight

    steps = source.steps * (1 if epochs is None else len(epochs))
    if epochs is not None:
        numbers = tf.data.Dataset.range(epochs.start, epochs.stop, epochs.step)
        return _made_at_once(numbers.flat_map(one_epoch), finish, steps)
    with tf.init_scope():
        passes = tf.Variable(0, dtype=tf.int64, trainable=False)
    numbers = tf.data.Dataset.from_tensors(0).map(as_written(lambda _: passes.assign_add(1) - 1))
    loaded = _made_at_once(numbers.flat_map(one_epoch), finish, steps)
    loaded.ecg_keras_passes = passes
    return loaded


def set_epoch(dataset: tf.data.Dataset[Any], epoch: int) -> None:
    """Makes the next pass through what `load` returned the epoch of this number.

    A training that resumes sees what it would have seen. In ``fit``, `callbacks.FollowEpochs` calls
    this.

    Args:
        dataset: as `load` returned it, before any ``map`` or ``take``; what is made of it follows.
        epoch: its number, from 0.

    Raises:
        ConfigError: the dataset is another, or its epochs are those given to `load`.

    Example:
        >>> train = load("shards/ptbxl", "train", batch_size=64, shuffle=True, seed=0)
        >>> set_epoch(train, 12)
    """
    passes = getattr(dataset, "ecg_keras_passes", None)
    if passes is None:
        raise ConfigError(
            "an epoch can be set of what ecg_keras.data.load returned without epochs=, before any "
            f"map, take or repeat. Received: {type(dataset).__name__}."
        )
    passes.assign(epoch)


def load_with_ids(folder: str | Path, split: str, batch_size: int) -> tf.data.Dataset[Any]:
    """Batches of a split in the order of the files, with the ids of their records: `load` with
    ``features=("record_id", "patient_id")``, as a tuple, and read again in each pass.

    Returns:
        ``(signal, target, record_id, patient_id)``, the ids as bytes ``(batch,)``; signal and
        target as `load` gives them. The last batch may be smaller.

    Raises:
        ConfigError, DataError: as `load`.

    Example:
        >>> for signal, target, record_id, patient_id in load_with_ids("shards/ptbxl", "test", 64):
        ...     probabilities = model(signal)
    """
    ids = ("record_id", "patient_id")
    loaded = load(folder, split, batch_size=batch_size, cache=False, features=ids)
    return loaded.map(
        as_written(lambda one, target: (one["signal"], target, *(one[name] for name in ids)))
    )


def load_chosen(
    folder: str | Path, split: str, batch_size: int, chosen: Collection[str] | None
) -> Iterator[tuple[tf.Tensor, AnyArray, TextArray, TextArray]]:
    """As `load_with_ids`, of the records with these ids, with targets and ids in NumPy.

    ``None`` chooses all. A batch may hold fewer.
    """
    wanted = None if chosen is None else frozenset(chosen)
    with whole_shards(folder, split):
        for signal, target, *ids in load_with_ids(folder, split, batch_size):
            records, patients = (decode_texts(one.numpy()) for one in ids)
            kept = np.ones(len(records), bool) if wanted is None else are_in(wanted, records)
            if kept.any():
                yield signal[kept], target.numpy()[kept], records[kept], patients[kept]


def _open(folder: str | Path, split: str, batch_size: int) -> Chosen:
    """All records of a split, after checks of what is asked and of what is there."""
    if batch_size < 1:
        raise ConfigError(f"batch_size must be at least 1. Received: {batch_size}.")
    dataset = describe(folder)
    check_split(folder, dataset, split)
    return Chosen(folder, dataset, split, check_counts(folder, dataset, split), batch_size)


def _made_at_once(
    stream: tf.data.Dataset[Any], make: Callable[..., tuple[Any, ...]], steps: int
) -> tf.data.Dataset[Any]:
    """The batches that a function makes of a stream's elements: several at a time, in order."""
    keep_freed_memory()
    options = tf.data.Options()
    # batches are made side by side: threads within one of them only get in each other's way
    options.threading.max_intra_op_parallelism = 1
    # nothing is left to tune, and to look for it costs a few per cent
    options.autotune.enabled = False
    return (
        stream.map(make, num_parallel_calls=MADE_AT_ONCE)
        .apply(tf.data.experimental.assert_cardinality(steps))
        .prefetch(2)
        .with_options(options)
    )


def _key(seed: int, *numbers: tf.Tensor) -> tf.Tensor:
    """Two integers for stateless random numbers, from the seed and each of the numbers."""
    key = tf.constant([seed, 0], tf.int64)
    for number in numbers:
        key = tf.random.experimental.stateless_fold_in(key, number)
    return key
