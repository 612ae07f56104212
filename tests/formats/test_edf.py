"""EDF files written by edfio or byte by byte, and damaged by hand."""

import warnings

import edfio
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from process_memory import RESET, noting_memory
from small_folder import RATE, write_edf
from small_signals import microvolts

from ecg_keras.errors import DataError
from ecg_keras.formats.edf import read_edf
from ecg_keras.records import cut_signal
from ecg_keras.signals import LEADS, select_leads

VALUES = microvolts(4, 2 * RATE)


@pytest.fixture
def path(tmp_path):
    write_edf(tmp_path / "e.edf", VALUES)
    return tmp_path / "e.edf"


def overwrite(path, place, text):
    content = bytearray(path.read_bytes())
    content[place : place + len(text)] = text
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("unit", "span", "step"),
    [("uV", 32768, 1e-3), ("uV", 3277, 1e-4), ("mV", 5, 1.6e-4), ("V", 0.01, 3.1e-4)],
)
def test_a_round_trip_is_within_a_step(tmp_path, unit, span, step):
    write_edf(tmp_path / "e.edf", VALUES, unit=unit, span=span)
    signal = read_edf(tmp_path / "e.edf")
    assert signal.leads == LEADS and signal.sampling_rate == RATE
    assert signal.values.dtype == np.float32
    assert np.abs(signal.values - VALUES / 1000).max() < step


@pytest.mark.parametrize("prefix", ["", "ECG ", "ecg ", "MDC_ECG_LEAD_", "Lead "])
def test_leads_are_known_by_their_labels(tmp_path, prefix):
    write_edf(tmp_path / "e.edf", VALUES, prefix=prefix)
    assert read_edf(tmp_path / "e.edf").leads == LEADS


def test_what_is_no_lead_is_left_out_whatever_its_rate_and_unit(tmp_path):
    lead = edfio.EdfSignal(VALUES[:, 0] / 1000, RATE, label="ECG I", physical_dimension="mV")
    breath = edfio.EdfSignal(
        np.zeros(50), 25, label="Resp", physical_dimension="Ohm", physical_range=(-1, 1)
    )
    notes = [edfio.EdfAnnotation(0.5, None, "beat")]
    edfio.Edf([breath, lead], annotations=notes).write(tmp_path / "e.edf")
    signal = read_edf(tmp_path / "e.edf")
    assert signal.leads == ("I",) and signal.values.shape == (2 * RATE, 1)
    assert np.abs(signal.values[:, 0] - VALUES[:, 0] / 1000).max() < 1e-3
    assert signal.remarks == ("signals that are not among the twelve leads are left out: 'Resp'",)


def test_a_signal_stored_upside_down_is_turned_by_its_own_range(tmp_path):
    write_edf(tmp_path / "e.edf", VALUES)
    before = read_edf(tmp_path / "e.edf").values
    # physical minimum and maximum of the first signal stand behind labels, transducers and units
    start = 256 + 12 * (16 + 80 + 8)
    overwrite(tmp_path / "e.edf", start, b"32768   ")
    overwrite(tmp_path / "e.edf", start + 12 * 8, b"-32768  ")
    after = read_edf(tmp_path / "e.edf").values
    assert np.allclose(after[:, 0], -before[:, 0], atol=1e-3)
    assert np.array_equal(after[:, 1:], before[:, 1:])


def test_leads_of_several_rates_are_refused(tmp_path):
    signals = [
        edfio.EdfSignal(np.linspace(0, 1, rate), rate, label=lead, physical_dimension="mV")
        for lead, rate in (("I", 500), ("II", 250))
    ]
    edfio.Edf(signals).write(tmp_path / "e.edf")
    message = r"e\.edf: .*one sampling rate.*Received: 250 Hz \(II\), 500 Hz \(I\)\. Export all"
    with pytest.raises(DataError, match=message):
        read_edf(tmp_path / "e.edf")


@pytest.mark.parametrize(
    ("place", "text", "message"),
    [
        (0, b"\xffBIOSEMI", "no EDF file: it does not begin as one"),
        (192, b"EDF+D", r"may be interrupted \(EDF\+D\), and 2 of its data records have no time"),
        (236, b"-2      ", "promises -2 data records"),
        (236, b"0       ", "promises 0 data records"),
        (236, b"99999999", "truncated or damaged: it holds 2 data records, .* promises 99999999"),
        (236, b"many    ", "no EDF file: "),
        (252, b"0   ", "promises 2 data records of 0 signals"),
        (184, b"256     ", "promises 2 data records of 12 signals after 256 bytes"),
        (256, b"Resp            " * 12, "none of its signals is one of the leads.*Received: Resp"),
        (256 + 12 * 96, b"mmHg    ", r"lead I is in 'mmHg'\. Allowed: V, mV, uV"),
        (256 + 12 * 104, b"32768   ", "lead I has no valid calibration: -32768 to 32767 would be"),
        (256 + 12 * 104, b"x       ", "lead I has no valid calibration: "),
        (256 + 12 * 120, b"32767   ", "lead I has no valid calibration: 32767 to 32767 would be"),
        (256 + 12 * 104, b"-1e300  ", "lead I has no valid calibration: "),
        (256 + 12 * 216, b"99999999", "no EDF file that can be read|truncated or damaged"),
        (244, b"0       ", "no EDF file that can be read|sampling rate above 0"),
    ],
)
def test_damage_is_named(path, place, text, message):
    overwrite(path, place, text)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match=rf"e\.edf: .*{message}"):
            read_edf(path)


@pytest.mark.parametrize("kept", [100, 1000, 5000, -2])
def test_truncated_files_are_refused(path, kept):
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"e\.edf: "):
        read_edf(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"gone\.edf: No such file"):
        read_edf(tmp_path / "gone.edf")


@pytest.mark.skipif(not RESET.exists(), reason="Linux alone forgets a process's peak of memory")
def test_memory_that_was_taken_before_hides_no_other():
    np.ones(20_000_000)
    with noting_memory() as taken:
        np.ones(10_000_000)
    assert 70_000 < taken() < 90_000  # KiB


def test_a_file_as_long_as_it_promises_takes_no_memory(path):
    overwrite(path, 236, b"10000000")
    with path.open("r+b") as file:
        # sparse: nothing on the disk
        file.truncate(13 * 256 + 10_000_000 * 12 * RATE * 2)
    message = r"e\.edf: 5000000000 samples of 12 leads are more than"
    with noting_memory() as taken, pytest.raises(DataError, match=message):
        read_edf(path)
    assert taken() < 50_000  # KiB


def edf_bytes(values, *, labels=LEADS, unit="uV", duration="1", kind="", records=None, stamps=None):
    """Whole microvolts as EDF, 100 samples a record; a text of `stamps` for each makes notes."""
    count = len(values) // 100
    fields = [
        labels,
        [""],
        [unit],
        ["-32768"],
        ["32767"],
        ["-32768"],
        ["32767"],
        [""],
        ["100"],
        [""],
    ]
    widths = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
    notes = ["EDF Annotations", "", "", "-1", "1", "-32768", "32767", "", "15", ""]
    signals = len(labels) + bool(stamps)

    def pad(text, width):
        return text.encode("latin-1").ljust(width)[:width]

    head = [("0", 8), ("", 160), ("01.03.24", 8), ("10.00.00", 8), (str(256 * (signals + 1)), 8)]
    head += [(kind, 44), (str(count if records is None else records), 8), (duration, 8)]
    parts = [pad(*field) for field in head] + [pad(str(signals), 4)]
    for field, width, of_notes in zip(fields, widths, notes, strict=True):
        parts += [pad(text, width) for text in (field if len(field) > 1 else field * len(labels))]
        parts += [pad(of_notes, width)] if stamps else []
    for number in range(count):
        parts.append(values[100 * number : 100 * (number + 1)].T.astype("<i2").tobytes())
        parts += [stamps[number].encode().ljust(30, b"\0")] if stamps else []
    return b"".join(parts)


FOUR = microvolts(4, 400)
WHOLE = FOUR / np.float32(1000)


def read(path, *, unit_setting=None, span=None, **changes):
    (path / "e.edf").write_bytes(edf_bytes(FOUR, **changes))
    return read_edf(path / "e.edf", unit=unit_setting, span=span)


def stamp(*seconds):
    return [f"+{second}\x14\x14\0" for second in seconds]


@pytest.mark.parametrize("kind", ["EDF+D", "EDF+C", ""])
@pytest.mark.parametrize(
    "seconds",
    [(0, 1, 2, 3), (0.25, 1.25, 2.25, 3.25), ("5.00", "6.00", "7.00", "8.00"), (0, 1, 2.004, 3)],
)
def test_time_stamps_without_a_gap_make_one_recording(tmp_path, kind, seconds):
    signal = read(tmp_path, kind=kind, stamps=stamp(*seconds))
    assert np.allclose(signal.values, WHOLE, atol=1e-6) and signal.sampling_rate == 100


@pytest.mark.parametrize("kind", ["EDF+D", "EDF+C", ""])
@pytest.mark.parametrize(
    ("seconds", "message"),
    [
        ((0, 1, 32, 33), "interrupted: .* data record 3 begins 30 s late, and the parts"),
        ((0, 1, 2.01, 3.01), r"data record 3 begins 0\.01 s late"),
        ((0, 1, 2, 2), "data record 4 begins 1 s early"),
        ((0, 100, 200, 300), "data record 2 begins 99 s late"),
    ],
)
def test_a_gap_in_the_time_stamps_is_refused_whatever_the_header_says(
    tmp_path, kind, seconds, message
):
    with pytest.raises(DataError, match=rf"e\.edf: .*{message}"):
        read(tmp_path, kind=kind, stamps=stamp(*seconds))


@pytest.mark.parametrize("label", ["EDF annotations", "edf annotations"])
def test_time_stamps_are_known_in_any_case(tmp_path, label):
    content = edf_bytes(np.zeros((300, 12)), kind="EDF+C", stamps=stamp(0, 1, 31))
    assert content.count(b"EDF Annotations") == 1
    (tmp_path / "e.edf").write_bytes(content.replace(b"EDF Annotations", label.encode()))
    with pytest.raises(DataError, match="data record 3 begins 29 s late"):
        read_edf(tmp_path / "e.edf")


def test_a_gap_outside_of_what_is_wanted_does_not_matter(tmp_path):
    gap = stamp(0, 1, 2, 33)
    signal = read(tmp_path, kind="EDF+D", stamps=gap, span=(0.5, 2.5))
    assert np.allclose(signal.values, WHOLE[50:250], atol=1e-6)
    with pytest.raises(DataError, match="data record 4 begins 30 s late"):
        read(tmp_path, kind="EDF+D", stamps=gap, span=(2.5, 3.5))


def test_some_missing_time_stamps_are_bridged_where_no_gap_is_announced(tmp_path):
    some = [*stamp(0, 1), "", *stamp(3)]
    assert len(read(tmp_path, kind="EDF+C", stamps=some).values) == 400
    with pytest.raises(DataError, match="1 of its data records have no time stamp"):
        read(tmp_path, kind="EDF+D", stamps=some)
    with pytest.raises(DataError, match="data record 4 begins 6 s late"):
        read(tmp_path, kind="EDF+C", stamps=[*stamp(0, 1), "", *stamp(9)])


def test_a_measured_clock_is_kept_and_its_rounded_stamps_are_no_gap(tmp_path):
    seconds = ("0.00", "1.00", "2.00", "3.00")  # 0.9997 s each, rounded
    signal = read(tmp_path, duration="0.9997", kind="EDF+D", stamps=stamp(*seconds))
    assert signal.sampling_rate == pytest.approx(100.03, abs=1e-3)
    assert np.allclose(signal.values, WHOLE, atol=1e-6)
    with pytest.raises(DataError, match="data record 3 begins"):
        read(tmp_path, duration="0.9997", stamps=stamp("0.00", "1.00", "2.50", "3.50"))


@pytest.mark.parametrize(
    ("unit", "size"),
    [
        ("\xb5V", 1),
        ("\xc2\xb5V", 1),
        ("UV", 1),
        ("microV", 1),
        ("mv", 1e3),
        ("nV", 1e-3),
        ("V", 1e6),
    ],
)
def test_units_as_devices_spell_them(tmp_path, unit, size):
    assert np.allclose(read(tmp_path, unit=unit).values, WHOLE * size, rtol=1e-6, atol=1e-6 * size)


def test_an_empty_unit_is_what_the_setting_says(tmp_path):
    with pytest.raises(DataError, match=r"lead I is in ''\. .*set data\.folder\.unit"):
        read(tmp_path, unit="")
    assert np.allclose(read(tmp_path, unit="", unit_setting="uV").values, WHOLE, atol=1e-6)
    # what a file says itself is right
    assert np.allclose(read(tmp_path, unit="uV", unit_setting="mV").values, WHOLE, atol=1e-6)


def test_decimal_commas_are_understood(path):
    whole = read_edf(path).values
    content = path.read_bytes().replace(b"-32768.0", b"-32768,0")
    path.write_bytes(content.replace(b"-32768  ", b"-32768,0", 12))
    assert b"," in path.read_bytes()
    assert np.array_equal(read_edf(path).values, whole)


def test_the_size_says_how_many_records_where_the_header_leaves_it_open(tmp_path):
    assert np.allclose(read(tmp_path, records=-1).values, WHOLE, atol=1e-6)
    (tmp_path / "e.edf").write_bytes(edf_bytes(FOUR, records=-1)[:-50])
    with pytest.raises(DataError, match=r"3 data records and 2350 bytes, .* leaves their number"):
        read_edf(tmp_path / "e.edf")


def test_bytes_behind_the_last_record_are_no_samples(path):
    whole = read_edf(path).values
    path.write_bytes(path.read_bytes() + b"\0" * 64)
    assert np.array_equal(read_edf(path).values, whole)


def test_a_lead_that_is_there_twice_is_refused(tmp_path):
    message = r"e\.edf: its signals 'I' and 'ECG I' are both lead I\. Export only"
    with pytest.raises(DataError, match=message):
        read(tmp_path, labels=("I", "ECG I", *LEADS[2:]))


def test_own_spellings_of_leads(tmp_path):
    (tmp_path / "e.edf").write_bytes(edf_bytes(FOUR[:, :2], labels=("chan1", "chan2")))
    with pytest.raises(DataError, match=r"Received: chan1, chan2\. Where .*lead_names"):
        read_edf(tmp_path / "e.edf")
    signal = read_edf(tmp_path / "e.edf", lead_names={"chan1": "V1", "chan2": "V2"})
    assert signal.leads == ("V1", "V2")


def test_chest_leads_by_their_names_in_iec_60601_are_left_out_with_a_word(tmp_path):
    labels = tuple(f"EKG {lead.replace('V', 'C') if lead[0] == 'V' else lead}" for lead in LEADS)
    signal = read(tmp_path, labels=labels)
    assert signal.leads == LEADS[:6] and len(signal.remarks) == 1
    assert "'EKG C1', 'EKG C2', " in signal.remarks[0]
    with pytest.raises(DataError, match=r"no lead V1\. .* otherwise with data\.folder\.lead_names"):
        select_leads(signal.values, signal.leads, ("I", "V1"))
    named = {f"EKG C{number}": f"V{number}" for number in range(1, 7)}
    signal = read_edf(tmp_path / "e.edf", lead_names=named)
    assert signal.leads == LEADS and not signal.remarks


@settings(max_examples=50, deadline=None)
@given(
    begin=st.floats(-1, 6), seconds=st.floats(0, 6), duration=st.sampled_from(["1", "0.9997", "2"])
)
def test_a_part_is_what_would_be_cut_from_the_whole(tmp_path_factory, begin, seconds, duration):
    path = tmp_path_factory.mktemp("edf") / "e.edf"
    path.write_bytes(edf_bytes(FOUR, duration=duration))
    span = (begin, begin + seconds)
    part, cut = read_edf(path, span=span), cut_signal(read_edf(path), span)
    assert np.array_equal(part.values, cut.values) and part.values.dtype == np.float32
    assert (part.start, part.total, part.leads) == (cut.start, cut.total, cut.leads)
    assert part.sampling_rate == cut.sampling_rate


def test_seconds_of_a_day_take_the_memory_of_seconds(path):
    overwrite(path, 236, b"86400   ")
    with path.open("r+b") as file:
        # sparse: nothing on the disk
        file.truncate(13 * 256 + 86400 * 12 * RATE * 2)
    with noting_memory() as taken:
        signal = read_edf(path, span=(0, 10))
        assert (len(signal.values), signal.total) == (10 * RATE, 86400 * RATE)
    assert taken() < 20_000  # KiB


def test_no_label_steers_the_terminal(tmp_path):
    labels = ("\x1b[2J\x07chan", "two")
    (tmp_path / "e.edf").write_bytes(edf_bytes(FOUR[:, :2], labels=labels))
    with pytest.raises(DataError, match=r"Received: \?\[2J\?chan, two"):
        read_edf(tmp_path / "e.edf")
