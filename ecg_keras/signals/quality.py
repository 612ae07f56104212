"""What separates a good recording from a broken one: figures of the whole and of each lead."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import AnyArray, Float32Array
from ecg_keras.signals.leads import IDENTITIES, check_shape

# samples of which the residuals of the identities are taken, evenly over the recording: as many
# settle a median
_ENOUGH = 500
# what is measured of each lead, in the order of `LeadQuality`
LEAD_MEASURES = ("flat", "clipped", "noise_mv", "baseline_mv", "mains_mv")
# seconds of a block: one has no beat in it more often than not
_BLOCK = 0.2
# Hz up to which baseline wanders; slower hearts than 42 a minute are rare
_WANDER_HZ = 0.7
# blocks of means that wander is measured on, in seconds
_MEAN = 0.1
_MAINS_HZ = (50.0, 60.0)
# samples a period by which a hum differs from its alias
_LEAST_SAMPLES = 2.1


@dataclass(frozen=True)
class Quality:
    """Figures of one recording.

    Attributes:
        peak_mv: largest absolute value of any lead.
        rms_mv: root mean square over all leads.
        einthoven_mv: how far the limb leads are from Einthoven's and Goldberger's identities:
            the median absolute residual over time (500 to 999 samples of it, where there are
            more) of the identity that fits worst. A few rounding steps (below 0.01) where leads
            are in order; NaN where lead I or II, or every other limb lead, is absent.
        flat_leads: number of leads that are constant for the whole recording.
    """

    peak_mv: float
    rms_mv: float
    einthoven_mv: float
    flat_leads: int


def measure_quality(values: AnyArray, leads: Sequence[str]) -> Quality:
    """`Quality` of one recording.

    Args:
        values: ``(num_samples, num_leads)`` in millivolts, finite.
        leads: names of the columns, spelled as in `LEADS`.

    Raises:
        DataError: there is no sample, or the names do not fit the columns.

    Source:
        III = II - I (Einthoven 1913); aVR = -(I + II) / 2, aVL = I - II / 2, aVF = II - I / 2
        (Goldberger 1942).

    Example:
        >>> one, two = np.sin(np.arange(100.0)), np.cos(np.arange(100.0))
        >>> measure_quality(np.stack([one, two, two - one], axis=1), ["I", "II", "III"]).flat_leads
        0
    """
    check_shape(values, leads)
    low, high = values.min(axis=0), values.max(axis=0)
    residuals = _identity_residuals(values, leads)
    return Quality(
        peak_mv=float(max(np.max(high), -np.min(low))),
        rms_mv=float(np.sqrt(np.square(values).mean(dtype=np.float64))),
        einthoven_mv=float(residuals.max()) if residuals.size else math.nan,
        flat_leads=int(np.sum(low == high)),
    )


def worst_limb_lead(values: AnyArray, leads: Sequence[str]) -> str | None:
    """The limb lead that misses its identity by most; ``None`` where none can be checked.

    A lead I or II that is wrong shows in all four: what is named then is one of these."""
    check_shape(values, leads)
    residuals = _identity_residuals(values, leads)
    checked = [lead for lead in IDENTITIES if lead in leads]
    return checked[int(np.argmax(residuals))] if residuals.size else None


def _identity_residuals(values: AnyArray, leads: Sequence[str]) -> Float32Array:
    """The median absolute residual of each identity that can be checked."""
    weights, limbs = _residual_weights(tuple(leads))
    if not len(weights):
        return np.empty(0, np.float32)
    thinned = values[:: max(1, len(values) // _ENOUGH)].T[limbs]
    residuals = np.abs(weights.astype(thinned.dtype, copy=False) @ thinned)
    return _median(residuals)


@functools.lru_cache(maxsize=16)
def _residual_weights(
    leads: tuple[str, ...],
) -> tuple[Float32Array, npt.NDArray[np.intp]]:
    """For each identity that can be checked the weights of the limb leads, and their columns."""
    limbs = [lead for lead in ("I", "II", *IDENTITIES) if lead in leads]
    checked = [lead for lead in IDENTITIES if lead in leads] if {"I", "II"} <= set(limbs) else []
    weights = np.zeros((len(checked), len(limbs)), np.float32)
    for row, lead in enumerate(checked):
        weights[row, limbs.index(lead)] = 1
        weights[row, :2] = -np.array(IDENTITIES[lead])
    return weights, np.array([leads.index(lead) for lead in limbs], np.intp)


@dataclass(frozen=True, eq=False)
class LeadQuality:
    """Figures of each lead of one recording, each float32 ``(num_leads,)``.

    Attributes:
        flat: share of blocks of 0.2 s in which nothing changes; of padding, too.
        clipped: share of samples at the lead's largest or smallest value that follow two more such
            samples: a peak may have two equal ones.
        noise_mv: root mean square of white noise that has the second differences of the median
            block of 0.2 s; beats do not count, since most blocks have none.
        baseline_mv: root mean square about its mean of what is slower than 0.7 Hz.
        mains_mv: amplitude of hum at 50 or 60 Hz, whichever is larger: the median over blocks of a
            second. NaN where the sampling rate is below 126 Hz or there is no whole second.
    """

    flat: Float32Array
    clipped: Float32Array
    noise_mv: Float32Array
    baseline_mv: Float32Array
    mains_mv: Float32Array


def measure_lead_quality(
    recorded: AnyArray, recorded_rate: float, stored: AnyArray, stored_rate: float
) -> LeadQuality:
    """`LeadQuality` of one recording, each ``(num_samples, num_leads)`` in millivolts."""
    # Saturation and hum are measured of what was recorded, before a filter rounds the one and
    # weakens the other; everything else of what is stored. Fastest where each column is contiguous
    before = np.ascontiguousarray(recorded.T, dtype=np.float32)
    after = np.ascontiguousarray(stored.T, dtype=np.float32)
    flat, noise = _flat_and_noise(after, max(3, round(_BLOCK * stored_rate)))
    return LeadQuality(
        flat=flat,
        clipped=_clipped(before),
        noise_mv=noise,
        baseline_mv=_baseline(after, stored_rate),
        mains_mv=_mains(before, recorded_rate),
    )


def _flat_and_noise(values: Float32Array, length: int) -> tuple[Float32Array, Float32Array]:
    leads = len(values)
    first = values[:, 1:] - values[:, :-1]
    second = first[:, 1:] - first[:, :-1]
    blocks = max(1, second.shape[1] // length)
    length = min(length, second.shape[1])
    if length < 1:
        return np.zeros(leads, np.float32), np.zeros(leads, np.float32)
    ones = np.ones(length, np.float32)
    # a sum of absolute values is zero where nothing changes; a matrix product sums short rows fast
    moved = np.abs(first[:, : blocks * length]).reshape(leads * blocks, length) @ ones
    energy = np.square(second[:, : blocks * length]).reshape(leads * blocks, length) @ ones
    still = (moved == 0).reshape(leads, blocks)
    middle = _median(energy.reshape(leads, blocks))
    # the second difference of white noise has six times its variance
    return still.mean(axis=1, dtype=np.float32), np.sqrt(middle / np.float32(6 * length))


def _clipped(values: Float32Array) -> Float32Array:
    low, high = values.min(axis=1, keepdims=True), values.max(axis=1, keepdims=True)
    extreme = (values == high) | (values == low)
    third = extreme[:, 2:] & extreme[:, 1:-1] & extreme[:, :-2]
    shares = np.zeros(len(values), np.float32)
    if np.count_nonzero(third):
        shares[:] = [np.count_nonzero(one) / values.shape[1] for one in third]
    return shares


def _baseline(values: Float32Array, rate: float) -> Float32Array:
    leads, samples = values.shape
    length = min(max(1, round(_MEAN * rate)), samples)
    blocks = samples // length
    means = values[:, : blocks * length].reshape(leads * blocks, length)
    means = (means @ np.full(length, 1 / length, np.float32)).reshape(leads, blocks)
    slow = (means - means[:, :1]) @ _slow_waves(blocks, blocks * length / rate)
    energy: Float32Array = np.square(slow).sum(axis=1) / np.float32(blocks)
    return np.sqrt(energy)


@functools.lru_cache(maxsize=8)
def _slow_waves(blocks: int, seconds: float) -> Float32Array:
    """Orthonormal drift and waves of at most 0.7 Hz over a recording, without its mean."""
    time = (np.arange(blocks) + 0.5) / blocks
    waves = [np.ones(blocks), time]
    for periods in range(1, int(_WANDER_HZ * seconds) + 1):
        waves += [np.cos(2 * np.pi * periods * time), np.sin(2 * np.pi * periods * time)]
    orthonormal, _ = np.linalg.qr(np.stack(waves[:blocks], axis=1))
    return np.ascontiguousarray(orthonormal[:, 1:], dtype=np.float32)


def _mains(values: Float32Array, rate: float) -> Float32Array:
    leads, samples = values.shape
    length = round(rate)
    blocks = samples // length if length else 0
    if rate < _LEAST_SAMPLES * max(_MAINS_HZ) or not blocks:
        return np.full(leads, np.nan, np.float32)
    seconds = values[:, : blocks * length].reshape(leads * blocks, length)
    parts = (seconds @ _hum(length, rate)).reshape(leads, blocks, len(_MAINS_HZ), 2)
    amplitude = np.sqrt(np.square(parts).sum(axis=3)).transpose(0, 2, 1)
    return np.asarray(_median(amplitude).max(axis=1))


@functools.lru_cache(maxsize=8)
def _hum(length: int, rate: float) -> Float32Array:
    """Cosine and sine of each mains frequency, scaled so that a product is an amplitude."""
    phase = 2 * np.pi * np.outer(np.arange(length) / rate, _MAINS_HZ)
    waves = np.stack([np.cos(phase), np.sin(phase)], axis=2).reshape(length, -1)
    # offset and drift of a block are no hum
    slow = np.vander(np.linspace(-1, 1, length), 2)
    waves -= slow @ np.linalg.lstsq(slow, waves, rcond=None)[0]
    return np.asarray(waves * (2 / length), dtype=np.float32)


def _median(values: Float32Array) -> Float32Array:
    """The lower median over the last axis: much faster than NumPy's on short rows."""
    middle = (values.shape[-1] - 1) // 2
    return np.asarray(np.sort(values, axis=-1)[..., middle])
