"""One simulated recording: the patient's beats, projected to the leads, with or without noise."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from ecg_keras.array_types import AnyArray, Float32Array
from ecg_keras.errors import ConfigError, look_up
from ecg_keras.simulate.electrodes import draw_noise, twelve_leads
from ecg_keras.simulate.heart import (
    atrial_beat,
    evaluate,
    repolarisation,
    sinus_beat,
    ventricular_beat,
)
from ecg_keras.simulate.hospitals import HOSPITALS
from ecg_keras.simulate.patients import BeatTimes, Patient, draw_beats, draw_patient

# A beat is drawn from this long before its QRS to this long after it, in seconds.
_BEFORE, _AFTER = 0.45, 0.75
# In atrial fibrillation the dipole of the atria points to the right and the front: V1 shows it.
_FIBRILLATION = (-0.30, 0.35, 0.85)


@dataclass(frozen=True, eq=False)
class Recording:
    """A simulated recording and all that is true of it.

    Attributes:
        index: from 0, within its hospital.
        patient_index: index of the patient's first recording.
        patient: who was recorded.
        beats: when the heart beat, and how.
        independent: float32 ``(num_samples, 8)`` in mV, leads in the order of `INDEPENDENT`.
        sampling_rate: in Hz.
    """

    index: int
    patient_index: int
    patient: Patient
    beats: BeatTimes
    independent: Float32Array
    sampling_rate: int

    @property
    def values(self) -> Float32Array:
        """All twelve leads, ``(num_samples, 12)`` in mV."""
        return np.asarray(twelve_leads(self.independent), dtype=np.float32)


def record_ecg(hospital: str, index: int, *, seed: int = 0, noise: bool = True) -> Recording:
    """Recording ``index`` of a hospital.

    It depends on the arguments alone: the same numbers give the same recording in any database
    size and in any order.

    Args:
        hospital: a name of `HOSPITALS`.
        index: from 0.
        seed: from 0; another seed gives other patients.
        noise: whether electrodes and amplifier add theirs; the heart is the same either way.

    Raises:
        ConfigError: the hospital is unknown, or ``index`` or ``seed`` is negative.

    Example:
        >>> ecg = record_ecg("riverside", 3, noise=False)
        >>> ecg.values.shape, ecg.sampling_rate, len(ecg.patient.conditions) > 0
        ((5000, 12), 500, True)
    """
    place = look_up("hospital", hospital, HOSPITALS)
    if index < 0 or seed < 0:
        raise ConfigError(
            f"index and seed of a simulated ECG start at 0. Received: index {index}, seed {seed}."
        )
    patient_index = int(first_recordings(hospital, index + 1, seed)[index])
    patient = find_patient(hospital, patient_index, seed)
    heart_rng = make_generator("heart", hospital, index, seed)
    num_samples = place.seconds * place.sampling_rate
    beats = draw_beats(patient, place.seconds, heart_rng)
    dipole = render(patient, beats, num_samples, place.sampling_rate, heart_rng)
    independent = dipole @ patient.lead_field.T.astype(np.float32)
    if noise:
        noise_rng = make_generator("noise", hospital, index, seed)
        independent = independent + draw_noise(place, num_samples, noise_rng)
    return Recording(index, patient_index, patient, beats, independent, place.sampling_rate)


def first_recordings(hospital: str, records: int, seed: int) -> AnyArray:
    """The index of the first recording of each record's patient, ``(records,)``."""
    again = (
        make_generator("repeats", hospital, 0, seed).random(records) < HOSPITALS[hospital].repeats
    )
    again[:1] = False
    return np.maximum.accumulate(np.where(again, 0, np.arange(records)))


def find_patient(hospital: str, patient_index: int, seed: int) -> Patient:
    """The patient whose first recording is ``patient_index`` of `first_recordings`."""
    rng = make_generator("patient", hospital, patient_index, seed)
    return draw_patient(HOSPITALS[hospital], rng)


def render(
    patient: Patient,
    beats: BeatTimes,
    num_samples: int,
    sampling_rate: float,
    rng: np.random.Generator,
) -> Float32Array:
    """The heart's dipole during a recording, ``(num_samples, 3)`` in mV.

    x is to the left, y to the feet, z to the front. ``rng`` gives breathing and fibrillation a
    phase.
    """
    sinus = sinus_beat(patient)
    kinds = (sinus, atrial_beat(patient, sinus), ventricular_beat(patient))
    centre = np.stack([beat.centre for beat in kinds])[beats.kind]
    left = np.stack([beat.left for beat in kinds])[beats.kind]
    right = np.stack([beat.right for beat in kinds])[beats.kind]
    dipole = np.stack([beat.dipole for beat in kinds])[beats.kind]
    qrs = np.array([beat.qrs for beat in kinds])[beats.kind]
    extra = np.array([beat.qt_extra for beat in kinds])[beats.kind]
    # QT follows the RR interval to which the heart has adapted by Fridericia's cube root
    qt = patient.qtc * np.cbrt(beats.memory) + extra
    centre[:, 6:], left[:, 6:], right[:, 6:] = repolarisation(qrs, qt)
    # breathing moves the heart in the chest: a few percent of every wave
    phase = 2 * np.pi * (patient.breathing * beats.onset + rng.random())
    dipole = dipole * (1 + 0.03 * np.sin(phase))[:, None, None]

    start = np.ceil((beats.onset - _BEFORE) * sampling_rate).astype(int)
    length = int((_BEFORE + _AFTER) * sampling_rate)
    time = (start[:, None] + np.arange(length)) / sampling_rate - beats.onset[:, None]
    shape = evaluate(time[..., None], centre[:, None], left[:, None], right[:, None])
    pieces = shape @ dipole.astype(np.float32)

    pad = length + 2 * int(sampling_rate)
    heart = np.zeros((num_samples + 2 * pad, 3), np.float32)
    for first, piece in zip(start + pad, pieces, strict=True):
        heart[first : first + length] += piece
    heart = heart[pad : pad + num_samples]
    if patient.has("AFIB"):
        heart += _fibrillation(patient, num_samples, sampling_rate, rng)
    return heart


def _fibrillation(
    patient: Patient, num_samples: int, sampling_rate: float, rng: np.random.Generator
) -> Float32Array:
    """The atria's dipole in fibrillation: sawtooth waves of wandering rate and height."""
    time = np.arange(num_samples) / sampling_rate
    slow = 2 * np.pi * (rng.uniform(0.08, 0.3, (2, 1)) * time + rng.random((2, 1)))
    phase = 2 * np.pi * (patient.fibrillation_hz * time + rng.random()) + 2.0 * np.sin(slow[0])
    height = patient.fibrillation_mv * (1 + 0.35 * np.sin(slow[1]))
    wave = sum(np.sin(n * phase) / n for n in (1, 2, 3))
    return np.outer(height * wave, _FIBRILLATION).astype(np.float32)


def make_generator(purpose: str, hospital: str, index: int, seed: int) -> np.random.Generator:
    """The random numbers of one purpose for one record: independent of all others'."""
    key = zlib.crc32(f"{hospital}/{purpose}".encode())
    return np.random.default_rng((seed, key, index))
