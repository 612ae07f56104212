"""MELEP: how well each source label's probability alone predicts each target label."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecg_keras.transferability.inputs import (
    FloatArray,
    check_source,
    check_targets,
    mean_by_prevalence,
    usable_labels,
)


def melep(source_probabilities: npt.ArrayLike, targets: npt.ArrayLike) -> float:
    """Multi-label Expected Log of Empirical Predictions; **lower is better**.

    Let ``p[i, z]`` be the source network's probability of source label z for record i, and
    ``y[i]`` whether the record has a target label. Both are taken as binary:

    1. ``P(a, b) = mean over i of [y[i] = a] q(i, b)`` with ``q(i, 1) = p[i, z]`` and
       ``q(i, 0) = 1 - p[i, z]``: how often target a meets source b;
    2. ``P(a | b) = P(a, b) / P(b)``: the empirical predictor;
    3. ``phi(y, z) = - mean over i of log(P(y[i] | 0) q(i, 0) + P(y[i] | 1) q(i, 1))``: its
       negative log-likelihood.

    MELEP is the mean of phi over source labels, and of that over target labels, weighted with
    their prevalence. It is 0 where every source label predicts every target label perfectly, and
    at most the entropy of the target labels: the empirical predictor includes the prevalence.

    A source label whose probability is exactly 0 (or 1) for every record, as of a saturated
    unit, has no ``P(a | 1)``; it never enters the predictor either, so phi is the entropy.

    Args:
        source_probabilities: ``(records, source labels)`` in [0, 1], from a sigmoid head.
        targets: 0 or 1, ``(records, labels)``. Labels that fewer than two records have, or do
            not have, are left out.

    Returns:
        In nats, at least 0.

    Raises:
        DataError: shapes or values that do not fit, or no label is left.

    Source:
        Nguyen, Duong & Do, MELEP: a novel predictive measure of transferability in multi-label
        ECG diagnosis (arXiv 2311.04224).

    Example:
        Two records have the label, two do not; the source label is 0.75 for the first two and
        0.25 for the others. ``P(1, 1) = (0.75 + 0.75) / 4 = 0.375`` and ``P(b = 1) = 0.5``, so
        ``P(1 | 1) = 0.75`` and ``P(1 | 0) = 0.25``. Each record is predicted with
        ``0.75 * 0.75 + 0.25 * 0.25 = 0.625``, and ``- log 0.625 = 0.47``.

        >>> round(melep([[0.75], [0.75], [0.25], [0.25]], [[1], [1], [0], [0]]), 4)
        0.47
    """
    truth = check_targets(targets)
    source = check_source(source_probabilities, len(truth))
    truth = truth[:, usable_labels(truth)]
    return mean_by_prevalence([_phi(source, label).mean() for label in truth.T], truth)


def _phi(source: FloatArray, label: npt.NDArray[np.bool_]) -> FloatArray:
    """phi of one target label and each source label, ``(source labels,)``."""
    with_it, total = source[label].sum(axis=0), source.sum(axis=0)
    records, positives = len(label), np.count_nonzero(label)
    # a share of nothing is never used: its weight is 0 for every record
    given_1 = np.divide(with_it, total, out=np.zeros_like(total), where=total > 0)
    rest = records - total
    given_0 = np.divide(positives - with_it, rest, out=np.zeros_like(rest), where=rest > 0)
    predicted = given_0 * (1 - source) + given_1 * source
    likelihood = np.where(label[:, None], predicted, 1 - predicted)
    # rounding alone makes it 0 or negative: a record's own weight is part of its predictor
    smallest = np.finfo(np.float64).tiny
    phi: FloatArray = -np.log(np.clip(likelihood, smallest, 1)).mean(axis=0)
    return phi
