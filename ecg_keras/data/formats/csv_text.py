"""ECGs as text: a row for each sample, a column for each lead, read by pandas' C parser.

Exports differ in what separates the cells (comma, semicolon, tab), in the decimal sign, in whether
a header names the leads, and in whether leads are columns or rows. All of it is told by the file
itself; the sampling rate and the unit are not.
"""

from __future__ import annotations

import csv
import gzip
import warnings
import zlib
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ecg_keras.data.records import Signal, Span, cut_signal
from ecg_keras.data.wfdb_headers import UNITS_IN_MV
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.signals import LEADS, find_lead

LARGEST = 256_000_000
# cells in a line: the samples of a lead, where each row is one
MOST_CELLS = 2_000_000
# columns of a table, or rows that are leads
MOST_COLUMNS = 1000
# a row of the sample numbers 0, 1, 2, ..., as pandas writes where columns have no names
FEWEST_NUMBERED = 4

Floats = npt.NDArray[np.float32]


def read_csv(
    path: Path | str,
    *,
    sampling_rate: float | None,
    unit: str | None,
    leads: Sequence[str] | None = None,
    lead_names: Mapping[str, str] | None = None,
    span: Span | None = None,
) -> Signal:
    """Reads an ECG from a CSV file in millivolts.

    Args:
        path: of the file; one that ends in ``.gz`` is gzipped. At most 256 MB of text.
        sampling_rate: in Hz.
        unit: mV, uV or V.
        leads: the name of each column of a file whose header names no lead.
        lead_names: the user's own spellings of leads, each with the lead that it means.
        span: the seconds that are wanted; ``None`` wants the whole recording.

    Returns:
        The wanted part of the recording. Columns that are none of the twelve leads (time, sample
        number) are left out. Empty cells are NaN. A file that has a row for each lead is turned.

    Raises:
        ConfigError: the sampling rate or the unit is not given.
        DataError: the file is missing, too large, or no table of numbers; its columns have no
            names, or ``leads`` has not as many.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.csv"
        >>> _ = path.write_text("I,II\\n100,200\\n-50,\\n")
        >>> read_csv(path, sampling_rate=500, unit="uV").values
        array([[ 0.1 ,  0.2 ],
               [-0.05,   nan]], dtype=float32)
    """
    rate, scale = csv_settings(f"{path}", sampling_rate, unit)
    text = _read_text(Path(path))
    try:
        # numbers that no float32 holds become infinite, and the recording is left out
        with np.errstate(over="ignore", invalid="ignore"):
            values, names = _parse(text, None if leads is None else list(leads), lead_names)
            # divided, so that integer microvolts become what WFDB files of them do
            values = values / np.float32(1 / scale)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    except (ValueError, csv.Error, pd.errors.ParserWarning) as error:  # also: bytes, not text
        raise DataError(
            f"{path}: no table of numbers: {str(error).strip()[:300]}. Export the file again."
        ) from error
    known = {name: find_lead(name, lead_names) for name in names}
    columns = [number for number, name in enumerate(names) if known[name] is not None]
    if not columns:
        raise DataError(
            f"{path}: none of its columns is one of the leads {', '.join(LEADS)}. Received: "
            f"{', '.join(names)[:200]}. Name them with data.folder.leads."
        )
    found = tuple(lead for name in names if (lead := known[name]) is not None)
    millivolts = np.ascontiguousarray(values[:, columns])
    return cut_signal(Signal(millivolts, rate, found), span)


def csv_settings(where: str, sampling_rate: float | None, unit: str | None) -> tuple[float, float]:
    """What a CSV file does not say and nobody may guess: Hz, and millivolts for each unit.

    Args:
        where: what to call the file in errors.
        sampling_rate: in Hz.
        unit: mV, uV or V.

    Raises:
        ConfigError: the sampling rate or the unit is not given.
    """
    if unit is None:
        raise ConfigError(
            f"{where}: a CSV file does not say its unit. Set data.folder.unit to mV, uV or V."
        )
    if sampling_rate is None:
        raise ConfigError(
            f"{where}: a CSV file does not say its sampling rate. Set data.folder.sampling_rate to "
            "Hz, or to the column that says them."
        )
    return sampling_rate, UNITS_IN_MV[unit.lower()]


def _read_text(path: Path) -> bytes:
    """The file's text, never more than `LARGEST` bytes of it, whatever it is packed from."""
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as stream:
            text = stream.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: can't be read: {reason}. Export the file again.") from error
    if len(text) > LARGEST:
        raise DataError(
            f"{path}: more than {LARGEST:,} bytes of text. Export a shorter recording, or another "
            "format."
        )
    text = text.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in text or not text.strip():
        raise DataError(f"{path}: empty, or no text. Export the file again.")
    # for a parser that knows one end of a line
    return text.replace(b"\r\n", b"\n").strip(b"\n") + b"\n"


def _parse(
    text: bytes, leads: list[str] | None, lead_names: Mapping[str, str] | None = None
) -> tuple[Floats, list[str]]:
    """The samples ``(num_samples, num_columns)`` and the name of each column."""
    first, _, rest = text.partition(b"\n")
    separator = next((one for one in (b";", b"\t") if one in first), b",")
    decimal = "," if separator != b"," and b"," in rest and b"." not in rest else "."
    cells = _split(first, separator)
    if _is_counted(cells):  # 0, 1, 2, ... are no samples
        text = rest
        first, _, rest = text.partition(b"\n")
        cells = _split(first, separator)
    numbers = [_is_number(cell.replace(",", ".")) for cell in cells]
    if len(cells) > 1 and find_lead(cells[0], lead_names) is not None and all(numbers[1:]):
        return _parse_rows(text, separator, decimal)
    if not all(numbers):
        if len(cells) > MOST_COLUMNS:
            raise ValueError(f"its first line has {len(cells)} cells, and is no header")
        if leads is not None and not any(find_lead(cell, lead_names) for cell in cells):
            if len(leads) != len(cells):
                raise DataError(_say_widths(len(cells), leads))
            cells = leads
        return _parse_columns(rest, separator, decimal, len(cells)), cells
    if leads is None:
        raise DataError(
            f"no header names its {len(cells)} columns. Name them with data.folder.leads."
        )
    if len(leads) == len(cells):
        return _parse_columns(text, separator, decimal, len(cells)), leads
    if len(leads) == text.count(b"\n"):
        return _parse_rows(text, separator, decimal, leads)
    raise DataError(_say_widths(len(cells), leads))


def _say_widths(columns: int, leads: list[str]) -> str:
    return (
        f"{columns} columns, and data.folder.leads names {len(leads)}. Name each column, also those"
        " that are no lead."
    )


def _split(line: bytes, separator: bytes) -> list[str]:
    if line.count(separator) >= MOST_CELLS:
        raise ValueError(f"a line has more than {MOST_CELLS:,} cells")
    (cells,) = csv.reader([line.decode("utf-8")], delimiter=separator.decode())
    return [cell.strip() for cell in cells or [""]]


def _is_number(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return False
    return True


def _is_counted(cells: list[str]) -> bool:
    counted = cells if cells[0] else cells[1:]
    return len(counted) >= FEWEST_NUMBERED and counted == list(map(str, range(len(counted))))


def _parse_columns(text: bytes, separator: bytes, decimal: str, columns: int) -> Floats:
    with warnings.catch_warnings():
        # that lines have more cells than the first
        warnings.simplefilter("error", pd.errors.ParserWarning)
        frame = pd.read_csv(
            BytesIO(text),
            sep=separator.decode(),
            header=None,
            names=range(columns),
            index_col=False,
            dtype=np.float32,
            decimal=decimal,
            skip_blank_lines=False,
            engine="c",
        )
    if not len(frame):
        raise ValueError("it holds no sample")
    values: Floats = frame.to_numpy(dtype=np.float32)
    return values


def _parse_rows(
    text: bytes, separator: bytes, decimal: str, leads: list[str] | None = None
) -> tuple[Floats, list[str]]:
    """Each row is a lead: as a column of its own it needs no table of thousands of columns."""
    lines = text.splitlines()
    if len(lines) > MOST_COLUMNS:
        raise ValueError(f"its rows would be leads, and are {len(lines)}")
    samples, names = [], []
    for line in lines:
        if leads is None:
            name, _, line = line.partition(separator)
            names.append(name.decode("utf-8").strip(' "'))
        column = line.replace(separator, b"\n") + b"\n"
        samples.append(_parse_columns(column, b";", decimal, 1)[:, 0])
    lengths = sorted({len(one) for one in samples})
    if len(lengths) > 1:
        raise ValueError(f"its rows are leads, and have {lengths[0]} to {lengths[-1]} samples")
    return np.stack(samples, axis=1), leads or names
