"""The report's colours, each for a light and a dark page, and matplotlib's settings."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import MaxNLocator

Look = dict[str, Any]  # how matplotlib draws something
P = ParamSpec("P")
Drawn = TypeVar("Drawn")

# Series have the colours of Okabe and Ito ("Color universal design", 2008), which stay apart under
# the common colour blindnesses, and never a colour alone. Figures are drawn in the light colours;
# in the page each becomes the CSS variable of its name, so that one figure serves both. Words
# need more contrast than marks and lines do, 4.5 (WCAG 2.2), which orange lacks on a light page.
LIGHT = MappingProxyType(
    {
        "page": "#fefefe",
        "panel": "#f4f5f7",
        "ink": "#1b1b1f",
        "muted": "#5b6068",
        "rule": "#d9dce1",
        "blue": "#0072b2",
        "orange": "#d55e00",
        "orange-text": "#b84f00",
        "green": "#00805d",
        "purple": "#9c4679",
        "paper": "#fff9f7",
        "minor": "#f7d9d2",
        "major": "#eaa99c",
        "trace": "#16161a",
    }
)

DARK = MappingProxyType(
    {
        "page": "#131519",
        "panel": "#1e2127",
        "ink": "#ececf0",
        "muted": "#a9aeb7",
        "rule": "#3b4049",
        "blue": "#56b4e9",
        "orange": "#e69f00",
        "orange-text": "#e69f00",
        "green": "#35c9a0",
        "purple": "#e39ac4",
        "paper": "#1b1516",
        "minor": "#35211f",
        "major": "#653a34",
        "trace": "#f3eeec",
    }
)

# matplotlib makes ticks when it draws, so these hold while a figure is made and while it is written
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": LIGHT["muted"],
    "axes.labelcolor": LIGHT["ink"],
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.labelsize": 9,
    "axes.facecolor": "none",
    "figure.facecolor": LIGHT["page"],
    "grid.color": LIGHT["rule"],
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "legend.labelcolor": LIGHT["ink"],
    "text.color": LIGHT["ink"],
    "text.parse_math": False,
    "xtick.color": LIGHT["muted"],
    "xtick.labelcolor": LIGHT["ink"],
    "ytick.color": LIGHT["muted"],
    "ytick.labelcolor": LIGHT["ink"],
}


RUN: Look = {"color": LIGHT["blue"], "linewidth": 1.6, "linestyle": "-", "zorder": 3}
BASELINE: Look = {"color": LIGHT["orange"], "linewidth": 1.3, "linestyle": (0, (4, 2))}
GUIDE: Look = {"color": LIGHT["muted"], "linewidth": 0.8, "linestyle": (0, (1, 2))}
WIDTH_INCHES = 7.2  # of a figure that is as wide as the text
PHONE_FONT = 15.0  # of the words of a figure as wide as the text, in templates/style.css
LEGEND_LINE = 3.8 * 8.5  # points of a legend's line and the gaps around it
PANEL_INCHES = (3.2, 2.9)  # of one of several side by side


def in_style(draw: Callable[P, Drawn]) -> Callable[P, Drawn]:
    """The same function, which draws in the report's style."""

    @wraps(draw)
    def draw_in_style(*args: P.args, **kwargs: P.kwargs) -> Drawn:
        with matplotlib.rc_context(STYLE):
            return draw(*args, **kwargs)

    return draw_in_style


def shorten(name: str, longest: int) -> str:
    """A name that fits a figure; the tables have it in full."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def text_mm(text: str, size: float) -> float:
    """How wide a line of text is in millimetres, at a size in points."""
    font = FontProperties(size=size)
    with without_font_warnings():
        width, _, _ = text_to_path.get_text_width_height_descent(text, font, False)
    return float(width) / 72 * 25.4


@contextmanager
def without_font_warnings() -> Iterator[None]:
    """Letters that no font of this machine has: the reader's browser has others."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def wrap(text: str, width: float, size: float) -> list[str]:
    """A text in lines no wider than this many millimetres; a word that is wider is divided."""
    lines = []
    for paragraph in text.splitlines():
        line = ""
        for word in re.findall(r"\S+\s*", paragraph):
            if line and text_mm((line + word).rstrip(), size) > width:
                lines.append(line)
                line = ""
            line += word
            while len(line) > 1 and text_mm(line.rstrip(), size) > width:
                fits = (n for n in range(len(line), 1, -1) if text_mm(line[:n], size) <= width)
                end = next(fits, 1)
                lines.append(line[:end])
                line = line[end:]
        lines.append(line)
    return [line.rstrip() for line in lines if line.strip()]


def add_legend(figure: Figure, columns: int = 2, **style: Any) -> None:
    """The legend above the axes, in their constrained layout.

    In a figure as wide as the text its columns have room for the larger words of a phone.
    """
    style = {"borderaxespad": 0.2, "columnspacing": 1.2, **style}
    if figure.get_figwidth() >= WIDTH_INCHES:
        size = STYLE["legend.fontsize"]
        names = [name for axes in figure.axes for name in axes.get_legend_handles_labels()[1]]
        widest = max((text_mm(name, size) for name in names), default=0.0) / 25.4 * 72
        grown = widest * PHONE_FONT / size
        fit = int(72 * figure.get_figwidth() / (grown + LEGEND_LINE))
        columns = min(columns, max(1, fit))
        style |= {"columnspacing": 1.2 + (grown - widest) / size, "labelspacing": 0.8}
    figure.legend(loc="outside upper left", ncols=columns, **style)


def label_top(axes: Axes, x: float, text: str, *, right: bool = False) -> None:
    """A word at the top of the axes beside an upright line, left of it where there is no room."""
    axes.annotate(
        text,
        (x, 1),
        xycoords=("data", "axes fraction"),
        xytext=(-3 if right else 3, -3),
        textcoords="offset points",
        ha="right" if right else "left",
        va="top",
        fontsize=7.5,
        color=LIGHT["muted"],
    )


def whole_numbers(axes: Axes) -> None:
    """Ticks of the horizontal axis at whole numbers only."""
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))
