"""Are a database's leads, unit and sampling rate what they are said to be? Asked of its signals.

What is looked for are faults of the whole database: columns in another order, inverted leads, a
wrong unit or gain, a wrong sampling rate. One recording with exchanged electrodes is none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.signals.beats import find_beats, mean_beat, steep_width, trim
from ecg_keras.signals.lead_findings import Timed, find_lead_names, find_limb_leads
from ecg_keras.signals.leads import LEADS, select_leads
from ecg_keras.signals.limb_leads import LIMB
from ecg_keras.signals.pace import find_wrong_pace
from ecg_keras.signals.repair import Finding, Repair, figure
from ecg_keras.signals.size import (
    OUTSIDE,
    find_lead_sizes,
    find_normalisation,
    measure_size,
    measure_spans,
    power_of_ten,
)

# fewer recordings than this prove nothing
LEAST_RECORDS = 3
# shorter recordings, but for padding, are passed over
_LEAST_SAMPLES = 100
# what is looked at of a long recording: 10 s at 1000 Hz
_SAMPLES = 10_000


@dataclass(frozen=True, eq=False)
class Recording:
    """What a source says one recording is.

    Attributes:
        values: ``(num_samples, num_leads)``, in what should be millivolts.
        sampling_rate: in what should be Hz.
        leads: names of the columns, spelled as in `LEADS`.
    """

    values: npt.NDArray[Any]
    sampling_rate: float
    leads: tuple[str, ...]


@dataclass(frozen=True)
class Verification:
    """What was found in a sample of a database.

    Attributes:
        findings: none where all is as it is said to be, as far as signals can tell.
        records: how many recordings were looked at: complete, and without a dead lead.
        identities: whether the limb leads obey Einthoven's and Goldberger's identities, once they
            are in order; ``False`` also where not all six are there, or recordings are too few.
    """

    findings: tuple[Finding, ...]
    records: int
    identities: bool

    @property
    def repair(self) -> Repair | None:
        """What makes everything right; ``None`` where a finding has no repair."""
        whole = Repair()
        for finding in self.findings:
            if finding.repair is None:
                return None
            whole = whole.then(finding.repair)
        return whole


def verify(recordings: Sequence[Recording], *, adults: bool = True) -> Verification:
    """Looks for wrong leads, units and rates in a sample of a database.

    Args:
        recordings: some 32 for a clear answer. Those with missing samples, a dead lead, less than
            a hundred samples or other leads than most are passed over.
        adults: whether they are of adults. Hearts of children beat faster and point elsewhere, so
            that only identities and sizes can be looked at.

    Returns:
        What is wrong. Fewer than three recordings find nothing.

    Source:
        III = II - I (Einthoven 1913); aVR = -(I + II) / 2, aVL = I - II / 2, aVF = II - I / 2
        (Goldberger 1942). What else tells the leads apart is measured on PTB-XL (Wagner 2020).

    Example:
        >>> verify([]).findings
        ()
    """
    usable = _usable(recordings)
    if len(usable) < LEAST_RECORDS:
        return Verification((), len(usable), False)
    leads = usable[0].leads
    whole_limb = leads[:6] == LIMB
    cut = [replace(one, values=trim(one.values)[:_SAMPLES]) for one in usable]
    findings: list[Finding | None] = []
    placement, finding = None, None
    spans = np.stack([measure_spans(one.values) for one in cut])
    scaling = find_normalisation([one.values for one in usable])
    if scaling is not None:
        what = f"the signals are no millivolts: {scaling}"
        findings.append(Finding(what, f"in all of {len(usable)} recordings", None))
    else:
        findings.append(_find_unit(spans, leads))
    if whole_limb:
        finding, placement = find_limb_leads([one.values for one in cut])
        # what was scaled lead by lead has been told already
        if scaling is None or placement is not None:
            findings.append(finding)
        # columns that hold other leads are told below
        if scaling is None and (placement is None or max(placement.columns) < len(LIMB)):
            findings.append(_find_lead_gain(spans, leads))
    found, timed = _find_rate(cut) if adults else (None, [])
    findings.append(found)
    if placement is not None:
        signals = [one.values for one in cut]
        findings.append(find_lead_names(signals, timed, leads, placement))
    told = tuple(finding for finding in findings if finding is not None)
    gains_known = finding is not None and finding.repair is not None
    return Verification(told, len(usable), placement is not None or gains_known)


def _usable(recordings: Sequence[Recording]) -> list[Recording]:
    """Complete recordings that have the leads that most have, in the order of `LEADS`."""
    leads = Counter(frozenset(one.leads) for one in recordings)
    if not leads:
        return []
    most = leads.most_common(1)[0][0]
    wanted = tuple(lead for lead in LEADS if lead in most)
    usable = []
    for one in recordings:
        if frozenset(one.leads) == most:
            # column after column in memory: what is asked of each lead is several times faster
            values = np.asfortranarray(select_leads(one.values, one.leads, wanted))
            whole = np.all(np.isfinite(values)) and len(trim(values)) >= _LEAST_SAMPLES
            if whole and np.all(np.ptp(values, axis=0) > 0):
                usable.append(Recording(values, one.sampling_rate, wanted))
    return usable


def _find_unit(spans: npt.NDArray[np.float64], leads: Sequence[str]) -> Finding | None:
    size = float(np.median([measure_size(one, leads) for one in spans]))
    if 1 / OUTSIDE < size < OUTSIDE:
        return None
    factor = power_of_ten(size)
    named = {0.001: "microvolts are taken for millivolts", 1000.0: "volts are taken for millivolts"}
    what = named.get(factor or 1.0, f"the signals are {figure(size)} times as large as ECGs are")
    return Finding(
        what,
        f"the median peak-to-peak size of {len(spans)} recordings is {figure(size)} times the "
        "usual one",
        None if factor is None else Repair(factor=factor),
    )


def _find_lead_gain(spans: npt.NDArray[np.float64], leads: Sequence[str]) -> Finding | None:
    """Chest leads in another unit than the limb leads, or with a gain of their own."""
    spans = spans[np.all(spans > 0, axis=1)]
    wrong = find_lead_sizes(spans, leads)
    if not wrong:
        return None
    named = ", ".join(f"{lead} {figure(size)} times" for lead, size in wrong.items())
    return Finding(
        f"chest leads are larger or smaller beside the limb leads than they ever are: {named}",
        f"medians of {len(spans)} recordings; gains of their own, or another unit, do that",
        None,
    )


def _find_rate(recordings: Sequence[Recording]) -> tuple[Finding | None, list[Timed]]:
    """What is wrong with the rate, and the recordings with a clear rhythm at their true rates."""
    rhythmic = [(one, beats) for one in recordings if (beats := find_beats(one.values)) is not None]
    # what has no clear rhythm in most recordings is nothing that hearts could tell about
    if len(rhythmic) < max(LEAST_RECORDS, len(recordings) / 2):
        return None, []
    per_minute, steep = [], []
    for one, beats in rhythmic:
        beat = mean_beat(one.values, beats, 8 * beats.width)
        width = float("nan") if beat is None else steep_width(beat, beats.width)
        per_minute.append(60 * one.sampling_rate / beats.period)
        steep.append(1000 * width / one.sampling_rate)
    pace = find_wrong_pace(per_minute, steep)
    factor = pace.factor if pace else 1.0
    timed = [Timed(one.values, beats, one.sampling_rate * factor) for one, beats in rhythmic]
    if pace is None:
        return None, timed
    rate = float(np.median([one.sampling_rate for one, _ in rhythmic]))
    about = pace.usual_factor or pace.factor
    finding = Finding(
        f"the sampling rate is wrong: named {rate:g} Hz, about {figure(rate * about)} Hz in truth",
        f"at {rate:g} Hz, hearts would beat {pace.beats:.0f} times a minute and the steep part of "
        f"a QRS would take {pace.steep_ms:.0f} ms (medians of {len(rhythmic)} recordings; usual "
        "are 60 to 110, and 40 to 50 ms)",
        None if pace.usual_factor is None else Repair(rate_factor=pace.usual_factor),
    )
    return finding, timed
