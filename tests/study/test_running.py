"""Studies that really run, on simulated ECGs and tiny networks."""

import errno
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from finished_study import finish_cell
from hypothesis import given, strategies as st
from studies import simulated, study_plan, tiny

from ecg_keras import evaluation, workflow
from ecg_keras.cli.study_command import study
from ecg_keras.config import LoadedRecipe
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.simulate import simulate
from ecg_keras.study import StudyPlan, local_pool, run_study, running, snapshot, worker
from ecg_keras.study.cell_notes import is_claimed
from ecg_keras.study.running import share
from ecg_keras.study.worker import MANY, pack, unpack

pytestmark = pytest.mark.usefixtures("without_tfdv")
# of a process that starts or ends on a busy machine
PATIENCE = 120


def waiting(folder: Path) -> dict:
    """Sections with a source that can be held up, and whose recordings may be missing."""
    slow = {"data": {"source": "sources_of_tests.waiting"}}
    raw = {"simulated": str(folder / "raw"), "sources_of_tests.waiting": str(folder / "slow")}
    return {"upstreams": {"lake": simulated("lakeside", 60), "slow": slow}, "raw": raw}


def trained_at(plan):
    return {c.name: c.run.model.stat().st_mtime_ns for c in plan.cells if c.run.model.exists()}


# ---------------------------------------------------------------- one study, run twice


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def plan(folder) -> StudyPlan:
    """A pre-training that fails for want of recordings, a source that is not there, and others."""
    downstreams = {
        "river": simulated("riverside", 80),
        "later": {"data": {"source": "later"}},
    }
    return tiny(folder, downstreams=downstreams, **waiting(folder))


@pytest.fixture(scope="module")
def first(plan):
    """What is told when two shards ran at the same time, as two machines of a cluster would."""
    found = {}

    def run(number):
        found[number] = run_study(
            plan, shard=(number, 2), on_tick=found.setdefault("all", []).append
        )

    threads = [threading.Thread(target=run, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found["all"], snapshot(plan)


DONE = {
    "pretrain-lake-gru-pooled-s0",
    "river-gru-pooled-scratch-s0",
    "river-gru-pooled-finetune-from-lake-s0",
}


@pytest.mark.slow
def test_what_can_be_run_is_run_and_a_failure_stops_nothing_else(plan, first, folder):
    _, last = first
    assert last.counts == {"done": 3, "failed": 1, "running": 0, "waiting": 0, "blocked": 4}
    assert last.is_over
    assert {name for name, state in last.states.items() if state == "done"} == DONE
    ((name, error),) = last.failures
    assert name == "pretrain-slow-gru-pooled-s0"
    assert error.endswith(
        f"there is no folder {folder / 'slow'} with the recordings of sources_of_tests.waiting. "
        "Say where they are: --set raw.sources_of_tests.waiting=FOLDER."
    )
    reasons = dict(last.blocked)
    assert reasons["river-gru-pooled-finetune-from-slow-s0"] == f"its pre-training {name} is failed"
    assert reasons["later-gru-pooled-scratch-s0"].startswith("no source named 'later'")
    assert set(last.seconds_done) == DONE
    assert all(seconds > 0 for seconds in last.seconds_done.values())


@pytest.mark.slow
def test_no_two_processes_run_the_same_cell(plan, first):
    for name in DONE:
        log = (plan.by_name[name].run.folder / "cell.log").read_text()
        assert log.count(f": {name}\n") == 1
    ticks, _ = first
    assert any(now.counts["running"] for now in ticks)


@pytest.mark.slow
def test_a_cell_is_an_ordinary_run_without_a_page(plan, first):
    for name in DONE:
        run = workflow.open_scored(plan.by_name[name].run.folder)
        assert not run.report.exists()
    # the same numbers as when it is trained alone, whatever its process had run before
    cell = plan.by_name["river-gru-pooled-scratch-s0"]
    alone = cell.recipe.model_copy(update={"run": plan.folder / "alone"})
    job = workflow.make_job(LoadedRecipe("alone", Path("alone.yaml"), alone, {}))
    workflow.run_plan(workflow.make_plan(job))
    ours, theirs = (
        evaluation.Predictions.load(run.predictions("test")) for run in (cell.run, job.run)
    )
    assert np.array_equal(ours.probabilities, theirs.probabilities)
    assert cell.run.scores.read_bytes() == job.run.scores.read_bytes()


@pytest.mark.slow
def test_the_command_tells_what_failed_and_writes_the_page_all_the_same(plan, first, monkeypatch):
    before = trained_at(plan)
    monkeypatch.chdir(plan.folder)
    told = CliRunner().invoke(study, [str(plan.loaded.path)])
    assert told.exit_code == 1
    lines = told.output.splitlines()
    assert "3 done, 1 failed, 4 blocked" in lines
    assert any(one.startswith("failed  pretrain-slow-gru-pooled-s0: ") for one in lines)
    assert "1 blocked: its pre-training pretrain-slow-gru-pooled-s0 is failed" in lines
    assert lines[-1] == f"report  {plan.folder / 'report.html'}"
    page = (plan.folder / "report.html").read_text()
    assert "pretrain-slow-gru-pooled-s0" in page
    assert trained_at(plan) == before


@pytest.mark.slow
def test_the_same_command_keeps_what_is_done_and_tries_again_what_failed(plan, first, folder):
    before = trained_at(plan)
    simulate(folder / "slow", hospital="hillside", records=60)
    ticks = []
    last = run_study(plan, workers=2, on_tick=ticks.append)
    assert last.counts == {"done": 5, "failed": 0, "running": 0, "waiting": 0, "blocked": 3}
    assert not list(plan.folder.rglob("failed.json"))
    after = trained_at(plan)
    assert {name: after[name] for name in before} == before
    assert len(after) == 5
    assert ticks[-1] == last
    assert "Warning" not in (plan.folder / "workers.log").read_text()

    last = run_study(plan)  # nothing is left to do
    assert (last.is_over, trained_at(plan)) == (True, after)

    with pytest.raises(
        ConfigError, match=r"5 of 5 runs in .* were made with other settings\."
    ) as e:
        run_study(
            tiny(
                folder,
                base={"training": {"phases": [{"epochs": 3}]}},
                **waiting(folder),
            )
        )
    assert "pretrain-lake-gru-pooled-s0: " in str(e.value)
    assert "training.phases: " in str(e.value)
    assert "--set folder=FOLDER" in str(e.value)

    (folder / "slow" / "note.txt").write_text("new")  # which no source reads
    assert run_study(plan).is_over
    header = min((folder / "slow").rglob("*.hea"))
    header.write_text(header.read_text() + "# new\n")
    with pytest.raises(ConfigError, match=r"2 of 8 .*pretrain-slow-.*: the recordings in .*slow\."):
        run_study(plan)
    assert trained_at(plan) == after


# ---------------------------------------------------------------- processes that die


def slow_study(folder: Path) -> StudyPlan:
    """One run that fails at once, and one that is held up."""
    simulate(folder / "slow", hospital="lakeside", records=60)
    (folder / "wait").touch()
    sections = waiting(folder)
    downstreams = {"gone": {"data": {"source": "georgia"}}, "slow": sections["upstreams"]["slow"]}
    modes = {"scratch": {"start": "random"}}
    raw = sections["raw"] | {"georgia": str(folder / "nothing")}
    del raw["simulated"]
    return tiny(folder, upstreams={}, downstreams=downstreams, modes=modes, raw=raw, base=BASE)


BASE = {
    "data": {"sampling_rate": 25, "seconds": 4, "split": {"method": "patients"}},
    "training": {"batch_size": 16, "phases": [{"epochs": 1}]},
}


def busy_process(plan: StudyPlan) -> int | None:
    """The process that runs the cell that is held up."""
    run = plan.cells[1].run
    return json.loads((run.folder / "cell.json").read_text())["pid"] if is_claimed(run) else None


def wait_for(condition):
    end = time.monotonic() + PATIENCE
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


@pytest.mark.long
def test_a_cell_that_ends_its_process_twice_has_failed_and_others_run(tmp_path):
    plan = slow_study(tmp_path)
    killed = Counter()

    def kill(now):
        process = busy_process(plan)
        if process is not None and not killed[process]:
            killed[process] += 1
            os.kill(process, signal.SIGKILL)

    last = run_study(plan, workers=1, on_tick=kill)
    assert len(killed) == 2
    assert last.counts["failed"] == 2
    failures = dict(last.failures)
    assert failures["slow-gru-pooled-scratch-s0"].startswith(
        "the process that ran it was killed 2 times (exit code -9), perhaps for want of memory."
    )
    assert "there is no folder" in failures["gone-gru-pooled-scratch-s0"]


@pytest.mark.slow
def test_a_request_to_end_stops_the_workers_too(tmp_path):
    plan = slow_study(tmp_path)

    def ask(now):
        if busy_process(plan) is not None:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        run_study(plan, on_tick=ask)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert snapshot(plan).states[plan.cells[1].name] == "waiting"


@pytest.mark.slow
def test_workers_end_with_the_process_that_started_them(tmp_path):
    plan = slow_study(tmp_path)
    code = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "from ecg_keras.config import load_study\n"
        "from ecg_keras.study import list_cells, run_study\n"
        f"run_study(list_cells(load_study({str(tmp_path / 'mine.yaml')!r})))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    assert wait_for(lambda: busy_process(plan))
    parent.kill()
    parent.wait()
    assert wait_for(lambda: not is_claimed(plan.cells[1].run))
    assert snapshot(plan).states[plan.cells[1].name] == "waiting"


def test_workers_share_the_cores_and_the_gpus(monkeypatch):
    monkeypatch.setattr(local_pool, "count_cores", lambda: 8)
    monkeypatch.setattr(local_pool, "_list_gpus", lambda: ["2", "3"])
    (alone,) = local_pool._environments(1, 1)
    assert set(alone) == {"TF_CPP_MIN_LOG_LEVEL"}  # all cores and GPUs
    three = list(local_pool._environments(3, 3))
    assert [one["CUDA_VISIBLE_DEVICES"] for one in three] == ["2", "3", "2"]
    assert {one["TF_NUM_INTRAOP_THREADS"] for one in three} == {"2"}
    (last,) = local_pool._environments(3, 1)  # all cores, and the GPU that it had among others
    assert (last["CUDA_VISIBLE_DEVICES"], last["TF_NUM_INTRAOP_THREADS"]) == ("2", "8")
    assert {one["ECG_KERAS_MEMORY_SHARED_BY"] for one in (*three, last)} == {"3"}


def test_a_last_cell_is_begun_as_one_of_all_workers(tmp_path, monkeypatch):
    plan = tiny(tmp_path)
    for cell in plan.cells[1:]:
        finish_cell(cell)
    asked = []

    def open_pool(plan, *given):
        asked.append(given)
        return nullcontext()

    monkeypatch.setattr(running, "open_processes", open_pool)
    monkeypatch.setattr(running, "dispatch", lambda *given, check: None)
    run_study(plan, workers=4)
    assert asked == [(4, 1)]


def test_gpus_are_named_as_the_user_named_them(monkeypatch):
    devices = ["GPU:0", "GPU:1"]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: devices)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,7")
    assert local_pool._list_gpus() == ["3", "7"]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert local_pool._list_gpus() == ["0", "1"]
    devices.clear()
    assert local_pool._list_gpus() == []


# ---------------------------------------------------------------- shards


@given(seeds=st.integers(1, 4), upstream_seeds=st.integers(1, 3), shards=st.integers(1, 9))
def test_shards_share_the_cells_and_each_has_the_pretrainings_it_needs(
    tmp_path_factory, seeds, upstream_seeds, shards
):
    grid = {"seeds": list(range(seeds)), "upstream_seeds": list(range(upstream_seeds))}
    plan = study_plan(tmp_path_factory.mktemp("shards"), grid=grid)
    parts = [share(plan, (number, shards)) for number in range(1, shards + 1)]
    ran = Counter(cell.name for part in parts for cell in part if cell.kind == "downstream")
    assert ran == Counter(cell.name for cell in plan.cells if cell.kind == "downstream")
    for part in parts:
        names = [cell.name for cell in part]
        for place, cell in enumerate(part):
            assert set(cell.needs) <= set(names[:place])
        needed = {name for cell in part for name in cell.needs}
        assert {cell.name for cell in part if cell.kind == "pretrain"} == needed
    sizes = [sum(cell.kind == "downstream" for cell in part) for part in parts]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("seeds", [3, 5, 20])
@pytest.mark.parametrize("shards", [2, 3, 4, 8])
def test_shards_have_as_much_of_each_arm_and_keep_pairs_together(tmp_path, seeds, shards):
    plan = study_plan(tmp_path, grid={"seeds": list(range(seeds))})
    parts = [
        [cell for cell in share(plan, (number, shards)) if cell.kind == "downstream"]
        for number in range(1, shards + 1)
    ]
    counts = [Counter(cell.arm for cell in part) for part in parts]
    arms = dict.fromkeys(cell.arm for part in parts for cell in part)
    assert {arm.mode for arm in arms} == {"scratch", "finetune"}
    for arm in arms:
        assert {count[arm] for count in counts} <= {seeds // shards, -(-seeds // shards)}
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1
    found = [Counter(cell.seed for cell in part) for part in parts]
    together = sum(len(arms) in [count[seed] for count in found] for seed in range(seeds))
    assert together >= seeds - seeds % shards


STANDS_FOR = """
import os, sys
counter = open({counter!r}, "a")
counter.write("x")
counter.flush()
if counter.tell() in {dies}:
    sys.exit(7)
sys.stdin.readline()
os.write(1, b"r")
for line in sys.stdin:
    os.write(1, b"1")
"""


def run_here(plan, monkeypatch, cells, dies=()):
    """Runs cells by processes that do nothing, of which some end at once; who had each."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    counter = plan.folder / "counter"
    counter.write_text("")
    code = STANDS_FOR.format(counter=str(counter), dies=dies)
    monkeypatch.setattr(local_pool, "command_of", lambda module: [sys.executable, "-c", code])
    processes = []
    with local_pool.open_processes(plan, 1, len(cells)) as pool:
        for name in cells:
            task = pool.begin(name, False)
            assert task.request == {"cell": name, "check": False}
            while not pool.wait([task], PATIENCE):
                pass
            assert pool.result(task, name)
            processes.append(len(counter.read_text()))
    return processes


def test_a_process_makes_way_for_a_new_one_after_many_cells(tmp_path, monkeypatch):
    plan = tiny(tmp_path)
    names = [str(number) for number in range(2 * MANY + 1)]
    assert run_here(plan, monkeypatch, names) == [1] * MANY + [2] * MANY + [3]


def test_processes_that_end_before_they_begin_are_no_fault_of_a_cell(tmp_path, monkeypatch):
    plan = tiny(tmp_path)
    assert run_here(plan, monkeypatch, ["a"], dies=(1, 2)) == [3]
    message = r"workers\.log: the processes that run cells end before they begin \(exit code 7\)"
    with pytest.raises(DataError, match=message):
        run_here(plan, monkeypatch, ["a"], dies=(1, 2, 3))


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (
            "sys.exit('No space left on device')",
            "the process that ran it ended 2 times by itself (exit code 1). The end of {printed} "
            "says why, or of {log}: correct that, and run the same command again.",
        ),
        (
            "os.kill(os.getpid(), 6)",
            "the process that ran it ended 2 times by itself (exit code -6). The end of {printed} "
            "says why, or of {log}: correct that, and run the same command again.",
        ),
        (
            "os.kill(os.getpid(), 9)",
            "the process that ran it was killed 2 times (exit code -9), perhaps for want of "
            "memory. Use fewer workers or a smaller training.batch_size, and run the same command "
            "again.",
        ),
    ],
)
def test_how_a_process_ended_decides_what_is_said_of_it(tmp_path, monkeypatch, end, expected):
    plan = tiny(tmp_path)
    plan.folder.mkdir()
    monkeypatch.setattr(running, "PAUSE", 0.0)
    code = STANDS_FOR.format(counter=str(tmp_path / "counter"), dies=())
    code = code.replace('os.write(1, b"1")', end)
    monkeypatch.setattr(local_pool, "command_of", lambda module: [sys.executable, "-c", code])
    cell, *_ = plan.cells
    with local_pool.open_processes(plan, 1, 1) as pool:
        running.dispatch(plan, [cell], pool, lambda now: None, check=False)
    log = plan.folder / "workers.log"
    said = expected.format(log=log, printed=cell.run.folder / "cell.log")
    assert dict(snapshot(plan).failures)[cell.name] == said
    assert log.read_text().count("No space left on device") == 2 * ("sys.exit" in end)


def test_a_process_prints_where_it_began_once_a_cell_can_print_no_more(tmp_path, monkeypatch):
    before = os.fstat(1)
    monkeypatch.setattr(sys, "stdout", Full())
    with pytest.raises(OSError, match="No space"), worker._writing_to(tmp_path / "cell.log"):
        sys.stdout.full = True
    assert os.path.samestat(os.fstat(1), before)


class Full(io.StringIO):
    """A file on a disk that fills up."""

    full = False

    def flush(self):
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.filterwarnings("ignore:flock not supported")
def test_without_locks_nothing_is_begun(tmp_path, monkeypatch):
    def refuse(descriptor, operation):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr("fcntl.flock", refuse)
    monkeypatch.setattr(running, "open_processes", None)
    plan = tiny(tmp_path)
    with pytest.raises(DataError, match="study: this file system keeps no locks"):
        run_study(plan)
    for cell in plan.cells:
        finish_cell(cell)
    assert run_study(plan).counts["done"] == len(plan.cells)  # as with a copy, to have its page


def test_another_process_gets_the_same_plan(tmp_path):
    plan = tiny(tmp_path, **waiting(tmp_path))
    other = unpack(pack(plan.loaded))
    assert [(c.name, c.recipe, c.needs) for c in other.cells] == [
        (c.name, c.recipe, c.needs) for c in plan.cells
    ]
    assert other.folder == plan.folder
    assert other.points == plan.points


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"workers": 0}, r"workers must be at least 1\. Received: 0"),
        ({"shard": (3, 2)}, r"a shard is i/n with i from 1 to n\. Received: 3/2"),
        ({"shard": (0, 2)}, r"Received: 0/2"),
    ],
)
def test_arguments_out_of_range_are_refused(tmp_path, arguments, expected):
    with pytest.raises(ConfigError, match=expected):
        run_study(tiny(tmp_path), **arguments)
    assert not (tmp_path / "study").exists()
