"""Multi-segment records: what is read is what our reader reads of each segment, alone."""

from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import HealthCheck, given, settings, strategies as st

from ecg_keras.errors import DataError
from ecg_keras.formats import list_names, read_wfdb
from ecg_keras.records import cut_signal

TWO = (("1000/mV", "I"), ("1000/mV", "II"))


def write_segment(folder, name, values, signals=TWO, rate=100):
    """Format 16; with the first values and checksums of a careful writer."""
    values = np.asarray(values, "<i2")
    values.tofile(folder / f"{name}.dat")
    lines = [f"{name} {len(signals)} {rate} {len(values)}"]
    for column, (gain, lead) in enumerate(signals):
        own = values[:, column].astype(int)
        lines.append(f"{name}.dat 16 {gain} 16 0 {own[0]} {own.sum() % 65536} 0 {lead}")
    (folder / f"{name}.hea").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_record(folder, lines, first="r/{} 2 100 {}"):
    total = sum(int(line.split()[1]) for line in lines if line.split()[1].isdigit())
    text = "\n".join([first.format(len(lines), total), *lines]) + "\n# age: 60\n"
    (folder / "r.hea").write_text(text)
    return folder / "r"


def ramp(rows, columns=2, start=0):
    return np.arange(start, start + rows * columns).reshape(rows, columns)


def test_a_fixed_layout_is_its_segments_one_after_another(tmp_path):
    write_segment(tmp_path, "a", ramp(100))
    write_segment(tmp_path, "b", ramp(50, start=500))
    signal = read_wfdb(write_record(tmp_path, ["a 100", "b 50"]))
    assert (signal.leads, signal.sampling_rate, signal.total) == (("I", "II"), 100, None)
    both = [read_wfdb(tmp_path / name).values for name in "ab"]
    np.testing.assert_array_equal(signal.values, np.concatenate(both))
    # where units and order never change, that is what the wfdb library reads
    theirs = wfdb.rdrecord(str(tmp_path / "r")).p_signal
    np.testing.assert_array_equal(signal.values, theirs.astype(np.float32))


def test_each_segment_has_units_an_order_and_names_of_its_own(tmp_path):
    write_segment(tmp_path, "a", [[1000, 2000]] * 10)
    write_segment(tmp_path, "b", [[2, 1]] * 10, (("0.001/µV", "ECG lead II"), ("1/mV", "DI")))
    signal = read_wfdb(write_record(tmp_path, ["a 10", "b 10"]), lead_names={"DI": "I"})
    assert signal.leads == ("I", "II")
    np.testing.assert_array_equal(signal.values, np.float32([[1, 2]] * 20))


def test_a_variable_layout_has_gaps_and_leads_that_come_and_go(tmp_path):
    layout = "l 2 100 0\n~ 0 200/mV 16 0 0 0 0 I\n~ 0 200/mV 16 0 0 0 0 V1\n"
    (tmp_path / "l.hea").write_text(layout)
    write_segment(tmp_path, "a", [[1000, 2000]] * 10)
    write_segment(tmp_path, "b", [[5]] * 10, [("1/mmHg", "ABP")])
    write_segment(tmp_path, "c", [[3000, 7]] * 10, (("1000/mV", "V1"), ("9/Ohm", "RESP")))
    lines = ["l 0", "a 10", "~ 5", "b 10", "c 10"]
    signal = read_wfdb(write_record(tmp_path, lines))
    assert signal.leads == ("I", "II", "V1")
    expected = np.full((35, 3), np.nan, np.float32)
    expected[:10, :2], expected[25:, 2] = (1, 2), 3
    np.testing.assert_array_equal(signal.values, expected)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.floats(-1, 3), seconds=st.floats(0, 3))
def test_a_part_is_cut_out_of_the_whole(tmp_path, first, seconds):
    for name, rows in (("a", 80), ("b", 33), ("c", 47)):
        write_segment(tmp_path, name, ramp(rows, start=rows))
    path = write_record(tmp_path, ["a 80", "~ 20", "b 33", "c 47"])
    span = first, first + seconds
    part, expected = read_wfdb(path, span=span), cut_signal(read_wfdb(path), span)
    np.testing.assert_array_equal(part.values, expected.values)
    assert (part.start, part.total) == (expected.start, expected.total)


def test_only_the_segments_of_a_part_are_read(tmp_path):
    write_segment(tmp_path, "a", ramp(100))
    write_segment(tmp_path, "b", ramp(100))
    path = write_record(tmp_path, ["a 100", "b 100"])
    (tmp_path / "a.dat").write_bytes(bytes(400))  # no longer what its header says
    assert len(read_wfdb(path, span=(1, 2)).values) == 100
    with pytest.raises(DataError, match=r"a\.dat: the checksum of signal I is 0, and a\.hea says"):
        read_wfdb(path)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["../a 100"], r"r\.hea: not a segment line: '\.\./a 100'\. Allowed: `name samples`"),
        (["/etc/a 100"], "not a segment line"),
        (["a\u00e9 100"], "not a segment line"),
        (["a 1e2"], "not a segment line: 'a 1e2'"),
        (["a 100", "a 100"], "lists the segment a twice"),
        (["gone 100"], r"gone\.hea: No such file"),
        (["r 100"], "a multi-segment record of 1 segments, where a single one is expected"),
        (["a 99"], "says that segment a has 99 samples, and it has 100"),
        (["a 999999999999"], "says that segment a has 999999999999 samples, and it has 100"),
        (["fast 100"], r"r\.hea: says 100 Hz, and its segment fast 500 Hz"),
        (["pulse 100"], "none of its 1 segments has one of the twelve leads"),
        (["~ 100"], "none of its 0 segments has one of the twelve leads"),
        (["twin 100"], r"twin\.hea: two of its signals are the same lead. Received: I, I\."),
        (["short 100"], r"short\.dat: truncated"),
    ],
)
def test_what_is_wrong_with_segments_is_said_in_one_line(tmp_path, lines, message):
    write_segment(tmp_path, "a", ramp(100))
    write_segment(tmp_path, "fast", ramp(100), rate=500)
    write_segment(tmp_path, "pulse", ramp(100, 1), [("1/mmHg", "ABP")])
    write_segment(tmp_path, "twin", ramp(100), (("1/mV", "I"), ("1/mV", "I")))
    write_segment(tmp_path, "short", ramp(100))
    (tmp_path / "short.dat").write_bytes(bytes(100))
    with pytest.raises(DataError, match=message) as raised:
        read_wfdb(write_record(tmp_path, lines))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ("r/2 2 100 100", "promises 2 segments of 100 samples, and 1 of 100 follow"),
        ("r/1 2 100 900", "promises 1 segments of 900 samples, and 1 of 100 follow"),
        ("r/0 2 100 100", "promises 0 segments"),
        ("r/1 2 100 100 0:0:0 1996", "can't be parsed: .*leave times and dates out"),
        ("r.x/1 2 100 100", "can't be parsed: .*the name without dots"),
    ],
)
def test_a_first_line_that_is_wrong_is_said_in_one_line(tmp_path, first, message):
    write_segment(tmp_path, "a", ramp(100))
    with pytest.raises(DataError, match=message) as raised:
        read_wfdb(write_record(tmp_path, ["a 100"], first))
    assert "\n" not in str(raised.value)


def test_a_gap_of_any_length_reserves_no_memory(tmp_path):
    write_segment(tmp_path, "a", ramp(100))
    path = write_record(tmp_path, ["~ 99999999999", "a 100"])
    assert read_wfdb(path, span=(0, 1)).values.shape == (100, 2)
    with pytest.raises(DataError, match="more than the 1000000000 values"):
        read_wfdb(path)


def test_only_names_are_listed_without_opening_segments(tmp_path):
    path = write_record(tmp_path, ["l 0", "a 100", "~ 5"])
    assert list_names(path) == ["l", "a", "~"]
    write_segment(tmp_path, "a", ramp(10))
    assert list_names(Path(tmp_path / "a")) == []
