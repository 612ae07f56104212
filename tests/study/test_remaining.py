"""The time that is left: runs one after another on workers, and what finished runs tell."""

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st
from studies import GEORGIA, LUDB, load

from ecg_keras.study import Running, list_cells, snapshot
from ecg_keras.study.costs import makespan, remaining_seconds

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
def plan(tmp_path):
    """A pre-training, and two seeds on two databases, from scratch and fine-tuned."""
    return list_cells(
        load(
            tmp_path,
            downstreams={"ludb": LUDB, "georgia": GEORGIA},
            modes={"scratch": {"start": "random"}, "finetune": {"start": "upstream"}},
            base={"training": {"phases": [{"epochs": 10}]}},
            grid={"seeds": [0, 1]},
        )
    )


def after(plan, done=(), running=(), **states):
    begun = snapshot(plan)
    states = {**begun.states, **dict.fromkeys(done, "done"), **states}
    states |= {one.name: "running" for one in running}
    return replace(begun, states=states, seconds_done=dict(done), running=tuple(running))


def test_nothing_is_said_before_a_run_is_over(plan):
    assert remaining_seconds(plan, snapshot(plan)) is None


def test_runs_take_as_long_as_those_most_like_them(plan):
    done = {"ludb-resnet1d18-scratch-s0": 10.0}
    # all there is to go by: 8 other runs
    assert remaining_seconds(plan, after(plan, done)) == 80.0
    done["georgia-resnet1d18-scratch-s0"] = 100.0
    # the other seeds and both fine-tunings of each, and the pre-training at the mean
    expected = 3 * 10 + 3 * 100 + 55
    assert remaining_seconds(plan, after(plan, done)) == expected
    done["pretrain-ptbxl-resnet1d18-s0"] = 500.0
    assert remaining_seconds(plan, after(plan, done)) == expected - 55


def test_what_failed_is_not_waited_for_and_what_runs_is_partly_done(plan):
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
