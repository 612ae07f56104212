"""`RecordInfo`, what a source lists without reading a signal, and `Record`, one read ECG."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_keras.errors import DataError

SEXES = ("female", "male")


@dataclass(frozen=True)
class RecordInfo:
    """One recording as its database's tables describe it; no signal has been read.

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
        if not self.record_id or not self.patient_id:
            raise DataError(f"{self.path}: a record needs a record_id and a patient_id.")
        if self.sex is not None and self.sex not in SEXES:
            raise DataError(
                f"{self.path}: sex must be one of {SEXES} or None. Received: {self.sex!r}."
            )


@dataclass(frozen=True, eq=False)
class Signal:
    """A sampled ECG.

    Attributes:
        values: float32 ``(num_samples, num_leads)`` in millivolts.
        sampling_rate: in Hz.
        leads: names in column order, spelled ``I II III aVR aVL aVF V1 ... V6``.
    """

    values: npt.NDArray[np.float32]
    sampling_rate: float
    leads: tuple[str, ...]

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


@dataclass(frozen=True, eq=False)
class Record:
    """A recording: what is known of it, and its signal."""

    info: RecordInfo
    signal: Signal
