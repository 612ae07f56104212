"""When the heart beats, and which of its beats are ectopic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.simulate.patients import Patient

SINUS, ATRIAL, VENTRICULAR = 0, 1, 2
# Ectopic beats stay this far from the ends, so that a recording shows what surrounds them.
_MARGIN = 1.2


@dataclass(frozen=True, eq=False)
class Beats:
    """The beats of one recording and a little beyond it, in order.

    Attributes:
        onset: of the QRS, in seconds from the start of the recording, ``(num_beats,)``.
        kind: `SINUS` (in atrial fibrillation: conducted), `ATRIAL` or `VENTRICULAR`.
        memory: the RR interval to which the QT interval has adapted, in seconds.
    """

    onset: npt.NDArray[Any]
    kind: npt.NDArray[Any]
    memory: npt.NDArray[Any]


def draw_beats(patient: Patient, seconds: float, rng: np.random.Generator) -> Beats:
    """The beats of a recording.

    Sinus rhythm is RR (1 + a sin(2 pi f t + phase) + noise) with breathing's frequency f; in atrial
    fibrillation RR is lognormal and each interval independent of the last. A ventricular
    premature beat leaves the sinus node alone (the pause is compensatory), an atrial one resets
    it.

    Args:
        patient: gives rate, irregularity and conditions.
        seconds: length of the recording.
        rng: where the randomness comes from.
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
    return Beats(onset[near], kind[near], memory[near])


def _ectopic_places(
    onset: npt.NDArray[Any], patient: Patient, seconds: float, rng: np.random.Generator
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
    onset: npt.NDArray[Any],
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
