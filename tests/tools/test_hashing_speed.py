"""The script that times how a database is identified."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "hashing_speed.py"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    spec = importlib.util.spec_from_file_location("hashing_speed", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_pair_is_compared_and_the_files_stay_as_they_are(script, tmp_path):
    script.make_files(tmp_path, 2)
    before = {path: path.read_bytes() for path in script.list_files(tmp_path)}
    lines = script.measure(tmp_path).splitlines()
    assert lines[0] == "17 files, 2 MB"
    assert [line.split(" | ")[0] for line in lines[4:]] == [
        "| first, from the disk; cat",
        "| first, files in memory; cat",
        "| later; a listing",
    ]
    assert {path: path.read_bytes() for path in script.list_files(tmp_path)} == before


def test_ours_and_the_other_take_turns(script):
    turns = []
    ours, other, before = (lambda name=name: turns.append(name) for name in "ob-")
    found = script.take_turns(ours, other, before)
    assert turns == ["-", "o", "-", "b"] * (script.ROUNDS + 1)
    assert [len(own) for own in found] == [script.ROUNDS] * 2
