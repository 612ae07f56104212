"""The stored integers of WFDB signals as the millivolts of leads.

Source: WFDB Applications Guide, header(5).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import AnyArray, Float32Array, IntArray
from ecg_keras.errors import DataError
from ecg_keras.formats.lead_errors import no_lead
from ecg_keras.formats.wfdb_formats import PACKINGS, Integers, missing_mark
from ecg_keras.formats.wfdb_headers import SignalLine

# rows that are scaled together, where a recording has a multiple of them
_ROWS = 64
# samples that are converted at once, 12 leads of 11 min at 500 Hz: more only costs memory
AT_ONCE = 2**22


@dataclass(frozen=True, eq=False)
class Conversion:
    """How the stored integers of some signals become millivolts."""

    # columns of what is stored: the samples of all signals in one frame; the first of each signal
    width: int
    firsts: list[int]
    # the largest of all signals
    skew: int
    # names of the signals that are leads, and their columns; `None` where they are all
    leads: tuple[str, ...]
    columns: npt.NDArray[np.intp] | None
    # of each such column the integer that means zero, and integers for each mV; one number, which
    # is faster, where all agree; `None` for baselines of zero
    baselines: AnyArray | None
    steps: AnyArray
    # likewise the integer that marks a missing sample, and the highest of them
    missing: int | IntArray
    highest_mark: int
    # the signals, where frames or skews must be put in order
    arranged: tuple[SignalLine, ...]
    # rows that are converted at once, `None` where pieces would be slower to read
    at_once: int | None


@functools.lru_cache(maxsize=64)  # the recordings of a database are stored alike
def convert_by(signals: tuple[SignalLine, ...]) -> Conversion:
    """How some signals of a header, whose files hold its frames, become millivolts."""
    named = [signal for signal in signals if signal.lead is not None]
    if not named:
        raise no_lead("signals", [signal.name for signal in signals])
    leads = [signal.lead for signal in named]
    if len(set(leads)) < len(leads):
        raise DataError(
            "two of its signals are the same lead. Received: "
            f"{', '.join(signal.name for signal in named)}. Keep only the one that is meant."
        )
    frames = [signal.frames for signal in signals]
    skew, width = max(signal.skew for signal in signals), sum(frames)
    plain = not skew and width == len(signals)
    steps = np.array([signal.steps_in_mv for signal in named])
    baselines = np.array([signal.baseline for signal in named])
    marks = [missing_mark(signal.format) for signal in named]
    # where float32 holds all numbers, the quotient is the one that float64 would round to
    is_exact = (
        plain
        and min(marks) >= -(2**15)
        and np.abs(baselines).max() < 2**23
        and np.array_equal(np.rint(baselines), baselines)
        and np.array_equal(steps.astype(np.float32), steps)
    )
    repeats = [signal.frames for signal in named]
    steps, baselines = (
        (each[0] if np.all(each == each[0]) else np.repeat(each, repeats)).astype(
            np.float32 if is_exact else np.float64
        )
        for each in (steps, baselines)
    )
    in_pieces = plain and all(s.format in PACKINGS and s.format != "8" for s in signals)
    return Conversion(
        width=width,
        firsts=np.cumsum([0, *frames[:-1]]).tolist(),
        skew=skew,
        leads=tuple(str(signal.lead) for signal in named),
        columns=None
        if len(named) == len(signals)
        else np.flatnonzero(np.repeat([signal.lead is not None for signal in signals], frames)),
        baselines=baselines if baselines.any() else None,
        steps=steps,
        missing=marks[0] if len(set(marks)) == 1 else np.repeat(marks, repeats),
        highest_mark=max(marks),
        arranged=() if plain else tuple(named),
        at_once=max(1, AT_ONCE // width // _ROWS) * _ROWS if in_pieces else None,
    )


def to_millivolts(stored: Integers, conversion: Conversion, rows: int) -> Float32Array:
    """Millivolts ``(rows, leads)``, missing samples NaN, of what is stored.

    That is ``(rows, width)``, and has more rows where signals have a skew."""
    if conversion.columns is not None:
        stored = stored.take(conversion.columns, axis=1)
    values: AnyArray = stored.astype(conversion.steps.dtype)
    # NumPy is slow where the inner loop is one row of twelve: let it run over many rows at once
    together = math.gcd(len(values), _ROWS)
    block = values.reshape(len(values) // together, -1)
    if conversion.baselines is not None:
        block -= _repeat(conversion.baselines, together)
    block /= _repeat(conversion.steps, together)
    if stored.min() <= conversion.highest_mark:
        values[stored == conversion.missing] = np.nan
    if conversion.arranged:
        values = _arrange(values, conversion.arranged, rows)
    return values.astype(np.float32, copy=False)


def _repeat(of_columns: AnyArray, rows: int) -> AnyArray:
    """What belongs to each sample of some rows."""
    return np.tile(of_columns, rows) if of_columns.ndim else of_columns


def _arrange(values: AnyArray, signals: Sequence[SignalLine], rows: int) -> AnyArray:
    """The mean of each signal's frames, earlier by its skew; behind the file's end NaN."""
    arranged = np.full((rows, len(signals)), np.nan)
    column = 0
    for index, signal in enumerate(signals):
        own = values[signal.skew : signal.skew + rows, column : column + signal.frames]
        arranged[: len(own), index] = own.mean(axis=1)
        column += signal.frames
    return arranged
