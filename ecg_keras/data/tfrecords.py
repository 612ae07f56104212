"""TFRecord files written whole or not at all, and counted, without TensorFlow."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import google_crc32c

from ecg_keras.errors import DataError
from ecg_keras.files import replacing

# TensorFlow, record_writer.h: `uint64 length, uint32 masked crc of length, data, uint32 masked crc
# of data`, little-endian; the crc is CRC-32C; the bytes of all of them but data
_FRAME_BYTES = 16
_WRITE_BYTES = 1 << 20


def write_tfrecords(path: Path, records: Iterable[bytes], *, scratch: Path) -> tuple[int, str]:
    """Writes serialised records, as by `replacing`; size in bytes and sha256 of their file."""
    size, digest = 0, hashlib.sha256()
    with (
        replacing(path, scratch=scratch) as temporary,
        temporary.open("wb", buffering=_WRITE_BYTES) as file,
    ):
        for record in records:
            framed = frame(record)
            digest.update(framed)
            size += file.write(framed)
    return size, digest.hexdigest()


def count_records(path: Path) -> int:
    """How many records a TFRecord file holds; only their lengths are read. A `DataError` says that
    it ends within a record.
    """
    count = place = 0
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        while place < size:
            file.seek(place)
            place += int.from_bytes(file.read(8), "little") + _FRAME_BYTES
            count += 1
    if place != size:
        raise DataError(
            f"{path}: this shard is damaged: it ends within its record {count}. Delete the folder "
            "and run `ecg-keras prepare` again, or copy it again from where it was complete."
        )
    return count


def frame(record: bytes) -> bytes:
    """A record as it is in a TFRecord file: with its length and the checksums of both."""
    length = len(record).to_bytes(8, "little")
    return b"".join([length, _masked_crc(length), record, _masked_crc(record)])


def _masked_crc(content: bytes) -> bytes:
    crc: int = google_crc32c.value(content)
    # rotated and shifted, so that the checksum of data that hold checksums stays a good one
    masked = ((crc >> 15 | crc << 17) + 0xA282_EAD8) & 0xFFFF_FFFF
    return masked.to_bytes(4, "little")
