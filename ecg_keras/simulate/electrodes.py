"""What electrodes pick up: the heart's dipole in the twelve leads, and the noise beside it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.fft import irfft

from ecg_keras.array_types import AnyArray, Float32Array
from ecg_keras.simulate.hospitals import Hospital

# The eight leads that are measured; the other four follow from I and II.
INDEPENDENT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")

# Lead vectors: what one millivolt of dipole along x (to the patient's left), y (to the feet) and
# z (to the front) adds to each lead. Rounded in the manner of Dower's transformation (1980).
LEAD_FIELD = np.array(
    [
        (0.63, -0.24, -0.06),  # I
        (0.24, 1.07, 0.13),  # II
        (-0.50, 0.15, 0.90),  # V1
        (0.05, 0.15, 1.40),  # V2
        (0.90, 0.10, 1.30),  # V3
        (1.20, 0.13, 0.60),  # V4
        (1.10, 0.13, 0.10),  # V5
        (0.80, 0.08, -0.20),  # V6
    ]
)

# Electrodes RA, LA, LL, V1 ... V6. I = LA - RA, II = LL - RA, and each chest lead is taken against
# Wilson's central terminal (RA + LA + LL) / 3.
ELECTRODES_TO_LEADS = np.zeros((8, 9))
ELECTRODES_TO_LEADS[0, [0, 1]] = (-1.0, 1.0)
ELECTRODES_TO_LEADS[1, [0, 2]] = (-1.0, 1.0)
ELECTRODES_TO_LEADS[2:, :3] = -1.0 / 3.0
ELECTRODES_TO_LEADS[2:, 3:] = np.eye(6)
ELECTRODES_TO_LEADS.setflags(write=False)
LEAD_FIELD.setflags(write=False)
_ELECTRODES = ELECTRODES_TO_LEADS.shape[1]
# a recording with more than this multiple of the usual noise is made again
_WORST = 3.0


def twelve_leads(independent: AnyArray) -> AnyArray:
    """All twelve leads in their usual order from the eight of `INDEPENDENT`, by Einthoven's law
    III = II - I, and Goldberger's aVR = -(I + II) / 2, aVL = I - II / 2, aVF = II - I / 2.
    """
    one, two = independent[:, 0], independent[:, 1]
    limb = (one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2)
    return np.column_stack((*limb, independent[:, 2:]))


def quantise(independent: AnyArray) -> npt.NDArray[np.int16]:
    """The twelve leads in whole microvolts, as a recorder stores them.

    The eight measured leads are rounded before the others are computed from them, so that
    Einthoven's and Goldberger's identities hold to half a step.
    """
    # -32768 means "no sample" in WFDB's format 16
    return np.clip(np.rint(twelve_leads(np.rint(independent * 1000.0))), -32767, 32767).astype(
        np.int16
    )


def draw_noise(hospital: Hospital, num_samples: int, rng: np.random.Generator) -> Float32Array:
    """Noise of the eight measured leads in mV, ``(num_samples, 8)``.

    Each of the nine electrodes has noise of its own, which the leads share as they share the
    electrodes. Each recording draws its own multiple of the hospital's typical amplitudes.
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
    noise: Float32Array = ELECTRODES_TO_LEADS.astype(np.float32) @ electrodes
    return noise.T


def _unit(spectrum: AnyArray) -> AnyArray:
    """An amplitude spectrum scaled so that its noise has a root mean square of one."""
    return np.asarray(spectrum / np.sqrt(np.sum(np.square(spectrum))))


def _muscle(frequency: AnyArray) -> AnyArray:
    """Surface electromyogram: broad around 60 Hz, little below 15 Hz."""
    ratio = frequency / 60.0
    return np.asarray(ratio**2 / (1 + ratio**4))


def _coloured(spectrum: AnyArray, num_samples: int, rng: np.random.Generator) -> Float32Array:
    """Gaussian noise of each electrode with an amplitude spectrum, ``(9, num_samples)``."""
    parts = rng.standard_normal((_ELECTRODES, len(spectrum), 2), dtype=np.float32)
    # irfft divides by the length; a bin and its mirror image add up to 2 x spectrum^2
    parts *= (spectrum * (num_samples / 2)).astype(np.float32)[None, :, None]
    noise: Float32Array = irfft(parts.view(np.complex64)[..., 0], n=num_samples)
    return noise


def _wander(num_samples: int, sampling_rate: float, rng: np.random.Generator) -> Float32Array:
    """Breathing and moving, ``(9, num_samples)``: six slow waves, the slower the larger."""
    frequency = rng.uniform(0.05, 0.5, 6)
    weight = _unit(1 / frequency) * np.sqrt(2)
    time = np.arange(num_samples) / sampling_rate
    waves = np.exp(2j * np.pi * np.outer(frequency, time)).astype(np.complex64)
    height = weight * (rng.standard_normal((_ELECTRODES, 6, 2)) @ (1, 1j)) / np.sqrt(2)
    return np.ascontiguousarray((height.astype(np.complex64) @ waves).real)


def _envelope(num_samples: int, sampling_rate: float, rng: np.random.Generator) -> Float32Array:
    """Muscles tense for a second or two now and then, ``(9, num_samples)`` around one."""
    time = np.arange(num_samples, dtype=np.float32) / np.float32(sampling_rate)
    centre = rng.uniform(0, num_samples / sampling_rate, (_ELECTRODES, 1)).astype(np.float32)
    height = rng.exponential(1.0, (_ELECTRODES, 1)).astype(np.float32)
    return np.asarray(0.7 + height * np.exp(-np.square(time - centre)))


def _mains(hospital: Hospital, num_samples: int, rng: np.random.Generator) -> Float32Array:
    """The power line and its third harmonic: one phase, another strength in each electrode."""
    frequency = hospital.mains_hz + rng.normal(0.0, 0.03)
    phase = 2 * np.pi * (frequency / hospital.sampling_rate * np.arange(num_samples) + rng.random())
    wave = np.sin(phase)
    if 3 * frequency < hospital.sampling_rate / 2:
        wave += 0.1 * np.sin(3 * phase)
    strength = rng.normal(1.0, 0.7, (_ELECTRODES, 1))
    return np.asarray(strength * wave, dtype=np.float32)
