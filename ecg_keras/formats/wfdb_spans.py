"""WFDB recordings whose header gives each signal's own span as its gain, such as LUDB's.

Whoever wrote such a file normalised it: by its header every lead would be exactly 1 mV high. The
integers are what was recorded, in one unknown step for all leads. Only a database that is known has
a known step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from ecg_keras.errors import DataError
from ecg_keras.formats.wfdb_files import read_samples, read_wfdb
from ecg_keras.formats.wfdb_headers import Header, MultiSegmentError, read_header
from ecg_keras.records import Signal, Span

# of LUDB: its integers are microvolts. With one step for all leads they obey Einthoven's identities
# to the last digit in all 200 recordings, and have the size of other databases' ECGs
STEPS_IN_MV = 1000.0
# comments of LUDB's headers, which no other database has
LUDB_COMMENTS = ("<age>", "<sex>", "<diagnoses>")
READ_AS_LUDB = (
    "the gains in the headers are each lead's own span; the samples were read as microvolts, as "
    "LUDB's are"
)
# the limb leads, and how far the sum of three rounded integers may be from 0
IDENTITY, ROUNDED = ("I", "II", "III"), 2


def read_in_microvolts(header: Header) -> tuple[Signal, bool]:
    """The integers of a recording as microvolts, and whether its gains are its spans.

    Args:
        header: from `read_header`.

    Returns:
        The whole recording in mV with one step, 1000/mV, for all leads; and whether the gain of
        each lead is what the lead spans, so that 1000/mV need not be wrong.

    Raises:
        DataError: as `read_samples`.
    """
    gains = np.array([signal.gain for signal in header.signals if signal.lead])
    stored = tuple(replace(one, gain=STEPS_IN_MV, units="mV", baseline=0) for one in header.signals)
    signal = read_samples(replace(header, signals=stored))
    spans = np.ptp(signal.values, axis=0) * STEPS_IN_MV
    return signal, bool(np.all(np.abs(spans - gains) < 1))


def read_unknown(
    path: Path, *, lead_names: Mapping[str, str] | None = None, span: Span | None = None
) -> Signal:
    """`read_wfdb` for files of any origin: gains that are no gains are found.

    LUDB's recordings, known by their headers' comments, are read in true millivolts; others whose
    gains are their leads' spans are refused, since nothing says how large they are.

    Args:
        path: of the record, without extension.
        lead_names, span: as `read_wfdb`.

    Returns:
        As `read_wfdb`; of LUDB the whole recording, 10 s.

    Raises:
        DataError: as `read_wfdb`; or every lead would be exactly 1 mV high.
    """
    try:
        header = read_header(path, lead_names)
    except MultiSegmentError:
        return read_wfdb(path, lead_names=lead_names, span=span)
    signal = read_samples(header, span)
    if not _may_be_spans(header, signal):
        return signal
    microvolts, are_spans = read_in_microvolts(header)
    if not are_spans:
        return signal
    if _is_ludb(header) and _fit_together(microvolts):
        return replace(microvolts, remarks=(READ_AS_LUDB,))
    raise DataError(
        f"{path}.hea: the gain of each signal is its own span, as if every lead were exactly 1 mV "
        "high: the file was normalised, and nothing says how large the ECG is. Export it again "
        "with the recorder's gain, or write that into the header."
    )


def _may_be_spans(header: Header, signal: Signal) -> bool:
    """Whether the gains may be the signals' spans; costs next to nothing where they are alike."""
    named = [one for one in header.signals if one.lead]
    if len({one.gain for one in named}) == 1:
        return False
    if signal.total is not None:  # a part spans less than the whole, whatever its gains
        return _is_ludb(header)
    spans = np.ptp(signal.values, axis=0) * np.abs([one.steps_in_mv for one in named])
    return bool(np.all(np.abs(spans - [one.gain for one in named]) < ROUNDED))


def _is_ludb(header: Header) -> bool:
    begins = [comment.partition(":")[0].strip() for comment in header.comments]
    return all(name in begins for name in LUDB_COMMENTS)


def _fit_together(signal: Signal) -> bool:
    """Whether lead II is the sum of I and III, as it is where all have one step."""
    if not set(IDENTITY) <= set(signal.leads):
        return False
    one, two, three = (signal.values[:, signal.leads.index(lead)] for lead in IDENTITY)
    return bool(np.abs(one - two + three).max() * STEPS_IN_MV < ROUNDED)
