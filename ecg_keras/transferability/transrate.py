"""TransRate: how many bits the embeddings take, less those that they take within each class."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecg_keras.metrics import spectrum
from ecg_keras.transferability.inputs import (
    FloatArray,
    check_embeddings,
    check_targets,
    mean_by_prevalence,
    usable_labels,
)

# distortion of the code, where the embeddings have a mean squared length of 1
DISTORTION = 1e-4


def transrate(embeddings: npt.ArrayLike, targets: npt.ArrayLike) -> float:
    """Coding rate of the embeddings less that within classes; higher is better.

    With the centred embeddings Z of N records and a distortion eps,

    1. ``R(Z, eps) = 1/2 log det(I + Z^T Z / (N eps))``;
    2. ``R(Z, eps | Y) = n1 / N R(Z1, eps) + n0 / N R(Z0, eps)`` for the n1 records with a label
       and the n0 without it;
    3. ``TransRate = R(Z, eps) - R(Z, eps | Y)``, which stands for their mutual information.

    It is no estimate of that in nats: with an embedding that is wide for the number of records it
    grows far beyond the labels' entropy. Only its order means something.

    The multi-label form is the mean over target labels, weighted with their prevalence. The rate
    depends on the scale of Z; so that networks can be compared, Z is scaled to a mean squared
    length of 1 and ``eps = 1e-4``. Classes are weighted with their size, as in a conditional
    entropy, because ECG labels are rare; for classes of one size it is their mean.

    Args:
        embeddings: finite, ``(records, size)``; also more columns than records.
        targets: 0 or 1, ``(records, labels)``. Labels that fewer than two records have, or do
            not have, are left out.

    Returns:
        In nats, at least 0.

    Raises:
        DataError: shapes or values that do not fit, or no label is left.

    Source:
        Huang, Huang, Rong, Yang & Wei, Frustratingly easy transferability estimation (ICML 2022).

    Example:
        Two directions of variance 1/2 each; both records with the label lie along the first, both
        without along the second. All together: ``1/2 * 2 log(1 + 0.5e4)``; each class alone:
        ``1/2 log(1 + 1e4)``.

        >>> z = [[1, 0], [-1, 0], [0, 1], [0, -1]]
        >>> round(transrate(z, [[1], [1], [0], [0]]), 4)
        3.9122
    """
    truth = check_targets(targets)
    features = check_embeddings(embeddings, len(truth))
    truth = truth[:, usable_labels(truth)]
    features = features - features.mean(axis=0)
    features = features / np.sqrt((features**2).sum(axis=1).mean())
    if features.shape[1] > len(features):
        # in the directions that are used, where all products of records stay as they are
        features = features @ spectrum(features)[1]
    together = features.T @ features
    all_records = coding_rate(together, len(features))
    scores = []
    for label in truth.T:
        fewer = label if 2 * label.sum() <= len(label) else ~label
        part = features[fewer].T @ features[fewer]
        sizes = np.array([fewer.sum(), len(fewer) - fewer.sum()])
        rates = [coding_rate(part, sizes[0]), coding_rate(together - part, sizes[1])]
        scores.append(all_records - np.average(rates, weights=sizes))
    return mean_by_prevalence(scores, truth)


def coding_rate(gram: FloatArray, records: int) -> float:
    """``1/2 log det(I + Z^T Z / (N eps))`` in nats."""
    scaled = gram / (records * DISTORTION)
    scaled[np.diag_indices(len(scaled))] += 1
    return float(np.log(np.diag(np.linalg.cholesky(scaled))).sum())
