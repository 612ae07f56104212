"""The headers of WFDB recordings, parsed and checked before any signal file is opened.

Source: WFDB Applications Guide, header(5).
"""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ecg_keras.errors import DataError
from ecg_keras.signals import find_lead

LARGEST_HEADER = 65_536
DEFAULT_RATE = 250.0
DEFAULT_GAIN = 200.0
UNITS_IN_MV = {"v": 1000.0, "mv": 1.0, "uv": 0.001, "µv": 0.001, "μv": 0.001}

_RECORD_LINE = re.compile(
    r"\s*(?P<name>[^\s/]+)(?:/(?P<segments>\d+))?\s+(?P<signals>\d{1,6})"
    r"(?:\s+(?P<rate>[\d.]+)(?:/\S*)?(?:\s+(?P<samples>\d{1,18})(?:\s.*)?)?)?\s*"
)
_FORMAT = re.compile(
    r"(?P<name>\d{1,4})(?P<frames>x\d+)?(?P<skew>:\d+)?(?:\+(?P<offset>\d{1,18}))?"
)
_GAIN = re.compile(r"(?P<gain>[-+.\deE]+)(?:\((?P<baseline>-?\d{1,10})\))?(?:/(?P<units>\S+))?")


@dataclass(frozen=True, eq=False)
class SignalLine:
    """How one signal is stored; equal lines of a database's headers are one object.

    Attributes:
        name: as the header spells it, empty where it does not.
        format: the WFDB format, such as ``"16"``.
        plain: whether it is stored with one sample a frame and without skew.
        offset: bytes before the first sample.
        gain: integer steps for each of ``units``.
        baseline: the integer that means zero.
        units: as the header spells them, ``"mV"`` where it does not.
        lead_names: the user's own spellings of leads.
    """

    name: str
    format: str
    plain: bool
    offset: int
    gain: float
    baseline: int
    units: str
    lead_names: tuple[tuple[str, str], ...] = ()

    @functools.cached_property
    def lead(self) -> str | None:
        """The standard name, or ``None`` for a signal that is none of the twelve leads."""
        return find_lead(self.name, dict(self.lead_names))

    @functools.cached_property
    def steps_in_mv(self) -> float:
        """Integer steps for each millivolt; 1 for what is no lead. `DataError`: no voltage."""
        if self.lead is None:
            return 1.0
        if self.units.lower() not in UNITS_IN_MV:
            raise DataError(f"lead {self.name} is in {self.units!r}. Allowed: V, mV, uV.")
        return self.gain / UNITS_IN_MV[self.units.lower()]


@dataclass(frozen=True)
class Header:
    """What a ``.hea`` file says.

    Attributes:
        path: of the record, without extension.
        sampling_rate: in Hz.
        num_samples: in each signal, ``None`` where the header leaves it to the file's size.
        files: for each signal the name of the file with its samples, in the header's folder.
        signals: for each signal how it is stored.
        comments: the text behind each ``#``, stripped.
    """

    path: Path
    sampling_rate: float
    num_samples: int | None
    files: tuple[str, ...]
    signals: tuple[SignalLine, ...]
    comments: tuple[str, ...]


def read_header(path: Path | str, lead_names: Mapping[str, str] | None = None) -> Header:
    """Reads the header of a WFDB record.

    Args:
        path: of the record, without the extension ``.hea``.
        lead_names: the user's own spellings of leads, each with the lead that it means.

    Returns:
        The header. No signal file is opened.

    Raises:
        DataError: the file is missing, is no text, breaks the format, is a multi-segment record,
            or names a file outside its folder.

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
            f"{file}: its first line must be `name signals rate samples` of a WFDB header. "
            f"Received: {content[0][:80] if content else ''!r}. Download the file again."
        )
    if record["segments"]:
        raise DataError(
            f"{file}: a multi-segment record of {record['segments']} segments. Only single "
            "recordings are read: list the segments' own records instead."
        )
    expected = int(record["signals"])
    if not expected or len(content) - 1 != expected:
        raise DataError(
            f"{file}: its first line promises {expected} signals, and {len(content) - 1} signal "
            "lines follow; a recording has at least one. Download the file again."
        )
    fields = [line.split(None, 8) for line in content[1:]]
    spellings = tuple((lead_names or {}).items())
    return Header(
        path=path,
        sampling_rate=_rate(file, record["rate"]),
        num_samples=int(record["samples"] or 0) or None,
        files=_files(file, [of_line[0] for of_line in fields]),
        signals=tuple([_signal(file, of_line, spellings) for of_line in fields]),
        comments=comments,
    )


def read_text(file: str) -> str:
    """The text of a header, or a `DataError` if it is missing or cannot be one."""
    try:
        with open(file, "rb", buffering=0) as stream:  # noqa: PTH123  half the time of Path.open
            content = stream.read(LARGEST_HEADER + 1)
    except OSError as error:
        raise DataError(
            f"{file}: {error.strerror}. Check that the whole database was downloaded."
        ) from error
    if b"\0" in content or len(content) > LARGEST_HEADER:
        raise DataError(
            f"{file}: this is no WFDB header: not text, or longer than {LARGEST_HEADER} bytes. "
            "Download the file again."
        )
    return content.decode("utf-8", errors="replace")


def _rate(file: str, text: str | None) -> float:
    try:
        rate = float(text) if text else DEFAULT_RATE
    except ValueError:
        rate = 0.0
    if not 0 < rate < math.inf:
        raise DataError(f"{file}: the sampling rate must be above 0 Hz. Received: {text}.")
    return rate


def _files(file: str, names: list[str]) -> tuple[str, ...]:
    """The names, if all are in the header's own folder and the signals of a file together."""
    for name in set(names):
        if "/" in name or "\\" in name or ":" in name or name in (".", "..", "~"):
            raise DataError(
                f"{file}: names the signal file {name!r}. A header may only name files in its own "
                "folder: do not use this recording."
            )
    if len([name for name, _ in itertools.groupby(names)]) != len(set(names)):
        raise DataError(f"{file}: the signals of one file must stand together.")
    return tuple(names)


def _signal(file: str, fields: list[str], lead_names: tuple[tuple[str, str], ...]) -> SignalLine:
    # file, format, gain, resolution, zero, first value, checksum, block size, name
    if len(fields) < 9:
        fields = fields + [""] * (9 - len(fields))
    try:
        return _parse_signal(fields[1], fields[2], fields[4], fields[8], lead_names)
    except ValueError as error:
        line = " ".join(fields).strip()
        raise DataError(f"{file}: not a WFDB signal line: {line[:120]!r}.") from error


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
    gain = float(scale["gain"]) or DEFAULT_GAIN
    if not 1e-9 < abs(gain) < 1e12:
        raise ValueError
    return SignalLine(
        name=name,
        format=stored["name"],
        plain=stored["frames"] in (None, "x1") and stored["skew"] in (None, ":0"),
        offset=int(stored["offset"] or 0),
        gain=gain,
        baseline=int(scale["baseline"] or zero_text[:11] or 0),
        units=scale["units"] or "mV",
        lead_names=lead_names,
    )
