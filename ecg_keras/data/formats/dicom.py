"""ECGs in DICOM waveform objects, by pydicom.

Source: DICOM PS3.3, A.34 (waveform objects) and C.10.9 (Waveform Module); the leads' codes: PS3.16,
context group 3001. https://www.dicomstandard.org/current
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.data.records import Signal, Span, cut_signal
from ecg_keras.data.wfdb_headers import UNITS_IN_MV
from ecg_keras.errors import DataError
from ecg_keras.signals import LEADS, find_lead

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
# the numbers that end the codes 2:1 (MDC) and 5.6.3-9-1 (SCP-ECG)
NUMBERS = dict(
    zip((1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8), LEADS, strict=True)  # I II III aVR aVL aVF V1-6
)
CODES = {
    **{("MDC", f"2:{number}"): lead for number, lead in NUMBERS.items()},
    **{("SCPECG", f"5.6.3-9-{number}"): lead for number, lead in NUMBERS.items()},
}

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
        The wanted part of the recording as it was taken: of the groups of channels that are no
        averaged beats, the first with the most leads. Its padding is NaN.

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
            return cut_signal(_extract(dataset, lead_names), span)
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
    if content[MARK_AT : MARK_AT + len(MARK)] != MARK:
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
            return pydicom.dcmread(BytesIO(content), specific_tags=wanted)
    except Exception as error:  # as above
        raise DataError(f"{path}: no DICOM file that can be read: {error!r:.200}.") from error


def _extract(dataset: Any, lead_names: Mapping[str, str] | None) -> Signal:
    modality = str(dataset.get("Modality", "none"))
    groups = list(dataset.get("WaveformSequence") or [])
    if modality != "ECG" or not groups:
        kind = getattr(dataset.get("SOPClassUID"), "name", "of no class")
        raise DataError(
            f"no ECG with samples: modality {modality}, {kind}, {len(groups)} waveforms. Export "
            "the waveform, not an image or a report of it."
        )
    channels = [
        [_lead(one, lead_names) for one in group.ChannelDefinitionSequence] for group in groups
    ]
    taken = [number for number, group in enumerate(groups) if not _is_derived(group)]
    best = max(taken, key=lambda one: sum(map(bool, channels[one])), default=None)
    if best is None or not any(channels[best]):
        raise DataError(
            f"none of its {len(groups)} groups of channels is a recording with one of the leads "
            f"{', '.join(LEADS)}."
        )
    group, leads = groups[best], channels[best]
    rate = float(group.SamplingFrequency)
    if not 0 < rate < math.inf:
        raise DataError(f"the sampling frequency must be above 0 Hz. Received: {rate:g}.")
    big = str(dataset.file_meta.get("TransferSyntaxUID")) == BIG_ENDIAN
    digital = _samples(group, len(leads), ">" if big else "<")
    kept = [number for number, lead in enumerate(leads) if lead]
    values = np.empty((len(digital), len(kept)), dtype=np.float32)
    for column, number in enumerate(kept):
        scale, offset = _calibrate(group.ChannelDefinitionSequence[number], str(leads[number]))
        # divided, so that integer microvolts become what WFDB files of them do
        np.divide(digital[:, number], np.float32(1 / scale), out=values[:, column])
        values[:, column] += np.float32(offset)
    padding = group.get("WaveformPaddingValue")
    if padding is not None:
        values[digital[:, kept] == _padding(padding, digital.dtype)] = np.nan
    return Signal(values, rate, tuple(lead for lead in leads if lead))


def _is_derived(group: Any) -> bool:
    """Whether a group holds averaged beats, which are no recording."""
    derived = str(group.get("WaveformOriginality", "")) == "DERIVED"
    return derived or "MEDIAN" in str(group.get("MultiplexGroupLabel", "")).upper()


def _lead(channel: Any, lead_names: Mapping[str, str] | None) -> str | None:
    """The lead of a channel by its code, the code's meaning or the channel's label."""
    texts = []
    coded = None
    for source in channel.get("ChannelSourceSequence") or []:
        scheme, code = (str(source.get(key, "")) for key in ("CodingSchemeDesignator", "CodeValue"))
        coded = CODES.get((scheme.strip(), code.strip()), coded)
        texts.append(str(source.get("CodeMeaning", "")))
    texts.append(str(channel.get("ChannelLabel", "")))
    # Lead I (Einthoven)
    plain = (text.partition("(")[0] for text in texts)
    named = next((lead for text in plain if (lead := find_lead(text, lead_names))), None)
    if coded and named and coded != named:
        raise DataError(f"a channel has the code of lead {coded} and the name of lead {named}.")
    return coded or named


def _samples(group: Any, channels: int, order: str) -> npt.NDArray[Any]:
    """The stored samples ``(num_samples, channels)``, once the bytes are there."""
    coding = str(group.WaveformSampleInterpretation)
    bits, samples = int(group.WaveformBitsAllocated), int(group.NumberOfWaveformSamples)
    kind = SAMPLES.get(coding)
    if kind is None or bits != 8 * int(kind[1]):
        raise DataError(
            f"samples of {bits} bits coded as {coding}. Allowed: {', '.join(SAMPLES)} with their "
            "own numbers of bits."
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
            f"channels with {samples} samples. Download the file again, or export it anew."
        )
    stored = np.frombuffer(data, dtype=f"{order}{kind}", count=samples * channels)
    return stored.reshape(samples, channels)


def _calibrate(channel: Any, lead: str) -> tuple[float, float]:
    """Millivolts for each step, and at a stored zero (PS3.3, C.10.9.1.4)."""
    if "ChannelSensitivity" not in channel or not channel.get("ChannelSensitivityUnitsSequence"):
        raise DataError(f"lead {lead} has no sensitivity: its size is unknown.")
    unit = channel.ChannelSensitivityUnitsSequence[0]
    name = str(unit.get("CodeValue", "")).strip()
    if name.lower() not in UNITS_IN_MV:
        raise DataError(f"lead {lead} is in {name!r}. Allowed: V, mV, uV.")
    correction = channel.get("ChannelSensitivityCorrectionFactor")
    unit_in_mv = UNITS_IN_MV[name.lower()]
    sensitivity = float(channel.ChannelSensitivity) * float(1 if correction is None else correction)
    step, offset = sensitivity * unit_in_mv, float(channel.get("ChannelBaseline") or 0) * unit_in_mv
    if not (TINIEST_STEP < abs(step) < GREATEST_STEP and abs(offset) < GREATEST_STEP):
        raise DataError(
            f"lead {lead} has no valid calibration: {step:g} mV for each step, {offset:g} mV at 0."
        )
    return step, offset


def _padding(value: Any, kind: np.dtype[Any]) -> Any:
    """The stored sample that means none: bytes in the samples' own coding, or a number."""
    if isinstance(value, bytes):
        return np.frombuffer(value[: kind.itemsize], dtype=kind)[0]
    return value
