"""The figures of one label: ROC, precision-recall and calibration, of one or two predictions."""

from __future__ import annotations

import numpy as np

from ecg_keras import metrics
from ecg_keras.array_types import Float64Array
from ecg_keras.evaluation import Predictions
from ecg_keras.report.blocks import Drawing
from ecg_keras.report.plots import NAMES, Curve, calibration_plot, pr_plot, roc_plot

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
    curves = (metrics.roc_curve, metrics.pr_curve)
    roc, pr = (thin(*curve(target, probability), threshold) for curve in curves)
    roc_other, pr_other = (
        None
        if other is None
        else thin(*curve(other.targets[:, column], other.probabilities[:, column]), None)
        for curve in curves
    )
    prefix = f"{prefix}{column}"
    return (
        Drawing(f"{prefix}-roc", f"ROC curve of {label}", captions[0],
                lambda: roc_plot(roc, roc_other, names)),
        Drawing(f"{prefix}-pr", f"Precision-recall curve of {label}", captions[1],
                lambda: pr_plot(pr, prevalence, pr_other, names)),
        Drawing(f"{prefix}-calibration", f"Calibration of {label}", captions[2],
                lambda: calibration_plot(target, probability)),
    )  # fmt: skip


def choose_columns(tested: Predictions, most: int) -> list[int]:
    """The labels with most positives that are neither absent nor everywhere."""
    count = tested.targets.sum(axis=0)
    defined = [at for at, found in enumerate(count) if 0 < found < len(tested.targets)]
    return sorted(sorted(defined, key=lambda at: -int(count[at]))[:most])


def thin(x: Float64Array, y: Float64Array, at: Float64Array, threshold: float | None) -> Curve:
    """At most `MOST_POINTS` points of a curve, spread evenly along its length."""
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
