"""The samples of WFDB recordings: format 16 in our own decoder, the rest by the wfdb library.

Nearly all 12-lead databases are WFDB format 16: little-endian 16-bit samples, the leads
interleaved, sometimes behind a few bytes of another header (``16+24`` for MATLAB files). That is
read in one go, many times faster than by the wfdb library, and the values are the same to the bit.

Source: WFDB Applications Guide, signal(5).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.data.plain_files import stat_file
from ecg_keras.data.records import Signal, Span, cut_signal
from ecg_keras.data.wfdb_headers import Header, SignalLine, read_header
from ecg_keras.errors import DataError
from ecg_keras.signals import LEADS

MISSING_SAMPLE = -32768
# bits of one sample in the formats that wfdb reads; the compressed ones can be almost nothing
BITS = {"8": 8, "16": 16, "24": 24, "32": 32, "61": 16, "80": 8, "160": 16, "212": 12}
BITS |= {"310": 10, "311": 10}
FEWEST_BITS = 0.001
# samples of all signals together: a day of twelve leads at 500 Hz is half of it
MOST_VALUES = 1_000_000_000


def read_wfdb(
    path: Path | str,
    *,
    lead_names: Mapping[str, str] | None = None,
    span: Span | None = None,
) -> Signal:
    """Reads a WFDB record in millivolts.

    Args:
        path: of the record, without extension.
        lead_names: the user's own spellings of leads, each with the lead that it means.
        span: the seconds that are wanted; ``None`` wants the whole recording.

    Returns:
        The wanted part of the recording at its own rate. Columns that are none of the twelve leads
        (Frank leads, respiration) are left out. Samples that the file marks as missing are NaN.

    Raises:
        DataError: as `read_header`; and where the signal file is missing, truncated or leads out
            of its folder, where a unit is none of voltage, or where none of the twelve leads is
            there.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "r.hea").write_text("r 1 500 3\\nr.dat 16 1000/mV 16 0 0 0 0 II")
        >>> np.array([0, 1500, -32768], dtype="<i2").tofile(folder / "r.dat")
        >>> read_wfdb(folder / "r").values.ravel()
        array([0. , 1.5, nan], dtype=float32)
    """
    return read_samples(read_header(path, lead_names), span)


def read_samples(header: Header, span: Span | None = None) -> Signal:
    """Reads the samples of a record whose header was read: `read_wfdb` in two steps.

    Args:
        header: from `read_header`.
        span: as `read_wfdb`.

    Returns:
        As `read_wfdb`.

    Raises:
        DataError: as `read_wfdb`.
    """
    folder = str(header.path).removesuffix(header.path.name)
    located = [(folder + file, group) for file, group in _by_file(header).items()]
    num_samples = min([_count_samples(header, *one) for one in located])
    if num_samples * len(header.signals) > MOST_VALUES:
        raise DataError(
            f"{header.path}.hea: {num_samples} samples of {len(header.signals)} signals are more "
            f"than the {MOST_VALUES} values of a recording that is read at once. Cut it in pieces."
        )
    try:
        conversion = _convert_by(header.signals)
    except DataError as error:
        raise DataError(f"{header.path}.hea: {error}") from error
    if conversion.format_16:
        values = _read_format_16(located, num_samples, conversion)
    else:
        values = _read_by_wfdb(header, conversion)
    if len(conversion.columns) < len(header.signals):
        values = np.ascontiguousarray(values[:, conversion.columns])
    return cut_signal(Signal(values, header.sampling_rate, conversion.leads), span)


@dataclass(frozen=True, eq=False)
class _Conversion:
    """How the integers of some signals become millivolts.

    Attributes:
        format_16: whether our own decoder reads them.
        baselines, steps: of each signal the integer that means zero, and integers for each mV; one
            number, which is faster, where all agree. ``None`` for baselines of zero.
        columns: of the signals that are leads.
        leads: their names.
    """

    format_16: bool
    baselines: npt.NDArray[Any] | None
    steps: npt.NDArray[Any]
    columns: list[int]
    leads: tuple[str, ...]


@functools.lru_cache(maxsize=64)  # the recordings of a database are stored alike
def _convert_by(signals: tuple[SignalLine, ...]) -> _Conversion:
    columns = [column for column, signal in enumerate(signals) if signal.lead is not None]
    if not columns:
        raise DataError(
            f"none of its signals is one of the leads {', '.join(LEADS)}. "
            f"Received: {', '.join(signal.name or '(no name)' for signal in signals)}."
        )
    steps = np.array([signal.steps_in_mv for signal in signals])
    baselines = np.array([signal.baseline for signal in signals])
    # where float32 holds all numbers, the quotient is the one that float64 would round to
    held = np.abs(baselines).max() < 2**23 and np.array_equal(steps.astype(np.float32), steps)
    steps, baselines = (
        (each[0] if np.all(each == each[0]) else each).astype(np.float32 if held else np.float64)
        for each in (steps, baselines)
    )
    return _Conversion(
        format_16=all(signal.format == "16" and signal.plain for signal in signals),
        baselines=baselines if baselines.any() else None,
        steps=steps,
        columns=columns,
        leads=tuple(str(signals[column].lead) for column in columns),
    )


def _by_file(header: Header) -> dict[str, list[SignalLine]]:
    """The signals of each file."""
    groups: dict[str, list[SignalLine]] = {}
    for file, signal in zip(header.files, header.signals, strict=True):
        groups.setdefault(file, []).append(signal)
    return groups


def _count_samples(header: Header, location: str, group: list[SignalLine]) -> int:
    """How many samples of each signal to read, once the file is known to hold them.

    Nothing is allocated before the header's promise was compared with the file's size.
    """
    advice = (
        f"The header {header.path.name}.hea names this file: check that the whole database was "
        "downloaded."
    )
    size = stat_file(location, advice).st_size
    bits = sum([BITS.get(signal.format, FEWEST_BITS) for signal in group])
    held = max(0, int((size - group[0].offset) * 8 // bits))
    if held < (header.num_samples or 1):
        raise DataError(
            f"{location}: truncated: its {size} bytes hold {held} samples of "
            f"{len(group)} signals, and the header promises {header.num_samples or 'at least 1'}. "
            "Download the file again."
        )
    return header.num_samples or held


def _read_format_16(
    located: list[tuple[str, list[SignalLine]]], num_samples: int, conversion: _Conversion
) -> npt.NDArray[np.float32]:
    blocks = [
        _read_integers(location, group[0].offset, (num_samples, len(group)))
        for location, group in located
    ]
    digital = blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=1)
    values: npt.NDArray[Any] = digital.astype(conversion.steps.dtype)
    # NumPy is slow where the inner loop is one row of twelve: let it run over many rows at once
    rows = math.gcd(num_samples, 64)
    block = values.reshape(num_samples // rows, -1)
    if conversion.baselines is not None:
        block -= _repeat(conversion.baselines, rows)
    block /= _repeat(conversion.steps, rows)
    if digital.min() == MISSING_SAMPLE:
        values[digital == MISSING_SAMPLE] = np.nan
    return values.astype(np.float32, copy=False)


def _read_integers(location: str, offset: int, shape: tuple[int, int]) -> npt.NDArray[np.int16]:
    """Little-endian 16-bit integers of a file that was found to hold them."""
    integers = np.empty(shape, dtype="<i2")
    wanted = memoryview(integers.data).cast("B")
    try:
        with open(location, "rb", buffering=0) as stream:  # noqa: PTH123  half of Path.open's time
            stream.seek(offset)
            while wanted and (length := stream.readinto(wanted)):
                wanted = wanted[length:]
    except OSError as error:
        raise DataError(f"{location}: can't be read: {error.strerror}.") from error
    if wanted:
        raise DataError(f"{location}: it became shorter while it was read. Read it again.")
    return integers


def _repeat(of_signals: npt.NDArray[Any], rows: int) -> npt.NDArray[Any]:
    """What belongs to each sample of some rows."""
    return np.tile(of_signals, rows) if of_signals.ndim else of_signals


def _read_by_wfdb(header: Header, conversion: _Conversion) -> npt.NDArray[np.float32]:
    import wfdb

    try:
        values = wfdb.rdrecord(str(header.path)).p_signal
    except Exception as error:  # a damaged file makes wfdb raise whatever its decoder meets
        raise DataError(f"{header.path}: wfdb cannot read it: {error}") from error
    gains = np.array([signal.gain for signal in header.signals])
    return np.ascontiguousarray(values * (gains / conversion.steps), dtype=np.float32)
