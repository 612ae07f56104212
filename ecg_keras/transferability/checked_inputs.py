"""The one set of checks on what the estimators are computed from, and their mean over labels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import BoolArray, Float64Array, IntArray
from ecg_keras.errors import DataError

# records (or patients) with a label, and without it, below which nothing is estimated for it
FEWEST = 2


def check_targets(targets: npt.ArrayLike) -> BoolArray:
    """Targets as ``(records, labels)`` of bool."""
    truth = np.asarray(targets)
    if truth.ndim != 2 or 0 in truth.shape:
        raise DataError(
            "targets must have the shape (records, labels) with at least one of each. "
            f"Received: shape {truth.shape}."
        )
    binary: BoolArray = truth == 1
    if not (binary | (truth == 0)).all():
        row, column = np.argwhere(~(binary | (truth == 0)))[0]
        raise DataError(
            f"targets must be 0 or 1. Received: {truth[row, column]} in row {row}, column {column}."
        )
    return binary


def check_embeddings(embeddings: npt.ArrayLike, records: int) -> Float64Array:
    """Embeddings as float64 ``(records, size)``."""
    values = _check_matrix("embeddings", embeddings, records)
    if np.ptp(values, axis=0).max() == 0:
        raise DataError(
            f"embeddings are the same for all {records} records: this network distinguishes no ECG "
            "from another. Leave it out."
        )
    return values


def check_source(source_probabilities: npt.ArrayLike, records: int) -> Float64Array:
    """Probabilities of the source labels as float64 ``(records, source labels)``."""
    values = _check_matrix("source_probabilities", source_probabilities, records)
    if values.min() < 0 or values.max() > 1:
        worst = values.min() if values.min() < 0 else values.max()
        raise DataError(
            f"source_probabilities must be in [0, 1], as from a sigmoid head. Received: {worst:g}."
        )
    return values


def check_patients(patient_ids: npt.ArrayLike, records: int) -> IntArray:
    """The number of each record's patient, ``(records,)``."""
    ids = np.asarray(patient_ids)
    if ids.shape != (records,):
        raise DataError(
            f"patient_ids must be one for each of the {records} records. "
            f"Received: shape {ids.shape}."
        )
    numbers: IntArray = np.unique(ids, return_inverse=True)[1].astype(np.int64)
    return numbers


def usable_labels(truth: BoolArray, patients: IntArray | None = None) -> IntArray:
    """The columns of labels that at least two records have and at least two do not have."""
    # with patients, two of each kind: ECGs of one person say nothing of the next
    if patients is None:
        with_it, without = truth.sum(axis=0), (~truth).sum(axis=0)
    else:
        with_it, without = (_count_patients(rows, patients) for rows in (truth, ~truth))
    columns = np.flatnonzero(np.minimum(with_it, without) >= FEWEST)
    if not len(columns):
        who = "records" if patients is None else "patients"
        raise DataError(
            f"none of {truth.shape[1]} labels can be used: each needs at least {FEWEST} {who} that "
            f"have it and {FEWEST} that do not, among {len(truth)} records. Take more records or "
            "another label set."
        )
    return columns


# the multi-label form of MELEP, for every metric that was published for one label per record
def mean_by_prevalence(values: npt.ArrayLike, truth: BoolArray) -> float:
    """The mean of a value per label, each weighted with the share of records that have it."""
    return float(np.average(np.asarray(values, dtype=np.float64), weights=truth.mean(axis=0)))


def _count_patients(rows: BoolArray, patients: IntArray) -> IntArray:
    found = [len(np.unique(patients[column])) for column in rows.T]
    return np.array(found, dtype=np.int64)


def _check_matrix(name: str, values: npt.ArrayLike, records: int) -> Float64Array:
    matrix = np.asarray(values)
    if matrix.ndim != 2 or len(matrix) != records or matrix.shape[1] == 0:
        raise DataError(
            f"{name} must have the shape ({records}, size), a row for each record of the targets. "
            f"Received: shape {matrix.shape}."
        )
    numbers = matrix.astype(np.float64)
    if not np.isfinite(numbers).all():
        row, column = np.argwhere(~np.isfinite(numbers))[0]
        raise DataError(
            f"{name} must be finite. Received: {numbers[row, column]} in row {row}, column "
            f"{column}: the network overflows, or its file is damaged."
        )
    return numbers
