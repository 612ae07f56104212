"""The script that compares numbers of workers: its turns, and the study that it runs."""

import argparse
from dataclasses import replace

import pytest
from small_databases import write_database

from ecg_keras.study import snapshot


@pytest.mark.long
def test_ways_take_turns_on_new_folders_and_the_same_shards(script, monkeypatch, tmp_path):
    write_database("ptbxl", tmp_path / "ptbxl")
    ran = []

    def run(plan, *, workers):
        ran.append((workers, plan))
        now = snapshot(plan)
        return replace(now, counts={**now.counts, "done": len(plan.cells)})

    monkeypatch.setattr(script, "run_study", run)
    monkeypatch.setattr(script, "SPLIT", {"method": "patients", "valid": 0.3, "test": 0.3})
    arguments = argparse.Namespace(workers=3, runs=2, epochs=4, rounds=2)
    lines = script.compare(tmp_path, tmp_path / "scratch", arguments).splitlines()
    assert [workers for workers, _ in ran] == [1, 3, 1, 3]
    assert len({plan.folder for _, plan in ran}) == 4
    assert len(list((tmp_path / "scratch" / "shards").glob("*/validation.json"))) == 1
    cells = [cell for _, plan in ran for cell in plan.cells]
    assert [cell.recipe.training.seed for cell in cells] == [0, 1] * 4
    assert {cell.recipe.training.phases[0].epochs for cell in cells} == {4}
    assert [line.split(" | ")[0] for line in lines] == ["| workers", "| ---", "| 1", "| 3"]
    assert "**1** (1 to 1)" in lines[2]


def test_runs_that_fail_are_told(script, monkeypatch, tmp_path):
    plan = argparse.Namespace(cells=(1,))
    monkeypatch.setattr(script, "make_study", lambda *_, **__: plan)
    failed = argparse.Namespace(counts={"done": 0}, failures=(("a", "no room"),))
    monkeypatch.setattr(script, "run_study", lambda plan, workers: failed)
    arguments = argparse.Namespace(workers=2, runs=1, epochs=1, rounds=1)
    with pytest.raises(SystemExit, match="no room"):
        script.compare(tmp_path, tmp_path, arguments)
