"""`Predictions`: what a model said of one split, and the file it is kept in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.array_files import read_arrays
from ecg_keras.array_types import AnyArray, Float32Array, TextArray
from ecg_keras.errors import DataError, printable
from ecg_keras.evaluation.arrays import as_probabilities, as_strings, as_targets, narrow
from ecg_keras.evaluation.prediction_tables import TABLE_KINDS, read_prediction_table
from ecg_keras.files import replacing

ARRAYS = ("labels", "record_ids", "patient_ids", "targets", "probabilities")
# what to do about an array that predictions made elsewhere often lack
HINTS = {
    "record_ids": "record_ids say which rows of two files belong together: save a name or number "
    "of each record.",
    "patient_ids": "Where every record is of another person, save patient_ids=record_ids.",
    "probabilities": "Of logits, save 1 / (1 + np.exp(-logits)).",
}


@dataclass(frozen=True, eq=False, init=False)
class Predictions:
    """Targets and probabilities of one split, the only input of evaluation.

    Lists, tensors, columns of a table and other dtypes are converted where they can mean one thing
    only, then everything is checked. docs/predictions-from-elsewhere.md has examples.

    Attributes:
        labels: names of the columns, all different.
        record_ids: strings ``(records,)``, all different; whole numbers become strings.
        patient_ids: strings ``(records,)``; records of one person share one.
        targets: uint8 ``(records, labels)``, 1 where the label is present.
        probabilities: float32 ``(records, labels)`` in [0, 1].

    Raises:
        DataError: shapes that do not fit together, ids or labels that occur twice, targets other
            than 0 and 1 (also unknown ones), probabilities that are NaN or outside [0, 1].

    Example:
        >>> predictions = Predictions(["MI"], ["r1", "r2"], ["p", "p"], [[1], [0]], [[0.9], [0.2]])
        >>> predictions.targets.shape
        (2, 1)
    """

    labels: tuple[str, ...]
    record_ids: TextArray
    patient_ids: TextArray
    targets: npt.NDArray[np.uint8]
    probabilities: Float32Array

    def __init__(
        self,
        labels: Iterable[str] | AnyArray,
        record_ids: npt.ArrayLike,
        patient_ids: npt.ArrayLike,
        targets: npt.ArrayLike,
        probabilities: npt.ArrayLike,
    ) -> None:
        columns = labels if isinstance(labels, np.ndarray) else list(labels)
        names = tuple(as_strings("labels", columns).tolist())
        records = as_strings("record_ids", record_ids)
        patients = as_strings("patient_ids", patient_ids)
        if not names or not len(records):
            raise DataError("predictions need at least one label and one record.")
        for label in names:
            if label != printable(label).replace("\n", ""):
                raise DataError(f"labels must be names of one line. Received: {label!r:.80}.")
        _refuse_repeats("labels", names)
        _refuse_repeats("record_ids", records)
        for name, ids in (("record_ids", records), ("patient_ids", patients)):
            empty = np.flatnonzero(ids == "")
            if len(empty):
                raise DataError(f"{name} must not be empty. Received: '' at position {empty[0]}.")
        if patients.shape != records.shape:
            raise DataError(
                f"patient_ids must be as many as record_ids, {len(records)}. "
                f"Received: {len(patients)}."
            )
        checked = (
            names,
            records,
            patients,
            as_targets(targets, records, names),
            as_probabilities(probabilities, records, names),
        )
        for name, value in zip(ARRAYS, checked, strict=True):
            object.__setattr__(self, name, value)

    def sorted(self) -> Predictions:
        """The same predictions in the order of their record ids; these where they have it."""
        order = np.argsort(self.record_ids)
        # as most are: copies of a study's would take as much memory again
        return self if (np.diff(order) > 0).all() else self.take(order)

    def take(self, rows: npt.ArrayLike) -> Predictions:
        """The same predictions of some records, by their places or a mask."""
        return Predictions(self.labels, *(getattr(self, name)[rows] for name in ARRAYS[1:]))

    def save(self, path: str | Path) -> None:
        """Writes an ``.npz`` without pickles; equal predictions give equal bytes.

        Args:
            path: its folder is made where it is missing. The file appears when it is complete.
        """
        arrays = {
            "labels": np.array(self.labels),
            "record_ids": narrow(self.record_ids),
            "patient_ids": narrow(self.patient_ids),
            "targets": self.targets,
            "probabilities": self.probabilities,
        }
        with replacing(Path(path)) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, path: str | Path) -> Predictions:
        """Reads a file of predictions, whoever wrote it.

        Args:
            path: an ``.npz`` with the five arrays that `save` writes, of any types that this class
                takes; or a table, ``.csv`` or ``.parquet``, with the columns ``record_id``,
                ``patient_id``, and ``target_LABEL`` and ``probability_LABEL`` of each label.

        Raises:
            DataError: the file is missing, damaged or holds something else; the message has its
                name.
        """
        path = Path(path)
        arguments = (
            read_prediction_table(path) if path.suffix.lower() in TABLE_KINDS else _read_npz(path)
        )
        try:
            return cls(**arguments)
        except DataError as error:
            raise DataError(f"{path}: {error}") from error


def _read_npz(path: Path) -> dict[str, Any]:
    advice = "Write it again, or copy the file from where it is whole."
    arrays = read_arrays(path, ARRAYS, "predictions", advice)
    missing = [name for name in ARRAYS if name not in arrays]
    if missing:
        hints = [HINTS[name] for name in missing if name in HINTS]
        raise DataError(
            f"{path}: predictions need the arrays {', '.join(ARRAYS)}. "
            f"Missing: {', '.join(missing)}. {' '.join(hints)}".rstrip()
        )
    return arrays


def _refuse_repeats(name: str, values: Sequence[str] | TextArray) -> None:
    unique, counts = np.unique(np.asarray(values), return_counts=True)
    if (counts > 1).any():
        raise DataError(f"{name} must all be different. More than once: {unique[counts > 1][0]!s}.")
