"""The report's figures of scores and training, each from plain arrays.

Two things are drawn at most: this run, blue and solid, and its baseline, orange and dashed; where
they are called otherwise, ``names`` has the words of the legend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecg_keras import metrics
from ecg_keras.evaluation import Estimate
from ecg_keras.report.style import LIGHT, STYLE

Array = npt.NDArray[np.float64]
RUN = {"color": LIGHT["blue"], "linewidth": 1.6, "linestyle": "-", "zorder": 3}
BASELINE = {"color": LIGHT["orange"], "linewidth": 1.3, "linestyle": (0, (4, 2))}
GUIDE = {"color": LIGHT["muted"], "linewidth": 0.8, "linestyle": (0, (1, 2))}
PANEL_INCHES = (3.4, 3.0)
NAMES = ("this run", "baseline")
LONGEST_NAME = 28  # characters of a label in a figure; tables have it in full


@dataclass(frozen=True)
class Curve:
    """Points to join, in order, and the point of the run's threshold on it, if it is shown."""

    x: Array
    y: Array
    threshold_point: tuple[float, float] | None = None


@dataclass(frozen=True)
class History:
    """One column of log.csv per array, one value per epoch; NaN where nothing was measured."""

    columns: Mapping[str, Array]
    best_epoch: int | None = None


def roc_plot(run: Curve, baseline: Curve | None = None, names: tuple[str, str] = NAMES) -> Figure:
    """Sensitivity over the false positive rate; the diagonal is chance."""
    with matplotlib.rc_context(STYLE):
        figure, axes = _panel("1 − specificity", "Sensitivity")
        axes.plot([0, 1], [0, 1], label="chance", **GUIDE)
        _curves(axes, run, baseline, names, step=False)
        _unit_square(axes)
        _legend(figure)
    return figure


def pr_plot(
    run: Curve,
    prevalence: float,
    baseline: Curve | None = None,
    names: tuple[str, str] = NAMES,
) -> Figure:
    """Precision over recall; the level line is the label's prevalence, which is chance."""
    with matplotlib.rc_context(STYLE):
        figure, axes = _panel("Recall (sensitivity)", "Precision")
        axes.axhline(prevalence, label=f"prevalence {prevalence:.3g}", **GUIDE)
        _curves(axes, run, baseline, names, step=True)
        _unit_square(axes)
        _legend(figure)
    return figure


def calibration_plot(present: npt.ArrayLike, probabilities: npt.ArrayLike) -> Figure:
    """Reliability diagram over the histogram of the probabilities.

    Each dot is one bin of `ecg_keras.metrics.reliability_curve` with the 95 % interval of its
    observed share (Wilson 1927).

    Args:
        present: ``(N,)`` 0 or 1.
        probabilities: ``(N,)`` in ``[0, 1]``.
    """
    target = np.asarray(present, bool)
    probability = np.asarray(probabilities, np.float64)
    mean, share, count = metrics.reliability_curve(target, probability)
    low, high = _wilson(share, count)
    with matplotlib.rc_context(STYLE):
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
        _legend(figure)
    return figure


def loss_plot(run: History, baseline: History | None = None, split: str = "validation") -> Figure:
    """Loss per epoch on the training split and the one that was scored after every epoch."""
    return _history_plot("Loss", {"loss": "train", "val_loss": split}, run, baseline)


def score_plot(run: History, baseline: History | None = None, split: str = "validation") -> Figure:
    """Scores per epoch on the split that was scored after every epoch."""
    scores = {"val_macro_auprc": "macro AUPRC", "val_macro_auroc": "macro AUROC"}
    return _history_plot(f"Score on {split}", scores, run, baseline)


def forest_plot(differences: Sequence[tuple[str, Estimate]], first_group: int) -> Figure:
    """Differences with their intervals, from top to bottom; filled where zero is outside.

    Args:
        differences: names and paired differences.
        first_group: so many rows stand above a thin line.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4.4, 0.9 + 0.27 * len(differences)), layout="constrained")
        axes = figure.subplots()
        for row, (_, difference) in enumerate(differences):
            outside = difference.low > 0 or difference.high < 0
            side = LIGHT["blue"] if difference.value > 0 else LIGHT["orange"]
            colour = side if outside else LIGHT["muted"]
            axes.plot([difference.low, difference.high], [row, row], color=colour, linewidth=1.6)
            axes.plot(
                difference.value,
                row,
                marker="o",
                markersize=5,
                color=colour,
                markerfacecolor=colour if outside else LIGHT["page"],
            )
        axes.axvline(0, color=LIGHT["ink"], linewidth=0.9)
        axes.axhline(first_group - 0.5, color=LIGHT["muted"], linewidth=0.5)
        ends = [abs(end) for _, one in differences for end in (one.low, one.high, one.value)]
        reach = 1.08 * max(*(end for end in ends if not np.isnan(end)), 0.01)
        axes.set(xlim=(-reach, reach), ylim=(len(differences) - 0.5, -0.5))
        names = [
            n if len(n) <= LONGEST_NAME else f"{n[: LONGEST_NAME - 1]}…" for n, _ in differences
        ]
        axes.set_yticks(range(len(differences)), names)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("Difference")
        axes.set_title("← worse", loc="left", fontsize=8.5, color=LIGHT["muted"])
        axes.set_title("better →", loc="right", fontsize=8.5, color=LIGHT["muted"])
    return figure


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _wilson(share: Array, count: Array) -> tuple[Array, Array]:
    """The 95 % interval of a share of ``count`` records (Wilson 1927)."""
    z = 1.959964
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + (z / count / 2) ** 2)
    return centre - half, centre + half


def _panel(xlabel: str, ylabel: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=PANEL_INCHES, layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=xlabel, ylabel=ylabel)
    return figure, axes


def _unit_square(axes: Axes) -> None:
    ticks = np.linspace(0, 1, 6)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=ticks, yticks=ticks)


def _legend(figure: Figure) -> None:
    figure.legend(loc="outside upper left", ncols=2, borderaxespad=0.2, columnspacing=1.2)


def _curves(
    axes: Axes, run: Curve, baseline: Curve | None, names: tuple[str, str], *, step: bool
) -> None:
    drawstyle = "steps-pre" if step else "default"
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


def _history_plot(
    ylabel: str, names: Mapping[str, str], run: History, baseline: History | None
) -> Figure:
    """The first of ``names`` is drawn thin, the second, which matters more, with markers."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4.4, 3.2), layout="constrained")
        axes = figure.subplots()
        axes.set(xlabel="Epoch", ylabel=ylabel)
        for history, style, owner in ((run, RUN, ""), (baseline, BASELINE, "baseline, ")):
            if history is None:
                continue
            epoch = history.columns["epoch"]
            every = max(1, len(epoch) // 12)
            for index, (column, name) in enumerate(names.items()):
                thick = {"marker": "os"[style is BASELINE], "markersize": 3.5} if index else {}
                line = {**style, **({} if index else {"linewidth": 0.9})}
                label = f"{owner}{name}"
                values = history.columns[column]
                axes.plot(epoch, values, label=label, markevery=every, **line, **thick)
        _phases(axes, run)
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        _legend(figure)
    return figure


def _phases(axes: Axes, run: History) -> None:
    epoch, phase = run.columns["epoch"], run.columns["phase"]
    starts = [0, *(np.flatnonzero(np.diff(phase)) + 1)]
    if len(starts) > 1:
        low, high = axes.get_ylim()
        axes.set_ylim(low, high + 0.1 * (high - low))  # room for the names of the phases
        for start in starts:
            x = epoch[start] - 0.5
            axes.axvline(x, **GUIDE)
            axes.annotate(
                f"phase {phase[start]:g}",
                (x, 1),
                xycoords=("data", "axes fraction"),
                xytext=(2, -2),
                textcoords="offset points",
                va="top",
                fontsize=7.5,
                color=LIGHT["muted"],
            )
    if run.best_epoch is not None:
        axes.axvline(
            run.best_epoch,
            ymax=0.9,
            color=LIGHT["green"],
            linewidth=1.1,
            linestyle=(0, (6, 2, 1, 2)),
            label=f"best epoch ({run.best_epoch})",
        )
