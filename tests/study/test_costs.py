"""What a study will cost: the arithmetic on a fake pilot, records, the table, and a real run."""

from dataclasses import replace

import pytest
from studies import GEORGIA, LUDB, PTBXL, load

from ecg_keras.study import cost_table, estimate, list_cells, snapshot
from ecg_keras.study.costs import price
from ecg_keras.study.dataset_sizes import DatasetSize
from ecg_keras.study.pilot import Pilot, Timing, workloads_of
from ecg_keras.study.worker import attempt

TIMING = Timing(
    step=0.5,
    trace=10.0,
    predict=0.01,
    predict_begin=0.25,
    predict_trace=2.0,
    build=1.0,
    save=3.0,
    between=20.0,
    parameters=1000,
    measured=True,
)
HEAD = replace(TIMING, step=0.1, trace=4.0)
COUNTED = DatasetSize(
    train=130, valid=20, test=30, labels=5, origin="raw files", shard_bytes=1e6, stored=False
)
TRAINING = {"batch_size": 32, "phases": [{"epochs": 4}]}


@pytest.fixture
def plan(tmp_path):
    """One pre-training, one run from scratch and one in two phases, all of resnet1d18."""
    phases = [{"epochs": 2, "train_from": "head"}, {"epochs": 10}]
    finetune = {"start": "upstream", "recipe": {"training": {"phases": phases}}}
    return list_cells(
        load(
            tmp_path,
            base={"training": TRAINING},
            modes={"scratch": {"start": "random"}, "finetune": finetune},
            grid={"seeds": [0]},
            question={"bootstrap": 100},
            folder=str(tmp_path / "study"),
        )
    )


def fake_pilot(plan, **changes):
    timings = {
        one: HEAD if one.train_from == "head" else TIMING
        for cell in plan.cells
        for one in workloads_of(cell.recipe)
    }
    return replace(Pilot(scoring=1e-3, timings=timings), **changes)


def price_all(plan, pilot, counted=COUNTED):
    return price(plan, dict.fromkeys(plan.by_name, counted), pilot, snapshot(plan))


def test_seconds_by_hand(plan):
    found = price_all(plan, fake_pilot(plan))
    seconds = {one.cell.recipe.mode: one.seconds for one in found.costs}
    # 5 steps of an epoch and its validation; one checkpoint at the end of the phase
    epochs = 4 * (5 * 0.5 + 0.25 + 20 * 0.01)
    scored = 1 + 2 * 2 + 50 * 0.01 + 1e-3 * 30 * 5 * 100
    assert seconds["scratch"] == pytest.approx(1 + 10 + 2 + epochs + 3 + scored)
    # 29.5 s of epochs in the second phase: two checkpoints; the upstream is opened, too
    head = 4 + 2 + 2 * (5 * 0.1 + 0.45) + 3
    rest = 10 + 2 + 10 * (5 * 0.5 + 0.45) + 2 * 3
    assert seconds["finetune"] == pytest.approx(2 + head + rest + scored)
    assert found.seconds() == pytest.approx(sum(seconds.values()))
    longer = seconds["pretrain"] + seconds["finetune"]
    assert found.seconds(workers=2) == pytest.approx(longer)
    assert found.seconds_by_kind()["pretrain"] == seconds["pretrain"]


def test_fewer_training_records_and_another_validation_split_count(tmp_path):
    def seconds(sizes, **training):
        plan = list_cells(
            load(
                tmp_path,
                base={"training": TRAINING | training},
                modes={"scratch": {"start": "random"}},
                grid={"seeds": [0], "sizes": sizes},
            )
        )
        return price_all(plan, fake_pilot(plan)).seconds()

    # five steps of 32 in an epoch, against two
    assert seconds(["all"]) - seconds([33]) == pytest.approx(4 * 3 * 0.5)
    assert seconds(["all"]) == seconds([10_000])
    tested = seconds(["all"], validate_on="test")
    assert tested - seconds(["all"]) == pytest.approx(4 * 10 * 0.01)


def test_disk_by_hand(plan):
    found = price_all(plan, fake_pilot(plan))
    # scratch and fine-tuning read the same shards
    assert found.shard_bytes == found.new_shard_bytes == 2e6
    assert found.run_bytes == found.new_run_bytes == 3 * (100_000 + 4000 + 50 * (80 + 25))
    assert found.peak_bytes == 8 * 4 * 1000
    stored = price_all(plan, fake_pilot(plan), replace(COUNTED, stored=True))
    assert (stored.shard_bytes, stored.new_shard_bytes) == (2e6, 0)


def test_what_is_done_costs_nothing(plan):
    now = snapshot(plan)
    done = plan.cells[0].name
    now = replace(now, states={**now.states, done: "done"}, seconds_done={done: 3.0}, counts={})
    before = price_all(plan, fake_pilot(plan))
    after = price(plan, dict.fromkeys(plan.by_name, COUNTED), fake_pilot(plan), now)
    assert before.seconds() - after.seconds() == pytest.approx(before.costs[0].seconds)
    assert after.counts["pretrain"]["done"] == 1
    assert after.counts["downstream"] == before.counts["downstream"]
    assert after.run_bytes == before.run_bytes
    assert after.run_bytes - after.new_run_bytes == pytest.approx(before.run_bytes / 3)


def test_the_table_says_what_is_not_counted(plan):
    none = price_all(plan, fake_pilot(plan), "there is no folder data/raw/x")
    text = cost_table(none, workers=4)
    assert none.seconds() == 0 and len(none.unknown) == 3
    assert "at least 0 s with one worker" in text
    assert "1 runs are not counted: ptbxl: there is no folder data/raw/x." in text
    assert "2 runs are not counted: ludb: there is no folder data/raw/x." in text
    assert "unknown" in text
    pilot = fake_pilot(plan)
    errors = dict.fromkeys(pilot.timings, "ConfigError: no such stage")
    text = cost_table(price_all(plan, replace(pilot, timings={}, errors=errors)))
    assert "3 runs are not counted: resnet1d18: ConfigError: no such stage." in text


def test_the_table(plan):
    pilot = fake_pilot(plan)
    judged = {
        one: replace(timing, measured=one.train_from == "head")
        for one, timing in pilot.timings.items()
    }
    text = cost_table(price_all(plan, replace(pilot, timings=judged)), workers=2)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "pre-training 1 0 0 0 1 0 48 s" in lines
    assert "resnet1d18 as_published stem 32 x 1000 ~0.5 s 1,000 3" in lines
    assert "resnet1d18 as_published head 32 x 1000 0.1 s 1,000 1" in lines
    assert "ptbxl 180 raw files 1 48 s" in lines
    assert "There was no time to measure these steps" in text
    assert "with 2 workers that share no GPU and no cores" in text
    assert "busy" not in text
    assert "busy" in cost_table(price_all(plan, replace(pilot, load=1000.0)))
    assert max(map(len, text.partition("~")[0].splitlines())) <= 100


@pytest.mark.long
def test_a_run_takes_about_as_long_as_was_estimated(tmp_path):
    simulated = {"source": "simulated", "raw": str(tmp_path / "raw"), "sampling_rate": 50}
    simulated |= {"seconds": 4, "shards": str(tmp_path / "shards")}
    simulated |= {"simulate": {"hospital": "lakeside", "records": 60}}
    simulated |= {"split": {"method": "patients"}}
    training = {"batch_size": 16, "phases": [{"epochs": 3}]}
    plan = list_cells(
        load(
            tmp_path,
            base={"data": simulated, "training": training, "model": {"backbone": "gru"}},
            upstreams={},
            downstreams={"lake": {}},
            modes={"scratch": {"start": "random"}},
            grid={"seeds": [0], "backbones": ["gru"], "heads": ["pooled"]},
            question={"bootstrap": 100},
            folder=str(tmp_path / "study"),
        )
    )
    told = []
    before = estimate(plan, lambda *step: told.append(step))
    assert told[0] == ("counting records", 1, 1)
    assert told[-1] == ("measuring", 1, 1)
    assert before.costs[0].size.origin == "simulation"
    assert attempt(plan.cells[0], tmp_path)
    assert snapshot(plan).counts["done"] == 1
    took = float(plan.cells[0].run.read_status()["seconds"])
    assert took / 5 < before.seconds() < took * 5
    after = estimate(plan)
    assert after.seconds() == 0
    assert after.costs[0].size.origin == "shards"
    assert after.new_shard_bytes == after.new_run_bytes == 0
    assert after.shard_bytes == pytest.approx(before.shard_bytes, rel=0.1)
    size = sum(path.stat().st_size for path in plan.cells[0].run.folder.rglob("*"))
    assert after.run_bytes == pytest.approx(size, rel=0.5)


def test_the_grids_of_one_network_are_measured_once(tmp_path, monkeypatch):
    plan = list_cells(
        load(
            tmp_path,
            downstreams={"ludb": LUDB, "georgia": GEORGIA},
            upstreams={"ptbxl": PTBXL},
            records={"ludb": 200, "georgia": 10344, "ptbxl": 21837},
            folder=str(tmp_path / "study"),
        )
    )
    asked = []

    def pilot(workloads, path, *, on_progress):
        asked.append((workloads, path))
        return Pilot(1e-6, dict.fromkeys(workloads, TIMING))

    monkeypatch.setattr("ecg_keras.study.costs.run_pilot", pilot)
    found = estimate(plan)
    ((workloads, path),) = asked
    assert len(workloads) == 1
    assert path == tmp_path / "study" / "pilot.json"
    assert found.unknown == ()
    assert {one.database: one.size.records for one in found.costs} == {
        "ptbxl": 21837,
        "ludb": 200,
        "georgia": 10344,
    }
