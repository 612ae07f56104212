"""NCE: how much is left unknown of each target label once the likeliest source label is known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from ecg_keras.transferability.inputs import (
    check_source,
    check_targets,
    mean_by_prevalence,
    usable_labels,
)
from ecg_keras.transferability.leep import one_label_distribution


def nce(source_probabilities: npt.ArrayLike, targets: npt.ArrayLike) -> float:
    """Negative conditional entropy ``-H(Y | Z)`` of the target labels; higher is better.

    Z is the likeliest source class of each record: a source label or *none of them*, by
    `one_label_distribution`. The paper takes the records' true source labels, which a target
    database does not have. For a target label, present or absent, with counts ``n(y, z)`` of N:

        ``NCE = sum over y and z of n(y, z) / N * log(n(y, z) / n(z))``

    The multi-label form is the mean over target labels, weighted with their prevalence.

    Args:
        source_probabilities: ``(records, source labels)`` in [0, 1].
        targets: 0 or 1, ``(records, labels)``. Labels that fewer than two records have, or do
            not have, are left out.

    Returns:
        In nats, at most 0, where 0 is a source label that tells everything.

    Raises:
        DataError: shapes or values that do not fit, or no label is left.

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
