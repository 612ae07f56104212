"""Draws each random change of docs/augmentation.md on simulated ECGs, before and after.

    python tools/augmentation_plots.py               # into docs/images/
    python tools/augmentation_plots.py --folder /tmp/look

The same seeds and settings give the same pictures: run it again after a change of
`ecg_keras/data/augment.py`.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecg_keras.array_types import Float32Array

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib
import numpy as np
import tensorflow as tf
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecg_keras.config import Augment
from ecg_keras.data.augment import augment
from ecg_keras.data.settings import check_augment
from ecg_keras.files import replacing
from ecg_keras.report.ecg_plot import MM_PER_INCH, MM_PER_MV, MM_PER_SECOND, draw_paper
from ecg_keras.report.style import LIGHT, STYLE
from ecg_keras.signals import LEADS, resample
from ecg_keras.simulate import record_ecg

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images"
WIDTH_MM, LEFT_MM, TOP_MM, BOTTOM_MM = 265.0, 7.5, 10.0, 5.0
GREY = "#a3a3a8"
COLOURS = (LIGHT["blue"], LIGHT["orange"], LIGHT["green"])
# of the simulated hospital lakeside, without its noise: two healthy hearts, of large and of small
# amplitudes, and a left bundle branch block
LARGE, SMALL, BLOCK = 6, 1, 3
LABELS = ("NORM", "CLBBB")


@dataclass(frozen=True)
class Plot:
    """A picture of one change.

    Attributes:
        settings: as under ``training.augment`` of a recipe.
        draw: draws it, one trace or column for each of the variants.
        variants: a seed and what differs from the settings.
        rate: Hz of the ECG.
    """

    settings: Mapping[str, Any]
    draw: Callable[[Plot], Figure]
    variants: tuple[tuple[int, Mapping[str, Any]], ...] = ((0, {}), (1, {}), (2, {}))
    rate: float = 100.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the pictures go")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, plot in PLOTS.items():
        path = folder / f"augment-{name}.svg"
        write(plot.draw(plot), path)
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def write(figure: Figure, path: Path) -> None:
    """An SVG that is the same in each run, with coordinates to a tenth of a point."""
    settings = {**STYLE, "svg.fonttype": "none", "svg.hashsalt": "ecg_keras"}
    with matplotlib.rc_context(settings), replacing(path) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None, "Creator": None})
        text = re.sub(r' d="[^"]+"', rounded, temporary.read_text())
        text = re.sub(r"'DejaVu Sans'[^;\"]*sans-serif", "system-ui, sans-serif", text)
        temporary.write_text(text)


def rounded(path: re.Match[str]) -> str:
    """Coordinates to a tenth; a point that follows another needs no letter for its line."""
    text = re.sub(r"-?\d+\.\d{2,}", lambda one: f"{float(one[0]):.1f}", path[0])
    return text.replace(" \nL ", " ")


def recording(index: int, rate: float) -> Float32Array:
    """Ten seconds of a simulated ECG, ``(num_samples, 12)`` in mV."""
    ecg = record_ecg("lakeside", index, noise=False)
    return resample(ecg.values, ecg.sampling_rate, rate)


def change(
    ecgs: Float32Array, settings: Mapping[str, Any], rate: float, seed: int
) -> tuple[Float32Array, Float32Array]:
    """A batch and the targets of as many labels, changed."""
    chosen = Augment(**settings)
    check_augment(chosen, leads=LEADS, sampling_rate=rate, num_samples=ecgs.shape[1])
    signal, target = augment(
        tf.constant(ecgs),
        tf.eye(len(ecgs)),
        chosen,
        sampling_rate=rate,
        leads=LEADS,
        seed=tf.constant((0, seed), tf.int64),
    )
    return signal.numpy(), target.numpy()


# ---------------------------------------------------------------- layouts


def draw_strips(plot: Plot) -> Figure:
    """Ten seconds of lead II for each variant, one below the other."""
    before = recording(LARGE, plot.rate)
    figure, axes, top = sheet(30.0 * len(plot.variants))
    for number, (seed, other) in enumerate(plot.variants):
        (after,), _ = change(before[np.newaxis], {**plot.settings, **other}, plot.rate, seed)
        zero = top - 20 - 30 * number
        trace(axes, before[:, 1], LEFT_MM, zero, plot.rate, GREY)
        start = LEFT_MM
        if len(after) < len(before):  # a crop is drawn where it was
            start += MM_PER_SECOND * find(after, before) / plot.rate
            edges = start, start + MM_PER_SECOND * len(after) / plot.rate
            axes.axvspan(*edges, *np.divide((zero - 8, zero + 16), axes.get_ylim()[1]), **SHADE)
        trace(axes, after[:, 1], start, zero, plot.rate, COLOURS[number])
        write_at(axes, LEFT_MM, zero + 17, f"II, {say(seed, other)}")
    return figure


def draw_columns(plot: Plot) -> Figure:
    """Three seconds of leads II and V2, a column for each variant."""
    before = recording(LARGE, plot.rate)
    samples = round(3 * plot.rate)
    figure, axes, top = sheet(62.0)
    for number, (seed, other) in enumerate(plot.variants):
        (after,), _ = change(before[np.newaxis], {**plot.settings, **other}, plot.rate, seed)
        left = LEFT_MM + 85 * number
        for lead, zero in (("II", top - 22), ("V2", top - 50)):
            column = LEADS.index(lead)
            trace(axes, before[:samples, column], left, zero, plot.rate, GREY)
            trace(axes, after[:samples, column], left, zero, plot.rate, COLOURS[number])
            write_at(axes, left, zero + 13, lead)
        write_at(axes, left, top - 1, say(seed, other))
    return figure


def draw_leads(plot: Plot) -> Figure:
    """Three seconds of all twelve leads, a column for each variant."""
    before = recording(SMALL, plot.rate)
    samples = round(2.8 * plot.rate)
    figure, axes, top = sheet(12 * 13.0 + 8)
    for number, (seed, other) in enumerate(plot.variants):
        (after,), _ = change(before[np.newaxis], {**plot.settings, **other}, plot.rate, seed)
        left = LEFT_MM + 85 * number
        for row, lead in enumerate(LEADS):
            zero = top - 16 - 13 * row
            if not np.array_equal(after[:, row], before[:, row]):
                trace(axes, before[:samples, row], left + 8, zero, plot.rate, GREY)
            trace(axes, after[:samples, row], left + 8, zero, plot.rate, COLOURS[number])
            write_at(axes, left, zero + 2, lead)
        write_at(axes, left, top - 1, f"seed {seed}")
    return figure


def draw_pairs(plot: Plot) -> Figure:
    """Three seconds of lead V2 of two ECGs, and of their mixture, a column for each variant."""
    pair = np.stack([recording(index, plot.rate) for index in (LARGE, BLOCK)])
    samples = round(3 * plot.rate)
    column = LEADS.index("V2")
    figure, axes, top = sheet(84.0)
    for number, (seed, other) in enumerate(plot.variants):
        (after, _), (target, _) = change(pair, {**plot.settings, **other}, plot.rate, seed)
        left = LEFT_MM + 85 * number
        parts = [f"{share:.2f} {label}" for share, label in zip(target, LABELS, strict=True)]
        for row, (caption, values, colour) in enumerate(
            [
                (f"V2, {LABELS[0]}", pair[0], GREY),
                (f"V2, {LABELS[1]}", pair[1], GREY),
                (f"V2, {', '.join(parts)}, seed {seed}", after, COLOURS[number]),
            ]
        ):
            zero = top - 16 - 28 * row
            trace(axes, values[:samples, column], left, zero, plot.rate, colour)
            write_at(axes, left, zero + 13, caption)
    return figure


# ---------------------------------------------------------------- on paper


def sheet(height: float) -> tuple[Figure, Axes, float]:
    """Millimetre paper with this height for traces, and where their uppermost millimetre is."""
    full = TOP_MM + height + BOTTOM_MM
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_MM / MM_PER_INCH, full / MM_PER_INCH))
        axes = figure.add_axes((0, 0, 1, 1))
        draw_paper(axes, WIDTH_MM, full)
    return figure, axes, full - TOP_MM + 5


def trace(
    axes: Axes, values: Float32Array, left: float, zero: float, rate: float, colour: str
) -> None:
    x = left + np.arange(len(values)) / rate * MM_PER_SECOND
    axes.plot(x, zero + MM_PER_MV * values, color=colour, linewidth=1.1, solid_joinstyle="round")


def write_at(axes: Axes, x: float, y: float, text: str) -> None:
    axes.text(x, y, text, color=LIGHT["trace"], fontsize=9, fontweight="bold", va="center")


def say(seed: int, other: Mapping[str, Any]) -> str:
    return ", ".join([f"seed {seed}", *(f"{key}: {value:g}" for key, value in other.items())])


def find(window: Float32Array, ecg: Float32Array) -> int:
    """The sample at which the window starts."""
    starts = range(len(ecg) - len(window) + 1)
    return next(at for at in starts if np.array_equal(ecg[at : at + len(window)], window))


SHADE = {"facecolor": LIGHT["page"], "edgecolor": LIGHT["muted"], "linewidth": 0.6, "zorder": 1.5}

PLOTS = {
    "crop": Plot({"crop": 2.5}, draw_strips),
    "shift": Plot({"shift": 0.5}, draw_strips),
    "gain": Plot({"gain": 0.2}, draw_columns, ((0, {}), (3, {}), (7, {}))),
    "noise": Plot({"noise": 0.03}, draw_columns),
    "coloured-noise": Plot(
        {"coloured_noise": 0.08, "noise_exponent": 1.0},
        draw_strips,
        ((0, {"noise_exponent": 1.0}), (1, {"noise_exponent": 1.0}), (0, {"noise_exponent": 2.0})),
    ),
    "baseline-wander": Plot({"baseline_wander": 0.15}, draw_strips),
    "mains-hum": Plot(
        {"mains_hum": 0.1, "mains_hz": 50},
        draw_columns,
        ((1, {}), (3, {}), (5, {})),
        rate=250.0,  # at 100 Hz there is none
    ),
    "lead-dropout": Plot({"lead_dropout": 0.1}, draw_leads, ((1, {}), (2, {}), (4, {}))),
    "lead-group-dropout": Plot(
        {"lead_group_dropout": 0.2}, draw_leads, ((0, {}), (1, {}), (9, {}))
    ),
    "mixup": Plot({"mixup": 0.2}, draw_pairs, ((1, {}), (4, {}), (13, {}))),
}

if __name__ == "__main__":
    main()
