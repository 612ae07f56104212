"""The fourteen labels a simulated heart can have, their codes, and which occur together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Condition:
    """One label."""

    description: str
    criterion: str  # what is true of every simulated ECG that has the label, by measurement
    # the SCP-ECG statements that PTB-XL's layout writes for it, the label's own first, with their
    # likelihoods in percent (0, "unknown", for form and rhythm, as there)
    scp: Mapping[str, float]
    snomed: str  # the code that the Challenge's layout writes for it
    superclass: str | None = None  # of PTB-XL; none for rhythms and extra beats


CONDITIONS: dict[str, Condition] = {
    "NORM": Condition(
        "normal ECG", "none of the others", {"NORM": 100.0}, "426783006", superclass="NORM"
    ),
    "SBRAD": Condition("sinus bradycardia", "sinus rate below 60/min", {"SBRAD": 0.0}, "426177001"),
    "STACH": Condition(
        "sinus tachycardia", "sinus rate above 100/min", {"STACH": 0.0}, "427084000"
    ),
    "AFIB": Condition(
        "atrial fibrillation",
        "no P waves, irregular RR intervals, fibrillatory waves of 4-9 Hz",
        {"AFIB": 0.0},
        "164889003",
    ),
    "PAC": Condition(
        "atrial premature complex",
        "1-3 early beats with an abnormal P wave and the sinus beats' QRS",
        {"PAC": 0.0},
        "284470004",
    ),
    "PVC": Condition(
        "ventricular premature complex",
        "1-3 early beats without a P wave, QRS above 120 ms, discordant T",
        {"PVC": 0.0},
        "427172004",
    ),
    "1AVB": Condition(
        "first degree AV block", "PR above 200 ms", {"1AVB": 100.0}, "270492004", superclass="CD"
    ),
    "CLBBB": Condition(
        "complete left bundle branch block",
        "QRS of 120 ms or more; QS or rS in V1; broad notched R without q in I, V5, V6",
        {"CLBBB": 100.0},
        "733534002",
        superclass="CD",
    ),
    "CRBBB": Condition(
        "complete right bundle branch block",
        "QRS of 120 ms or more; terminal R' in V1; wide S in I and V6",
        {"CRBBB": 100.0},
        "713427006",
        superclass="CD",
    ),
    "AMI": Condition(
        "anterior myocardial infarction",
        "Q or QS of 30 ms and 0.1 mV or more in V2 and V3",
        {"AMI": 100.0},
        "54329005",
        superclass="MI",
    ),
    # the Challenge's tables have no inferior infarction: their general code stands for it
    "IMI": Condition(
        "inferior myocardial infarction",
        "Q of 30 ms and 0.1 mV or more in two of II, III, aVF",
        {"IMI": 100.0},
        "164865005",
        superclass="MI",
    ),
    # STD_ and INVT are statements of form; NST_ and NDT are the diagnostic ones that go with them
    "STD_": Condition(
        "ST depression",
        "ST 60 ms after the J point 0.05 mV or more below the baseline in two of V4-V6",
        {"STD_": 0.0, "NST_": 100.0},
        "429622005",
        superclass="STTC",
    ),
    "INVT": Condition(
        "inverted T waves",
        "T of -0.1 mV or below in two of V4-V6 or in two of II, III, aVF",
        {"INVT": 0.0, "NDT": 100.0},
        "59931005",
        superclass="STTC",
    ),
    "LVH": Condition(
        "left ventricular hypertrophy",
        "Sokolow-Lyon voltage, S in V1 + the larger R of V5 and V6, of 3.5 mV or more",
        {"LVH": 100.0},
        "164873001",
        superclass="HYP",
    ),
}

SUPERCLASSES = ("NORM", "MI", "STTC", "HYP", "CD")

# Each condition's list holds for both directions. Rhythms exclude each other; in a bundle branch
# block or over an infarction's ST shift the criteria of the others are not those of the textbook.
_INCOMPATIBLE: dict[str, tuple[str, ...]] = {
    "NORM": tuple(name for name in CONDITIONS if name != "NORM"),
    "SBRAD": ("STACH", "AFIB"),
    "STACH": ("AFIB", "PAC", "1AVB", "STD_"),
    "AFIB": ("PAC", "1AVB"),
    "CLBBB": ("CRBBB", "AMI", "IMI", "STD_", "INVT", "LVH"),
    "CRBBB": ("LVH",),
    "AMI": ("IMI", "STD_", "LVH"),
    "IMI": ("STD_",),
}
# What tends to come together: strain in hypertrophy, T inversion after an infarction, ...
_AFFINITY: dict[tuple[str, str], float] = {
    ("LVH", "STD_"): 4.0,
    ("LVH", "INVT"): 4.0,
    ("STD_", "INVT"): 3.0,
    ("AMI", "INVT"): 3.0,
    ("AMI", "PVC"): 2.0,
    ("IMI", "SBRAD"): 2.0,
    ("IMI", "1AVB"): 2.0,
    ("AFIB", "PVC"): 2.0,
}


def compatible(first: str, second: str) -> bool:
    """Whether one heart can have both conditions."""
    return (
        first != second
        and second not in _INCOMPATIBLE.get(first, ())
        and first not in _INCOMPATIBLE.get(second, ())
    )


def draw_conditions(
    prevalence: Mapping[str, float], comorbidity: float, rng: np.random.Generator
) -> tuple[str, ...]:
    """The conditions of one heart, in the order of `CONDITIONS`.

    ``comorbidity`` is the chance that a heart which is not normal has one more, tried twice.
    """
    found: list[str] = []
    for chance in (1.0, comorbidity, comorbidity):
        weights = {
            name: weight * np.prod([_affinity(name, other) for other in found])
            for name, weight in prevalence.items()
            if all(compatible(name, other) for other in found)
        }
        total = sum(weights.values())
        if rng.random() >= chance or total == 0:
            break
        shares = np.fromiter(weights.values(), float) / total
        found.append(list(weights)[rng.choice(len(shares), p=shares)])
    return tuple(name for name in CONDITIONS if name in found)


def _affinity(first: str, second: str) -> float:
    return _AFFINITY.get((first, second), _AFFINITY.get((second, first), 1.0))
