"""`ecg-keras import` as typed, and recipes that name weights of others."""

from pathlib import Path

import pytest
from published_weights import publish

RECIPE = """\
mode: finetune
data: {source: ludb, raw: raw, label_set: superdiagnostic}
initialise: {from: theirs.pt}
"""


@pytest.fixture
def theirs(tmp_path):
    publish(tmp_path)
    (tmp_path / "mine.yaml").write_text(RECIPE)
    return tmp_path


def test_a_template_is_printed_for_each_family(ecg_keras):
    answer = ecg_keras("import", "--card-template", "resnet1d18")
    assert answer.code == 0 and answer.out.startswith("family: resnet1d18\n")
    wrong = ecg_keras("import", "--card-template", "resnet")
    assert wrong.code == 2 and "no family of weights named 'resnet'" in wrong.err
    both = ecg_keras("import", "theirs.pt", "--card-template", "resnet1d18")
    assert both.code == 2 and "name either FILE or --card-template" in both.err


def test_a_file_becomes_a_run_with_a_table(ecg_keras, theirs):
    answer = ecg_keras("import", "theirs.pt", "--as", "resnet1d18", "--out", "runs/up")
    assert answer.code == 0, answer.err
    lines = dict(line.split(maxsplit=1) for line in answer.out.splitlines() if line.strip())
    assert lines["network"].startswith("resnet1d18, 4,")
    assert lines["unit"] == "uV: the network takes mV and multiplies by 1000"
    assert lines["filters"] == "highpass hz 0.5 order 1 zero_phase True"
    assert lines["scaling"] == "zscore ddof 1 floor 0.001"
    assert lines["run"] == "runs/up"
    assert sorted(one.name for one in Path("runs/up").iterdir()) == [
        "card.yaml",
        "dataset.json",
        "environment.json",
        "model.keras",
        "status.json",
    ]
    wrong = ecg_keras("import", "theirs.pt", "--as", "resnet1d50")
    assert wrong.code == 2 and "is the card of resnet1d18, and not of resnet1d50" in wrong.err


def test_a_recipe_names_a_file_as_pytorch_once_called_it(ecg_keras, theirs):
    Path("theirs.pt").rename("theirs.pth.tar")
    Path("theirs.yaml").rename("theirs.pth.yaml")
    answer = ecg_keras("recipe", "check", "mine.yaml", "--set", "initialise.from=theirs.pth.tar")
    assert "damaged" not in answer.err and "theirs.pth.tar" not in answer.err


def test_a_wrong_file_is_one_line_of_recipe_check_and_of_a_dry_run(ecg_keras, theirs):
    Path("raw").mkdir()
    Path("theirs.pt").write_bytes(Path("theirs.pt").read_bytes()[:5000])
    for command in (("recipe", "check", "mine.yaml"), ("train", "mine.yaml", "--dry-run")):
        answer = ecg_keras(*command)
        told = [line for line in answer.err.splitlines() if "theirs.pt" in line]
        assert answer.code and len(told) == 1 and told[0].startswith("ecg-keras: theirs.pt: ")
    assert not Path("runs").exists() and not Path("shards").exists()


def test_weights_that_are_not_here_are_named_by_recipe_check_and_stop_a_training(ecg_keras, theirs):
    Path("theirs.pt").unlink()
    answer = ecg_keras("recipe", "check", "mine.yaml")
    assert answer.out == "mine.yaml: good, needs theirs.pt, which is not here\n"
    stopped = ecg_keras("train", "mine.yaml")
    assert stopped.code == 1 and "or in a recipe with --set initialise.from=FILE" in stopped.err


def test_what_the_weights_bring_is_shown(ecg_keras, theirs):
    shown = ecg_keras("recipe", "show", "mine.yaml").out
    for line in ("backbone: resnet1d18", "unit: uV", "sampling_rate: 25.0", "seconds: 4.0"):
        assert line in shown
