"""Estimators from the probabilities of the source labels: MELEP, LEEP and NCE."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from ecg_keras.array_types import BoolArray, Float64Array
from ecg_keras.transferability.checked_inputs import (
    check_source,
    check_targets,
    mean_by_prevalence,
    usable_labels,
)

# how near to 0 and 1 a probability may be before its odds are cut
NEAREST = 1e-7


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


def _phi(source: Float64Array, label: BoolArray) -> Float64Array:
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
    phi: Float64Array = -np.log(np.clip(likelihood, smallest, 1)).mean(axis=0)
    return phi


def leep(source_probabilities: npt.ArrayLike, targets: npt.ArrayLike) -> float:
    """Log Expected Empirical Prediction of each target label; higher is better.

    LEEP takes the source network's output for a distribution ``theta(i, z)`` over source classes;
    `one_label_distribution` makes one of sigmoid probabilities. For a target label, present or
    absent:

    1. ``P(y, z) = mean over i of [y[i] = y] theta(i, z)``, ``P(y | z) = P(y, z) / P(z)``;
    2. ``LEEP = mean over i of log(sum over z of P(y[i] | z) theta(i, z))``.

    The multi-label form is the mean over target labels, weighted with their prevalence. It is at
    most 0, and at least minus the labels' entropy.

    Arguments and errors are those of `melep`.

    Returns:
        In nats, at most 0.

    Source:
        Nguyen, Hassner, Seeger & Archambeau, LEEP: a new measure to evaluate transferability of
        learned representations (ICML 2020).

    Example:
        One source label of probability 0.75 for the records with the label and 0.25 for those
        without: the classes *it* and *none* have 0.75 and 0.25, and 0.25 and 0.75. ``P(present |
        it) = 0.75``, ``P(present | none) = 0.25``, so each record is predicted with 0.625.

        >>> round(leep([[0.75], [0.75], [0.25], [0.25]], [[1], [1], [0], [0]]), 4)
        -0.47
    """
    truth = check_targets(targets)
    theta = one_label_distribution(check_source(source_probabilities, len(truth)))
    truth = truth[:, usable_labels(truth)]
    given = (truth.T.astype(np.float64) @ theta) / theta.sum(axis=0)  # (labels, classes)
    predicted = theta @ given.T
    likelihood = np.where(truth, predicted, 1 - predicted)
    smallest = np.finfo(np.float64).tiny
    return mean_by_prevalence(np.log(np.clip(likelihood, smallest, 1)).mean(axis=0), truth)


# that of independent labels given that at most one is present
def one_label_distribution(source: Float64Array) -> Float64Array:
    """Sigmoid probabilities as one distribution over the source labels and *none of them*."""
    kept = np.clip(source, NEAREST, 1 - NEAREST)
    odds = np.hstack([kept / (1 - kept), np.ones((len(kept), 1))])
    shares: Float64Array = odds / odds.sum(axis=1, keepdims=True)
    return shares


def nce(source_probabilities: npt.ArrayLike, targets: npt.ArrayLike) -> float:
    """Negative conditional entropy ``-H(Y | Z)`` of the target labels; higher is better.

    Z is the likeliest source class of each record: a source label or *none of them*, by
    `one_label_distribution`. The paper takes the records' true source labels, which a target
    database does not have. For a target label, present or absent, with counts ``n(y, z)`` of N:

        ``NCE = sum over y and z of n(y, z) / N * log(n(y, z) / n(z))``

    The multi-label form is the mean over target labels, weighted with their prevalence.

    Arguments and errors are those of `melep`.

    Returns:
        In nats, at most 0, where 0 is a source label that says everything.

    Source:
        Tran, Nguyen & Hassner, Transferability and hardness of supervised classification tasks
        (ICCV 2019).

    Example:
        Of the four records with the source label two have the target label; of the two without
        it none has. Four of six records leave ``log 2`` unknown: ``-4/6 log 2 = -0.4621``.

        >>> source = [[0.9], [0.9], [0.8], [0.7], [0.1], [0.2]]
        >>> round(nce(source, [[1], [1], [0], [0], [0], [0]]), 4)
        -0.4621
    """
    truth = check_targets(targets)
    theta = one_label_distribution(check_source(source_probabilities, len(truth)))
    truth = truth[:, usable_labels(truth)]
    chosen = theta.argmax(axis=1)
    in_class = np.eye(theta.shape[1])[chosen]
    total = in_class.sum(axis=0)
    joint = np.stack([truth.T @ in_class, (~truth).T @ in_class])  # (2, labels, classes)
    shares = np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)
    return mean_by_prevalence(xlogy(joint, shares).sum(axis=(0, 2)) / len(truth), truth)
