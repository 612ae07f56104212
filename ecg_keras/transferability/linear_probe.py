"""Linear probe: how well a new head on the frozen embedding tells patients that it has not seen."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import numpy.typing as npt

from ecg_keras.metrics import auroc
from ecg_keras.transferability.evidence import maximise_evidence, spectrum
from ecg_keras.transferability.inputs import (
    BoolArray,
    FloatArray,
    IntArray,
    check_embeddings,
    check_patients,
    check_targets,
    usable_labels,
)


def linear_probe(
    embeddings: npt.ArrayLike,
    targets: npt.ArrayLike,
    patient_ids: npt.ArrayLike,
    *,
    folds: int = 5,
    seed: int = 0,
) -> float:
    """Macro AUROC of ridge regression on the embedding, cross-validated; higher is better.

    All records of a patient are in one fold. On the other folds each label, as numbers 0 and 1,
    is regressed on the centred embedding with an intercept: ``w = (F^T F + t I)^-1 F^T y``, where
    the penalty t maximises the evidence (`ecg_keras.transferability.evidence`), so that nothing
    has to be tuned. The scores of all folds are pooled, and ranked within each label.

    Args:
        embeddings: finite, ``(records, size)``; also more columns than records.
        targets: 0 or 1, ``(records, labels)``. Labels that fewer than two patients have, or do
            not have, are left out.
        patient_ids: ``(records,)``.
        folds: at least 2; fewer where there are not so many patients.
        seed: of the folds, which also depend on the patients and their labels, and not on the
            order of the records.

    Returns:
        Mean AUROC of the labels, in [0, 1].

    Raises:
        DataError: shapes or values that do not fit, or no label is left.

    Source:
        Hoerl & Kennard, Ridge regression (1970); MacKay, Bayesian interpolation (1992).

    Example:
        The embedding is large where the label is there, in every fold:

        >>> embeddings = [[1.0], [1.2], [3.1], [3.3], [0.9], [3.0]]
        >>> targets = [[0], [0], [1], [1], [0], [1]]
        >>> linear_probe(embeddings, targets, ["a", "b", "c", "d", "e", "f"], folds=3)
        1.0
    """
    truth = check_targets(targets)
    features = check_embeddings(embeddings, len(truth))
    patients = check_patients(patient_ids, len(truth))
    truth = truth[:, usable_labels(truth, patients)]
    fold_of = deal_patients(truth, patients, folds, seed)
    scores = np.empty(truth.shape)
    for fold in np.unique(fold_of):
        held_out = fold_of == fold
        scores[held_out] = _regress(features[~held_out], truth[~held_out], features[held_out])
    return float(auroc(truth, scores).mean())


def deal_patients(truth: BoolArray, patients: IntArray, folds: int, seed: int) -> IntArray:
    """The fold of each record: patients with the same labels are spread over all folds.

    Args:
        truth: ``(records, labels)``.
        patients: ``(records,)`` numbers from 0.
        folds: how many; no fold is empty if there are as many patients.
        seed: of the order of patients with the same labels.

    Returns:
        ``(records,)`` numbers below ``folds``.
    """
    has = np.zeros((patients.max() + 1, truth.shape[1]), dtype=bool)
    np.logical_or.at(has, patients, truth)
    groups = defaultdict(list)
    for patient in np.random.default_rng(seed).permutation(len(has)):
        groups[has[patient].tobytes()].append(patient)
    dealt = [patient for labels in sorted(groups) for patient in groups[labels]]
    fold_of = np.empty(len(has), dtype=np.int64)
    fold_of[dealt] = np.arange(len(dealt)) % folds
    return fold_of[patients]


def _regress(features: FloatArray, truth: BoolArray, new: FloatArray) -> FloatArray:
    """Ridge scores ``(new records, labels)``; the share of a label that all or none have."""
    mean, shares = features.mean(axis=0), truth.mean(axis=0)
    centred, wanted = features - mean, truth - shares
    scores = np.tile(shares, (len(new), 1))
    varies = (shares > 0) & (shares < 1)
    if not varies.any() or not centred.any():
        return scores
    squares, directions = spectrum(centred)
    products = directions.T @ (centred.T @ wanted[:, varies])
    projections = products / np.sqrt(squares)[:, None]
    rest = np.maximum((wanted[:, varies] ** 2).sum(axis=0) - (projections**2).sum(axis=0), 0)
    penalty, _ = maximise_evidence(squares, projections, rest, len(centred))
    weights = products / (squares[:, None] + penalty)
    scores[:, varies] += ((new - mean) @ directions) @ weights
    return scores
