"""Net benefit: what acting on probabilities is worth, in true positives (decision curves).

Vickers & Elkin (2006), "Decision curve analysis: a novel method for evaluating prediction models",
Medical Decision Making 26:565.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import BoolArray, Float64Array
from ecg_keras.errors import ConfigError
from ecg_keras.metrics.inputs import (
    check_scores,
    check_unit,
    check_weights,
    mean_over_records,
    squeeze,
)


def net_benefit(
    targets: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    thresholds: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
) -> Float64Array:
    """True positives less what false positives cost, per record, if all at risk are treated.

    At the threshold t a record is treated from a probability of t upwards, which says that a
    missed positive is as bad as (1 - t) / t false alarms: (TP - FP t / (1 - t)) / records (Vickers
    & Elkin 2006). Treating nobody is worth 0. It means what it says of calibrated probabilities.

    Args:
        targets: 0 or 1, ``(records, labels)``.
        probabilities: in [0, 1], of the same shape.
        thresholds: ``(thresholds,)`` in [0, 1).
        weights: how often each record counts: ``(records,)`` or ``(resamples, records)``.

    Returns:
        ``(thresholds, labels)`` or ``(resamples, thresholds, labels)``, at most the prevalence; NaN
        where all weights are 0. The mean over labels is that of all decisions pooled.

    Raises:
        ConfigError: a threshold outside [0, 1).
        DataError: shapes that differ, targets other than 0 and 1, probabilities outside [0, 1].

    Example:
        >>> net_benefit([[1], [0], [0], [0]], [[0.9], [0.4], [0.1], [0.1]], [0.2, 0.5]).round(4)
        array([[0.1875],
               [0.25  ]])
    """
    truth, scores = check_scores(targets, probabilities)
    check_unit(scores)
    limits = _check_thresholds(thresholds)
    counted = check_weights(weights, len(truth))
    labels = [mean_over_records(own, counted) for own in worth_of_labels(truth, scores, limits)]
    return squeeze(np.stack(labels, axis=-1), weights)


def benefit_of_all(
    targets: npt.ArrayLike, thresholds: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> Float64Array:
    """`net_benefit` of treating everybody: prevalence - (1 - prevalence) t / (1 - t).

    Args:
        targets, thresholds, weights: as for `net_benefit`; so are shapes and errors.

    Example:
        >>> benefit_of_all([[1], [0], [0], [0]], [0.2, 0.25]).round(4)
        array([[0.0625],
               [0.    ]])
    """
    return net_benefit(targets, np.ones(np.shape(targets)), thresholds, weights)


def worth_of_labels(
    truth: BoolArray, scores: Float64Array, thresholds: Float64Array
) -> Iterator[Float64Array]:
    """Of each label what treating a record at each threshold adds, ``(records, thresholds)``."""
    for present, probability in zip(truth.T, scores.T, strict=True):
        worth = np.where(present[:, None], 1.0, -thresholds / (1 - thresholds))
        yield worth * (probability[:, None] >= thresholds)


def _check_thresholds(thresholds: npt.ArrayLike) -> Float64Array:
    limits = np.atleast_1d(np.asarray(thresholds, dtype=np.float64))
    outside = ~((limits >= 0) & (limits < 1))
    if outside.any():
        raise ConfigError(f"thresholds must be in [0, 1). Received: {limits[outside][0]:g}.")
    return limits
