"""How many ECGs the runs of a study have, from the best source there is."""

import pytest
from small_databases import write_database
from studies import GEORGIA, MODES, study_plan

from ecg_keras.config import Split
from ecg_keras.data import prepare
from ecg_keras.study.dataset_sizes import count_records, split_shares

SCRATCH = {"modes": {"scratch": {"start": "random"}}, "upstreams": {}, "grid": {"seeds": [0]}}


def count_one(tmp_path, data, **sections):
    plan = study_plan(tmp_path, downstreams={"mine": {"data": data}}, **SCRATCH, **sections)
    (counted,) = count_records(plan).values()
    return counted


def test_shards_are_asked_first_then_raw_files(tmp_path):
    raw = write_database("ptbxl", tmp_path / "raw")
    data = {"source": "ptbxl", "raw": str(raw), "shards": str(tmp_path / "shards")}
    data |= {"split": {"method": "patients", "valid": 0.3, "test": 0.3}}
    counted = count_one(tmp_path, data, records={"mine": 9999})
    assert (counted.records, counted.origin, counted.stored) == (10, "raw files", False)
    assert (counted.valid, counted.test, counted.labels) == (3, 3, 5)
    plan = study_plan(tmp_path, downstreams={"mine": {"data": data}}, **SCRATCH)
    made = prepare(plan.cells[0].recipe.data, tmp_path / "shards" / "any")
    from_shards = count_one(tmp_path, data)
    assert (from_shards.origin, from_shards.stored) == ("shards", True)
    splits = made.splits
    assert (from_shards.train, from_shards.valid, from_shards.test) == tuple(
        splits[name].records for name in ("train", "valid", "test")
    )
    size = sum(path.stat().st_size for path in (tmp_path / "shards" / "any").glob("*.tfrecord"))
    assert from_shards.shard_bytes == size
    assert counted.shard_bytes == pytest.approx(size, rel=0.05)
    # of other settings
    other = count_one(tmp_path, data | {"seconds": 5})
    assert (other.origin, other.records) == ("raw files", 10)
    # the raw files may be gone
    raw.rename(tmp_path / "elsewhere")
    assert count_one(tmp_path, data).origin == "shards"


def test_a_simulation_is_counted_before_it_is_made(tmp_path):
    data = {"source": "simulated", "raw": str(tmp_path / "raw"), "simulate": {"records": 1000}}
    counted = count_one(tmp_path, data)
    assert (counted.origin, counted.records) == ("simulation", 1000)
    assert (counted.train, counted.valid, counted.test) == (650, 150, 200)
    (tmp_path / "raw").mkdir()  # begun
    assert count_one(tmp_path, data) == counted


def test_the_study_may_name_the_number(tmp_path):
    data = {"source": "ptbxl", "label_set": "superdiagnostic", "raw": str(tmp_path / "raw")}
    counted = count_one(tmp_path, data, records={"mine": 21837})
    assert (counted.origin, counted.records, counted.test) == ("study.records", 21837, 2184)
    assert counted.shard_bytes == pytest.approx(21837 * 24000, rel=0.05)
    # a source that is not there yet
    counted = count_one(tmp_path, {"source": "lab"}, records={"mine": 100})
    assert (counted.records, counted.train, counted.stored) == (100, 65, False)


def test_what_is_not_known_says_why(tmp_path):
    raw = tmp_path / "raw"
    assert count_one(tmp_path, {"source": "ptbxl", "raw": str(raw)}) == (
        f"there is no folder {raw}, and the study's `records` names no number for it"
    )
    raw.mkdir()
    assert "No such file or directory" in count_one(tmp_path, {"source": "ptbxl", "raw": str(raw)})


def test_each_dataset_is_counted_once_and_pretrainings_have_their_upstreams_name(tmp_path):
    plan = study_plan(
        tmp_path,
        upstreams={"up": GEORGIA},
        modes=MODES,
        grid={"seeds": [0, 1], "folds": 3},
        records={"up": 300, "ludb": 90},
    )
    told = []
    counted = count_records(plan, lambda *done: told.append(done))
    assert told == [(number, 4) for number in range(1, 5)]
    databases = plan.databases
    for cell in plan.cells:
        assert databases[cell.name] == ("up" if cell.kind == "pretrain" else "ludb")
        assert counted[cell.name].records == (300 if cell.kind == "pretrain" else 90)
    folds = {name: one for name, one in counted.items() if one.records == 90}
    assert {(one.train, one.valid, one.test) for one in folds.values()} == {(30, 30, 30)}


@pytest.mark.parametrize(
    ("split", "official", "shares"),
    [
        (Split(), True, (0.1, 0.1)),
        (Split(), False, (0.15, 0.2)),
        (Split(valid_folds=(8, 9), test_folds=(10,)), True, (0.2, 0.1)),
        (Split(folds=5, fold=2), True, (0.2, 0.2)),
    ],
)
def test_shares(split, official, shares):
    assert split_shares(split, official=official) == shares
