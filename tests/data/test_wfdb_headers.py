"""WFDB headers: what is kept, and what is refused."""

import pytest
from small_databases import TWO_LEADS, write_wfdb

from ecg_keras.data.wfdb_headers import read_header
from ecg_keras.errors import DataError


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
        ("1000(0)/mV 16 0", "1000/mV 16 zero", "not a WFDB signal line"),
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
