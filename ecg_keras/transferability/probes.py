"""Scores of the embedding itself, for patients that were left out: kNN and a linear probe."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import BoolArray, Float64Array, IntArray
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.metrics import auroc, spectrum
from ecg_keras.transferability.checked_inputs import (
    check_embeddings,
    check_patients,
    check_targets,
    usable_labels,
)
from ecg_keras.transferability.embedding_estimators import maximise_evidence

# records of which the distances to all others are held at once
BLOCK = 512


def knn(
    embeddings: npt.ArrayLike,
    targets: npt.ArrayLike,
    patient_ids: npt.ArrayLike,
    *,
    neighbours: int = 20,
) -> float:
    """Macro AUROC of the k nearest neighbours among **other patients**; higher is better.

    The score of a record for a label is the share of its k nearest records (Euclidean distance of
    embeddings) that have the label, where all records of its own patient are left out. There is
    nothing to fit, which makes it the plainest baseline of all.

    Where all embeddings are noise it is a little below 0.5 in small sets, for all checkpoints
    alike: a record with the label has one such neighbour less to be found.

    Args:
        embeddings: finite, ``(records, size)``.
        targets: 0 or 1, ``(records, labels)``. Labels that fewer than two patients have, or do
            not have, are left out.
        patient_ids: ``(records,)``.
        neighbours: k; fewer where there are not that many records of other patients.

    Returns:
        Mean AUROC of the labels, in [0, 1].

    Raises:
        DataError: shapes or values that do not fit, or no label is left.

    Source:
        Sorkhei, Matsoukas, Haslum & Smith, k-NN as a simple and effective estimator of
        transferability (arXiv 2503.18528), who score its accuracy.

    Example:
        With k = 1, the nearest record of 0 is 1 and that of 1 is 0, which have the label; that of
        4 is 1, which has it, too; that of 9 is 4, which does not. Shares 1, 1, 1, 0 for labels 1,
        1, 0, 0: each of the first two ties with the third record and beats the fourth.

        >>> knn([[0], [1], [4], [9]], [[1], [1], [0], [0]], ["a", "b", "c", "d"], neighbours=1)
        0.75
    """
    truth = check_targets(targets)
    features = check_embeddings(embeddings, len(truth))
    patients = check_patients(patient_ids, len(truth))
    truth = truth[:, usable_labels(truth, patients)]
    others = len(truth) - int(np.bincount(patients).max())
    nearest = _find_nearest(features, patients, min(neighbours, others))
    shares = np.stack([label[nearest].mean(axis=1) for label in truth.T], axis=1)
    return float(auroc(truth, shares).mean())


# in float32, which is four times as fast and errs by less than 1e-6 of the spread
def _find_nearest(features: Float64Array, patients: IntArray, neighbours: int) -> IntArray:
    """The k nearest records of other patients, ``(records, k)`` in no order."""
    centred = features - features.mean(axis=0)
    points = (centred / np.sqrt((centred**2).mean())).astype(np.float32)
    lengths = (points**2).sum(axis=1)
    nearest = np.empty((len(points), neighbours), dtype=np.int64)
    for start in range(0, len(points), BLOCK):
        rows = slice(start, start + BLOCK)
        # squared distances, but for the record's own length, which changes no order
        distances = points[rows] @ points.T
        distances *= -2
        distances += lengths
        distances[patients[rows, None] == patients] = np.inf
        nearest[rows] = np.argpartition(distances, neighbours - 1, axis=1)[:, :neighbours]
    return nearest


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
    the penalty t maximises the evidence (see `logme`), so that nothing
    has to be tuned. Only scores of one fold are ranked against each other, because each fold has
    a model of its own: a label's AUROC is the share of pairs in order among the pairs of ECGs
    with and without it in one fold.

    Args:
        embeddings: finite, ``(records, size)``; also more columns than records.
        targets: 0 or 1, ``(records, labels)``. Labels that fewer than two patients have, or do
            not have, are left out.
        patient_ids: ``(records,)``.
        folds: at least 2; fewer where there are not that many patients.
        seed: of the folds, which also depend on the patients and their labels, and not on the
            order of the records.

    Returns:
        Mean AUROC of the labels, in [0, 1].

    Raises:
        ConfigError: fewer than 2 folds.
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
    if folds < 2:
        raise ConfigError(
            f"folds must be at least 2, one to test and others to learn from. Received: {folds}."
        )
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


def _regress(features: Float64Array, truth: BoolArray, new: Float64Array) -> Float64Array:
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
