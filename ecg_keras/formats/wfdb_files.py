"""WFDB recordings in millivolts, whole or a part.

Nearly all 12-lead databases are WFDB format 16: little-endian 16-bit samples, the leads
interleaved, sometimes behind a few bytes of another header (``16+24`` for MATLAB files). That is
read many times faster than by the wfdb library, and the values are the same to the bit.

A header says the first sample and the sum of each signal. They are compared with the file: that is
how two signal files that were exchanged, or one that was damaged, are found.

Source: WFDB Applications Guide, header(5) and signal(5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ecg_keras.array_types import Float32Array
from ecg_keras.errors import DataError
from ecg_keras.formats.plain_files import MOST_VALUES
from ecg_keras.formats.wfdb_formats import missing_mark
from ecg_keras.formats.wfdb_headers import Header, MultiSegmentError, read_header
from ecg_keras.formats.wfdb_millivolts import Conversion, convert_by, to_millivolts
from ecg_keras.formats.wfdb_segments import find_segments
from ecg_keras.formats.wfdb_signal_files import SignalFile, find_files, read_frames
from ecg_keras.records import Signal, Span, span_samples
from ecg_keras.signals import LeadNames

# of checksums
_MODULUS = 2**16
# of LUDB: its integers are microvolts. With one step for all leads they obey Einthoven's identities
# to the last digit in all 200 recordings, and have the size of other databases' ECGs
STEPS_IN_MV = 1000.0
# comments of LUDB's headers, which no other database has
_LUDB_COMMENTS = ("<age>", "<sex>", "<diagnoses>")
READ_AS_LUDB = (
    "the gains in the headers are each lead's own span; the samples were read as microvolts, as "
    "LUDB's are"
)
# the limb leads, and how far the sum of three rounded integers may be from 0
_IDENTITY, _ROUNDED = ("I", "II", "III"), 2


def read_wfdb(
    path: Path | str, *, lead_names: LeadNames = None, span: Span | None = None
) -> Signal:
    """Reads a WFDB record in millivolts.

    Args:
        path: of the record, without extension.
        lead_names: the user's own spellings of leads, each with the lead that it means.
        span: the seconds that are wanted; ``None`` wants the whole recording.

    Returns:
        The wanted part of the recording at its own rate; only that part is read. Columns that are
        not one of the twelve leads (Frank leads, respiration) are left out. Samples that the file
        marks as missing are NaN, and so are those that a skew takes from behind the file's end.
        Several samples in a frame become their mean. In the gaps of a multi-segment record all
        leads are NaN, and in a segment those that it lacks.

    Raises:
        DataError: as `read_header`; one of a long record's segments is damaged or missing; the
            signal file is missing, truncated or leads out of its folder; its samples are not those
            the header was written for; a unit is no voltage; or none of the twelve leads is there.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "r.hea").write_text("r 1 500 3\\nr.dat 16 1000/mV 16 0 0 0 0 II")
        >>> np.array([0, 1500, -32768], dtype="<i2").tofile(folder / "r.dat")
        >>> read_wfdb(folder / "r").values.ravel()
        array([0. , 1.5, nan], dtype=float32)
    """
    try:
        header = read_header(path, lead_names)
    except MultiSegmentError:
        return _read_segments(path, lead_names, span)
    return read_samples(header, span)


def read_samples(header: Header, span: Span | None = None) -> Signal:
    """Reads the samples of a record whose header was read: `read_wfdb` in two steps."""
    files, total = find_files(header)
    try:  # a context manager here would cost 2 % of reading
        conversion = convert_by(header.signals)
    except DataError as error:
        raise DataError(f"{header.path}.hea: {error}") from error
    if conversion.skew >= total:
        raise DataError(
            f"{header.path}.hea: a skew of {conversion.skew} samples leaves none of {total}. "
            "Correct it, or download the file again."
        )
    start, stop = span_samples(span, header.sampling_rate, total)
    _check_amount(header.path, stop - start, conversion.width)
    values, first, added = _read(files, conversion, start, stop, total)
    if start > 0 or not first:
        first = read_frames(files, 0, 1)[0].tolist()
    whole = (start, stop) == (0, total)
    begins = tuple([first[column] for column in conversion.firsts])
    as_stated = header.first_values is None or begins == header.first_values
    if whole and header.checksums is not None:
        # one sum of all signals is several times as fast as a sum of each
        if not as_stated or (added - sum(header.checksums)) % _MODULUS:
            _check_sums(header, files, conversion, total)
    elif not as_stated:
        _check_first_values(header, begins)
    return Signal(values, header.sampling_rate, conversion.leads, start, total)


def _check_amount(path: Path | str, rows: int, width: int) -> None:
    if rows * width > MOST_VALUES:
        raise DataError(
            f"{path}.hea: {rows} samples of {width} signals are more than the {MOST_VALUES} values "
            "of a recording that is read at once. Cut it in pieces."
        )


def _read_segments(path: Path | str, lead_names: LeadNames, span: Span | None) -> Signal:
    """The wanted part of a multi-segment record, from the segments that it touches."""
    record = find_segments(path, lead_names)
    rate, total = record.sampling_rate, record.total
    start, stop = span_samples(span, rate, total)
    _check_amount(path, stop - start, len(record.leads))
    values = np.full((stop - start, len(record.leads)), np.nan, np.float32)
    for segment in record.segments:
        first, last = max(start, segment.start), min(stop, segment.stop)
        named = any(signal.lead for signal in segment.header.signals)
        if first < last and named:
            own = first - segment.start, last - segment.start
            part = read_samples(segment.header, (own[0] / rate, own[1] / rate))
            columns = [record.leads.index(lead) for lead in part.leads]
            rows = part.values[own[0] - part.start : own[1] - part.start]
            values[first - start : last - start, columns] = rows
    return Signal(values, rate, record.leads, start, total)


def _read(
    files: Sequence[SignalFile], conversion: Conversion, start: int, stop: int, total: int
) -> tuple[Float32Array, list[int], int]:
    """A part in millivolts; its first frame as stored; and the sum of what is stored of it."""
    rows = conversion.at_once or max(1, stop - start)
    several = stop - start > rows
    values = np.empty((stop - start if several else 0, len(conversion.leads)), np.float32)
    first: list[int] = []
    added = 0
    for begin in range(start, stop, rows):
        end = min(begin + rows, stop)
        stored = read_frames(files, begin, min(total, end + conversion.skew))
        first = first or stored[0].tolist()
        added += int(np.add.reduce(stored.reshape(-1), dtype=np.int16))
        piece = to_millivolts(stored, conversion, end - begin)
        if several:
            values[begin - start : end - start] = piece
        else:
            values = piece
    return values, first, added


def _check_sums(
    header: Header, files: Sequence[SignalFile], conversion: Conversion, total: int
) -> None:
    """Refuses a signal whose sum is not the header's; if all are, it is the header that errs."""
    sums = np.zeros(conversion.width, np.int64)
    rows = conversion.at_once or total
    for begin in range(0, total, rows):
        sums += read_frames(files, begin, min(total, begin + rows)).sum(axis=0, dtype=np.int64)
    found = np.add.reduceat(sums, conversion.firsts).tolist()
    for index, (one, stated) in enumerate(zip(found, header.checksums or (), strict=True)):
        if (one - stated) % _MODULUS:
            _refuse(header, index, "the checksum", one % _MODULUS, stated % _MODULUS)


def _check_first_values(header: Header, begins: tuple[int, ...]) -> None:
    """Refuses a signal that begins with another integer than the header says."""
    for index, (one, stated) in enumerate(zip(begins, header.first_values or (), strict=True)):
        # of a missing sample writers state the mark of this format or of another
        if one != stated and one != missing_mark(header.signals[index].format):
            _refuse(header, index, "the first value", one, stated)


def _refuse(header: Header, index: int, figure: str, found: int, stated: int) -> None:
    folder = str(header.path).removesuffix(header.path.name)
    raise DataError(
        f"{folder}{header.files[index]}: {figure} of signal {header.signals[index].name} is "
        f"{found}, and {header.path.name}.hea says {stated}: these are not the samples that the "
        "header was written for. The file is damaged, or was exchanged with another recording's: "
        "download or export both again. Only if the samples are right, write 0 for first values "
        "and checksums into the header."
    )


def read_in_microvolts(header: Header) -> tuple[Signal, bool]:
    """The integers of a whole recording as microvolts, and whether its gains are its spans."""
    # Whoever wrote such a file normalised it: by its header every lead would be exactly 1 mV high.
    # The integers are what was recorded, in one step for all leads, which only a known database,
    # LUDB, has
    gains = np.array([signal.gain for signal in header.signals if signal.lead])
    stored = tuple(replace(one, gain=STEPS_IN_MV, units="mV", baseline=0) for one in header.signals)
    signal = read_samples(replace(header, signals=stored))
    spans = np.ptp(signal.values, axis=0) * STEPS_IN_MV
    return signal, bool(np.all(np.abs(spans - gains) < 1))


def read_unknown(path: Path, *, lead_names: LeadNames = None, span: Span | None = None) -> Signal:
    """`read_wfdb` for files of any origin: gains that are no gains are found."""
    # LUDB's recordings, known by their headers' comments, are read in true millivolts, as a whole;
    # others whose gains are their leads' spans are refused: nothing says how large they are
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
    return bool(np.all(np.abs(spans - [one.gain for one in named]) < _ROUNDED))


def _is_ludb(header: Header) -> bool:
    begins = [comment.partition(":")[0].strip() for comment in header.comments]
    return all(name in begins for name in _LUDB_COMMENTS)


def _fit_together(signal: Signal) -> bool:
    """Whether lead II is the sum of I and III, as it is where all have one step."""
    if not set(_IDENTITY) <= set(signal.leads):
        return False
    one, two, three = (signal.values[:, signal.leads.index(lead)] for lead in _IDENTITY)
    return bool(np.abs(one - two + three).max() * STEPS_IN_MV < _ROUNDED)
