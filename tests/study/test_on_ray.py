"""Studies on a Ray cluster of one machine."""

import sys
from functools import partial
from types import SimpleNamespace

import pytest
from studies import simulated, tiny

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.study import on_ray, run_study, running
from ecg_keras.study.cell_notes import forget_failure, write_failure
from ecg_keras.study.leak_check import refuse_leaks
from ecg_keras.study.running import dispatch
from ecg_keras.training import LeakError


def plan_of(folder):
    return tiny(
        folder,
        downstreams={
            "river": simulated("riverside", 60),
            "gone": {"data": {"source": "ptbxl"}},
        },
        modes={"scratch": {"start": "random"}},
        upstreams={},
    )


@pytest.mark.long
def test_the_cells_of_a_study_run_on_ray(tmp_path):
    ray = pytest.importorskip("ray")
    plan = plan_of(tmp_path)
    ticks = []
    last = run_study(plan, ray="local", on_tick=ticks.append)
    assert not ray.is_initialized()
    assert last.states == {
        "river-gru-pooled-scratch-s0": "done",
        "gone-gru-pooled-scratch-s0": "failed",
    }
    assert "there is no folder data/raw/ptbxl" in dict(last.failures)["gone-gru-pooled-scratch-s0"]
    assert any(now.counts["running"] for now in ticks)


class Answer:
    """What a task will give; no two are equal."""

    def __init__(self, value):
        self.value = value


class RayHere:
    """As much of Ray as runs tasks at once, in this process."""

    exceptions = SimpleNamespace(RayTaskError=ArithmeticError, RayError=LookupError)
    put = staticmethod(lambda value: value)
    get = staticmethod(lambda answer: answer.value)
    wait = staticmethod(lambda references, timeout: (references, []))

    def remote(self, **options):
        return lambda task: SimpleNamespace(remote=lambda *given: Answer(task(*given)))


def test_nothing_is_trained_on_ray_before_all_cells_are_checked(tmp_path, monkeypatch):
    plan = tiny(tmp_path, downstreams={"river": simulated("riverside", 60)})
    done, leaky = [], set()

    def attempt(packed, name, folder, check):
        done.append((name, check))
        run = plan.by_name[name].run
        if check and name in leaky:
            run.folder.mkdir(parents=True)
            error = LeakError("it knows 1", "Help.", shards=tmp_path, upstream=True)
            write_failure(run, error)
        elif not check:
            run.folder.mkdir(parents=True)
            write_failure(run, DataError("enough of it"))
        return True

    monkeypatch.setattr(on_ray, "_attempt", attempt)
    monkeypatch.setattr(running, "PAUSE", 0.0)
    pretraining, scratch, finetuned = (cell.name for cell in plan.cells)
    leaky.add(finetuned)
    pool = on_ray.RayPool(RayHere(), plan, gpus=0.0, cpus=1.0)
    run = partial(dispatch, plan, plan.cells, pool, lambda now: None)
    run(check=True)
    with pytest.raises(DataError, match=r"1 of 3 runs would be tested .*\n.* it knows 1\n"):
        refuse_leaks(plan, plan.cells)
    assert done == [(pretraining, True), (scratch, True), (finetuned, True)]
    leaky.clear()
    forget_failure(plan.cells[2].run)
    run(check=True)
    refuse_leaks(plan, plan.cells)
    run(check=False)
    assert done[3:] == [*done[:3], (pretraining, False), (scratch, False)]


def test_without_ray_it_is_told_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"--ray needs Ray, .*pip install 'ecg_keras\[cluster\]'"):
        run_study(plan_of(tmp_path), ray="local")


def test_an_address_without_a_cluster_is_told(tmp_path):
    pytest.importorskip("ray")
    with pytest.raises(ConfigError, match=r"--ray nowhere: there is no Ray cluster: .*local"):
        run_study(plan_of(tmp_path), ray="nowhere")
