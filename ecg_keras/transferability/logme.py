"""LogME: the evidence that a linear model on the embeddings gives for the targets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecg_keras.metrics import spectrum
from ecg_keras.transferability.evidence import maximise_evidence
from ecg_keras.transferability.inputs import check_embeddings, check_targets, usable_labels


def logme(embeddings: npt.ArrayLike, targets: npt.ArrayLike) -> float:
    """Logarithm of Maximum Evidence, per record; higher is better.

    Each target label, as numbers 0 and 1, is regressed on the embeddings F by Bayesian linear
    regression with precision alpha of the weights and beta of the noise:

        ``log p(y | F) = N/2 log beta + D/2 log alpha - N/2 log 2 pi - beta/2 |F m - y|^2
        - alpha/2 |m|^2 - 1/2 log|A|``, with ``A = alpha I + beta F^T F`` and
        ``m = beta A^-1 F^T y``

    maximised over alpha and beta (see `ecg_keras.transferability.evidence`) and divided by N.
    Labels count alike: several regression targets are the authors' own multi-label form. Like
    theirs, the model has no intercept.

    Args:
        embeddings: finite, ``(records, size)``; also more columns than records.
        targets: 0 or 1, ``(records, labels)``. Labels that fewer than two records have, or do
            not have, are left out.

    Returns:
        In nats per record, of either sign.

    Raises:
        DataError: shapes or values that do not fit, or no label is left.

    Source:
        You, Liu, Wang & Long, LogME: practical assessment of pre-trained models for transfer
        learning (ICML 2021).

    Example:
        One embedding of squared length ``s = 4`` over four records, and a target whose projection
        on it is ``z^2 = 1`` of ``|y|^2 = 2``: ``Q(t) = 1 + t / (t + 4)``. The derivative of the
        evidence is 0 at ``t = 2``, where ``Q = 4/3``:
        ``-1/2 (1 + log(2 pi 4/3 / 4)) - 1/8 log(1 + 4/2) = -1.0070``.

        >>> round(logme([[1], [1], [1], [-1]], [[1], [0], [1], [0]]), 4)
        -1.007
    """
    truth = check_targets(targets)
    features = check_embeddings(embeddings, len(truth))
    wanted = truth[:, usable_labels(truth)].astype(np.float64)
    squares, directions = spectrum(features)
    projections = directions.T @ (features.T @ wanted) / np.sqrt(squares)[:, None]
    rest = np.maximum((wanted**2).sum(axis=0) - (projections**2).sum(axis=0), 0)
    _, log_evidence = maximise_evidence(squares, projections, rest, len(truth))
    return float(log_evidence.mean() / len(truth))
