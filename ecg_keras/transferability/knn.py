"""kNN: whether ECGs that are near each other in the embedding have the same labels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecg_keras.metrics import auroc
from ecg_keras.transferability.inputs import (
    FloatArray,
    IntArray,
    check_embeddings,
    check_patients,
    check_targets,
    usable_labels,
)

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

    Where all embeddings are noise it lies a little below 0.5 in small sets, for all checkpoints
    alike: a record with the label has one such neighbour less to be found.

    Args:
        embeddings: finite, ``(records, size)``.
        targets: 0 or 1, ``(records, labels)``. Labels that fewer than two patients have, or do
            not have, are left out.
        patient_ids: ``(records,)``.
        neighbours: k; fewer where there are not so many records of other patients.

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


def _find_nearest(features: FloatArray, patients: IntArray, neighbours: int) -> IntArray:
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
