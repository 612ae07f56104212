"""CSV files as hospitals export them, and as nobody should."""

import gzip

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st
from small_folder import as_stored, write_csv
from small_signals import microvolts

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.formats import csv_layout, csv_rows, csv_text
from ecg_keras.formats.csv_files import read_csv
from ecg_keras.formats.csv_layout import find_layout
from ecg_keras.formats.csv_numbers import read_columns
from ecg_keras.signals import LEADS

VALUES = microvolts(3, 50)


def read(path, **changes):
    return read_csv(path, **{"sampling_rate": 500, "unit": "uV", **changes})


def text_of(rows, separator=","):
    return "\n".join(separator.join(map(str, row)) for row in rows) + "\n"


def write(tmp_path, text, name="a.csv"):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return tmp_path / name


def check(signal, leads=LEADS):
    assert signal.leads == tuple(leads) and signal.sampling_rate == 500
    assert signal.values.dtype == np.float32
    assert np.array_equal(signal.values, as_stored(VALUES))


def test_samples_that_pandas_shows_read_only_are_scaled(tmp_path, monkeypatch):
    def show(frame, *args, **settings):  # as pandas 3 does
        values = to_numpy(frame, *args, **settings).view()
        values.flags.writeable = False
        return values

    to_numpy = pd.DataFrame.to_numpy
    monkeypatch.setattr(pd.DataFrame, "to_numpy", show)
    path = write(tmp_path, text_of([["I"], *VALUES[:, :1].tolist()]))
    assert np.array_equal(read(path).values, as_stored(VALUES)[:, :1])


@pytest.mark.parametrize(
    "header",
    [
        LEADS[::-1],
        [f"V{number}" for number in range(1, 13)],
        ["X1", "II", *LEADS[2:]],
        ["Lead DI", *LEADS[1:11], "RESP"],
    ],
)
def test_the_recipe_names_the_columns_before_the_header(tmp_path, header):
    write_csv(tmp_path / "a.csv", VALUES, leads=header)
    signal = read(tmp_path / "a.csv", leads=LEADS)
    check(signal)
    same = all(
        one in (lead, "X1", "Lead DI", "RESP") for one, lead in zip(header, LEADS, strict=True)
    )
    assert bool(signal.remarks) != same
    assert same or "named by data.folder.leads, and differently by the header" in signal.remarks[0]


def test_a_header_with_just_these_leads_beside_others_agrees_with_the_recipe(tmp_path):
    rows = [["time", *LEADS], *([n, *row] for n, row in enumerate(VALUES.tolist()))]
    path = write(tmp_path, text_of(rows))
    check(read(path, leads=LEADS))
    check(read(path, leads=["clock", *LEADS]))
    with pytest.raises(DataError, match=r"13 columns, and data\.folder\.leads names 12"):
        read(path, leads=LEADS[::-1])


def test_columns_counted_from_v1_are_no_chest_leads(tmp_path):
    write_csv(tmp_path / "a.csv", VALUES, leads=[f"V{number}" for number in range(1, 13)])
    with pytest.raises(DataError, match=r"a\.csv: V7, V8.*data\.folder\.leads, or data\.folder\.l"):
        read(tmp_path / "a.csv")


@pytest.mark.parametrize("first", [[], [list(range(12))], [["ch1"] * 12]])
def test_leads_are_named_by_the_recipe_where_no_header_does(tmp_path, first):
    path = write(tmp_path, text_of([*first, *VALUES.tolist()]))
    check(read(path, leads=LEADS))
    with pytest.raises(DataError, match=r"a\.csv: .*data\.folder\.leads"):
        read(path)
    with pytest.raises(DataError, match=r"a\.csv: 12 columns, and data.folder.leads names 2"):
        read(path, leads=["I", "II"])


def test_a_row_for_each_lead_without_names_is_turned(tmp_path):
    check(read(write(tmp_path, text_of(VALUES.T.tolist())), leads=LEADS))


def test_rows_that_are_leads_must_be_equally_long(tmp_path):
    with pytest.raises(DataError, match="its rows are leads, and have 2 to 3 samples"):
        read(write(tmp_path, "I,1,2,3\nII,1,2\n"))


@pytest.mark.parametrize(("unit", "millivolts"), [("mV", 2.0), ("uV", 0.002), ("V", 2000.0)])
def test_the_unit(tmp_path, unit, millivolts):
    signal = read(write(tmp_path, "II\n2\n"), unit=unit)
    assert signal.values.tolist() == [[pytest.approx(millivolts, rel=1e-6)]]


def test_gzip(tmp_path):
    check(
        read(
            write(tmp_path, gzip.compress(text_of([LEADS, *VALUES.tolist()]).encode()), "a.csv.gz")
        )
    )


@given(st.lists(st.lists(st.integers(-32768, 32767), min_size=2, max_size=2), min_size=1))
def test_every_integer_of_a_recorder_comes_back(rows):
    text = text_of([["I", "II"], *rows]).encode()
    layout = find_layout(text.decode().splitlines())
    assert layout.leads == ("I", "II")
    assert read_columns(text.partition(b"\n")[2], layout.columns).tolist() == rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty, or no text"),
        (b"PK\x03\x04\0\0", "empty, or no text"),
        ("I,II\n1,two\n", "no table of numbers: .*two"),
        ("I,II\n1,2\n3,4,5\n", "no table of numbers: .*line 2"),
        ("I,II\n1,2,3\n", "no table of numbers: "),
        ("I,II\n", "no table of numbers: it holds no sample"),
        ("time,resp\n1,2\n", r"none of its columns is one of the leads.*Received: time, resp\. "),
        ("I,II,III\n1,2\n", "its header names 3 columns, and its lines have fewer.*no III"),
    ],
)
def test_what_is_no_ecg_is_refused_by_name(tmp_path, text, message):
    with pytest.raises(DataError, match=rf"a\.csv: {message}"):
        read(write(tmp_path, text))


def test_a_number_that_is_none_is_infinite_not_a_crash(tmp_path):
    assert np.isinf(read(write(tmp_path, "I\n1e308\n")).values).all()


def test_what_a_csv_does_not_say_is_asked_for(tmp_path):
    path = write(tmp_path, "I\n1\n")
    with pytest.raises(ConfigError, match=r"a\.csv: .*Set data\.folder\.unit to mV, uV or V"):
        read(path, unit=None)
    with pytest.raises(ConfigError, match=r"a\.csv: .*Set data\.folder\.sampling_rate"):
        read(path, sampling_rate=None)


def test_a_bomb_of_zeros_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_text, "LARGEST", 10_000)
    path = write(tmp_path, gzip.compress(b"I\n" + b"0\n" * 1_000_000), "a.csv.gz")
    with pytest.raises(DataError, match=r"a\.csv\.gz: more than 10,000 bytes of text"):
        read(path)
    with pytest.raises(DataError, match=r"b\.csv\.gz: can't be read: "):
        read(write(tmp_path, path.read_bytes()[:20], "b.csv.gz"))


def test_a_line_of_countless_cells_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_rows, "MOST_CELLS", 100)
    with pytest.raises(DataError, match="a line has more than 100 cells"):
        read(write(tmp_path, "I," + ",".join("1" * 200)))
    monkeypatch.setattr(csv_layout, "MOST_COLUMNS", 20)
    monkeypatch.setattr(csv_rows, "MOST_COLUMNS", 20)
    with pytest.raises(DataError, match="its lines have 30 cells, which are no leads"):
        read(write(tmp_path, ",".join("1" * 30)))
    with pytest.raises(DataError, match="its rows would be leads, and are 21"):
        read(write(tmp_path, "I,5\n" * 21))
