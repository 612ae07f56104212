"""Change of sampling rate: with an anti-alias filter, or by plain decimation as published."""

from __future__ import annotations

import functools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import firwin

from ecg_keras.errors import ConfigError, look_up


def resample(
    values: npt.NDArray[Any], from_rate: float, to_rate: float, *, method: str = "polyphase"
) -> npt.NDArray[np.float32]:
    """The same ECG at another sampling rate.

    ``polyphase`` applies a zero-phase low-pass FIR filter (Kaiser window, beta 5, ten zero
    crossings a side) before it drops samples, so that nothing above half the lower rate folds
    back into the ECG. ``decimate`` takes every n-th sample and lets it fold back: it is there
    because published studies did it.

    Args:
        values: ``(num_samples, num_leads)``, in any unit.
        from_rate: Hz of ``values``.
        to_rate: Hz of the result.
        method: ``"polyphase"`` or ``"decimate"``.

    Returns:
        float32 ``(ceil(num_samples * to_rate / from_rate), num_leads)``. The first sample keeps
        its time.

    Raises:
        ConfigError: a rate is not above zero, the method is unknown, the ratio is not a fraction
            of small integers, or ``decimate`` is given a ratio that is not whole.

    Source:
        Crochiere and Rabiner, Multirate Digital Signal Processing (1983), section 3.

    Example:
        >>> resample(np.ones((5000, 12)), 500, 100).shape
        (1000, 12)
        >>> resample(np.arange(10.0)[:, None], 500, 100, method="decimate").ravel()
        array([0., 5.], dtype=float32)
    """
    change = look_up("resampling method", method, {"polyphase": _polyphase, "decimate": _decimate})
    values = np.asarray(values, dtype=np.float32)
    ratio = _ratio(from_rate, to_rate)
    return values if ratio == 1 else change(values, ratio)


@functools.lru_cache(maxsize=8)
def _ratio(from_rate: float, to_rate: float) -> Fraction:
    """``to_rate / from_rate`` as the fraction of small integers that it must be."""
    if not (0 < from_rate < np.inf and 0 < to_rate < np.inf):
        raise ConfigError(
            f"sampling rates must be above 0 Hz. Received: from {from_rate} to {to_rate}."
        )
    exact = to_rate / from_rate
    ratio = Fraction(exact).limit_denominator(10_000)
    if ratio.numerator > 1_000 or not math.isclose(ratio, exact, rel_tol=1e-7):
        raise ConfigError(
            f"no ratio of small integers leads from {from_rate} Hz to {to_rate} Hz. "
            "Choose another sampling rate."
        )
    return ratio


def _polyphase(values: npt.NDArray[np.float32], ratio: Fraction) -> npt.NDArray[np.float32]:
    num_samples, num_leads = values.shape
    if num_samples == 0:
        return values
    weights, margin = _filter_block(ratio.numerator, ratio.denominator)
    step = len(weights) * ratio.denominator // ratio.numerator
    num_out = -(-num_samples * ratio.numerator // ratio.denominator)
    num_blocks = math.ceil(num_out / len(weights))
    # outside the recording it goes on as the line through its ends instead of falling to zero,
    # which would ring in every ECG whose baseline is not zero
    padded = np.empty((num_leads, num_blocks * step + 2 * margin), dtype=np.float32)
    rise = (values[-1:] - values[:1]).T / np.float32(max(1, num_samples - 1))
    behind = padded.shape[1] - margin - num_samples
    padded[:, :margin] = values[:1].T + rise * np.arange(-margin, 0, dtype=np.float32)
    padded[:, margin:-behind] = values.T
    padded[:, -behind:] = values[-1:].T + rise * np.arange(1, behind + 1, dtype=np.float32)
    stretches = sliding_window_view(padded, weights.shape[1], axis=1)[:, ::step]
    new = np.matmul(np.ascontiguousarray(stretches), weights.T).reshape(num_leads, -1)
    return np.ascontiguousarray(new[:, :num_out].T)


@functools.lru_cache(maxsize=8)
def _filter_block(up: int, down: int) -> tuple[npt.NDArray[np.float32], int]:
    """The filter as a matrix from a stretch of old samples to a block of new ones.

    Every block of new samples is the same matrix times its stretch, so that the whole ECG is one
    batched matrix product: several times faster than a loop over samples.

    Returns:
        ``(new samples of a block, old samples of a stretch)``, and how many old samples a
        stretch begins before its block and ends behind it.
    """
    half = 10 * max(up, down)
    taps = firwin(2 * half + 1, 1 / max(up, down), window=("kaiser", 5.0))
    margin = half // up + 1
    periods = max(1, 16 // up)
    new = np.arange(periods * up)[:, None] * down
    old = (np.arange(periods * down + 2 * margin)[None, :] - margin) * up
    tap = half + new - old
    weights = np.where((tap >= 0) & (tap < len(taps)), taps[tap.clip(0, len(taps) - 1)], 0.0)
    # each new sample is a weighted mean, so that a constant stays what it is
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32), margin


def _decimate(values: npt.NDArray[np.float32], ratio: Fraction) -> npt.NDArray[np.float32]:
    if ratio.numerator != 1:
        raise ConfigError(
            "method decimate takes every n-th sample, so the old rate must be a whole multiple of "
            f"the new one. Received: new/old = {ratio}. Use method polyphase."
        )
    return np.ascontiguousarray(values[:: ratio.denominator])
