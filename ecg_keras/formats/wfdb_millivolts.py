"""The stored integers of WFDB signals as the millivolts of leads.

Source: WFDB Applications Guide, header(5).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.errors import DataError
from ecg_keras.formats.wfdb_flac import COMPRESSED
from ecg_keras.formats.wfdb_formats import FORMATS, Integers
from ecg_keras.formats.wfdb_headers import SignalLine
from ecg_keras.signals import LEADS

# rows that are scaled together, where a recording has a multiple of them
ROWS = 64
# samples that are converted at once, 12 leads of 11 min at 500 Hz: more only costs memory
AT_ONCE = 2**22
# what no stored integer is: format 8 marks no missing samples
NEVER = -(2**63)


@dataclass(frozen=True, eq=False)
class Conversion:
    """How the stored integers of some signals become millivolts.

    Attributes:
        width: columns of what is stored: the samples of all signals in one frame.
        firsts: of each signal its first column.
        skew: the largest of all signals.
        leads: names of the signals that are leads.
        columns: those of the leads; ``None`` where they are all.
        baselines, steps: of each such column the integer that means zero, and integers for each
            mV; one number, which is faster, where all agree. ``None`` for baselines of zero.
        missing: likewise the integer that marks a missing sample.
        highest_mark: the highest of them.
        arranged: the signals, where frames or skews must be put in order.
        at_once: rows that are converted at once, ``None`` where pieces would be slower to read.
    """

    width: int
    firsts: list[int]
    skew: int
    leads: tuple[str, ...]
    columns: npt.NDArray[np.intp] | None
    baselines: npt.NDArray[Any] | None
    steps: npt.NDArray[Any]
    missing: int | npt.NDArray[np.int64]
    highest_mark: int
    arranged: tuple[SignalLine, ...]
    at_once: int | None


@functools.lru_cache(maxsize=64)  # the recordings of a database are stored alike
def convert_by(signals: tuple[SignalLine, ...]) -> Conversion:
    """How some signals become millivolts.

    Args:
        signals: of a header whose files were found to hold its frames, in formats that are known.

    Raises:
        DataError: none of them is a lead, two are the same one, or the unit of one that is a lead
            is no voltage.
    """
    named = [signal for signal in signals if signal.lead is not None]
    if not named:
        raise DataError(
            f"none of its signals is one of the leads {', '.join(LEADS)}. Received: "
            f"{', '.join(signal.name or '(no name)' for signal in signals)}. Where one of them is "
            "a lead, name it with data.folder.lead_names."
        )
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
    held = (
        plain
        and min(marks) >= -(2**15)
        and np.abs(baselines).max() < 2**23
        and np.array_equal(np.rint(baselines), baselines)
        and np.array_equal(steps.astype(np.float32), steps)
    )
    repeats = [signal.frames for signal in named]
    steps, baselines = (
        (each[0] if np.all(each == each[0]) else np.repeat(each, repeats)).astype(
            np.float32 if held else np.float64
        )
        for each in (steps, baselines)
    )
    in_pieces = plain and all(s.format in FORMATS and s.format != "8" for s in signals)
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
        at_once=max(1, AT_ONCE // width // ROWS) * ROWS if in_pieces else None,
    )


def missing_mark(form: str) -> int:
    """The integer that marks a missing sample: the lowest one that a format can hold."""
    bits = COMPRESSED[form] if form in COMPRESSED else FORMATS[form].bits
    return NEVER if bits is None else -(2 ** (bits - 1))


def to_millivolts(stored: Integers, conversion: Conversion, rows: int) -> npt.NDArray[np.float32]:
    """Millivolts of the leads.

    Args:
        stored: ``(rows or more, width)``, more where signals have a skew.
        conversion: from `convert_by`.
        rows: that are wanted.

    Returns:
        ``(rows, leads)``; missing samples are NaN.
    """
    if conversion.columns is not None:
        stored = stored.take(conversion.columns, axis=1)
    values: npt.NDArray[Any] = stored.astype(conversion.steps.dtype)
    # NumPy is slow where the inner loop is one row of twelve: let it run over many rows at once
    together = math.gcd(len(values), ROWS)
    block = values.reshape(len(values) // together, -1)
    if conversion.baselines is not None:
        block -= _repeat(conversion.baselines, together)
    block /= _repeat(conversion.steps, together)
    if stored.min() <= conversion.highest_mark:
        values[stored == conversion.missing] = np.nan
    if conversion.arranged:
        values = _arrange(values, conversion.arranged, rows)
    return values.astype(np.float32, copy=False)


def _repeat(of_columns: npt.NDArray[Any], rows: int) -> npt.NDArray[Any]:
    """What belongs to each sample of some rows."""
    return np.tile(of_columns, rows) if of_columns.ndim else of_columns


def _arrange(
    values: npt.NDArray[Any], signals: Sequence[SignalLine], rows: int
) -> npt.NDArray[Any]:
    """The mean of each signal's frames, earlier by its skew; behind the file's end NaN."""
    arranged = np.full((rows, len(signals)), np.nan)
    column = 0
    for index, signal in enumerate(signals):
        own = values[signal.skew : signal.skew + rows, column : column + signal.frames]
        arranged[: len(own), index] = own.mean(axis=1)
        column += signal.frames
    return arranged
