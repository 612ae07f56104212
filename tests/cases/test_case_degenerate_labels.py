"""Labels that can't be learnt or tested are said before anything is trained."""

import pytest

from ecg_keras.config import Data, Folder
from ecg_keras.data.label_counts import find_undecidable
from ecg_keras.data.preparation import prepare
from ecg_keras.errors import DataError

# table -> what is said of its labels, by the beginnings of the lines
SAID = {
    "no_pos": ["no record has AF: it has no positive"],
    "all_pos": ["every record has AF: it has no negative"],
    "one_patient": [
        "in the valid split none, or all, of the records have AF (0 of 3; all 5 are of one",
        "in the test split none, or all, of the records have AF (0 of 4; all 5 are of one",
    ],
    "single_one_patient": [
        "in the valid split none, or all, of the records have AF (0 of 3; all 5 are of one",
        "in the test split none, or all, of the records have AF (0 of 4; all 5 are of one",
    ],
    "single": [],
    "three": [
        "in the train split none, or all, of the records have AF (0 of 1)",
        "in the valid split none, or all, of the records have AF (1 of 1)",
        "in the test split none, or all, of the records have AF (0 of 1)",
    ],
}
# tables of which no network can be trained and tested, with the splits that are to blame
REFUSED = {"single_one_patient": ["valid", "test"], "three": ["train", "valid", "test"]}


def prepared(folder, table, warnings):
    data = Data(
        source="folder",
        raw=folder / "raw",
        sampling_rate=100,
        seconds=4,
        folder=Folder(table=f"t_{table}.csv"),
    )
    return prepare(data, folder / "shards", on_warning=warnings.append)


@pytest.mark.parametrize("table", SAID)
def test_what_is_said(case, table):
    warnings = []
    dataset = prepared(case("12-degenerate-labels"), table, warnings)
    said = [line for line in warnings if "is read as" not in line]
    assert len(said) == len(SAID[table])
    for line, begins in zip(said, SAID[table], strict=True):
        assert line.startswith(begins)
        assert "data.folder.labels" in line and "data.split" in line
    found = find_undecidable(dataset, ("train", "valid", "test"))
    assert [line.partition(":")[0] for line in found] == REFUSED.get(table, [])


@pytest.mark.parametrize("table", ["two", "one_person"])
def test_too_few_patients_for_three_splits(case, table):
    with pytest.raises(DataError, match=r"Three splits need at least 3 patients"):
        prepared(case("12-degenerate-labels"), table, [])
