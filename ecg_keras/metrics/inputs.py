"""The one set of checks on what the scores are computed from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import BoolArray, Float32Array, Float64Array
from ecg_keras.errors import DataError

# `(records, resamples)`. float32 is for whole numbers, which it adds up exactly to 2^24: then all
# counts are exact, and the ratio of two of them to 7 digits
Weights = Float32Array | Float64Array


def check_scores(
    targets: npt.ArrayLike, scores: npt.ArrayLike, name: str = "probabilities"
) -> tuple[BoolArray, Float64Array]:
    """Targets and scores as arrays that every metric can rely on."""
    truth = np.asarray(targets)
    values = np.asarray(scores)
    if truth.ndim != 2 or 0 in truth.shape:
        raise DataError(
            "targets must have the shape (records, labels) with at least one of each. "
            f"Received: shape {truth.shape}."
        )
    if values.shape != truth.shape:
        raise DataError(
            f"{name} must have the shape of the targets, {truth.shape}. "
            f"Received: shape {values.shape}."
        )
    binary = truth == 1
    if not (binary | (truth == 0)).all():
        row, column = np.argwhere(~(binary | (truth == 0)))[0]
        raise DataError(
            f"targets must be 0 or 1. Received: {truth[row, column]} in row {row}, column {column}."
        )
    numbers = values.astype(np.float64)
    if not np.isfinite(numbers).all():
        row, column = np.argwhere(~np.isfinite(numbers))[0]
        raise DataError(
            f"{name} must be finite. Received: {numbers[row, column]} in row {row}, column "
            f"{column}. NaN often means that training diverged: lower the learning rate."
        )
    return binary, numbers


def check_curve(target: npt.ArrayLike, score: npt.ArrayLike) -> tuple[BoolArray, Float64Array]:
    """As `check_scores`, for one label: both ``(records,)``."""
    if np.ndim(target) != 1 or np.ndim(score) != 1:
        raise DataError(
            "a curve needs the targets and probabilities of one label, both (records,). "
            f"Received: shapes {np.shape(target)} and {np.shape(score)}."
        )
    truth, values = check_scores(np.asarray(target)[:, None], np.asarray(score)[:, None])
    return truth[:, 0], values[:, 0]


def check_decisions(
    targets: npt.ArrayLike, decisions: npt.ArrayLike
) -> tuple[BoolArray, BoolArray]:
    """Targets and decisions, both 0 or 1 and ``(records, labels)``, as bool."""
    truth, values = check_scores(targets, decisions, "decisions")
    if not ((values == 0) | (values == 1)).all():
        raise DataError(
            "decisions must be 0 or 1. Received: "
            f"{values[(values != 0) & (values != 1)][0]:g}. Probabilities are turned into "
            "decisions by decide(probabilities, thresholds)."
        )
    return truth, values == 1


def check_unit(probabilities: Float64Array) -> None:
    """Refuse scores that are no probabilities."""
    outside = (probabilities < 0) | (probabilities > 1)
    if outside.any():
        raise DataError(
            f"probabilities must be in [0, 1]. Received: {probabilities[outside][0]:g}. Does the "
            "model's head lack its sigmoid?"
        )


def check_weights(weights: npt.ArrayLike | None, records: int) -> Weights:
    """Record weights as ``(records, resamples)``; one column of ones where there are none."""
    if weights is None:
        return np.ones((records, 1))
    values = np.asarray(weights)
    if values.ndim not in (1, 2) or values.shape[-1] != records:
        raise DataError(
            f"weights must have the shape ({records},) or (resamples, {records}). "
            f"Received: shape {values.shape}."
        )
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise DataError("weights must be finite and at least 0.")
    return np.ascontiguousarray(np.atleast_2d(values).T, dtype=np.float64)


def ratio(part: Float64Array, whole: Float64Array, empty: float = np.nan) -> Float64Array:
    """Part by whole of two arrays that fit together; ``empty`` where the whole is 0."""
    part, whole = np.broadcast_arrays(part, whole)
    return np.divide(part, whole, out=np.full(part.shape, empty, np.float64), where=whole != 0)


def mean_over_records(values: Float64Array, weights: Weights) -> Float64Array:
    """The weighted mean of each column of ``(records, columns)``: ``(resamples, columns)``."""
    return ratio(weights.T @ values, weights.sum(axis=0, dtype=np.float64)[:, None])


def squeeze(scores: Float64Array, weights: npt.ArrayLike | None) -> Float64Array:
    """``(1, labels)`` as ``(labels,)``, unless the weights came as ``(resamples, records)``."""
    return scores if np.ndim(weights if weights is not None else 0) == 2 else scores[0]
