"""The command line as a user types it, on a small simulated hospital."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import filelock
import pytest

from ecg_keras.cli import main
from ecg_keras.study import pilot
from ecg_keras.study.pilot import Timing

COMMON = """\
data:
  source: simulated
  raw: {raw}
  simulate: {{hospital: {hospital}, records: {records}}}
  label_set: superdiagnostic
  sampling_rate: 50
  seconds: 4
  split: {{method: patients, valid: 0.25, test: 0.35}}
model: {{backbone: gru, head: pooled}}
training:
  batch_size: 16
  phases:
    - {{epochs: 2, learning_rate: 1e-2}}
"""
EVALUATION = "evaluation: {bootstrap: 200, explain: false"


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str


Command = Callable[..., Answer]


@pytest.fixture
def ecg_keras(monkeypatch, capfd, tmp_path) -> Command:
    """Runs `ecg-keras` with arguments, in an empty folder unless the test chose another."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["ecg-keras", *map(str, arguments)])
        capfd.readouterr()
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capfd.readouterr()
        return Answer(code, out, err)

    return run


@pytest.fixture(autouse=True)
def quick_pilot(monkeypatch) -> None:
    """Dry runs measure nothing: a step takes a second, as does all else. See tests/study."""
    timing = {one.name: 1.0 for one in fields(Timing)} | {"parameters": 1000, "measured": True}

    def measure(workloads, seconds):
        yield {"scoring": 0.0}
        for number in range(len(workloads)):
            yield {"number": number, "timing": timing}

    monkeypatch.setattr(pilot, "_measure", measure)


@pytest.fixture(scope="session")
def write_recipes() -> Callable[[Path], None]:
    """Writes three small recipes into a folder."""
    return _write_recipes


def _write_recipes(folder: Path) -> None:
    """`up.yaml`, `scratch.yaml` and `finetune.yaml`, which starts from one and meets the other."""
    up = COMMON.format(raw=folder / "raw" / "up", hospital="lakeside", records=60)
    down = COMMON.format(raw=folder / "raw" / "down", hospital="riverside", records=80)
    recipes = {
        "up": f"mode: pretrain\n{up}{EVALUATION}}}\n",
        "scratch": f"mode: scratch\n{down}{EVALUATION}}}\n",
        "finetune": f"mode: finetune\n{down}initialise: {{from: up.yaml}}\nexport: true\n"
        f"{EVALUATION}, baseline: scratch.yaml}}\n",
    }
    for name, text in recipes.items():
        (folder / f"{name}.yaml").write_text(text)


@pytest.fixture
def copied(project, tmp_path) -> Path:
    """The finished project, to be changed: runs, shards and recipes are copies."""
    for name in ("runs", "shards"):
        shutil.copytree(project / name, tmp_path / name)
    for recipe in project.glob("*.yaml"):
        shutil.copyfile(recipe, tmp_path / recipe.name)
    return tmp_path


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Path:
    """A folder in which `ecg-keras train finetune.yaml` was typed and ended well.

    All processes of a test run read the one that the first of them made.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "project"
    made = folder.with_name("project.made")
    with filelock.FileLock(folder.with_name("project.lock")):
        if not made.exists():
            folder.mkdir()
            _write_recipes(folder)
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(folder)
                patch.setattr(sys, "argv", ["ecg-keras", "train", "finetune.yaml"])
                main()
            made.touch()
    return folder
