"""What is kept of one recording, and how no more of it is read than that needs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ecg_keras.array_types import Float32Array
from ecg_keras.config import Data
from ecg_keras.data.recording_parts import (
    OpenedRecording,
    Reader,
    cut,
    is_gap,
    open_recording,
    read_ahead,
)
from ecg_keras.data.settings import stored_leads, stored_length
from ecg_keras.errors import DataError
from ecg_keras.records import RecordInfo, Signal
from ecg_keras.signals import (
    Blocks,
    Repair,
    best_block,
    block_length,
    check_recorded,
    kept_part,
    measure_blocks,
    needed_part,
)

# numbers that are read at once where a longer recording is searched for its best part
_AT_ONCE = 1_000_000


@dataclass(frozen=True, eq=False)
class Kept:
    """What is kept of a recording, with its surroundings that a change of the rate needs."""

    # the wanted leads at the recording's own rate: finite, column by column in memory
    signal: Signal
    # samples of the whole recording
    total: int
    # the first sample of the recording that is kept, and the one behind the last
    span: tuple[int, int]
    # the same at the rate of the shards
    window: tuple[int, int]
    # `signals.signature` of the recording
    content: bytes
    # what its reader left out, and which leads were derived
    remarks: tuple[str, ...]

    @property
    def values(self) -> Float32Array:
        """The kept samples alone."""
        return cut(self.signal, *self.span)


def read_kept(read: Reader, info: RecordInfo, data: Data, repair: Repair) -> Kept:
    """Reads the part that ``data.window`` names: up to a minute at once, of a longer one that part.
    A recording that is shorter than ``data.seconds`` is kept as a whole.
    """
    opened, length = open_recording(read, info, data, repair), stored_length(data)
    longer = opened.length > length
    if longer and data.window == "best":
        window = _find_best(opened, length)
    else:
        sides = "start" if data.window == "best" else data.window
        window = kept_part(opened.length, length, sides)
    try:
        return _take(opened, window)
    except DataError as error:
        if not longer or data.window == "best":
            raise
        raise DataError(f"{error}{_offer_best(opened, length)}") from error


def read_windows(
    read: Reader, info: RecordInfo, data: Data, repair: Repair, first: int = 0
) -> Iterator[Kept | DataError]:
    """Reads a recording in windows of ``data.seconds``, from that number on; what is wrong with
    one is given in its place. A last half window or more is one that ends with the recording.
    """
    opened = open_recording(read, info, data, repair)
    ahead = replace(opened, part=read_ahead(opened, _AT_ONCE // len(stored_leads(data))))
    for window in _list_windows(opened.length, stored_length(data))[first:]:
        try:
            yield _take(ahead, window)
        except DataError as error:
            yield error


def _list_windows(whole: int, length: int) -> list[tuple[int, int]]:
    if whole <= length:
        return [(0, whole)]
    starts = list(range(0, whole - length + 1, length))
    if 2 * (whole - starts[-1] - length) >= length:
        starts.append(whole - length)
    return [(start, start + length) for start in starts]


def _take(opened: OpenedRecording, window: tuple[int, int]) -> Kept:
    """A window, which is in samples of the shards, with its surroundings."""
    rates, total = opened.rates, opened.total
    step = rates[0] / rates[1]
    first, last = needed_part(*window, *rates)
    signal = opened.part(min(first, total), min(last, total))
    start, stop = math.floor(round(window[0] * step, 6)), math.ceil(round(window[1] * step, 6))
    span = start, min(stop, total)
    kept = cut(signal, *span)
    check_recorded(kept, signal.leads, rates[0], begin=start / rates[0])
    if len(kept) < len(signal.values) and not np.isfinite(signal.values).all():
        signal = replace(signal, values=_filled(signal.values))
    return Kept(signal, total, span, window, opened.content, opened.first.remarks)


def _filled(values: Float32Array) -> Float32Array:
    """A copy in which lines bridge what is missing beside what is kept, for the filter's sake."""
    filled, places = values.copy(order="F"), np.arange(len(values))
    for lead in filled.T:
        there = np.isfinite(lead)
        lead[~there] = np.interp(places[~there], places[there], lead[there])
    return filled


def _find_best(opened: OpenedRecording, length: int) -> tuple[int, int]:
    """The best window of a recording that is longer than it, piece by piece."""
    part, total, rates = opened.part, opened.total, opened.rates
    step, block = rates[0] / rates[1], block_length(rates[0])
    count = total // block
    at_once = max(1, _AT_ONCE // (len(opened.first.leads) * block))
    measured: list[Blocks] = []

    _, beside = needed_part(0, 1, *rates)

    def measure(begin: int, end: int) -> Iterator[Blocks]:
        first, last = begin * block, end * block
        try:  # a window needs its surroundings, too
            read = part(max(0, first - beside), min(total, last + beside))
            values = cut(read, first, last)
        except DataError as error:
            if not is_gap(error):
                raise
            if end - begin > 1:
                middle = (begin + end) // 2
                yield from measure(begin, middle)
                yield from measure(middle, end)
                return
            values = np.full((block, len(opened.first.leads)), np.nan, np.float32)
        yield measure_blocks(values, rates[0])

    for begin in range(0, count, at_once):
        measured += measure(begin, min(count, begin + at_once))
    # where blocks don't begin with a new sample, the window begins a little behind its block
    behind = 0.0 if (block / step).is_integer() else step
    wanted = math.ceil((length * step + behind) / block)
    start = math.ceil(round(best_block(measured, wanted) * block / step, 6))
    start = min(start, opened.length - length)
    return start, start + length


def _offer_best(opened: OpenedRecording, length: int) -> str:
    """What to do about a record of which another part is whole."""
    try:
        window = _find_best(opened, length)
        _take(opened, window)
    except DataError:
        return ""
    first, last = (edge / opened.rates[1] for edge in window)
    return f" Nothing is lost from {first:g} to {last:g} s: data.window: best keeps them."
