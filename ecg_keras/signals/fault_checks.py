"""Are a database's leads, unit and sampling rate as stated? Answered by its signals.

`verify` looks for faults of the whole database: columns in another order, inverted leads, a wrong
unit or gain, a wrong sampling rate. One recording with exchanged electrodes is no such fault:
`find_fault` looks at one alone. A heart may point anywhere, so only what is rare is a fault there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ecg_keras.array_types import AnyArray
from ecg_keras.records import Signal
from ecg_keras.signals.beats import find_beats, trim
from ecg_keras.signals.lead_checks import find_lead_names, find_limb_leads
from ecg_keras.signals.lead_order import find_exchange_of_one, measure_heart_vectors
from ecg_keras.signals.leads import CHEST, LEADS, LIMB, derive_leads, select_leads
from ecg_keras.signals.limb_leads import IN_PLACE
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
# of one that is looked at alone: half a minute at 1000 Hz
_SAMPLES_OF_ONE = 30_000
# hearts differ by as much, so that a thousand times that is another unit
_NEAR_ALONE = 4.0


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
        recordings: as their source reads them; some 32 for a clear answer. Limb leads that are not
            there are derived from two that are. Those with missing
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
    # with all limb leads, the arrangement of two and the order of the chest leads can be found, too
    whole = _usable([_with_limb_leads(one) for one in recordings])
    if len(whole) < LEAST_RECORDS:
        return Verification((), len(whole), False)
    leads = whole[0].leads
    cut = [replace(one, values=trim(one.values)[:_SAMPLES]) for one in whole]
    signals = [one.values for one in cut]
    spans = np.stack([measure_spans(one) for one in signals])
    normalised = find_normalisation([one.values for one in whole])
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
    return Verification(findings, len(whole), placement is not None or has_gains)


def find_fault(signal: Signal) -> Fault | None:
    """What makes a recording unfit to be answered, as far as it shows that on its own.

    Looked for are amplitudes that no ECG has, limb leads that are in other columns or have gains of
    their own, by Einthoven's and Goldberger's identities, and electrodes that are exchanged, by
    where P waves, QRS complexes and T waves of an adult point.

    Args:
        signal: as it was read, in millivolts. One with missing samples, a dead lead or less than a
            hundred samples is not looked at.

    Returns:
        The first fault that is found, whose ``repair`` may be ``None``; ``None`` without a fault.

    Source:
        Identities: Einthoven 1913, Goldberger 1942. Of 770 recordings of PTB-XL, LUDB and the
        Challenge of 2021, on which its limit was chosen, it finds a fault in none; of the same with
        exchanged arms in 90 %, with the right arm and the left leg exchanged in 83 %, and with
        leads I and II in 99 %. Left arm and left leg look much alike: their exchange is not found.

    Example:
        >>> seconds = np.arange(0, 10, 0.01)[:, None]
        >>> wave = np.sin(2 * np.pi * seconds).astype(np.float32)
        >>> find_fault(Signal(1000 * wave, 100, ("V1",))).what
        'microvolts are taken for millivolts'
    """
    recordings = _usable([signal])
    if not recordings:
        return None
    (one,) = recordings
    values = trim(one.values)[:_SAMPLES_OF_ONE]
    unit = find_unit_fault(measure_spans(values)[None], one.leads, near=_NEAR_ALONE)
    if unit is not None or one.leads[:6] != LIMB:
        return unit or _find_exchange(Signal(values, one.sampling_rate, one.leads))
    limb, placement = find_limb_leads([values])
    if placement is not None and placement != IN_PLACE:
        return find_lead_names([values], [], one.leads, placement)
    return limb or _find_exchange(Signal(values, one.sampling_rate, one.leads))


def _find_exchange(signal: Signal) -> Fault | None:
    """Exchanged electrodes, where all leads are there and a rhythm is clear."""
    values, leads = derive_leads(signal.values, signal.leads, LEADS)
    beats = find_beats(signal.values) if set(leads) >= set(LEADS) else None
    if beats is None:
        return None
    limb, chest = (values[:, [leads.index(lead) for lead in some]] for some in (LIMB[:2], CHEST))
    vectors = measure_heart_vectors(limb, chest, beats, signal.sampling_rate)
    words = find_exchange_of_one(vectors) if vectors is not None else ""
    if not words:
        return None
    evidence = "only so do P waves, QRS complexes, T waves and lead V6 point where they should"
    return Fault(f"electrodes seem to be exchanged, most likely so: {words}", evidence, None)


def Recording(values: AnyArray, sampling_rate: float, leads: Sequence[str]) -> Signal:
    """What `verify` took before it took a `Signal`; stays for one release."""
    return Signal(np.asarray(values, dtype=np.float32), sampling_rate, tuple(leads))


def _with_limb_leads(one: Signal) -> Signal:
    values, leads = derive_leads(one.values, one.leads, LEADS)
    return replace(one, values=values, leads=leads)


def _usable(recordings: Sequence[Signal]) -> list[Signal]:
    """Complete recordings that have the leads that most have, in the order of `LEADS`."""
    leads = Counter(frozenset(one.leads) for one in recordings)
    if not leads:
        return []
    most = leads.most_common(1)[0][0]
    wanted = tuple(lead for lead in LEADS if lead in most)
    found = []
    for one in recordings:
        if frozenset(one.leads) == most:
            # column after column in memory: what is done with each lead is several times faster
            values = np.asfortranarray(select_leads(one.values, one.leads, wanted))
            whole = np.all(np.isfinite(values)) and len(trim(values)) >= _LEAST_SAMPLES
            if whole and np.all(np.ptp(values, axis=0) > 0):
                found.append(Signal(values, one.sampling_rate, wanted))
    return found
