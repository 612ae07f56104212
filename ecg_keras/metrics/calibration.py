"""Whether a probability of 0.3 means three in ten."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import Float64Array, IntArray
from ecg_keras.errors import ConfigError
from ecg_keras.metrics.inputs import (
    check_curve,
    check_scores,
    check_unit,
    check_weights,
    mean_over_records,
    squeeze,
)

# Float32 sigmoids reach 1 exactly. Closer to 0 or 1 than this counts as this close.
CLIP = 1e-7


def brier(
    targets: npt.ArrayLike, probabilities: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> Float64Array:
    """The mean squared difference of probability and target of each label (Brier 1950).

    Args:
        targets: 0 or 1, ``(records, labels)``.
        probabilities: in [0, 1], of the same shape.
        weights: how often each record counts: ``(records,)``, or ``(resamples, records)`` for
            many resamples at once.

    Returns:
        ``(labels,)`` or ``(resamples, labels)`` in [0, 1], lower is better; NaN where all weights
        are 0. Saying the prevalence q to everyone gives q(1-q).

    Raises:
        DataError: shapes that differ, targets other than 0 and 1, probabilities outside [0, 1].

    Example:
        >>> brier([[1], [0]], [[0.8], [0.4]])
        array([0.1])
    """
    truth, scores = check_scores(targets, probabilities)
    check_unit(scores)
    means = mean_over_records((scores - truth) ** 2, check_weights(weights, len(truth)))
    return squeeze(means, weights)


def cross_entropy(
    targets: npt.ArrayLike, probabilities: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> float:
    """The mean binary cross-entropy over records and labels, in nats (the log loss).

    Args:
        targets: 0 or 1, ``(records, labels)``.
        probabilities: of the same shape; closer to 0 or 1 than 1e-7 they count as this close.
        weights: how much each target counts, of the same shape, such as 0 where it is unknown.

    Returns:
        At least 0, lower is better; NaN where a probability is, or where no target counts.

    Example:
        >>> round(cross_entropy([[1], [0]], [[0.8], [0.4]]), 3)
        0.367
    """
    scores = np.clip(np.asarray(probabilities, dtype=np.float64), CLIP, 1 - CLIP)
    losses = -np.where(np.asarray(targets) == 1, np.log(scores), np.log1p(-scores))
    counts = np.ones_like(losses) if weights is None else np.asarray(weights, dtype=np.float64)
    return float((counts * losses).sum() / counts.sum()) if counts.any() else float("nan")


def reliability_curve(
    target: npt.ArrayLike, probability: npt.ArrayLike, bins: int = 10
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Mean probability against observed share, in bins of about equally many records.

    Bins are cut at quantiles of the probabilities (the adaptive bins of Nixon et al. 2019); equal
    probabilities share a bin, so the order of the records does not matter.

    Args:
        target: 0 or 1, ``(records,)``.
        probability: in [0, 1], ``(records,)``.
        bins: at most this many; empty ones are left out.

    Returns:
        Mean probability, share of positives and number of records of each bin.

    Raises:
        ConfigError: fewer than one bin.
        DataError: as for `brier`.

    Example:
        >>> reliability_curve([0, 0, 1, 1], [0.1, 0.3, 0.7, 0.7], bins=2)
        (array([0.2, 0.7]), array([0., 1.]), array([2., 2.]))
    """
    truth, scores = check_curve(target, probability)
    bin_of = reliability_bins(scores, bins)
    records = np.bincount(bin_of).astype(np.float64)
    mean = np.bincount(bin_of, weights=scores) / records
    return mean, np.bincount(bin_of, weights=truth) / records, records


def reliability_bins(probability: npt.ArrayLike, bins: int = 10) -> IntArray:
    """Of each record the bin of `reliability_curve` that it is in, from 0; none is empty.

    Args:
        probability: in [0, 1], ``(records,)``.
        bins: at most this many.

    Raises:
        ConfigError: fewer than one bin.
        DataError: a probability outside of [0, 1].

    Example:
        >>> reliability_bins([0.1, 0.3, 0.7, 0.7], bins=2)
        array([0, 0, 1, 1])
    """
    if bins < 1:
        raise ConfigError(f"bins must be at least 1. Received: {bins}.")
    scores = np.asarray(probability, np.float64)
    check_unit(scores)
    cuts = np.quantile(scores, np.arange(1, bins) / bins)
    found: IntArray = np.unique(np.searchsorted(cuts, scores), return_inverse=True)[1]
    return found


def ece(targets: npt.ArrayLike, probabilities: npt.ArrayLike, bins: int = 10) -> Float64Array:
    """Expected calibration error of each label: the mean distance from the reliability diagonal.

    Sum over the bins of `reliability_curve` of (records in bin / records) x |mean probability -
    share of positives| (Guo et al. 2017, eq. 3, with adaptive bins). It is biased upwards when
    bins hold few records: compare only values from equally many records and bins.

    Args:
        targets: 0 or 1, ``(records, labels)``.
        probabilities: in [0, 1], of the same shape.
        bins: at most this many.

    Returns:
        ``(labels,)`` in [0, 1], lower is better.

    Raises:
        ConfigError: fewer than one bin.
        DataError: as for `brier`.

    Example:
        >>> ece([[0], [0], [1], [1]], [[0.1], [0.3], [0.7], [0.7]], bins=2).round(3)
        array([0.25])
    """
    truth, scores = check_scores(targets, probabilities)
    errors = []
    for label in range(truth.shape[1]):
        mean, share, records = reliability_curve(truth[:, label], scores[:, label], bins)
        errors.append(np.average(np.abs(mean - share), weights=records))
    return np.array(errors)
