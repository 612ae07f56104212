"""Truth and times that come later, joined to answers by the names of recordings."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecg_keras.errors import DataError
from ecg_keras.monitoring.periods import join, name_periods, read_known
from ecg_keras.prediction import Answer, as_table

LABELS = ("MI", "NORM")


def answers(*names):
    return as_table([Answer(one, one) for one in names], 2, 12)


def known(path, text):
    path.write_text(text)
    return read_known(path, LABELS, "time")


def test_rows_are_found_by_their_names_whatever_their_order(tmp_path):
    table = known(
        tmp_path / "known.csv",
        "record_id,patient_id,MI,NORM,time\n002,p,1,0,2026-02-03\n001,q,0,1,20260131\n003,,,1,\n",
    )
    joined, targets, remark = join(answers("001", "003", "004", "002"), table)
    expected = [[0, 1], [np.nan, 1], [np.nan, np.nan], [1, 0]]
    np.testing.assert_array_equal(targets, expected)
    assert joined.patient_ids.tolist() == ["q", "003", "004", "p"]
    assert joined.times.tolist() == ["20260131", "", "", "2026-02-03"]
    assert remark == f"{tmp_path / 'known.csv'}: has no row for 1 recording"


@pytest.mark.parametrize("name", ["a12", "a12.dcm", "out/a12.edf"])
def test_a_table_may_name_files_as_it_likes_where_that_means_one(tmp_path, name):
    table = known(tmp_path / "known.csv", f"record_id,MI,NORM\n{name},1,0\n")
    _, targets, _ = join(answers("in/a12.dcm", "in/b.dcm"), table)
    assert targets[0].tolist() == [1, 0]


def test_parquet_is_read_with_its_types(tmp_path):
    frame = pd.DataFrame(
        {
            "record_id": ["a", "b"],
            "target_MI": [True, False],
            "target_NORM": [0.0, np.nan],
            "time": pd.to_datetime(["2026-01-01 10:00", "2026-04-01"]),
        }
    )
    frame.to_parquet(tmp_path / "known.parquet")
    table = read_known(tmp_path / "known.parquet", LABELS, "time")
    np.testing.assert_array_equal(table.targets, [[1, 0], [0, np.nan]])
    assert name_periods(table.times, "quarter").tolist() == ["2026-Q1", "2026-Q2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,MI,NORM\na,1,0\n", "labels need the column record_id"),
        ("record_id,MI\na,1\n", "lacks labels of the network: NORM"),
        ("record_id,MI,NORM\na,2,0\n", "column 'MI' must be 0 or 1"),
        ("record_id,MI,NORM\nz,1,0\n", "no record_id is that of an answer"),
        ("record_id,MI,NORM\na,1,0\na,0,0\n", "'a' is there twice"),
        (None, "There is none"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        if text is None:
            read_known(tmp_path / "gone.csv", LABELS, "time")
        join(answers("a"), known(tmp_path / "known.csv", text or "x\n"))


def test_two_files_of_one_name_are_not_guessed_between(tmp_path):
    table = known(tmp_path / "known.csv", "record_id,MI,NORM\na.dcm,1,0\n")
    with pytest.raises(DataError, match="no record_id is that of an answer"):
        join(answers("one/a.dcm", "two/a.dcm"), table)


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("year", "2025"),
        ("quarter", "2025-Q4"),
        ("month", "2025-12"),
        ("week", "2026-W01"),
        ("day", "2025-12-31"),
    ],
)
def test_a_time_is_in_its_period(by, expected):
    times = np.array(["2025-12-31T23:59:59", "", "20251231"])
    assert name_periods(times, by).tolist() == [expected, "", expected]


@pytest.mark.parametrize("text", ["31.12.2025", "2025-13-01"])
def test_what_is_no_date_is_refused(text):
    with pytest.raises(DataError, match="date"):
        name_periods(np.array([text]), "month")


def test_shards_hold_the_truth_too(tmp_path, hospital_shards):
    from ecg_keras.data import describe

    labels = describe(hospital_shards).labels
    table = read_known(Path(hospital_shards), labels, "time")
    assert table.targets.shape == (len(table.record_ids), len(labels))
    with pytest.raises(DataError, match="its labels are"):
        read_known(Path(hospital_shards), LABELS, "time")
