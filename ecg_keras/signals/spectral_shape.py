"""`describe_shape`: an ECG in a few numbers that change with how it was recorded."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

# Hz; wander of the baseline, waves, muscle and mains
BANDS = (0.05, 0.7, 3.0, 6.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.1)
# of the heart: what leads have in common is looked for here
_HEART = (0.7, 40.0)
# below it no amplifier sees anything, in mV^2 and mV
_LEAST_POWER, _LEAST_RMS = 1e-6, 1e-3


def describe_shape(values: npt.ArrayLike, sampling_rate: float) -> npt.NDArray[np.float32]:
    """Power in nine bands and skewness of each lead, and how each two leads correlate.

    Args:
        values: ``(records, num_samples, num_leads)`` in millivolts, finite.
        sampling_rate: in Hz; bands above half of it are empty.

    Returns:
        ``(records, 10 num_leads + num_leads (num_leads - 1) / 2)``: the decimal logarithm of mV^2,
        the cube root of the skewness, correlations.

    Example:
        >>> beats = np.sin(2 * np.pi * 8 * np.arange(1000) / 100)[None, :, None] * [1.0, -0.1]
        >>> found = describe_shape(beats, 100)
        >>> found.shape, found[0, 6:8].round(1), found[0, -3].round(2)
        ((1, 21), array([-0.3, -2.3], dtype=float32), -1.0)
    """
    signals = np.asarray(values, np.float64)
    records, samples, leads = signals.shape
    spectrum = np.fft.rfft(signals, axis=1) / samples
    hertz = np.fft.rfftfreq(samples, 1 / sampling_rate)
    power = 2 * np.abs(spectrum) ** 2
    bands = [power[:, (hertz >= low) & (hertz < high)].sum(axis=1) for low, high in pairwise(BANDS)]
    inside = (hertz >= _HEART[0]) & (hertz < _HEART[1])
    heart = np.fft.irfft(np.where(inside[None, :, None], spectrum, 0), n=samples, axis=1) * samples
    scaled = heart / np.maximum(np.sqrt((heart**2).mean(axis=1, keepdims=True)), _LEAST_RMS)
    common = np.einsum("nti,ntj->nij", scaled, scaled) / samples
    first, second = np.triu_indices(leads, 1)
    parts = (
        np.log10(np.stack(bands, axis=1) + _LEAST_POWER).reshape(records, len(bands) * leads),
        common[:, first, second],
        np.cbrt((scaled**3).mean(axis=1)),
    )
    return np.asarray(np.concatenate(parts, axis=1), np.float32)
