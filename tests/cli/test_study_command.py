"""`ecg-keras study` as a user types it, without training: tests/study runs studies."""

from pathlib import Path

import pytest

from ecg_keras import study as ecg_keras_study
from ecg_keras.errors import DataError
from ecg_keras.study import snapshot
from ecg_keras.study.cell_notes import write_failure

STUDY = """\
upstreams: {ptbxl: {data: {source: ptbxl}}}
downstreams:
  ludb: {data: {source: ludb, label_set: superdiagnostic}}
  later: {data: {source: later}}
modes: {scratch: {start: random}, finetune: {}}
grid: {sizes: [50, all], seeds: [0]}
"""


@pytest.fixture
def recipe(tmp_path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(STUDY)
    return path


def test_a_dry_run_lists_every_run_and_starts_none(ecg_keras, recipe):
    answer = ecg_keras("study", recipe, "--dry-run")
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    assert lines[:4] == [
        "1 pre-trainings",
        "  waiting  pretrain-ptbxl-resnet1d18-s0",
        "2 scratch on fewer training records",
        "  waiting  ludb-resnet1d18-scratch-n50-s0",
    ]
    assert "  blocked  later-resnet1d18-finetune-from-ptbxl-s0" in lines
    assert lines[15:18] == [
        "1 pre-trainings, 2 scratch on fewer training records, 2 finetune on fewer training "
        "records, 2 scratch, 2 finetune",
        "5 waiting, 4 blocked",
        lines[17],
    ]
    assert lines[17].startswith("4 blocked: no source named 'later'")
    assert "disk  " in answer.out
    assert not (recipe.parent / "runs" / "mine" / "runs").exists()


def test_a_rate_at_which_a_network_does_not_learn_is_named_once(ecg_keras, recipe, monkeypatch):
    monkeypatch.setattr("ecg_keras.cli.console.show_costs", lambda *given: None)
    network = ("--set", "grid.backbones=[vit1d, resnet1d18]")
    phases = "base.training.phases=[{epochs: 9, learning_rate: 3e-3}]"
    answer = ecg_keras("study", recipe, "--dry-run", *network, "--set", phases)
    assert answer.code == 0
    (line,) = answer.err.splitlines()
    assert line.startswith("! vit1d is not known to learn at 0.003: it takes ")


def test_seeds_that_share_a_pretraining_are_warned_of_once(ecg_keras, recipe, monkeypatch):
    monkeypatch.setattr("ecg_keras.cli.console.show_costs", lambda *given: None)
    seeds = ("--set", "grid.seeds=[0, 1, 2]", "--set")
    answer = ecg_keras("study", recipe, "--dry-run", *seeds, "grid.upstream_seeds=[0, 1]")
    (line,) = answer.err.splitlines()
    assert line.startswith("! ptbxl was pre-trained 2 times for 3 seeds: ")
    for enough in ("[0]", "[0, 1, 2]"):
        answer = ecg_keras("study", recipe, "--dry-run", *seeds, f"grid.upstream_seeds={enough}")
        assert (answer.code, answer.err) == (0, "")


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/2/3"])
def test_a_shard_that_makes_no_sense_is_refused(ecg_keras, recipe, shard):
    answer = ecg_keras("study", recipe, "--shard", shard)
    assert answer.code == 2
    assert answer.err.startswith("ecg-keras: --shard is I/N with I from 1 to N, such as 1/8")
    assert answer.err.rstrip().endswith(f"Received: {shard}.")


def test_a_wrong_study_is_told_in_lines(ecg_keras, recipe):
    answer = ecg_keras("study", recipe, "--set", "base.training.batchsize=3")
    assert (answer.code, answer.out) == (2, "")
    assert "mine.yaml: ludb, resnet1d18, scratch, 50 ECGs" in answer.err
    assert "Did you mean 'batch_size'" in answer.err


def test_where_everything_fails_there_is_no_page(ecg_keras, recipe, monkeypatch):
    def fail(plan, **options):
        for cell in plan.cells:
            if not cell.needs and cell.problem is None:
                cell.run.folder.mkdir(parents=True)
                write_failure(cell.run, DataError("no room.\nMake some."))
        return snapshot(plan)

    monkeypatch.setattr(ecg_keras_study, "run_study", fail)
    answer = ecg_keras("study", recipe, "--set", "grid.seeds=[0, 1, 2, 3]")
    assert answer.code == 1
    lines = answer.out.splitlines()
    assert lines[:2] == [
        "9 failed, 24 blocked",
        "failed  pretrain-ptbxl-resnet1d18-s0: no room. Make some.",
    ]
    assert lines[10].startswith("runs/mine/runs/CELL/failed.json says where each failed")
    assert "8 blocked: its pre-training pretrain-ptbxl-resnet1d18-s0 is failed" in lines
    assert not list(recipe.parent.rglob("report.html"))


def test_a_shard_that_is_not_the_last_writes_no_page(ecg_keras, recipe, monkeypatch):
    given = {}

    def stay(plan, **options):
        given.update(options)
        return snapshot(plan)

    monkeypatch.setattr(ecg_keras_study, "run_study", stay)
    answer = ecg_keras("study", recipe, "--shard", "2/3", "--ray", "auto")
    assert answer.code == 0
    assert answer.out.splitlines()[-1] == (
        "Other shards still run. The one that ends last writes the page."
    )
    assert (given["shard"], given["ray"]) == ((2, 3), "auto")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("--ray", "auto", "--workers", "4"), "--workers is of local processes"),
        (("--dry-run", "--shard", "2/3"), "--shard is of a study that runs: --dry-run lists all"),
        (("--dry-run", "--ray", "auto"), "--ray is of a study that runs"),
    ],
)
def test_options_that_would_do_nothing_are_refused(ecg_keras, recipe, given, expected):
    answer = ecg_keras("study", recipe, *given)
    assert answer.code == 2 and expected in answer.err
