"""ECGs as text: a row for each sample, a column for each lead, or turned.

Exports differ in what separates the cells, in the decimal sign, in encoding, header and columns
beside the leads. All of it is told by the file itself; the sampling rate is not, and seldom the
unit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.formats.csv_decoding import cut_lines, first_lines, read_text
from ecg_keras.formats.csv_layout import Layout, find_layout
from ecg_keras.formats.csv_marks import is_number
from ecg_keras.formats.csv_numbers import Columns, read_columns, split_line
from ecg_keras.formats.csv_rows import read_rows
from ecg_keras.formats.wfdb_headers import UNITS_IN_MV
from ecg_keras.records import Signal, Span, cut_signal, span_samples

# lines that are looked at for a header, and where it is not among them
LINES, MORE_LINES = 24, 2000
# lines below the samples, such as "End of file"
_MOST_BELOW = 20


def read_csv(
    path: Path | str,
    *,
    sampling_rate: float | None,
    unit: str | None,
    leads: Sequence[str] | None = None,
    lead_names: Mapping[str, str] | None = None,
    decimal: str | None = None,
    span: Span | None = None,
) -> Signal:
    """Reads an ECG from a CSV file in millivolts.

    Args:
        path: of the file; one that ends in ``.gz`` is gzipped. At most 256 MB of text.
        sampling_rate: in Hz.
        unit: mV, uV or V; not needed where the file states it for each lead.
        leads: the name of each column, before those of a header; those of the rows, where a row is
            a lead.
        lead_names: the user's own spellings of leads, each with the lead that it means.
        decimal: the decimal sign, which is seldom needed.
        span: the seconds that are wanted; ``None`` wants the whole recording.

    Returns:
        The wanted part of the recording. Columns that are none of the twelve leads (time, notes)
        are left out, and its remarks say so. Cells that are empty, or ``-``, are NaN. A file that
        has a row for each lead is turned.

    Raises:
        ConfigError: the sampling rate or the unit is not given.
        DataError: the file is missing, too large, or no table of numbers; its columns have no
            names, or ``leads`` has not as many; or it states another unit.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.csv"
        >>> _ = path.write_text("I,II\\n100,200\\n-50,\\n")
        >>> read_csv(path, sampling_rate=500, unit="uV").values
        array([[ 0.1 ,  0.2 ],
               [-0.05,   nan]], dtype=float32)
    """
    rate = check_rate(f"{path}", sampling_rate)
    text = read_text(Path(path))
    try:
        layout = _find_layout(text, leads, lead_names, decimal)
        text = cut_lines(text, layout.first)
        start, total, remarks = 0, None, list[str]()
        # numbers that no float32 holds become infinite, and the recording is left out
        with np.errstate(over="ignore", invalid="ignore"):
            if layout.rows:
                values, held, units, left_out = read_rows(
                    text, layout.separator, leads, lead_names, decimal
                )
            else:
                held, units, left_out = layout.leads, layout.units, layout.left_out
                text, below = _strip_below(text, layout.columns)
                text, start, total = _cut(text, rate, span)
                if below:
                    remarks.append("lines below the samples are left out")
                values = read_columns(text, layout.columns, decimal)
            # divided, so that integer microvolts become what WFDB files of them do
            values /= _steps_in_mv(f"{path}", unit, held, units)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    if left_out:
        remarks.append(_say_left_out(left_out))
    if layout.renamed:
        remarks.append("columns are named by data.folder.leads, and differently by the header")
    whole = Signal(values, rate, held, start, total, tuple(remarks))
    return whole if total is not None else cut_signal(whole, span)


def check_rate(where: str, sampling_rate: float | None) -> float:
    """The sampling rate, which a CSV file does not say and nobody may guess.

    Args:
        where: what to call the file in errors.
        sampling_rate: in Hz.

    Raises:
        ConfigError: it is not given.
    """
    if sampling_rate is None:
        raise ConfigError(
            f"{where}: a CSV file does not say its sampling rate. Set data.folder.sampling_rate to "
            "Hz, or to the column that says them."
        )
    return sampling_rate


def unknown_unit(where: str) -> ConfigError:
    """The error that neither a CSV file nor the user says its unit, which nobody may guess.

    Args:
        where: what to call the file.
    """
    return ConfigError(
        f"{where}: a CSV file does not say its unit. Set data.folder.unit to mV, uV or V."
    )


def _find_layout(
    text: bytes,
    leads: Sequence[str] | None,
    lead_names: Mapping[str, str] | None,
    decimal: str | None,
) -> Layout:
    try:
        return find_layout(first_lines(text, LINES), leads, lead_names, decimal)
    except DataError:
        lines = first_lines(text, MORE_LINES)
        if len(lines) <= LINES:
            raise
        return find_layout(lines, leads, lead_names, decimal)


def _strip_below(text: bytes, columns: Columns) -> tuple[bytes, bool]:
    """Samples without what is below them, and whether there was anything but empty lines."""
    if b"'" in text:  # around cells, or between thousands
        text = text.replace(b"'", b"")
    if b"\n#" in text:
        text = re.sub(rb"(?m)^#(?!N/A).*\n", b"", text)
    above = split_line(text[: text.index(b"\n")].decode("utf-8", "ignore"), columns.separator)[0]
    end, below = len(text), False
    for _ in range(_MOST_BELOW):
        start = text.rfind(b"\n", 0, end - 1) + 1
        if start == 0:
            break
        cells = split_line(text[start:end].decode("utf-8", "ignore").strip("\n"), columns.separator)
        samples = [cells[column] for column in columns.wanted if column < len(cells)]
        words = any(cells)
        short = 2 * len(cells) <= columns.width
        # Mean;0.1;0.2 below times of samples, or Samples;300
        named = cells[0][:1].isalpha() and not above[:1].isalpha()
        named = named and (short or columns.width == 1 or 0 not in columns.wanted)
        if words and not named and not (short and not any(map(is_number, samples))):
            break
        end, below = start, below or words
    return text[:end], below


def _cut(text: bytes, rate: float, span: Span | None) -> tuple[bytes, int, int | None]:
    """The wanted lines, the number of the first of them and of all; ``None`` where all are."""
    # where a line may be no sample, all are read, and cut then
    if span is None or b'"' in text or re.search(rb"\n *\n", text):
        return text, 0, None
    total = text.count(b"\n")
    start, stop = span_samples(span, rate, total)
    if (start, stop) == (0, total) or start == stop:
        return text, 0, None
    return cut_lines(text, start, stop), start, total


def _steps_in_mv(
    where: str, unit: str | None, leads: Sequence[str], units: Sequence[float | None]
) -> npt.NDArray[np.float32]:
    """How much of each lead's unit a millivolt is."""
    if unit is None:
        stated = [1 / one for one in units if one is not None]
        if len(stated) < len(leads):
            raise unknown_unit(where)
        return np.array(stated, np.float32)
    scale = UNITS_IN_MV[unit.lower()]
    for lead, one in zip(leads, units, strict=True):
        if one is not None and not math.isclose(one, scale):
            raise DataError(
                f"it says that lead {lead} is in units of {one:g} mV, and data.folder.unit is "
                f"{unit}. Correct the wrong one: without data.folder.unit, each file's own is used."
            )
    return np.array([1 / scale], np.float32)


def _say_left_out(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:40]) for name in names[:10])
    return f"columns that are none of the twelve leads are left out: {shown}" + (
        f" and {len(names) - 10} more" if len(names) > 10 else ""
    )
