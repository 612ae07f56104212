"""How WFDB's formats store samples: packed into bytes, or as FLAC streams (508, 516, 524).

Some formats share bytes between samples: 212 keeps two of 12 bits in three bytes. Such a group of
bytes is a block here.

Source: WFDB Applications Guide, signal(5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import AnyArray
from ecg_keras.errors import DataError

Bytes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.signedinteger[Any]]

# compressed formats, and most bits of one sample
COMPRESSED = {"508": 8, "516": 16, "524": 24}
# kinds of streams: bits of one sample, what they are read as, and how far that is to be shifted
_STREAMS = {"PCM_S8": (8, "int16", 8), "PCM_16": (16, "int16", 0), "PCM_24": (24, "int32", 8)}
# samples of each signal that are decoded at once
_BLOCK = 2**16


@dataclass(frozen=True)
class Packing:
    """How samples are packed."""

    # of one sample's value, the lowest of which marks a missing sample; `None` for differences,
    # whose sum has no limit and no such mark
    bits: int | None
    # of a block: the fewest samples that fill whole bytes, and its bytes
    samples: int
    size: int
    # bytes that the first 0, 1, ... samples of a block need
    ends: tuple[int, ...]
    # the samples of whole blocks
    unpack: Callable[[Bytes], Integers]

    def count(self, size: int) -> int:
        """The samples that a number of bytes holds."""
        blocks, rest = divmod(size, self.size)
        return blocks * self.samples + sum(0 < end <= rest for end in self.ends)

    def measure(self, samples: int) -> int:
        """The bytes that a number of samples needs."""
        blocks, rest = divmod(samples, self.samples)
        return blocks * self.size + self.ends[rest]


def _unpack_24(stored: Bytes) -> Integers:
    # each sample with the byte before it is four bytes, of which that byte is shifted out
    behind = np.empty(len(stored) + 1, np.uint8)
    behind[1:] = stored
    four: Integers = np.ndarray((len(stored) // 3,), "<i4", behind.data, strides=(3,))
    return four >> 8


def _unpack_212(stored: Bytes) -> Integers:
    low, middle, high = stored.reshape(-1, 3).T.astype(np.uint16)
    # at the top of 16 bits, so that shifting down again repeats the sign
    pairs = np.empty((len(low), 2), np.uint16)
    pairs[:, 0] = (middle << 12) | (low << 4)
    pairs[:, 1] = ((middle & 0xF0) << 8) | (high << 4)
    return pairs.reshape(-1).view(np.int16) >> 4


def _unpack_310(stored: Bytes) -> Integers:
    words = stored.view("<u4")
    last = (words & 0xF8000000) | ((words << 11) & 0x07C00000)
    return _unpack_tens(words << 21, words << 5, last)


def _unpack_311(stored: Bytes) -> Integers:
    words = stored.view("<u4")
    return _unpack_tens(words << 22, words << 12, words << 2)


def _unpack_tens(*tops: AnyArray) -> Integers:
    """Samples that are the highest ten of 32 bits each."""
    samples: Integers = (np.stack(tops, axis=1).reshape(-1).view(np.int32) >> 22).astype(np.int16)
    return samples


_OFFSET_160 = np.uint16(0x8000)
PACKINGS = {
    # differences from sample to sample
    "8": Packing(None, 1, 1, (0,), lambda stored: stored.view(np.int8)),
    "16": Packing(16, 1, 2, (0,), lambda stored: stored.view("<i2")),
    "24": Packing(24, 1, 3, (0,), _unpack_24),
    "32": Packing(32, 1, 4, (0,), lambda stored: stored.view("<i4")),
    "61": Packing(16, 1, 2, (0,), lambda stored: stored.view(">i2").astype(np.int16)),
    "80": Packing(8, 1, 1, (0,), lambda stored: stored.astype(np.int16) - np.int16(128)),
    "160": Packing(16, 1, 2, (0,), lambda stored: (stored.view("<u2") ^ _OFFSET_160).view("<i2")),
    "212": Packing(12, 2, 3, (0, 2), _unpack_212),
    "310": Packing(10, 3, 4, (0, 2, 4), _unpack_310),
    "311": Packing(10, 3, 4, (0, 2, 3), _unpack_311),
}


def missing_mark(form: str) -> int:
    """The integer that marks a missing sample: the lowest one that a format can hold."""
    bits = COMPRESSED[form] if form in COMPRESSED else PACKINGS[form].bits
    return -(2**63) if bits is None else -(2 ** (bits - 1))


def count_in_stream(location: str, form: str, channels: int) -> int:
    """How many samples of each channel a FLAC stream says it holds."""
    with _open_stream(location, form, channels) as stream:
        return int(stream.frames)


def read_stream(location: str, form: str, channels: int, first: int, count: int) -> Integers:
    """Samples ``(count, channels)`` of a FLAC stream, from the first wanted one on.

    Memory follows what is decoded, not what is promised."""
    import soundfile

    blocks = [np.empty((0, channels), np.int16)]
    with _open_stream(location, form, channels) as stream:
        _, dtype, shift = _STREAMS[stream.subtype]
        try:
            stream.seek(first)
            while count and len(block := stream.read(min(count, _BLOCK), dtype, always_2d=True)):
                blocks.append(block >> shift)
                count -= len(block)
        except (soundfile.SoundFileError, OSError) as error:
            raise DataError(f"{location}: damaged: {error} Download the file again.") from error
    if count:
        raise DataError(
            f"{location}: truncated: {count} samples less than it promises. Download the file "
            "again."
        )
    return np.concatenate(blocks)


def _open_stream(location: str, form: str, channels: int) -> Any:
    import soundfile

    try:
        stream = soundfile.SoundFile(location)
    except (soundfile.SoundFileError, OSError) as error:
        raise DataError(
            f"{location}: no FLAC stream, which format {form} is: {error} Download the file again."
        ) from error
    bits = _STREAMS[stream.subtype][0] if stream.subtype in _STREAMS else 64
    if stream.format != "FLAC" or bits > COMPRESSED[form] or stream.channels != channels:
        kind = f"{stream.format} {stream.subtype} of {stream.channels} channels"
        stream.close()
        raise DataError(
            f"{location}: format {form} is FLAC of at most {COMPRESSED[form]} bits, a channel for "
            f"each of the header's {channels} signals. Received: {kind}. Download the file again."
        )
    return stream
