"""The twelve standard leads: one spelling, one order, and selection by name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.errors import DataError, unknown_name

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")

_BY_LOWER_CASE = {lead.lower(): lead for lead in LEADS}
# MDC_ECG_LEAD_AVR (aECG, DICOM, FHIR), "Lead aVR" and "ECG Lead aVR" (vendors), ECG_aVR, "EKG aVR"
_PREFIX = re.compile(r"^(mdc[ _])?(e[ck]g[ _-])?(lead[ _-])?(?=.)")


def canonical_lead(name: str) -> str:
    """The standard spelling of a lead's name.

    Args:
        name: in any case, with or without a prefix such as ``MDC_ECG_LEAD_`` or ``Lead``.

    Returns:
        One of `LEADS`.

    Raises:
        DataError: it is none of the twelve leads.

    Example:
        >>> canonical_lead("MDC_ECG_LEAD_AVR"), canonical_lead("v1")
        ('aVR', 'V1')
    """
    plain = name.strip().lower()
    lead = _BY_LOWER_CASE.get(plain) or _BY_LOWER_CASE.get(_PREFIX.sub("", plain))
    if lead is None:
        raise DataError(unknown_name("lead", name, LEADS))
    return lead


def find_lead(name: str, lead_names: Mapping[str, str] | None = None) -> str | None:
    """The lead that a column or channel of a recording holds, ``None`` where it is no lead.

    Args:
        name: of the column or channel, as the file spells it.
        lead_names: the user's own spellings, each with the lead that it means; they come before
            `canonical_lead`. Case and blanks around a name do not matter.

    Example:
        >>> find_lead("DI", {"DI": "I"}), find_lead("avr"), find_lead("RESP")
        ('I', 'aVR', None)
    """
    plain = name.strip().lower()
    for spelling, lead in (lead_names or {}).items():
        if spelling.strip().lower() == plain:
            return canonical_lead(lead)
    try:
        return canonical_lead(name)
    except DataError:
        return None


def select_leads(
    values: npt.NDArray[Any], leads: Sequence[str], wanted: Sequence[str]
) -> npt.NDArray[np.float32]:
    """The columns of an ECG that are wanted, in the order in which they are wanted.

    Args:
        values: ``(num_samples, num_leads)``.
        leads: names of the columns, spelled as in `LEADS`.
        wanted: names of the columns to return.

    Returns:
        float32 ``(num_samples, len(wanted))``, in memory column by column where ``values`` is.

    Raises:
        DataError: a wanted lead is missing, a name occurs twice, or the names do not fit the
            columns.

    Example:
        >>> select_leads(np.array([[1.0, 2.0, 3.0]]), ["I", "II", "III"], ["III", "I"])
        array([[3., 1.]], dtype=float32)
    """
    if values.ndim != 2 or values.shape[1] != len(leads):
        raise DataError(
            "an ECG must have the shape (num_samples, num_leads) with one column for each of its "
            f"{len(leads)} leads. Received: shape {values.shape}."
        )
    twice = sorted({lead for lead in leads if list(leads).count(lead) > 1})
    if twice:
        raise DataError(f"each lead may occur once. Received more than once: {', '.join(twice)}.")
    missing = [lead for lead in wanted if lead not in leads]
    if missing:
        raise DataError(
            f"the recording has no lead {', '.join(missing)}. It has: {', '.join(leads)}. "
            "Ask for leads it has, or leave the recording out."
        )
    values = np.asarray(values, dtype=np.float32)
    if tuple(leads) == tuple(wanted):
        return values
    columns = [list(leads).index(lead) for lead in wanted]
    if values.flags.f_contiguous:
        return values.T[columns].T
    return np.ascontiguousarray(values[:, columns])
