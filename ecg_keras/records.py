"""`RecordInfo`, what a source lists without reading a signal, and `Record`, one read ECG."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, SupportsFloat

import numpy as np

from ecg_keras.array_types import Float32Array
from ecg_keras.errors import DataError

SEXES = ("female", "male")

# the part of a recording that is wanted: its first and last second, counted from its first sample
Span = tuple[float, float]

# of a record: whether it is a whole one
_NUMBERS = {"age": False, "fold": True, "row": True, "sampling_rate": False}


@dataclass(frozen=True)
class RecordInfo:
    """One recording as its database's tables describe it; no signal has been read.

    Numbers and texts of NumPy and pandas become Python's, and what is missing there, as NaN or
    pandas' NA, ``None``.

    Attributes:
        record_id: unique within the source, stable over runs.
        patient_id: equal for all recordings of one person. Where the database has no patient
            ids it equals ``record_id``.
        path: what the source's ``read_signal`` opens, inside the database's folder.
        labels: names of the labels that are present, each one of the label set's names.
        age: in years, ``None`` where unknown. Ages above 89 that a database hides are ``None``.
        sex: ``"female"``, ``"male"`` or ``None``.
        fold: the database's official fold, ``None`` where it has none.
        row: the row inside ``path`` for databases that keep many recordings in one file.
        sampling_rate: in Hz, where a table says it and the file does not.
    """

    record_id: str
    patient_id: str
    path: Path
    labels: tuple[str, ...]
    age: float | None = None
    sex: str | None = None
    fold: int | None = None
    row: int | None = None
    sampling_rate: float | None = None

    def __post_init__(self) -> None:
        for name, whole in _NUMBERS.items():
            object.__setattr__(self, name, _as_number(self.path, name, getattr(self, name), whole))
        if _is_missing(self.sex):
            object.__setattr__(self, "sex", None)
        if any(_is_missing(one) or not one for one in (self.record_id, self.patient_id)):
            raise DataError(f"{self.path}: a record needs a record_id and a patient_id.")
        if self.sex is not None and self.sex not in SEXES:
            raise DataError(
                f"{self.path}: sex must be one of {SEXES} or None. Received: {self.sex!r}."
            )


def _is_missing(value: Any) -> bool:
    """Whether it is ``None`` or what an empty cell of a table holds: NaN, NaT or pandas' NA."""
    if value is None or type(value) is str:
        return value is None
    try:
        return not value == value  # noqa: SIM201  NaN is not equal to itself
    except TypeError:  # whether NA is, is NA
        return True
    except ValueError:  # an array
        return False


def _as_number(path: Path, name: str, value: Any, whole: bool) -> float | None:
    """A number as Python's, whatever library it is of; an empty cell is ``None``."""
    if type(value) is int:
        return value
    if _is_missing(value):
        return None
    try:
        number = float(value) if isinstance(value, SupportsFloat) else math.inf
        if math.isfinite(number) and not (whole and number % 1):
            return int(number) if whole else number
    except (TypeError, ValueError, OverflowError):
        pass  # as of an array
    raise DataError(
        f"{path}: {name} must be a {'whole ' * whole}number or None. Received: {value!r}."
    )


@dataclass(frozen=True, eq=False)
class Signal:
    """A sampled ECG, whole or a part of it.

    Attributes:
        values: float32 ``(num_samples, num_leads)`` in millivolts.
        sampling_rate: in Hz.
        leads: names in column order, spelled ``I II III aVR aVL aVF V1 ... V6``.
        start: index of the first of ``values`` in the whole recording.
        total: samples of the whole recording; ``None`` where ``values`` are all of them, which it
            becomes where it is their number.
        remarks: what the reader left out or found worth saying, in words that fit many recordings.
    """

    values: Float32Array
    sampling_rate: float
    leads: tuple[str, ...]
    start: int = 0
    total: int | None = None
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.leads):
            raise DataError(
                "a signal must have the shape (num_samples, num_leads) with one column for each "
                f"of its {len(self.leads)} leads. Received: shape {self.values.shape}."
            )
        if self.values.dtype != np.float32:
            raise DataError(f"a signal must be float32. Received: {self.values.dtype}.")
        if not self.sampling_rate > 0:
            raise DataError(f"sampling_rate must be above 0 Hz. Received: {self.sampling_rate}.")
        if self.total == len(self.values):
            object.__setattr__(self, "total", None)


def span_samples(span: Span | None, sampling_rate: float, total: int) -> tuple[int, int]:
    """The first sample of a part of a recording, and the one behind its last.

    Args:
        span: the part that is wanted; ``None`` wants all.
        sampling_rate: in Hz.
        total: samples of the whole recording.

    Example:
        >>> span_samples((0.5, 2.0), 100, 150), span_samples(None, 100, 150)
        ((50, 150), (0, 150))
    """
    if span is None:
        return 0, total
    first, last = (edge * sampling_rate for edge in span)
    start = min(total, max(0, math.floor(first)))
    return start, max(start, total if last >= total else math.ceil(last))


def cut_signal(signal: Signal, span: Span | None) -> Signal:
    """The wanted part of a recording that was read as a whole."""
    total = len(signal.values)
    start, stop = span_samples(span, signal.sampling_rate, total)
    if (start, stop) == (0, total):
        return signal
    return replace(signal, values=signal.values[start:stop], start=start, total=total)


@dataclass(frozen=True, eq=False)
class Record:
    """A recording: what is known of it, and its signal."""

    info: RecordInfo
    signal: Signal
