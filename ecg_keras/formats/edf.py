"""ECGs in European Data Format (EDF, EDF+C, and EDF+D without a gap).

The header's fields are of fixed width and checked against the file's size; then only the data
records that are wanted are read.

Source: Kemp et al. 1992, A simple format for exchange of digitized polygraphic recordings; Kemp
and Olivan 2003, European data format 'plus'. https://www.edfplus.info/specs/
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_keras.errors import DataError, GapError, listed
from ecg_keras.formats.lead_errors import no_lead
from ecg_keras.formats.plain_files import MOST_VALUES, errors_name
from ecg_keras.formats.voltages import ALLOWED, is_calibration, unit_in_mv
from ecg_keras.records import Signal, Span, span_samples
from ecg_keras.signals import LeadNames, find_lead

# bytes of the header that all signals share, and of what it adds for each of them
_HEADER, _EACH = 256, 256
# fields of a signal in their order and their bytes, each for all signals before the next
_WIDTHS = {
    "label": 16,
    "transducer": 80,
    "unit": 8,
    "physical_min": 8,
    "physical_max": 8,
    "digital_min": 8,
    "digital_max": 8,
    "prefilter": 80,
    "samples": 8,
    "reserved": 32,
}
_BYTES = 2
_NOTES = "edf annotations"
# how each data record of EDF+ begins: its start in seconds, with decimals
_STAMP = re.compile(rb"([+-]\d+(?:\.(\d*))?)\x14\x14")

Digital = npt.NDArray[np.int16]


@dataclass(frozen=True)
class EdfSignal:
    """One signal as the header describes it, texts without the blanks around them."""

    label: str
    unit: str
    # texts of the smallest and largest value
    physical: tuple[str, str]
    digital: tuple[str, str]
    # which of the samples of a data record are its own
    begin: int
    end: int


@dataclass(frozen=True)
class EdfHeader:
    """What the header says, once the file's size agrees with it."""

    # bytes before the first data record, and data records in the file
    size: int
    records: int
    # seconds of a data record
    duration: float
    # whether it is EDF+D, whose data records may leave gaps
    interrupted: bool
    # those that are no annotations, and the first that is: it has each data record's time stamp
    signals: tuple[EdfSignal, ...]
    notes: EdfSignal | None
    # samples of a data record, of all signals together
    width: int


def read_edf(
    path: Path, *, unit: str | None = None, lead_names: LeadNames = None, span: Span | None = None
) -> Signal:
    """Reads an EDF file in millivolts; the settings are those of `read_recording`.

    A signal is a lead by its label, such as ``ECG V1`` or ``MDC_ECG_LEAD_V1``."""
    with errors_name(path):
        header = _read_header(path)
        leads = _find_leads(header, lead_names)
        each = _samples_each(header, leads)
        scales = [_calibrate(lead, signal, unit) for lead, signal in leads.items()]
        rate, total = each / header.duration, each * header.records
        start, stop = span_samples(span, rate, total)
        if (stop - start) * len(leads) > MOST_VALUES:
            raise DataError(
                f"{stop - start} samples of {len(leads)} leads are more than the {MOST_VALUES} "
                "values of a recording that is read at once. Cut it in pieces."
            )
        first, last = start // each, -(-stop // each)
        records = _read_records(path, header, first, last)
        _check_time(header, records, first, rate)
    kept = slice(start - first * each, stop - first * each)
    values = np.empty((stop - start, len(leads)), dtype=np.float32)
    for column, (signal, (gain, offset)) in enumerate(zip(leads.values(), scales, strict=True)):
        digital = records[:, signal.begin : signal.end].reshape(-1)[kept]
        values[:, column] = digital.astype(np.float32) * gain + offset
    others = [repr(one.label) for one in header.signals if one not in leads.values()]
    remark = f"signals that are not among the twelve leads are left out: {listed(others, 10)}"
    return Signal(values, rate, tuple(leads), start, total, (remark,) * bool(others))


def _read_header(path: Path) -> EdfHeader:
    with path.open("rb") as stream:
        fixed = stream.read(_HEADER)
        if len(fixed) < _HEADER or fixed[:8].strip(b" \0") != b"0":
            advice = "Export it as EDF." if fixed[1:8] == b"BIOSEMI" else "Export it again."
            raise DataError(f"no EDF file: it does not begin as one. {advice}")
        size, records, count = (
            _whole(_text(fixed[low:high])) for low, high in ((184, 192), (236, 244), (252, 256))
        )
        if count < 1 or records < -1 or records == 0 or size != _HEADER + _EACH * count:
            raise DataError(
                f"its header promises {records} data records of {count} signals after "
                f"{size} bytes, which no finished recording has. Export the file again."
            )
        signals = _split(stream.read(_EACH * count), count)
        stored = path.stat().st_size - size
    width = signals[-1].end
    if width < 1:
        raise DataError("no EDF file: its data records hold no sample. Export it again.")
    notes = [one for one in signals if one.label.lower() == _NOTES]
    return EdfHeader(
        size=size,
        records=_count_records(records, stored, _BYTES * width),
        duration=_parse_number(_text(fixed[244:252])),
        interrupted=_text(fixed[192:236]).startswith("EDF+D"),
        signals=tuple(one for one in signals if one.label.lower() != _NOTES),
        notes=notes[0] if notes else None,
        width=width,
    )


def _parse_number(text: str) -> float:
    """A number of a header, also with a decimal comma; NaN where it is none."""
    try:
        return float(text.replace(",", ".") if text.count(",") == 1 else text)
    except ValueError:
        return math.nan


def _text(field: bytes) -> str:
    """ASCII by the standard; devices also write the micro sign in latin-1, and pad with zeros."""
    text = field.decode("latin-1").strip(" \0\t")
    # texts are part of messages, and must not steer a terminal
    return text if text.isprintable() else "".join(x if x.isprintable() else "?" for x in text)


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise DataError(f"no EDF file: {error}. Export the file again.") from error


def _split(content: bytes, count: int) -> list[EdfSignal]:
    """The signals of the header's second part."""
    if len(content) < _EACH * count:
        raise DataError("truncated within its header. Download the file again.")
    texts: dict[str, list[str]] = {}
    start = 0
    for name, width in _WIDTHS.items():
        fields = [content[start + width * one : start + width * (one + 1)] for one in range(count)]
        texts[name] = [_text(field) for field in fields]
        start += width * count
    samples = list(map(_whole, texts["samples"]))
    if min(samples) < 0:
        raise DataError(f"no EDF file: {min(samples)} samples of a signal. Export it again.")
    places = list(itertools.accumulate(samples, initial=0))
    columns = (
        texts["label"],
        texts["unit"],
        zip(texts["physical_min"], texts["physical_max"], strict=True),
        zip(texts["digital_min"], texts["digital_max"], strict=True),
        places[:-1],
        places[1:],
    )
    return [EdfSignal(*fields) for fields in zip(*columns, strict=True)]


def _count_records(promised: int, stored: int, each: int) -> int:
    """The data records in the file, which must be as many as its header promises."""
    records, odd = divmod(max(stored, 0), each)
    # -1 while it is recorded; where the device stopped without a word, the size says how many
    if promised == -1 and records and not odd:
        return records
    if promised != records:
        many = "leaves their number open" if promised == -1 else f"promises {promised}"
        raise DataError(
            f"truncated or damaged: it holds {records} data records"
            f"{f' and {odd} bytes' if odd else ''}, and its header {many}. Download the file "
            "again, or export it again."
        )
    return records


def _find_leads(header: EdfHeader, lead_names: LeadNames) -> dict[str, EdfSignal]:
    leads: dict[str, EdfSignal] = {}
    for signal in header.signals:
        lead = find_lead(signal.label, lead_names)
        if lead is None:
            continue
        if lead in leads:
            raise DataError(
                f"its signals {leads[lead].label!r} and {signal.label!r} are both lead "
                f"{lead}. Export only the one that is meant."
            )
        leads[lead] = signal
    if not leads:
        raise no_lead("signals", [signal.label for signal in header.signals])
    return leads


def _samples_each(header: EdfHeader, leads: Mapping[str, EdfSignal]) -> int:
    """Samples of a lead in a data record, which must be as many of all leads."""
    by_count: dict[int, list[str]] = {}
    for lead, signal in leads.items():
        by_count.setdefault(signal.end - signal.begin, []).append(lead)
    seconds = header.duration if header.duration > 0 else 0.0
    rates = {count / seconds if seconds else math.inf: names for count, names in by_count.items()}
    if len(by_count) > 1 or not 0 < next(iter(rates)) < math.inf:
        received = ", ".join(f"{rate:g} Hz ({' '.join(rates[rate])})" for rate in sorted(rates))
        raise DataError(
            f"its leads must have one sampling rate above 0 Hz. Received: {received}. "
            "Export all leads at one rate."
        )
    return next(iter(by_count))


def _read_records(path: Path, header: EdfHeader, first: int, last: int) -> Digital:
    """The samples of data records, one row for each: int16 ``(last - first, header.width)``."""
    count = (last - first) * header.width
    begin = header.size + _BYTES * header.width * first
    digital = np.fromfile(path, dtype="<i2", count=count, offset=begin)
    if len(digital) < count:
        raise DataError("truncated while it was read. Download the file again.")
    return digital.reshape(last - first, header.width)


def _check_time(header: EdfHeader, records: Digital, first: int, rate: float) -> None:
    """Refuses data records between which, by their time stamps, there is a gap."""
    stamps: Sequence[tuple[int, re.Match[bytes]]] = []
    if header.notes is not None:
        texts = (row.tobytes() for row in records[:, header.notes.begin : header.notes.end])
        stamps = [
            (number, stamp) for number, text in enumerate(texts) if (stamp := _STAMP.match(text))
        ]
    if header.interrupted and len(stamps) < len(records) > 1:
        raise DataError(
            f"may be interrupted (EDF+D), and {len(records) - len(stamps)} of its data "
            "records have no time stamp. Export it as EDF, or its parts as files of their own."
        )
    # stamps with fewer decimals than the duration has are rounded
    step = 10.0 ** -max((len(stamp[2] or b"") for _, stamp in stamps), default=0)
    rounded = abs(header.duration / step - round(header.duration / step)) > 1e-6
    tolerance = 0.5 / rate + (step if rounded else 0.0)
    for (before, one), (after, other) in itertools.pairwise(stamps):
        gap = float(other[1]) - float(one[1]) - (after - before) * header.duration
        if abs(gap) > tolerance:
            raise GapError(
                f"interrupted: by its time stamp data record {first + after + 1} begins "
                f"{abs(gap):g} s {'late' if gap > 0 else 'early'}, and the parts would be joined. "
                "Export its parts as files of their own."
            )


def _calibrate(lead: str, signal: EdfSignal, unit: str | None) -> tuple[np.float32, np.float32]:
    """Millivolts for each digital step, and at digital zero."""
    stated = signal.unit or unit or ""
    size = unit_in_mv(stated)
    if size is None:
        advice = "" if signal.unit else " Or set data.folder.unit to what it is in."
        raise DataError(f"lead {lead} is in {stated!r}. Allowed: {ALLOWED}.{advice}")
    low, high = map(_parse_number, signal.physical)
    lowest, highest = map(_parse_number, signal.digital)
    steps = highest - lowest
    gain = (high - low) / steps if steps else math.nan
    step, offset = gain * size, (low - lowest * gain) * size
    if not (steps > 0 and is_calibration(step, offset)):
        raise DataError(
            f"lead {lead} has no valid calibration: {' to '.join(signal.digital)} would be "
            f"{' to '.join(signal.physical)} {stated}. Export the file again."
        )
    return np.float32(step), np.float32(offset)
