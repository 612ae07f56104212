"""What drove an answer, marked on an ECG as with a pen: behind the trace, which stays as it is.

What speaks for the label is a solid band, what speaks against it a dotted one of another colour, so
that they differ for a reader who sees no colour, and in grey print. Bands are wider and darker the
more they say, in four steps; below the first there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from ecg_keras.array_types import BoolArray, Float64Array
from ecg_keras.errors import DataError
from ecg_keras.report.style import LIGHT, Look, text_mm, wrap
from ecg_keras.text import percent

POINTS_PER_MM = 72 / 25.4
# from which share of the largest value on a step holds, and how wide (mm) and dark its band is
STEPS = ((0.15, 1.2, 0.35), (0.3, 1.7, 0.5), (0.5, 2.2, 0.65), (0.75, 2.8, 0.8))
FOR, AGAINST = "orange", "blue"
# heights in millimetres: of the strip that sums up all leads, and of what explains the colours
STRIP_MM, LEGEND_MM, TEXT_MM = 8.0, 9.0, 4.0
SWATCH_MM, GAP_MM = 7.0, 5.0
# millimetres of the words before the steps of each side
SIDES = ((6.0, "for", FOR), (13.0, "against", AGAINST))
FONT = 8.0


@dataclass(frozen=True, eq=False)
class Colours:
    """Values from -1 to 1 for each sample of each lead, and of all leads together."""

    of_leads: Float64Array  # (num_samples, num_leads)
    together: Float64Array  # (num_samples,)
    signed: bool
    title: str


def colours_of(colour: npt.ArrayLike, shape: tuple[int, ...], title: str) -> Colours:
    """The colours of an ECG of a shape, from an array for all leads together or for each.

    Both are shares of their own largest: the sum over the leads says when, the leads where.
    """
    values = np.asarray(colour, np.float64)
    if values.shape not in (shape, shape[:1]):
        raise DataError(
            "colour must have the shape of the ECG, (num_samples, num_leads) = "
            f"{shape}, or {shape[:1]}. Received: {values.shape}."
        )
    if not np.isfinite(values).all():
        raise DataError("colour must be finite. Received: NaN or infinite values.")
    together = values if values.ndim == 1 else values.sum(axis=1)
    of_leads = np.broadcast_to(_shares(values).reshape(shape[0], -1), shape)
    return Colours(of_leads, _shares(together), bool((values < 0).any()), title)


def _shares(values: Float64Array) -> Float64Array:
    largest = float(np.abs(values).max(initial=0))
    return values / largest if largest else np.zeros_like(values)


def draw_bands(
    axes: Axes, x: Float64Array, y: Float64Array, shares: Float64Array, gid: str = ""
) -> None:
    """Marks a trace by its shares, one band for each step on either side of zero."""
    for sign, name in ((1, FOR), (-1, AGAINST)):
        step = np.searchsorted([least for least, _, _ in STEPS], sign * shares, side="right")
        for number in range(1, len(STEPS) + 1):
            if (step == number).any():
                across, upward = _runs(x, y, step == number)
                axes.plot(across, upward, gid=gid or None, **band_look(number, name))


def band_look(number: int, name: str) -> Look:
    _, width, alpha = STEPS[number - 1]
    # in widths, as matplotlib counts: dots of half a millimetre, whatever the width
    line = "-" if name == FOR else (0, (0.5 / width, 0.4 / width))
    return {
        "color": LIGHT[name],
        "alpha": alpha,
        "linewidth": width * POINTS_PER_MM,
        "linestyle": line,
        "solid_capstyle": "butt",
        "dash_capstyle": "butt",
        "solid_joinstyle": "round",
        "dash_joinstyle": "round",
    }


def _runs(x: Float64Array, y: Float64Array, wanted: BoolArray) -> tuple[Float64Array, Float64Array]:
    """The pieces of a trace around the wanted samples, each half a sample longer at both ends."""
    edges = np.diff(np.concatenate([[0], wanted.astype(int), [0]]))
    pieces = []
    for first, last in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        places = np.arange(first, last)
        ends = np.clip([first - 0.5, last - 0.5], 0, len(x) - 1)
        where = np.unique(np.concatenate([places, ends]))
        both = [np.interp(where, np.arange(len(x)), one) for one in (x, y)]
        pieces.append(np.stack([*both], axis=1))
        pieces.append(np.full((1, 2), np.nan))
    joined = np.concatenate(pieces)
    return joined[:, 0], joined[:, 1]


def draw_strip(axes: Axes, x: Float64Array, y: float, colours: Colours) -> None:
    """All leads together over the whole time, below the ECG."""
    draw_bands(axes, x, np.full(len(x), y), colours.together[: len(x)], "together")
    axes.text(
        x[0] - 1, y, "all leads", color=LIGHT["trace"], fontsize=FONT, ha="right", va="center"
    )


def legend_lines(colours: Colours, width: float) -> list[list[tuple[float, str, str]]]:
    """The steps and what they are shares of, in lines of a width in millimetres.

    A line is (millimetres from its left, words, colour whose steps follow, if any).
    """
    steps = len(STEPS) * SWATCH_MM
    items = [(wide + steps, words, name) for wide, words, name in SIDES[: 1 + colours.signed]]
    items += [(text_mm(one, FONT), one, "") for one in wrap(colours.title, width, FONT)]
    lines: list[list[tuple[float, str, str]]] = []
    x = np.inf
    for wide, words, name in items:
        if x + wide > width:
            lines.append([])
            x = 0.0
        lines[-1].append((x, words, name))
        x += wide + GAP_MM
    return lines


def line_mm(line: list[tuple[float, str, str]]) -> float:
    """The height of a line of the legend."""
    return LEGEND_MM if any(name for _, _, name in line) else TEXT_MM


def draw_legend(
    axes: Axes, left: float, top: float, lines: list[list[tuple[float, str, str]]]
) -> None:
    """What `legend_lines` made, below ``top``."""
    text: Look = {"color": LIGHT["trace"], "fontsize": FONT, "va": "center"}
    for line in lines:
        y = top - line_mm(line) / 2
        top -= line_mm(line)
        for start, words, name in line:
            x = left + start
            axes.text(x, y, words, **text)
            x += next((wide for wide, _, one in SIDES if one == name), 0.0)
            for number, (least, _, _) in enumerate(STEPS if name else (), start=1):
                axes.plot([x, x + SWATCH_MM], [y + 1, y + 1], **band_look(number, name))
                below: Look = {**text, "fontsize": 6.5, "ha": "center"}
                axes.text(x + SWATCH_MM / 2, y - 2, percent(least), **below)
                x += SWATCH_MM
