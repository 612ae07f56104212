"""One sampling rate and one length for all ECGs."""

from __future__ import annotations

import functools
import math
from fractions import Fraction

import numpy as np

from ecg_keras.array_types import AnyArray, Float32Array
from ecg_keras.errors import ConfigError, look_up
from ecg_keras.signals.low_pass import CROSSINGS, at_each_sample, fits_a_matrix, in_blocks

# a ratio of small integers is exact to this: half a sample in five days at 1000 Hz
_EXACT = 1e-9


def resample(
    values: AnyArray,
    from_rate: float,
    to_rate: float,
    *,
    method: str = "polyphase",
    start: int = 0,
    stop: int | None = None,
    offset: int = 0,
    total: int | None = None,
) -> Float32Array:
    """The same ECG at another sampling rate, whatever the two rates are.

    ``polyphase`` applies a zero-phase low-pass FIR filter (Kaiser window, beta 5, ten zero
    crossings a side) before it drops samples, so that little above half the lower rate folds back
    into the ECG: 45 % of an amplitude just above it, 7 % at 1.1 times it, and nothing from 1.16
    times on. Where no small integers make the ratio, as with a rate that was measured, the
    same filter is worked out at the exact time of each new sample, so nothing drifts.
    ``decimate`` takes every n-th sample and lets it fold back: it is there because published
    studies did it.

    Args:
        values: ``(num_samples, num_leads)``, in any unit, finite.
        from_rate: Hz of ``values``.
        to_rate: Hz of the result.
        method: ``"polyphase"`` or ``"decimate"``.
        start, stop: which samples of the result are wanted, as in ``result[start:stop]``, all of
            them if not given. The others are not computed.
        offset, total: where ``values`` are a part of a recording, the sample at which they begin,
            and the recording's length. `needed_part` says which part ``start`` and ``stop`` need.

    Returns:
        float32 ``(resampled_length(num_samples, ...), num_leads)``, or the wanted part of it. The
        first sample keeps its time.

    Raises:
        ConfigError: a rate is not above zero, the method is unknown, or ``decimate`` is given a
            ratio that is not whole.

    Source:
        Crochiere and Rabiner, Multirate Digital Signal Processing (1983), section 3; for other
        ratios Smith and Gossett, A flexible sampling-rate conversion method (1984).

    Example:
        >>> resample(np.ones((5000, 12)), 500, 100).shape
        (1000, 12)
        >>> resample(np.arange(10.0)[:, None], 500, 100, method="decimate").ravel()
        array([0., 5.], dtype=float32)
        >>> resample(np.ones((5000, 12)), 499.97, 100).shape
        (1001, 12)
    """
    decimated = look_up("resampling method", method, {"polyphase": False, "decimate": True})
    ratio = _ratio(from_rate, to_rate)
    if decimated and (ratio is None or ratio.numerator != 1):
        raise ConfigError(
            "method decimate takes every n-th sample, so the old rate must be a whole multiple of "
            f"the new one. Received: new/old = {ratio or to_rate / from_rate}. Use method "
            "polyphase."
        )
    values = np.asarray(values, dtype=np.float32)
    length = resampled_length(len(values) if total is None else total, from_rate, to_rate)
    stop = length if stop is None else min(stop, length)
    if ratio == 1 or start >= stop:
        return values[start - offset : max(start, stop) - offset]
    if decimated and ratio is not None:
        step = ratio.denominator
        return values[start * step - offset : stop * step - offset : step]
    if ratio is None or not fits_a_matrix(ratio):
        return at_each_sample(values, from_rate / to_rate, start, stop, offset)
    return in_blocks(values, ratio, start, stop, offset)


def resampled_length(num_samples: int, from_rate: float, to_rate: float) -> int:
    """How many samples `resample` makes: ``num_samples * to_rate / from_rate``, rounded up.

    Raises:
        ConfigError: a rate is not above zero.

    Example:
        >>> resampled_length(5001, 500, 100)
        1001
    """
    ratio = _ratio(from_rate, to_rate)
    if ratio is None:
        # a measured rate is no more exact than this
        return math.ceil(num_samples * to_rate / from_rate - 1e-6)
    return -(-num_samples * ratio.numerator // ratio.denominator)


def needed_part(start: int, stop: int, from_rate: float, to_rate: float) -> tuple[int, int]:
    """The samples of a recording on which those from ``start`` to ``stop`` of `resample` depend.

    The first one, at least 0, and the one behind the last, which may be behind the end."""
    step = from_rate / to_rate
    margin = math.ceil(CROSSINGS * max(1.0, step)) + 2
    return max(0, math.floor(start * step) - margin), math.ceil(stop * step) + margin


def is_decimated(from_rate: float, to_rate: float) -> bool:
    """Whether every n-th sample of the one rate makes the other: what ``decimate`` can do."""
    ratio = _ratio(from_rate, to_rate)
    return ratio is not None and ratio.numerator == 1


@functools.lru_cache(maxsize=64)
def _ratio(from_rate: float, to_rate: float) -> Fraction | None:
    """``to_rate / from_rate`` as a fraction of small integers, ``None`` where there is none."""
    if not (0 < from_rate < np.inf and 0 < to_rate < np.inf):
        raise ConfigError(
            f"sampling rates must be above 0 Hz. Received: from {from_rate} to {to_rate}."
        )
    exact = to_rate / from_rate
    ratio = Fraction(exact).limit_denominator(10_000)
    if ratio.numerator > 1_000 or not math.isclose(ratio, exact, rel_tol=_EXACT):
        return None
    return ratio


def fit_length(
    values: AnyArray, num_samples: int, *, window: str = "start", short: str = "drop"
) -> Float32Array | None:
    """The ECG cut or padded to ``num_samples``.

    Args:
        values: ``(any length, num_leads)``.
        num_samples: wanted length, at least 1.
        window: ``"start"`` keeps the first samples, ``"centre"`` the middle ones. Zeros are added
            at the end and on both sides, respectively; ``"centre"`` is how the CODE databases
            are padded (an odd zero goes to the end).
        short: what to do with a recording that is too short: ``"drop"`` or ``"pad"``.

    Returns:
        float32 ``(num_samples, num_leads)``, or ``None`` for a short recording to be dropped.

    Raises:
        ConfigError: an argument is not one of those above.

    Example:
        >>> fit_length(np.ones((3, 1)), 6, window="centre", short="pad").ravel()
        array([0., 1., 1., 1., 0., 0.], dtype=float32)
        >>> fit_length(np.ones((3, 1)), 6) is None
        True
    """
    padded = look_up("way with short recordings", short, {"drop": False, "pad": True})
    start, stop = kept_part(len(values), num_samples, window)
    lacking = num_samples - (stop - start)
    if not lacking:
        return np.asarray(values[start:stop], dtype=np.float32)
    if not padded:
        return None
    before = lacking // 2 if window == "centre" else 0
    fitted = np.zeros((num_samples, *values.shape[1:]), dtype=np.float32)
    fitted[before : before + len(values)] = values
    return fitted


def kept_part(length: int, num_samples: int, window: str) -> tuple[int, int]:
    """The first sample that `fit_length` keeps of a recording, and the one behind the last."""
    centred = look_up("window", window, {"start": False, "centre": True})
    if num_samples < 1:
        raise ConfigError(f"num_samples must be at least 1. Received: {num_samples}.")
    start = max(0, length - num_samples) // 2 if centred else 0
    return start, min(length, start + num_samples)
