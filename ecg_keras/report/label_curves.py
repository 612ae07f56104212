"""The figures of one label: ROC, precision-recall and calibration, of one or two predictions."""

from __future__ import annotations

import numpy as np

from ecg_keras import metrics
from ecg_keras.evaluation import Predictions
from ecg_keras.report.blocks import Drawing
from ecg_keras.report.plots import NAMES, Array, Curve, calibration_plot, pr_plot, roc_plot

MOST_POINTS = 300  # of a curve: more can't be distinguished at its size


def draw_label(
    prefix: str,
    predictions: Predictions,
    column: int,
    threshold: float,
    captions: tuple[str, str, str],
    other: Predictions | None = None,
    names: tuple[str, str] = NAMES,
) -> tuple[Drawing, ...]:
    """The three figures of a label; the curves of ``other`` are dashed."""
    label = predictions.labels[column]
    target, probability = predictions.targets[:, column], predictions.probabilities[:, column]
    prevalence = float(target.mean())
    curves = (roc_curve, pr_curve)
    roc, pr = (curve(predictions, column, threshold) for curve in curves)
    roc_other, pr_other = (None if other is None else curve(other, column) for curve in curves)
    prefix = f"{prefix}{column}"
    return (
        Drawing(f"{prefix}-roc", f"ROC curve of {label}", captions[0],
                lambda: roc_plot(roc, roc_other, names)),
        Drawing(f"{prefix}-pr", f"Precision-recall curve of {label}", captions[1],
                lambda: pr_plot(pr, prevalence, pr_other, names)),
        Drawing(f"{prefix}-calibration", f"Calibration of {label}", captions[2],
                lambda: calibration_plot(target, probability)),
    )  # fmt: skip


def roc_curve(predictions: Predictions, column: int, threshold: float | None = None) -> Curve:
    """The ROC curve of a label, as few points as can be distinguished."""
    target, probability = predictions.targets[:, column], predictions.probabilities[:, column]
    return _thin(*metrics.roc_curve(target, probability), threshold)


def pr_curve(predictions: Predictions, column: int, threshold: float | None = None) -> Curve:
    """The precision-recall curve of a label, likewise."""
    target, probability = predictions.targets[:, column], predictions.probabilities[:, column]
    return _thin(*metrics.pr_curve(target, probability), threshold)


def _thin(x: Array, y: Array, at: Array, threshold: float | None) -> Curve:
    """At most `MOST_POINTS` points, spread evenly along the curve's length."""
    point = None
    if threshold is not None:
        last = np.flatnonzero(at >= threshold)[-1]
        point = (float(x[last]), float(y[last]))
    if len(x) > MOST_POINTS:
        length = np.cumsum(np.abs(np.diff(x, prepend=x[0])) + np.abs(np.diff(y, prepend=y[0])))
        goals = np.linspace(0, length[-1], MOST_POINTS)
        kept = np.unique(np.minimum(np.searchsorted(length, goals), len(x) - 1))
        x, y = x[kept], y[kept]
    return Curve(x, y, point)
