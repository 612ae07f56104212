"""Change of sampling rate: with an anti-alias filter, or by plain decimation as published."""

from __future__ import annotations

import functools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.errors import ConfigError, look_up


def resample(
    values: npt.NDArray[Any],
    from_rate: float,
    to_rate: float,
    *,
    method: str = "polyphase",
    start: int = 0,
    stop: int | None = None,
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
        start, stop: which samples of the result are wanted, as in ``result[start:stop]``, all of
            them if not given. The others are not computed.

    Returns:
        float32 ``(resampled_length(num_samples, ...), num_leads)``, or the wanted part of it. The
        first sample keeps its time.

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
    length = resampled_length(len(values), from_rate, to_rate)
    stop = length if stop is None else min(stop, length)
    ratio = _ratio(from_rate, to_rate)
    if ratio == 1 or start >= stop:
        return values[start:stop]
    return change(values, ratio, start, stop)


def resampled_length(num_samples: int, from_rate: float, to_rate: float) -> int:
    """How many samples `resample` makes: ``num_samples * to_rate / from_rate``, rounded up.

    Raises:
        ConfigError: as `resample`.

    Example:
        >>> resampled_length(5001, 500, 100)
        1001
    """
    ratio = _ratio(from_rate, to_rate)
    return -(-num_samples * ratio.numerator // ratio.denominator)


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


def _polyphase(
    values: npt.NDArray[np.float32], ratio: Fraction, start: int, stop: int
) -> npt.NDArray[np.float32]:
    weights, margin = _filter_block(ratio.numerator, ratio.denominator)
    step, new = len(weights), weights.shape[1] // 2
    first, last = start // new, -(-stop // new)
    rows = _continue(values, first * step - margin, (last + 1) * step - margin)
    parts = (rows.reshape(-1, step) @ weights).reshape(len(rows), -1, 2 * new)
    # a block of new samples is what its own piece of old ones adds, and the piece behind it
    blocks: npt.NDArray[np.float32] = parts[:, :-1, :new] + parts[:, 1:, new:]
    return blocks.reshape(len(rows), -1)[:, start - first * new : stop - first * new].T


def _continue(values: npt.NDArray[np.float32], start: int, stop: int) -> npt.NDArray[np.float32]:
    """The samples from ``start`` to ``stop`` in a row for each lead, also outside the recording.

    There it goes on as the line through its ends instead of falling to zero, which would ring in
    every ECG whose baseline is not zero.
    """
    num_samples, num_leads = values.shape
    rows = np.empty((num_leads, stop - start), dtype=np.float32)
    before, behind = max(0, -start), max(0, stop - num_samples)
    inside = values[max(0, start) : stop].T
    rows[:, before : before + inside.shape[1]] = inside
    rise = (values[-1:] - values[:1]).T / np.float32(max(1, num_samples - 1))
    rows[:, :before] = values[:1].T + rise * np.arange(-before, 0, dtype=np.float32)
    if behind:
        rows[:, -behind:] = values[-1:].T + rise * np.arange(1, behind + 1, dtype=np.float32)
    return rows


@functools.lru_cache(maxsize=8)
def _filter_block(up: int, down: int) -> tuple[npt.NDArray[np.float32], int]:
    """The filter as a matrix, from pieces of old samples to blocks of new ones.

    So a whole ECG is one matrix product without a copy of its samples: several times faster than
    a loop over samples.

    Returns:
        ``(old samples of a piece, 2 * new samples of a block)``: what a piece adds to its own block
        and to the one before, and how many old samples a piece begins before its block.
    """
    largest = max(up, down)
    half = 10 * largest
    taps = np.kaiser(2 * half + 1, 5.0) * np.sinc(np.arange(-half, half + 1) / largest)
    margin = half // up + 1
    periods = -(-2 * margin // down)
    step = periods * down
    new = np.arange(periods * up)[None, :] * down
    old = (np.arange(2 * step)[:, None] - margin) * up
    tap = half + new - old
    weights = np.where((tap >= 0) & (tap < len(taps)), taps[tap.clip(0, len(taps) - 1)], 0.0)
    # each new sample is a weighted mean, so that a constant stays what it is
    weights /= weights.sum(axis=0)
    return np.hstack(np.split(weights.astype(np.float32), 2)), margin


def _decimate(
    values: npt.NDArray[np.float32], ratio: Fraction, start: int, stop: int
) -> npt.NDArray[np.float32]:
    if ratio.numerator != 1:
        raise ConfigError(
            "method decimate takes every n-th sample, so the old rate must be a whole multiple of "
            f"the new one. Received: new/old = {ratio}. Use method polyphase."
        )
    return values[:: ratio.denominator][start:stop]
