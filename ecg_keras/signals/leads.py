"""The twelve standard leads: one spelling and order, selection, and those that others determine."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np

from ecg_keras.array_types import AnyArray, Float32Array, Float64Array
from ecg_keras.errors import DataError, unknown_name

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")

# the user's own spellings of leads, each with the lead that it means
LeadNames = Mapping[str, str] | None

LIMB, CHEST = LEADS[:6], LEADS[6:]
# each limb lead that follows from leads I and II: lead = a * I + b * II
IDENTITIES = {"III": (-1.0, 1.0), "aVR": (-0.5, -0.5), "aVL": (1.0, -0.5), "aVF": (-0.5, 1.0)}
_AS_I_AND_II = {"I": (1.0, 0.0), "II": (0.0, 1.0), **IDENTITIES}

# of a longer text none is looked for, which takes time by the square of its length
_LONGEST = 200

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
        DataError: it is not one of the twelve leads, is one upside down (``-aVR``), or may be
            something else (``1``, ``C1``).

    Example:
        >>> canonical_lead("MDC_ECG_LEAD_AVR"), canonical_lead("v1"), canonical_lead("DII (mV)")
        ('aVR', 'V1', 'II')
    """
    lead = find_lead(name)
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


def find_lead(name: str, lead_names: LeadNames = None) -> str | None:
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
    return _look_up(name) if len(name) <= _LONGEST else None


def find_leads(names: Sequence[str], lead_names: LeadNames = None) -> tuple[str | None, ...]:
    """`find_lead` of all columns of a recording, which together say more than each alone.

    Args:
        names: of the columns, as the file spells them.
        lead_names: as for `find_lead`.

    Returns:
        For each column its lead, ``None`` where it is no lead. ``C1`` to ``C6`` are chest leads
        where all six are there beside limb leads, and nothing calls itself ``V1`` to ``V6``.

    Raises:
        DataError: two columns are the same lead; or after ``V1`` to ``V6`` come some beyond ``V9``,
            or beyond ``V6`` without a limb lead, and so they may be the numbers of columns.

    Example:
        >>> find_leads(["time", "I", "II", "V1"])
        (None, 'I', 'II', 'V1')
    """
    leads = [find_lead(name, lead_names) for name in names]
    plain = [name.strip(" \t'\"").lower() for name in names]
    limb = bool(set(LIMB) & set(leads))
    counted = [f"c{number}" for number in range(1, 7)]
    if limb and not set(CHEST) & set(leads) and set(counted) <= set(plain) and "c7" not in plain:
        for lead, spelled in zip(CHEST, counted, strict=True):
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


def select_leads(values: AnyArray, leads: Sequence[str], wanted: Sequence[str]) -> Float32Array:
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
    check_shape(values, leads, least=0)
    twice = sorted({lead for lead in leads if list(leads).count(lead) > 1})
    if twice:
        raise DataError(f"each lead may occur once. Received more than once: {', '.join(twice)}.")
    missing = [lead for lead in wanted if lead not in leads]
    if missing:
        raise DataError(
            f"the recording has no lead {', '.join(missing)}. It has: {', '.join(leads)}. "
            "Ask for leads it has with data.leads, name those that it calls otherwise with "
            "data.folder.lead_names, or leave the recording out."
        )
    values = np.asarray(values, dtype=np.float32)
    if tuple(leads) == tuple(wanted):
        return values
    columns = [list(leads).index(lead) for lead in wanted]
    if values.flags.f_contiguous:
        return values.T[columns].T
    return np.ascontiguousarray(values[:, columns])


def derive_leads(
    values: AnyArray, leads: Sequence[str], wanted: Sequence[str]
) -> tuple[AnyArray, tuple[str, ...]]:
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
    derived, columns, weights = find_derived(tuple(leads), tuple(wanted))
    if not derived:
        return values, tuple(leads)
    whole = np.empty((len(values), len(leads) + len(derived)), values.dtype, order="F")
    whole[:, : len(leads)] = values
    one, two = (whole[:, column] for column in columns)
    for column, (of_one, of_two) in enumerate(weights.T.tolist(), len(leads)):
        whole[:, column] = of_one * one + of_two * two
    return whole, (*leads, *derived)


@functools.lru_cache(maxsize=64)  # the recordings of a database have the same leads
def find_derived(
    leads: tuple[str, ...], wanted: tuple[str, ...]
) -> tuple[tuple[str, ...], list[int], Float64Array]:
    """The leads to derive, the two columns that they come from, and what each of these counts."""
    missing = tuple(lead for lead in wanted if lead in _AS_I_AND_II and lead not in leads)
    present = [lead for lead in _AS_I_AND_II if lead in leads][:2]
    if not missing or len(present) < 2:
        return (), [], np.zeros((2, 0))
    # missing = weights @ present, where both are sums of leads I and II
    basis, sums = (np.array([_AS_I_AND_II[lead] for lead in some]) for some in (present, missing))
    weights: Float64Array = np.linalg.solve(basis.T, sums.T)
    return missing, [leads.index(lead) for lead in present], weights


def check_shape(values: AnyArray, leads: Sequence[str], *, least: int = 1) -> None:
    """Refuses what is not ``(num_samples, num_leads)`` with these leads and enough samples."""
    if values.ndim != 2 or values.shape[1] != len(leads) or values.size < least:
        some = "at least one sample and " * least
        raise DataError(
            f"an ECG must have the shape (num_samples, num_leads) with {some}one column for each "
            f"of its {len(leads)} leads. Received: shape {values.shape}."
        )
