"""Studies on a Ray cluster of one machine."""

import sys

import pytest
from studies import simulated, tiny

from ecg_keras.errors import ConfigError
from ecg_keras.study import run_study


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


@pytest.mark.slow
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


def test_without_ray_it_is_told_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"--ray needs Ray, .*pip install 'ecg_keras\[cluster\]'"):
        run_study(plan_of(tmp_path), ray="local")


def test_an_address_without_a_cluster_is_told(tmp_path):
    pytest.importorskip("ray")
    with pytest.raises(ConfigError, match=r"--ray nowhere: there is no Ray cluster: .*local"):
        run_study(plan_of(tmp_path), ray="nowhere")
