"""One simulated patient: age, conditions, the constants of the heart, and when it beats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ecg_keras.array_types import AnyArray
from ecg_keras.simulate.conditions import draw_conditions
from ecg_keras.simulate.electrodes import LEAD_FIELD
from ecg_keras.simulate.hospitals import Hospital

SINUS, ATRIAL, VENTRICULAR = 0, 1, 2
# Ectopic beats stay this far from the ends, so that a recording shows what surrounds them.
_MARGIN = 1.2


@dataclass(frozen=True, eq=False)
class Patient:
    """Everything that is the same in all recordings of one person. Times are in seconds."""

    conditions: tuple[str, ...]  # names of `CONDITIONS`, in its order
    severity: Mapping[str, float]  # of each, from 0 (just meets its criterion) to 1 (plain)
    age: float
    sex: str
    height: float  # in cm
    weight: float  # in kg
    rate: float  # mean ventricular rate, per minute
    irregularity: float  # standard deviation of RR over its mean, without breathing
    breathing: float  # in Hz
    respiratory_arrhythmia: float  # amplitude of the RR interval's change with breathing, over RR
    pr: float
    qrs: float
    qtc: float  # QT at RR = 1 s
    p_duration: float
    voltage: float  # Sokolow-Lyon voltage, S in V1 + the larger R of V5 and V6, in mV
    p_gain: float
    t_mv: float  # amplitude of the T dipole
    axis: float  # rotation of the QRS in the frontal plane, positive to the right, in radians
    turn: float  # rotation of the heart about its long axis, positive to the front
    t_axis: float  # rotation of the T wave in the frontal plane
    fibrillation_mv: float  # of the atria in atrial fibrillation, else zero
    fibrillation_hz: float
    lead_field: AnyArray  # `LEAD_FIELD` with this person's build and electrode positions
    shape_seed: int  # of the ectopic beats' shapes

    def has(self, condition: str) -> bool:
        """Whether the patient has the condition."""
        return condition in self.conditions


@dataclass(frozen=True, eq=False)
class BeatTimes:
    """The beats of one recording and a little beyond it, in order; arrays of ``(num_beats,)``."""

    onset: AnyArray  # of the QRS, in seconds from the start of the recording
    kind: AnyArray  # `SINUS` (in atrial fibrillation: conducted), `ATRIAL`, `VENTRICULAR`
    memory: AnyArray  # the RR interval to which the QT interval has adapted, in seconds


def draw_patient(hospital: Hospital, rng: np.random.Generator) -> Patient:
    """A patient of the hospital.

    Every value is within the textbook's limits for the patient's conditions: what has no condition
    that changes it stays in its normal range, close to the limit in some patients.
    """
    conditions = draw_conditions(hospital.prevalence, hospital.comorbidity, rng)
    # more subtle cases than plain ones
    severity = {name: float(rng.beta(0.8, 2.0)) for name in conditions}
    healthy = conditions == ("NORM",)
    age = float(
        np.clip(rng.normal(hospital.age_mean + (-6 if healthy else 3), hospital.age_sd), 18, 97)
    )
    male = bool(rng.random() < 0.5)
    height = rng.normal(176 if male else 164, 7)
    rate = _rate(severity, rng)
    pr = _pr(severity, rate, rng)
    youth = np.clip((70 - age) / 50, 0.1, 1.0)
    fibrillating = "AFIB" in severity
    return Patient(
        conditions=conditions,
        severity=severity,
        age=float(round(age)),
        sex="male" if male else "female",
        height=float(round(height)),
        weight=float(round(np.clip(rng.normal(25, 4), 17, 42) * (height / 100) ** 2)),
        rate=rate,
        irregularity=0.18 + 0.14 * severity["AFIB"] if fibrillating else rng.uniform(0.004, 0.018),
        breathing=rng.uniform(0.18, 0.35),
        respiratory_arrhythmia=0.0 if fibrillating else youth * rng.uniform(0.005, 0.07),
        pr=pr,
        qrs=_qrs(severity, rng),
        qtc=float(np.clip(rng.normal(0.400 if male else 0.412, 0.014), 0.36, 0.44)),
        p_duration=min(rng.uniform(0.085, 0.112), pr - 0.03),
        voltage=_voltage(severity, male, age, rng),
        p_gain=float(np.clip(rng.lognormal(-0.1, 0.3), 0.5, 1.6)),
        t_mv=float(np.clip(rng.lognormal(np.log(0.24), 0.45), 0.08, 0.5)),
        axis=_axis(severity, age, rng),
        turn=np.deg2rad(np.clip(rng.normal(0, 10), -16, 16)),
        t_axis=np.deg2rad(np.clip(rng.normal(0, 9), -18, 18)),
        fibrillation_mv=rng.uniform(0.02, 0.09) if fibrillating else 0.0,
        fibrillation_hz=rng.uniform(4.5, 8.0) if fibrillating else 0.0,
        lead_field=LEAD_FIELD * np.exp(rng.normal(0.0, 0.10, LEAD_FIELD.shape)),
        shape_seed=int(rng.integers(2**31)),
    )


def _rate(severity: Mapping[str, float], rng: np.random.Generator) -> float:
    if "SBRAD" in severity:
        return 57.8 - 17.0 * severity["SBRAD"]
    if "STACH" in severity:
        return 102.8 + 40.0 * severity["STACH"]
    if "AFIB" in severity:
        return float(rng.uniform(62, 135))
    # a long PR interval needs room before the next beat
    return float(np.clip(rng.normal(76, 13), 62.2, 85 if "1AVB" in severity else 97))


def _pr(severity: Mapping[str, float], rate: float, rng: np.random.Generator) -> float:
    if "1AVB" not in severity:
        return float(np.clip(rng.normal(0.168, 0.020), 0.125, 0.194))
    longest = 60 / rate - 0.42 * (60 / rate) ** (1 / 3) + 0.04
    return float(min(0.209 + 0.12 * severity["1AVB"], longest))


def _qrs(severity: Mapping[str, float], rng: np.random.Generator) -> float:
    if "CLBBB" in severity:
        return 0.127 + 0.04 * severity["CLBBB"]
    if "CRBBB" in severity:
        return 0.128 + 0.034 * severity["CRBBB"]
    if {"AMI", "IMI", "LVH"} & set(severity):
        return rng.uniform(0.090, 0.108)
    return rng.uniform(0.078, 0.111)


def _voltage(
    severity: Mapping[str, float], male: bool, age: float, rng: np.random.Generator
) -> float:
    if "LVH" in severity:
        return 3.58 + 1.4 * severity["LVH"]
    # young men have high voltages, which is not hypertrophy
    usual = 2.3 + (0.25 if male else 0.0) + 0.008 * (50 - age)
    # S in V1 is small in a right bundle branch block, and a wide QRS is a low one
    usual *= 0.65 if "CRBBB" in severity else 0.9 if "CLBBB" in severity else 1.0
    return float(np.clip(usual * rng.lognormal(0.05, 0.28), 0.9, 3.33))


def _axis(severity: Mapping[str, float], age: float, rng: np.random.Generator) -> float:
    # the axis turns to the left with age and with hypertrophy
    degrees = rng.normal(-0.25 * (age - 45) - (12 if "LVH" in severity else 0), 14)
    if "IMI" in severity:
        return float(np.deg2rad(np.clip(degrees, -14, 12)))
    return float(np.deg2rad(np.clip(degrees, -32, 18)))


def draw_beats(patient: Patient, seconds: float, rng: np.random.Generator) -> BeatTimes:
    """The beats of a recording.

    Sinus rhythm is RR (1 + a sin(2 pi f t + phase) + noise) with breathing's frequency f; in atrial
    fibrillation RR is lognormal and each interval independent of the last. A ventricular premature
    beat leaves the sinus node alone (the pause is compensatory), an atrial one resets it.
    """
    mean = 60.0 / patient.rate
    count = int((seconds + 6.0) / mean * 1.3) + 4
    noise = rng.standard_normal(count)
    noise = (noise - noise.mean()) / noise.std()
    if patient.has("AFIB"):
        rr = np.clip(np.exp(patient.irregularity * noise), 0.45, 2.2)
        rr = np.maximum(mean * rr / rr.mean(), 0.30)
    else:
        phase = 2 * np.pi * (patient.breathing * mean * np.arange(count) + rng.random())
        rr = 1 + patient.respiratory_arrhythmia * np.sin(phase) + patient.irregularity * noise
        rr = mean * rr / rr.mean()
    onset = np.cumsum(rr) - rr[0] - 1.5 - rng.random() * mean
    kind = np.full(count, SINUS)
    for place in _ectopic_places(onset, patient, seconds, rng):
        kind[place[0]] = place[1]
        _make_early(onset, *place, mean, patient, rng)
    before = np.diff(onset, prepend=onset[0] - mean)
    memory = np.clip(0.6 * mean + 0.4 * before, 0.35, 1.8)
    near = (onset > -1.2) & (onset < seconds + 0.6)
    return BeatTimes(onset[near], kind[near], memory[near])


def _ectopic_places(
    onset: AnyArray, patient: Patient, seconds: float, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Which beats become ectopic, and of which kind: at least one of each that is present."""
    kinds = [kind for name, kind in (("PAC", ATRIAL), ("PVC", VENTRICULAR)) if patient.has(name)]
    if not kinds:
        return []
    inside = np.flatnonzero((onset > _MARGIN) & (onset < seconds - _MARGIN))
    # every other beat at most, so that each ectopic beat has a sinus beat on both sides
    free = inside[rng.integers(2) :: 2] if len(inside) > 4 else inside[::2]
    number = max(len(kinds), min(len(inside) // 4, len(kinds) + int(rng.integers(3))))
    places = np.sort(rng.choice(free, number, replace=False))
    order = rng.permutation(np.resize(kinds, number))
    return [(int(place), int(kind)) for place, kind in zip(places, order, strict=True)]


def _make_early(
    onset: AnyArray,
    place: int,
    kind: int,
    mean: float,
    patient: Patient,
    rng: np.random.Generator,
) -> None:
    """Move the beat at ``place``, and those after it as its kind demands."""
    interval = onset[place] - onset[place - 1]
    if kind == VENTRICULAR and not patient.has("AFIB"):
        coupling = max(rng.uniform(0.50, 0.70) * interval, min(0.36, 0.8 * interval))
        onset[place] = onset[place - 1] + coupling
        return
    share = rng.uniform(0.62, 0.80) if kind == ATRIAL else rng.uniform(0.55, 0.70)
    onset[place:] += share * mean - interval
    pause = 1.08 if kind == ATRIAL else 1.2
    onset[place + 1 :] += pause * mean - (onset[place + 1] - onset[place])
