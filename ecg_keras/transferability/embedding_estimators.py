"""Estimators from the embeddings: H-score, TransRate and LogME."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import Float64Array
from ecg_keras.metrics import spectrum
from ecg_keras.transferability.checked_inputs import (
    check_embeddings,
    check_targets,
    mean_by_prevalence,
    usable_labels,
)

# distortion of the code of TransRate, where the embeddings have a mean squared length of 1
DISTORTION = 1e-4
# of the penalty of LogME, in units of the largest squared singular value
GRID = np.logspace(-12, 6, 145)
GOLDEN = (np.sqrt(5) - 1) / 2


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


def ledoit_wolf(centred: Float64Array, variances: Float64Array) -> float:
    """The share of the identity in the shrunk covariance, in [0, 1]."""
    records, size = centred.shape
    spread = (variances**2).sum()
    mean = variances.sum() / size
    distance = spread - size * mean**2
    if distance <= 0:  # it is a multiple of the identity already
        return 0.0
    error = ((centred**2).sum(axis=1) ** 2).mean() - spread
    return float(np.clip(error / records / distance, 0, 1))


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

    Arguments and errors are those of `h_score`.

    Returns:
        In nats, at least 0.

    Source:
        Huang, Huang, Rong, Yang & Wei, Frustratingly easy transferability estimation (ICML 2022).

    Example:
        Two directions of variance 1/2 each; both records with the label are along the first, both
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


def coding_rate(gram: Float64Array, records: int) -> float:
    """``1/2 log det(I + Z^T Z / (N eps))`` in nats."""
    scaled = gram / (records * DISTORTION)
    scaled[np.diag_indices(len(scaled))] += 1
    return float(np.log(np.diag(np.linalg.cholesky(scaled))).sum())


def logme(embeddings: npt.ArrayLike, targets: npt.ArrayLike) -> float:
    """Logarithm of Maximum Evidence, per record; higher is better.

    Each target label, as numbers 0 and 1, is regressed on the embeddings F by Bayesian linear
    regression with precision alpha of the weights and beta of the noise:

        ``log p(y | F) = N/2 log beta + D/2 log alpha - N/2 log 2 pi - beta/2 |F m - y|^2
        - alpha/2 |m|^2 - 1/2 log|A|``, with ``A = alpha I + beta F^T F`` and
        ``m = beta A^-1 F^T y``

    maximised over alpha and beta (see `maximise_evidence`) and divided by N.
    Labels count alike: several regression targets are the authors' own multi-label form. Like
    theirs, the model has no intercept.

    Arguments and errors are those of `h_score`.

    Returns:
        In nats per record, of either sign.

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


# The model is y ~ N(F w, 1 / beta) with w ~ N(0, 1 / alpha) (MacKay 1992). With the penalty
# t = alpha / beta, the squared singular values s of F, the projections z of y on F's left singular
# vectors and the rest r of y that F can't reach, Q(t) = r + sum over j of z_j^2 t / (t + s_j) is
# the penalised sum of squares, beta = N / Q(t) is the best one for that t, and
#     log evidence(t) = -N/2 (1 + log(2 pi Q(t) / N)) - 1/2 sum over j of log(1 + s_j / t)
# is left to be maximised over one number. A grid finds the highest hill and a golden section its
# top, for all labels at once; a fixed-point iteration could stop on another.
def maximise_evidence(
    squares: Float64Array, projections: Float64Array, rest: Float64Array, records: int
) -> tuple[Float64Array, Float64Array]:
    """The best penalty for each column of targets, and the log evidence there."""
    energy = projections**2

    def log_evidence(penalty: Float64Array) -> Float64Array:
        shrunk: Float64Array = 1 / (1 + squares[:, None] / penalty)  # t / (t + s)
        misfit = rest + (energy * shrunk).sum(axis=0)
        fit = -records / 2 * (1 + np.log(2 * np.pi * misfit / records))
        evidence: Float64Array = fit + np.log(shrunk).sum(axis=0) / 2
        return evidence

    grid = GRID * squares[0]
    labels = len(rest)
    best = np.array([log_evidence(np.full(labels, one)) for one in grid]).argmax(axis=0)
    low = np.log(grid[np.maximum(best - 1, 0)])
    high = np.log(grid[np.minimum(best + 1, len(grid) - 1)])
    for _ in range(40):  # each takes 0.62 of the width: 1e-8 of it is left
        step = GOLDEN * (high - low)
        left_is_higher = log_evidence(np.exp(high - step)) > log_evidence(np.exp(low + step))
        low, high = (
            np.where(left_is_higher, low, high - step),
            np.where(left_is_higher, low + step, high),
        )
    penalty = np.exp((low + high) / 2)
    return penalty, log_evidence(penalty)
