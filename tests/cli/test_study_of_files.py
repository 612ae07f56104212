"""`ecg-keras study FOLDER` as a user types it, on predictions made elsewhere."""

import csv

import numpy as np
import pytest

MODES = {"mode=scratch": 1.0, "mode=finetune,upstream=georgia": 2.0}


@pytest.fixture
def theirs(tmp_path):
    """What plain NumPy wrote: two modes, three sizes, two seeds."""
    rng = np.random.default_rng(0)
    ids, targets = np.arange(80), rng.random((80, 2)) < 0.4
    for mode, skill in MODES.items():
        for size in (100, 200, 400):
            for seed in range(2):
                folder = tmp_path / "theirs" / mode / f"size={size}"
                folder.mkdir(parents=True, exist_ok=True)
                logits = skill * targets + rng.normal(size=targets.shape)
                np.savez(
                    folder / f"seed={seed}.npz",
                    labels=["NORM", "MI"],
                    record_ids=ids,
                    patient_ids=ids,
                    targets=targets,
                    probabilities=1 / (1 + np.exp(-logits)),
                )
    return tmp_path / "theirs"


def listing(folder):
    return sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*"))


def test_the_page_is_written_without_a_run(ecg_keras, theirs, tmp_path):
    before = listing(theirs)
    answer = ecg_keras("study", "theirs", "--set", "question.bootstrap=100")
    assert answer.code == 0, answer.err
    assert answer.out.startswith("Of 3 comparisons with scratch, ")
    assert answer.out.endswith("\n\nreport  runs/theirs/report.html\n")
    page = (tmp_path / "runs/theirs/report.html").read_text()
    assert "Learning curves" in page
    assert "nested" not in page
    # nobody says how these networks were tuned, or that they were not
    assert "how settings were chosen for predictions made elsewhere is not known" in page
    assert "controls: true" not in page and "the arms were trained with" not in page
    table = (tmp_path / "runs/theirs/tables/comparisons.csv").read_text().splitlines()
    assert [row["size"] for row in csv.DictReader(table)] == ["100", "200", "400"]
    assert listing(theirs) == before
    again = ecg_keras("study", "theirs", "--set", "question.bootstrap=100")
    assert again.out == answer.out
    assert (tmp_path / "runs/theirs/report.html").read_text() == page


def test_a_dry_run_says_what_the_files_are_of(ecg_keras, theirs):
    answer = ecg_keras("study", "theirs", "--dry-run")
    assert answer.code == 0
    assert [line.split()[-4:] for line in answer.out.splitlines()[1:]] == [["2", "1", "2", "0"]] * 6
    assert "theirs, network, finetune from georgia, 100 ECGs" in answer.out


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (
            ["--workers", 2],
            2,
            "--workers needs a study recipe: a folder of predictions has nothing",
        ),
        (["--gpus-per-cell", 1], 2, "--gpus-per-cell needs a study recipe"),
        (["--set", "question.metric=auc"], 2, "theirs: --set question.metric=auc: "),
        (["--set", "question.reference=a"], 2, "no file is of mode a, the reference. Modes: "),
        (["--set", "folder=theirs/out"], 2, "theirs/out: the page must be outside theirs"),
        (["--set", "folder=other"], 2, "other: holds the runs and the page of another study."),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(
    ecg_keras, theirs, tmp_path, arguments, code, expected
):
    (tmp_path / "other" / "runs").mkdir(parents=True)
    answer = ecg_keras("study", "theirs", *arguments)
    assert (answer.code, answer.out) == (code, "")
    assert expected in answer.err.splitlines()[-1]
    assert not (tmp_path / "runs").exists()
