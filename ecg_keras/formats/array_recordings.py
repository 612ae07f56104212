"""Recordings in arrays: one in a file of HDF5, NumPy or MATLAB, or many as rows of its first axis.

Such a file says neither its rate nor its unit, and its leads are the standard twelve in their
order unless the user names them. Published arrays fill short recordings up with zeros, which are
left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ecg_keras.array_types import AnyArray
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.formats.array_archives import (
    LEAST_VALUES,
    MATLAB,
    NUMPY_ARCHIVE,
    read_named_array,
)
from ecg_keras.formats.hdf5_files import find_array, read_array, read_row
from ecg_keras.formats.lead_errors import BY_COLUMN, no_lead
from ecg_keras.formats.plain_files import MOST_VALUES, stat_file
from ecg_keras.formats.voltages import unit_in_mv
from ecg_keras.records import Signal, Span, cut_signal
from ecg_keras.signals import LEADS, LeadNames, find_leads

HDF5, NUMPY = (".h5", ".hdf5"), ".npy"
# names of arrays of published databases: many recordings, and a single one
_USUAL = ("tracings", "ecg")
_NUMBERS = "fiu"
# seconds: shorter ones without a voltage belong to the recording, as where its first sample was
# subtracted from all
_LEAST_ZEROS = 0.1


def count_recordings(path: Path, array: str | None = None) -> int | None:
    """How many recordings a file of an array has; ``None`` where it holds a single one.

    ``array`` is its name in a file of several, ``tracings`` or ``ecg`` if not given. A `DataError`
    says that the file is missing, damaged, or has no array of numbers.
    """
    return _count(path, _open(path, array)[2])


def read_array_recording(
    path: Path,
    *,
    sampling_rate: float | None,
    unit: str | None,
    leads: Sequence[str] | None = None,
    lead_names: LeadNames = None,
    array: str | None = None,
    row: int | None = None,
    span: Span | None = None,
) -> Signal:
    """Reads one recording of a file of an array; the settings are those of `read_recording`."""
    whole, name, shape = _open(path, array)
    count = _count(path, shape) if row is None else None
    if count is not None and count != 1:
        raise DataError(
            f"{path}: holds {count:,} recordings. Name the column that says which row of it a "
            "recording is, from 0, with data.folder.row."
        )
    if whole is not None:
        values = _choose_row(path, whole, row)
    elif row is None:
        values = read_array(path, name, shape, _NUMBERS)
    else:
        values = read_row(path, name, shape, row, _NUMBERS)
    signal = signal_of_values(
        values, f"{path}: an array", sampling_rate=sampling_rate, unit=unit, leads=leads,
        lead_names=lead_names,
    )  # fmt: skip
    return cut_signal(signal, span)


def signal_of_values(
    values: AnyArray,
    what: str,
    *,
    sampling_rate: float | None,
    unit: str | None,
    leads: Sequence[str] | None,
    lead_names: LeadNames = None,
) -> Signal:
    """The recording in an array whose longer axis is time; zeros before and behind it are left out,
    unless they are fewer than those of a tenth of a second.

    Args:
        values: ``(num_samples, num_leads)`` or turned, in ``unit``.
        what: how messages begin.
        sampling_rate, unit, leads, lead_names: as for `read_recording`.

    Raises:
        ConfigError: rate or unit is not given.
        DataError: the shape is not that of the leads, or all is zero.

    Example:
        >>> ecg = np.ones((12, 500))
        >>> signal_of_values(ecg, "x", sampling_rate=500, unit="uV", leads=None).values.shape
        (500, 12)
    """
    named = find_leads(leads or LEADS, lead_names)
    for setting, value in (("sampling_rate", sampling_rate), ("unit", unit)):
        if value is None:
            name = setting.replace("_", " ")
            raise ConfigError(f"{what} does not say its {name}. Set data.folder.{setting}.")
    if values.ndim > 2:  # an axis of channels of images
        values = values.reshape([length for length in values.shape if length != 1])
    if values.ndim == 1:
        values = values[:, np.newaxis]
    turned = values
    if values.ndim == 2 and values.shape[0] == len(named) < values.shape[1]:
        turned = values.T
    if turned.ndim != 2 or turned.shape[1] != len(named):
        raise DataError(
            f"{what} must have {len(named)} leads, {', '.join(leads or LEADS)}. Received: shape "
            f"{values.shape}. Name its leads with data.folder.leads."
        )
    kept = [column for column, lead in enumerate(named) if lead is not None]
    found = tuple(lead for lead in named if lead is not None)
    if not found:
        raise DataError(f"{what}: {no_lead('columns', leads or (), BY_COLUMN)}")
    if turned.size > MOST_VALUES:
        raise DataError(
            f"{what} of {turned.size:,} values, and a recording has at most {MOST_VALUES:,}. Save "
            "a part of it."
        )
    rate = float(sampling_rate or 0)
    turned = without_zeros(turned, rate)
    if not len(turned):
        raise DataError(f"{what} has no sample but zeros.")
    size = unit_in_mv(str(unit))
    if size is None:
        raise ConfigError(
            f"{what}: unit must be mV, uV or V, or a step as 4.88 uV. Received: {unit!r}."
        )
    steps = np.float32(1 / size)
    with np.errstate(over="ignore", invalid="ignore"):  # the result is refused as such
        millivolts = np.asarray(turned[:, kept], np.float32) / steps
    return Signal(np.ascontiguousarray(millivolts), rate, found)


def without_zeros(values: AnyArray, sampling_rate: float) -> AnyArray:
    """A recording without the zeros that fill it up: those of 0.1 s or more before and behind it.

    Args:
        values: ``(num_samples, num_leads)``.
        sampling_rate: in Hz.

    Returns:
        A view of the samples; none where all are zero.

    Example:
        >>> ecg = np.pad(np.ones((500, 12)), ((50, 49), (0, 0)))
        >>> without_zeros(ecg, sampling_rate=500).shape
        (549, 12)
    """
    there = np.flatnonzero((values != 0).any(axis=1))
    if not len(there):
        return values[:0]
    start, stop = int(there[0]), int(there[-1]) + 1
    if start < _LEAST_ZEROS * sampling_rate:
        start = 0
    if len(values) - stop < _LEAST_ZEROS * sampling_rate:
        stop = len(values)
    return values[start:stop]


def _open(path: Path, array: str | None) -> tuple[AnyArray | None, str, tuple[int, ...]]:
    """The array of a file and its shape; of HDF5, of which no more is read than is wanted, its name
    instead of it."""
    ending = path.suffix.lower()
    if ending not in (NUMPY, NUMPY_ARCHIVE, MATLAB):
        return None, *find_array(path, _USUAL if array is None else (array,))
    whole = _open_numpy(path) if ending == NUMPY else read_named_array(path, _USUAL, array)
    return whole, "", whole.shape


def _count(path: Path, shape: tuple[int, ...]) -> int | None:
    if len(shape) < 3:
        return None
    if math.prod(shape[1:]) < LEAST_VALUES:  # a small file may hold any number of those
        raise DataError(
            f"{path}: its rows of {shape[1:]} have fewer than {LEAST_VALUES} numbers, which no "
            "recording has. Save recordings as (records, samples, leads)."
        )
    return shape[0]


def _choose_row(path: Path, whole: AnyArray, row: int | None) -> AnyArray:
    if row is None:
        return whole
    if not 0 <= row < len(whole):
        raise DataError(f"{path}: has {len(whole):,} rows. Received: row {row}.")
    return np.array(whole[row])


def _open_numpy(path: Path) -> AnyArray:
    """The array of a NumPy file, on the disk; no pickle is opened, and no more than is there."""
    stat_file(path, "Check that the export is complete.")
    try:
        whole: AnyArray = np.lib.format.open_memmap(  # type: ignore[no-untyped-call]
            path, mode="r"
        )
    except Exception as error:  # NumPy raises what the parser of the header met
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise DataError(
            f"{path}: no NumPy file that can be read: {reason}. Save it again."
        ) from error
    if whole.dtype.kind not in _NUMBERS or whole.ndim < 1:
        raise DataError(f"{path}: no array of numbers. Save it with numpy.save.")
    return whole
