"""ECGs in European Data Format (EDF, EDF+C, and EDF+D without a gap).

Only the data records that are wanted are read. The header: `ecg_keras.formats.edf_header`.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_keras.errors import DataError
from ecg_keras.formats.edf_header import (
    BYTES,
    EdfHeader,
    EdfSignal,
    parse_number,
    read_edf_header,
)
from ecg_keras.formats.voltages import ALLOWED, unit_in_mv
from ecg_keras.formats.wfdb_files import MOST_VALUES
from ecg_keras.records import Signal, Span, span_samples
from ecg_keras.signals import LEADS, find_lead

# millivolts that a step may be, and that its zero may lie off
TINIEST_STEP, GREATEST_STEP = 1e-9, 1e6
# how each data record of EDF+ begins: its start in seconds, with decimals
_STAMP = re.compile(rb"([+-]\d+(?:\.(\d*))?)\x14\x14")

Digital = npt.NDArray[np.int16]


def read_edf(
    path: Path | str,
    *,
    unit: str | None = None,
    lead_names: Mapping[str, str] | None = None,
    span: Span | None = None,
) -> Signal:
    """Reads an EDF file in millivolts.

    Args:
        path: of the file.
        unit: mV, uV or V, of leads whose unit the file leaves empty.
        lead_names: the user's own spellings of leads, each with the lead that it means.
        span: the seconds that are wanted; ``None`` wants the whole recording. No other data
            records are read, and only theirs must be without a gap.

    Returns:
        The wanted part of the recording at the rate of its leads. A signal is a lead by its label,
        such as ``ECG V1``, ``V1`` or ``MDC_ECG_LEAD_V1``; others, and annotations, are left out.

    Raises:
        DataError: the file is missing, no EDF, truncated, interrupted, has no lead, a lead twice,
            leads of several rates, or a lead in a unit that is no voltage.
    """
    path = Path(path)
    header = read_edf_header(path)
    leads = _find_leads(path, header, lead_names)
    each = _samples_each(path, header, leads)
    scales = [_calibrate(path, lead, signal, unit) for lead, signal in leads.items()]
    rate, total = each / header.duration, each * header.records
    start, stop = span_samples(span, rate, total)
    if (stop - start) * len(leads) > MOST_VALUES:
        raise DataError(
            f"{path}: {stop - start} samples of {len(leads)} leads are more than the {MOST_VALUES} "
            "values of a recording that is read at once. Cut it in pieces."
        )
    first, last = start // each, -(-stop // each)
    records = _read_records(path, header, first, last)
    _check_time(path, header, records, first, rate)
    kept = slice(start - first * each, stop - first * each)
    values = np.empty((stop - start, len(leads)), dtype=np.float32)
    for column, (signal, (gain, offset)) in enumerate(zip(leads.values(), scales, strict=True)):
        digital = records[:, signal.begin : signal.end].reshape(-1)[kept]
        values[:, column] = digital.astype(np.float32) * gain + offset
    whole = stop - start == total
    return Signal(values, rate, tuple(leads), start, None if whole else total)


def _find_leads(
    path: Path, header: EdfHeader, lead_names: Mapping[str, str] | None
) -> dict[str, EdfSignal]:
    leads: dict[str, EdfSignal] = {}
    for signal in header.signals:
        lead = find_lead(signal.label, lead_names)
        if lead is None:
            continue
        if lead in leads:
            raise DataError(
                f"{path}: its signals {leads[lead].label!r} and {signal.label!r} are both lead "
                f"{lead}. Export only the one that is meant."
            )
        leads[lead] = signal
    if not leads:
        labels = ", ".join(signal.label for signal in header.signals)[:200] or "none"
        raise DataError(
            f"{path}: none of its signals is one of the leads {', '.join(LEADS)}. Received: "
            f"{labels}. data.folder.lead_names says which is which."
        )
    return leads


def _samples_each(path: Path, header: EdfHeader, leads: Mapping[str, EdfSignal]) -> int:
    """Samples of a lead in a data record, which must be as many of all leads."""
    by_count: dict[int, list[str]] = {}
    for lead, signal in leads.items():
        by_count.setdefault(signal.end - signal.begin, []).append(lead)
    seconds = header.duration if header.duration > 0 else 0.0
    rates = {count / seconds if seconds else math.inf: names for count, names in by_count.items()}
    if len(by_count) > 1 or not 0 < next(iter(rates)) < math.inf:
        received = ", ".join(f"{rate:g} Hz ({' '.join(rates[rate])})" for rate in sorted(rates))
        raise DataError(
            f"{path}: its leads must have one sampling rate above 0 Hz. Received: {received}. "
            "Export all leads at one rate."
        )
    return next(iter(by_count))


def _read_records(path: Path, header: EdfHeader, first: int, last: int) -> Digital:
    """The samples of data records, one row for each: int16 ``(last - first, header.width)``."""
    count = (last - first) * header.width
    try:
        digital = np.fromfile(
            path, dtype="<i2", count=count, offset=header.size + BYTES * header.width * first
        )
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}. Check that the export is complete.") from error
    if len(digital) < count:
        raise DataError(f"{path}: truncated while it was read. Download the file again.")
    return digital.reshape(last - first, header.width)


def _check_time(path: Path, header: EdfHeader, records: Digital, first: int, rate: float) -> None:
    """Refuses data records between which, by their time stamps, there is a gap."""
    stamps: Sequence[tuple[int, re.Match[bytes]]] = []
    if header.notes is not None:
        texts = (row.tobytes() for row in records[:, header.notes.begin : header.notes.end])
        stamps = [
            (number, stamp) for number, text in enumerate(texts) if (stamp := _STAMP.match(text))
        ]
    if header.interrupted and len(stamps) < len(records) > 1:
        raise DataError(
            f"{path}: may be interrupted (EDF+D), and {len(records) - len(stamps)} of its data "
            "records have no time stamp. Export it as EDF, or its parts as files of their own."
        )
    # stamps with fewer decimals than the duration has are rounded
    step = 10.0 ** -max((len(stamp[2] or b"") for _, stamp in stamps), default=0)
    rounded = abs(header.duration / step - round(header.duration / step)) > 1e-6
    tolerance = 0.5 / rate + (step if rounded else 0.0)
    for (before, one), (after, other) in itertools.pairwise(stamps):
        gap = float(other[1]) - float(one[1]) - (after - before) * header.duration
        if abs(gap) > tolerance:
            raise DataError(
                f"{path}: interrupted: by its time stamp data record {first + after + 1} begins "
                f"{abs(gap):g} s {'late' if gap > 0 else 'early'}, and the parts would be joined. "
                "Export its parts as files of their own."
            )


def _calibrate(
    path: Path, lead: str, signal: EdfSignal, unit: str | None
) -> tuple[np.float32, np.float32]:
    """Millivolts for each digital step, and at digital zero."""
    stated = signal.unit or unit or ""
    size = unit_in_mv(stated)
    if size is None:
        help_ = "" if signal.unit else " Or set data.folder.unit to what it is in."
        raise DataError(f"{path}: lead {lead} is in {stated!r}. Allowed: {ALLOWED}.{help_}")
    low, high = map(parse_number, signal.physical)
    lowest, highest = map(parse_number, signal.digital)
    steps = highest - lowest
    gain = (high - low) / steps if steps else math.nan
    step, offset = gain * size, (low - lowest * gain) * size
    if not (steps > 0 and TINIEST_STEP < abs(step) < GREATEST_STEP and abs(offset) < GREATEST_STEP):
        raise DataError(
            f"{path}: lead {lead} has no valid calibration: {' to '.join(signal.digital)} would be "
            f"{' to '.join(signal.physical)} {stated}. Export the file again."
        )
    return np.float32(step), np.float32(offset)
