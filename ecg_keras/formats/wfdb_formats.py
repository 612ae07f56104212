"""How WFDB's formats of a fixed size pack samples into bytes.

Some share bytes between samples: 212 keeps two of 12 bits in three bytes. Such a group of bytes is
a block here. The compressed formats (508, 516, 524: FLAC) have no fixed size and are not here.

Source: WFDB Applications Guide, signal(5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.signedinteger[Any]]


@dataclass(frozen=True)
class Format:
    """How samples are packed.

    Attributes:
        bits: of one sample's value, the lowest of which marks a missing sample; ``None`` for
            differences, whose sum has no limit and no such mark.
        samples, size: of a block, the fewest samples that fill whole bytes, and its bytes.
        ends: bytes that the first 0, 1, ... samples of a block need.
        unpack: the samples of whole blocks.
    """

    bits: int | None
    samples: int
    size: int
    ends: tuple[int, ...]
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


def _unpack_tens(*tops: npt.NDArray[Any]) -> Integers:
    """Samples that are the highest ten of 32 bits each."""
    samples: Integers = (np.stack(tops, axis=1).reshape(-1).view(np.int32) >> 22).astype(np.int16)
    return samples


_OFFSET_160 = np.uint16(0x8000)
FORMATS = {
    # differences from sample to sample
    "8": Format(None, 1, 1, (0,), lambda stored: stored.view(np.int8)),
    "16": Format(16, 1, 2, (0,), lambda stored: stored.view("<i2")),
    "24": Format(24, 1, 3, (0,), _unpack_24),
    "32": Format(32, 1, 4, (0,), lambda stored: stored.view("<i4")),
    "61": Format(16, 1, 2, (0,), lambda stored: stored.view(">i2").astype(np.int16)),
    "80": Format(8, 1, 1, (0,), lambda stored: stored.astype(np.int16) - np.int16(128)),
    "160": Format(16, 1, 2, (0,), lambda stored: (stored.view("<u2") ^ _OFFSET_160).view("<i2")),
    "212": Format(12, 2, 3, (0, 2), _unpack_212),
    "310": Format(10, 3, 4, (0, 2, 4), _unpack_310),
    "311": Format(10, 3, 4, (0, 2, 3), _unpack_311),
}
