"""XML exports of three systems, written here, read by their root element, and damaged."""

import sys

import numpy as np
import pytest
from process_memory import noting_memory
from small_folder import as_stored
from small_scp import write_scp
from small_signals import RATE, microvolts
from small_xml import (
    EIGHT,
    aecg_series,
    muse_waveform,
    write_aecg,
    write_muse,
    write_sierra,
)

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.formats import find_recording, read_recording, xml_checks, xml_exports
from ecg_keras.formats.xml_exports import read_scp, read_xml
from ecg_keras.records import cut_signal
from ecg_keras.signals import LEADS

VALUES = microvolts(7, 2 * RATE)
OF_EIGHT = VALUES[:, [0, 1, *range(6, 12)]]
BEAT = OF_EIGHT[:600]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.xml"


def is_like(signal, stored, leads=LEADS, step=1.0):
    same = np.allclose(signal.values, stored * np.float32(step / 1000), atol=1e-5)
    return signal.leads == leads and signal.sampling_rate == RATE and same


def test_muse(path):
    rhythm, median = muse_waveform(OF_EIGHT, EIGHT), muse_waveform(BEAT, EIGHT, "Median")
    for waveforms in ((rhythm,), (median, rhythm), (rhythm, median)):
        write_muse(path, *waveforms)
        signal = read_xml(path)
        assert is_like(signal, OF_EIGHT, EIGHT, step=4.88) and signal.values.dtype == np.float32
    write_muse(path, muse_waveform(OF_EIGHT, EIGHT, per_bit="0.001", unit="MILLIVOLTS"))
    assert is_like(read_xml(path), OF_EIGHT, EIGHT)


@pytest.mark.parametrize("packed", [True, False])
def test_sierra(path, packed):
    write_sierra(path, VALUES, packed=packed)
    assert is_like(read_xml(path), VALUES, step=5)
    write_sierra(path, VALUES, packed=packed, step="1")
    assert is_like(read_xml(path), VALUES)


def test_sierra_with_noise_that_packs_badly(path):
    noise = np.random.default_rng(0).integers(-3000, 3000, size=VALUES.shape)
    write_sierra(path, noise, step="1")
    assert is_like(read_xml(path), noise)


def test_aecg(path):
    write_aecg(path, aecg_series(VALUES))
    assert is_like(read_xml(path), VALUES)
    beats = aecg_series(VALUES[:600], code="REPRESENTATIVE_BEAT")
    write_aecg(path, beats, aecg_series(VALUES, scale="0.0025", unit="mV"))
    assert is_like(read_xml(path), VALUES, step=2.5)
    write_aecg(path, aecg_series(VALUES, origin=-250))
    assert is_like(read_xml(path), VALUES - 250)


def test_the_clock_of_an_aecg_is_not_rounded(path):
    write_aecg(path, aecg_series(VALUES, step="0.00200012"))
    assert read_xml(path).sampling_rate == pytest.approx(499.97, abs=1e-3)


def test_xml_is_found_and_read_like_any_format(path):
    write_sierra(path, VALUES, step="1")
    for name in ("x", "x.xml"):
        assert find_recording(path.with_name(name)) == (path, "xml")
    assert is_like(read_recording(path, "xml"), VALUES)
    signal = read_recording(path, "xml", lead_names={"V1": "V2", "V2": "V1"})
    assert signal.leads[6:8] == ("V2", "V1")


@pytest.mark.parametrize("span", [(0.5, 1.5), (-1, 0.3), (1.99, 9), (0, 2), (5, 6)])
def test_a_part_is_what_would_be_cut_from_the_whole(path, span):
    write_muse(path, muse_waveform(OF_EIGHT, EIGHT))
    part, cut = read_xml(path, span=span), cut_signal(read_xml(path), span)
    assert np.array_equal(part.values, cut.values)
    assert (part.start, part.total) == (cut.start, cut.total)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"no ECG export: its root element is ''\. Allowed: RestingECG \(GE MUSE\)"),
        ("<html><RestingECG/></html>", "its root element is 'html'"),
        ("<!-- <RestingECG> --><p/>", "its root element is 'p'"),
        ("<?xml version='1.0'", "its root element is ''"),
        ("I,II\n1,2\n", "its root element is ''"),
        ("<RestingECG>", "no GE MUSE file that can be read: "),
        (
            "<RestingECG/>",
            "no GE MUSE file .*: CorruptedFileError: No rhythm waveform\\. Export it again",
        ),
        ("<restingecgdata/>", "no Philips Sierra file that can be read"),
        ("<x:AnnotatedECG xmlns:x='urn:hl7-org:v3'/>", "no HL7 aECG file that can be read"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><RestingECG>&b;</RestingECG>", "declares XML entities"),
        ("<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><AnnotatedECG/>", "entities"),
    ],
)
def test_what_is_none_of_the_formats_is_named(path, text, message):
    path.write_text(text)
    with pytest.raises(DataError, match=rf"x\.xml: .*{message}"):
        read_xml(path)


def test_entities_are_refused_in_wide_characters_too(path):
    path.write_text("<!DOCTYPE a [<!ENTITY b 'c'>]><restingecgdata/>", encoding="utf-16")
    with pytest.raises(DataError, match="declares XML entities"):
        read_xml(path)


def test_leads_without_calibration_are_named(path):
    write_muse(path, muse_waveform(OF_EIGHT, EIGHT, unit=""))
    with pytest.raises(DataError, match=r"x\.xml: lead I is in steps of 4\.88 ''\. Allowed: V, mV"):
        read_xml(path)
    write_sierra(path, VALUES, step="")
    with pytest.raises(DataError, match=r"lead I is in steps of 1 ''.*with its calibration"):
        read_xml(path)
    write_aecg(path, aecg_series(VALUES, unit="mm[Hg]"))
    with pytest.raises(DataError, match=r"x\.xml: .*lead I is in steps"):
        read_xml(path)


def test_several_recordings_and_leads_that_are_there_twice_are_refused(path):
    write_muse(path, *[muse_waveform(OF_EIGHT, EIGHT)] * 2)
    with pytest.raises(DataError, match=r"x\.xml: holds several recordings: .*Export one of them"):
        read_xml(path)
    write_aecg(path, *[aecg_series(VALUES)] * 2)
    with pytest.raises(DataError, match="holds several recordings"):
        read_xml(path)
    write_muse(path, muse_waveform(OF_EIGHT, ("I", "I", *EIGHT[2:])))
    with pytest.raises(DataError, match=r"x\.xml: several of its channels are lead I\."):
        read_xml(path)


def test_leads_of_several_lengths_and_no_leads_are_refused(path):
    short = muse_waveform(OF_EIGHT[:500, :1], ("I",))
    other = muse_waveform(OF_EIGHT[:, 1:2], ("II",)).partition("<LeadData>")[2]
    write_muse(path, short.replace("</Waveform>", f"<LeadData>{other}"))
    message = r"its leads must be of one rate and length\. Received: 500 samples at 500 Hz, 1000"
    with pytest.raises(DataError, match=message):
        read_xml(path)
    write_muse(path, muse_waveform(OF_EIGHT[:, :1], ("Z9",)))
    with pytest.raises(
        DataError, match=r"none of its channels is one of the leads .*Z9\. Where .*lead_names"
    ):
        read_xml(path)


def test_a_wrong_checksum_and_an_offset_of_a_muse_lead_are_remarked(path):
    waveform = muse_waveform(OF_EIGHT, EIGHT)
    for lead, field in (("V2", "<LeadDataCRC32>7</LeadDataCRC32>"),
                        ("I", "<FirstSampleBaseline>3</FirstSampleBaseline>")):  # fmt: skip
        waveform = waveform.replace(f"<LeadID>{lead}<", f"{field}<LeadID>{lead}<")
    write_muse(path, waveform, muse_waveform(BEAT, EIGHT, "Median"))
    assert read_xml(path).remarks == (
        "the checksum of lead V2 contradicts its samples, which may be damaged",
        "FirstSampleBaseline of the leads I is not 0, and is left out",
    )
    write_muse(path, muse_waveform(OF_EIGHT, EIGHT), waveform.replace("Rhythm", "Median"))
    assert read_xml(path).remarks == ()


@pytest.mark.parametrize(
    ("offsets", "together"),
    [
        (("0", "2500"), False),
        (("2500", "5000"), False),
        (("", "later"), False),
        (("0", "0.0"), True),
        (("", "0"), True),
        (("40", "40"), True),
    ],
)
def test_leads_of_a_muse_file_that_begin_at_several_times_are_refused(path, offsets, together):
    """By their offset of time, as of exports that print three leads after three others."""
    waveform, limb, chest = muse_waveform(OF_EIGHT, EIGHT), *offsets
    for lead in EIGHT:
        offset = f"<LeadTimeOffset>{chest if lead[0] == 'V' else limb}</LeadTimeOffset>"
        waveform = waveform.replace(f"<LeadID>{lead}<", f"{offset}<LeadID>{lead}<")
    write_muse(path, waveform)
    if together:
        assert is_like(read_xml(path), OF_EIGHT, EIGHT, step=4.88)
    else:
        with pytest.raises(DataError, match=r"x\.xml: its leads were recorded one after another\."):
            read_xml(path)


# codes of LZW: one byte, then codes that each stand for a byte more than the code before: 767 bytes
# a code; and a code that is used before its time, which then stands for as much as the one before
LONG = [0, *range(256, 1023), *[1022] * 6_000]
EARLY = [0, *range(256, 636), 1000, 0, 1000, 0, *[639] * 12_000]
WAVES = "<parsedwaveforms "


@pytest.mark.parametrize(
    ("codes", "change"),
    [
        (LONG, lambda text: text),
        (EARLY, lambda text: text),
        (LONG, lambda text: text.replace('"XLI"', '" xli"')),
        (LONG, lambda text: text.replace('"XLI">', '"XLI"><![CDATA[').replace("</pa", "]]></pa")),
        (LONG, lambda text: text.replace(WAVES, f"<!-- {WAVES}>QUJD</parsedwaveforms> -->{WAVES}")),
        (LONG, lambda text: text.replace(WAVES, f"{WAVES}>QUJD</parsedwaveforms>{WAVES}")),
        (
            LONG,
            lambda text: text.replace(' compressmethod="XLI"', "").replace(
                "<restingecgdata",
                f"<!DOCTYPE x [<!ATTLIST {WAVES[1:]} compressmethod CDATA 'XLI'>]><restingecgdata",
                1,
            ),
        ),
    ],
)
def test_what_would_unpack_to_gigabytes_is_refused_at_once(path, codes, change):
    bits = (np.array(codes)[:, None] >> np.arange(9, -1, -1)) & 1
    lead = np.packbits(bits.astype(np.uint8)).tobytes()
    write_sierra(path, VALUES, samples=len(lead).to_bytes(4, "little") + b"\0" * 4 + lead)
    path.write_text(change(path.read_text(encoding="utf-16")), encoding="utf-16")
    message = "would unpack to more than 4,000,000 bytes"
    with noting_memory() as taken, pytest.raises(DataError, match=message):
        read_xml(path)
    assert taken() < 50_000  # KiB


@pytest.mark.parametrize(
    ("now", "message"),
    [
        ("<numberchannelsallocated>101<", r"claims 101 channels, and no ECG has more than 100\."),
        ("<NumberChannelsValid>1e3</NumberChannelsValid>", "claims 1e3 channels"),
        ("<numberchannelsvalid>1<b/></numberchannelsvalid>", "elements inside its numberchannelsv"),
    ],
)
def test_channels_without_end_are_refused(path, now, message):
    write_sierra(path, VALUES)
    text = path.read_text(encoding="utf-16")
    allocated = "<numberchannelsallocated>"
    changed = text.replace(f"{allocated}12<", now if now.endswith("<") else f"{now}{allocated}12<")
    path.write_text(changed, encoding="utf-16")
    with pytest.raises(DataError, match=rf"x\.xml: {message}|x\.xml: there are {message}"):
        read_xml(path)


def test_a_philips_file_in_another_encoding_than_it_declares(path):
    write_sierra(path, VALUES, step="1")
    text = path.read_text(encoding="utf-16").replace("UTF-16", "UTF-8")
    text = text.replace("<documentinfo>", "<by>M\xfcller</by><documentinfo>")
    path.write_bytes(text.encode("latin-1"))
    assert is_like(read_xml(path), VALUES)
    write_sierra(path, VALUES, samples=b"\1")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"no Philips Sierra file that can be read: .*column"):
        read_xml(path)


def test_the_size_of_a_file_is_bounded(path, monkeypatch):
    for tags in ("<a/>" * 200_000, "<a b='' c=''/>" * 70_000):
        path.write_text(f"<RestingECG>{tags}</RestingECG>")
        with pytest.raises(DataError, match="or more than 200,000 tags and attributes"):
            read_xml(path)
    monkeypatch.setattr(xml_checks, "LARGEST", 1000)
    write_muse(path, muse_waveform(OF_EIGHT, EIGHT))
    with pytest.raises(DataError, match="larger than 1,000 bytes"):
        read_xml(path)
    with pytest.raises(DataError, match=r"gone\.xml: No such file"):
        read_xml(path.with_name("gone.xml"))


def test_without_the_package_one_line_says_what_to_install(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ecgdatakit", None)
    write_muse(path, muse_waveform(OF_EIGHT, EIGHT))
    message = r"x\.xml: XML and SCP-ECG files are .* pip install 'ecg_keras\[xml\]'\.$"
    with pytest.raises(ConfigError, match=message):
        read_xml(path)


def test_eight_stored_leads_keep_the_integers_of_the_file(path):
    write_muse(path, muse_waveform(OF_EIGHT, EIGHT, per_bit="1"))
    assert np.allclose(read_xml(path).values, as_stored(OF_EIGHT), atol=1e-7)


def test_a_sample_that_no_float_holds_is_infinite(path):
    write_aecg(path, aecg_series(VALUES).replace("<digits>", "<digits>1e300 ", 1))
    with pytest.raises(DataError, match="its leads must be of one rate and length"):
        read_xml(path)
    write_aecg(path, aecg_series(VALUES).replace("<digits>", "<digits>1e300 "))
    assert np.isinf(read_xml(path).values[0]).all()


@pytest.mark.parametrize("packed", [False, True])
def test_scp_ecg(tmp_path, packed):
    path = write_scp(tmp_path / "a.scp", VALUES, packed=packed)
    for name in ("a", "a.scp"):
        assert find_recording(tmp_path / name) == (path, "scp")
    signal = read_recording(path, "scp")
    assert is_like(signal, VALUES) and not signal.remarks and signal.values.dtype == np.float32
    write_scp(path, OF_EIGHT, EIGHT, nanovolts=4880, packed=packed)
    assert is_like(read_scp(path), OF_EIGHT, EIGHT, step=4.88)
    part, cut = read_scp(path, span=(0.5, 1.5)), cut_signal(read_scp(path), (0.5, 1.5))
    assert np.array_equal(part.values, cut.values) and part.total == cut.total
    renamed = read_scp(path, lead_names={"V1": "V2", "V2": "V1"})
    assert renamed.leads[2:4] == ("V2", "V1")


def test_a_wrong_checksum_of_scp_ecg_is_remarked(tmp_path):
    path = write_scp(tmp_path / "a.scp", VALUES, wrong=True)
    assert read_scp(path).remarks == ("a checksum contradicts what it is of, which may be damaged",)


def test_what_scp_ecg_can_not_mean_is_refused(tmp_path, monkeypatch):
    path = write_scp(tmp_path / "a.scp", VALUES[:, :2], ("I", "II"), starts=(1, 501))
    with pytest.raises(DataError, match=r"a\.scp: its leads were recorded one after another"):
        read_scp(path)
    write_scp(path, VALUES[:, :2], ("I", "I"))
    with pytest.raises(DataError, match=r"a\.scp: several of its channels are lead I"):
        read_scp(path)
    write_scp(path, VALUES, nanovolts=0)
    with pytest.raises(DataError, match=r"lead I is in steps of 1 ''"):
        read_scp(path)
    write_scp(path, VALUES[:, :1], ("X",))
    with pytest.raises(DataError, match="none of its channels is one of the leads"):
        read_scp(path)
    whole = write_scp(path, VALUES, packed=True).read_bytes()
    for damaged in (b"", b"x" * 500, whole[:-9], whole[:40] + b"\xff" * 60 + whole[100:]):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"a\.scp: no SCP-ECG file that can be read: "):
            read_scp(path)
    monkeypatch.setattr(xml_exports, "_LARGEST_SCP", 1000)
    write_scp(path, VALUES)
    with pytest.raises(DataError, match="larger than 1,000 bytes"):
        read_scp(path)
