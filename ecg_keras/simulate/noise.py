"""What electrodes and amplifiers add: wander, muscle, mains and white noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.fft import irfft

from ecg_keras.simulate.hospitals import Hospital
from ecg_keras.simulate.leads import ELECTRODES_TO_LEADS

_ELECTRODES = ELECTRODES_TO_LEADS.shape[1]
# a recording with more than this multiple of the usual noise is made again
_WORST = 3.0


def draw_noise(
    hospital: Hospital, num_samples: int, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Noise of the eight measured leads.

    Each of the nine electrodes gets noise of its own, which the leads share as they share the
    electrodes: an unsteady right arm disturbs every lead. Each recording draws its own multiple of
    the hospital's typical amplitudes.

    Args:
        hospital: gives amplitudes, mains frequency and sampling rate.
        num_samples: of the recording.
        rng: where the randomness comes from.

    Returns:
        float32 ``(num_samples, 8)`` in mV, in the order of `INDEPENDENT`.
    """
    multiples = np.minimum(rng.lognormal(0.0, (0.5, 0.8, 0.8, 0.7)), _WORST)
    amplifier, muscle, mains, wander = multiples * (
        hospital.amplifier_mv,
        hospital.muscle_mv,
        hospital.mains_mv,
        hospital.wander_mv,
    )
    fast = np.hypot(
        amplifier * _unit(np.ones(num_samples // 2 + 1)),
        muscle * _unit(_muscle(np.fft.rfftfreq(num_samples, 1 / hospital.sampling_rate))),
    )
    electrodes = _coloured(fast, num_samples, rng)
    electrodes *= _envelope(num_samples, hospital.sampling_rate, rng)
    electrodes += wander * _wander(num_samples, hospital.sampling_rate, rng)
    electrodes += mains * _mains(hospital, num_samples, rng)
    return (ELECTRODES_TO_LEADS.astype(np.float32) @ electrodes).T


def _unit(spectrum: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """An amplitude spectrum scaled so that its noise has a root mean square of one."""
    return spectrum / np.sqrt(np.sum(np.square(spectrum)))


def _muscle(frequency: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Surface electromyogram: broad around 60 Hz, little below 15 Hz."""
    ratio = frequency / 60.0
    return ratio**2 / (1 + ratio**4)


def _coloured(
    spectrum: npt.NDArray[Any], num_samples: int, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Gaussian noise of each electrode with an amplitude spectrum, ``(9, num_samples)``."""
    parts = rng.standard_normal((_ELECTRODES, len(spectrum), 2), dtype=np.float32)
    # irfft divides by the length; a bin and its mirror image add up to 2 x spectrum^2
    parts *= (spectrum * (num_samples / 2)).astype(np.float32)[None, :, None]
    return irfft(parts.view(np.complex64)[..., 0], n=num_samples)


def _wander(
    num_samples: int, sampling_rate: float, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Breathing and moving, ``(9, num_samples)``: six slow waves, the slower the larger."""
    frequency = rng.uniform(0.05, 0.5, 6)
    weight = _unit(1 / frequency) * np.sqrt(2)
    time = np.arange(num_samples) / sampling_rate
    waves = np.exp(2j * np.pi * np.outer(frequency, time)).astype(np.complex64)
    height = weight * (rng.standard_normal((_ELECTRODES, 6, 2)) @ (1, 1j)) / np.sqrt(2)
    return np.ascontiguousarray((height.astype(np.complex64) @ waves).real)


def _envelope(
    num_samples: int, sampling_rate: float, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Muscles tense for a second or two now and then, ``(9, num_samples)`` around one."""
    time = np.arange(num_samples, dtype=np.float32) / np.float32(sampling_rate)
    centre = rng.uniform(0, num_samples / sampling_rate, (_ELECTRODES, 1)).astype(np.float32)
    height = rng.exponential(1.0, (_ELECTRODES, 1)).astype(np.float32)
    return 0.7 + height * np.exp(-np.square(time - centre))


def _mains(
    hospital: Hospital, num_samples: int, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """The power line and its third harmonic: one phase, another strength in each electrode."""
    frequency = hospital.mains_hz + rng.normal(0.0, 0.03)
    phase = 2 * np.pi * (frequency / hospital.sampling_rate * np.arange(num_samples) + rng.random())
    wave = np.sin(phase)
    if 3 * frequency < hospital.sampling_rate / 2:
        wave += 0.1 * np.sin(3 * phase)
    strength = rng.normal(1.0, 0.7, (_ELECTRODES, 1))
    return (strength * wave).astype(np.float32)
