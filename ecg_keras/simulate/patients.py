"""One simulated patient: age, conditions and the constants of the heart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.simulate.conditions import draw_conditions
from ecg_keras.simulate.hospitals import Hospital
from ecg_keras.simulate.leads import LEAD_FIELD


@dataclass(frozen=True, eq=False)
class Patient:
    """Everything that is the same in all recordings of one person. Times are in seconds.

    Attributes:
        conditions: names of `CONDITIONS`, in its order.
        severity: of each condition, from 0 (just meets its criterion) to 1 (plain).
        age, sex, height, weight: in years, ``female`` or ``male``, in cm and kg.
        rate: mean ventricular rate, per minute.
        irregularity: standard deviation of RR over its mean, without breathing.
        breathing: Hz.
        respiratory_arrhythmia: amplitude of the RR interval's change with breathing, over RR.
        pr, qrs, qtc: PR interval, QRS duration, QT at RR = 1 s.
        p_duration: of the P wave.
        voltage: Sokolow-Lyon voltage, S in V1 + the larger R of V5 and V6, in mV.
        p_gain, t_mv: factor of the P waves; amplitude of the T dipole in mV.
        axis, turn: rotation of the QRS in the frontal plane (positive to the patient's right) and
            of the heart about its long axis (positive to the front), in radians.
        t_axis: rotation of the T wave in the frontal plane.
        fibrillation_mv, fibrillation_hz: of the atria in atrial fibrillation, else zero.
        lead_field: ``(8, 3)``, `LEAD_FIELD` with this person's build and electrode positions.
        shape_seed: of the ectopic beats' shapes.
    """

    conditions: tuple[str, ...]
    severity: Mapping[str, float]
    age: float
    sex: str
    height: float
    weight: float
    rate: float
    irregularity: float
    breathing: float
    respiratory_arrhythmia: float
    pr: float
    qrs: float
    qtc: float
    p_duration: float
    voltage: float
    p_gain: float
    t_mv: float
    axis: float
    turn: float
    t_axis: float
    fibrillation_mv: float
    fibrillation_hz: float
    lead_field: npt.NDArray[Any]
    shape_seed: int

    def has(self, condition: str) -> bool:
        """Whether the patient has the condition."""
        return condition in self.conditions


def draw_patient(hospital: Hospital, rng: np.random.Generator) -> Patient:
    """A patient of the hospital.

    Every value lies within the textbook's limits for the patient's conditions: what has no
    condition that changes it stays in its normal range, close to the limit in some patients.

    Args:
        hospital: gives age and prevalence.
        rng: where the randomness comes from.
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
        return rng.uniform(62, 135)
    # a long PR interval needs room before the next beat
    return float(np.clip(rng.normal(76, 13), 62.2, 85 if "1AVB" in severity else 97))


def _pr(severity: Mapping[str, float], rate: float, rng: np.random.Generator) -> float:
    if "1AVB" not in severity:
        return float(np.clip(rng.normal(0.168, 0.020), 0.125, 0.194))
    longest = 60 / rate - 0.42 * (60 / rate) ** (1 / 3) + 0.04
    return min(0.209 + 0.12 * severity["1AVB"], longest)


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
        return np.deg2rad(np.clip(degrees, -14, 12))
    return np.deg2rad(np.clip(degrees, -32, 18))
