"""Figures of learning: scores over training ECGs, over epochs, and gains over estimates of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter, NullLocator

from ecg_keras.array_types import Float64Array
from ecg_keras.evaluation import Estimate
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
    shorten,
    whole_numbers,
)
from ecg_keras.statistics import Convergence, LabelEfficiency, LearningCurve, PowerLaw, find_example

# of the ways other than the reference, which is orange and dashed: colour, line, marker
WAYS: tuple[tuple[str, Any, str], ...] = (
    (LIGHT["blue"], "-", "o"),
    (LIGHT["green"], (0, (5, 1, 1, 1)), "^"),
    (LIGHT["purple"], (0, (1, 1)), "D"),
    (LIGHT["ink"], (0, (7, 2)), "v"),
    (LIGHT["muted"], (0, (3, 1, 1, 1, 1, 1)), "P"),
)
REFERENCE = (BASELINE["color"], BASELINE["linestyle"], "s")
DOWNSTREAMS = ("o", "s", "^", "D", "v", "P", "X", "*")
COLOURS = tuple(LIGHT[name] for name in ("blue", "orange", "green", "purple", "ink"))
SPREAD = (0.1, 0.9)  # of the runs, that the band around a mean curve covers
LONGEST_NAME = 40


@in_style
def learning_plot(curve: LearningCurve) -> Figure:
    """Scores of both ways over the number of training ECGs, and below it their difference."""
    figure = Figure(figsize=(WIDTH_INCHES, 4.8), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    sizes = np.array(curve.sizes, float)
    for name, style, marker in ((curve.reference, BASELINE, "s"), (curve.way, RUN, "o")):
        label = shorten(name, LONGEST_NAME)
        _draw_points(top, sizes, curve.scores[name], style["color"], marker, label)
        fit = curve.fits.get(name)
        if fit is not None:
            _draw_fit(top, fit, style)
    worth = find_example(curve.worth)
    if worth is not None:
        _draw_worth(top, curve, worth)
    bottom.axhspan(-curve.margin, curve.margin, color=LIGHT["green"], alpha=0.13, linewidth=0)
    bottom.axhline(0, color=LIGHT["ink"], linewidth=0.9)
    _draw_points(bottom, sizes, curve.differences, LIGHT["blue"], "o", None)
    low, high = float(sizes.min()) / 1.3, float(sizes.max()) * 1.3
    if curve.crossover is not None:
        _draw_crossover(bottom, curve.crossover, (low, high))
    top.set(ylabel="Score", xscale="log", xlim=(low, high))
    bottom.set(ylabel="Difference", xlabel="Training ECGs")
    bottom.xaxis.set_minor_locator(NullLocator())
    bottom.xaxis.set_minor_formatter(NullFormatter())
    bottom.set_xticks(sizes, [f"{size:,.0f}" for size in sizes])
    add_legend(figure)
    return figure


@in_style
def convergence_plot(
    curves: Mapping[str, Convergence], reference: str, split: str = "validation"
) -> Figure:
    """The mean curve of each way on a split, in a band with most of its runs.

    The reference is orange and dashed, if it is among them.
    """
    figure = Figure(figsize=(WIDTH_INCHES, 3.6), layout="constrained")
    axes = figure.subplots()
    others = [way for way in curves if way != reference]
    styles = {way: _style_of(place) for place, way in enumerate(others)}
    for way, curve in curves.items():
        colour, line, marker = styles.get(way, REFERENCE)
        if len(curve.score) > 1:
            low, high = np.quantile(curve.score, SPREAD, axis=0)
            axes.fill_between(curve.epochs, low, high, color=colour, alpha=0.12, linewidth=0)
        axes.plot(
            curve.epochs,
            curve.score.mean(axis=0),
            color=colour,
            linestyle=line,
            linewidth=1.6,
            marker=marker,
            markersize=3.8,
            markevery=max(1, len(curve.epochs) // 8),
            label=shorten(way, LONGEST_NAME),
        )
    axes.set(xlabel="Epoch", ylabel=f"Score on {split}")
    whole_numbers(axes)
    add_legend(figure)
    return figure


@in_style
def scatter_plot(values: Sequence[tuple[str, float, float]], xlabel: str) -> Figure:
    """Gain over an estimate of it; ``values`` are downstream, estimate and gain."""
    figure = Figure(figsize=PANEL_INCHES, layout="constrained")
    axes = figure.subplots()
    axes.axhline(0, **GUIDE)
    for index, name in enumerate(dict.fromkeys(name for name, _, _ in values)):
        points = np.array([(x, y) for one, x, y in values if one == name], float)
        axes.plot(
            *points.T,
            linestyle="none",
            marker=DOWNSTREAMS[index % len(DOWNSTREAMS)],
            markersize=6,
            color=COLOURS[index % len(COLOURS)],
            alpha=0.8,
            label=shorten(name, 22),
        )
    axes.set(xlabel=xlabel, ylabel="Realised gain")
    axes.margins(0.1)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    add_legend(figure)
    return figure


def _style_of(place: int) -> tuple[str, Any, str]:
    """Of one of several ways: colour and line repeat before marker and colour do."""
    colour, line, _ = WAYS[place % len(WAYS)]
    return colour, line, WAYS[(place + place // len(WAYS)) % len(WAYS)][2]


def _draw_points(
    axes: Axes,
    sizes: Float64Array,
    scores: Sequence[Estimate],
    colour: str,
    marker: str,
    label: str | None,
) -> None:
    value, low, high = np.array([(score.value, score.low, score.high) for score in scores]).T
    axes.vlines(sizes, low, high, color=colour, linewidth=1.0)
    point: Look = {"linestyle": "none", "marker": marker, "markersize": 5}
    axes.plot(sizes, value, color=colour, label=label, **point)


def _draw_fit(axes: Axes, fit: PowerLaw, style: Mapping[str, Any]) -> None:
    axes.fill_between(fit.at, fit.low, fit.high, color=style["color"], alpha=0.12, linewidth=0)
    axes.plot(fit.at, fit.value, **{**style, "zorder": 2})


def _draw_worth(axes: Axes, curve: LearningCurve, one: LabelEfficiency) -> None:
    """From a point of the way to the number of ECGs with which the reference scores the same."""
    score = curve.scores[curve.way][curve.sizes.index(one.size)].value
    equal, low, high = np.clip(one.equal, curve.sizes[0], curve.sizes[-1])
    axes.hlines(score, low, high, color=LIGHT["muted"], linewidth=5, alpha=0.3)
    arrow = {"arrowstyle": "->", "color": LIGHT["ink"], "linewidth": 1.0}
    axes.annotate("", (equal, score), xytext=(one.size, score), arrowprops=arrow)


def _draw_crossover(
    axes: Axes, crossover: tuple[float, float, float], ends: tuple[float, float]
) -> None:
    value, low, high = (float(np.clip(size, *ends)) for size in crossover)
    axes.axvspan(low, high, color=LIGHT["muted"], alpha=0.15, linewidth=0)
    if ends[0] < value < ends[1]:
        axes.axvline(value, **{**GUIDE, "color": LIGHT["ink"], "linewidth": 1.2})
        right = bool(value > np.sqrt(ends[0] * ends[1]))
        label_top(axes, value, "crossover", right=right)
