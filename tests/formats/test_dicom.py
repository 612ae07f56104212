"""DICOM waveform objects written by pydicom, and damaged."""

import copy
import itertools
import warnings
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from pydicom import dcmwrite
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

from ecg_keras.errors import DataError
from ecg_keras.formats import dicom
from ecg_keras.formats.dicom import read_dicom
from ecg_keras.records import cut_signal
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


@pytest.mark.parametrize(("key", "value"), [("ChannelSampleSkew", "2"), ("ChannelTimeSkew", 0.02)])
def test_a_lead_that_was_sampled_later_than_others_is_refused(tmp_path, key, value):
    group = recording()
    setattr(group.ChannelDefinitionSequence[2], key, value)
    with pytest.raises(DataError, match=r"d\.dcm: lead III begins \d+ samples later than others"):
        read(tmp_path, group)
    for channel in group.ChannelDefinitionSequence:  # of all leads it makes no difference
        setattr(channel, key, value)
    assert read(tmp_path, group).leads == LEADS


@pytest.mark.parametrize("value", ["0", "0.5", ""])
def test_less_than_a_sample_is_no_skew(tmp_path, value):
    group = recording()
    group.ChannelDefinitionSequence[2].ChannelSampleSkew = value
    assert read(tmp_path, group).leads == LEADS


def test_names_that_are_no_leads_are_shown(tmp_path):
    group = recording()
    for number, channel in enumerate(group.ChannelDefinitionSequence):
        channel.ChannelSourceSequence[0] = coded(str(number), "99X", f"Elektrode {number}")
    with pytest.raises(DataError, match=r"Received: Elektrode 0, Elektrode 1, .*lead_names\."):
        read(tmp_path, group)


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
    channel.ChannelSensitivity = None
    with pytest.raises(DataError, match="lead II has no sensitivity: its size is unknown"):
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


@pytest.mark.parametrize("item", [dicom.ITEM, dicom.BIG_ENDIAN_ITEM])
def test_endless_items_are_refused_before_they_are_parsed(tmp_path, item):
    (tmp_path / "d.dcm").write_bytes(b"\0" * 128 + b"DICM" + (item + b"\0" * 4) * 30_000)
    with pytest.raises(DataError, match="more than 20,000 items"):
        read_dicom(tmp_path / "d.dcm")


LONG = microvolts(5, 4 * RATE)
CHANNELS = [dicom_channel(number) for number in range(12)]


def part(first, last, *, stored=LONG, offset=None, **changes):
    """A group of some of the leads."""
    group = dicom_group(stored[:, first:last], CHANNELS[first:last], **changes)
    if offset is not None:
        group.MultiplexGroupTimeOffset = offset
    return group


def is_whole(signal, stored=LONG):
    return signal.leads == LEADS and np.allclose(signal.values, as_stored(stored), atol=1e-6)


@pytest.mark.parametrize("edges", [(0, 6, 12), range(13), (0, 3, 6, 9, 12), (0, 2, 12)])
@pytest.mark.parametrize("offset", [None, 0, 250])
def test_leads_spread_over_groups_of_one_time_are_joined(tmp_path, edges, offset):
    groups = [part(*pair, offset=offset) for pair in itertools.pairwise(edges)]
    assert is_whole(read(tmp_path, *groups))
    beat = dicom_group(LONG[:600], CHANNELS, label="Representative")
    assert is_whole(read(tmp_path, beat, *groups[:1], beat, *groups[1:]))


def test_leads_taken_one_after_another_are_not_joined(tmp_path):
    quarters = [LONG[RATE * quarter : RATE * (quarter + 1)] for quarter in range(4)]
    quarters[1] = np.roll(quarters[1], 200, axis=0)
    timed = [
        part(3 * one, 3 * one + 3, stored=quarter, offset=1000 * one)
        for one, quarter in enumerate(quarters)
    ]
    assert read(tmp_path, *timed).leads == LEADS[:3]
    for group in timed:
        del group.MultiplexGroupTimeOffset
    message = r"d\.dcm: its groups of leads were taken one after another: lead aVR is not what"
    with pytest.raises(DataError, match=message):
        read(tmp_path, *timed)


def test_groups_of_other_rates_and_lengths_are_not_joined(tmp_path):
    limb = part(0, 6)
    assert read(tmp_path, limb, part(6, 12, rate=250)).leads == LEADS[:6]
    assert read(tmp_path, limb, part(6, 12, stored=LONG[:-1])).leads == LEADS[:6]
    strip = dicom_group(np.tile(LONG[:, 1:2], (3, 1)), CHANNELS[1:2])
    assert is_whole(read(tmp_path, strip, part(0, 12)))


def test_the_longest_original_recording_wins(tmp_path):
    short = part(0, 12, stored=LONG[: 3 * RATE])
    derived = part(0, 12, stored=np.tile(LONG, (3, 1)), originality="DERIVED")
    assert is_whole(read(tmp_path, short, derived, part(0, 12)))
    # a beat that nothing calls one, with all leads, before a recording of eight
    beat = part(0, 12, stored=LONG[:600], label="1")
    eight = dicom_group(
        LONG[:, [0, 1, *range(6, 12)]], [CHANNELS[n] for n in (0, 1, *range(6, 12))]
    )
    signal = read(tmp_path, beat, eight)
    assert signal.leads == ("I", "II", *LEADS[6:]) and len(signal.values) == len(LONG)


def test_a_derived_recording_is_read_where_there_is_no_original(tmp_path):
    derived = part(0, 12, originality="DERIVED")
    assert is_whole(read(tmp_path, derived))
    assert is_whole(read(tmp_path, part(0, 12, originality="DERIVED", stored=LONG[:600]), derived))
    for label in ("MEDIAN BEAT", "Average", "QRS template"):
        with pytest.raises(DataError, match="Export the rhythm, not averaged beats alone"):
            read(tmp_path, part(0, 12, originality="DERIVED", label=label))


@pytest.mark.parametrize(
    ("code", "scheme", "meaning"),
    [
        ("2:62", "MDC", ""),
        ("5.6.3-9-62", "SCP-ECG", ""),
        ("2:62", "SCPECG", ""),
        ("5.6.3-9-62", "MDC", "Augmented lead"),
        ("MDC_ECG_LEAD_AVR", "MDC", "ECG lead"),
        ("9", "99LAB", "aVR, augmented voltage, right"),
        ("9", "99LAB", "Lead aVR (Goldberger)"),
        ("aVR", "99LAB", ""),
    ],
)
def test_names_of_leads(tmp_path, code, scheme, meaning):
    channel = dicom_channel(3)
    channel.ChannelSourceSequence[0] = coded(code, scheme, meaning)
    assert read(tmp_path, dicom_group(LONG[:, 3:4], [channel])).leads == ("aVR",)


def test_a_private_code_that_looks_like_a_standard_one_means_nothing(tmp_path):
    channel = dicom_channel(0)
    channel.ChannelSourceSequence[0] = coded("2:1", "99LAB", "Lead V6")
    assert read(tmp_path, dicom_group(LONG[:, :1], [channel])).leads == ("V6",)


def test_names_that_contradict_each_other_are_refused_or_explained(tmp_path):
    channel = dicom_channel(3)
    channel.ChannelSourceSequence[0] = coded("2:62", "MDC", "Lead aVL")
    message = (
        r"d\.dcm: .*code of lead aVR and the name of lead aVL, 'Lead aVL'.*data\.folder\.lead_names"
    )
    with pytest.raises(DataError, match=message):
        read(tmp_path, dicom_group(LONG[:, :1], [channel]))
    signal = read_dicom(tmp_path / "d.dcm", lead_names={"Lead aVL": "aVR"})
    assert signal.leads == ("aVR",)
    channel.ChannelSourceSequence[0] = coded("1", "99LAB", "Lead I")
    channel.ChannelLabel = "II"
    with pytest.raises(DataError, match="the name of lead I and the name of lead II"):
        read(tmp_path, dicom_group(LONG[:, :1], [channel]))


def test_a_lead_that_is_there_twice_in_a_group_is_refused(tmp_path):
    group = dicom_group(LONG[:, [0, 0]], [CHANNELS[0], CHANNELS[0]])
    with pytest.raises(DataError, match=r"d\.dcm: several channels are lead I\."):
        read(tmp_path, group)


def test_units_as_devices_spell_them(tmp_path):
    channel = dicom_channel(0, unit="nV", sensitivity=1000.0)
    signal = read(tmp_path, dicom_group(LONG[:, :1], [channel]))
    assert np.allclose(signal.values, as_stored(LONG[:, :1]), atol=1e-6)
    channel = dicom_channel(0)
    channel.ChannelSensitivityUnitsSequence[0] = coded("", "UCUM", "microvolt")
    signal = read(tmp_path, dicom_group(LONG[:, :1], [channel]))
    assert np.allclose(signal.values, as_stored(LONG[:, :1]), atol=1e-6)


@pytest.mark.parametrize("has_meta", [True, False])
def test_an_object_without_the_preamble_is_read(tmp_path, has_meta):
    dataset = dicom_dataset([part(0, 12)])
    save_dicom(tmp_path / "d.dcm", dataset)
    bare = (tmp_path / "d.dcm").read_bytes()[128 + 4 :]
    if not has_meta:
        buffer = BytesIO()
        del dataset.file_meta
        dcmwrite(buffer, dataset, implicit_vr=True, little_endian=True)
        bare = buffer.getvalue()
    (tmp_path / "bare.dcm").write_bytes(bare)
    assert is_whole(read_dicom(tmp_path / "bare.dcm"))


@settings(max_examples=30, deadline=None)
@given(begin=st.floats(-1, 5), seconds=st.floats(0, 5))
def test_a_span_is_what_would_be_cut_from_the_whole(tmp_path_factory, begin, seconds):
    folder, span = tmp_path_factory.mktemp("dicom"), (begin, begin + seconds)
    whole = read(folder, part(0, 6), part(6, 12))
    wanted, cut = read_dicom(folder / "d.dcm", span=span), cut_signal(whole, span)
    assert np.array_equal(wanted.values, cut.values) and wanted.values.dtype == np.float32
    assert (wanted.start, wanted.total, wanted.leads) == (cut.start, cut.total, cut.leads)


def test_messages_of_damaged_files_are_short_and_steer_no_terminal(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's own, of what is written here
        group = recording(WaveformSampleInterpretation="MB\x1b[2J" + 99 * "x")
        with pytest.raises(DataError, match=r"coded as MB\?\[2Jx{10}\. Allowed"):
            read(tmp_path, group)
