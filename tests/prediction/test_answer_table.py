"""Answers that are read back are those that were written, and of columns only what is needed."""

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from ecg_keras.errors import DataError
from ecg_keras.prediction import read_answers

LABELS = ("MI", "a.b")
ROWS = [
    ("001", "answered", 3, [0.25, 1.0], 1.5, [0.1, 0.2]),
    ("002", "abstained", None, [None, None], None, None),
    ("003", "answered", 1, [0.5, 0.0], 2.5, [0.3, None]),
]


def columns():
    ids, status, windows, probabilities, peaks, deflections = map(list, zip(*ROWS, strict=True))
    first, second = map(list, zip(*probabilities, strict=True))
    return {
        "record_id": ids,
        "patient_id": ids,
        "status": status,
        "windows": windows,
        "probability_MI": first,
        "probability_a.b": second,
        "decision_MI": [True, None, True],
        "set_MI": ["present", None, "both"],
        "peak_mv": peaks,
        "deflection_mv": deflections,
    }


def write_parquet(path, **kinds):
    table = pa.table(columns())
    for name, kind in kinds.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, table.column(name).cast(kind))
    parquet.write_table(table, path, row_group_size=2)
    return path


def test_parquet_and_lines_of_json_are_the_same_answers(tmp_path):
    rows = [dict(zip(columns(), row, strict=True)) for row in zip(*columns().values(), strict=True)]
    lines = tmp_path / "answers.jsonl"
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    whole = write_parquet(tmp_path / "answers.parquet", peak_mv=pa.float32(), windows=pa.int64())
    for path in (lines, whole):
        table = read_answers(path, LABELS, num_leads=2)
        assert table.record_ids.tolist() == table.patient_ids.tolist() == ["001", "002", "003"]
        assert table.answered.tolist() == [True, False, True]
        nan = np.nan
        np.testing.assert_array_equal(table.probabilities, [[0.25, 1], [nan, nan], [0.5, 0]])
        np.testing.assert_array_equal(table.windows, [3, nan, 1])
        assert table.figures.keys() == {"peak_mv", "deflection_mv"}
        np.testing.assert_array_equal(table.figures["peak_mv"], [1.5, nan, 2.5])
        expected = np.array([[0.1, 0.2], [nan, nan], [0.3, nan]], np.float32)
        np.testing.assert_array_equal(table.figures["deflection_mv"], expected)
        values = (table.probabilities, table.windows, *table.figures.values())
        assert all(one.dtype == np.float32 for one in values)


def test_decisions_and_sets_are_not_read(tmp_path, monkeypatch):
    taken = []
    read_table = parquet.read_table

    def read(path, columns):
        taken.extend(columns)
        return read_table(path, columns=columns)

    monkeypatch.setattr(parquet, "read_table", read)
    read_answers(write_parquet(tmp_path / "answers.parquet"), LABELS, num_leads=2)
    assert set(taken) == columns().keys() - {"decision_MI", "set_MI"}


@pytest.mark.parametrize(
    ("leads", "kinds", "message"),
    [
        (3, {}, "column 'deflection_mv' must hold 3 numbers"),
        (2, {"probability_MI": pa.string()}, None),
        (2, {"windows": pa.string()}, None),
    ],
)
def test_numbers_of_other_types_are_read_or_refused(tmp_path, leads, kinds, message):
    path = write_parquet(tmp_path / "answers.parquet", **kinds)
    if message is None:
        assert read_answers(path, LABELS, num_leads=leads).probabilities[2, 0] == 0.5
    else:
        with pytest.raises(DataError, match=message):
            read_answers(path, LABELS, num_leads=leads)


def test_texts_that_are_no_utf8_are_refused(tmp_path):
    table = pa.table(columns())
    broken = pa.array([b"\xff", b"b", b"c"]).view(pa.string())
    table = table.set_column(0, "record_id", broken)
    parquet.write_table(table, tmp_path / "answers.parquet")
    with pytest.raises(DataError, match=r"answers.parquet: can't be read"):
        read_answers(tmp_path / "answers.parquet", LABELS, num_leads=2)
