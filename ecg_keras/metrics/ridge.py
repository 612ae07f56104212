"""A linear head by ridge regression in closed form, each patient judged without being seen.

With Z the standardised embeddings, P = Z V on their right singular vectors V, s the squared
singular values and t the penalty, the scores are H y with the hat matrix

    H = 1/n + P diag(1 / (s + t)) P^T

and the errors of the records g of a patient, if the patient's records had been left out, are
(I - H_gg)^-1 (y - H y)_g: the leave-one-out formula of linear smoothers, by blocks (Golub, Heath &
Wahba 1979 for single records). One decomposition serves all penalties, labels and patients.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from ecg_keras.array_types import Float64Array, IntArray
from ecg_keras.errors import DataError
from ecg_keras.metrics.recalibration import fit_platt

# squared singular values below this share of the largest one are rounding errors
NEGLIGIBLE = 1e-10
# to choose from, in units of the number of records: of standardised embeddings, the mean of s / n
# is at most 1 where all directions are used
PENALTIES = np.logspace(-4, 4, 33)
# records whose patients are left out at once
BLOCK = 4096


class RidgeHead(NamedTuple):
    """A linear layer in front of a sigmoid.

    Attributes:
        kernel: ``(size, labels)``, of embeddings as they are.
        bias: ``(labels,)``.
        penalties: ``(labels,)`` that were chosen, in units of the number of records.
    """

    kernel: Float64Array
    bias: Float64Array
    penalties: Float64Array


def fit_ridge_head(
    embeddings: npt.ArrayLike, targets: npt.ArrayLike, patients: npt.ArrayLike
) -> RidgeHead:
    """The ridge regression of each label on the embedding, as a layer that gives probabilities.

    Each label, as 0 and 1, is regressed on the standardised embedding with an intercept. Its
    penalty is the one of a grid with the least squared error on patients who are left out, all
    records of a patient at once. What the regression says of them is turned into log odds by a
    slope and an intercept (Platt 1999, `ecg_keras.metrics.fit_platt`), so no validation record is
    needed. A label that says nothing of left-out patients (its slope is not above 0, or all records
    have it or lack it) gets its share of the records for every ECG.

    Time grows with n d min(n, d), memory with n d: 100,000 records of 512 numbers take 1 GB.

    Args:
        embeddings: finite, ``(records, size)``; also more columns than records.
        targets: 0 or 1, ``(records, labels)``.
        patients: ``(records,)`` ids.

    Raises:
        DataError: there are fewer than two patients.

    Source:
        Hoerl & Kennard, Ridge regression (1970); Golub, Heath & Wahba, Generalized
        cross-validation as a method for choosing a good ridge parameter (1979).

    Example:
        >>> rng = np.random.default_rng(0)
        >>> embeddings = rng.normal(size=(200, 3))
        >>> head = fit_ridge_head(embeddings, embeddings[:, :1] > 0, np.arange(200))
        >>> (abs(head.kernel[:, 0]) > 0.5).tolist()
        [True, False, False]
    """
    features, truth = np.array(embeddings, dtype=np.float64), np.asarray(targets, dtype=np.bool_)
    _, groups = np.unique(np.asarray(patients), return_inverse=True)
    if not groups.max(initial=-1) > 0:
        raise DataError(
            "a ridge head needs at least two patients to train on, of whom each is left out once. "
            "Take more records."
        )
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale[scale <= 1e-6 * scale.max(initial=0)] = np.inf  # constant: it gets no weight
    features -= mean
    features /= scale
    shares = truth.mean(axis=0)
    kernel, penalties = np.zeros((features.shape[1], truth.shape[1])), np.full(len(shares), np.nan)
    bias = np.asarray(logit((truth.sum(axis=0) + 1) / (len(truth) + 2)))
    if not features.any():
        return RidgeHead(kernel, bias, penalties)
    squares, directions = spectrum(features)
    projected = features @ directions
    left_out, penalties = _leave_out(projected, squares, truth - shares, groups)
    slopes, intercepts, fitted = fit_platt(truth, expit(left_out))
    weights = (projected.T @ (truth - shares)) / (squares[:, None] + len(truth) * penalties)
    learned = np.where(fitted, slopes, 0.0) * (directions @ weights)
    kernel = learned / scale[:, None]
    # what was left out is a score around 0, as is the centred embedding times the weights
    bias = np.where(fitted, intercepts - mean @ kernel, bias)
    return RidgeHead(kernel, bias, penalties)


def spectrum(features: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Squared singular values and right singular vectors, without those that are nearly zero.

    From the smaller of the two Gram matrices, so that both many records and wide embeddings are
    cheap.

    Args:
        features: ``(records, size)``, not all zero.

    Returns:
        ``(rank,)``, largest first, and ``(size, rank)`` with orthonormal columns.
    """
    records, size = features.shape
    wide = size > records
    gram = features @ features.T if wide else features.T @ features
    squares, vectors = np.linalg.eigh(gram)
    kept = np.flatnonzero(squares > NEGLIGIBLE * squares[-1])[::-1]
    squares, vectors = squares[kept], vectors[:, kept]
    if wide:
        vectors = features.T @ vectors / np.sqrt(squares)
    return squares, vectors


def _leave_out(
    projected: Float64Array, squares: Float64Array, wanted: Float64Array, groups: IntArray
) -> tuple[Float64Array, Float64Array]:
    """What is said of each record without its patient, at each label's best penalty."""
    records, labels = wanted.shape
    products = projected.T @ wanted
    blocks = _blocks(groups)
    best, least = np.zeros((records, labels)), np.full(labels, np.inf)
    chosen = np.zeros(labels)
    for penalty in PENALTIES:
        shrunk = 1 / (squares + records * penalty)
        errors = wanted - projected @ (products * shrunk[:, None])
        for block in blocks:  # (patients, records of each)
            own = projected[block]
            hat = (own * shrunk) @ own.transpose(0, 2, 1) + 1 / records
            errors[block] = np.linalg.solve(np.eye(block.shape[1]) - hat, errors[block])
        squared = (errors**2).sum(axis=0)
        better = squared < least
        best[:, better] = (wanted - errors)[:, better]
        least[better], chosen[better] = squared[better], penalty
    return best, chosen


def _blocks(groups: IntArray) -> list[IntArray]:
    """Rows of patients with equally many records, some patients at a time."""
    order, counts = np.argsort(groups, kind="stable"), np.bincount(groups)
    starts = np.cumsum(counts) - counts
    blocks = []
    for size in np.unique(counts):
        rows = order[starts[counts == size][:, None] + np.arange(size)]
        step = max(1, BLOCK // int(size))
        blocks += [rows[first : first + step] for first in range(0, len(rows), step)]
    return blocks
