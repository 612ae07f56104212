"""What the validation split decides: thresholds, and which candidate is chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ecg_keras.array_types import Float64Array
from ecg_keras.errors import DataError
from ecg_keras.evaluation.intervals import LEAST_PATIENTS
from ecg_keras.evaluation.predictions import Predictions
from ecg_keras.metrics import (
    METRICS,
    best_f1_thresholds,
    cross_entropy,
    fit_temperature,
    recalibrate,
    score_labels,
)

PLAIN = 0.5  # without


def choose_thresholds(chooser: Predictions) -> tuple[Float64Array, tuple[str, ...]]:
    """The threshold of each label with the best F1 on a split, where enough patients have it.

    The best F1 of a label that one or two patients have is reached by whatever probability they
    happen to get, down to 0: such a threshold would say nothing of other patients. A label that
    fewer than `LEAST_PATIENTS` patients have gets 0.5.

    Args:
        chooser: predictions of the split that chooses, the validation split.

    Returns:
        The thresholds, ``(labels,)``, and the labels that got 0.5 for want of patients.

    Example:
        >>> ids = [f"r{number}" for number in range(8)]
        >>> targets = [[1, 0], [1, 0], [1, 0], [1, 0], [1, 0], [0, 0], [0, 1], [0, 1]]
        >>> said = [[0.9, 0.1]] * 4 + [[0.6, 0.1], [0.2, 0.1], [0.1, 0.1], [0.1, 0.0]]
        >>> limits, missing = choose_thresholds(Predictions(["MI", "CD"], ids, ids, targets, said))
        >>> limits.round(3).tolist(), missing
        ([0.4, 0.5], ('CD',))
    """
    patients = np.array(
        [len(np.unique(chooser.patient_ids[column == 1])) for column in chooser.targets.T]
    )
    few = patients < LEAST_PATIENTS
    best = best_f1_thresholds(chooser.targets, chooser.probabilities)
    return np.where(few, PLAIN, best), tuple(np.array(chooser.labels)[few].tolist())


CALIBRATED_LOSS = "calibrated_loss"
# scores that differ by less are equal: so far apart sums of the same terms may be
EQUAL = 1e-9


def score_validation(predictions: Predictions) -> dict[str, float]:
    """The scores by which a candidate can be chosen.

    Args:
        predictions: of the validation split.

    Returns:
        Each of `ecg_keras.metrics.METRICS`, F1 at the thresholds that are best on these records,
        NaN where undefined; and ``calibrated_loss``: the mean binary cross-entropy after one
        temperature was fitted (Guo et al. 2017), which says how well the network ranks and not how
        sure of itself it is.

    Example:
        >>> ids = ["a", "b", "c", "d"]
        >>> sure = Predictions(["AF"], ids, ids, [[0], [1], [0], [1]], [[0.4], [0.6], [0.7], [0.9]])
        >>> score_validation(sure)["macro_auroc"]
        0.75
    """
    thresholds, _ = choose_thresholds(predictions)
    labels = score_labels(predictions.targets, predictions.probabilities, thresholds)
    scores = {name: float(score(labels)) for name, score in METRICS.items()}
    slopes, intercepts, _ = fit_temperature(predictions.targets, predictions.probabilities)
    calibrated = recalibrate(predictions.probabilities, slopes, intercepts)
    return {**scores, CALIBRATED_LOSS: cross_entropy(predictions.targets, calibrated)}


def choose(candidates: Mapping[str, Mapping[str, float]], by: str) -> str:
    """The candidate that is best on validation.

    Args:
        candidates: of each its scores, from `score_validation`; earlier ones win where all is
            equal.
        by: a score, of which the highest is best, or ``calibrated_loss``, the lowest. Candidates
            of equal score go by ``calibrated_loss``; what is undefined is worse than any.

    Raises:
        DataError: there is no candidate.

    Example:
        >>> choose({"a": {"macro_auroc": 0.8, "calibrated_loss": 0.5},
        ...         "b": {"macro_auroc": 0.8, "calibrated_loss": 0.4}}, "macro_auroc")
        'b'
    """
    if not candidates:
        raise DataError("no candidate was tried: there is nothing to choose.")
    shortfalls = {name: _shortfall(scores, by) for name, scores in candidates.items()}
    limit = min(shortfalls.values()) + EQUAL
    equal = [name for name, shortfall in shortfalls.items() if shortfall <= limit]
    return min(equal, key=lambda name: _shortfall(candidates[name], CALIBRATED_LOSS))


def _shortfall(scores: Mapping[str, float], by: str) -> float:
    """The lower the better, infinite where the score is undefined."""
    value = scores[by] if by == CALIBRATED_LOSS else -scores[by]
    return math.inf if math.isnan(value) else value
