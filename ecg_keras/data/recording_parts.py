"""One recording of which any part can be read, repaired and with the leads that are wanted."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ecg_keras.array_types import Float32Array
from ecg_keras.config import Data
from ecg_keras.data.settings import stored_leads
from ecg_keras.errors import ConfigError, DataError, GapError
from ecg_keras.records import RecordInfo, Signal, Span
from ecg_keras.signals import (
    LEADS,
    Repair,
    derive_leads,
    resampled_length,
    select_leads,
    signature,
)

# seconds that are read first: nearly all 12-lead recordings are no longer, and are read in one go
FIRST = 60.0
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
class OpenedRecording:
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


def open_recording(read: Reader, info: RecordInfo, data: Data, repair: Repair) -> OpenedRecording:
    """Reads the first minute of a recording, or what a window at its beginning needs."""
    leads = stored_leads(data)
    needed = data.seconds + 20 / data.sampling_rate + 1
    try:
        begun = _read_repaired(read, info, (0.0, max(FIRST, needed)), leads, repair)
    except DataError as error:
        if needed >= FIRST or not is_gap(error):
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
    return OpenedRecording(part, first, total, (first.sampling_rate, data.sampling_rate), content)


def read_ahead(opened: OpenedRecording, samples: int) -> Part:
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
            if not is_gap(error):
                raise
            alone = end  # until behind it
            return opened.part(start, stop)
        return held

    return part


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


def cut(signal: Signal, first: int, last: int) -> Float32Array:
    """The samples of a part that has them, from one of the recording up to another."""
    return signal.values[first - signal.start : last - signal.start]


def is_gap(error: BaseException | None) -> bool:
    """Whether samples are missing between those of a part, of which another part may be whole."""
    while error is not None and not isinstance(error, GapError):
        error = error.__cause__
    return error is not None
