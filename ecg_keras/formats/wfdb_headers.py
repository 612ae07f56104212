"""The headers of WFDB recordings, parsed and checked before any signal file is opened.

Source: WFDB Applications Guide, header(5).
"""

from __future__ import annotations

import codecs
import functools
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ecg_keras.errors import DataError
from ecg_keras.formats.plain_files import find_alike
from ecg_keras.formats.voltages import ALLOWED, unit_in_mv
from ecg_keras.signals import LeadNames, find_lead

_LARGEST_HEADER = 65_536
_DEFAULT_RATE = 250.0
_HIGHEST_RATE = 1e6
_DEFAULT_GAIN = 200.0
# before the name of a lead that is written turned over
_MINUS = ("-", "\N{MINUS SIGN}", "\N{EN DASH}")

_RECORD_LINE = re.compile(
    r"(?P<name>[^\s/]+)(?:/(?P<segments>\d+))?\s+(?P<signals>\d{1,6})"
    r"(?:\s+(?P<rate>[\d.]+)(?:/\S*)?(?:\s+(?P<samples>\d{1,18})(?:\s.*)?)?)?(?:\s+#.*)?"
)
_FORMAT = re.compile(
    r"(?P<name>\d{1,4})(?:x(?P<frames>\d{1,18}))?(?::(?P<skew>\d{1,18}))?"
    r"(?:\+(?P<offset>\d{1,18}))?"
)
_GAIN = re.compile(r"(?P<gain>[-+.\deE]+)(?:\((?P<baseline>[-+.\deE]+)\))?(?:/(?P<units>\S+))?")
_LINE = (
    "Allowed: `file format gain(baseline)/unit resolution zero first checksum block name`, none "
    "but the last with spaces. Correct the line, or download the file again."
)
_NUMBER = re.compile(r"(?:[-+]?\d+(?:\.\d*)?)?")


class MultiSegmentError(DataError):
    """The header is that of a multi-segment record, which has no signals of its own."""


@dataclass(frozen=True, eq=False)
class SignalLine:
    """How one signal is stored; equal lines of a database's headers are one object."""

    # as the header spells it, empty where it does not
    name: str
    # of WFDB, such as "16"
    format: str
    # samples in each frame; there are as many frames as the header says samples
    frames: int
    # frames of the file before the one that is simultaneous with others' first
    skew: int
    # bytes before the first sample
    offset: int
    # integer steps for each of the units
    gain: float
    # the integer that means zero; may be written with decimals
    baseline: float
    # as the header spells them, "mV" where it does not
    units: str
    # the user's own spellings of leads
    lead_names: tuple[tuple[str, str], ...] = ()

    @functools.cached_property
    def _named(self) -> tuple[str | None, int]:
        """The lead, and -1 where the name says that it is written turned over, as ``-aVR``."""
        spellings = dict(self.lead_names)
        plain = self.name.partition("#")[0].strip()  # some writers comment behind a name
        lead = find_lead(self.name, spellings) or find_lead(plain, spellings)
        if lead is None and plain.startswith(_MINUS):
            return find_lead(plain[1:], spellings), -1
        return lead, 1

    @property
    def lead(self) -> str | None:
        """The standard name, or ``None`` for a signal that is not one of the twelve leads."""
        return self._named[0]

    @functools.cached_property
    def steps_in_mv(self) -> float:
        """Integer steps for each millivolt of the lead, below 0 where it is written turned over.

        1 for what is no lead."""
        lead, sign = self._named
        if lead is None:
            return 1.0
        size = unit_in_mv(self.units)
        if size is None:
            raise DataError(
                f"lead {self.name} is in {self.units!r}. Allowed: {ALLOWED}. Correct the unit "
                "behind the gain."
            )
        return sign * self.gain / size


@dataclass(frozen=True)
class Header:
    """What a ``.hea`` file says, whose path has no extension here."""

    path: Path
    sampling_rate: float
    # in each signal, `None` where the header leaves it to the file's size
    num_samples: int | None
    # for each signal the name of the file with its samples, in the header's folder
    files: tuple[str, ...]
    signals: tuple[SignalLine, ...]
    # the text behind each `#`, stripped
    comments: tuple[str, ...]
    # of each signal as stored, and its sum modulo 65,536; `None` where the header does not say them
    first_values: tuple[int, ...] | None = None
    checksums: tuple[int, ...] | None = None


def read_header(path: Path | str, lead_names: LeadNames = None) -> Header:
    """Reads the header of a WFDB record; no signal file is opened.

    Args:
        path: of the record, without the extension ``.hea``.
        lead_names: the user's own spellings of leads, each with the lead that it means.

    Raises:
        MultiSegmentError: the record consists of others; see `wfdb_segments.find_segments`.
        DataError: the file is missing, is no text, breaks the format, or names a file outside its
            folder.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "r.hea").write_text("r 1 500 9\\nr.dat 16 1000/mV 16 0 0 0 0 II\\n# A: 7")
        >>> header = read_header(folder / "r")
        >>> header.sampling_rate, header.signals[0].name, header.comments
        (500.0, 'II', ('A: 7',))
    """
    path = path if isinstance(path, Path) else Path(path)
    file = f"{path}.hea"
    lines = [line.strip() for line in read_text(file).splitlines()]
    content = [line for line in lines if line and line[0] != "#"]
    comments = tuple([line[1:].strip() for line in lines if line[:1] == "#"])
    record = _RECORD_LINE.fullmatch(content[0]) if content else None
    if record is None:
        raise DataError(
            f"{file}: its first line must be `name signals rate samples` of a WFDB header, the "
            f"name without spaces. Received: {content[0][:80] if content else ''!r}. Download or "
            "export the recording again."
        )
    if record["segments"]:
        raise MultiSegmentError(
            f"{file}: a multi-segment record of {record['segments']} segments, where a single one "
            "is expected: list the segments' own records instead."
        )
    expected = int(record["signals"])
    if not expected or len(content) - 1 != expected:
        raise DataError(
            f"{file}: its first line promises {expected} signals, and {len(content) - 1} signal "
            "lines follow; a recording has at least one. Download the file again."
        )
    # file, format, gain, resolution, zero, first value, checksum, block size, name
    fields = [line.split(None, 8) for line in content[1:]]
    if min(map(len, fields)) < 9:
        fields = [of_line + [""] * (9 - len(of_line)) for of_line in fields]
    columns = list(zip(*fields, strict=True))
    # elsewhere there is a blank too many, as in `1000 /uV`, and all behind it would be misread
    for text in {*columns[3], *columns[7]}:
        if not _NUMBER.fullmatch(text):
            line = next(one for one in content[1:] if text in one.split())
            raise DataError(f"{file}: not a WFDB signal line: {line[:120]!r}. {_LINE}")
    return Header(
        path=path,
        sampling_rate=_rate(file, record["rate"]),
        num_samples=int(record["samples"] or 0) or None,
        files=_files(file, columns[0]),
        signals=_signals(file, columns, tuple((lead_names or {}).items())),
        comments=comments,
        first_values=_figures(file, columns[5]),
        checksums=_figures(file, columns[6]),
    )


def read_text(file: str) -> str:
    """The text of a header; one whose ending is in another case, ``.HEA``, is found, too."""
    try:
        try:
            content = _read(file)
        except FileNotFoundError:
            alike = [one for one in find_alike(file) if one[:-4] == file[:-4]]
            if len(alike) != 1:
                raise
            content = _read(alike[0])
    except OSError as error:
        raise DataError(
            f"{file}: {error.strerror}. Check that the whole database was downloaded."
        ) from error
    content = content.rstrip(b"\0\x1a")  # DOS ended texts so
    if b"\0" in content or len(content) > _LARGEST_HEADER:
        raise DataError(
            f"{file}: this is no WFDB header: not text, or longer than {_LARGEST_HEADER} bytes. "
            "Download the file again."
        )
    try:
        return content.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError:  # older recorders write the micro sign of Western Europe's Windows
        return content.decode("cp1252", errors="replace")


def _read(file: str) -> bytes:
    with open(file, "rb", buffering=0) as stream:  # noqa: PTH123  half the time of Path.open
        return stream.read(_LARGEST_HEADER + 1)


def _rate(file: str, text: str | None) -> float:
    try:
        rate = float(text) if text else _DEFAULT_RATE
    except ValueError:
        rate = 0.0
    if not 0 < rate <= _HIGHEST_RATE:
        raise DataError(
            f"{file}: the sampling rate must be above 0 Hz. Received: {text}. The highest is "
            f"{_HIGHEST_RATE:,.0f} Hz. Correct it, or download the file again."
        )
    return rate


def _files(file: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names, if all are in the header's own folder and the signals of a file together."""
    several = set(names)
    if any(name.startswith("./") for name in several):
        return _files(file, tuple([name.removeprefix("./") for name in names]))
    for name in several:
        if "/" in name or "\\" in name or name[1:2] == ":" or name in (".", "..", "~"):
            raise DataError(
                f"{file}: names the signal file {name!r}. A header may only name files in its own "
                "folder: do not use this recording."
            )
    if len(several) > 1 and len([name for name, _ in itertools.groupby(names)]) != len(several):
        raise DataError(f"{file}: the signals of one file must be together.")
    return names


def _figures(file: str, texts: tuple[str, ...]) -> tuple[int, ...] | None:
    """First values or checksums of all signals, ``None`` where the header does not say them.

    Many writers put 0 for figures that they do not compute: 0 for all signals says nothing."""
    try:
        figures = tuple(map(int, texts))
    except ValueError as error:
        wrong = [text for text in texts if not _NUMBER.fullmatch(text)]
        if wrong:
            raise DataError(
                f"{file}: a signal's first value and its checksum are whole numbers. Received: "
                f"{wrong[0][:40]!r}. {_LINE}"
            ) from error
        return None
    return figures if any(figures) else None


def _signals(
    file: str, columns: Sequence[tuple[str, ...]], lead_names: tuple[tuple[str, str], ...]
) -> tuple[SignalLine, ...]:
    """What the signal lines say, given column by column, of how the signals are stored."""
    texts = (columns[1], columns[2], columns[4], columns[8])
    signals: list[SignalLine] = []
    try:  # without a loop in Python: it runs for each recording
        signals.extend(map(_parse_signal, *texts, itertools.repeat(lead_names)))
    except ValueError as error:
        line = " ".join(column[len(signals)] for column in columns).strip()
        raise DataError(f"{file}: not a WFDB signal line: {line[:120]!r}. {_LINE}") from error
    return tuple(signals)


@functools.lru_cache(maxsize=4096)  # the lines of a database differ little: parse each kind once
def _parse_signal(
    format_text: str,
    gain_text: str,
    zero_text: str,
    name: str,
    lead_names: tuple[tuple[str, str], ...],
) -> SignalLine:
    stored, scale = _FORMAT.fullmatch(format_text), _GAIN.fullmatch(gain_text or "0")
    if stored is None or scale is None:
        raise ValueError
    gain = float(scale["gain"]) or _DEFAULT_GAIN
    baseline = float(scale["baseline"] or zero_text or 0)
    if not 1e-9 < abs(gain) < 1e12 or not abs(baseline) < 1e12:
        raise ValueError
    return SignalLine(
        name=name,
        format=stored["name"],
        frames=int(stored["frames"] or 1) or 1,
        skew=int(stored["skew"] or 0),
        offset=int(stored["offset"] or 0),
        gain=gain,
        baseline=baseline,
        units=scale["units"] or "mV",
        lead_names=lead_names,
    )
