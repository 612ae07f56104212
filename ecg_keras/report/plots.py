"""Figures of scores and training: a run, blue and solid, and its baseline, orange and dashed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecg_keras import metrics
from ecg_keras.array_types import Float64Array, IntArray, TextArray
from ecg_keras.evaluation import share_interval
from ecg_keras.report.style import (
    BASELINE,
    GUIDE,
    LIGHT,
    PANEL_INCHES,
    RUN,
    WIDTH_INCHES,
    Look,
    add_legend,
    in_style,
    label_top,
    whole_numbers,
)

NAMES = ("this run", "baseline")


@dataclass(frozen=True)
class Curve:
    """Points to join, in order, and the point of the run's threshold on it, if it is shown."""

    x: Float64Array
    y: Float64Array
    threshold_point: tuple[float, float] | None = None


@dataclass(frozen=True)
class History:
    """One column of log.csv per array, one value per epoch; NaN where nothing was measured."""

    columns: Mapping[str, Float64Array]
    best_epoch: int | None = None


@in_style
def roc_plot(run: Curve, baseline: Curve | None = None, names: tuple[str, str] = NAMES) -> Figure:
    """Sensitivity over the false positive rate; the diagonal is chance."""
    figure = Figure(figsize=PANEL_INCHES, layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], label="chance", **GUIDE)
    axes.set(xlabel="1 − specificity", ylabel="Sensitivity")
    _draw_curves(axes, run, baseline, names, "default")
    add_legend(figure)
    return figure


@in_style
def pr_plot(
    run: Curve, prevalence: float, baseline: Curve | None = None, names: tuple[str, str] = NAMES
) -> Figure:
    """Precision over recall; the level line is the label's prevalence, which is chance."""
    figure = Figure(figsize=PANEL_INCHES, layout="constrained")
    axes = figure.subplots()
    axes.axhline(prevalence, label=f"prevalence {prevalence:.3g}", **GUIDE)
    axes.set(xlabel="Recall (sensitivity)", ylabel="Precision")
    _draw_curves(axes, run, baseline, names, "steps-pre")
    add_legend(figure)
    return figure


def count_independent(bin_of: IntArray, patient_ids: TextArray) -> Float64Array:
    """As how many patients of one record each those of each bin count, if all of one agree."""
    # a share of records with m a patient varies as that of (sum m)^2 / sum m^2 patients with one
    _, patient_of = np.unique(patient_ids, return_inverse=True)
    (own_bin, _), records = np.unique([bin_of, patient_of], axis=1, return_counts=True)
    return np.bincount(own_bin, records) ** 2 / np.bincount(own_bin, records**2)


@in_style
def calibration_plot(
    present: npt.ArrayLike, probabilities: npt.ArrayLike, patient_ids: TextArray, level: float
) -> Figure:
    """Reliability diagram over the histogram of the probabilities.

    Each dot is one bin of `metrics.reliability_curve`; its interval is over patients.
    """
    target = np.asarray(present, bool)
    probability = np.asarray(probabilities, np.float64)
    mean, share, _ = metrics.reliability_curve(target, probability)
    patients = count_independent(metrics.reliability_bins(probability), patient_ids)
    low, high = share_interval(share, patients, level)
    figure = Figure(figsize=PANEL_INCHES, layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1.2))
    top.plot([0, 1], [0, 1], label="calibrated", **GUIDE)
    top.vlines(mean, low, high, color=LIGHT["blue"], linewidth=0.9)
    top.plot(mean, share, marker="o", markersize=3.5, label="observed", **RUN)
    top.set(ylabel="Observed share", xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    bins = np.linspace(0, 1, 21)
    absent = np.histogram(probability[~target], bins)[0] / max(1, (~target).sum())
    here = np.histogram(probability[target], bins)[0] / max(1, target.sum())
    bottom.stairs(absent, bins, color=LIGHT["muted"], fill=True, alpha=0.45, label="absent")
    bottom.stairs(here, bins, color=LIGHT["blue"], linewidth=1.4, label="present")
    bottom.set(xlabel="Predicted probability", ylabel="Share", ylim=(0, None))
    add_legend(figure)
    return figure


def loss_plot(run: History, baseline: History | None = None, split: str = "validation") -> Figure:
    """Loss per epoch on the training split and the one that was scored after every epoch."""
    return _history_plot("Loss", {"loss": "train", "val_loss": split}, run, baseline)


def score_plot(run: History, baseline: History | None = None, split: str = "validation") -> Figure:
    """Scores per epoch on the split that was scored after every epoch."""
    scores = {"val_macro_auprc": "macro AUPRC", "val_macro_auroc": "macro AUROC"}
    return _history_plot(f"Score on {split}", scores, run, baseline)


def _draw_curves(
    axes: Axes, run: Curve, baseline: Curve | None, names: tuple[str, str], drawstyle: Any
) -> None:
    axes.plot(run.x, run.y, label=names[0], drawstyle=drawstyle, **RUN)
    if baseline is not None:
        axes.plot(baseline.x, baseline.y, label=names[1], drawstyle=drawstyle, **BASELINE)
    if run.threshold_point is not None:
        axes.plot(
            *run.threshold_point,
            label="threshold",
            linestyle="none",
            marker="D",
            markersize=6,
            color=LIGHT["blue"],
            markeredgecolor=LIGHT["ink"],
            zorder=4,
        )
    ticks = np.linspace(0, 1, 6).tolist()
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=ticks, yticks=ticks)


@in_style
def _history_plot(
    ylabel: str, names: Mapping[str, str], run: History, baseline: History | None
) -> Figure:
    """The first of ``names`` is drawn thin, the second, which matters more, with markers."""
    figure = Figure(figsize=(WIDTH_INCHES, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel="Epoch", ylabel=ylabel)
    whole_numbers(axes)
    for history, style, owner in ((run, RUN, ""), (baseline, BASELINE, "baseline, ")):
        if history is None:
            continue
        epoch = history.columns["epoch"]
        every = max(1, len(epoch) // 12)
        marked: Look = {"marker": "os"[style is BASELINE], "markersize": 3.5, "markevery": every}
        looks: tuple[Look, Look] = ({"linewidth": 0.9}, marked)
        for (column, name), look in zip(names.items(), looks, strict=True):
            line = {**style, **look, "label": f"{owner}{name}"}
            axes.plot(epoch, history.columns[column], **line)
    _draw_phases(axes, run)
    add_legend(figure, 3)
    return figure


def _draw_phases(axes: Axes, run: History) -> None:
    """Where each phase starts, if there are several, and the epoch that was kept."""
    epoch, phase = run.columns["epoch"], run.columns["phase"]
    starts = [0, *(np.flatnonzero(np.diff(phase)) + 1)]
    if len(starts) > 1:
        low, high = axes.get_ylim()
        axes.set_ylim(low, high + 0.1 * (high - low))  # room for the names of the phases
        for start in starts:
            axes.axvline(epoch[start] - 0.5, **GUIDE)
            label_top(axes, epoch[start] - 0.5, f"phase {phase[start]:g}")
    if run.best_epoch is not None:
        kept: Look = {"color": LIGHT["green"], "linewidth": 1.1, "linestyle": (0, (6, 2, 1, 2))}
        axes.axvline(run.best_epoch, ymax=0.9, label=f"best epoch ({run.best_epoch})", **kept)
