"""A source of the user's own may return anything: what can't be used is named in one line."""

import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.records import RecordInfo
from ecg_keras.sources import check_listed, find_source
from ecg_keras.sources.contract import check_label_sets

GOOD = {"record_id": "a", "patient_id": "p", "path": Path("a.dat"), "labels": ("AF",)}


@pytest.mark.parametrize(
    ("label_sets", "message"),
    [
        ({}, "LABEL_SETS must be a dict of at least one name to its labels"),
        (None, "LABEL_SETS must be a dict .* Received: None"),
        (["AF"], "LABEL_SETS must be a dict"),
        ({"rhythm": ()}, r"LABEL_SETS\['rhythm'\] must be a tuple of 1 to 1000 labels"),
        ({"rhythm": "AF"}, "must be a tuple of 1 to 1000 labels. Received: 'AF'"),
        ({"rhythm": tuple(map(str, range(20_000)))}, "Received: 20000 labels"),
        ({"rhythm": ("AF", "AF")}, "has 'AF' twice. Name it once"),
        ({"rhythm": ("A\x1b[2J",)}, r"names must be text of one line. Received: 'A\\x1b\[2J'"),
        ({"rhythm": ("A\nB",)}, "names must be text of one line"),
        ({"rhythm": (3,)}, "names must be text of one line. Received: 3"),
        ({"rhythm": (" ",)}, "names must be text of one line"),
        ({None: ("AF",)}, r"LABEL_SETS\[None\]: names must be text of one line"),
    ],
)
def test_label_sets_that_are_none_are_refused(monkeypatch, label_sets, message):
    with pytest.raises(ConfigError, match=message) as caught:
        check_label_sets("my_lab.hospital", label_sets)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    monkeypatch.setattr(find_source("my_lab.hospital"), "LABEL_SETS", label_sets)
    with pytest.raises(ConfigError, match=message):
        find_source("my_lab.hospital")


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        (None, "list_records must return a list of RecordInfo. Received: None"),
        ("records", "list_records must return a list"),
        ([None], "entry 0 of list_records must be a RecordInfo. Received: None"),
        ([{"record_id": "a"}], "entry 0 of list_records must be a RecordInfo"),
        ([RecordInfo(**{**GOOD, "record_id": 3})], "record_id must be text of one line. Rec.*: 3"),
        ([RecordInfo(**{**GOOD, "patient_id": "\x07"})], r"patient_id must be .*'\\x07'"),
        ([RecordInfo(**{**GOOD, "path": "a.dat"})], "path must be a pathlib.Path"),
        ([RecordInfo(**{**GOOD, "labels": "AF"})], "labels must be a tuple of names"),
        ([RecordInfo(**{**GOOD, "labels": (None,)})], "labels must be a tuple of names"),
        ([RecordInfo(**GOOD), "x" * 100_000], "entry 1 of list_records must be a RecordInfo"),
    ],
)
def test_records_that_are_none_are_refused(listed, message):
    with pytest.raises(DataError, match=message) as caught:
        check_listed("my_lab.hospital", Path("lab"), listed)
    assert str(caught.value).startswith("lab: source my_lab.hospital: ")
    assert len(str(caught.value)) < 300


def test_what_is_right_is_given_back():
    listed = [RecordInfo(**GOOD)]
    assert check_listed("my_lab.hospital", Path("lab"), listed) is listed


def test_numbers_of_numpy_and_pandas_become_plain_ones_and_nan_unknown():
    known = {"age": np.float32(61.5), "fold": np.int64(9), "row": 3.0, "sampling_rate": np.int32(5)}
    info = RecordInfo(**GOOD, **known)
    assert (info.age, info.fold, info.row, info.sampling_rate) == (61.5, 9, 3, 5.0)
    assert [type(getattr(info, name)) for name in known] == [float, int, int, float]
    nothing = pd.array([None], dtype="Int64")[0]
    for missing in (math.nan, np.float32("nan"), Decimal("nan"), pd.NA, pd.NaT, nothing):
        assert RecordInfo(**GOOD, **dict.fromkeys((*known, "sex"), missing)) == RecordInfo(**GOOD)
        with pytest.raises(DataError, match="a record needs a record_id and a patient_id"):
            RecordInfo(**{**GOOD, "patient_id": missing})
    assert RecordInfo(**GOOD, age=np.float64("nan")).age is None


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("fold", 9.5, "fold must be a whole number or None. Received: 9.5"),
        ("fold", "9", "fold must be a whole number or None. Received: '9'"),
        ("row", np.arange(2), "row must be a whole number or None"),
        ("age", "old", "age must be a number or None. Received: 'old'"),
        ("age", math.inf, "age must be a number or None. Received: inf"),
    ],
)
def test_numbers_that_are_none_are_refused_by_the_name_of_the_file(name, value, message):
    with pytest.raises(DataError, match=f"^{GOOD['path']}: {message}"):
        RecordInfo(**GOOD, **{name: value})


def test_a_module_that_fails_when_it_is_imported_is_named(tmp_path, monkeypatch):
    (tmp_path / "broken_lab.py").write_text("raise RuntimeError('no licence\\nsecond line')")
    (tmp_path / "wrong_lab").mkdir()
    (tmp_path / "wrong_lab" / "hospital.py").write_text("def (")
    monkeypatch.syspath_prepend(str(tmp_path))
    failed = r"cannot import {}: its code fails: {}"
    with pytest.raises(ConfigError, match=failed.format("wrong_lab.hospital", "SyntaxError: inv")):
        find_source("wrong_lab.hospital")
    with pytest.raises(ConfigError, match=failed.format("broken_lab.x", "RuntimeError: no licen")):
        find_source("broken_lab.x")
    with pytest.raises(ConfigError, match=r"source a\.a\.a.* \.\.\. .*: cannot import"):
        find_source("a." * 5000 + "a")
