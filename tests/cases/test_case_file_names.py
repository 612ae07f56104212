"""File names as hospitals and recorders write them: found, or refused with the true reason."""

import numpy as np
import pytest
from small_folder import folder_source

from ecg_keras.config import Folder
from ecg_keras.errors import DataError

# the table, and the file with the samples of its odd record
READ = {
    "apostrophe": "quote'd.csv",
    "backslash": "sub/x.csv",
    "colon": "2024-01-01T10:00:00.csv",
    "dot_slash": "sub/x.csv",
    "dots": "a.b.c.dat",
    "dots_csv": "x.1.csv",
    "hash": "#1 (copy) & more.csv",
    "nfd_on_disk": "Jos*.csv",
    "percent": "p%20q.csv",
    "space": "with space.csv",
    "trailing_space": "trail.csv",
    "txt": "rec.txt",
    "umlaut": "M*ller_*.csv",
    "upper_dat": "w2.DAT",
    "upper_ext": "UPPER.CSV",
    "upper_ext_named": "UPPER.CSV",
    "upper_hea": "w1.dat",
    "upper_hea_named": "w1.dat",
}
REFUSED = {
    "both": r"several files have this name: both\.hea, both\.csv",
    "case_mismatch": r"W3: No such file, but w3\.hea, whose name differs in case",
    "dotdot": r"must stay inside .*: it climbs with '\.\.'\. Received: 'sub/\.\./g0'",
    "mat_without_hea": r"only_mat\.mat: .*by its header, and there is no only_mat\.hea",
    "tab": r"it holds '\\t', which can't be printed\. Received: 'tab\\tname\.csv'",
}


def read_odd_one(raw, table):
    source = folder_source(raw, Folder(table=f"t_{table}.csv", unit="uV", sampling_rate=100))
    infos = source.list_records(raw, label_set="labels", sampling_rate=100)
    assert len(infos) == 6
    (odd,) = (info for info in infos if info.patient_id == "P9")
    return source.read_signal(odd)


@pytest.mark.parametrize("table", READ)
def test_it_is_found_and_read(case, table):
    raw = case("10-file-names") / "raw"
    (file,) = raw.glob(READ[table])
    if file.suffix.lower() in {".csv", ".txt"}:
        microvolts = np.loadtxt(file, delimiter=",", skiprows=1)
    else:
        microvolts = np.fromfile(file, "<i2").reshape(-1, 12)
    signal = read_odd_one(raw, table)
    np.testing.assert_allclose(signal.values, microvolts / 1000, atol=1e-6)


@pytest.mark.parametrize("table", REFUSED)
def test_it_is_refused_with_the_true_reason(case, table):
    raw = case("10-file-names") / "raw"
    with pytest.raises(DataError, match=REFUSED[table]):
        read_odd_one(raw, table)


def test_every_table_is_tried(case):
    tables = {path.stem[2:] for path in (case("10-file-names") / "raw").glob("t_*.csv")}
    assert tables == {*READ, *REFUSED}
