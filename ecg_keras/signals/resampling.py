"""Change of sampling rate: with an anti-alias filter, or by plain decimation as published."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.signal import resample_poly

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


def _ratio(from_rate: float, to_rate: float) -> Fraction:
    """``to_rate / from_rate`` as the fraction of small integers that it must be."""
    if not (0 < from_rate < np.inf and 0 < to_rate < np.inf):
        raise ConfigError(
            f"sampling rates must be above 0 Hz. Received: from {from_rate} to {to_rate}."
        )
    exact = to_rate / from_rate
    ratio = Fraction(exact).limit_denominator(10_000)
    if ratio.numerator > 10_000 or not np.isclose(float(ratio), exact, rtol=1e-7, atol=0.0):
        raise ConfigError(
            f"no ratio of integers up to 10000 leads from {from_rate} Hz to {to_rate} Hz. "
            "Choose another sampling rate."
        )
    return ratio


def _polyphase(values: npt.NDArray[np.float32], ratio: Fraction) -> npt.NDArray[np.float32]:
    # padtype line: outside the recording it goes on from its ends instead of falling to zero,
    # which would ring in every ECG whose baseline is not zero
    return np.ascontiguousarray(
        resample_poly(values, ratio.numerator, ratio.denominator, axis=0, padtype="line"),
        dtype=np.float32,
    )


def _decimate(values: npt.NDArray[np.float32], ratio: Fraction) -> npt.NDArray[np.float32]:
    if ratio.numerator != 1:
        raise ConfigError(
            "method decimate takes every n-th sample, so the old rate must be a whole multiple of "
            f"the new one. Received: new/old = {ratio}. Use method polyphase."
        )
    return np.ascontiguousarray(values[:: ratio.denominator])
