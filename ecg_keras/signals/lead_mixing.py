"""Leads that a network wants, from those that are there: copies, and limb leads from I and II."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ecg_keras.signals.leads import IDENTITIES

LIMB_LEADS = ("I", "II")


def missing_leads(leads: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """The wanted leads that are not among ``leads`` and do not follow from I and II.

    Example:
        >>> missing_leads(["I", "II"], ["I", "aVF", "V1"])
        ('V1',)
    """
    derived = IDENTITIES if set(LIMB_LEADS) <= set(leads) else ()
    return tuple(lead for lead in wanted if lead not in leads and lead not in derived)


def lead_weights(leads: Sequence[str], wanted: Sequence[str]) -> npt.NDArray[np.float32]:
    """Each wanted lead as a sum of those that are there, zeros where it is missing.

    A limb lead that is not there follows from leads I and II (Einthoven, Goldberger).

    Args:
        leads: that are there.
        wanted: that a network takes.

    Returns:
        float32 ``(leads, wanted)``.

    Example:
        >>> lead_weights(["I", "II"], ["II", "aVL", "V1"]).T.tolist()
        [[0.0, 1.0], [1.0, -0.5], [0.0, 0.0]]
    """
    weights = np.zeros((len(leads), len(wanted)), np.float32)
    missing = missing_leads(leads, wanted)
    for column, lead in enumerate(wanted):
        if lead in leads:
            weights[list(leads).index(lead), column] = 1
        elif lead not in missing:
            weights[[list(leads).index(one) for one in LIMB_LEADS], column] = IDENTITIES[lead]
    return weights
