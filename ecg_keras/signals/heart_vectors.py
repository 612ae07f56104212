"""Where the waves of an ECG point in the frontal plane: what tells limb leads apart.

Angles follow the usual convention: lead I looks to 0 degrees, aVF to +90 degrees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.signals.beats import Beats, mean_beat

Floats = npt.NDArray[np.float64]

# in the largest lead, part of the span of the recording; of 1270 real ECGs each has 0.1 or more
_LEAST_QRS = 0.05


@dataclass(frozen=True, eq=False)
class HeartVectors:
    """The mean beat of one recording, as far as the order of its leads can be read from it.

    Attributes:
        p, qrs, t: vectors ``(2,)`` of the mean P wave, QRS complex and T wave in the frontal plane:
            to the patient's left, and to the feet.
        first, last: vectors ``(2,)`` of the frontal plane that the first and the last chest lead
            follow best during the QRS; NaN where there are none.
        chest: ``(2 * samples + 1, num chest leads)``, the QRS in the chest leads.
    """

    p: Floats
    qrs: Floats
    t: Floats
    first: Floats
    last: Floats
    chest: Floats


def measure_heart_vectors(
    limb: npt.NDArray[Any], chest: npt.NDArray[Any], beats: Beats, sampling_rate: float
) -> HeartVectors | None:
    """`HeartVectors` of one recording.

    Args:
        limb: ``(num_samples, 2)``, leads I and II.
        chest: ``(num_samples, num_leads)``, V6 last; none or more.
        beats: of the recording.
        sampling_rate: in Hz, the true one.

    Returns:
        What was measured, or ``None`` where fewer than three beats are whole, or what was found as
        QRS is so small beside the rest that it is none.
    """
    half = round(0.45 * sampling_rate)
    signals = np.hstack([limb, chest])
    beat = mean_beat(signals, beats, half)
    if beat is None:
        return None

    # between P and QRS the heart is at rest
    beat = beat - np.median(_part(beat, -0.075, -0.05, sampling_rate), axis=0)

    qrs = _part(beat, -0.06, 0.07, sampling_rate)
    if np.ptp(qrs, axis=0).max() < _LEAST_QRS * np.ptp(signals, axis=0).max():
        return None
    followed = np.full((2, 2), np.nan)
    if chest.shape[1]:
        plane, ends = _frontal(qrs), qrs[:, [2, -1]]
        followed, *_ = np.linalg.lstsq(
            plane - plane.mean(axis=0), ends - ends.mean(axis=0), rcond=None
        )
    return HeartVectors(
        p=_frontal(_part(beat, -0.22, -0.085, sampling_rate)).mean(axis=0),
        qrs=_frontal(_part(beat, -0.05, 0.06, sampling_rate)).mean(axis=0),
        t=_frontal(_part(beat, 0.15, 0.40, sampling_rate)).mean(axis=0),
        first=followed[:, 0],
        last=followed[:, 1],
        chest=qrs[:, 2:],
    )


def _part(beat: Floats, begin: float, end: float, sampling_rate: float) -> Floats:
    """What lies between two times around the QRS in seconds."""
    first, last = (len(beat) // 2 + round(edge * sampling_rate) for edge in (begin, end))
    return beat[first : last + 1]


def _frontal(leads: Floats) -> Floats:
    """Leads I and II as coordinates to the left and to the feet."""
    one, two = leads[:, 0], leads[:, 1]
    return np.stack([one, (2 * two - one) / np.sqrt(3)], axis=1)
