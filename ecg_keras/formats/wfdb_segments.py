"""The segments of WFDB's multi-segment records, as which PhysioNet publishes long recordings.

The wfdb library parses the header of such a record: layout, names and lengths. It is not asked for
samples, for its numbers can be wrong without a word: in a fixed layout it takes the units and the
order of the first segment for those of all, and of ``1/µV`` it sees ``1/V``. So each segment is
read by our own reader, with all that this checks; no segment outside of the header's folder, and
none that its files do not hold, is ever looked at.

Source: WFDB Applications Guide, header(5), on multi-segment records.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from pathlib import Path

from ecg_keras.errors import DataError
from ecg_keras.formats.wfdb_headers import Header, read_header, read_text
from ecg_keras.formats.wfdb_signal_files import find_files
from ecg_keras.signals import LeadNames

_GAP = "~"
# wfdb drops what is not ASCII, which could make the name of another file of a name
_SEGMENT_LINE = re.compile(r"\s*(?:[-\w]+|~)\s+\d{1,18}\s*", re.ASCII)
_ALLOWED = (
    "Allowed: `name samples` in each line behind the first, the name of a record in the same "
    "folder, of ASCII letters, digits, - and _, or ~ for a gap. Correct the line, or download the "
    "file again."
)


@dataclass(frozen=True)
class Segment:
    """A stretch of a multi-segment record that was recorded, and the record that holds it."""

    header: Header
    # the sample of the whole at which it begins, and the one behind its last
    start: int
    stop: int


@dataclass(frozen=True)
class Segments:
    """A multi-segment record, all of whose segments were found to be there."""

    # in order; between them are gaps
    segments: tuple[Segment, ...]
    sampling_rate: float
    # samples of the whole, gaps included
    total: int
    # that occur in any segment, in the order in which they are met
    leads: tuple[str, ...]


def list_names(path: Path | str) -> list[str]:
    """The names of a record's segments, as its header, of which nothing else is opened, says them.

    One for each line, ``~`` for gaps; none of a record that has no segments."""
    lines = [line.strip() for line in read_text(f"{path}.hea").splitlines()]
    lines = [line for line in lines if line and line[0] != "#"]
    if not lines or "/" not in lines[0].split()[0]:
        return []
    return [line.split()[0] for line in lines[1:]]


def find_segments(path: Path | str, lead_names: LeadNames = None) -> Segments:
    """Finds the segments of a multi-segment record and compares them with their files.

    A segment of variable layout may lack leads, or have none."""
    path = Path(path)
    file = f"{path}.hea"
    names, lengths, rate = _parse(path, file)
    places = list(itertools.accumulate(lengths, initial=0))
    segments, seen = [], set()
    for name, start, stop in zip(names, places, places[1:], strict=False):
        # one of no samples is the layout, which says what the segments say themselves
        if name == _GAP or start == stop:
            continue
        if name in seen:  # a small file could be called a long record
            raise DataError(f"{file}: lists the segment {name} twice. {_ALLOWED}")
        seen.add(name)
        header = read_header(path.with_name(name), lead_names)
        _check(file, header, name, stop - start, rate)
        segments.append(Segment(header, start, stop))
    leads = [s.lead for one in segments for s in one.header.signals if s.lead is not None]
    if not leads:
        raise DataError(
            f"{file}: none of its {len(segments)} segments has one of the twelve leads. Where one "
            "of their signals is a lead, name it with data.folder.lead_names."
        )
    return Segments(tuple(segments), rate, places[-1], tuple(dict.fromkeys(leads)))


def _parse(path: Path, file: str) -> tuple[list[str], list[int], float]:
    """Names, lengths and the rate, by the wfdb library."""
    # imported here because few recordings need it, and it takes a second
    import wfdb

    lines = [line for line in read_text(file).splitlines() if line.strip()]
    for line in [line for line in lines if line.lstrip()[0] != "#"][1:]:
        if not _SEGMENT_LINE.fullmatch(line):
            raise DataError(f"{file}: not a segment line: {line.strip()[:80]!r}. {_ALLOWED}")
    try:
        record = wfdb.rdheader(str(path))
        names, lengths, rate = record.seg_name, record.seg_len, float(record.fs)
    except (OSError, ValueError, LookupError, AttributeError, TypeError) as error:
        raise DataError(
            f"{file}: the header of a multi-segment record can't be parsed: {error}. Its first "
            "line is `name/segments signals rate samples`, the name without dots; leave times and "
            "dates out, which are not used."
        ) from error
    if record.n_seg != len(names) or record.sig_len not in (None, 0, sum(lengths)):
        raise DataError(
            f"{file}: its first line promises {record.n_seg} segments of {record.sig_len} samples, "
            f"and {len(names)} of {sum(lengths)} follow. Download the file again."
        )
    return names, lengths, rate


def _check(file: str, header: Header, name: str, length: int, rate: float) -> None:
    """Compares a segment with what the record says of it, and with its files."""
    if header.sampling_rate != rate:
        raise DataError(
            f"{file}: says {rate:g} Hz, and its segment {name} {header.sampling_rate:g} Hz. All "
            "are of one rate: list the segments' own records instead."
        )
    held = find_files(header)[1]
    if header.num_samples not in (None, length) or held < length:
        raise DataError(
            f"{file}: says that segment {name} has {length} samples, and it has {held}. Download "
            "both again."
        )
