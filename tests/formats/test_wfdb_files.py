"""The WFDB reader against the wfdb library, real and damaged files."""

import os
import warnings

import numpy as np
import pytest
import wfdb
from hypothesis import HealthCheck, given, settings, strategies as st
from small_databases import TWO_LEADS, write_wfdb

from ecg_keras.errors import DataError
from ecg_keras.formats import read_wfdb
from ecg_keras.records import Signal
from ecg_keras.signals import LEADS


def read_by_wfdb(path):
    record = wfdb.rdrecord(str(path))
    return np.asarray(record.p_signal, dtype=np.float32), record


def assert_equals_wfdb(path):
    ours = read_wfdb(path)
    theirs, record = read_by_wfdb(path)
    assert ours.sampling_rate == record.fs
    assert [lead.lower() for lead in ours.leads] == [lead.lower() for lead in record.sig_name]
    np.testing.assert_array_equal(ours.values, theirs)


@pytest.mark.real
@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("ptbxl/records100/*/*.hea", 500),
        ("ptbxl/records500/*/*.hea", 500),
        ("ludb/data/*.hea", 200),
        ("challenge/training/*/*/*.hea", 70),
    ],
)
def test_every_real_recording_equals_wfdb_to_the_bit(real_data, pattern, count):
    paths = sorted(real_data.glob(pattern))
    assert len(paths) == count
    for path in paths:
        assert_equals_wfdb(path.with_suffix(""))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_format_16_equals_wfdb(tmp_path, data):
    leads = data.draw(st.permutations(LEADS))[: data.draw(st.integers(1, 12))]
    samples = data.draw(st.integers(1, 100))
    offset = data.draw(st.sampled_from([0, 1, 24, 512]))
    generator = np.random.default_rng(data.draw(st.integers(0, 99)))
    digital = generator.integers(-32768, 32768, (samples, len(leads))).astype("<i2")
    digital[generator.random(digital.shape) < 0.05] = -32768
    sums = digital.sum(axis=0, dtype=np.int16)
    lines = [
        f"r {len(leads)} {data.draw(st.sampled_from(['500', '257', '1000', '128.5']))} {samples}"
    ]
    for lead, first, added in zip(leads, digital[0], sums, strict=True):
        gain = data.draw(st.sampled_from(["1000", "1716", "200.5", "0", "4.88e2", "4.88", "1e-3"]))
        baseline = data.draw(st.sampled_from(["", "(0)", "(-5)", "(1024)", "(2000000001)"]))
        kind = f"16+{offset}" if offset else "16"
        lines.append(f"r.dat {kind} {gain}{baseline}/mV 16 0 {first} {added} 0 {lead}")
    (tmp_path / "r.hea").write_text("\n".join([*lines, "# a comment"]) + "\n")
    (tmp_path / "r.dat").write_bytes(bytes(offset) + digital.tobytes())
    assert_equals_wfdb(tmp_path / "r")


def test_the_values_of_a_small_recording(tmp_path):
    signal = read_wfdb(write_wfdb(tmp_path))
    assert signal.leads == ("I", "II") and signal.sampling_rate == 500
    np.testing.assert_array_equal(
        signal.values, np.array([[1, 1], [-1, 2], [0, 0], [np.nan, 0.026]], dtype=np.float32)
    )


@pytest.mark.parametrize(
    ("scale", "millivolts"),
    [
        ("1000/mV", 1.0),
        ("1000/mv", 1.0),
        ("1000.0(0)/mV", 1.0),
        ("1000", 1.0),
        ("1/uV", 1.0),
        ("1000000/V", 1.0),
        ("0/mV", 5.0),
        ("0", 5.0),
        ("1000(500)/mV", 0.5),
        ("-1000/mV", -1.0),
    ],
)
def test_gains_and_units_become_millivolts(tmp_path, scale, millivolts):
    path = write_wfdb(tmp_path, f"r 1 100 1\nr.dat 16 {scale} 16 0 0 0 0 II\n", [1000])
    assert read_wfdb(path).values.item() == pytest.approx(millivolts)


def test_the_baseline_is_the_zero_of_the_converter_where_none_is_written(tmp_path):
    path = write_wfdb(tmp_path, "r 1 100 1\nr.dat 16 1000/mV 16 400 0 0 0 II\n", [1000])
    assert read_wfdb(path).values.item() == pytest.approx(0.6)


def test_leads_in_several_files_stand_in_the_headers_order(tmp_path):
    header = (
        "r 3 500 2\na.dat 16 1/mV 16 0 0 0 0 V1\nb.dat 16 1/mV 16 0 0 0 0 I\n"
        "b.dat 16 1/mV 16 0 0 0 0 II\n"
    )
    (tmp_path / "r.hea").write_text(header)
    np.array([1, 2], dtype="<i2").tofile(tmp_path / "a.dat")
    np.array([3, 4, 5, 6], dtype="<i2").tofile(tmp_path / "b.dat")
    signal = read_wfdb(tmp_path / "r")
    assert signal.leads == ("V1", "I", "II")
    assert signal.values.tolist() == [[1, 3, 4], [2, 5, 6]]
    assert_equals_wfdb(tmp_path / "r")


def test_columns_that_are_no_lead_are_left_out(tmp_path):
    path = write_wfdb(tmp_path, TWO_LEADS.replace(" I\n", " RESP\n").replace("1000(0)/mV", "9/Ohm"))
    assert read_wfdb(path).leads == ("II",)
    assert read_wfdb(path).values[:3].ravel().tolist() == [1, 2, 0]


def test_the_name_of_a_signal_does_not_steer_a_terminal(tmp_path):
    text = TWO_LEADS.replace(" II\n", " \x1b]52;c;YQ==\x07\n").replace(" I\n", " RESP\n")
    with pytest.raises(DataError) as caught:
        read_wfdb(write_wfdb(tmp_path, text))
    assert r"Received: RESP, \x1b]52;c;YQ==\x07. Where" in str(caught.value)


@pytest.mark.parametrize(("promise", "samples"), [("500", 4), ("500 0", 4), ("500 3", 3)])
def test_the_length_may_be_left_to_the_file(tmp_path, promise, samples):
    path = write_wfdb(tmp_path, TWO_LEADS.replace("500 4", promise))
    assert len(read_wfdb(path).values) == samples


def test_the_extension_in_the_record_line_of_old_copies_is_read(tmp_path):
    assert read_wfdb(write_wfdb(tmp_path, TWO_LEADS.replace("r 2 500", "r.mat 2 500"))).leads


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("r.dat", "gone.dat", r"gone.dat: No such file.*r.hea names this file"),
        (
            "500 4",
            "500 5",
            r"r.dat: truncated: its 16 bytes hold 4 samples of 2 signals.*promises 5",
        ),
        ("500 4", "500 1000000000000", r"r.dat: truncated.*promises 1000000000000\. Download"),
        ("16 1000", "16+99 1000", r"truncated: its 16 bytes hold 0 samples"),
        ("1000(0)/mV", "1000(0)/mmHg", "r.hea: lead I is in 'mmHg'. Allowed: V, mV, uV"),
    ],
)
def test_headers_that_promise_too_much_say_what_is_wrong(tmp_path, old, new, message):
    path = write_wfdb(tmp_path, TWO_LEADS.replace(old, new))
    with pytest.raises(DataError, match=message):
        read_wfdb(path)


def test_a_record_without_one_of_the_twelve_leads_is_refused(tmp_path):
    path = write_wfdb(tmp_path, TWO_LEADS.replace(" II\n", " vy\n").replace(" I\n", "\n"))
    with pytest.raises(
        DataError, match=r"none of its signals is one of.*Received: \(no name\), vy"
    ):
        read_wfdb(path)


def test_signals_of_one_file_must_stand_together(tmp_path):
    line = "16 1/mV 16 0 0 0 0"
    path = write_wfdb(tmp_path, f"r 3 9 1\nr.dat {line} I\na.dat {line} II\nr.dat {line} III\n")
    with pytest.raises(DataError, match="of one file must be together"):
        read_wfdb(path)


def test_a_file_that_is_shorter_than_its_header_says_is_refused(tmp_path):
    path = write_wfdb(tmp_path)
    (tmp_path / "r.dat").write_bytes((tmp_path / "r.dat").read_bytes()[:-1])
    with pytest.raises(DataError, match=r"r.dat: truncated: its 15 bytes hold 3 samples"):
        read_wfdb(path)
    (tmp_path / "r.dat").write_bytes(b"")
    with pytest.raises(DataError, match="truncated: its 0 bytes"):
        read_wfdb(path)


def test_a_link_out_of_the_folder_is_refused_and_one_inside_it_is_not(tmp_path):
    folder = tmp_path / "database"
    folder.mkdir()
    path = write_wfdb(folder)
    (folder / "r.dat").rename(folder / "real.dat")
    (folder / "r.dat").symlink_to(folder / "real.dat")
    assert read_wfdb(path).leads
    (folder / "r.dat").unlink()
    (folder / "real.dat").rename(tmp_path / "elsewhere.dat")
    (folder / "r.dat").symlink_to(tmp_path / "elsewhere.dat")
    with pytest.raises(DataError, match=r"r.dat: a link that leads out of its folder"):
        read_wfdb(path)


def test_a_pipe_or_a_folder_is_no_signal_file(tmp_path):
    path = write_wfdb(tmp_path)
    (tmp_path / "r.dat").unlink()
    os.mkfifo(tmp_path / "r.dat")
    with pytest.raises(DataError, match=r"r.dat: no plain file"):
        read_wfdb(path)


def test_a_format_that_does_not_exist_is_refused(tmp_path):
    path = write_wfdb(tmp_path, "r 1 500 2\nr.dat 999 1000/mV 16 0 0 0 0 I\n")
    with pytest.raises(DataError, match=r"r\.hea: there is no format '999'\. Allowed: 8, 16, 24"):
        read_wfdb(path)


def test_the_signals_of_a_file_must_have_one_format(tmp_path):
    path = write_wfdb(tmp_path, TWO_LEADS.replace("16 500", "212 500"))
    with pytest.raises(DataError, match=r"one format.*Received: 16, 212"):
        read_wfdb(path)


@pytest.mark.parametrize(
    ("name", "lead", "sign"),
    [
        ("-aVR", "aVR", -1),
        ("-avr", "aVR", -1),
        ("\N{MINUS SIGN}aVR", "aVR", -1),
        ("- V1", "V1", -1),
        ("aVR", "aVR", 1),
        ("aVR # noisy", "aVR", 1),
        ("aVR#noisy", "aVR", 1),
        ("-aVR # as Cabrera", "aVR", -1),
    ],
)
def test_a_lead_that_is_written_turned_over_is_turned_back(tmp_path, name, lead, sign):
    path = write_wfdb(tmp_path, f"r 1 100 2\nr.dat 16 1000/mV 16 0 0 0 0 {name}\n", [1000, 250])
    signal = read_wfdb(path)
    assert signal.leads == (lead,)
    assert signal.values.ravel().tolist() == [sign, sign * 0.25]


def test_the_users_own_spelling_is_taken_as_it_is(tmp_path):
    path = write_wfdb(tmp_path, "r 1 100 1\nr.dat 16 1000/mV 16 0 0 0 0 -aVR\n", [1000])
    assert read_wfdb(path, lead_names={"-aVR": "aVR"}).values.item() == 1


def test_the_case_of_a_signal_files_name_may_differ(tmp_path):
    path = write_wfdb(tmp_path)
    (tmp_path / "r.dat").rename(tmp_path / "R.DAT")
    assert read_wfdb(path).leads == ("I", "II")
    (tmp_path / "R.dat").write_bytes(b"")
    with pytest.raises(DataError, match=r"r\.dat: No such file"):
        read_wfdb(path)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    position=st.integers(0, len(TWO_LEADS) - 1),
    length=st.integers(0, 6),
    noise=st.text(st.characters(codec="utf-8"), max_size=6),
)
def test_no_damage_to_a_header_raises_anything_but_a_data_error(tmp_path, position, length, noise):
    write_wfdb(tmp_path)
    header = TWO_LEADS[:position] + noise + TWO_LEADS[position + length :]
    (tmp_path / "r.hea").write_bytes(header.encode())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            assert isinstance(read_wfdb(tmp_path / "r"), Signal)
        except DataError as error:
            assert str(tmp_path) in str(error)


@pytest.mark.parametrize("name", ["I", "ECG I", "-I"])
def test_a_lead_that_is_there_twice_is_refused(tmp_path, name):
    path = write_wfdb(tmp_path, TWO_LEADS.replace(" II\n", f" {name}\n"))
    with pytest.raises(DataError, match=rf"r\.hea: two of its signals .* Received: I, {name}\."):
        read_wfdb(path)
