"""The samples of WFDB's compressed formats 508, 516 and 524, which are FLAC streams.

Source: WFDB Applications Guide, signal(5).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecg_keras.errors import DataError
from ecg_keras.formats.wfdb_formats import Integers

# most bits of one sample
COMPRESSED = {"508": 8, "516": 16, "524": 24}
# kinds of streams: bits of one sample, what they are read as, and how far that is to be shifted
STREAMS = {"PCM_S8": (8, "int16", 8), "PCM_16": (16, "int16", 0), "PCM_24": (24, "int32", 8)}
# samples of each signal that are decoded at once
BLOCK = 2**16


def count_samples(location: str, form: str, channels: int) -> int:
    """How many samples of each channel a stream says it holds.

    Raises:
        DataError: the file is no such stream.
    """
    with _open(location, form, channels) as stream:
        return int(stream.frames)


def read_samples(location: str, form: str, channels: int, first: int, count: int) -> Integers:
    """Decodes a part of a stream; memory follows what is decoded, not what is promised.

    Args:
        location: of the file.
        form: a key of `COMPRESSED`.
        channels: that the stream must have.
        first: index of the first wanted sample.
        count: of the wanted samples of each channel.

    Returns:
        ``(count, channels)``.

    Raises:
        DataError: the file is no such stream, is damaged, or ends before it says.
    """
    import soundfile

    blocks = [np.empty((0, channels), np.int16)]
    with _open(location, form, channels) as stream:
        _, dtype, shift = STREAMS[stream.subtype]
        try:
            stream.seek(first)
            while count and len(block := stream.read(min(count, BLOCK), dtype, always_2d=True)):
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


def _open(location: str, form: str, channels: int) -> Any:
    import soundfile

    try:
        stream = soundfile.SoundFile(location)
    except (soundfile.SoundFileError, OSError) as error:
        raise DataError(
            f"{location}: no FLAC stream, which format {form} is: {error} Download the file again."
        ) from error
    bits = STREAMS[stream.subtype][0] if stream.subtype in STREAMS else 64
    if stream.format != "FLAC" or bits > COMPRESSED[form] or stream.channels != channels:
        kind = f"{stream.format} {stream.subtype} of {stream.channels} channels"
        stream.close()
        raise DataError(
            f"{location}: format {form} is FLAC of at most {COMPRESSED[form]} bits, a channel for "
            f"each of the header's {channels} signals. Received: {kind}. Download the file again."
        )
    return stream
