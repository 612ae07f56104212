"""`Predictions`: what a model said of one split, and the file it is kept in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_keras.array_files import read_arrays
from ecg_keras.errors import DataError, printable
from ecg_keras.files import replacing

ARRAYS = ("labels", "record_ids", "patient_ids", "targets", "probabilities")


@dataclass(frozen=True, eq=False)
class Predictions:
    """Targets and probabilities of one split, the only input of evaluation.

    Lists and other dtypes are converted, then everything is checked.

    Attributes:
        labels: names of the columns, all different.
        record_ids: strings ``(records,)``, all different.
        patient_ids: strings ``(records,)``; records of one person share one.
        targets: uint8 ``(records, labels)``, 1 where the label is present.
        probabilities: float32 ``(records, labels)`` in [0, 1].

    Raises:
        DataError: shapes that do not fit together, ids or labels that occur twice, targets other
            than 0 and 1, probabilities that are NaN or outside [0, 1].

    Example:
        >>> predictions = Predictions(["MI"], ["r1", "r2"], ["p", "p"], [[1], [0]], [[0.9], [0.2]])
        >>> predictions.targets.shape
        (2, 1)
    """

    labels: tuple[str, ...]
    record_ids: npt.NDArray[np.str_]
    patient_ids: npt.NDArray[np.str_]
    targets: npt.NDArray[np.uint8]
    probabilities: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        labels = tuple(str(label) for label in self.labels)
        record_ids = _strings("record_ids", self.record_ids)
        patient_ids = _strings("patient_ids", self.patient_ids)
        targets, probabilities = np.asarray(self.targets), np.asarray(self.probabilities)
        if not labels or not len(record_ids):
            raise DataError("predictions need at least one label and one record.")
        for label in labels:
            if label != printable(label).replace("\n", ""):
                raise DataError(f"labels must be names of one line. Received: {label!r:.80}.")
        _refuse_repeats("labels", labels)
        _refuse_repeats("record_ids", record_ids)
        if patient_ids.shape != record_ids.shape:
            raise DataError(
                f"patient_ids must be as many as record_ids, {len(record_ids)}. "
                f"Received: {len(patient_ids)}."
            )
        shape = (len(record_ids), len(labels))
        for name, values in (("targets", targets), ("probabilities", probabilities)):
            if values.shape != shape:
                raise DataError(
                    f"{name} must have the shape (records, labels) = {shape}. "
                    f"Received: shape {values.shape}."
                )
            if values.dtype.kind not in "buif":
                raise DataError(f"{name} must be numbers. Received: {values.dtype}.")
        for name, wrong, allowed in (
            ("targets", ~np.isin(targets, (0, 1)), "0 or 1"),
            ("probabilities", ~((probabilities >= 0) & (probabilities <= 1)), "in [0, 1]"),
        ):
            if wrong.any():
                row, column = np.argwhere(wrong)[0]
                value = (targets if name == "targets" else probabilities)[row, column]
                raise DataError(
                    f"{name} must be {allowed}. Received: {value} for record "
                    f"{record_ids[row]!s}, label {labels[column]}."
                )
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "record_ids", record_ids)
        object.__setattr__(self, "patient_ids", patient_ids)
        object.__setattr__(self, "targets", targets.astype(np.uint8))
        object.__setattr__(self, "probabilities", probabilities.astype(np.float32))

    def sorted(self) -> Predictions:
        """The same predictions in the order of their record ids."""
        order = np.argsort(self.record_ids)
        return Predictions(
            self.labels,
            self.record_ids[order],
            self.patient_ids[order],
            self.targets[order],
            self.probabilities[order],
        )

    def save(self, path: str | Path) -> None:
        """Writes an ``.npz`` without pickles; equal predictions give equal bytes.

        Args:
            path: its folder is made where it is missing. The file appears when it is complete.
        """
        arrays = {name: getattr(self, name) for name in ARRAYS}
        arrays["labels"] = np.array(self.labels)
        with replacing(Path(path)) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, path: str | Path) -> Predictions:
        """Reads a file that `save` wrote, or any ``.npz`` with the same five arrays.

        Raises:
            DataError: the file is missing, damaged or holds something else; the message has its
                name.
        """
        path = Path(path)
        advice = "Predict again, or copy the file from where it is whole."
        arrays = read_arrays(path, ARRAYS, "predictions", advice)
        missing = [name for name in ARRAYS if name not in arrays]
        if missing:
            raise DataError(
                f"{path}: predictions need the arrays {', '.join(ARRAYS)}. "
                f"Missing: {', '.join(missing)}."
            )
        try:
            labels = tuple(_strings("labels", arrays.pop("labels")))
            return cls(labels, **arrays)
        except DataError as error:
            raise DataError(f"{path}: {error}") from error


def _strings(name: str, values: npt.ArrayLike) -> npt.NDArray[np.str_]:
    strings = np.asarray(values)
    if strings.ndim != 1 or (strings.dtype.kind != "U" and strings.size):
        raise DataError(
            f"{name} must be a row of strings. Received: {strings.dtype}, shape {strings.shape}."
        )
    return strings.astype(np.str_)


def _refuse_repeats(name: str, values: Sequence[str] | npt.NDArray[np.str_]) -> None:
    unique, counts = np.unique(np.asarray(values), return_counts=True)
    if (counts > 1).any():
        raise DataError(f"{name} must all be different. More than once: {unique[counts > 1][0]!s}.")
