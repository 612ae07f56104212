"""Labels tables as spreadsheets and programs write them."""

import contextlib
import os
import pickle

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from ecg_keras.data.sources import labels_table
from ecg_keras.data.sources.labels_table import find_table, read_header, read_table
from ecg_keras.errors import DataError


def write(folder, text, name="labels.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_csv_of_every_spreadsheet(tmp_path, separator, ending):
    rows = [("file", " id ", "AF"), (" a.edf", "007", "0"), ('"b;c,d"', "NA", "1")]
    text = "".join(separator.join(row) + ending for row in rows)
    path = write(tmp_path, b"\xef\xbb\xbf" + text.encode())
    assert read_header(path) == ["file", "id", "AF"]
    frame = read_table(path, ["file", "id"])
    assert frame["file"].tolist() == ["a.edf", "b;c,d"]
    assert frame["id"].tolist() == ["007", "NA"]
    assert frame["AF"].tolist() == [0, 1]


def test_parquet_says_the_same(tmp_path):
    frame = pd.DataFrame(
        {
            "file": ["a", "b", None],
            "id": [7, 8, None],
            "AF": [True, False, True],
            "x": [[1], [], []],
        }
    )
    frame.to_parquet(tmp_path / "labels.parquet", index=False)
    read = read_table(tmp_path / "labels.parquet", ["file", "id"])
    assert read["file"].tolist() == ["a", "b", ""] and read["id"].tolist() == ["7", "8", ""]
    assert read["AF"].tolist() == [True, False, True]
    assert read_header(tmp_path / "labels.parquet") == ["file", "id", "AF", "x"]


def test_ids_in_parquet_are_no_fractions(tmp_path):
    pd.DataFrame({"id": [1.0, 2.5]}).to_parquet(tmp_path / "labels.parquet")
    with pytest.raises(DataError, match=r"row 2 below the header: column id holds 2\.5"):
        read_table(tmp_path / "labels.parquet", ["id"])


def test_an_index_that_pandas_wrote_is_no_column(tmp_path):
    frame = pd.DataFrame({"file": ["a", "b"]})
    frame.to_csv(tmp_path / "labels.csv")
    assert list(read_table(tmp_path / "labels.csv", ["file"])) == ["file"]


names = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1)


@given(st.lists(names, min_size=1, max_size=5))
def test_texts_come_back_as_they_are(tmp_path_factory, texts):
    frame = pd.DataFrame({"id": texts, "n": 0})
    path = tmp_path_factory.mktemp("table") / "labels.csv"
    frame.to_csv(path, index=False)
    assert read_table(path, ["id"])["id"].tolist() == texts


def test_the_one_table_is_found(tmp_path):
    (tmp_path / "signals.csv").write_text("I\n1\n")
    with pytest.raises(
        DataError, match=r"has no labels\.csv or labels\.parquet.*In .*: signals\.csv\. Name the"
    ):
        find_table(tmp_path, None)
    path = write(tmp_path, "file\na\n")
    assert find_table(tmp_path, None) == path
    (tmp_path / "labels.parquet").write_bytes(b"")
    with pytest.raises(DataError, match=r"has labels\.csv and labels\.parquet, and .* must be one"):
        find_table(tmp_path, None)
    assert find_table(tmp_path, "labels.csv") == path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("labels.xlsx", r"labels\.xlsx: .*its name ends in \.csv or \.parquet\. Save it as CSV"),
        ("lables.csv", r"lables\.csv: no such labels table\. In .*Did you mean 'labels\.csv'\?"),
        ("../labels.csv", r"data\.folder\.table: a file name must stay inside"),
        ("/etc/passwd.csv", r"data\.folder\.table: a file name must stay inside"),
        ("link.csv", "a link that leads out of its folder"),
        ("pipe.csv", "no plain file"),
    ],
)
def test_other_tables_are_refused(tmp_path, tmp_path_factory, name, message):
    write(tmp_path, "file\na\n")
    outside = write(tmp_path_factory.mktemp("outside"), "file\na\n")
    (tmp_path / "link.csv").symlink_to(outside)
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match=message):
        find_table(tmp_path, name)


def test_a_table_too_large_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(labels_table, "LARGEST", 5)
    write(tmp_path, "file\na\n")
    with pytest.raises(DataError, match="at most 5 bytes"):
        find_table(tmp_path, None)


def test_a_parquet_of_countless_cells_is_not_read(tmp_path, monkeypatch):
    # a million times the same takes a few bytes
    pd.DataFrame({"a": [1] * 1_000_000}).to_parquet(tmp_path / "labels.parquet")
    monkeypatch.setattr(labels_table, "MOST_CELLS", 999_999)
    with pytest.raises(DataError, match=r"1,000,000 cells, and a labels table has at most 999,999"):
        read_table(tmp_path / "labels.parquet", ["file"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "its first row must name the columns"),
        ("file,AF\na\0b,1\n", "no CSV file: it holds a zero byte"),
        ("file,AF\n", "has no row below its header"),
        ("file,AF,AF\na,1,0\n", "the column 'AF' is there twice"),
        ("file,AF\na,1,0\n", "its rows have more cells than its header names"),
        ("file,AF\na,1\nb,1,0\n", "can't be read: .*line 3"),
        ("file,AF\nä,1\n".encode("latin-1"), "not UTF-8: .*in Excel as 'CSV UTF-8'"),
        (b"file,AF\n" + b"a,1\n" * 400_000 + b"\xe4,1\n", "can't be read: .*utf-8"),
    ],
)
def test_a_damaged_csv_is_named(tmp_path, text, message):
    with pytest.raises(DataError, match=rf"labels\.csv: {message}"):
        read_table(write(tmp_path, text), ["file"])


def test_a_damaged_parquet_is_named(tmp_path):
    path = write(tmp_path, "file,AF\na,1\n", "labels.parquet")
    with pytest.raises(DataError, match=r"labels\.parquet: no Parquet file: "):
        read_table(path, ["file"])
    pd.DataFrame({"file": ["a"] * 1000}).to_parquet(path)
    content = bytearray(path.read_bytes())
    content[4:40] = b"\xff" * 36
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"labels\.parquet: can't be read: "):
        read_table(path, ["file"])


class Evil:
    """What a pickle does when it is opened."""

    def __reduce__(self):
        return (os.mkdir, (self.place,))


def test_a_parquet_file_runs_no_code(tmp_path):
    with contextlib.suppress(ImportError):  # new versions of pyarrow need no such guard
        import pyarrow_hotfix

        pyarrow_hotfix.uninstall()
    evil = Evil()
    evil.place = str(tmp_path / "was here")
    schema = pa.schema(
        [
            pa.field(
                "file",
                pa.string(),
                metadata={
                    b"ARROW:extension:name": b"arrow.py_extension_type",
                    b"ARROW:extension:metadata": pickle.dumps(evil),
                },
            )
        ]
    )
    parquet.write_table(pa.table({"file": ["a"]}).cast(schema), tmp_path / "labels.parquet")
    try:
        read_table(tmp_path / "labels.parquet", ["file"])
    except DataError as error:
        assert "labels.parquet" in str(error)
    assert not (tmp_path / "was here").exists()
