"""All that can be known of a recipe's data is told by one command, before anything is made."""

from pathlib import Path

import pytest

MINE = """\
mode: finetune
data: {source: folder, raw: mine}
initialise: {from: up.yaml}
training:
  phases:
    - {epochs: 1, train_from: head}
    - {epochs: 2}
evaluation: {baseline: base.yaml}
"""


@pytest.fixture(autouse=True)
def recipes(tmp_path):
    """Two tables with an error each."""
    (tmp_path / "mine.yaml").write_text(MINE)
    (tmp_path / "base.yaml").write_text("mode: scratch\ndata: {source: folder, raw: mine}\n")
    (tmp_path / "up.yaml").write_text("mode: pretrain\ndata: {source: folder, raw: up}\n")
    for folder, wrong in (("mine", "c.edf,3,maybe"), ("up", "c.edf,,1")):
        (tmp_path / folder).mkdir()
        table = f"file,patient_id,AF\na.edf,1,0\nb.edf,2,1\n{wrong}\n"
        (tmp_path / folder / "labels.csv").write_text(table)
        (tmp_path / folder / "a.edf").touch()


@pytest.mark.parametrize(
    "command",
    [
        ["train", "mine.yaml"],
        ["train", "mine.yaml", "--dry-run"],
        ["recipe", "check", "mine.yaml", "up.yaml"],
    ],
)
def test_wrong_tables_of_all_datasets_are_told_at_once(ecg_keras, command):
    answer = ecg_keras(*command)
    assert answer.code == 1
    lines = answer.err.splitlines()
    assert len(lines) == 2 and all(line.startswith("ecg-keras: ") for line in lines)
    assert sum("mine/labels.csv" in line and "maybe" in line for line in lines) == 1
    assert sum("up/labels.csv" in line and "patient_id" in line for line in lines) == 1
    assert not Path("shards").exists() and not Path("runs").exists()


def test_a_wrong_recipe_hides_no_other(ecg_keras):
    Path("wrong.yaml").write_text("mode: scratch\ndata: {source: ptbx, raw: x}\n")
    answer = ecg_keras("recipe", "check", "wrong.yaml", "up.yaml")
    assert "wrong.yaml:2: data.source: no source named 'ptbx'" in answer.err
    assert "up/labels.csv" in answer.err


def test_a_recipe_is_good_where_its_recordings_are_elsewhere(ecg_keras):
    answer = ecg_keras("recipe", "check", "base.yaml", "--set", "data.raw=elsewhere")
    assert (answer.code, answer.out) == (0, "base.yaml: good\n")


def test_a_dry_run_says_which_overrides_do_not_reach_the_baseline(ecg_keras):
    for folder in ("mine", "up"):
        table = Path(folder, "labels.csv")
        rows = [f"{row}.edf,{row},{row % 2}" for row in range(20)]
        table.write_text("\n".join(["file,patient_id,AF", "a.edf,a,1", *rows]))
    answer = ecg_keras("train", "mine.yaml", "--set", "training.phases.1.epochs=1", "--dry-run")
    assert answer.code == 0
    assert answer.err.startswith("! base.yaml: --set training.phases.1.epochs=1 does not reach")
    assert len(answer.err.splitlines()) == 1
