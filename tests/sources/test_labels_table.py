"""Labels tables as spreadsheets and programs write them."""

import contextlib
import os
import pickle

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st
from pyarrow import parquet

from ecg_keras.errors import DataError
from ecg_keras.sources import labels_table
from ecg_keras.sources.labels_table import find_table, read_header, read_table


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


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([1.0, 2.5], r"row 2 below the header: column id holds 2\.5"),
        ([1e17, 2.0], "column id holds whole numbers .* lost their last digits"),
    ],
)
def test_numbers_in_parquet_that_are_no_ids(tmp_path, ids, message):
    pd.DataFrame({"id": ids}).to_parquet(tmp_path / "labels.parquet")
    with pytest.raises(DataError, match=message):
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


@pytest.mark.parametrize("name", ["labels.tsv", "Labels.TXT"])
def test_a_table_of_another_ending_is_read_where_it_is_named(tmp_path, name):
    (tmp_path / name).write_text("file\tpatient_id\tAF\na\tp1\t1\n")
    path = find_table(tmp_path, name)
    assert read_header(path) == ["file", "patient_id", "AF"]
    assert read_table(path, ("file",)).to_dict("list") == {
        "file": ["a"],
        "patient_id": ["p1"],
        "AF": [1],
    }


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "labels.xlsx",
            r"labels\.xlsx: .*its name ends in .* or \.csv or \.parquet\. Save it as CSV",
        ),
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
        (b"file,AF\n\x81,1\n", "neither UTF-8 nor Windows-1252: .*in Excel as 'CSV UTF-8'"),
        ("file,AF\nä,1\n".encode() + b"\xe4,1\n", "begins as UTF-8, and is not: .*'CSV UTF-8'"),
        (b"\xef\xbb\xbffile,AF\n" + b"a,1\n" * 2_000_000 + b"\xe4,1\n", "begins as UTF-8, and is"),
        ("file,AF\na,1\n".encode("utf-16")[:-1], "no text: .*Save it as CSV with UTF-8"),
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


@pytest.mark.parametrize(
    "content",
    [
        "sep=;\nfile;id;AF\na;1;0\nb;2;1\n",
        '"sep=;"\r\nfile;id;AF\r\na;1;0\r\nb;2;1\r\n',
        "SEP=|\nfile|id|AF\na|1|0\nb|2|1\n",
        "file,id,AF\ra,1,0\rb,2,1\r",
        "\n\nfile,id,AF\na,1,0\nb,2,1\n",
        "file,id,AF,,\na,1,0,,\nb,2,1,,\n,,,,\n,,,,\n",
        "file,id,AF\na,1,0,\nb,2,1,,,\n",
        "file,id,AF\na,1,0\n\nb,2,1\n\n\n",
        'file,"id","AF"\n"a","1","0"\n"b","2","1"\n',
        "file,id,AF\na,1,0\nb,2,1\n".encode("utf-16"),
        "file,id,AF\na,1,0\nb,2,1\n".encode("utf-16-le"),
        "file,id,AF\na,1,0\nb,2,1\n".encode("utf-16-be"),
        b"\xef\xbb\xbfsep=,\nfile,id,AF\na,1,0\nb,2,1\n",
    ],
)
def test_what_spreadsheets_add_does_not_matter(tmp_path, content):
    frame = read_table(write(tmp_path, content), ["file", "id"])
    assert list(frame) == ["file", "id", "AF"]
    assert frame["file"].tolist() == ["a", "b"] and frame["id"].tolist() == ["1", "2"]
    assert frame["AF"].astype(int).tolist() == [0, 1]


def test_rows_are_counted_as_the_file_counts_them(tmp_path):
    frame = read_table(write(tmp_path, "file,AF\na,1\n\n,\nb,0\n"), ["file"])
    assert frame.index.tolist() == [0, 3]


def test_separators_in_the_names_of_columns_are_part_of_them(tmp_path):
    path = write(tmp_path, 'file,"a;b;c;d","two\nlines"\nx,1,0\n')
    assert read_header(path) == ["file", "a;b;c;d", "two lines"]
    assert list(read_table(path, ["file"])) == ["file", "a;b;c;d", "two lines"]


def test_windows_letters_are_read(tmp_path):
    text = "file,Schenkelblock_gro\xdf\n\xe4,1\n"
    frame = read_table(write(tmp_path, text.encode("cp1252")), ["file"])
    assert list(frame) == ["file", "Schenkelblock_gro\xdf"] and frame["file"].tolist() == ["\xe4"]


@pytest.mark.parametrize("columns", [20_000, 60_000])
def test_countless_columns_are_refused_in_a_short_line(tmp_path, columns):
    header = ",".join(f"column{n}" for n in range(columns))
    with pytest.raises(DataError, match=f"{columns:,} columns, and .* at most 5,000") as caught:
        read_header(write(tmp_path, f"{header}\n"))
    assert len(str(caught.value)) < 300


def test_lists_structs_and_maps_of_parquet_are_json(tmp_path):
    maps = pa.array([[("AF", 1.0)], None], pa.map_(pa.string(), pa.float64()))
    table = pa.table(
        {
            "list": [["AF", "SR"], []],
            "struct": [{"AF": 1.0, "SR": None}, {"AF": None, "SR": 2.0}],
            "map": maps,
            "words": pa.array(["AF", "SR"]).dictionary_encode(),
        }
    )
    parquet.write_table(table, tmp_path / "labels.parquet")
    frame = read_table(tmp_path / "labels.parquet", ["list", "struct", "map", "words"])
    assert frame["list"].tolist() == ['["AF", "SR"]', "[]"]
    assert frame["struct"].tolist() == ['{"AF": 1.0}', '{"SR": 2.0}']
    assert frame["map"].tolist() == ['{"AF": 1.0}', ""]
    assert frame["words"].tolist() == ["AF", "SR"]


def test_a_table_may_be_named_in_full(tmp_path):
    path = write(tmp_path, "file\na\n", "other.csv")
    assert find_table(tmp_path, str(path)) == path
