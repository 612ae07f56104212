"""The figures of a study's comparisons: differences as a forest, before and after, and as scatter.

They are as wide as a phone: names stand above their line, not beside it. What a difference means
is told by shape as well as by colour: an upward triangle is better, a square equivalent, a downward
triangle worse, an open circle inconclusive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecg_keras.evaluation import Estimate
from ecg_keras.report.plots import GUIDE
from ecg_keras.report.style import LIGHT, STYLE

WIDTH_INCHES = 4.4
ROW_INCHES = 0.4
LONGEST_LINE = 52  # characters of a name above its line
WORDS: Mapping[str, dict[str, Any]] = {
    "better": {"marker": "^", "color": LIGHT["blue"]},
    "equivalent": {"marker": "s", "color": LIGHT["green"]},
    "worse": {"marker": "v", "color": LIGHT["orange"]},
    "inconclusive": {"marker": "o", "color": LIGHT["muted"], "markerfacecolor": LIGHT["page"]},
}
DOWNSTREAMS = ("o", "s", "^", "D", "v", "P", "X", "*")
COLOURS = tuple(LIGHT[name] for name in ("blue", "orange", "green", "purple", "ink"))


@dataclass(frozen=True)
class Row:
    """One difference of a forest.

    Attributes:
        name: what stands above its line.
        estimate: the difference.
        word: of its verdict; empty where there is none.
        group: rows of one group follow one another under its name.
        before: where it was under another protocol; none for a plain forest.
    """

    name: str
    estimate: Estimate
    word: str = ""
    group: str = ""
    before: Estimate | None = None


def forest_plot(
    rows: Sequence[Row], margin: float | None = None, sides: tuple[str, str] = ("worse", "better")
) -> Figure:
    """Differences from top to bottom, in groups, over the band of differences that do not matter.

    A row with a ``before`` has two lines: the earlier one open and thin, and an arrow from it.

    Args:
        rows: at least one; those of a group next to one another.
        margin: half the width of the band; none draws no band.
        sides: what lies left and right of zero.
    """
    heights = _heights(rows)
    with matplotlib.rc_context(STYLE):
        inches = 0.75 + ROW_INCHES * heights[-1]
        figure = Figure(figsize=(WIDTH_INCHES, inches), layout="constrained")
        axes = figure.subplots()
        if margin is not None:
            axes.axvspan(-margin, margin, color=LIGHT["green"], alpha=0.13, linewidth=0)
            for side in (-margin, margin):
                axes.axvline(side, **{**GUIDE, "color": LIGHT["green"]})
        axes.axvline(0, color=LIGHT["ink"], linewidth=0.9)
        reach = _reach(rows, margin)
        group = ""
        for row, top in zip(rows, heights, strict=False):
            if row.group != group:
                group = row.group
                _say(axes, 0, top - 0.5, group, fontweight="bold")
            _say(axes, 0, top + 0.18, row.name)
            if row.word:
                _say(axes, 1, top + 0.18, row.word, ha="right", color=WORDS[row.word]["color"])
            _draw(axes, row, top + 0.62, reach)
        axes.set(xlim=(-reach, reach), ylim=(heights[-1], -0.1), xlabel="Difference", yticks=[])
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        muted = {"fontsize": 8.5, "color": LIGHT["muted"]}
        axes.set_title(f"← {sides[0]}", loc="left", **muted)
        axes.set_title(f"{sides[1]} →", loc="right", **muted)
    return figure


def scatter_plot(values: Sequence[tuple[str, float, float]], xlabel: str) -> Figure:
    """Gain over an estimate of it; a shape and a colour for each downstream.

    Args:
        values: downstream, estimate, gain.
        xlabel: what the estimate is.
    """
    names = list(dict.fromkeys(name for name, _, _ in values))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(3.4, 3.0), layout="constrained")
        axes = figure.subplots()
        axes.axhline(0, **GUIDE)
        for index, name in enumerate(names):
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
        axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(5))
        figure.legend(loc="outside upper left", ncols=2, borderaxespad=0.2, columnspacing=1.2)
    return figure


@dataclass(frozen=True)
class Cost:
    """One way of a ledger: seconds of a run, and of its share of the pre-training."""

    name: str
    group: str
    own: float
    share: float


def ledger_plot(costs: Sequence[Cost]) -> Figure:
    """Time of a run, solid, and its share of the pre-training, open, from top to bottom."""
    unit, size = _unit(max(one.own + one.share for one in costs))
    heights = _heights([Row(one.name, Estimate(0, 0, 0), group=one.group) for one in costs])
    with matplotlib.rc_context(STYLE):
        inches = 0.9 + ROW_INCHES * heights[-1]
        figure = Figure(figsize=(WIDTH_INCHES, inches), layout="constrained")
        axes = figure.subplots()
        group = ""
        for number, (one, top) in enumerate(zip(costs, heights, strict=False)):
            if one.group != group:
                group = one.group
                _say(axes, 0, top - 0.5, group, fontweight="bold")
            _say(axes, 0, top + 0.18, one.name)
            bar = {"height": 0.34, "y": top + 0.6}
            axes.barh(
                width=one.own / size,
                color=LIGHT["blue"],
                label="one run" if number == 0 else None,
                **bar,
            )
            axes.barh(
                width=one.share / size,
                left=one.own / size,
                color="none",
                edgecolor=LIGHT["orange"],
                linewidth=1.2,
                label="its share of the pre-training" if number == 0 else None,
                **bar,
            )
        axes.set(ylim=(heights[-1], -0.1), xlabel=f"Time in {unit}", yticks=[], xlim=(0, None))
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        figure.legend(loc="outside upper left", ncols=2, borderaxespad=0.2, columnspacing=1.2)
    return figure


def shorten(name: str, longest: int = LONGEST_LINE) -> str:
    """A name that fits a figure; the tables have it in full."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def _unit(seconds: float) -> tuple[str, float]:
    """The unit that fits so many seconds, and how many of them it has."""
    units = (("hours", 3600.0), ("minutes", 60.0))
    return next((one for one in units if seconds >= 2 * one[1]), ("seconds", 1.0))


def _heights(rows: Sequence[Row]) -> list[float]:
    """Where each row begins, in rows from the top, and where the last one ends."""
    heights, top, group = [], 0.0, ""
    for row in rows:
        if row.group != group:
            group, top = row.group, top + 0.9
        heights.append(top)
        top += 1.15 if row.before is None else 1.45
    return [*heights, top]


def _reach(rows: Sequence[Row], margin: float | None) -> float:
    ends = [
        abs(end)
        for row in rows
        for one in (row.estimate, row.before)
        if one is not None
        for end in (one.value, one.low, one.high)
        if np.isfinite(end)
    ]
    return 1.06 * max(*ends, 1.6 * (margin or 0), 0.01)


def _say(axes: Axes, x: float, y: float, text: str, **style: Any) -> None:
    style = {"fontsize": 8.5, "ha": "left", "va": "center", "color": LIGHT["ink"], **style}
    axes.text(x, y, shorten(text), transform=axes.get_yaxis_transform(), **style)


def _draw(axes: Axes, row: Row, y: float, reach: float) -> None:
    style = WORDS.get(row.word) or _unjudged(row.estimate)
    line = {"color": style["color"], "linewidth": 1.6, "solid_capstyle": "butt"}
    if row.before is not None:
        before = row.before
        open_style = {"color": LIGHT["muted"], "markerfacecolor": LIGHT["page"], "markersize": 5}
        axes.plot([before.low, before.high], [y, y], color=LIGHT["muted"], linewidth=0.9)
        axes.plot(before.value, y, marker="o", **open_style)
        y += 0.34
        arrow = {"arrowstyle": "->", "color": LIGHT["ink"], "linewidth": 0.8}
        axes.annotate(
            "", (row.estimate.value, y), (before.value, y - 0.34), arrowprops=arrow, zorder=4
        )
    axes.plot([row.estimate.low, row.estimate.high], [y, y], **line)
    axes.plot(row.estimate.value, y, markersize=6, zorder=3, **style)


def _unjudged(difference: Estimate) -> dict[str, Any]:
    outside = difference.low > 0 or difference.high < 0
    colour = LIGHT["blue"] if difference.value > 0 else LIGHT["orange"]
    colour = colour if outside else LIGHT["muted"]
    return {
        "marker": "o",
        "color": colour,
        "markerfacecolor": colour if outside else LIGHT["page"],
    }
