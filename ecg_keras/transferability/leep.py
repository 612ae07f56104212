"""LEEP: how well the source labels together predict each target label."""

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

# how near to 0 and 1 a probability may be before its odds are cut
NEAREST = 1e-7


def leep(source_probabilities: npt.ArrayLike, targets: npt.ArrayLike) -> float:
    """Log Expected Empirical Prediction of each target label; higher is better.

    LEEP takes the source network's output for a distribution ``theta(i, z)`` over source classes;
    `one_label_distribution` makes one of sigmoid probabilities. For a target label, present or
    absent:

    1. ``P(y, z) = mean over i of [y[i] = y] theta(i, z)``, ``P(y | z) = P(y, z) / P(z)``;
    2. ``LEEP = mean over i of log(sum over z of P(y[i] | z) theta(i, z))``.

    The multi-label form is the mean over target labels, weighted with their prevalence. It is at
    most 0, and at least minus the labels' entropy.

    Args:
        source_probabilities: ``(records, source labels)`` in [0, 1].
        targets: 0 or 1, ``(records, labels)``. Labels that fewer than two records have, or do
            not have, are left out.

    Returns:
        In nats, at most 0.

    Raises:
        DataError: shapes or values that do not fit, or no label is left.

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


def one_label_distribution(source: FloatArray) -> FloatArray:
    """Sigmoid probabilities as one distribution over the source labels and *none of them*."""
    kept = np.clip(source, NEAREST, 1 - NEAREST)
    odds = np.hstack([kept / (1 - kept), np.ones((len(kept), 1))])
    shares: FloatArray = odds / odds.sum(axis=1, keepdims=True)
    return shares
