"""ECGs in DICOM waveform objects, by pydicom.

Source: DICOM PS3.3, A.34 (waveform objects) and C.10.9 (Waveform Module).
https://www.dicomstandard.org/current
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.errors import DataError
from ecg_keras.formats.dicom_groups import Group, choose_groups, read_group
from ecg_keras.formats.voltages import ALLOWED, unit_in_mv
from ecg_keras.records import Signal, Span, span_samples

LARGEST = 64_000_000
MARK, MARK_AT = b"DICM", 128
# a compressed file could be unpacked to a thousand times its size
DEFLATED = b"1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
# millivolts that a step may be, and that its zero may lie off
TINIEST_STEP, GREATEST_STEP = 1e-9, 1e6
# an item of a sequence; one costs a hundred times its own bytes
ITEM, MOST_ITEMS = b"\xfe\xff\x00\xe0", 20_000
# bytes and kind of a sample by WaveformSampleInterpretation
SAMPLES = {"SB": "i1", "UB": "u1", "SS": "i2", "US": "u2", "SL": "i4", "UL": "u4"}
# the first tags of an object that was stored without the preamble: of group 0002 or 0008
BARE = (b"\x02\x00\x00\x00", b"\x08\x00\x00\x00", b"\x08\x00\x05\x00", b"\x08\x00\x16\x00")
# share of a limb lead's variance that may be another than Einthoven's and Goldberger's identities
MOST_AMISS = 0.25

Floats = npt.NDArray[np.float32]


def has_dicom_mark(path: Path) -> bool:
    """Whether a file without an ending is DICOM."""
    with path.open("rb") as stream:
        return stream.read(MARK_AT + len(MARK))[MARK_AT:] == MARK


def read_dicom(
    path: Path | str,
    *,
    lead_names: Mapping[str, str] | None = None,
    span: Span | None = None,
) -> Signal:
    """Reads the ECG of a DICOM waveform object in millivolts.

    Args:
        path: of the file, at most 64 MB.
        lead_names: the user's own spellings of leads, each with the lead that it means.
        span: the seconds that are wanted; ``None`` wants the whole recording.

    Returns:
        The wanted part of the recording, of all groups of channels that together are it
        (`choose_groups`). Its padding is NaN.

    Raises:
        DataError: the file is missing, no DICOM, compressed, no ECG, or truncated; a channel has no
            known calibration, or is named as two leads.
    """
    path = Path(path)
    dataset = _read(path)
    try:
        with warnings.catch_warnings():
            # values that break DICOM's rules in ways that don't matter here
            warnings.simplefilter("ignore")
            return _extract(dataset, lead_names, span)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    except Exception as error:  # a damaged file makes pydicom raise whatever its parser meets
        raise DataError(f"{path}: no DICOM waveform that can be read: {error!r:.200}.") from error


def _read(path: Path) -> Any:
    """The parsed file, read as a whole so that no length in it is believed."""
    import pydicom

    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}. Check that the export is complete.") from error
    if content[MARK_AT : MARK_AT + len(MARK)] != MARK and content[:4] not in BARE:
        raise DataError(f"{path}: no DICOM file: the mark DICM is missing. Export the file again.")
    if len(content) > LARGEST or content.count(ITEM) > MOST_ITEMS:
        raise DataError(
            f"{path}: larger than {LARGEST:,} bytes, or more than {MOST_ITEMS:,} items. Export a "
            "shorter recording, or another format."
        )
    if DEFLATED in content:
        raise DataError(
            f"{path}: compressed (deflated), which is not read. Export it with the transfer syntax "
            "Explicit VR Little Endian."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted = ["SOPClassUID", "Modality", "WaveformSequence"]
            return pydicom.dcmread(BytesIO(content), specific_tags=wanted, force=True)
    except Exception as error:  # as above
        raise DataError(f"{path}: no DICOM file that can be read: {error!r:.200}.") from error


def _extract(dataset: Any, lead_names: Mapping[str, str] | None, span: Span | None) -> Signal:
    modality = _short(dataset.get("Modality", "none"))
    items = list(dataset.get("WaveformSequence") or [])
    if modality != "ECG" or not items:
        kind = getattr(dataset.get("SOPClassUID"), "name", "of no class")
        raise DataError(
            f"no ECG with samples: modality {modality}, {kind}, {len(items)} waveforms. Export "
            "the waveform, not an image or a report of it."
        )
    chosen = choose_groups([read_group(item, lead_names) for item in items])
    _check_skew(chosen)
    start, stop = span_samples(span, chosen[0].rate, chosen[0].samples)
    order = ">" if str(dataset.file_meta.get("TransferSyntaxUID")) == BIG_ENDIAN else "<"
    parts = [_convert(group, order, slice(start, stop)) for group in chosen]
    values = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    leads = tuple(lead for group in chosen for lead in group.names)
    if len(parts) > 1:
        _check_time(values, leads)
    whole = stop - start == chosen[0].samples
    return Signal(values, chosen[0].rate, leads, start, None if whole else chosen[0].samples)


def _convert(group: Group, order: str, kept: slice) -> Floats:
    """The leads of a group in millivolts; only the samples that are kept are converted."""
    item = group.item
    digital = _samples(item, len(group.leads), order)[kept]
    columns = [number for number, lead in enumerate(group.leads) if lead]
    values = np.empty((len(digital), len(columns)), dtype=np.float32)
    for column, number in enumerate(columns):
        scale, offset = _calibrate(group.channels[number], str(group.leads[number]))
        # divided, so that integer microvolts become what WFDB files of them do
        np.divide(digital[:, number], np.float32(1 / scale), out=values[:, column])
        values[:, column] += np.float32(offset)
    padding = item.get("WaveformPaddingValue")
    if padding is not None:
        values[digital[:, columns] == _padding(padding, digital.dtype)] = np.nan
    return values


def _check_skew(groups: Sequence[Group]) -> None:
    """Refuses leads that were sampled a sample or more after others."""
    skews = {}
    for group in groups:
        for lead, channel in zip(group.leads, group.channels, strict=True):
            samples = float(channel.get("ChannelSampleSkew") or 0)
            if lead:
                seconds = float(channel.get("ChannelTimeSkew") or 0)
                skews[lead] = samples or seconds * group.rate
    late = max(skews, key=lambda lead: skews[lead])
    if not skews[late] - min(skews.values()) < 1:
        raise DataError(
            f"lead {late} begins {skews[late] - min(skews.values()):g} samples later than others "
            "(its channel's skew), which is not read. Export a recording of all leads at once."
        )


def _check_time(values: Floats, leads: tuple[str, ...]) -> None:
    """Refuses limb leads of several groups that can't have been taken at one time.

    Some devices store what a paper shows, three leads after three others, without their times.
    """
    lead = dict(zip(leads, values.T, strict=True))
    if not {"I", "II"} <= lead.keys():
        return
    one, two = lead["I"], lead["II"]
    sums = {"III": two - one, "aVR": -(one + two) / 2, "aVL": one - two / 2, "aVF": two - one / 2}
    for name, expected in sums.items():
        if name in lead:
            most = MOST_AMISS * max(np.nanvar(expected), np.nanvar(lead[name]))
            if np.nanvar(lead[name] - expected) > most:
                raise DataError(
                    f"its groups of leads were taken one after another: lead {name} is not what "
                    "leads I and II of the same time make. Export a recording of all leads at once."
                )


def _samples(group: Any, channels: int, order: str) -> npt.NDArray[Any]:
    """The stored samples ``(num_samples, channels)``, once the bytes are there."""
    coding = str(group.WaveformSampleInterpretation)
    bits, samples = int(group.WaveformBitsAllocated), int(group.NumberOfWaveformSamples)
    kind = SAMPLES.get(coding)
    if kind is None or bits != 8 * int(kind[1]):
        raise DataError(
            f"samples of {bits} bits coded as {_short(coding)}. Allowed: {', '.join(SAMPLES)} with "
            "their own numbers of bits."
        )
    if int(group.NumberOfWaveformChannels) != channels or samples < 1:
        raise DataError(
            f"a group of {group.NumberOfWaveformChannels} channels with {samples} samples "
            f"describes {channels} channels."
        )
    data = group.WaveformData
    size = samples * channels * int(kind[1])
    if len(data) < size:
        raise DataError(
            f"truncated: its {len(data)} bytes of samples are fewer than the {size} of {channels} "
            f"channels with {samples} samples. Download the file again, or export it again."
        )
    stored = np.frombuffer(data, dtype=f"{order}{kind}", count=samples * channels)
    return stored.reshape(samples, channels)


def _calibrate(channel: Any, lead: str) -> tuple[float, float]:
    """Millivolts for each step, and at a stored zero (PS3.3, C.10.9.1.4)."""
    if "ChannelSensitivity" not in channel or not channel.get("ChannelSensitivityUnitsSequence"):
        raise DataError(
            f"lead {lead} has no sensitivity: its size is unknown. Export it with its calibration."
        )
    unit = channel.ChannelSensitivityUnitsSequence[0]
    name = str(unit.get("CodeValue", "")).strip() or str(unit.get("CodeMeaning", ""))
    size = unit_in_mv(name)
    if size is None:
        raise DataError(f"lead {lead} is in {_short(name)!r}. Allowed: {ALLOWED}.")
    correction = channel.get("ChannelSensitivityCorrectionFactor")
    sensitivity = float(channel.ChannelSensitivity) * float(1 if correction is None else correction)
    step, offset = sensitivity * size, float(channel.get("ChannelBaseline") or 0) * size
    if not (TINIEST_STEP < abs(step) < GREATEST_STEP and abs(offset) < GREATEST_STEP):
        raise DataError(
            f"lead {lead} has no valid calibration: {step:g} mV for each step, {offset:g} mV at 0."
        )
    return step, offset


def _short(value: Any) -> str:
    """A value for a message; in a damaged file it may hold all that comes behind it."""
    return "".join(x if x.isprintable() else "?" for x in str(value)[:16])


def _padding(value: Any, kind: np.dtype[Any]) -> Any:
    """The stored sample that means none: bytes in the samples' own coding, or a number."""
    if isinstance(value, bytes):
        return np.frombuffer(value[: kind.itemsize], dtype=kind)[0]
    return value
