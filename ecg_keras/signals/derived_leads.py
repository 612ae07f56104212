"""Limb leads that a recorder does not store: any two of the six determine the other four."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.signals.quality import IDENTITIES

# each limb lead as a sum of leads I and II
AS_I_AND_II = {"I": (1.0, 0.0), "II": (0.0, 1.0), **IDENTITIES}


def derive_leads(
    values: npt.NDArray[Any], leads: Sequence[str], wanted: Sequence[str]
) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
    """Adds the limb leads that are wanted and not there, where two others determine them.

    A derived lead obeys Einthoven's and Goldberger's identities by construction: that it does so
    says nothing about the recording.

    Args:
        values: ``(num_samples, num_leads)`` in millivolts.
        leads: names of the columns, spelled as in `LEADS`.
        wanted: names of the leads that are needed.

    Returns:
        The columns with the derived ones behind them, in memory column by column, and the names of
        all; both are as they came where nothing is to be derived, or fewer than two limb leads are
        there. Leads I and II are preferred, then the order of `LEADS`.

    Source:
        III = II - I (Einthoven 1913); aVR = -(I + II) / 2, aVL = I - II / 2, aVF = II - I / 2
        (Goldberger 1942).

    Example:
        >>> derive_leads(np.array([[1.0, 3.0]]), ["I", "II"], ["I", "III", "aVR"])
        (array([[ 1.,  3.,  2., -2.]]), ('I', 'II', 'III', 'aVR'))
    """
    derived, columns, weights = _weights(tuple(leads), tuple(wanted))
    if not derived:
        return values, tuple(leads)
    whole = np.empty((len(values), len(leads) + len(derived)), values.dtype, order="F")
    whole[:, : len(leads)] = values
    one, two = (whole[:, column] for column in columns)
    for column, (of_one, of_two) in enumerate(weights.T.tolist(), len(leads)):
        whole[:, column] = of_one * one + of_two * two
    return whole, (*leads, *derived)


@functools.lru_cache(maxsize=64)  # the recordings of a database have the same leads
def _weights(
    leads: tuple[str, ...], wanted: tuple[str, ...]
) -> tuple[tuple[str, ...], list[int], npt.NDArray[np.float64]]:
    """The leads to derive, the two columns that they come from, and what each of these counts."""
    missing = tuple(lead for lead in wanted if lead in AS_I_AND_II and lead not in leads)
    known = [lead for lead in AS_I_AND_II if lead in leads][:2]
    if not missing or len(known) < 2:
        return (), [], np.zeros((2, 0))
    # missing = weights @ known, where both are sums of leads I and II
    basis, sought = (np.array([AS_I_AND_II[lead] for lead in some]) for some in (known, missing))
    weights: npt.NDArray[np.float64] = np.linalg.solve(basis.T, sought.T)
    return missing, [leads.index(lead) for lead in known], weights
