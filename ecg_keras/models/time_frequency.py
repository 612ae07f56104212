"""Pictures of a signal in time and frequency: scalograms of wavelets, spectrograms of windows.

Both are the same computation: each row of the picture is the power of the signal behind one
complex filter. A Morlet wavelet is as long as some periods of its frequency, a Fourier window has
one length for all. All filters are scaled alike (L1: a sine of the amplitude A gives A in the row
of its frequency), so that rows are in millivolts whatever their frequency.

Filters are constants of the graph and not weights: they are part of the saved network, and nothing
trains or transfers them. They compute in float32 in mixed precision, and fit any length.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import Float64Array
from ecg_keras.errors import ConfigError
from ecg_keras.keras_library import KerasTensor as Tensor, keras, ops
from ecg_keras.models.building import CHANNELS_LAST

Filters = npt.NDArray[np.complex128]
# periods of a Morlet wavelet below its Gaussian, as the angle 2 * pi * frequency * deviation
# (Torrence and Compo 1998), and deviations at which it is cut: what is beyond is 3e-4 of its top
MORLET_ANGLE = 6.0
MORLET_REACH = 4.0
# millivolts: below the first the picture becomes linear and black, the second is white
FLOOR = 0.001
WHITE = 10.0


def wavelets(rows: int = 64, low: float = 0.02, high: float = 0.8) -> list[Filters]:
    """Complex Morlet wavelets ``(width, rows of a band)`` at log-spaced frequencies, highest first.

    ``low`` and ``high`` are shares of half the sampling rate. A band is an octave or so, because
    its filters are as wide as its longest.
    """
    if rows < 1 or not 0 < low <= high < 1:
        raise ConfigError(
            "a scalogram needs at least one row, and 0 < low <= high < 1 as shares of half the "
            f"sampling rate. Received: rows={rows}, low={low}, high={high}."
        )
    frequencies = np.geomspace(high / 2, low / 2, rows)
    octaves = min(rows, max(1, math.ceil(math.log2(high / low))))
    return [_morlet(band) for band in np.array_split(frequencies, octaves)]


def _morlet(frequencies: Float64Array) -> Filters:
    """Each less its mean, so that a constant leaves nothing; frequencies in cycles a sample."""
    deviations = MORLET_ANGLE / (2 * np.pi * frequencies)
    reach = math.ceil(MORLET_REACH * deviations.max())
    samples = np.arange(-reach, reach + 1)[:, None]
    window = np.exp(-0.5 * (samples / deviations) ** 2)
    window /= window.sum(axis=0)
    wave = np.exp(2j * np.pi * frequencies * samples)
    filters: Filters = 2 * window * (wave - (window * wave).sum(axis=0))
    return filters


def windows(width: int = 64, rows: int = 65) -> list[Filters]:
    """Hann windows of ``width`` samples at ``rows`` frequencies from none to half the rate."""
    if width < 2 or rows < 2:
        raise ConfigError(
            "a spectrogram needs windows of at least 2 samples and at least 2 rows. "
            f"Received: width={width}, rows={rows}."
        )
    samples = np.arange(width) - width // 2
    window = 0.5 + 0.5 * np.cos(2 * np.pi * samples / width)
    frequencies = np.linspace(0.5, 0, rows)
    wave = np.exp(2j * np.pi * frequencies * samples[:, None])
    return [2 * (window / window.sum())[:, None] * wave]


def picture(signal: Tensor, bands: Sequence[Filters], step: int, name: str) -> Tensor:
    """``(batch, rows, columns, leads)`` of 0 (silence) to 1 (10 mV) by the logarithm of the power.

    Rows are the filters in their order, columns every ``step`` samples; outside the signal is zero.
    """
    if step < 1:
        raise ConfigError(f"step must be at least 1 sample. Received: {step}.")
    # a model of its own, so that the operations show as one layer with a name that has its stage
    exact = keras.backend.result_type(keras.config.dtype_policy().compute_dtype, "float32")
    millivolts = keras.Input((None, signal.shape[-1]), name="millivolts", dtype=exact)
    power = ops.concatenate([_power(millivolts, band, step) for band in bands], axis=-1)
    logarithm = ops.log1p(power / FLOOR**2) / math.log1p((WHITE / FLOOR) ** 2)
    rows_first = ops.transpose(logarithm, (0, 3, 1, 2))
    return keras.Model(millivolts, rows_first, name=name)(signal)


def _power(millivolts: Tensor, band: Filters, step: int) -> Any:
    """``(batch, columns, leads, filters)``: column 0 is the filter with its middle on sample 0."""
    width = len(band)
    padding = ((0, 0), (width // 2, (width - 1) // 2), (0, 0), (0, 0))
    parts = np.concatenate([band.real, band.imag], axis=1).astype(millivolts.dtype)
    filtered = ops.conv(
        ops.pad(ops.expand_dims(millivolts, -1), padding),
        parts[:, None, None],
        strides=(step, 1),
        padding="valid",
        data_format=CHANNELS_LAST,
    )
    real, imaginary = ops.split(filtered, 2, axis=-1)
    return ops.square(real) + ops.square(imaginary)
