"""How features are distributed in two or three sets of recordings; the first is filled."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from matplotlib.axis import Axis
from matplotlib.figure import Figure

from ecg_keras.array_types import Float64Array
from ecg_keras.report.style import (
    LIGHT,
    PANEL_INCHES,
    WIDTH_INCHES,
    Look,
    add_legend,
    in_style,
    shorten,
)
from ecg_keras.validation import Numbers, Texts

STYLES: tuple[Look, ...] = (
    {"color": LIGHT["blue"], "linestyle": "-", "marker": "o"},
    {"color": LIGHT["orange"], "linestyle": (0, (4, 2)), "marker": "D"},
    {"color": LIGHT["green"], "linestyle": (0, (1, 1.5)), "marker": "s"},
)
BINS = 24
MOST_VALUES = 16
# shown is what is between these shares of every set; the outermost bins hold the rest
ENDS = (0.005, 0.995)
# values within this share of each other are one value, of which rounding makes several
ROUNDING = 1e-4
# medians this many times apart need a logarithmic axis to be seen beside each other
FAR = 10.0


@in_style
def numbers_plot(sets: Mapping[str, Numbers], xlabel: str) -> Figure:
    """The share of the recordings in each bin, for each set that has any; the first is filled."""
    drawn = {name: one for name, one in sets.items() if one.quantiles}
    edges, logarithmic = _edges(tuple(drawn.values()))
    figure = Figure(figsize=PANEL_INCHES, layout="constrained")
    axes = figure.subplots()
    # each set keeps its style where another has nothing to draw
    styles = [style for style, name in zip(STYLES, sets, strict=False) if name in drawn]
    for style, (name, one) in zip(styles, drawn.items(), strict=True):
        shares = np.diff(_below(one, edges))
        shares[0] += _below(one, edges[:1])[0]
        shares[-1] += 1 - _below(one, edges[-1:])[0]
        line: Look = {"color": style["color"], "linestyle": style["linestyle"], "linewidth": 1.5}
        if style is STYLES[0]:
            axes.stairs(shares, edges, fill=True, color=LIGHT["blue"], alpha=0.3)
        axes.stairs(shares, edges, label=name, **line)
    if logarithmic:
        axes.set_xscale("log")
        _write_powers(axes.xaxis)
    else:
        axes.ticklabel_format(axis="x", useOffset=False)
    axes.set(xlabel=xlabel, ylabel="Share of recordings", ylim=(0, None))
    add_legend(figure, len(drawn))
    return figure


@in_style
def texts_plot(sets: Mapping[str, Texts]) -> Figure:
    """The share of the recordings with each value, the most frequent ones from above.

    A recording may have several values, or none.
    """
    shares = {
        name: {value: count / max(1, one.records) for value, count in one.counts.items()}
        for name, one in sets.items()
    }
    values = sorted(
        {value for one in shares.values() for value in one},
        key=lambda value: (-max(one.get(value, 0.0) for one in shares.values()), value),
    )[:MOST_VALUES]
    height = 0.8 / len(sets)
    inches = 0.9 + max(1.0, 0.14 * len(values) * (1 + len(sets)))
    figure = Figure(figsize=(PANEL_INCHES[0], inches), layout="constrained")
    axes = figure.subplots()
    for index, (style, (name, one)) in enumerate(zip(STYLES, shares.items(), strict=False)):
        places = np.arange(len(values)) + (index - (len(sets) - 1) / 2) * height
        axes.barh(
            places,
            [one.get(value, 0.0) for value in values],
            height=0.9 * height,
            label=name,
            facecolor=style["color"] if index == 0 else LIGHT["page"],
            edgecolor=style["color"],
            linestyle=style["linestyle"],
            linewidth=1.2,
        )
    axes.set_yticks(range(len(values)), [shorten(value, 14) for value in values])
    axes.set(xlabel="Share of recordings", xlim=(0, None))
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    add_legend(figure, len(sets))
    return figure


@in_style
def leads_plot(sets: Mapping[str, Sequence[Numbers]], leads: Sequence[str], ylabel: str) -> Figure:
    """For each lead the median of each set, and the range of nine tenths of its recordings."""
    figure = Figure(figsize=(WIDTH_INCHES, 2.8), layout="constrained")
    axes = figure.subplots()
    if _leads_are_far_apart(sets.values()):
        axes.set_yscale("log")
        _write_powers(axes.yaxis)
    for index, (style, (name, ours)) in enumerate(zip(STYLES, sets.items(), strict=False)):
        places = np.arange(len(leads)) + (index - (len(sets) - 1) / 2) * 0.24
        low, middle, high = np.array(
            [[_quantile(one, share) for share in (0.05, 0.5, 0.95)] for one in ours]
        ).T
        axes.vlines(places, low, high, color=style["color"], linestyle=style["linestyle"])
        point = {"color": style["color"], "marker": style["marker"], "markersize": 4}
        axes.plot(places, middle, linestyle="none", label=name, **point)
    axes.set_xticks(range(len(leads)), leads)
    axes.set(ylabel=ylabel)
    axes.grid(axis="x", visible=False)
    add_legend(figure, len(sets))
    return figure


def _edges(sets: Sequence[Numbers]) -> tuple[Float64Array, bool]:
    """The edges of bins that show all sets, and whether they are equal in the logarithm."""
    low = min(_quantile(one, ENDS[0]) for one in sets)
    high = max(_quantile(one, ENDS[1]) for one in sets)
    medians = [one.median for one in sets]
    if low > 0 and max(medians) > FAR * min(medians):
        return np.geomspace(low, max(high, 1.01 * low), BINS + 1), True
    if high - low <= ROUNDING * max(abs(low), abs(high)):
        room = abs(low) / 2 or 0.5
        return np.linspace(low - room, low + room, BINS + 1), False
    return np.linspace(low, high, BINS + 1), False


def _leads_are_far_apart(sets: Collection[Sequence[Numbers]]) -> bool:
    """Whether the leads of one set would be at zero beside those of another."""
    known = [drawn for ours in sets if (drawn := [one for one in ours if one.quantiles])]
    if not known or min(_quantile(one, 0.05) for ours in known for one in ours) <= 0:
        return False
    middles = [np.median([one.median for one in ours]) for ours in known]
    return bool(max(middles) > FAR * min(middles))


def _write_powers(axis: Axis) -> None:
    """As plain numbers: powers of ten would need mathematical text."""
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter("")


def _below(one: Numbers, points: Float64Array) -> Float64Array:
    """The share of values below each point."""
    values, shares = np.array(one.quantiles).T
    below: Float64Array = np.interp(points, values, shares, left=0.0, right=1.0)
    if len(values) == 1:
        below = (points > values[0]).astype(np.float64)
    return below


def _quantile(one: Numbers, share: float) -> float:
    if not one.quantiles:
        return math.nan
    values, shares = np.array(one.quantiles).T
    if share == 0.5:
        return one.median
    return float(np.interp(share, shares, values))
