"""CSV tables of databases."""

import pytest

from ecg_keras.errors import DataError
from ecg_keras.sources.tables import read_rows


def test_rows_are_text_by_column(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes('\ufeff,age,name\r\n7,56,"a, b"\r\n8,,\r\n9\r\n'.encode())
    assert read_rows(path, ["", "age"]) == [
        {"": "7", "age": "56", "name": "a, b"},
        {"": "8", "age": "", "name": ""},
        {"": "9", "age": "", "name": ""},
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"table.csv: No such file.*Set data.raw to the folder of the database that holds"),
        (b"\xff\xfe\x00\x01", r"table.csv: not a CSV file: .*Download it again"),
        (b"name\n", r"table.csv: lacks the column \(unnamed first\), age. Download it again"),
        (b"", r"table.csv: lacks the column \(unnamed first\), age"),
    ],
)
def test_what_is_no_such_table_is_named(tmp_path, content, message):
    path = tmp_path / "table.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_rows(path, ["", "age"])
