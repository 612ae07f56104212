"""Leads that a network wants, from those that are there: copies, and limb leads from two others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecg_keras.array_types import Float32Array
from ecg_keras.signals.leads import find_derived


def missing_leads(leads: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """The wanted leads that are not among ``leads`` and do not follow from two limb leads there.

    Example:
        >>> missing_leads(["II", "III"], ["I", "aVF", "V1"])
        ('V1',)
    """
    derived, _, _ = find_derived(tuple(leads), tuple(wanted))
    return tuple(lead for lead in wanted if lead not in leads and lead not in derived)


def lead_weights(leads: Sequence[str], wanted: Sequence[str]) -> Float32Array:
    """Each wanted lead as a sum of those that are there, zeros where it is missing.

    A limb lead that is not there follows from two that are, as in `derive_leads`.

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
    derived, columns, shares = find_derived(tuple(leads), tuple(wanted))
    for column, lead in enumerate(wanted):
        if lead in leads:
            weights[list(leads).index(lead), column] = 1
        elif lead in derived:
            weights[columns, column] = shares[:, derived.index(lead)]
    return weights
