"""WFDB recordings: the header in our own parser, format 16 in our own decoder, the rest by wfdb.

Nearly all 12-lead databases are WFDB format 16: little-endian 16-bit samples, the leads
interleaved, sometimes behind a few bytes of another header (``16+24`` for MATLAB files). Reading
that takes one `numpy.fromfile`, many times faster than the wfdb library, whose results it equals.

Source: WFDB Applications Guide, header(5) and signal(5).
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_keras.data.records import Signal
from ecg_keras.errors import DataError
from ecg_keras.signals import LEADS, canonical_lead

LARGEST_HEADER = 65_536
MISSING_SAMPLE = -32768
DEFAULT_RATE = 250.0
DEFAULT_GAIN = 200.0
UNITS_IN_MV = {"v": 1000.0, "mv": 1.0, "uv": 0.001, "µv": 0.001, "μv": 0.001}
# bits of one sample in the formats that wfdb reads; the compressed ones can be almost nothing
BITS = {"8": 8, "16": 16, "24": 24, "32": 32, "61": 16, "80": 8, "160": 16, "212": 12}
BITS |= {"310": 10, "311": 10}
FEWEST_BITS = 0.001

_RECORD_LINE = re.compile(
    r"\s*(?P<name>[^\s/]+)(?:/(?P<segments>\d+))?\s+(?P<signals>\d{1,6})"
    r"(?:\s+(?P<rate>[\d.]+)(?:/\S*)?(?:\s+(?P<samples>\d{1,18})(?:\s.*)?)?)?\s*"
)
_FORMAT = re.compile(
    r"(?P<name>\d{1,4})(?P<frames>x\d+)?(?P<skew>:\d+)?(?:\+(?P<offset>\d{1,18}))?"
)
_GAIN = re.compile(r"(?P<gain>[-+.\deE]+)(?:\((?P<baseline>-?\d{1,10})\))?(?:/(?P<units>\S+))?")


@dataclass(frozen=True)
class SignalLine:
    """How one signal is stored.

    Attributes:
        name: as the header spells it, empty where it does not.
        format: the WFDB format, such as ``"16"``.
        plain: whether it is stored with one sample a frame and without skew.
        offset: bytes before the first sample.
        gain: integer steps for each of ``units``.
        baseline: the integer that means zero.
        units: as the header spells them, ``"mV"`` where it does not.
    """

    name: str
    format: str
    plain: bool
    offset: int
    gain: float
    baseline: int
    units: str

    @property
    def lead(self) -> str | None:
        """The standard name, or ``None`` for a signal that is none of the twelve leads."""
        try:
            return canonical_lead(self.name)
        except DataError:
            return None

    @property
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


def read_header(path: Path | str) -> Header:
    """Reads the header of a WFDB record.

    Args:
        path: of the record, without the extension ``.hea``.

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
    path = Path(path)
    file = f"{path}.hea"
    lines = read_text(file).splitlines()
    content = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    comments = tuple(line.lstrip()[1:].strip() for line in lines if line.lstrip().startswith("#"))
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
    return Header(
        path=path,
        sampling_rate=_rate(file, record["rate"]),
        num_samples=int(record["samples"] or 0) or None,
        files=_files(file, [of_line[0] for of_line in fields]),
        signals=tuple(_signal(file, of_line) for of_line in fields),
        comments=comments,
    )


def read_text(file: str) -> str:
    """The text of a header, or a `DataError` if it is missing or cannot be one."""
    try:
        with open(file, "rb") as stream:  # noqa: PTH123  half the time of Path.open
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


def _signal(file: str, fields: list[str]) -> SignalLine:
    # file, format, gain, resolution, zero, first value, checksum, block size, name
    padded = fields + [""] * (9 - len(fields))
    try:
        return _parse_signal(padded[1], padded[2], padded[4], padded[8].strip())
    except ValueError as error:
        raise DataError(f"{file}: not a WFDB signal line: {' '.join(fields)[:120]!r}.") from error


@functools.lru_cache(maxsize=4096)  # the lines of a database differ little: parse each kind once
def _parse_signal(format_text: str, gain_text: str, zero_text: str, name: str) -> SignalLine:
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
    )


def read_wfdb(path: Path | str) -> Signal:
    """Reads a WFDB record in millivolts.

    Args:
        path: of the record, without extension.

    Returns:
        The whole recording at its own rate. Columns that are none of the twelve leads (Frank
        leads, respiration) are left out. Samples that the file marks as missing are NaN.

    Raises:
        DataError: as `read_header`; and where the signal file is missing, truncated or leads out
            of its folder, where a unit is none of voltage, or where none of the twelve leads is
            there.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "r.hea").write_text("r 1 500 3\\nr.dat 16 1000/mV 16 0 0 0 0 II")
        >>> np.array([0, 1500, -32768], dtype="<i2").tofile(folder / "r.dat")
        >>> read_wfdb(folder / "r").values.ravel()
        array([0. , 1.5, nan], dtype=float32)
    """
    return read_samples(read_header(path))


def read_samples(header: Header) -> Signal:
    """Reads the samples of a record whose header was read: `read_wfdb` in two steps.

    Args:
        header: from `read_header`.

    Returns:
        As `read_wfdb`.

    Raises:
        DataError: as `read_wfdb`.
    """
    groups = {
        file: [signal for name, signal in pairs]
        for file, pairs in itertools.groupby(
            zip(header.files, header.signals, strict=True), key=operator.itemgetter(0)
        )
    }
    num_samples = min(_count_samples(header, file, group) for file, group in groups.items())
    try:
        steps_in_mv = [signal.steps_in_mv for signal in header.signals]
    except DataError as error:
        raise DataError(f"{header.path}.hea: {error}") from error
    if all(signal.format == "16" and signal.plain for signal in header.signals):
        values = _read_format_16(header, groups, num_samples, steps_in_mv)
    else:
        values = _read_by_wfdb(header, steps_in_mv)
    leads = [signal.lead for signal in header.signals]
    if None in leads:
        values = np.ascontiguousarray(values[:, [lead is not None for lead in leads]])
    named = tuple(lead for lead in leads if lead is not None)
    if not named:
        raise DataError(
            f"{header.path}.hea: none of its signals is one of the leads {', '.join(LEADS)}. "
            f"Received: {', '.join(signal.name or '(no name)' for signal in header.signals)}."
        )
    return Signal(values, header.sampling_rate, named)


def _count_samples(header: Header, file: str, group: list[SignalLine]) -> int:
    """How many samples of each signal to read, once the file is known to hold them.

    Nothing is allocated before the header's promise was compared with the file's size.
    """
    location = header.path.parent / file
    try:
        status = location.stat()
    except OSError as error:
        raise DataError(
            f"{location}: {error.strerror}. The header {header.path.name}.hea names this file: "
            "check that the whole database was downloaded."
        ) from error
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"{location}: no plain file. Put the recording's samples there.")
    if location.is_symlink():
        folder = os.path.realpath(header.path.parent)
        if not Path(os.path.realpath(location)).is_relative_to(folder):
            raise DataError(
                f"{location}: a link that leads out of its folder. Put the file itself there, or "
                "do not use this recording."
            )
    bits = sum(BITS.get(signal.format, FEWEST_BITS) for signal in group)
    held = max(0, int((status.st_size - group[0].offset) * 8 // bits))
    if held < (header.num_samples or 1):
        raise DataError(
            f"{location}: truncated: its {status.st_size} bytes hold {held} samples of "
            f"{len(group)} signals, and the header promises {header.num_samples or 'at least 1'}. "
            "Download the file again."
        )
    return header.num_samples or held


def _read_format_16(
    header: Header,
    groups: dict[str, list[SignalLine]],
    num_samples: int,
    steps_in_mv: list[float],
) -> npt.NDArray[np.float32]:
    blocks = [
        np.fromfile(
            header.path.parent / file,
            dtype="<i2",
            count=num_samples * len(group),
            offset=group[0].offset,
        ).reshape(num_samples, len(group))
        for file, group in groups.items()
    ]
    digital = blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=1)
    values = digital.astype(np.float32)
    # NumPy is slow where the inner loop is one row of twelve: let it run over many rows at once
    rows = math.gcd(num_samples, 64)
    block = values.reshape(num_samples // rows, -1)
    baselines = np.array([signal.baseline for signal in header.signals], dtype=np.float32)
    if baselines.any():
        block -= np.tile(baselines, rows)
    block /= np.tile(np.array(steps_in_mv, dtype=np.float32), rows)
    if digital.min() == MISSING_SAMPLE:
        values[digital == MISSING_SAMPLE] = np.nan
    return values


def _read_by_wfdb(header: Header, steps_in_mv: list[float]) -> npt.NDArray[np.float32]:
    import wfdb

    try:
        values = wfdb.rdrecord(str(header.path)).p_signal
    except Exception as error:  # a damaged file makes wfdb raise whatever its decoder meets
        raise DataError(f"{header.path}: wfdb cannot read it: {error}") from error
    factors = [
        signal.gain / steps for signal, steps in zip(header.signals, steps_in_mv, strict=True)
    ]
    return np.ascontiguousarray(values * np.array(factors), dtype=np.float32)
