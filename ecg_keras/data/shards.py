"""What `examples.encode` wrote, as tensors."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from ecg_keras.data.dataset import Dataset

ECG = ("samples", "scale", "target")
EVERYTHING = (*ECG, "record_id", "patient_id", "age", "sex")


def decode(
    serialized: tf.Tensor, dataset: Dataset, wanted: Sequence[str] = EVERYTHING
) -> dict[str, tf.Tensor]:
    """A batch of serialised records as tensors; works in a `tf.data` map.

    Args:
        serialized: ``(B,)`` bytes of `examples.encode`.
        dataset: what is stored.
        wanted: names of what is returned; the less, the faster.

    Returns:
        ``samples`` int16 ``(B, num_samples, num_leads)``, ``scale`` float32 ``(B,)`` (millivolts
        per step), ``target`` float32 ``(B, num_labels)``, ``record_id``, ``patient_id`` and
        ``sex`` (empty where unknown) as bytes ``(B,)``, ``age`` float32 ``(B,)`` (NaN where
        unknown); only where it is named, ``content`` as bytes ``(B,)``.
    """
    text = tf.io.FixedLenFeature([], tf.string)
    features = {
        "samples": text,
        "scale": tf.io.FixedLenFeature([], tf.float32),
        "target": tf.io.FixedLenFeature([len(dataset.labels)], tf.int64),
        "record_id": text,
        "patient_id": text,
        "age": tf.io.FixedLenFeature([], tf.float32, default_value=float("nan")),
        "sex": tf.io.FixedLenFeature([], tf.string, default_value=""),
        "content": text,
    }
    stored_as = {"samples": "signal"}
    parsed = tf.io.parse_example(
        serialized, {stored_as.get(name, name): features[name] for name in wanted}
    )
    if "samples" in wanted:
        samples = tf.io.decode_raw(parsed.pop("signal"), tf.int16, little_endian=True)
        # as many as there are records: a signal of another length must not pass for several
        shape = (tf.size(serialized), dataset.num_samples, len(dataset.leads))
        parsed["samples"] = tf.reshape(samples, shape)
    if "target" in wanted:
        parsed["target"] = tf.cast(parsed["target"], tf.float32)
    return parsed


def millivolts(samples: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
    """float32 ``(B, num_samples, num_leads)`` in millivolts, of stored samples and their steps."""
    return tf.cast(samples, tf.float32) * scale[:, tf.newaxis, tf.newaxis]
