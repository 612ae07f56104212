"""One converted record as the bytes of a `tf.train.Example`, written without TensorFlow.

The processes that prepare shards start in a fraction of the time that importing TensorFlow takes,
and need a fraction of its memory. Any reader of `tf.train.Example` understands the bytes.

Sources: Protocol Buffers, Encoding; example.proto and feature.proto of TensorFlow.
"""

from __future__ import annotations

import functools
import math
import struct
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ecg_keras.signals.lead_quality import MEASURES

if TYPE_CHECKING:
    from ecg_keras.data.conversion import Converted


def encode(record: Converted, labels: Sequence[str]) -> bytes:
    """One record as the bytes of a `tf.train.Example`; the same record gives the same bytes.

    Args:
        record: as `conversion.convert` returns it.
        labels: names of the label set, in the order of ``target``.
    """
    info, quality, traits = record.info, record.quality, record.traits
    original_hz, original_seconds = record.original
    features = {
        "signal": _bytes([record.samples.tobytes()]),
        "scale": _floats([record.scale]),
        "target": _integers([int(label in info.labels) for label in labels]),
        "labels": _bytes([label.encode() for label in labels if label in info.labels]),
        "record_id": _bytes([info.record_id.encode()]),
        "patient_id": _bytes([info.patient_id.encode()]),
        "flat_leads": _integers([quality.flat_leads]),
        "signal_sha256": _bytes([record.sha256.encode()]),
        "content": _bytes([record.content]),
        "peak_mv": _floats([quality.peak_mv]),
        "rms_mv": _floats([quality.rms_mv]),
        "deflection_mv": _floats(traits.deflections_mv.tolist()),
        **{
            name: _floats(getattr(record.lead_quality, name).tolist())
            for name in MEASURES
            if not math.isnan(getattr(record.lead_quality, name)[0])
        },
        "original_hz": _floats([original_hz]),
        "original_seconds": _floats([original_seconds]),
    }
    if not math.isnan(quality.einthoven_mv):
        features["einthoven_mv"] = _floats([quality.einthoven_mv])
    if not math.isnan(traits.heart_rate):
        features["heart_rate"] = _floats([traits.heart_rate])
    if info.age is not None:
        features["age"] = _floats([info.age])
    if info.sex is not None:
        features["sex"] = _bytes([info.sex.encode()])
    if info.fold is not None:
        features["fold"] = _integers([info.fold])
    # a map is a list of entries {1: key, 2: value}, here sorted by key
    entries = [
        (_key(name), _head(2, len(features[name])), features[name]) for name in sorted(features)
    ]
    parts = [b""]
    for entry in entries:
        parts += (_head(1, sum(map(len, entry))), *entry)
    parts[0] = _head(1, sum(map(len, parts)))
    return b"".join(parts)


def _bytes(values: Sequence[bytes]) -> bytes:
    """A `Feature` with a list of byte strings."""
    parts = [part for value in values for part in (_head(1, len(value)), value)]
    return b"".join([_head(1, sum(map(len, parts))), *parts])


def _floats(values: Sequence[float]) -> bytes:
    """A `Feature` with a list of float32."""
    return _packed(2, struct.pack(f"<{len(values)}f", *values))


def _integers(values: Iterable[int]) -> bytes:
    """A `Feature` with a list of int64."""
    unsigned = [value & 0xFFFF_FFFF_FFFF_FFFF for value in values]
    return _packed(3, b"".join(map(_varint, unsigned)))


def _packed(number: int, values: bytes) -> bytes:
    head = _head(1, len(values)) if values else b""
    return b"".join([_head(number, len(head) + len(values)), head, values])


@functools.lru_cache(maxsize=256)
def _key(name: str) -> bytes:
    return _head(1, len(name.encode())) + name.encode()


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
