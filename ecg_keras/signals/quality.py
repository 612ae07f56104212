"""What tells a good recording from a broken one: size, dead leads and Einthoven's identities."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.errors import DataError

# each limb lead that follows from leads I and II: lead = a * I + b * II
IDENTITIES = {
    "III": (-1.0, 1.0),
    "aVR": (-0.5, -0.5),
    "aVL": (1.0, -0.5),
    "aVF": (-0.5, 1.0),
}
# samples of which the residuals of the identities are taken, evenly over the recording
ENOUGH = 500


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


def measure_quality(values: npt.NDArray[Any], leads: Sequence[str]) -> Quality:
    """`Quality` of one recording.

    Args:
        values: ``(num_samples, num_leads)`` in millivolts, finite.
        leads: names of the columns, spelled as in `LEADS`.

    Returns:
        Its figures.

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
    _check_shape(values, leads)
    low, high = _extremes(values)
    return Quality(
        peak_mv=float(max(np.max(high), -np.min(low))),
        rms_mv=float(np.sqrt(np.square(values).mean(dtype=np.float64))),
        einthoven_mv=_einthoven(values, leads),
        flat_leads=int(np.sum(low == high)),
    )


def worst_limb_lead(values: npt.NDArray[Any], leads: Sequence[str]) -> str | None:
    """The limb lead that misses its identity by most; ``None`` where none can be checked.

    A lead I or II that is wrong shows in all four: what is named then is one of these.

    Args:
        values: ``(num_samples, num_leads)`` in millivolts, finite.
        leads: names of the columns, spelled as in `LEADS`.

    Example:
        >>> one, two = np.sin(np.arange(100.0)), np.cos(np.arange(100.0))
        >>> values = np.stack([one, two, two - one, two - one / 2 + 0.03], axis=1)
        >>> worst_limb_lead(values, ["I", "II", "III", "aVF"])
        'aVF'
    """
    _check_shape(values, leads)
    misses = _misses(values, leads)
    checked = [lead for lead in IDENTITIES if lead in leads]
    return checked[int(np.argmax(misses))] if misses.size else None


def _check_shape(values: npt.NDArray[Any], leads: Sequence[str]) -> None:
    if values.ndim != 2 or values.shape[1] != len(leads) or values.size == 0:
        raise DataError(
            "an ECG must have the shape (num_samples, num_leads) with at least one sample and one "
            f"column for each of its {len(leads)} leads. Received: shape {values.shape}."
        )


def _extremes(values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The smallest and largest sample of each lead."""
    if values.flags.f_contiguous:
        return values.min(axis=0), values.max(axis=0)
    # NumPy is slow where the inner loop is one row of twelve: let it run over many rows at once
    rows = math.gcd(len(values), 64)
    block = values.reshape(len(values) // rows, -1)
    low = block.min(axis=0).reshape(rows, -1).min(axis=0)
    return low, block.max(axis=0).reshape(rows, -1).max(axis=0)


def _einthoven(values: npt.NDArray[Any], leads: Sequence[str]) -> float:
    misses = _misses(values, leads)
    return float(misses.max()) if misses.size else math.nan


def _misses(values: npt.NDArray[Any], leads: Sequence[str]) -> npt.NDArray[Any]:
    """The median absolute residual of each identity that can be checked."""
    weights, limbs = _residual_weights(tuple(leads))
    if not len(weights):
        return np.empty(0)
    # so many samples settle a median
    thinned = values[:: max(1, len(values) // ENOUGH)].T[limbs]
    residuals = np.abs(weights.astype(thinned.dtype, copy=False) @ thinned)
    # the lower median; to sort a few short rows takes less than NumPy's median
    middle: npt.NDArray[Any] = np.sort(residuals, axis=1)[:, (thinned.shape[1] - 1) // 2]
    return middle


@functools.lru_cache(maxsize=16)
def _residual_weights(
    leads: tuple[str, ...],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.intp]]:
    """For each identity that can be checked the weights of the limb leads, and their columns."""
    limbs = [lead for lead in ("I", "II", *IDENTITIES) if lead in leads]
    checked = [lead for lead in IDENTITIES if lead in leads] if {"I", "II"} <= set(limbs) else []
    weights = np.zeros((len(checked), len(limbs)), np.float32)
    for row, lead in enumerate(checked):
        weights[row, limbs.index(lead)] = 1
        weights[row, [limbs.index("I"), limbs.index("II")]] = [
            -weight for weight in IDENTITIES[lead]
        ]
    return weights, np.array([leads.index(lead) for lead in limbs], np.intp)
