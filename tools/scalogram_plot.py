"""Draws what networks on pictures see of a simulated ECG, for docs/backbones.md.

    python tools/scalogram_plot.py               # into docs/images/
    python tools/scalogram_plot.py --folder /tmp/look

The pictures are taken out of the networks themselves.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ecg_keras.array_types import Float32Array, Float64Array

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecg_keras import models
from ecg_keras.files import replacing
from ecg_keras.report.style import LIGHT
from ecg_keras.signals import LEADS, resample
from ecg_keras.simulate import record_ecg

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images"
# a healthy heart of the simulated hospital lakeside
RECORDING = 6
RATE = 100.0
SECONDS = 5
# one lead is enough to look at, and the smallest network has the same pictures as the largest
NETWORK = "MobileNetV3Small"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=FOLDER)
    folder = parser.parse_args().folder
    matplotlib.use("Agg")
    ecg = record_ecg("lakeside", RECORDING)
    values = resample(ecg.values, ecg.sampling_rate, RATE)[: int(SECONDS * RATE)]
    lead = values[:, [LEADS.index("II")]]
    with replacing(folder / "scalogram.png") as unfinished:
        draw(lead).savefig(unfinished, format="png", dpi=80)


def draw(lead: Float32Array) -> Figure:
    """One lead, its scalogram and its spectrogram above one another."""
    figure = Figure(figsize=(8, 6), layout="constrained", facecolor=LIGHT["page"])
    trace, wavelets, windows = figure.subplots(3, sharex=True)
    trace.plot(np.arange(len(lead)) / RATE, lead, color=LIGHT["trace"], linewidth=1)
    trace.set(ylabel="lead II, mV", xlim=(0, SECONDS))
    scalogram = look(models.on_scalogram(NETWORK, len(lead), 1), "stem_scalogram", lead)
    show(wavelets, scalogram, np.geomspace(40, 1, len(scalogram)))
    wavelets.set(ylabel="wavelets, Hz", yscale="log", yticks=(1, 2, 5, 10, 20, 40))
    wavelets.get_yaxis().set_major_formatter("{x:g}")
    wavelets.get_yaxis().set_minor_locator(matplotlib.ticker.NullLocator())
    spectrogram = look(models.on_spectrogram(NETWORK, len(lead), 1), "stem_spectrogram", lead)
    mesh = show(windows, spectrogram, np.linspace(RATE / 2, 0, len(spectrogram)))
    windows.set(ylabel="Fourier, Hz", xlabel="seconds")
    figure.colorbar(mesh, ax=[wavelets, windows], label="0: silence, 1: 10 mV")
    return figure


def look(model: object, layer: str, lead: Float32Array) -> Float32Array:
    """``(rows, columns)``, the highest frequency first."""
    return np.asarray(model.get_layer(layer)(lead[None]))[0, :, :, 0]


def show(axes: Axes, picture: Float32Array, frequencies: Float64Array):
    seconds = np.arange(picture.shape[1]) * 4 / RATE
    return axes.pcolormesh(
        seconds, frequencies, picture, vmin=0, vmax=1, cmap="magma", shading="nearest"
    )


if __name__ == "__main__":
    main()
