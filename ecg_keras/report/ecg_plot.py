"""An ECG drawn as on paper: 25 mm/s, 10 mm/mV, a line every millimetre and a bold one every five.

The layout of a 12-lead ECG is the customary one of three rows and four columns with lead II below
as the rhythm strip (Kligfield et al., "Recommendations for the standardization and interpretation
of the electrocardiogram: Part I", Circulation 2007, 115:1306-1324, section "Display").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecg_keras.array_types import Float32Array, Float64Array
from ecg_keras.attribution import Explanation
from ecg_keras.errors import DataError
from ecg_keras.records import Signal
from ecg_keras.report.ecg_colour import (
    STRIP_MM,
    colours_of,
    draw_bands,
    draw_legend,
    draw_strip,
    legend_lines,
    line_mm,
)
from ecg_keras.report.style import LIGHT, Look, in_style, wrap

MM_PER_SECOND = 25.0
MM_PER_MV = 10.0
MM_PER_INCH = 25.4
LONGEST_S = 10.0
COLUMNS_S = 2.0  # of less, the names of four leads in a row would overlap
COLUMNS = 4
STANDARD = (
    ("I", "aVR", "V1", "V4"),
    ("II", "aVL", "V2", "V5"),
    ("III", "aVF", "V3", "V6"),
    ("II",),
)
LEFT_MM, RIGHT_MM, TOP_MM, BOTTOM_MM = 15.0, 5.0, 5.0, 8.0
NARROWEST_MM = 65.0  # of paper, so that what is written on it has room beside a short recording
TITLE_FONT, TITLE_MM, TITLE_GAP_MM = 10.8, 4.7, 3.3  # points; a line of it, and what is around all
NAME_MM = 5.0  # headroom of a row for its lead names
UP_MM, DOWN_MM = (10.0, 30.0), (5.0, 25.0)  # least and most that a row gets above and below 0 mV


@in_style
def plot_ecg(
    signal: npt.ArrayLike,
    *,
    sampling_rate: float,
    leads: Sequence[str],
    title: str | None = None,
    colour: npt.ArrayLike | None = None,
    colour_title: str = "share of the largest value",
) -> Figure:
    """Draws an ECG on millimetre paper, true to scale when the figure keeps its size.

    The standard twelve leads are drawn in three rows of four columns, each column a quarter of the
    time, over a rhythm strip of lead II; any other set of leads, and less than two seconds, has one
    row per lead. At most the first ten seconds are drawn. Nothing is filtered; each lead is drawn
    around its median, as an ECG's constant offset means nothing.

    Args:
        signal: ``(num_samples, num_leads)`` in millivolts.
        sampling_rate: in Hz.
        leads: names in column order.
        title: above the ECG, in as many lines as it needs.
        colour: how much each sample says, ``(num_samples, num_leads)``, or ``(num_samples,)`` for
            all leads together, such as attributions: positive for the label, negative against it.
            Bands behind the traces show it in steps, as shares of its largest value; a strip below
            shows all leads together over the whole time, and a legend the steps.
        colour_title: in the legend, what ``colour`` is.

    Returns:
        A figure whose only axes count millimetres of paper.

    Raises:
        DataError: a shape does not fit the leads, a sample or colour is not finite, there is no
            sample, or the rate is not above 0 Hz.

    Example:
        >>> import numpy as np
        >>> figure = plot_ecg(np.zeros((1000, 2)), sampling_rate=100, leads=("I", "II"))
        >>> figure.axes[0].get_xlabel()
        '25 mm/s, 10 mm/mV'
    """
    ecg = Signal(np.asarray(signal, np.float32), float(sampling_rate), tuple(leads))
    if not np.isfinite(ecg.values).all():
        raise DataError("an ECG to draw must be finite. Received: NaN or infinite samples.")
    samples = min(len(ecg.values), round(LONGEST_S * ecg.sampling_rate))
    if not samples:
        raise DataError("an ECG to draw needs at least one sample. Received: none.")
    values = ecg.values[:samples] - np.median(ecg.values[:samples], axis=0)
    columns = {lead: values[:, index] for index, lead in enumerate(ecg.leads)}
    standard = {lead for row in STANDARD for lead in row} == set(ecg.leads)
    standard &= samples / ecg.sampling_rate >= COLUMNS_S
    rows = STANDARD if standard else tuple((lead,) for lead in ecg.leads)
    segments = [_segments(columns, row) for row in rows]
    colours, shares = None, {}
    if colour is not None:
        colours = colours_of(colour, ecg.values.shape, colour_title)
        shares = {lead: colours.of_leads[:, index] for index, lead in enumerate(ecg.leads)}
    extents = [_extent(row) for row in segments]

    width = LEFT_MM + samples / ecg.sampling_rate * MM_PER_SECOND + RIGHT_MM
    width = max(width, NARROWEST_MM)
    legend = [] if colours is None else legend_lines(colours, width - LEFT_MM - RIGHT_MM)
    below = sum(line_mm(line) for line in legend) + (0.0 if colours is None else STRIP_MM)
    height = TOP_MM + sum(up + down for up, down in extents) + below + BOTTOM_MM
    titles = wrap(title or "", width - RIGHT_MM, TITLE_FONT)
    title_mm = TITLE_MM * len(titles) + (TITLE_GAP_MM if titles else 0.0)
    size = (width / MM_PER_INCH, (height + title_mm) / MM_PER_INCH)
    figure = Figure(figsize=size, facecolor=LIGHT["page"])
    axes = figure.add_axes((0, 0, 1, height / (height + title_mm)))
    draw_paper(axes, width, height)
    if titles:
        look: Look = {"color": LIGHT["ink"], "fontsize": TITLE_FONT, "x": 1 / width}
        axes.set_title("\n".join(titles), loc="left", **look)
    top = height - TOP_MM
    for row, names, (up, down) in zip(segments, rows, extents, strict=True):
        _draw_row(axes, row, names, top - up, up, ecg.sampling_rate, shares)
        top -= up + down
    if colours is not None:
        across = LEFT_MM + np.arange(samples) / ecg.sampling_rate * MM_PER_SECOND
        draw_strip(axes, across, top - STRIP_MM / 2, colours)
        draw_legend(axes, LEFT_MM, top - STRIP_MM, legend)
    return figure


def draw_explained(signal: Signal, explanation: Explanation | None) -> Figure:
    """An ECG, with what an answer about it rests on, if that is known."""
    return plot_ecg(
        signal.values,
        sampling_rate=signal.sampling_rate,
        leads=signal.leads,
        colour=None if explanation is None else explanation.smoothed,
        colour_title="" if explanation is None else explanation.title,
    )


def part_drawn(signal: Signal) -> str:
    """What of an ECG is drawn, where that is not all of it; else empty."""
    if len(signal.values) <= round(LONGEST_S * signal.sampling_rate):
        return ""
    seconds = len(signal.values) / signal.sampling_rate
    return f"drawn are the first {LONGEST_S:g} of {seconds:,.4g} s"


def scale_of(signal: Signal) -> str:
    """The scale of a drawing, and what it is of, for its text alternative."""
    part = part_drawn(signal)
    return f"{MM_PER_SECOND:g} mm/s, {MM_PER_MV:g} mm/mV{part and f'; {part}'}"


def _segments(
    columns: dict[str, Float32Array], row: tuple[str, ...]
) -> list[tuple[int, Float32Array]]:
    """For each lead of a row, the sample it starts at and the samples that are drawn."""
    samples = len(columns[row[0]])
    edges = [round(samples * index / len(row)) for index in range(len(row) + 1)]
    return [
        # one sample more, so that the trace continues where the next lead takes over
        (start, columns[lead][start : stop + 1])
        for lead, start, stop in zip(row, edges[:-1], edges[1:], strict=True)
    ]


def _extent(row: list[tuple[int, Float32Array]]) -> tuple[float, float]:
    """Millimetres above and below 0 mV, in whole five-millimetre squares."""
    drawn = np.concatenate([values for _, values in row])
    up = 5 * np.ceil(float(drawn.max()) * MM_PER_MV / 5)
    down = 5 * np.ceil(-float(drawn.min()) * MM_PER_MV / 5)
    return float(np.clip(up, *UP_MM)) + NAME_MM, float(np.clip(down, *DOWN_MM))


def draw_paper(axes: Axes, width: float, height: float) -> None:
    """Millimetre paper of this size on axes that count millimetres."""
    axes.set(xlim=(0, width), ylim=(0, height), xticks=[], yticks=[], facecolor=LIGHT["paper"])
    axes.set_xlabel(f"{MM_PER_SECOND:g} mm/s, {MM_PER_MV:g} mm/mV")
    axes.xaxis.label.set_visible(False)  # outside the paper: it is written on it below
    axes.spines[:].set_visible(False)
    for name, step, line in (("minor", 1, 0.35), ("major", 5, 0.6)):
        across = np.arange(0, width + 1e-6, step)
        upward = np.arange(height, -1e-6, -step)
        x = np.concatenate([_broken(across, across), _broken(0 * upward, 0 * upward + width)])
        y = np.concatenate([_broken(0 * across, 0 * across + height), _broken(upward, upward)])
        axes.plot(x, y, color=LIGHT[name], linewidth=line, gid=f"paper-{name}")
    axes.text(
        LEFT_MM, BOTTOM_MM / 2, axes.get_xlabel(), color=LIGHT["trace"], fontsize=8, va="center"
    )


def _broken(first: Float64Array, second: Float64Array) -> Float64Array:
    """Many two-point lines as one: each pair is followed by a gap."""
    gap = np.full_like(first, np.nan, dtype=np.float64)
    broken: Float64Array = np.stack([first, second, gap], axis=1).ravel()
    return broken


def _draw_row(
    axes: Axes,
    row: list[tuple[int, Float32Array]],
    names: tuple[str, ...],
    zero: float,
    up: float,
    sampling_rate: float,
    shares: Mapping[str, Float64Array],
) -> None:
    """Draws one row with its calibration pulse; ``zero`` is the height of 0 mV in millimetres."""
    style: Look = {"color": LIGHT["trace"], "solid_joinstyle": "round"}
    pulse = np.array([(0, 0), (2.5, 0), (2.5, 1), (7.5, 1), (7.5, 0), (10, 0)])
    axes.plot(2.5 + pulse[:, 0], zero + MM_PER_MV * pulse[:, 1], linewidth=0.9, **style)
    for name, (start, values) in zip(names, row, strict=True):
        x = LEFT_MM + (start + np.arange(len(values))) / sampling_rate * MM_PER_SECOND
        if name in shares:
            marked = shares[name][start : start + len(values)]
            draw_bands(axes, x, zero + MM_PER_MV * values, marked, f"bands-{name}")
        axes.plot(x, zero + MM_PER_MV * values, linewidth=0.9, gid=f"lead-{name}", **style)
        if start:
            axes.plot([x[0], x[0]], [zero - 3, zero + 3], linewidth=0.6, **style)
        axes.text(
            x[0] + 1,
            zero + up - 1,
            name,
            color=LIGHT["trace"],
            fontweight="bold",
            va="top",
        )
