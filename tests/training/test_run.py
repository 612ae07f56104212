"""Folders that a run names are found again when all of them are moved."""

import shutil
from pathlib import Path

import pytest

from ecg_keras.training.run import find_place, seen_from


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A working folder, which is the current one."""
    for folder in ("runs/mine", "runs/base", "shards/ptbxl-default-0123"):
        (tmp_path / "work" / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.mark.parametrize("place", ["shards/ptbxl-default-0123", "runs/base", "../elsewhere"])
def test_a_path_from_the_run_leads_back(work, place):
    for path in (Path(place), work / place):
        stored = seen_from(Path("runs/mine"), path)
        assert not Path(stored).is_absolute() and "\\" not in stored
        for run in (Path("runs/mine"), work / "runs" / "mine"):
            assert find_place(run, stored).resolve() == path.resolve()
    assert str(find_place(Path("runs/mine"), seen_from(Path("runs/mine"), Path("shards/x")))) == (
        "shards/x"
    )


def test_a_link_to_the_run_leads_to_the_same_place(work, tmp_path):
    (tmp_path / "link").symlink_to(work / "runs" / "mine")
    stored = seen_from(tmp_path / "link", Path("shards/x"))
    assert find_place(Path("runs/mine"), stored) == Path("shards/x")


def test_an_absolute_path_of_an_earlier_version_is_read_as_it_is(work, tmp_path):
    assert find_place(Path("runs/mine"), str(work / "runs" / "base")) == Path("runs/base")
    outside = tmp_path / "data"
    outside.mkdir()
    assert find_place(Path("runs/mine"), str(outside)) == outside


@pytest.mark.parametrize(
    "stored", ["/gone/work/shards/ptbxl-default-0123", "/shards/gone/runs/base"]
)
def test_an_absolute_path_that_is_gone_is_looked_for_beside_the_run(work, stored):
    found = find_place(Path("runs/mine"), stored)
    assert found == Path(*Path(stored).parts[-2:]) and found.is_dir()


def test_a_copy_keeps_to_itself_while_the_original_is_there(work, tmp_path, monkeypatch):
    stored = str(work / "shards" / "ptbxl-default-0123")
    copy = tmp_path / "copy"
    shutil.copytree(work, copy)
    assert find_place(copy / "runs" / "mine", stored) == copy / "shards" / "ptbxl-default-0123"
    assert find_place(work / "runs" / "mine", stored) == Path("shards/ptbxl-default-0123")


def test_what_is_nowhere_is_given_as_it_was(work):
    assert find_place(Path("runs/mine"), "/gone/shards/other") == Path("/gone/shards/other")
