"""DICOM waveform objects written by pydicom, and damaged."""

import copy

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian
from small_folder import (
    RATE,
    as_stored,
    coded,
    dicom_channel,
    dicom_dataset,
    dicom_group,
    save_dicom,
    write_dicom,
)
from small_signals import microvolts

from ecg_keras.data.formats import dicom
from ecg_keras.data.formats.dicom import read_dicom
from ecg_keras.errors import DataError
from ecg_keras.signals import LEADS

VALUES = microvolts(5, RATE)


def read(tmp_path, *groups, **changes):
    """What is read of an object with these groups; ``changes`` are of the object."""
    dataset = dicom_dataset(groups)
    for name, value in changes.items():
        setattr(dataset, name, value)
    save_dicom(tmp_path / "d.dcm", dataset)
    return read_dicom(tmp_path / "d.dcm")


def recording(**changes):
    """The group of a 12-lead recording."""
    group = dicom_group(VALUES, [dicom_channel(number) for number in range(12)])
    for name, value in changes.items():
        setattr(group, name, value)
    return group


@pytest.mark.parametrize("scheme", ["SCPECG", "MDC", "another"])
def test_leads_are_known_by_code_or_meaning(tmp_path, scheme):
    write_dicom(tmp_path / "d.dcm", VALUES, scheme=scheme)
    signal = read_dicom(tmp_path / "d.dcm")
    assert signal.leads == LEADS and signal.sampling_rate == RATE
    assert signal.values.dtype == np.float32
    assert np.allclose(signal.values, as_stored(VALUES), atol=1e-6)


def test_leads_are_known_by_code_alone_and_by_label_alone(tmp_path):
    group = recording()
    for number, channel in enumerate(group.ChannelDefinitionSequence):
        if number % 2:
            channel.ChannelSourceSequence[0].CodeMeaning = "electrode"
        else:
            del channel.ChannelSourceSequence
            channel.ChannelLabel = f"Lead {LEADS[number]}"
    assert read(tmp_path, group).leads == LEADS


def test_a_channel_with_the_code_of_one_lead_and_the_name_of_another_is_refused(tmp_path):
    group = recording()
    group.ChannelDefinitionSequence[0].ChannelSourceSequence[0].CodeMeaning = "Lead II"
    with pytest.raises(DataError, match=r"d\.dcm: .*code of lead I and the name of lead II"):
        read(tmp_path, group)


@pytest.mark.parametrize(
    ("unit", "sensitivity", "correction", "baseline", "scale", "offset"),
    [
        ("uV", 4.88, 1.0, 0.0, 0.00488, 0.0),
        ("mV", 0.005, 2.0, -1.5, 0.01, -1.5),
        ("V", 1e-6, 1.0, 0.001, 0.001, 1.0),
    ],
)
def test_stored_samples_become_millivolts(
    tmp_path, unit, sensitivity, correction, baseline, scale, offset
):
    channel = dicom_channel(0, unit=unit, sensitivity=sensitivity, baseline=baseline)
    channel.ChannelSensitivityCorrectionFactor = correction
    signal = read(tmp_path, dicom_group(VALUES[:, :1], [channel]))
    assert np.allclose(signal.values, VALUES[:, :1] * scale + offset, rtol=1e-6, atol=1e-6)


def test_the_recording_is_read_not_the_average_beat(tmp_path):
    channels = [dicom_channel(number) for number in range(12)]
    derived = dicom_group(VALUES[:100], channels, originality="DERIVED")
    median = dicom_group(VALUES[:100], channels, label="Median Beat")
    few = dicom_group(VALUES[:50, :3], channels[:3])
    signal = read(tmp_path, derived, median, few, recording())
    assert signal.leads == LEADS and len(signal.values) == len(VALUES)
    with pytest.raises(DataError, match=r"none of its 2 groups of channels is a recording"):
        read(tmp_path, derived, median)


def test_channels_that_are_no_leads_are_left_out(tmp_path):
    extra = dicom_channel(0)
    extra.ChannelSourceSequence[0] = coded("5.6.3-9-14", "SCPECG", "Lead X")
    del extra.ChannelSensitivity
    group = dicom_group(VALUES[:, [0, 0, 1]], [dicom_channel(0), extra, dicom_channel(1)])
    signal = read(tmp_path, group)
    assert signal.leads == ("I", "II")
    assert np.allclose(signal.values, as_stored(VALUES[:, :2]), atol=1e-6)


def test_padding_is_missing(tmp_path):
    values = VALUES.copy()
    values[:3, 2] = -32768
    group = dicom_group(values, [dicom_channel(number) for number in range(12)])
    group.add_new("WaveformPaddingValue", "OW", np.int16(-32768).tobytes())
    signal = read(tmp_path, group)
    assert np.argwhere(np.isnan(signal.values)).tolist() == [[0, 2], [1, 2], [2, 2]]


@pytest.mark.parametrize(
    ("coding", "kind", "bits"),
    [("SB", "i1", 8), ("UB", "u1", 8), ("US", "<u2", 16), ("SL", "<i4", 32)],
)
def test_other_codings_of_samples(tmp_path, coding, kind, bits):
    stored = (VALUES[:, :2] % 100).astype(kind)
    group = dicom_group(VALUES[:, :2], [dicom_channel(0), dicom_channel(1)])
    group.WaveformSampleInterpretation, group.WaveformBitsAllocated = coding, bits
    group["WaveformData"].VR = "OB" if bits == 8 else "OW"
    group.WaveformData = stored.tobytes()
    assert np.allclose(read(tmp_path, group).values, as_stored(stored), atol=1e-6)


def test_transfer_syntaxes(tmp_path):
    dataset = dicom_dataset([recording()])
    for syntax in (ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian):
        one = copy.deepcopy(dataset)
        one.file_meta.TransferSyntaxUID = syntax
        if syntax == ExplicitVRBigEndian:
            one.WaveformSequence[0].WaveformData = VALUES.astype(">i2").tobytes()
        save_dicom(tmp_path / "d.dcm", one)
        if syntax == DeflatedExplicitVRLittleEndian:
            with pytest.raises(DataError, match=r"d\.dcm: compressed \(deflated\).*Explicit VR"):
                read_dicom(tmp_path / "d.dcm")
        else:
            signal = read_dicom(tmp_path / "d.dcm")
            assert np.allclose(signal.values, as_stored(VALUES), atol=1e-6)


def test_what_is_no_ecg_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"d\.dcm: no ECG with samples: modality CT"):
        read(tmp_path, recording(), Modality="CT")
    with pytest.raises(DataError, match=r"modality ECG, .*, 0 waveforms.*not an image or a report"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"NumberOfWaveformSamples": 4_000_000_000}, "truncated: its 12000 bytes of samples"),
        ({"NumberOfWaveformSamples": 0}, "a group of 12 channels with 0 samples"),
        ({"NumberOfWaveformChannels": 3}, "a group of 3 channels .* describes 12 channels"),
        ({"WaveformBitsAllocated": 8}, "samples of 8 bits coded as SS"),
        ({"WaveformSampleInterpretation": "MB"}, "samples of 16 bits coded as MB"),
        ({"SamplingFrequency": 0}, "sampling frequency must be above 0 Hz"),
    ],
)
def test_a_lying_group_is_refused(tmp_path, changes, message):
    with pytest.raises(DataError, match=rf"d\.dcm: .*{message}"):
        read(tmp_path, recording(**changes))


def test_a_lead_without_calibration_is_refused(tmp_path):
    group = recording()
    channel = group.ChannelDefinitionSequence[1]
    channel.ChannelSensitivity = 0.0
    with pytest.raises(DataError, match="lead II has no valid calibration: 0 mV for each step"):
        read(tmp_path, group)
    channel.ChannelSensitivityUnitsSequence[0].CodeValue = "mm[Hg]"
    with pytest.raises(DataError, match=r"lead II is in 'mm\[Hg\]'\. Allowed: V, mV, uV"):
        read(tmp_path, group)
    del channel.ChannelSensitivity
    with pytest.raises(DataError, match="lead II has no sensitivity: its size is unknown"):
        read(tmp_path, group)


def test_damaged_files_are_named(tmp_path, monkeypatch):
    write_dicom(tmp_path / "d.dcm", VALUES)
    content = (tmp_path / "d.dcm").read_bytes()
    for kept in (0, 100, 140, 200, 400, 2000, 6000):
        (tmp_path / "cut.dcm").write_bytes(content[:kept])
        with pytest.raises(DataError, match=r"cut\.dcm: "):
            read_dicom(tmp_path / "cut.dcm")
    with pytest.raises(DataError, match=r"gone\.dcm: No such file"):
        read_dicom(tmp_path / "gone.dcm")
    monkeypatch.setattr(dicom, "LARGEST", 1000)
    with pytest.raises(DataError, match=r"d\.dcm: larger than 1,000 bytes"):
        read_dicom(tmp_path / "d.dcm")


def test_endless_items_are_refused_before_they_are_parsed(tmp_path):
    (tmp_path / "d.dcm").write_bytes(b"\0" * 128 + b"DICM" + (dicom.ITEM + b"\0" * 4) * 30_000)
    with pytest.raises(DataError, match="more than 20,000 items"):
        read_dicom(tmp_path / "d.dcm")
