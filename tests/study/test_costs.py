"""What a study will cost: the arithmetic on a fake pilot, records, the table, and a real run."""

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st
from studies import GEORGIA, LUDB, PTBXL, TIMING, study_plan

from ecg_keras.study import (
    Running,
    cost_table,
    estimate,
    remaining_seconds,
    snapshot,
)
from ecg_keras.study.costs import makespan, price
from ecg_keras.study.dataset_sizes import DatasetSize
from ecg_keras.study.pilot import Pilot, workloads_of
from ecg_keras.study.worker import attempt
from ecg_keras.text import duration

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
    return study_plan(
        tmp_path,
        base={"training": TRAINING},
        modes={"scratch": {"start": "random"}, "finetune": finetune},
        grid={"seeds": [0]},
        question={"bootstrap": 100},
        folder=str(tmp_path / "study"),
    )


def fake_pilot(plan, **changes):
    timings = {
        one: HEAD if one.train_from == "head" else TIMING
        for cell in plan.cells
        for one in workloads_of(cell.recipe)
    }
    return replace(Pilot(scoring=1e-3, timings=timings), **changes)


def price_all(plan, pilot, counted=COUNTED):
    return price_now(plan, counted, pilot, snapshot(plan))


def price_now(plan, counted, pilot, now):
    sizes = dict.fromkeys(plan.by_name, counted)
    return price(plan.cells, plan.databases, sizes, pilot, now.states)


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
    assert f" {duration(seconds['pretrain'])}\n" in cost_table(found)


def test_fewer_training_records_and_another_validation_split_count(tmp_path):
    def seconds(sizes, **training):
        plan = study_plan(
            tmp_path,
            base={"training": TRAINING | training},
            modes={"scratch": {"start": "random"}},
            grid={"seeds": [0], "sizes": sizes},
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
    after = price_now(plan, COUNTED, fake_pilot(plan), now)
    assert before.seconds() - after.seconds() == pytest.approx(before.costs[0].seconds)
    runs, *others = (" ".join(line.split()) for line in cost_table(after).splitlines())
    assert runs == "runs in all done failed running waiting blocked time left"
    assert others[0] == "pre-training 1 1 0 0 0 0 0 s"
    assert others[1] in " ".join(cost_table(before).split())
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
    plan = study_plan(
        tmp_path,
        base={"data": simulated, "training": training, "model": {"backbone": "gru"}},
        upstreams={},
        downstreams={"lake": {}},
        modes={"scratch": {"start": "random"}},
        grid={"seeds": [0], "backbones": ["gru"], "heads": ["pooled"]},
        question={"bootstrap": 100},
        folder=str(tmp_path / "study"),
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
    plan = study_plan(
        tmp_path,
        downstreams={"ludb": LUDB, "georgia": GEORGIA},
        upstreams={"ptbxl": PTBXL},
        records={"ludb": 200, "georgia": 10344, "ptbxl": 21837},
        folder=str(tmp_path / "study"),
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


# ---------------------------------------------------------------- runs one after another

PAIR = {"a": ["pre"], "b": ["pre"]}


@pytest.mark.parametrize(
    ("workers", "seconds"), [(1, 27.0), (2, 16.0), (3, 16.0)], ids=["one", "two", "three"]
)
def test_runs_wait_for_their_pretraining(workers, seconds):
    assert makespan({"pre": 10.0, "other": 7.0, "a": 4.0, "b": 6.0}, PAIR, workers) == seconds


def test_a_pretraining_that_is_over_is_not_waited_for():
    assert makespan({"a": 4.0, "b": 6.0}, PAIR, workers=2) == 6.0
    assert makespan({}, {}) == 0.0


@given(
    st.lists(st.floats(min_value=0, max_value=1e6), max_size=30),
    st.integers(min_value=1, max_value=8),
    st.data(),
)
def test_no_schedule_beats_its_longest_chain_or_its_mean(seconds, workers, data):
    names = [str(number) for number in range(len(seconds))]
    needs = {
        name: data.draw(st.lists(st.sampled_from(names[: number // 2] or names[:1]), max_size=3))
        if number > 1
        else []
        for number, name in enumerate(names)
    }
    length = dict(zip(names, seconds, strict=True))
    chains = {}
    for name in names:
        chains[name] = length[name] + max((chains[one] for one in needs[name]), default=0)
    found = makespan(length, needs, workers)
    total = sum(seconds)
    assert found <= total * (1 + 1e-9) + 1e-9
    assert found >= max([total / workers, *chains.values()]) * (1 - 1e-9) - 1e-9
    assert makespan(length, needs, 1) == pytest.approx(total)


@pytest.fixture
def seeds_plan(tmp_path):
    """A pre-training, and two seeds on two databases, from scratch and fine-tuned."""
    return study_plan(
        tmp_path,
        downstreams={"ludb": LUDB, "georgia": GEORGIA},
        modes={"scratch": {"start": "random"}, "finetune": {"start": "upstream"}},
        base={"training": {"phases": [{"epochs": 10}]}},
        grid={"seeds": [0, 1]},
    )


def after(plan, done=(), running=(), **states):
    begun = snapshot(plan)
    states = {**begun.states, **dict.fromkeys(done, "done"), **states}
    states |= {one.name: "running" for one in running}
    return replace(begun, states=states, seconds_done=dict(done), running=tuple(running))


def test_nothing_is_said_before_a_run_is_over(seeds_plan):
    assert remaining_seconds(seeds_plan, snapshot(seeds_plan)) is None


def test_runs_take_as_long_as_those_most_like_them(seeds_plan):
    plan = seeds_plan
    done = {"ludb-resnet1d18-scratch-s0": 10.0}
    # all there is to go by: 8 other runs
    assert remaining_seconds(plan, after(plan, done)) == 80.0
    done["georgia-resnet1d18-scratch-s0"] = 100.0
    # the other seeds and both fine-tunings of each, and the pre-training at the mean
    expected = 3 * 10 + 3 * 100 + 55
    assert remaining_seconds(plan, after(plan, done)) == expected
    done["pretrain-ptbxl-resnet1d18-s0"] = 500.0
    assert remaining_seconds(plan, after(plan, done)) == expected - 55


def test_what_failed_is_not_waited_for_and_what_runs_is_partly_done(seeds_plan):
    plan = seeds_plan
    done = {"pretrain-ptbxl-resnet1d18-s0": 500.0, "ludb-resnet1d18-scratch-s0": 10.0}
    done["georgia-resnet1d18-scratch-s0"] = 100.0
    running = [Running("georgia-resnet1d18-scratch-s1", 7, 10, 0.8)]
    failed = {"georgia-resnet1d18-finetune-from-ptbxl-s0": "failed"}
    now = after(plan, done, running, **failed)
    assert remaining_seconds(plan, now) == pytest.approx(3 * 10 + 100 + 0.3 * 100)
    running.append(Running("georgia-resnet1d18-finetune-from-ptbxl-s1", 0, 10, None))
    now = after(plan, done, running, **failed)
    # two workers: one has 100 s to go; the other 30 s, then three runs of 10 s
    assert remaining_seconds(plan, now) == pytest.approx(100)
    # the second worker is between two runs: three of 10 s come before the one of 100 s
    now = after(plan, done, running[:1], **failed)
    assert remaining_seconds(plan, now, workers=2) == pytest.approx(30 + 100)


def test_a_run_that_is_chosen_says_nothing_of_one_that_is_trained(tmp_path):
    two = {"tune": {"candidates": [{"rate": 0.3}, {"rate": 1}], "extend": False}}
    modes = {"scratch": {"start": "random"}}
    plan = study_plan(
        tmp_path,
        base=two,
        upstreams={},
        modes=modes,
        protocols={"tuned": {}, "plain": {"recipe": {"tune": None}}},
        grid={"seeds": [0, 1]},
    )
    # the untuned run is a candidate of the tuned one, too
    done = {cell.name: 90.0 for cell in plan.cells if cell.kind == "candidate"}
    done |= {"ludb-resnet1d18-scratch-s0": 10.0, "ludb-resnet1d18-scratch-s0-rate_1": 100.0}
    # the other seed of both
    assert remaining_seconds(plan, after(plan, done)) == 10.0 + 100.0
