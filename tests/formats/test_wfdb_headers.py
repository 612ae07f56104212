"""WFDB headers: what is kept, and what is refused."""

import pytest
from small_databases import TWO_LEADS, write_wfdb

from ecg_keras.errors import DataError
from ecg_keras.formats import read_header


def test_the_header_keeps_comments_and_names(tmp_path):
    header = read_header(write_wfdb(tmp_path, TWO_LEADS + "#Age: 56\r\n# Dx: 1,2 \r\n#\n"))
    assert header.comments == ("Age: 56", "Dx: 1,2", "")
    assert header.files == ("r.dat", "r.dat")
    assert [signal.name for signal in header.signals] == ["I", "II"]
    assert header.num_samples == 4 and header.sampling_rate == 500
    assert [signal.lead for signal in header.signals] == ["I", "II"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("r.dat", "../r.dat", r"names the signal file '../r.dat'. A header may only"),
        ("r.dat", "/etc/passwd", "names the signal file '/etc/passwd'"),
        ("r.dat", "..\\r.dat", "names the signal file"),
        ("r.dat", "c:r.dat", "names the signal file"),
        ("r.dat", "~", "names the signal file"),
        ("500 4", "0 4", r"sampling rate must be above 0 Hz. Received: 0\."),
        ("500 4", "... 4", "sampling rate must be above 0 Hz"),
        ("r 2 500 4", "r/3 2 500 4", "a multi-segment record of 3 segments"),
        ("r 2", "r 3", "promises 3 signals, and 2 signal lines follow"),
        ("r 2", "r 1", "promises 1 signals, and 2 signal lines follow"),
        ("r 2", "r x", "first line must be `name signals rate samples`"),
        ("1000(0)/mV", "nan/mV", "r.hea: not a WFDB signal line: 'r.dat 16 nan"),
        ("1000(0)/mV", "1e999/mV", "not a WFDB signal line"),
        ("16 1000", "sixteen 1000", "not a WFDB signal line"),
        (
            "1000(0)/mV 16 0",
            "1000 /uV 16",
            "not a WFDB signal line: 'r.dat 16 1000 /uV 16 0 0 0 I'",
        ),
        ("1000(0)/mV 16 0 0 0 0 I", "1000/mV I", "not a WFDB signal line: 'r.dat 16 1000/mV I'"),
        ("0 0 0 0 I\n", "0 0 0 x I\n", "not a WFDB signal line"),
        ("1000(0)/mV 16 0", "1000/mV 16 zero", "not a WFDB signal line"),
        ("1000(0)/mV", "1000(nan)/mV", r"not a WFDB signal line: .*Allowed: `file format gain"),
        ("1000(0)/mV", "1000(1e99)/mV", "not a WFDB signal line"),
        ("0 0 0 0 I\n", "0 I\n", "first value and its checksum are whole numbers. Received: 'I'"),
        ("500 4", f"{10**9} 4", r"Received: 1000000000\. The highest is 1,000,000 Hz"),
        ("r 2", "my record 2", "the name without spaces. Received: 'my record 2 500 4'"),
        ("r 2", "r 999999", "promises 999999 signals, and 2 signal lines follow"),
    ],
)
def test_damaged_headers_say_what_is_wrong(tmp_path, old, new, message):
    path = write_wfdb(tmp_path, TWO_LEADS.replace(old, new))
    with pytest.raises(DataError, match=message):
        read_header(path)


def test_a_missing_header_names_the_file(tmp_path):
    with pytest.raises(DataError, match=r"gone.hea: No such file.*whole database was downloaded"):
        read_header(tmp_path / "gone")


@pytest.mark.parametrize("content", [b"\x00\x01\x02", b"", b"# only a comment\n", b"x" * 70_000])
def test_what_is_no_header_is_refused(tmp_path, content):
    (tmp_path / "r.hea").write_bytes(content)
    with pytest.raises(DataError, match=r"r.hea: (this is no WFDB header|its first line must be)"):
        read_header(tmp_path / "r")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("500 4", "500 4 2006"),
        ("500 4", "500 4 09:49:17 5/5/2020"),
        ("500 4", "500 4 05-May-2020 09:49:17.123"),
        ("500 4", "500/1000(0) 4"),
        ("500 4", "500.000000/0.5(10) 4"),
        ("500 4", "500 4 # as exported"),
        ("r 2", "dotted.name 2"),
        ("r 2", "2024-01-01T10:00:00 2"),
        ("r 2", "\ufeffr 2"),
        ("r 2", "# exported\n\n# Age: 61\nr 2"),
        ("\n", "\r\n"),
        ("\n", "\r"),
    ],
)
def test_what_does_not_matter_is_passed_over(tmp_path, old, new):
    header = read_header(write_wfdb(tmp_path, TWO_LEADS.replace(old, new)))
    assert header.sampling_rate == 500 and header.num_samples == 4
    assert [(one.lead, one.steps_in_mv, one.baseline) for one in header.signals] == [
        ("I", 1000, 0),
        ("II", 500, -8),
    ]


@pytest.mark.parametrize(
    ("scale", "steps", "baseline"),
    [
        ("1e3(0)/mV", 1000, 0),
        ("1000.0(0.0)/mV", 1000, 0),
        ("1000(-512.5)/mV", 1000, -512.5),
        ("6344117.125(-1842966025)/mV", 6344117.125, -1842966025),
        ("-1000/mV", -1000, 0),
        ("0", 200, 0),
        ("0.001/nV", 1000, 0),
        ("1/\u00b5V", 1000, 0),
        ("1/\u03bcV", 1000, 0),
        ("1e6/V", 1000, 0),
    ],
)
def test_every_way_to_write_gain_baseline_and_unit(tmp_path, scale, steps, baseline):
    path = write_wfdb(tmp_path, f"r 1 500 4\nr.dat 16 {scale} 16 0 0 0 0 I\n")
    (signal,) = read_header(path).signals
    assert signal.steps_in_mv == pytest.approx(steps, rel=1e-12) and signal.baseline == baseline


def test_the_micro_sign_of_older_recorders(tmp_path):
    path = write_wfdb(tmp_path)
    (tmp_path / "r.hea").write_bytes("r 1 500 4\nr.dat 16 1/µV 16 0 0 0 0 I\n".encode("cp1252"))
    assert read_header(path).signals[0].steps_in_mv == pytest.approx(1000)


@pytest.mark.parametrize(
    ("storage", "frames", "skew", "offset"),
    [("16", 1, 0, 0), ("16x4:5+24", 4, 5, 24), ("212:0", 1, 0, 0), ("16+512", 1, 0, 512)],
)
def test_how_samples_are_stored(tmp_path, storage, frames, skew, offset):
    path = write_wfdb(tmp_path, f"r 1 500 4\nr.dat {storage} 200 12 0 0 0 0 I\n")
    (signal,) = read_header(path).signals
    assert (signal.frames, signal.skew, signal.offset) == (frames, skew, offset)


@pytest.mark.parametrize(
    ("figures", "first_values", "checksums"),
    [
        (("5 70 0", "-6 -80 0"), (5, -6), (70, -80)),
        (("5 0 0", "0 0 0"), (5, 0), None),
        (("0 7 0", "0 0 0"), None, (7, 0)),
        (("0 0 0", "0 0 0"), None, None),
        (("0.0 0.0 0", "0.0 0.0 0"), None, None),
    ],
)
def test_zeros_for_all_signals_say_nothing(tmp_path, figures, first_values, checksums):
    one, other = (f"r.dat 16 1000/mV 16 0 {of_one}" for of_one in figures)
    header = read_header(write_wfdb(tmp_path, f"r 2 500 4\n{one} I\n{other} II\n"))
    assert (header.first_values, header.checksums) == (first_values, checksums)


def test_figures_may_be_left_out(tmp_path):
    header = read_header(write_wfdb(tmp_path, "r 1 500 4\nr.dat 16 1000/mV 16 0\n"))
    assert header.first_values is None and header.checksums is None


def test_an_ending_in_another_case_is_found(tmp_path):
    path = write_wfdb(tmp_path)
    (tmp_path / "r.hea").rename(tmp_path / "r.HEA")
    assert read_header(path).sampling_rate == 500


def test_a_name_with_a_colon_is_one(tmp_path):
    path = write_wfdb(tmp_path, TWO_LEADS.replace("r.dat", "2024-01-01T10:00:00.dat"))
    assert read_header(path).files[0] == "2024-01-01T10:00:00.dat"


@pytest.mark.parametrize("end", [b"\x1a", b"\x1a\0\0", b"\0"])
def test_what_dos_wrote_behind_a_text_does_not_matter(tmp_path, end):
    path = write_wfdb(tmp_path)
    content = (tmp_path / "r.hea").read_bytes()
    (tmp_path / "r.hea").write_bytes(content + end)
    assert [signal.lead for signal in read_header(path).signals] == ["I", "II"]


def test_a_file_of_the_same_folder_may_be_named_as_such(tmp_path):
    path = write_wfdb(tmp_path, TWO_LEADS.replace("r.dat", "./r.dat"))
    assert read_header(path).files == ("r.dat", "r.dat")
    with pytest.raises(DataError, match="names the signal file"):
        read_header(write_wfdb(tmp_path, TWO_LEADS.replace("r.dat", ".//r.dat")))
