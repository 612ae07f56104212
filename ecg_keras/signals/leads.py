"""The twelve standard leads: one spelling, one order, and selection by name."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.errors import DataError, unknown_name

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")

_CHEST = LEADS[6:]
_BY_LOWER_CASE = {lead.lower(): lead for lead in LEADS}
# DI, DII and DIII in southern Europe and Latin America
_BY_LOWER_CASE |= {f"d{lead.lower()}": lead for lead in ("I", "II", "III")}
_GAP = r"[ _.:-]*"
# MDC_ECG_LEAD_AVR (aECG, DICOM, FHIR), "ECG Lead aVR", "EKG aVR", "Einthoven I", "Ableitung V1"
_BEFORE = re.compile(
    rf"^(mdc[ _])?(e[ck]g[ _.:-]+)?(lead{_GAP}|ableitung[ _:]+|derivation[ _:]+)?"
    r"(einthoven[ _]+|goldberger[ _]+|wilson[ _]+)?(?=.)"
)
# "I-Ref" and "V1 - REF" (EDF), "II lead", "I (mV)", "V2[uV]": what it was measured against, or in
_AFTER = re.compile(r"(?<=.)([ _-]+(ref|lead)|[ _]*[(\[][mnuµμ]?v[)\]])+$")
# a letter and a number or another letter, as in "V 1", "D_II", "a VR"
_INNER = re.compile(
    r"(?<=^d)[ _-](?=i)|(?<=^v)[ _](?=[1-6]$)|(?<=^a)[ _](?=v)|(?<=^av)[ _](?=[rlf]$)"
)
_UPSIDE_DOWN = re.compile(r"(^|[ _.:])-\w")
# C1 to C6, chest leads in IEC 60601, are elsewhere columns, or electrodes of an EEG
_CHEST_AS_C = re.compile(r"(?:e[ck]g[ _.:-]+)?lead[ _.:-]+c([1-6])")
# V7 to V9 are further chest leads; programs that invent names for columns call them V1, V2, V3, ...
_BEYOND_V6, _BEYOND_V9 = re.compile(r"v([7-9]|[1-9]\d+)"), re.compile(r"v[1-9]\d+")


def canonical_lead(name: str) -> str:
    """The standard spelling of a lead's name.

    Args:
        name: in any case, with or without a prefix such as ``MDC_ECG_LEAD_``, ``Lead`` or
            ``Einthoven``, and an ending such as ``-Ref`` or ``(mV)``; also ``DI``, ``DII`` and
            ``DIII``.

    Returns:
        One of `LEADS`.

    Raises:
        DataError: it is none of the twelve leads, is one upside down (``-aVR``), or may be
            something else (``1``, ``C1``).

    Example:
        >>> canonical_lead("MDC_ECG_LEAD_AVR"), canonical_lead("v1"), canonical_lead("DII (mV)")
        ('aVR', 'V1', 'II')
    """
    lead = _look_up(name)
    if lead is None:
        raise DataError(unknown_name("lead", name, LEADS))
    return lead


@functools.lru_cache(maxsize=1024)  # the recordings of a database spell their leads alike
def _look_up(name: str) -> str | None:
    # also: one character that looks like II, and a micro sign of either kind
    plain = unicodedata.normalize("NFKC", name).strip(" \t'\"").lower()
    lead = _BY_LOWER_CASE.get(plain)
    if lead is None:
        bare = _AFTER.sub("", plain)
        if _UPSIDE_DOWN.search(bare):
            return None
        chest = _CHEST_AS_C.fullmatch(bare)
        bare = f"v{chest[1]}" if chest else _INNER.sub("", _BEFORE.sub("", bare))
        lead = _BY_LOWER_CASE.get(bare)
    return lead


def find_lead(name: str, lead_names: Mapping[str, str] | None = None) -> str | None:
    """The lead that a column or channel of a recording holds, ``None`` where it is no lead.

    Args:
        name: of the column or channel, as the file spells it.
        lead_names: the user's own spellings, each with the lead that it means; they come before
            `canonical_lead`. Case and blanks around a name do not matter.

    Example:
        >>> find_lead("Thorax 1", {"Thorax 1": "V1"}), find_lead("avr"), find_lead("-aVR")
        ('V1', 'aVR', None)
    """
    if lead_names:
        plain = name.strip().lower()
        for spelling, lead in lead_names.items():
            if spelling.strip().lower() == plain:
                return canonical_lead(lead)
    return _look_up(name)


def find_leads(
    names: Sequence[str], lead_names: Mapping[str, str] | None = None
) -> tuple[str | None, ...]:
    """`find_lead` of all columns of a recording, which together say more than each alone.

    Args:
        names: of the columns, as the file spells them.
        lead_names: as for `find_lead`.

    Returns:
        For each column its lead, ``None`` where it is no lead. ``C1`` to ``C6`` are chest leads
        where all six are there beside limb leads, and nothing calls itself ``V1`` to ``V6``.

    Raises:
        DataError: two columns are the same lead; or ``V1`` to ``V6`` go on beyond ``V9``, or beyond
            ``V6`` without a limb lead, and so may be the numbers of columns.

    Example:
        >>> find_leads(["time", "I", "II", "V1"])
        (None, 'I', 'II', 'V1')
    """
    leads = [find_lead(name, lead_names) for name in names]
    plain = [name.strip(" \t'\"").lower() for name in names]
    limb = any(lead is not None and lead not in _CHEST for lead in leads)
    counted = [f"c{number}" for number in range(1, 7)]
    if limb and not set(_CHEST) & set(leads) and set(counted) <= set(plain) and "c7" not in plain:
        for lead, spelled in zip(_CHEST, counted, strict=True):
            leads[plain.index(spelled)] = lead
    beyond = [
        name
        for name, one, lead in zip(names, plain, leads, strict=True)
        if lead is None and (_BEYOND_V9 if limb else _BEYOND_V6).fullmatch(one)
    ]
    if beyond:
        raise DataError(
            f"{', '.join(beyond)[:60]}: its columns may be counted from V1 on, and V1 be lead I. "
            "Say which lead each column is with data.folder.leads, or data.folder.lead_names."
        )
    for lead in LEADS:
        twice = [
            f"{name!r} (column {number})"
            for number, (name, one) in enumerate(zip(names, leads, strict=True), 1)
            if one == lead
        ]
        if len(twice) > 1:
            raise DataError(
                f"{len(twice)} columns are lead {lead}: {', '.join(twice)}. Name all columns with "
                "data.folder.leads, those that are not to be read by something that is no lead."
            )
    return tuple(leads)


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
            "Ask for leads it has with data.leads, or leave the recording out."
        )
    values = np.asarray(values, dtype=np.float32)
    if tuple(leads) == tuple(wanted):
        return values
    columns = [list(leads).index(lead) for lead in wanted]
    if values.flags.f_contiguous:
        return values.T[columns].T
    return np.ascontiguousarray(values[:, columns])
