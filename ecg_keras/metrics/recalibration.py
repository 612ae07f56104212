"""Calibrating probabilities on validation records: temperature for a model, Platt for each label.

Both map a probability p to sigmoid(slope x logit(p) + intercept), with a slope above 0: records
keep their order, so AUROC and AUPRC stay as they are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq, minimize
from scipy.special import expit, logit

from ecg_keras.array_types import BoolArray, Float64Array
from ecg_keras.errors import DataError
from ecg_keras.metrics.calibration import CLIP
from ecg_keras.metrics.inputs import check_scores, check_unit

# Of a temperature that is looked for. Beyond it the records fit any temperature, or none.
COLDEST, HOTTEST = 0.02, 50.0


class Recalibration(NamedTuple):
    """The map of each label's probabilities; every field is ``(labels,)``.

    Attributes:
        slopes: above 0; temperature is 1 / slope.
        intercepts: 0 for a temperature.
        fitted: False where no map could be fitted: slope 1 and intercept 0, nothing changes.
    """

    slopes: Float64Array
    intercepts: Float64Array
    fitted: BoolArray


def fit_temperature(targets: npt.ArrayLike, probabilities: npt.ArrayLike) -> Recalibration:
    """One temperature T for all labels, with the least log loss on these records.

    p becomes sigmoid(logit(p) / T) (Guo et al. 2017, section 4.2, for sigmoids). T is fitted on
    the labels that have both a positive and a negative record, and applies to all labels.

    Args:
        targets: 0 or 1, ``(records, labels)``, of the validation split.
        probabilities: in [0, 1], of the same shape; clipped to [1e-7, 1 - 1e-7].

    Returns:
        The same slope 1 / T for every label. Not fitted where no T in [0.02, 50] is best: all
        records are on the right side of 0.5, they rank no better than chance, or no label has
        both a positive and a negative record.

    Raises:
        DataError: shapes that differ, targets other than 0 and 1, probabilities outside [0, 1].

    Example:
        >>> found = fit_temperature([[0], [0], [1], [1]], [[0.01], [0.99], [0.99], [0.99]])
        >>> (1 / found.slopes).round(2), recalibrate([[0.99]], *found[:2]).round(2)
        (array([4.18]), array([[0.75]]))
    """
    truth, logits = _check_logits(targets, probabilities)
    both = truth.any(axis=0) & ~truth.all(axis=0)
    y, z = truth[:, both], logits[:, both]

    def slope_of_loss(slope: float) -> float:
        return float((z * (expit(slope * z) - y)).sum())

    labels = truth.shape[1]
    if slope_of_loss(1 / HOTTEST) >= 0 or slope_of_loss(1 / COLDEST) <= 0:
        return Recalibration(np.ones(labels), np.zeros(labels), np.zeros(labels, dtype=np.bool_))
    slope = brentq(slope_of_loss, 1 / HOTTEST, 1 / COLDEST)  # the loss is convex in the slope
    return Recalibration(
        np.full(labels, float(slope)), np.zeros(labels), np.ones(labels, dtype=np.bool_)
    )


def fit_platt(targets: npt.ArrayLike, probabilities: npt.ArrayLike) -> Recalibration:
    """A slope and an intercept for each label, with the least log loss on these records.

    Platt 1999: with P positives and N negatives the targets are (P + 1) / (P + 2) and 1 / (N + 2)
    instead of 1 and 0, which keeps the slope finite where the two do not overlap. Here it is
    fitted to logit(p), where slope 1 and intercept 0 change nothing.

    Args:
        targets: 0 or 1, ``(records, labels)``, of the validation split.
        probabilities: in [0, 1], of the same shape; clipped to [1e-7, 1 - 1e-7].

    Returns:
        A label is not fitted where it has no positive or no negative record, where all its
        probabilities are alike, or where the best slope is not above 0, which would turn its
        order round.

    Raises:
        DataError: as for `fit_temperature`.

    Example:
        >>> targets, probabilities = [[0], [0], [1], [0], [1]], [[0.4], [0.5], [0.6], [0.6], [0.9]]
        >>> found = fit_platt(targets, probabilities)
        >>> found.slopes.round(2), found.intercepts.round(2)
        (array([0.97]), array([-0.83]))
    """
    truth, logits = _check_logits(targets, probabilities)
    labels = truth.shape[1]
    slopes, intercepts = np.ones(labels), np.zeros(labels)
    fitted = np.zeros(labels, dtype=np.bool_)
    for label in range(labels):
        found = _fit_line(truth[:, label], logits[:, label])
        if found is not None:
            slopes[label], intercepts[label] = found
            fitted[label] = True
    return Recalibration(slopes, intercepts, fitted)


def recalibrate(
    probabilities: npt.ArrayLike, slopes: npt.ArrayLike, intercepts: npt.ArrayLike
) -> Float64Array:
    """Probabilities after the map; those of a label with slope 1 and intercept 0 as they were.

    Args:
        probabilities: in [0, 1], ``(records, labels)``; clipped to [1e-7, 1 - 1e-7].
        slopes: ``(labels,)``.
        intercepts: ``(labels,)``.

    Returns:
        In [0, 1], ``(records, labels)``.

    Raises:
        DataError: other numbers of slopes or intercepts than of labels.

    Example:
        >>> recalibrate([[0.9, 0.9]], [0.5, 1.0], [0.0, 0.0])
        array([[0.75, 0.9 ]])
    """
    scores = np.asarray(probabilities, dtype=np.float64)
    slope, intercept = (np.asarray(part, dtype=np.float64) for part in (slopes, intercepts))
    if not slope.shape == intercept.shape == scores.shape[1:]:
        raise DataError(
            f"slopes and intercepts must be one for each of the {scores.shape[-1]} labels. "
            f"Received: shapes {slope.shape} and {intercept.shape}."
        )
    changed = expit(slope * logit(np.clip(scores, CLIP, 1 - CLIP)) + intercept)
    return np.where((slope == 1) & (intercept == 0), scores, changed)


def _check_logits(
    targets: npt.ArrayLike, probabilities: npt.ArrayLike
) -> tuple[BoolArray, Float64Array]:
    truth, scores = check_scores(targets, probabilities)
    check_unit(scores)
    return truth, np.asarray(logit(np.clip(scores, CLIP, 1 - CLIP)))


def _fit_line(truth: BoolArray, logits: Float64Array) -> tuple[float, float] | None:
    """Slope and intercept of one label; ``None`` where there are none to trust."""
    positives, negatives = int(truth.sum()), int((~truth).sum())
    spread = float(logits.std())
    if not positives or not negatives or spread < 1e-9:
        return None
    aims = np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    # Standardised, so that the optimiser's steps are of one size in both directions.
    centre = float(logits.mean())
    design = np.column_stack(((logits - centre) / spread, np.ones_like(logits)))

    def loss(line: Float64Array) -> float:
        z = design @ line
        return float(np.mean(np.logaddexp(0, z) - aims * z))

    def gradient(line: Float64Array) -> Float64Array:
        return np.asarray(design.T @ (expit(design @ line) - aims) / len(aims))

    def curvature(line: Float64Array) -> Float64Array:
        p = expit(design @ line)
        return np.asarray((design * (p * (1 - p))[:, None]).T @ design / len(aims))

    found = minimize(
        loss,
        np.zeros(2),
        jac=gradient,
        hess=curvature,
        method="trust-exact",
        options={"gtol": 1e-9},
    )
    slope = float(found.x[0]) / spread
    if np.linalg.norm(gradient(found.x)) > 1e-6 or slope <= 0:
        return None
    return slope, float(found.x[1]) - slope * centre
