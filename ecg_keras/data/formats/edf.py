"""ECGs in European Data Format (EDF and EDF+C), by edfio.

Source: Kemp et al. 1992, A simple format for exchange of digitized polygraphic recordings; Kemp
and Olivan 2003, European data format 'plus'. https://www.edfplus.info/specs/
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ecg_keras.data.records import Signal, Span, cut_signal
from ecg_keras.data.wfdb_files import MOST_VALUES
from ecg_keras.data.wfdb_headers import UNITS_IN_MV
from ecg_keras.errors import DataError
from ecg_keras.signals import LEADS, find_lead

HEADER = 256
# millivolts that a step may be, and that its zero may lie off
TINIEST_STEP, GREATEST_STEP = 1e-9, 1e6


def read_edf(
    path: Path | str,
    *,
    lead_names: Mapping[str, str] | None = None,
    span: Span | None = None,
) -> Signal:
    """Reads an EDF file in millivolts.

    Args:
        path: of the file.
        lead_names: the user's own spellings of leads, each with the lead that it means.
        span: the seconds that are wanted; ``None`` wants the whole recording.

    Returns:
        The wanted part of the recording at the rate of its leads. A signal is a lead by its label,
        such as ``ECG V1``, ``V1`` or ``MDC_ECG_LEAD_V1``; others, and annotations, are left out.

    Raises:
        DataError: the file is missing, no EDF, truncated, interrupted (EDF+D), has no lead, leads
            of several rates, or a lead in a unit that is no voltage.
    """
    path = Path(path)
    records = _check_header(path)
    # edfio maps the file's own bytes: nothing is allocated by what the header says
    import edfio

    try:
        with warnings.catch_warnings():
            # that the size is not as promised, which is checked here
            warnings.simplefilter("ignore")
            content = edfio.read_edf(path, lazy_load_data=True)
            held = content.num_data_records
    except Exception as error:  # a damaged file makes edfio raise whatever its parser meets
        raise DataError(f"{path}: no EDF file that can be read: {error!s:.200}.") from error
    if held != records:
        raise DataError(
            f"{path}: truncated or damaged: it holds {held} data records, and its header promises "
            f"{records}. Download the file again, or export it anew."
        )
    signals = [
        (lead, signal)
        for signal in content.signals
        if (lead := find_lead(signal.label, lead_names))
    ]
    if not signals:
        raise DataError(
            f"{path}: none of its signals is one of the leads {', '.join(LEADS)}. Received: "
            f"{', '.join(signal.label for signal in content.signals)[:200] or 'none'}."
        )
    rates = sorted({signal.sampling_frequency for _, signal in signals})
    if len(rates) > 1 or not 0 < rates[0] < math.inf:
        raise DataError(
            f"{path}: its leads must have one sampling rate above 0 Hz. Received: "
            f"{', '.join(f'{rate:g}' for rate in rates)} Hz."
        )
    samples = signals[0][1].samples_per_data_record * records
    if samples * len(signals) > MOST_VALUES:
        raise DataError(
            f"{path}: {samples} samples of {len(signals)} leads are more than the {MOST_VALUES} "
            "values of a recording that is read at once. Cut it in pieces."
        )
    columns = []
    for lead, signal in signals:
        gain, offset = _calibrate(path, lead, signal)
        columns.append(signal.digital.astype(np.float32) * gain + offset)
    leads = tuple(lead for lead, _ in signals)
    return cut_signal(Signal(np.stack(columns, axis=1), rates[0], leads), span)


def _check_header(path: Path) -> int:
    """The number of data records that the header promises, of a file that can be read."""
    try:
        with path.open("rb") as stream:
            header = stream.read(HEADER)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}. Check that the export is complete.") from error
    if len(header) < HEADER or header[:8] != b"0       ":
        raise DataError(f"{path}: no EDF file: it does not begin as one. Export the file again.")
    if header[192:197] == b"EDF+D":
        raise DataError(
            f"{path}: an interrupted recording (EDF+D), whose parts would be joined. Export its "
            "parts as files of their own."
        )
    try:
        size, records, signals = (
            int(header[low:high]) for low, high in ((184, 192), (236, 244), (252, 256))
        )
    except ValueError as error:
        raise DataError(f"{path}: no EDF file: {error}. Export the file again.") from error
    if signals < 1 or records < 1 or size != HEADER * (signals + 1):
        raise DataError(
            f"{path}: its header promises {records} data records of {signals} signals after {size} "
            "bytes, which no finished recording has. Export the file again."
        )
    return records


def _calibrate(path: Path, lead: str, signal: Any) -> tuple[np.float32, np.float32]:
    """Millivolts for each digital step, and at digital zero."""
    unit = UNITS_IN_MV.get(signal.physical_dimension.strip().lower())
    if unit is None:
        raise DataError(
            f"{path}: lead {lead} is in {signal.physical_dimension!r}. Allowed: V, mV, uV."
        )
    try:
        low, high = float(signal.physical_min), float(signal.physical_max)
        lowest, highest = int(signal.digital_min), int(signal.digital_max)
        gain = (high - low) / (highest - lowest)
    except (ValueError, ZeroDivisionError) as error:
        raise DataError(f"{path}: lead {lead} has no valid calibration: {error}.") from error
    step, offset = gain * unit, (low - lowest * gain) * unit
    if highest < lowest or not (
        TINIEST_STEP < abs(step) < GREATEST_STEP and abs(offset) < GREATEST_STEP
    ):
        raise DataError(
            f"{path}: lead {lead} has no valid calibration: {lowest} to {highest} would be {low:g} "
            f"to {high:g} {signal.physical_dimension}. Export the file again."
        )
    return np.float32(step), np.float32(offset)
