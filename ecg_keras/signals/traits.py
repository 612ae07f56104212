"""What looks alike in all databases, and otherwise where a rate or a lead is wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import AnyArray, Float32Array, Float64Array

# beats a minute that are looked for
SLOWEST, FASTEST = 25.0, 300.0
# the slopes are sampled this often a second: a QRS is then two to five values
_PER_SECOND = 50.0
# a shorter time between beats is preferred where it explains the slopes this well, compared with
# the best one: twice the true one explains them nearly as well
_AS_GOOD = 0.8
# the autocorrelation below which there is no rhythm to speak of
_CLEAR = 0.15
# a higher slope than that of this share of a recording counts as this high: one spike is no rhythm
_CLIPPED = 0.98
# Hz; wander of the baseline, waves, muscle and mains
BANDS = (0.05, 0.7, 3.0, 6.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.1)
# of the heart: what leads have in common is looked for here
_HEART = (0.7, 40.0)
# below it no amplifier sees anything, in mV^2 and mV
_LEAST_POWER, _LEAST_RMS = 1e-6, 1e-3


@dataclass(frozen=True, eq=False)
class Traits:
    """Figures of one recording of which only a distribution over many recordings says anything.

    Attributes:
        heart_rate: beats a minute, 25 to 300; NaN where no rhythm is clear.
        deflections_mv: ``(num_leads,)``, how far the highest sample of each lead is above the mean
            of the lead, less how far the lowest is below it: above 0 in lead I and V6 of most
            people, below 0 in aVR.
    """

    heart_rate: float
    deflections_mv: Float64Array


def measure_traits(values: AnyArray, sampling_rate: float) -> Traits:
    """`Traits` of one recording.

    Args:
        values: ``(num_samples, num_leads)`` in millivolts, finite.
        sampling_rate: in Hz.

    Example:
        >>> ecg = np.zeros((1000, 1))
        >>> ecg[50::80] = 1.0
        >>> round(measure_traits(ecg, 100.0).heart_rate)
        75
    """
    # leads in rows: NumPy is slow where the inner loop is one row of twelve
    rows = np.ascontiguousarray(values.T)
    mean = rows.mean(axis=1, dtype=np.float64)
    return Traits(
        heart_rate=measure_heart_rate(values, sampling_rate),
        deflections_mv=rows.max(axis=1) + rows.min(axis=1) - 2 * mean,
    )


def measure_heart_rate(values: AnyArray, sampling_rate: float) -> float:
    """Beats a minute, 25 to 300; NaN below three seconds or without a clear rhythm."""
    # The autocorrelation of the slopes, summed over the leads, has its first high peak at the time
    # between two beats; of an irregular rhythm it has none, or one at several beats
    # means over some 10 ms first: the slope of single samples is noise where they are dense
    rows, rate = _thin(np.ascontiguousarray(values.T), sampling_rate, 2 * _PER_SECOND)
    steep, rate = _thin(np.abs(rows[:, 1:] - rows[:, :-1]).sum(axis=0), rate, _PER_SECOND)
    count = len(steep)
    if count < 3 * rate:
        return math.nan
    clipped = int(_CLIPPED * (count - 1))
    steep = np.minimum(steep, np.partition(steep, clipped)[clipped])
    lags = np.arange(math.ceil(60 / FASTEST * rate), min(int(60 / SLOWEST * rate), count // 2) + 1)
    alike = _autocorrelation(steep - steep.mean(), int(lags[-1]) + 2)
    here, before, after = alike[lags], alike[lags - 1], alike[lags + 1]
    peaks = (here >= before) & (here > after) & (here > _CLEAR * alike[0])
    if not peaks.any():
        return math.nan
    first = np.flatnonzero(peaks & (here >= _AS_GOOD * here[peaks].max()))[0]
    bend = before[first] - 2 * here[first] + after[first]
    lag = lags[first] + 0.5 * (before[first] - after[first]) / bend  # the parabola's top
    return float(np.clip(60 * rate / lag, SLOWEST, FASTEST))


def _thin(values: AnyArray, rate: float, wanted: float) -> tuple[AnyArray, float]:
    """Means of neighbours on the last axis, which bring the rate near the wanted one; the rate."""
    block = max(1, round(rate / wanted))
    if block == 1:
        return values, rate
    count = values.shape[-1] // block
    total = np.zeros((*values.shape[:-1], count))
    for first in range(block):
        total += values[..., first : count * block : block]
    return total / block, rate / block


def _autocorrelation(values: Float64Array, lags: int) -> Float64Array:
    """The mean product with itself at 0, 1, 2 ... values of distance."""
    # longer than both, so that nothing wraps around, and quick to transform
    size = -(-(len(values) + lags) // 64) * 64
    power = np.square(np.abs(np.fft.rfft(values, size)))
    products: Float64Array = np.fft.irfft(power, size)[:lags]
    return products / (len(values) - np.arange(lags))


def describe_shape(values: npt.ArrayLike, sampling_rate: float) -> Float32Array:
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
