"""The signal files of a WFDB record: found, counted, and read as integers, whole or a part.

What is read follows the part that is wanted: a file is entered at the block of the part's first
sample. Only format 8, which holds differences, has to be added up from its beginning.

Source: WFDB Applications Guide, signal(5).
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ecg_keras.errors import DataError
from ecg_keras.formats.plain_files import find_alike, stat_file
from ecg_keras.formats.wfdb_formats import (
    COMPRESSED,
    PACKINGS,
    Integers,
    Packing,
    count_in_stream,
    read_stream,
)
from ecg_keras.formats.wfdb_headers import Header, SignalLine

# differences of each signal that are added up at once
_BLOCK = 2**16
# what WFDB keeps a sample in
_HALF_RANGE = 2**31
# what a compressed file may hold: that many values, and that many more for each of its bytes; the
# noise of an ECG takes a bit or more of each value
_FREE_VALUES, _VALUES_A_BYTE = 2**22, 100


class SignalFile(NamedTuple):
    """A file with the samples of some signals, which take turns frame by frame."""

    location: str
    # one of `PACKINGS` or `COMPRESSED`
    format: str
    # bytes before its first sample; samples of each signal in a compressed format
    offset: int
    # of each signal the samples in one frame, and all of them
    frames: tuple[int, ...]
    width: int
    # of each signal the integer from which format 8 counts; none means zeros
    first_values: tuple[int, ...] = ()


def find_files(header: Header) -> tuple[list[SignalFile], int]:
    """The signal files of a record in the header's order, and how many frames they hold.

    Nothing is allocated before the header's promise was compared with the files' sizes."""
    folder = str(header.path).removesuffix(header.path.name)
    names = header.files
    # the signals of one file stand together
    counts = {names[0]: len(names)} if names[0] == names[-1] else Counter(names)
    try:
        layouts = _lay_out(header.signals, tuple(counts.values()))
    except DataError as error:
        raise DataError(f"{header.path}.hea: {error}") from error
    files, totals, first = [], [], 0
    for name, layout in zip(counts, layouts, strict=True):
        location, size = _find_file(header, folder + name)
        behind = first + counts[name]
        file = SignalFile(location, *layout, (header.first_values or ())[first:behind])
        held = _count_frames(file, size)
        if held < (header.num_samples or 1):
            raise DataError(
                f"{location}: truncated: its {size} bytes hold {held} samples of {counts[name]} "
                f"signals, and the header promises {header.num_samples or 'at least 1'}. "
                "Download the file again."
            )
        files.append(file)
        totals.append(header.num_samples or held)
        first = behind
    return files, min(totals)


@functools.lru_cache(maxsize=64)  # the recordings of a database are stored alike
def _lay_out(
    signals: tuple[SignalLine, ...], counts: tuple[int, ...]
) -> list[tuple[str, int, tuple[int, ...], int]]:
    """Of each file, by the count of its signals, what `SignalFile` says from format to width."""
    layouts = []
    for count in counts:
        group, signals = signals[:count], signals[count:]
        form, frames = group[0].format, tuple([signal.frames for signal in group])
        if form not in PACKINGS and form not in COMPRESSED:
            raise DataError(
                f"there is no format {form!r}. Allowed: {', '.join([*PACKINGS, *COMPRESSED])}. "
                "Export the recording again."
            )
        found = sorted({signal.format for signal in group})
        if len(found) > 1 or (form in COMPRESSED and len(set(frames)) > 1):
            raise DataError(
                "the signals of one file have one format, and one rate where that is compressed. "
                f"Received: {', '.join(found)}, with {', '.join(map(str, sorted(set(frames))))} "
                "samples in a frame. Download the file again."
            )
        layouts.append((form, group[0].offset, frames, sum(frames)))
    return layouts


def _find_file(header: Header, location: str) -> tuple[str, int]:
    """A signal file and its size; copying may have changed how its name is written."""
    advice = (
        f"The header {header.path.name}.hea names this file: check that the whole database was "
        "downloaded."
    )
    try:
        return location, stat_file(location, advice).st_size
    except DataError:
        alike = find_alike(location)
        if len(alike) != 1:
            raise
    return alike[0], stat_file(alike[0], advice).st_size


def _count_frames(file: SignalFile, size: int) -> int:
    """How many frames a file of ``size`` bytes holds."""
    if file.format in COMPRESSED:
        samples = count_in_stream(file.location, file.format, len(file.frames))
        if samples * len(file.frames) > _FREE_VALUES + _VALUES_A_BYTE * size:
            raise DataError(
                f"{file.location}: {size} bytes that claim to be {samples} samples of "
                f"{len(file.frames)} signals: no ECG can be compressed so far. Do not use this "
                "recording."
            )
        return max(0, samples - file.offset) // file.frames[0]
    return PACKINGS[file.format].count(max(0, size - file.offset)) // file.width


def read_frames(files: Sequence[SignalFile], begin: int, end: int) -> Integers:
    """Reads frames ``(end - begin, width of all files)`` of files that `find_files` found.

    A signal with several samples in a frame has as many columns."""
    blocks = [_read_file(file, begin, end) for file in files]
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=1)


def _read_file(file: SignalFile, begin: int, end: int) -> Integers:
    rows, width = end - begin, file.width
    if file.format in COMPRESSED:
        each, signals = file.frames[0], len(file.frames)
        first = file.offset + begin * each
        samples = read_stream(file.location, file.format, signals, first, rows * each)
        # a frame holds a signal's samples side by side, the stream one of each signal in turn
        return samples.reshape(rows, each, signals).swapaxes(1, 2).reshape(rows, width)
    form = PACKINGS[file.format]
    integers = _read_integers(file, form, begin * width, rows * width).reshape(rows, width)
    return _add_up(file, form, begin, integers) if form.bits is None else integers


def _read_integers(file: SignalFile, form: Packing, first: int, count: int) -> Integers:
    """Consecutive samples of all signals in turn, of format 8 the differences."""
    skipped = first % form.samples
    blocks = -(-(skipped + count) // form.samples)
    stored = np.empty(blocks * form.size, np.uint8)
    begin = file.offset + (first - skipped) // form.samples * form.size
    held = _fill(file.location, begin, memoryview(stored.data))
    if held < len(stored):
        if held < form.measure(skipped + count):
            raise DataError(f"{file.location}: it became shorter while it was read. Read it again.")
        stored[held:] = 0
    integers = form.unpack(stored)
    return integers if len(integers) == count else integers[skipped : skipped + count]


def _fill(location: str, begin: int, wanted: memoryview) -> int:
    """Fills the memory with a file's bytes from ``begin`` on; how many there were."""
    size = len(wanted)
    try:
        with open(location, "rb", buffering=0) as stream:  # noqa: PTH123  half of Path.open's time
            stream.seek(begin)
            while wanted and (length := stream.readinto(wanted)):
                wanted = wanted[length:]
    except OSError as error:
        raise DataError(f"{location}: can't be read: {error.strerror}.") from error
    return size - len(wanted)


def _add_up(file: SignalFile, form: Packing, begin: int, differences: Integers) -> Integers:
    """The samples whose differences, from frame ``begin`` on, are given."""
    before = np.zeros(file.width, np.int64)
    for first in range(0, begin, _BLOCK):
        count = min(begin - first, _BLOCK) * file.width
        earlier = _read_integers(file, form, first * file.width, count).reshape(-1, file.width)
        before += earlier.sum(axis=0, dtype=np.int64)
    samples = np.empty(differences.shape, np.int64)
    column = 0
    for index, frame in enumerate(file.frames):
        own = slice(column, column + frame)
        start = file.first_values[index] if file.first_values else 0
        if abs(start) > _HALF_RANGE:
            raise DataError(
                f"{file.location}: the header's first value is beyond 32 bits. Received: {start}. "
                "Download the header again."
            )
        sums = differences[:, own].reshape(-1).cumsum(dtype=np.int64)
        samples[:, own] = sums.reshape(-1, frame) + (before[own].sum() + start)
        column += frame
    return samples
