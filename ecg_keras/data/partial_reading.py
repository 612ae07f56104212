"""What is kept of one recording, and how no more of it is read than that needs."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Protocol

import numpy as np

from ecg_keras.array_types import Float32Array
from ecg_keras.config import Data
from ecg_keras.data.settings import stored_leads, stored_length
from ecg_keras.errors import ConfigError, DataError, GapError
from ecg_keras.records import RecordInfo, Signal, Span
from ecg_keras.signals import (
    LEADS,
    Blocks,
    Repair,
    best_block,
    block_length,
    check_recorded,
    derive_leads,
    kept_part,
    measure_blocks,
    needed_part,
    resampled_length,
    select_leads,
    signature,
)

# seconds that are read first: nearly all 12-lead recordings are no longer, and are read in one go
FIRST = 60.0
# numbers that are read at once where a longer recording is searched for its best part
_AT_ONCE = 1_000_000
# Hz between which every recorder of ECGs is: what else a file says is a slip
_LOWEST_HZ, _HIGHEST_HZ = 10.0, 100_000.0

# a rate is worth a remark below this part of that of the shards, as clocks are not exact
_LOWER = 0.95

# a record, and the seconds of it that are wanted; it returns at least those
Reader = Callable[[RecordInfo, Span | None], Signal]
# the wanted leads of at least the samples from the first to the one behind the last
Part = Callable[[int, int], Signal]


class SignalReader(Protocol):
    """A source, or whatever else reads single recordings as one does."""

    @property
    def read_signal(self) -> Callable[..., Signal]: ...


def reader_of(source: SignalReader) -> Reader:
    """A source's ``read_signal``, whether or not it can read a part of a recording. Whatever it
    raises becomes a `DataError` that names the file: one record never ends a run.
    """
    takes_span = "span" in inspect.signature(source.read_signal).parameters

    def read(info: RecordInfo, span: Span | None) -> Signal:
        try:
            signal = source.read_signal(info, span=span) if takes_span else source.read_signal(info)
        except DataError:
            raise
        except (ConfigError, OSError) as error:
            raise DataError(str(error)) from error
        except Exception as error:  # of a module of the user's own, or of a library's decoder
            raise DataError(
                f"{info.path}: read_signal of the source raised {type(error).__name__}: {error}."
            ) from error
        if not isinstance(signal, Signal):
            raise DataError(
                f"{info.path}: read_signal of the source must return a Signal. Received: "
                f"{type(signal).__name__}."
            )
        if not _LOWEST_HZ <= signal.sampling_rate <= _HIGHEST_HZ:
            raise DataError(
                f"{info.path}: the sampling rate must be {_LOWEST_HZ:g} to {_HIGHEST_HZ:,.0f} Hz. "
                f"Received: {signal.sampling_rate:g} Hz. Correct it in the file or its table."
            )
        return signal

    return read


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
        return _cut(self.signal, *self.span)


@dataclass(frozen=True, eq=False)
class _Opened:
    """A recording whose first minute was read: what any part of it can be taken from."""

    part: Part
    first: Signal
    # samples of the whole recording
    total: int
    # of the recording, and of the shards
    rates: tuple[float, float]
    content: bytes

    @property
    def length(self) -> int:
        """Samples of the whole recording at the rate of the shards."""
        return resampled_length(self.total, *self.rates)


def read_kept(read: Reader, info: RecordInfo, data: Data, repair: Repair) -> Kept:
    """Reads the part that ``data.window`` names: up to a minute at once, of a longer one that part.
    A recording that is shorter than ``data.seconds`` is kept as a whole.
    """
    opened, length = _open(read, info, data, repair), stored_length(data)
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
    opened = _open(read, info, data, repair)
    ahead = replace(opened, part=_read_ahead(opened, _AT_ONCE // len(stored_leads(data))))
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


def _read_ahead(opened: _Opened, samples: int) -> Part:
    """Parts one after another, of which that many samples are read at once."""
    held, alone = opened.first, 0

    def part(start: int, stop: int) -> Signal:
        nonlocal held, alone
        if _covers(held, start, stop):
            return held
        if start < alone:
            return opened.part(start, stop)
        end = min(opened.total, max(stop, start + samples))
        try:
            held = opened.part(start, end)
        except DataError as error:
            if not _is_gap(error):
                raise
            alone = end  # until behind it
            return opened.part(start, stop)
        return held

    return part


def _open(read: Reader, info: RecordInfo, data: Data, repair: Repair) -> _Opened:
    leads = stored_leads(data)
    needed = data.seconds + 20 / data.sampling_rate + 1
    try:
        begun = _read_repaired(read, info, (0.0, max(FIRST, needed)), leads, repair)
    except DataError as error:
        if needed >= FIRST or not _is_gap(error):
            raise
        begun = _read_repaired(read, info, (0.0, needed), leads, repair)
    content = signature(begun.values, begun.leads, begun.sampling_rate)
    first = _choose(begun, leads)
    if first.sampling_rate < _LOWER * data.sampling_rate:
        rates = f"{first.sampling_rate:.0f} Hz, below data.sampling_rate: {data.sampling_rate:g}"
        remark = f"recorded at {rates}, which adds no detail"
        first = replace(first, remarks=(*first.remarks, remark))

    def part(start: int, stop: int) -> Signal:
        if _covers(first, start, stop):
            return first
        stated_rate = first.sampling_rate / repair.rate_factor
        span = start / stated_rate, stop / stated_rate
        signal = _choose(_read_repaired(read, info, span, leads, repair), leads)
        if not _covers(signal, start, stop):
            raise DataError(
                f"{info.path}: samples {start} to {stop} were wanted, and the source's "
                f"read_signal returned {signal.start} to {signal.start + len(signal.values)}."
            )
        return signal

    total = len(first.values) if first.total is None else first.total
    return _Opened(part, first, total, (first.sampling_rate, data.sampling_rate), content)


def _read_repaired(
    read: Reader, info: RecordInfo, span: Span, wanted: Sequence[str], repair: Repair
) -> Signal:
    """A part of a recording with all limb leads, for the repair was found by them."""
    signal = read(info, span)
    values, leads = derive_leads(signal.values, signal.leads, LEADS)
    derived = [lead for lead in leads[len(signal.leads) :] if lead in wanted]
    rate = signal.sampling_rate
    if repair != Repair():
        values, rate, leads = repair.apply(values, rate, leads)
    remarks = list(signal.remarks)
    if derived:
        what = f"lead {derived[0]} is" if len(derived) == 1 else f"leads {', '.join(derived)} are"
        remarks.append(f"{what} not recorded, and derived from two other limb leads")
    return replace(
        signal,
        # column after column in memory: what is measured for each lead is several times faster
        values=np.asfortranarray(values),
        sampling_rate=rate,
        leads=leads,
        remarks=tuple(remarks),
    )


def _choose(signal: Signal, leads: tuple[str, ...]) -> Signal:
    return replace(signal, values=select_leads(signal.values, signal.leads, leads), leads=leads)


def _covers(signal: Signal, first: int, last: int) -> bool:
    return signal.start <= first and last <= signal.start + len(signal.values)


def _cut(signal: Signal, first: int, last: int) -> Float32Array:
    return signal.values[first - signal.start : last - signal.start]


def _take(opened: _Opened, window: tuple[int, int]) -> Kept:
    """A window, which is in samples of the shards, with its surroundings."""
    rates, total = opened.rates, opened.total
    step = rates[0] / rates[1]
    first, last = needed_part(*window, *rates)
    signal = opened.part(min(first, total), min(last, total))
    start, stop = math.floor(round(window[0] * step, 6)), math.ceil(round(window[1] * step, 6))
    span = start, min(stop, total)
    kept = _cut(signal, *span)
    check_recorded(kept, signal.leads, rates[0], begin=start / rates[0])
    if len(kept) < len(signal.values) and not np.isfinite(signal.values).all():
        signal = replace(signal, values=_filled(signal.values))
    return Kept(signal, total, span, window, opened.content, opened.first.remarks)


def _is_gap(error: BaseException | None) -> bool:
    """Whether samples are missing between those of a part, of which another part may be whole."""
    while error is not None and not isinstance(error, GapError):
        error = error.__cause__
    return error is not None


def _filled(values: Float32Array) -> Float32Array:
    """A copy in which lines bridge what is missing beside what is kept, for the filter's sake."""
    filled, places = values.copy(order="F"), np.arange(len(values))
    for lead in filled.T:
        there = np.isfinite(lead)
        lead[~there] = np.interp(places[~there], places[there], lead[there])
    return filled


def _find_best(opened: _Opened, length: int) -> tuple[int, int]:
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
            values = _cut(read, first, last)
        except DataError as error:
            if not _is_gap(error):
                raise
            if end - begin > 1:
                middle = (begin + end) // 2
                yield from chain(measure(begin, middle), measure(middle, end))
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


def _offer_best(opened: _Opened, length: int) -> str:
    """What to do about a record of which another part is whole."""
    try:
        window = _find_best(opened, length)
        _take(opened, window)
    except DataError:
        return ""
    first, last = (edge / opened.rates[1] for edge in window)
    return f" Nothing is lost from {first:g} to {last:g} s: data.window: best keeps them."
