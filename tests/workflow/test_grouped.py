"""Columns of tables and shards as groups of test records; and what can't be grouped."""

import numpy as np
import pandas as pd
import pytest
from tiny_recipe import RECIPE, write_recipe

from ecg_keras import workflow
from ecg_keras.errors import DataError
from ecg_keras.evaluation import Predictions
from ecg_keras.workflow import read_groupings
from ecg_keras.workflow.grouped import check_columns

pytestmark = pytest.mark.usefixtures("without_tfdv")


def predictions(records=("1", "2", "3", "4"), patients=("7", "7", "8", "9")):
    targets = np.arange(len(records))[:, None] % 2
    return Predictions(["MI"], records, patients, targets, 0.5 * targets)


def write(path, **columns):
    frame = pd.DataFrame(columns)
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("key", "ids"),
    [
        ("record_id", [1, 2, 4, 5]),
        ("ecg_id", ["1", "2", "4", "5"]),
        ("file", [1, 2, 4, 5]),
    ],
)
def test_a_table_is_joined_by_record(tmp_path, ending, key, ids):
    table = write(tmp_path / f"t.{ending}", **{key: ids}, site=["a", "b", "a", "b"])
    (grouping,) = read_groupings(["site"], predictions(), table=table)
    assert grouping.group_of == {"1": "a", "2": "b", "4": "a"}
    assert grouping.members(np.array(["1", "2", "3", "4"])).tolist() == [0, 1, -1, 0]


@pytest.mark.parametrize("ids", [[7, 8, 9], [7.0, 8.0, 9.0], ["7.0", "8.0", "9.0"]])
def test_a_table_is_joined_by_patient(tmp_path, ids):
    table = write(tmp_path / "t.csv", patient_id=ids, weight=[50, 70, 90])
    (grouping,) = read_groupings(["weight:60", "weight:60"], predictions(), table=table)
    assert list(grouping.group_of.values()) == ["under 60", "under 60", *["60 and over"] * 2]


def test_rows_that_disagree_are_refused_and_those_that_agree_are_one(tmp_path):
    table = write(tmp_path / "t.csv", patient_id=[7, 7, 8], site=["a", "a", "b"])
    assert read_groupings(["site"], predictions(), table=table)[0].names == ("a", "b")
    table = write(tmp_path / "t.csv", patient_id=[7, 7, 8], site=["a", "b", "b"])
    with pytest.raises(DataError, match="patient_id 7 is there with two values of site: 'a' and"):
        read_groupings(["site"], predictions(), table=table)


def test_what_is_nowhere_is_said(tmp_path):
    table = write(tmp_path / "t.csv", record_id=[5, 6], site=["a", "b"])
    with pytest.raises(DataError, match=r"column record_id has '5', and a record is 1 of patient"):
        read_groupings(["site"], predictions(), table=table)
    with pytest.raises(DataError, match=r"no column sites to group.*Did you mean 'site'"):
        read_groupings(["sites"], predictions(), table=table)
    with pytest.raises(DataError, match="can't be grouped by sex: their shards are not there"):
        read_groupings(["sex"], predictions())
    with pytest.raises(DataError, match="there is no such table of records"):
        check_columns(["sex"], tmp_path / "none.csv")
    with pytest.raises(DataError, match=r"by site: .*Give a CSV or Parquet table"):
        check_columns(["sex", "site"], None)
    check_columns(["sex", "age:40", "site"], table)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["device"], r"device: \d+ different values of \d+ records make no groups"),
        (["sex", "site:3"], "site: cuts need numbers. Received: 'a'"),
        (["sex:1"], "sex: cuts need numbers"),
    ],
)
def test_columns_that_make_no_groups_are_refused_before_training(
    tmp_path, monkeypatch, columns, message
):
    monkeypatch.chdir(tmp_path)
    ids = [f"RV{number:05}" for number in range(200)]
    write(
        tmp_path / "t.csv", record_id=ids, device=[f"d{one}" for one in ids], site=["a", "b"] * 100
    )
    settings = {"subgroups": columns, "subgroup_table": "t.csv" if columns != ["sex:1"] else None}
    write_recipe("mine", RECIPE | {"evaluation": RECIPE["evaluation"] | settings})
    for _ in range(2):  # where the shards are made, and where they are there
        plan = workflow.make_plan(workflow.make_job(workflow.load("mine.yaml")))
        with pytest.raises(DataError, match=message):
            workflow.run_plan(plan)
        assert not list(tmp_path.rglob("log.csv"))
    (problem,) = workflow.find_problems(plan)
    assert message.partition(":")[0] in str(problem)
