"""The figures of one label: ROC, precision-recall and calibration, of one or two predictions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecg_keras import metrics
from ecg_keras.array_types import BoolArray, Float64Array
from ecg_keras.evaluation import Predictions
from ecg_keras.report.blocks import Drawing
from ecg_keras.report.plots import NAMES, Curve, calibration_plot, pr_plot, roc_plot

Point = tuple[float, float]
MOST_POINTS = 300  # of a curve: more can't be distinguished at its size


def draw_label(
    prefix: str,
    predictions: Predictions,
    column: int,
    threshold: npt.ArrayLike,
    captions: tuple[str, str, str],
    level: float,
    other: Predictions | None = None,
    names: tuple[str, str] = NAMES,
) -> tuple[Drawing, ...]:
    """The three figures of a label; the curves of ``other`` are dashed.

    ``threshold`` is one, or of each record its own, so that what is decided may be off the curve;
    ``level`` is that of the intervals of the calibration.
    """
    label = predictions.labels[column]
    target, probability = predictions.targets[:, column], predictions.probabilities[:, column]
    prevalence = float(target.mean())
    points = find_points(target == 1, metrics.decide(probability, threshold) == 1)
    curves = (metrics.roc_curve, metrics.pr_curve)
    roc, pr = (
        Curve(*thin(*curve(target, probability)[:2]), point)
        for curve, point in zip(curves, points, strict=True)
    )
    roc_other, pr_other = (
        None
        if other is None
        else Curve(*thin(*curve(other.targets[:, column], other.probabilities[:, column])[:2]))
        for curve in curves
    )
    prefix = f"{prefix}{column}"
    return (
        Drawing(f"{prefix}-roc", f"ROC curve of {label}", captions[0],
                lambda: roc_plot(roc, roc_other, names)),
        Drawing(f"{prefix}-pr", f"Precision-recall curve of {label}", captions[1],
                lambda: pr_plot(pr, prevalence, pr_other, names)),
        Drawing(f"{prefix}-calibration", f"Calibration of {label}", captions[2],
                lambda: calibration_plot(target, probability, predictions.patient_ids, level)),
    )  # fmt: skip


def choose_columns(tested: Predictions, most: int) -> list[int]:
    """The labels with most positives that are neither absent nor everywhere."""
    count = tested.targets.sum(axis=0)
    defined = [at for at, found in enumerate(count) if 0 < found < len(tested.targets)]
    return sorted(sorted(defined, key=lambda at: -int(count[at]))[:most])


def say_most(tested: Predictions, most: int, others: str) -> str:
    """That curves are of some labels alone, as a sentence; empty where they are of all."""
    if len(choose_columns(tested, most)) == len(choose_columns(tested, len(tested.labels))):
        return ""
    return f" Curves are of the {most} labels with most positives; {others}."


def find_points(present: BoolArray, decided: BoolArray) -> tuple[Point, Point]:
    """Where decisions are beside a ROC and a precision-recall curve; precision 1 of none."""
    sensitivity, alarms = float(decided[present].mean()), float(decided[~present].mean())
    precision = float(present[decided].mean()) if decided.any() else 1.0
    return (alarms, sensitivity), (sensitivity, precision)


def thin(x: Float64Array, y: Float64Array) -> tuple[Float64Array, Float64Array]:
    """At most `MOST_POINTS` points of a curve, spread evenly along its length."""
    if len(x) > MOST_POINTS:
        length = np.cumsum(np.abs(np.diff(x, prepend=x[0])) + np.abs(np.diff(y, prepend=y[0])))
        goals = np.linspace(0, length[-1], MOST_POINTS)
        kept = np.unique(np.minimum(np.searchsorted(length, goals), len(x) - 1))
        x, y = x[kept], y[kept]
    return x, y
