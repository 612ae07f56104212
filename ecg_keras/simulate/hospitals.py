"""The simulated hospitals: who is examined there, and with what equipment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Hospital:
    """A population and a recording chain.

    Attributes:
        layout: ``"ptbxl"`` or ``"challenge"``, the files that are written.
        sampling_rate: of the recorder, in Hz. PTB-XL's layout has 500 and adds 100.
        seconds: length of each recording.
        prefix: two letters of the record names in the Challenge's layout.
        mains_hz: frequency of the power line.
        mains_mv, amplifier_mv, muscle_mv, wander_mv: typical noise of one electrode (amplitude
            for mains, root mean square for the others); each recording has its own multiple.
        age_mean, age_sd: in years.
        repeats: chance that a record is another recording of the patient before it.
        comorbidity: chance of one condition more, see `draw_conditions`.
        prevalence: weight of each condition as the first that is found; sums to 1.
    """

    layout: str
    sampling_rate: int
    seconds: int
    prefix: str
    mains_hz: float
    mains_mv: float
    amplifier_mv: float
    muscle_mv: float
    wander_mv: float
    age_mean: float
    age_sd: float
    repeats: float
    comorbidity: float
    prevalence: Mapping[str, float]


# weight of each condition as the first that is found: at the lakeside, riverside and hillside
_PREVALENCES: dict[str, tuple[float, float, float]] = {
    "NORM": (0.22, 0.16, 0.35),
    "SBRAD": (0.06, 0.05, 0.08),
    "STACH": (0.06, 0.05, 0.08),
    "AFIB": (0.06, 0.12, 0.04),
    "PAC": (0.06, 0.05, 0.06),
    "PVC": (0.06, 0.08, 0.06),
    "1AVB": (0.06, 0.07, 0.04),
    "CLBBB": (0.06, 0.05, 0.03),
    "CRBBB": (0.06, 0.08, 0.04),
    "AMI": (0.06, 0.06, 0.03),
    "IMI": (0.06, 0.07, 0.04),
    "STD_": (0.06, 0.05, 0.04),
    "INVT": (0.06, 0.05, 0.05),
    "LVH": (0.06, 0.06, 0.06),
}
HOSPITALS: dict[str, Hospital] = {
    "lakeside": Hospital(
        layout="ptbxl",
        sampling_rate=500,
        seconds=10,
        prefix="",
        mains_hz=50.0,
        mains_mv=0.01,
        amplifier_mv=0.012,
        muscle_mv=0.02,
        wander_mv=0.08,
        age_mean=52.0,
        age_sd=16.0,
        repeats=0.15,
        comorbidity=0.25,
        prevalence={name: shares[0] for name, shares in _PREVALENCES.items()},
    ),
    "riverside": Hospital(
        layout="challenge",
        sampling_rate=500,
        seconds=10,
        prefix="RV",
        mains_hz=60.0,
        mains_mv=0.025,
        amplifier_mv=0.02,
        muscle_mv=0.040,
        wander_mv=0.13,
        age_mean=66.0,
        age_sd=13.0,
        repeats=0.0,
        comorbidity=0.35,
        prevalence={name: shares[1] for name, shares in _PREVALENCES.items()},
    ),
    "hillside": Hospital(
        layout="challenge",
        sampling_rate=250,
        seconds=12,
        prefix="HL",
        mains_hz=50.0,
        mains_mv=0.015,
        amplifier_mv=0.016,
        muscle_mv=0.03,
        wander_mv=0.10,
        age_mean=46.0,
        age_sd=18.0,
        repeats=0.0,
        comorbidity=0.2,
        prevalence={name: shares[2] for name, shares in _PREVALENCES.items()},
    ),
}
