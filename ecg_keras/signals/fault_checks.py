"""Are a database's leads, unit and sampling rate as stated? Answered by its signals.

Looked for are faults of the whole database: columns in another order, inverted leads, a wrong unit
or gain, a wrong sampling rate. One recording with exchanged electrodes is no such fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.records import Signal
from ecg_keras.signals.beats import trim
from ecg_keras.signals.lead_checks import find_lead_names, find_limb_leads
from ecg_keras.signals.leads import LEADS, LIMB, select_leads
from ecg_keras.signals.repair import LEAST_RECORDS, Fault, Repair
from ecg_keras.signals.scale_checks import (
    find_chest_gains,
    find_normalisation,
    find_rate_fault,
    find_unit_fault,
    measure_spans,
)

# shorter recordings, but for padding, are ignored
_LEAST_SAMPLES = 100
# what is looked at of a long recording: 10 s at 1000 Hz
_SAMPLES = 10_000


@dataclass(frozen=True)
class Verification:
    """What was found in a sample of a database.

    Attributes:
        findings: empty where all is as it is said to be, as far as signals show.
        records: how many recordings were looked at: complete, and without a dead lead.
        identities: whether the limb leads obey Einthoven's and Goldberger's identities, once they
            are in order; ``False`` also where not all six are there, or recordings are too few.
    """

    findings: tuple[Fault, ...]
    records: int
    identities: bool

    @property
    def repair(self) -> Repair | None:
        """What makes everything right; ``None`` where a fault has no repair."""
        whole = Repair()
        for fault in self.findings:
            if fault.repair is None:
                return None
            whole = whole.then(fault.repair)
        return whole


def verify(recordings: Sequence[Signal], *, adults: bool = True) -> Verification:
    """Looks for wrong leads, units and rates in a sample of a database.

    Args:
        recordings: as their source reads them; some 32 for a clear answer. Those with missing
            samples, a dead lead, less than a hundred samples or other leads than most are ignored.
        adults: whether they are of adults. Hearts of children beat faster and point elsewhere, so
            that only identities and sizes can be looked at.

    Returns:
        What is wrong. Fewer than three recordings find nothing.

    Source:
        III = II - I (Einthoven 1913); aVR = -(I + II) / 2, aVL = I - II / 2, aVF = II - I / 2
        (Goldberger 1942). What else distinguishes the leads is measured on PTB-XL (Wagner 2020).

    Example:
        >>> verify([]).findings
        ()
    """
    usable = _usable(recordings)
    if len(usable) < LEAST_RECORDS:
        return Verification((), len(usable), False)
    leads = usable[0].leads
    cut = [replace(one, values=trim(one.values)[:_SAMPLES]) for one in usable]
    signals = [one.values for one in cut]
    spans = np.stack([measure_spans(one) for one in signals])
    normalised = find_normalisation([one.values for one in usable])
    found = [normalised or find_unit_fault(spans, leads)]
    limb_fault, placement = find_limb_leads(signals) if leads[:6] == LIMB else (None, None)
    # what was scaled lead by lead has been reported already
    if normalised is None:
        found.append(limb_fault)
        # columns that hold other leads are reported below
        if leads[:6] == LIMB and (placement is None or max(placement.columns) < len(LIMB)):
            found.append(find_chest_gains(spans, leads))
    rate_fault, timed = find_rate_fault(cut) if adults else (None, [])
    found.append(rate_fault)
    if placement is not None:
        found.append(find_lead_names(signals, timed, leads, placement))
    has_gains = limb_fault is not None and limb_fault.repair is not None
    findings = tuple(fault for fault in found if fault is not None)
    return Verification(findings, len(usable), placement is not None or has_gains)


def Recording(values: npt.NDArray[Any], sampling_rate: float, leads: Sequence[str]) -> Signal:
    """What `verify` took before it took a `Signal`; stays for one release."""
    return Signal(np.asarray(values, dtype=np.float32), sampling_rate, tuple(leads))


def _usable(recordings: Sequence[Signal]) -> list[Signal]:
    """Complete recordings that have the leads that most have, in the order of `LEADS`."""
    leads = Counter(frozenset(one.leads) for one in recordings)
    if not leads:
        return []
    most = leads.most_common(1)[0][0]
    wanted = tuple(lead for lead in LEADS if lead in most)
    usable = []
    for one in recordings:
        if frozenset(one.leads) == most:
            # column after column in memory: what is done with each lead is several times faster
            values = np.asfortranarray(select_leads(one.values, one.leads, wanted))
            whole = np.all(np.isfinite(values)) and len(trim(values)) >= _LEAST_SAMPLES
            if whole and np.all(np.ptp(values, axis=0) > 0):
                usable.append(Signal(values, one.sampling_rate, wanted))
    return usable
