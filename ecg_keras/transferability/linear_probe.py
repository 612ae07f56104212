"""Linear probe: how well a new head on the frozen embedding tells patients that it has not seen."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import numpy.typing as npt

from ecg_keras.errors import DataError
from ecg_keras.metrics import auroc, spectrum
from ecg_keras.transferability.evidence import maximise_evidence
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
    has to be tuned. Only scores of one fold are ranked against each other, because each fold has
    a model of its own: a label's AUROC is the share of pairs in order among the pairs of ECGs
    with and without it in one fold.

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
        DataError: shapes or values that do not fit, no label is left, or there are so few
            patients that no fold holds ECGs with and without a label.

    Source:
        Hoerl & Kennard, Ridge regression (1970); MacKay, Bayesian interpolation (1992).

    Example:
        The embedding is large where the label is there, in every fold:

        >>> embeddings = [[1.0], [1.2], [0.9], [3.1], [3.3], [3.0]]
        >>> targets = [[0], [0], [0], [1], [1], [1]]
        >>> linear_probe(embeddings, targets, ["a", "b", "c", "d", "e", "f"], folds=3)
        1.0
    """
    truth = check_targets(targets)
    features = check_embeddings(embeddings, len(truth))
    patients = check_patients(patient_ids, len(truth))
    truth = truth[:, usable_labels(truth, patients)]
    fold_of = deal_patients(truth, patients, folds, seed)
    in_order, pairs = np.zeros(truth.shape[1]), np.zeros(truth.shape[1])
    for fold in np.unique(fold_of):
        new = fold_of == fold
        area = auroc(truth[new], _regress(features[~new], truth[~new], features[new]))
        compared = truth[new].sum(axis=0) * (~truth[new]).sum(axis=0)
        in_order += np.where(compared > 0, area, 0) * compared
        pairs += compared
    if not pairs.any():
        raise DataError(
            f"{patients.max() + 1} patients are too few for a linear probe in {folds} folds: none "
            "holds ECGs with and without a label. Take more records."
        )
    return float((in_order[pairs > 0] / pairs[pairs > 0]).mean())


def deal_patients(truth: BoolArray, patients: IntArray, folds: int, seed: int) -> IntArray:
    """The fold of each record: patients with the same labels are spread over all folds."""
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
    # the mean has taken one degree of freedom: with all of them, the evidence of a wide embedding
    # would grow without bound as the penalty goes to 0
    penalty, _ = maximise_evidence(squares, projections, rest, len(centred) - 1)
    weights = products / (squares[:, None] + penalty)
    scores[:, varies] += ((new - mean) @ directions) @ weights
    return scores
