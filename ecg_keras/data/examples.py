"""One converted record as the bytes of a `tf.train.Example`, and batches of them as tensors.

Sources: Protocol Buffers, Encoding; example.proto and feature.proto of TensorFlow.
"""

from __future__ import annotations

import functools
import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ecg_keras.data.conversion import FIGURES, LEAD_FIGURES, Converted
from ecg_keras.data.dataset import Dataset
from ecg_keras.signals import LEAD_MEASURES

if TYPE_CHECKING:
    import tensorflow as tf

ECG = ("samples", "scale", "target")
EVERYTHING = (*ECG, "record_id", "patient_id", "age", "sex")

# encoded without TensorFlow: processes that prepare shards start in a fraction of the time that its
# import takes; the kind of its list, whether its values bring their own heads, and their bytes
Feature = tuple[int, bool, bytes]


def encode(record: Converted, labels: Sequence[str]) -> bytes:
    """One record as the bytes of a `tf.train.Example`; the same record gives the same bytes.
    ``labels`` are the names of the label set, in the order of ``target``.
    """
    info = record.info
    features = {
        "signal": _text(record.samples.tobytes()),
        "scale": _floats([record.scale]),
        "target": _integers([int(label in info.labels) for label in labels]),
        "labels": _texts([label.encode() for label in labels if label in info.labels]),
        "record_id": _text(info.record_id.encode()),
        "patient_id": _text(info.patient_id.encode()),
        "flat_leads": _integers([record.quality.flat_leads]),
        "content": _text(record.content),
    }
    figures = {name: [value] for name, value in record.figures.items()}
    figures |= {name: values.tolist() for name, values in record.lead_figures.items()}
    for name, numbers in figures.items():
        if not math.isnan(numbers[0]):
            features[name] = _floats(numbers)
    if info.age is not None:
        features["age"] = _floats([info.age])
    if info.sex is not None:
        features["sex"] = _text(info.sex.encode())
    if info.fold is not None:
        features["fold"] = _integers([info.fold])
    return serialise(features)


def serialise(features: Mapping[str, Feature]) -> bytes:
    """A `tf.train.Example` of these features, in the order of their names."""
    parts = [b""]
    for name in sorted(features):
        kind, is_list, values = features[name]
        parts += (_before(name, kind, is_list, len(values)), values)
    parts[0] = _head(1, sum(map(len, parts)))
    return b"".join(parts)


def _text(value: bytes) -> Feature:
    """A feature of one byte string."""
    return 1, False, value


def _texts(values: Iterable[bytes]) -> Feature:
    """A feature of any number of byte strings."""
    return 1, True, b"".join([part for one in values for part in (_head(1, len(one)), one)])


def _floats(values: Sequence[float]) -> Feature:
    """A feature of any number of float32."""
    return 2, not values, _packer(len(values)).pack(*values)


def _integers(values: Sequence[int]) -> Feature:
    """A feature of any number of int64."""
    unsigned = [value & 0xFFFF_FFFF_FFFF_FFFF for value in values]
    return 3, not values, b"".join(map(_varint, unsigned))


@functools.lru_cache(maxsize=4096)
def _before(name: str, kind: int, is_list: bool, size: int) -> bytes:
    """All that is before the values of a feature: the heads of the messages they are in."""
    # `Features` is a map, a list of entries {1: name, 2: `Feature`}; a `Feature` is one list, of
    # byte strings (1), floats (2) or integers (3); a list holds {1: its values}, numbers without
    # heads
    head = b"" if is_list else _head(1, size)
    for number in (kind, 2):
        head = _head(number, len(head) + size) + head
    key = name.encode()
    head = _head(1, len(key)) + key + head
    return _head(1, len(head) + size) + head


@functools.lru_cache(maxsize=64)
def _packer(count: int) -> struct.Struct:
    return struct.Struct(f"<{count}f")


@functools.lru_cache(maxsize=4096)
def _head(number: int, length: int) -> bytes:
    """What stands before a field of wire type 2: its tag and the length of its content."""
    return bytes([number << 3 | 2]) + _varint(length)


@functools.lru_cache(maxsize=256)
def _varint(value: int) -> bytes:
    """An unsigned integer in groups of seven bits, the lowest first."""
    groups = bytearray()
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def decode(
    serialized: tf.Tensor, dataset: Dataset, wanted: Sequence[str] = EVERYTHING
) -> dict[str, tf.Tensor]:
    """A batch of serialised records as tensors, in a `tf.data` map; the fewer wanted, the faster.
    An unknown ``age`` or figure is NaN, an unknown ``sex`` empty.
    """
    import tensorflow as tf

    nan, leads = float("nan"), len(dataset.leads)
    text = tf.io.FixedLenFeature([], tf.string)
    features = {
        "samples": text,
        "scale": tf.io.FixedLenFeature([], tf.float32),
        "target": tf.io.FixedLenFeature([len(dataset.labels)], tf.int64),
        "record_id": text,
        "patient_id": text,
        "age": tf.io.FixedLenFeature([], tf.float32, default_value=nan),
        "sex": tf.io.FixedLenFeature([], tf.string, default_value=""),
        "content": text,
    }
    for name in wanted:
        if name in FIGURES:
            features[name] = tf.io.FixedLenFeature([], tf.float32, default_value=nan)
        elif name in LEAD_FIGURES or name in LEAD_MEASURES:
            features[name] = tf.io.FixedLenFeature([leads], tf.float32, default_value=[nan] * leads)
    stored_as = {"samples": "signal"}
    parsed: dict[str, tf.Tensor] = tf.io.parse_example(
        serialized, {stored_as.get(name, name): features[name] for name in wanted}
    )
    if "samples" in wanted:
        samples = tf.io.decode_raw(parsed.pop("signal"), tf.int16, little_endian=True)
        # as many as there are records: a signal of another length must not pass for several
        shape = (
            serialized.shape[0] or tf.size(serialized),
            dataset.num_samples,
            len(dataset.leads),
        )
        parsed["samples"] = tf.reshape(samples, shape)
    if "target" in wanted:
        parsed["target"] = tf.cast(parsed["target"], tf.float32)
    return parsed


def millivolts(samples: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
    """float32 ``(B, num_samples, num_leads)`` in millivolts, of stored samples and their steps."""
    import tensorflow as tf

    return tf.cast(samples, tf.float32) * scale[:, tf.newaxis, tf.newaxis]
