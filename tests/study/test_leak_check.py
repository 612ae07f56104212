"""Leaks that a study finds before it trains anything. What is known is planted in one database."""

import pytest
from studies import ThisProcess, simulated, tiny

from ecg_keras.config import load_study, parse_overrides
from ecg_keras.errors import DataError
from ecg_keras.simulate import simulate
from ecg_keras.study import list_cells, run_study, snapshot
from ecg_keras.study.cell_notes import forget_failure, read_leak, write_failure
from ecg_keras.study.leak_check import is_checked, list_unchecked, refuse_leaks
from ecg_keras.study.running import dispatch
from ecg_keras.training import LeakError, Run

pytestmark = pytest.mark.usefixtures("without_tfdv")
# a source of another name that reads the same hospital: its patients are split otherwise
COPY = "sources_of_tests.waiting"
SOURCES = {
    "upstreams": {"lake": simulated("lakeside", 60)},
    "downstreams": {
        "copy": {"data": {"source": COPY, "split": {"seed": 1}}},
        "river": simulated("riverside", 60),
    },
    "modes": {"scratch": {"start": "random"}, "finetune": {}},
}


def study_of(folder, **changes):
    raw = {"simulated": str(folder / "raw"), COPY: str(folder / "lake")}
    return tiny(folder, raw=raw, **{**SOURCES, **changes})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("leaky")
    simulate(root / "lake", hospital="lakeside", records=60)
    return root


@pytest.fixture(scope="module")
def refused(folder):
    """A study that was refused, by its processes as a user runs them, and what it said."""
    plan = study_of(folder)
    with pytest.raises(DataError) as caught:
        run_study(plan, workers=2)
    return plan, str(caught.value)


def check(plan):
    dispatch(plan, plan.cells, ThisProcess(plan), lambda now: None, check=True)


@pytest.mark.slow
def test_a_leak_is_told_before_anything_is_trained(refused, folder):
    plan, message = refused
    assert not list(plan.folder.rglob("model.keras")) and not list(plan.folder.rglob("log.csv"))
    first, arm, pretrain, go_on = message.splitlines()
    assert first == (
        f"{folder / 'mine.yaml'}: 1 of 5 runs would be tested on ECGs that their networks know. "
        "Nothing is trained until this is settled:"
    )
    (shards,) = (folder / "shards").glob("waiting-*")
    upstream = plan.folder / "runs" / "pretrain-lake-gru-pooled-s0"
    known = f"  copy, gru, finetune from lake, pooled head (1 run): {shards}: the upstream"
    assert arm.startswith(f"{known} {upstream} knows ")
    assert "(the same signal as " in arm and "in pretrain-lake-gru-pooled-s0)" in arm
    assert pretrain == (
        "Pre-train on lake without them, for a network can't forget: --set "
        f"'upstreams.lake.data.without=[{shards}]'"
    )
    said = "Or continue, and the page then says so: --set downstreams.copy.data.leaks=allow"
    assert go_on == said
    # the other runs were looked at, too, and wait
    assert snapshot(plan).counts == {
        "done": 0, "failed": 1, "running": 0, "waiting": 4, "blocked": 0,
    }  # fmt: skip
    assert sum(is_checked(cell) for cell in plan.cells) == 4


@pytest.mark.slow
@pytest.mark.parametrize("advice", [2, 3])
def test_what_the_message_advises_helps(refused, advice):
    plan, message = refused
    setting = message.splitlines()[advice].rpartition("--set ")[2].strip("'")
    corrected = list_cells(load_study(plan.loaded.path, parse_overrides([setting])))
    cells = corrected.cells
    for cell in cells:
        forget_failure(cell.run)
    before = {cell.name: cell.run.read_status().get("upstream") for cell in cells}
    check(corrected)
    refuse_leaks(corrected, cells)
    assert all(is_checked(cell) for cell in cells)
    if advice == 2:  # what starts from another pre-training than before is checked again
        for cell in cells:
            same = cell.run.read_status()["upstream"] == before[cell.name]
            assert same == (not cell.needs)
    assert not list(corrected.folder.rglob("model.keras"))


@pytest.mark.slow
def test_a_cell_that_can_not_be_checked_fails_alone(tmp_path):
    plan = study_of(tmp_path)  # without the recordings of the copy
    check(plan)
    refuse_leaks(plan, plan.cells)
    states = snapshot(plan).states
    assert {name for name, state in states.items() if state == "failed"} == {
        "copy-gru-pooled-scratch-s0",
        "copy-gru-pooled-finetune-from-lake-s0",
    }
    assert list_unchecked(plan.cells, states) == []


def test_what_starts_from_a_run_is_checked_after_it(tmp_path):
    plan = study_of(tmp_path)
    names = [cell.name for cell in list_unchecked(plan.cells, snapshot(plan).states)]
    pretraining = "pretrain-lake-gru-pooled-s0"
    assert names == [pretraining, "copy-gru-pooled-scratch-s0", "river-gru-pooled-scratch-s0"]
    left = list_unchecked(plan.cells, snapshot(plan).states, checked=names)
    assert [cell.needs for cell in left] == [(pretraining,)] * 2


def leak(cell, *, upstream, shards="shards/s"):
    cell.run.folder.mkdir(parents=True)
    what = "the upstream u knows 2 of 9 test records" if upstream else "its training would know 1"
    write_failure(cell.run, LeakError(what, "Do this.", shards=shards, upstream=upstream))


def test_each_arm_is_named_once_with_the_settings_that_help(tmp_path):
    upstreams = {"lake": {"data": {**simulated("lakeside", 60)["data"], "without": ["shards/old"]}}}
    grid = {"backbones": ["gru"], "heads": ["pooled"], "seeds": [0, 1, 2]}
    plan = study_of(tmp_path, grid=grid, upstreams=upstreams)
    refuse_leaks(plan, plan.cells)
    for cell in plan.cells:
        if cell.kind == "pretrain":
            leak(cell, upstream=False)
        elif cell.needs and cell.arm.downstream == "copy":
            leak(cell, upstream=True, shards=f"shards/{cell.seed % 2}")
        elif cell.arm.downstream == "river" and not cell.needs:
            leak(cell, upstream=False)
    with pytest.raises(DataError) as caught:
        refuse_leaks(plan, plan.cells)
    assert str(caught.value).splitlines()[1:] == [
        "  pre-training on lake (1 run): shards/s: its training would know 1",
        "  copy, gru, finetune from lake, pooled head (3 runs): shards/0: the upstream u knows 2 "
        "of 9 test records",
        "  river, gru, scratch, pooled head (3 runs): shards/s: its training would know 1",
        "Pre-train on lake without them, for a network can't forget: --set "
        "'upstreams.lake.data.without=[shards/old,shards/0,shards/1]'",
        "Leave them out of its own training: --set upstreams.lake.data.leaks=leave_out",
        "Leave them out of its own training: --set downstreams.river.data.leaks=leave_out",
        "Or continue, and the page then says so: --set upstreams.lake.data.leaks=allow --set "
        "downstreams.copy.data.leaks=allow --set downstreams.river.data.leaks=allow",
    ]


def test_of_a_given_upstream_another_one_is_advised_or_none(tmp_path):
    made = Run(tmp_path / "theirs")
    made.write_status(state="trained", fingerprint="f", settings={"model": {"backbone": "gru"}})
    plan = study_of(tmp_path, upstreams={"theirs": {"from": str(made.folder)}})
    for cell in plan.cells:
        if cell.recipe.mode == "finetune":
            leak(cell, upstream=True)
    with pytest.raises(DataError) as caught:
        refuse_leaks(plan, plan.cells)
    *_, first, second, go_on = str(caught.value).splitlines()
    assert first == (
        "theirs is trained already, and a network can't forget: take another upstream, or leave "
        "copy out for it, with {upstream: theirs, downstream: copy} in exclude."
    )
    assert "with {upstream: theirs, downstream: river} in exclude" in second
    assert go_on.startswith("Or continue, ")
    assert "Leave them out of its own training" not in str(caught.value)


def test_other_failures_are_no_leaks(tmp_path):
    plan = study_of(tmp_path)
    cell = plan.cells[0]
    cell.run.folder.mkdir(parents=True)
    write_failure(cell.run, DataError("the disk is full"))
    assert read_leak(cell.run) is None
    (cell.run.folder / "failed.json").write_text('{"leak": {"what": 1}}')
    assert read_leak(cell.run) is None
    refuse_leaks(plan, plan.cells)
