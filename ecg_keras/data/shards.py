"""TFRecord shards: one `tf.train.Example` for each record, written whole or not at all."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import tensorflow as tf

from ecg_keras.data.dataset import Dataset
from ecg_keras.files import sha256_of

if TYPE_CHECKING:
    from ecg_keras.data.conversion import Converted


def encode(record: Converted, labels: Sequence[str]) -> bytes:
    """One record as the bytes of a `tf.train.Example`; the same record gives the same bytes.

    Args:
        record: as `conversion.convert` returns it.
        labels: names of the label set, in the order of ``target``.
    """
    info, quality = record.info, record.quality
    features = {
        "signal": _bytes([record.samples.tobytes()]),
        "scale": _floats([record.scale]),
        "target": _integers([int(label in info.labels) for label in labels]),
        "labels": _bytes([label.encode() for label in labels if label in info.labels]),
        "record_id": _bytes([info.record_id.encode()]),
        "patient_id": _bytes([info.patient_id.encode()]),
        "flat_leads": _integers([quality.flat_leads]),
        "signal_sha256": _bytes([record.sha256.encode()]),
        "peak_mv": _floats([quality.peak_mv]),
        "rms_mv": _floats([quality.rms_mv]),
    }
    if not math.isnan(quality.einthoven_mv):
        features["einthoven_mv"] = _floats([quality.einthoven_mv])
    if info.age is not None:
        features["age"] = _floats([info.age])
    if info.sex is not None:
        features["sex"] = _bytes([info.sex.encode()])
    if info.fold is not None:
        features["fold"] = _integers([info.fold])
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)


def decode(serialized: tf.Tensor, dataset: Dataset) -> dict[str, tf.Tensor]:
    """A batch of serialised records as tensors; works in a `tf.data` map.

    Args:
        serialized: ``(B,)`` bytes of `encode`.
        dataset: what is stored.

    Returns:
        ``samples`` int16 ``(B, num_samples, num_leads)``, ``scale`` float32 ``(B,)`` (millivolts
        per step), ``target`` float32 ``(B, num_labels)``, ``record_id``, ``patient_id`` and
        ``sex`` (empty where unknown) as bytes ``(B,)``, ``age`` float32 ``(B,)`` (NaN where
        unknown).
    """
    text = tf.io.FixedLenFeature([], tf.string)
    parsed = tf.io.parse_example(
        serialized,
        {
            "signal": text,
            "scale": tf.io.FixedLenFeature([], tf.float32),
            "target": tf.io.FixedLenFeature([len(dataset.labels)], tf.int64),
            "record_id": text,
            "patient_id": text,
            "age": tf.io.FixedLenFeature([], tf.float32, default_value=float("nan")),
            "sex": tf.io.FixedLenFeature([], tf.string, default_value=""),
        },
    )
    samples = tf.io.decode_raw(parsed.pop("signal"), tf.int16, little_endian=True)
    parsed["samples"] = tf.reshape(samples, (-1, dataset.num_samples, len(dataset.leads)))
    parsed["target"] = tf.cast(parsed["target"], tf.float32)
    return parsed


def millivolts(samples: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
    """float32 ``(B, num_samples, num_leads)`` in millivolts, of stored samples and their steps."""
    return tf.cast(samples, tf.float32) * scale[:, tf.newaxis, tf.newaxis]


def write_shard(path: Path, examples: Iterable[bytes], *, temporary: Path) -> tuple[int, str]:
    """Writes a shard to a temporary name on the same disk and renames it when it is complete.

    Args:
        path: of the shard.
        examples: its records, serialised.
        temporary: written to; it is gone afterwards, whatever happens.

    Returns:
        The size in bytes and the sha256.

    Raises:
        OSError: it can't be written. Nothing is at ``path`` then, or what was there before.
    """
    try:
        with tf.io.TFRecordWriter(str(temporary)) as writer:
            for example in examples:
                writer.write(example)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        size, checksum = temporary.stat().st_size, sha256_of(temporary)
        temporary.replace(path)
        return size, checksum
    except tf.errors.OpError as error:
        raise OSError(error.message) from error
    finally:
        temporary.unlink(missing_ok=True)


def _bytes(values: list[bytes]) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _floats(values: list[float]) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def _integers(values: list[int]) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
