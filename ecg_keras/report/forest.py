"""Figures with a name above each row, legible on a phone: differences as a forest, and costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecg_keras.evaluation import Estimate
from ecg_keras.report.style import GUIDE, LIGHT, WIDTH_INCHES, Look, add_legend, in_style, shorten

ROW_INCHES = 0.42
LONGEST_LINE = 52  # characters of a name above its row
# what a difference means has a shape as well as a colour
WORDS: Mapping[str, Look] = {
    "better": {"marker": "^", "color": LIGHT["blue"]},
    "equivalent": {"marker": "s", "color": LIGHT["green"]},
    "worse": {"marker": "v", "color": LIGHT["orange"]},
    "inconclusive": {"marker": "o", "color": LIGHT["muted"], "markerfacecolor": LIGHT["page"]},
}
# seconds from which a unit is used, and what it is called
UNITS = ((7200.0, 3600.0, "hours"), (120.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))


@dataclass(frozen=True)
class ForestRow:
    """One difference, below its name; rows of one group follow one another."""

    name: str
    estimate: Estimate
    word: str = ""  # of its verdict; empty where there is none
    group: str = ""
    before: Estimate | None = None  # where it was under another protocol


@dataclass(frozen=True)
class CostRow:
    """Seconds of one run of a way of training, and of its share of the pre-training."""

    name: str
    group: str
    own: float
    share: float


@in_style
def forest_plot(
    rows: Sequence[ForestRow],
    margin: float | None = None,
    sides: tuple[str, str] = ("worse", "better"),
) -> Figure:
    """Differences, in groups, over the band of ``margin`` within which they do not matter.

    A row with a ``before`` has two lines, the earlier one open and thin, and an arrow from it.
    """
    figure, axes, heights = _start(rows, [1.2 if row.before is None else 1.5 for row in rows])
    if margin is not None:
        axes.axvspan(-margin, margin, color=LIGHT["green"], alpha=0.13, linewidth=0)
        for side in (-margin, margin):
            axes.axvline(side, **{**GUIDE, "color": LIGHT["green"]})
    axes.axvline(0, color=LIGHT["ink"], linewidth=0.9)
    for row, top in zip(rows, heights, strict=True):
        _draw_difference(axes, row, top + 0.68)
    reach = _reach(rows, margin)
    axes.set(xlim=(-reach, reach), xlabel="Difference")
    axes.set_title(f"← {sides[0]}", loc="left", fontsize=8.5, color=LIGHT["muted"])
    axes.set_title(f"{sides[1]} →", loc="right", fontsize=8.5, color=LIGHT["muted"])
    return figure


@in_style
def ledger_plot(costs: Sequence[CostRow]) -> Figure:
    """Time of a run, solid, and its share of the pre-training, open."""
    longest = max(one.own + one.share for one in costs)
    size, unit = next(named[1:] for named in UNITS if longest >= named[0])
    figure, axes, heights = _start(costs, [1.15] * len(costs))
    places = np.array(heights) + 0.6
    own, share = (np.array([getattr(one, name) for one in costs]) / size for name in
                  ("own", "share"))  # fmt: skip
    open_bar: Look = {"color": "none", "edgecolor": LIGHT["orange"], "linewidth": 1.2}
    for number, (place, first, second) in enumerate(zip(places, own, share, strict=True)):
        names = ("one run", "its share of the pre-training") if number == 0 else (None, None)
        axes.barh(place, first, height=0.34, color=LIGHT["blue"], label=names[0])
        axes.barh(place, second, left=first, height=0.34, label=names[1], **open_bar)
    axes.set(xlabel=f"Time in {unit}", xlim=(0, None))
    add_legend(figure)
    return figure


def _start(
    rows: Sequence[ForestRow | CostRow], sizes: Sequence[float]
) -> tuple[Figure, Axes, list[float]]:
    """A figure with the names of rows and groups, and where each row begins, counted in rows."""
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    heights, top, group = [], 0.0, ""
    for row, size in zip(rows, sizes, strict=True):
        if row.group != group:
            group, top = row.group, top + 0.9
            _write(axes, 0, top - 0.5, group, fontweight="bold")
        _write(axes, 0, top + 0.18, row.name)
        if isinstance(row, ForestRow) and row.word:
            colour = WORDS[row.word]["color"]
            colour = LIGHT["orange-text"] if colour == LIGHT["orange"] else colour
            _write(axes, 1, top + 0.18, row.word, ha="right", color=colour)
        heights.append(top)
        top += size
    figure.set_size_inches(WIDTH_INCHES, 0.9 + ROW_INCHES * top)
    axes.set(ylim=(top, -0.1), yticks=[])
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    return figure, axes, heights


def _reach(rows: Sequence[ForestRow], margin: float | None) -> float:
    """The largest finite end of all intervals, and room beyond it."""
    estimates = [one for row in rows for one in (row.estimate, row.before) if one is not None]
    ends = np.abs([(one.value, one.low, one.high) for one in estimates])
    return 1.06 * float(max(*ends[np.isfinite(ends)], 1.6 * (margin or 0), 0.01))


def _write(axes: Axes, x: float, y: float, text: str, **style: Any) -> None:
    style = {"fontsize": 8.5, "ha": "left", "va": "center", "color": LIGHT["ink"], **style}
    axes.text(x, y, shorten(text, LONGEST_LINE), transform=axes.get_yaxis_transform(), **style)


def _draw_difference(axes: Axes, row: ForestRow, y: float) -> None:
    style = WORDS.get(row.word) or _style_unjudged(row.estimate)
    if row.before is not None:
        before, muted = row.before, LIGHT["muted"]
        axes.plot([before.low, before.high], [y, y], color=muted, linewidth=0.9)
        point: Look = {"marker": "o", "markerfacecolor": LIGHT["page"], "markersize": 5}
        axes.plot(before.value, y, color=muted, **point)
        y += 0.34
        arrow = {"arrowstyle": "->", "color": LIGHT["ink"], "linewidth": 0.8}
        start = (before.value, y - 0.34)
        axes.annotate("", (row.estimate.value, y), start, arrowprops=arrow, zorder=4)
    ends = [row.estimate.low, row.estimate.high]
    axes.plot(ends, [y, y], color=style["color"], linewidth=1.6, solid_capstyle="butt")
    axes.plot(row.estimate.value, y, markersize=6, zorder=3, **style)


def _style_unjudged(difference: Estimate) -> Look:
    """Filled where zero is outside of the interval."""
    outside = difference.low > 0 or difference.high < 0
    side = LIGHT["blue"] if difference.value > 0 else LIGHT["orange"]
    colour, face = (side, side) if outside else (LIGHT["muted"], LIGHT["page"])
    return {"marker": "o", "color": colour, "markerfacecolor": face}
