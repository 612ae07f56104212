"""The scripts of docs/examples run as a user runs them, one after another in one folder."""

import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ecg_keras.training import read_log

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "examples"
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py"))
# packages that a script needs and the package does not
NEEDS = {"optuna_search": "optuna", "keras_tuner_search": "keras_tuner", "probe": "sklearn"}
# those that train several networks, of parts that quicker tests try
LONG = ("optuna_search", "keras_tuner_search")
# what a script prints last
LAST = {
    "own_loop": r"epoch 2: loss 0\.\d+, on validation 0\.\d+",
    "own_backbone": r"'stem', 'stage1', 'stage2', 'head'\): features \(None, 25, 32\)",
    "two_inputs": r"val_macro_auroc: 0\.\d+",
    "optuna_search": r"runs/small-\w{10}: 0\.\d+ with {'dropout': 0\.\d+, 'rate': 0\.\d+}",
    "keras_tuner_search": r"{'backbone': '\w+', 'dropout': 0\.\d+, 'rate': 0\.\d+}",
    "unfreezing": r"after (None|\d) epochs and \d+\.\d s",
    "predict_array": "status='unreadable', reason='the array has no sample but zeros",
    "probe": r"NORM: AUROC [01]\.\d+ of 128 numbers",
    "export_client": r"{'NORM': '0\.\d\d'",
    "scores_from_elsewhere": "a is better than b",
    "imbalanced_loss": r"val_auroc_CD: 0\.\d+",
    "mirrored": "2 devices",
    "prepare": r"records +78 +18 +24",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the scripts and prepared data."""
    folder = tmp_path_factory.mktemp("examples")
    for path in FOLDER.iterdir():
        shutil.copy(path, folder)
    return folder


def run_here(name, place, monkeypatch):
    monkeypatch.chdir(place)
    monkeypatch.syspath_prepend(place)
    if name != "prepare" and not (place / "shards").exists():
        runpy.run_path("prepare.py", run_name="__main__")
    runpy.run_path(f"{name}.py", run_name="__main__")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.long] * (name in LONG))
        for name in SCRIPTS
        if name != "mirrored"
    ],
)
def test_an_example_runs(name, place, monkeypatch, capsys):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason=f"{name}.py needs {NEEDS[name]}: extra dev")
    run_here(name, place, monkeypatch)
    assert re.search(LAST[name], capsys.readouterr().out)
    if name == "unfreezing":
        counts = [float(row["trained"]) for row in read_log(place / "thawed.csv")]
        assert counts[0] < counts[1] < counts[2]


@pytest.mark.long
def test_the_example_on_several_devices_runs(place, monkeypatch):
    run_here("prepare", place, monkeypatch)
    done = subprocess.run(  # devices are divided before TensorFlow begins
        [sys.executable, "mirrored.py"], capture_output=True, text=True, timeout=300, check=True
    )
    assert re.search(LAST["mirrored"], done.stdout)


def test_the_page_names_every_script():
    page = (FOLDER.parent / "examples.md").read_text()
    assert sorted(re.findall(r"\(examples/(\w+)\.py\)", page)) == SCRIPTS == sorted(LAST)
