"""23: folds as tables name them, patients that they tear apart, and a home folder."""

import pytest

from ecg_keras.config import Data, Folder, Split
from ecg_keras.data.splits import assign_splits
from ecg_keras.errors import DataError
from ecg_keras.sources import source_of

IDS = [f"r{number:02d}" for number in range(15)]


def split_all(folder, table, split=None, **settings):
    data = Data(source="folder", raw=folder / "raw", folder=Folder(table=table, **settings))
    source = source_of(data)
    infos = source.list_records(data.raw, label_set="labels", sampling_rate=100)
    return assign_splits(infos, ("AF",), split or Split(), official=source.OFFICIAL_FOLDS)


def test_folds_named_after_splits_are_those_splits(case):
    assigned = split_all(case("23-folds-and-paths"), "t_foldtext.csv")
    assert [assigned[one] for one in IDS] == ["train"] * 10 + ["valid"] * 2 + ["test"] * 3


def test_folds_counted_from_0(case):
    folder = case("23-folds-and-paths")
    with pytest.raises(DataError, match=r"Folds there are: 0, 1, 2, 3, 4\. Change data\.split"):
        split_all(folder, "t_fold5.csv")
    assigned = split_all(folder, "t_fold5.csv", Split(valid_folds=(3,), test_folds=(4,)))
    assert [assigned[one] for one in IDS] == ["train", "train", "train", "valid", "test"] * 3


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("t_foldblank.csv", r"row 4 below the header: column 'fold': a fold must be a whole numb"),
        ("t_foldlabel.csv", r"column 'split' of 0 and 1 seems to be no label"),
        ("t_foldsplit.csv", r"r09: patient P4 is in the official folds 9 and 10, .*valid and test"),
    ],
)
def test_what_is_wrong_is_named(case, table, message):
    with pytest.raises(DataError, match=message):
        split_all(case("23-folds-and-paths"), table)


def test_torn_patients_are_split_by_record_where_that_is_asked_for(case):
    folder = case("23-folds-and-paths")
    assert set(split_all(folder, "t_foldsplit.csv", Split(method="records"))) == set(IDS)
    assigned = split_all(folder, "t_foldsplit.csv", Split(method="patients"))
    assert assigned["r08"] == assigned["r09"]


def test_a_home_folder(case, monkeypatch):
    folder = case("23-folds-and-paths")
    monkeypatch.setenv("HOME", str(folder))
    data = Data(source="folder", raw="~/raw", folder=Folder(table="~/raw/t_foldtext.csv"))
    assert source_of(data).LABEL_SETS == {"labels": ("AF",)}
