"""TFRecord files written whole or not at all, and counted, without TensorFlow.

Source: TensorFlow, record_writer.h: ``uint64 length, uint32 masked crc of length, data, uint32
masked crc of data``, little-endian; the crc is CRC-32C.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable
from pathlib import Path

import google_crc32c

from ecg_keras.errors import DataError

# bytes of a record that are not its own: its length and two checksums
FRAME_BYTES = 16
WRITE_BYTES = 1 << 20


def write_tfrecords(path: Path, records: Iterable[bytes], *, scratch: Path) -> tuple[int, str]:
    """Writes a TFRecord file to a temporary name and renames it when it is complete.

    Args:
        path: of the file.
        records: its serialised records.
        scratch: a folder on the same disk for the temporary file, whose name is its own, so that
            two processes may write the same file; it is gone afterwards, whatever happens.

    Returns:
        The size in bytes and the sha256.

    Raises:
        OSError: it can't be written. Nothing is at ``path`` then, or what was there before.
    """
    temporary = scratch / f".{path.name}.{uuid.uuid4().hex}"
    size, digest = 0, hashlib.sha256()
    try:
        with temporary.open("wb", buffering=WRITE_BYTES) as file:
            for record in records:
                framed = frame(record)
                digest.update(framed)
                size += file.write(framed)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return size, digest.hexdigest()


def count_records(path: Path) -> int:
    """How many records a TFRecord file holds; only their lengths are read.

    Args:
        path: of the file.

    Raises:
        DataError: the file ends within a record.
        OSError: it can't be read.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> size, _ = write_tfrecords(folder / "a.tfrecord", [b"one", b"two"], scratch=folder)
        >>> count_records(folder / "a.tfrecord")
        2
    """
    count = place = 0
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        while place < size:
            file.seek(place)
            place += int.from_bytes(file.read(8), "little") + FRAME_BYTES
            count += 1
    if place != size:
        raise DataError(
            f"{path}: this shard is damaged: it ends within its record {count}. Delete the folder "
            "and run `ecg-keras prepare` again, or copy it again from where it was complete."
        )
    return count


def frame(record: bytes) -> bytes:
    """A record as it stands in a TFRecord file: with its length and the checksums of both."""
    length = len(record).to_bytes(8, "little")
    return b"".join([length, _masked_crc(length), record, _masked_crc(record)])


def _masked_crc(content: bytes) -> bytes:
    crc = google_crc32c.value(content)
    # rotated and shifted, so that the checksum of data that hold checksums stays a good one
    masked = ((crc >> 15 | crc << 17) + 0xA282_EAD8) & 0xFFFF_FFFF
    return masked.to_bytes(4, "little")
