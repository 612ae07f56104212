"""H-score: how much of the embeddings' spread lies between the classes."""

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


def h_score(embeddings: npt.ArrayLike, targets: npt.ArrayLike) -> float:
    """``tr(cov(f)^-1 cov(E[f | y]))`` of each target label; higher is better.

    For a label of prevalence p, with d the difference of the mean embeddings of records with and
    without it, this is ``p (1 - p) d^T cov(f)^-1 d``: with many records, the share of the label's
    variance that the best linear function of the embedding explains. The multi-label form is the
    mean over target labels, weighted with their prevalence.

    The covariance is always the shrunk one of Ledoit & Wolf, ``(1 - lambda) S + lambda mu I``. The
    plain S has no inverse where the embedding is wider than there are records, and a poor one long
    before; with many records lambda tends to 0. One rule for all makes checkpoints of different
    widths comparable.

    Args:
        embeddings: finite, ``(records, size)``; also more columns than records.
        targets: 0 or 1, ``(records, labels)``. Labels that fewer than two records have, or do
            not have, are left out.

    Returns:
        At least 0.

    Raises:
        DataError: shapes or values that do not fit, or no label is left.

    Source:
        Bao et al., An information-theoretic approach to transferability in task transfer learning
        (ICIP 2019); shrinkage after Ledoit & Wolf, A well-conditioned estimator for
        large-dimensional covariance matrices (2004).

    Example:
        One embedding, which shrinkage leaves as it is: its variance is 2.5, the means are 1.5 and
        -1.5, so ``0.25 * 3^2 / 2.5 = 0.9``.

        >>> round(h_score([[1], [2], [-1], [-2]], [[1], [1], [0], [0]]), 4)
        0.9
    """
    truth = check_targets(targets)
    features = check_embeddings(embeddings, len(truth))
    truth = truth[:, usable_labels(truth)]
    features = features - features.mean(axis=0)
    squares, directions = spectrum(features)
    variances = squares / len(features)
    shrinkage = ledoit_wolf(features, variances)
    shrunk = (1 - shrinkage) * variances + shrinkage * variances.sum() / features.shape[1]
    prevalence = truth.mean(axis=0)
    # the sum of centred embeddings with a label is N p (1 - p) d
    between = directions.T @ (features.T @ truth) / len(features)
    scores = (between**2 / shrunk[:, None]).sum(axis=0) / (prevalence * (1 - prevalence))
    return mean_by_prevalence(scores, truth)


def ledoit_wolf(centred: FloatArray, variances: FloatArray) -> float:
    """The share of the identity in the shrunk covariance, in [0, 1]."""
    records, size = centred.shape
    spread = (variances**2).sum()
    mean = variances.sum() / size
    distance = spread - size * mean**2
    if distance <= 0:  # it is a multiple of the identity already
        return 0.0
    error = ((centred**2).sum(axis=1) ** 2).mean() - spread
    return float(np.clip(error / records / distance, 0, 1))
