"""ECGs in DICOM waveform objects, by pydicom.

Source: DICOM PS3.3, A.34 (waveform objects) and C.10.9 (Waveform Module).
https://www.dicomstandard.org/current
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from ecg_keras.array_types import AnyArray, Float32Array
from ecg_keras.errors import DataError
from ecg_keras.formats.dicom_groups import ChannelGroup, choose_groups, printable, read_group
from ecg_keras.formats.plain_files import errors_name, read_at_most
from ecg_keras.formats.voltages import ALLOWED, is_calibration, unit_in_mv
from ecg_keras.records import Signal, Span, span_samples
from ecg_keras.signals import LEADS, LeadNames, derive_leads

LARGEST = 64_000_000
_MARK, _MARK_AT = b"DICM", 128
# a compressed file could be unpacked to a thousand times its size
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
# an item of a sequence, in both orders of bytes; one costs a hundred times its own bytes
ITEM, BIG_ENDIAN_ITEM, _MOST_ITEMS = b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00", 20_000
# bytes and kind of a sample by WaveformSampleInterpretation
_SAMPLES = {"SB": "i1", "UB": "u1", "SS": "i2", "US": "u2", "SL": "i4", "UL": "u4"}
# the first tags of an object that was stored without the preamble: of group 0002 or 0008
_BARE = (b"\x02\x00\x00\x00", b"\x08\x00\x00\x00", b"\x08\x00\x05\x00", b"\x08\x00\x16\x00")
# share of a limb lead's variance that may be another than Einthoven's and Goldberger's identities
_MOST_AMISS = 0.25


def has_dicom_mark(path: Path) -> bool:
    """Whether a file without an ending is DICOM."""
    with path.open("rb") as stream:
        return stream.read(_MARK_AT + len(_MARK))[_MARK_AT:] == _MARK


def read_dicom(path: Path, *, lead_names: LeadNames = None, span: Span | None = None) -> Signal:
    """Reads the ECG of a DICOM waveform object in millivolts, its padding as NaN.

    It is of all groups of channels that together are the recording (`choose_groups`)."""
    content = read_at_most(path, LARGEST)
    with errors_name(path), warnings.catch_warnings():
        # values that break DICOM's rules in ways that don't matter here
        warnings.simplefilter("ignore")
        try:
            return _extract(_parse(content), lead_names, span)
        except DataError:
            raise
        except Exception as error:  # a damaged file makes pydicom raise whatever its parser meets
            raise DataError(f"no DICOM waveform that can be read: {error!r:.200}.") from error


def _parse(content: bytes) -> Any:
    """The parsed file, read as a whole so that no length in it is believed."""
    import pydicom

    if content[_MARK_AT : _MARK_AT + len(_MARK)] != _MARK and content[:4] not in _BARE:
        raise DataError("no DICOM file: the mark DICM is missing. Export the file again.")
    items = content.count(ITEM) + content.count(BIG_ENDIAN_ITEM)
    if len(content) > LARGEST or items > _MOST_ITEMS:
        raise DataError(
            f"larger than {LARGEST:,} bytes, or more than {_MOST_ITEMS:,} items. Export a "
            "shorter recording, or another format."
        )
    if _DEFLATED in content:
        raise DataError(
            "compressed (deflated), which is not read. Export it with the transfer syntax "
            "Explicit VR Little Endian."
        )
    wanted = ["SOPClassUID", "Modality", "WaveformSequence"]
    return pydicom.dcmread(BytesIO(content), specific_tags=wanted, force=True)


def _extract(dataset: Any, lead_names: LeadNames, span: Span | None) -> Signal:
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
    order = ">" if str(dataset.file_meta.get("TransferSyntaxUID")) == _BIG_ENDIAN else "<"
    parts = [_convert(group, order, slice(start, stop)) for group in chosen]
    values = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    leads = tuple(lead for group in chosen for lead in group.names)
    if len(parts) > 1:
        _check_time(values, leads)
    return Signal(values, chosen[0].rate, leads, start, chosen[0].samples)


def _convert(group: ChannelGroup, order: str, kept: slice) -> Float32Array:
    """The leads of a group in millivolts; only the samples that are kept are converted."""
    digital = _samples(group.item, len(group.leads), order)[kept]
    columns = [number for number, lead in enumerate(group.leads) if lead]
    values = np.empty((len(digital), len(columns)), dtype=np.float32)
    for column, number in enumerate(columns):
        scale, offset = _calibrate(group.channels[number], str(group.leads[number]))
        # divided, so that integer microvolts become what WFDB files of them do
        np.divide(digital[:, number], np.float32(1 / scale), out=values[:, column])
        values[:, column] += np.float32(offset)
    padding = group.item.get("WaveformPaddingValue")
    if isinstance(padding, bytes):  # in the samples' own coding
        padding = np.frombuffer(padding[: digital.itemsize], dtype=digital.dtype)[0]
    if padding is not None:
        values[digital[:, columns] == padding] = np.nan
    return values


def _check_skew(groups: Sequence[ChannelGroup]) -> None:
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


def _check_time(values: Float32Array, leads: tuple[str, ...]) -> None:
    """Refuses limb leads of several groups that can't have been taken at one time.

    Some devices store what a paper shows, three leads after three others, without their times."""
    if not {"I", "II"} <= set(leads):
        return
    pair = values[:, [leads.index("I"), leads.index("II")]]
    limb, names = derive_leads(pair, ("I", "II"), LEADS)
    for name, expected in zip(names, limb.T, strict=True):
        if name in leads:
            found = values[:, leads.index(name)]
            most = _MOST_AMISS * max(np.nanvar(expected), np.nanvar(found))
            if np.nanvar(found - expected) > most:
                raise DataError(
                    f"its groups of leads were taken one after another: lead {name} is not what "
                    "leads I and II of the same time make. Export a recording of all leads at once."
                )


def _samples(item: Any, channels: int, order: str) -> AnyArray:
    """The stored samples ``(num_samples, channels)``, once the bytes are there."""
    coding = str(item.WaveformSampleInterpretation)
    bits, samples = int(item.WaveformBitsAllocated), int(item.NumberOfWaveformSamples)
    kind = _SAMPLES.get(coding)
    if kind is None or bits != 8 * int(kind[1]):
        raise DataError(
            f"samples of {bits} bits coded as {_short(coding)}. Allowed: {', '.join(_SAMPLES)} "
            "with their own numbers of bits."
        )
    if int(item.NumberOfWaveformChannels) != channels or samples < 1:
        raise DataError(
            f"a group of {item.NumberOfWaveformChannels} channels with {samples} samples "
            f"describes {channels} channels."
        )
    size = samples * channels * int(kind[1])
    if len(item.WaveformData) < size:
        raise DataError(
            f"truncated: its {len(item.WaveformData)} bytes of samples are fewer than the {size} "
            f"of {channels} channels with {samples} samples. Download the file again, or export "
            "it again."
        )
    stored = np.frombuffer(item.WaveformData, f"{order}{kind}", count=samples * channels)
    return stored.reshape(samples, channels)


def _calibrate(channel: Any, lead: str) -> tuple[float, float]:
    """Millivolts for each step, and at a stored zero (PS3.3, C.10.9.1.4)."""
    stated = channel.get("ChannelSensitivity")  # empty in some exports
    if stated is None or not channel.get("ChannelSensitivityUnitsSequence"):
        raise DataError(
            f"lead {lead} has no sensitivity: its size is unknown. Export it with its calibration."
        )
    unit = channel.ChannelSensitivityUnitsSequence[0]
    name = str(unit.get("CodeValue", "")).strip() or str(unit.get("CodeMeaning", ""))
    size = unit_in_mv(name)
    if size is None:
        raise DataError(f"lead {lead} is in {_short(name)!r}. Allowed: {ALLOWED}.")
    correction = channel.get("ChannelSensitivityCorrectionFactor")
    sensitivity = float(stated) * float(1 if correction is None else correction)
    step, offset = sensitivity * size, float(channel.get("ChannelBaseline") or 0) * size
    if not is_calibration(step, offset):
        raise DataError(
            f"lead {lead} has no valid calibration: {step:g} mV for each step, {offset:g} mV at 0."
        )
    return step, offset


def _short(value: Any) -> str:
    """A value for a message; in a damaged file it may hold all that comes behind it."""
    return printable(str(value)[:16])
