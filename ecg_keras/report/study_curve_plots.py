"""The figures of a study that have an axis of time or size: learning curves and convergence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator

from ecg_keras.evaluation import Estimate
from ecg_keras.report.plots import BASELINE, GUIDE, RUN
from ecg_keras.report.study_plots import WIDTH_INCHES, shorten
from ecg_keras.report.style import LIGHT, STYLE
from ecg_keras.statistics import Convergence, LabelEfficiency, LearningCurve, PowerLaw, telling

# of the ways other than the reference, which is orange and dashed: colour, line, marker
WAYS = (
    (LIGHT["blue"], "-", "o"),
    (LIGHT["green"], (0, (5, 1, 1, 1)), "^"),
    (LIGHT["purple"], (0, (1, 1)), "D"),
    (LIGHT["ink"], (0, (7, 2)), "v"),
    (LIGHT["muted"], (0, (3, 1, 1, 1, 1, 1)), "P"),
)
SPREAD = (0.1, 0.9)  # of the runs, that the band around a mean curve covers


def learning_plot(curve: LearningCurve) -> Figure:
    """Scores of both ways over the number of training ECGs, and below it their difference.

    Dots and bars are measured with their intervals, lines the fitted power laws with theirs. The
    band of the lower panel is the margin; the upright line is the crossover, its band the interval.
    The arrow is what a way is worth in labels, its bar the interval.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, 4.4), layout="constrained")
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        sizes = np.array(curve.sizes, float)
        for name, style, marker in ((curve.reference, BASELINE, "s"), (curve.way, RUN, "o")):
            colour = style["color"]
            _points(top, sizes, curve.scores[name], colour, marker, shorten(name, 40))
            fit = curve.fits.get(name)
            if fit is not None:
                _fit(top, fit, style)
        one = telling(curve.worth)
        if one is not None:
            _worth(top, curve, one)
        bottom.axhspan(-curve.margin, curve.margin, color=LIGHT["green"], alpha=0.13, linewidth=0)
        bottom.axhline(0, color=LIGHT["ink"], linewidth=0.9)
        _points(bottom, sizes, curve.differences, LIGHT["blue"], "o", None)
        low, high = float(sizes.min()) / 1.3, float(sizes.max()) * 1.3
        if curve.crossover is not None:
            _crossover(bottom, curve.crossover, (low, high))
        top.set(ylabel="Score", xscale="log", xlim=(low, high))
        bottom.set(ylabel="Difference", xlabel="Training ECGs")
        bottom.xaxis.set_minor_locator(NullLocator())
        bottom.xaxis.set_minor_formatter(NullFormatter())
        bottom.set_xticks(sizes, [f"{size:,.0f}" for size in sizes])
        figure.legend(loc="outside upper left", ncols=1, borderaxespad=0.2)
    return figure


def convergence_plot(curves: Mapping[str, Convergence], reference: str) -> Figure:
    """The mean validation curve of each way, in a band with most of its runs.

    Args:
        curves: by way, in the order of the legend; at least one.
        reference: the way that is drawn orange and dashed, if it is among them.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, 3.1), layout="constrained")
        axes = figure.subplots()
        others = 0
        for way, curve in curves.items():
            if way == reference:
                colour, line, marker = BASELINE["color"], BASELINE["linestyle"], "s"
            else:
                colour, line, marker = WAYS[others % len(WAYS)]
                others += 1
            mean = curve.score.mean(axis=0)
            if len(curve.score) > 1:
                low, high = np.quantile(curve.score, SPREAD, axis=0)
                axes.fill_between(curve.epochs, low, high, color=colour, alpha=0.12, linewidth=0)
            axes.plot(
                curve.epochs,
                mean,
                color=colour,
                linestyle=line,
                linewidth=1.6,
                marker=marker,
                markersize=3.8,
                markevery=max(1, len(curve.epochs) // 8),
                label=shorten(way, 40),
            )
        axes.set(xlabel="Epoch", ylabel="Score on validation")
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        # a column each for long names would leave no room for the curves
        figure.legend(loc="outside upper left", ncols=1, borderaxespad=0.2, fontsize=8)
    return figure


def _points(
    axes: Axes,
    sizes: np.ndarray,
    scores: Sequence[Estimate],
    colour: str,
    marker: str,
    label: str | None,
) -> None:
    value = np.array([score.value for score in scores])
    ends = np.array([(score.low, score.high) for score in scores])
    axes.vlines(sizes, ends[:, 0], ends[:, 1], color=colour, linewidth=1.0)
    axes.plot(
        sizes, value, linestyle="none", marker=marker, markersize=5, color=colour, label=label
    )


def _fit(axes: Axes, fit: PowerLaw, style: Mapping[str, object]) -> None:
    axes.fill_between(fit.at, fit.low, fit.high, color=style["color"], alpha=0.12, linewidth=0)
    axes.plot(fit.at, fit.value, **{**style, "zorder": 2})


def _worth(axes: Axes, curve: LearningCurve, one: LabelEfficiency) -> None:
    """From a point of the way to the number of ECGs with which the reference scores the same."""
    score = curve.scores[curve.way][curve.sizes.index(one.size)].value
    equal, low, high = np.clip(one.equal, curve.sizes[0], curve.sizes[-1])
    axes.hlines(score, low, high, color=LIGHT["muted"], linewidth=5, alpha=0.3)
    axes.annotate(
        "",
        (equal, score),
        xytext=(one.size, score),
        arrowprops={"arrowstyle": "->", "color": LIGHT["ink"], "linewidth": 1.0},
    )


def _crossover(
    axes: Axes, crossover: tuple[float, float, float], ends: tuple[float, float]
) -> None:
    value, low, high = (float(np.clip(size, *ends)) for size in crossover)
    axes.axvspan(low, high, color=LIGHT["muted"], alpha=0.15, linewidth=0)
    if ends[0] < value < ends[1]:
        axes.axvline(value, **{**GUIDE, "color": LIGHT["ink"], "linewidth": 1.2})
        right = value > np.sqrt(ends[0] * ends[1])
        axes.annotate(
            "crossover",
            (value, 1),
            xycoords=("data", "axes fraction"),
            xytext=(-3 if right else 3, -3),
            textcoords="offset points",
            ha="right" if right else "left",
            va="top",
            fontsize=7.5,
            color=LIGHT["muted"],
        )
