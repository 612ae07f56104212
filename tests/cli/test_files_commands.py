"""`evaluate` and `compare` on predictions made elsewhere, as a user types them."""

import numpy as np
import pandas as pd
import pytest

from ecg_keras.evaluation import Comparison, Predictions, Scores, compare, evaluate
from ecg_keras.metrics import best_f1_thresholds

LABELS = ("NORM", "MI")


def draw(skill, seed=0, records=120, prefix="r"):
    """Planted predictions: the same truth for every skill."""
    rng = np.random.default_rng(0)
    targets = rng.random((records, 2)) < (0.5, 0.2)
    noise = np.random.default_rng([1, seed]).normal(size=targets.shape)
    said = 1 / (1 + np.exp(2 - skill * targets - noise))
    ids = [f"{prefix}{number}" for number in range(records)]
    return Predictions(LABELS, ids, [f"p{n // 2}" for n in range(records)], targets, said)


@pytest.fixture
def files(tmp_path):
    """`a.npz`, `b.npz` and `valid.npz` in the folder where commands are typed."""
    for name, said in (("a", draw(2.0)), ("b", draw(0.5, 1)), ("valid", draw(2.0, 2, prefix="v"))):
        said.save(tmp_path / f"{name}.npz")
    return tmp_path


def as_table(said, path):
    frame = pd.DataFrame({"record_id": said.record_ids, "patient_id": said.patient_ids})
    for column, label in enumerate(said.labels):
        frame[f"target_{label}"] = said.targets[:, column]
        frame[f"probability_{label}"] = said.probabilities[:, column]
    frame.to_csv(path, index=False)


def test_evaluate_scores_a_file(ecg_keras, files):
    answer = ecg_keras("evaluate", "a.npz", "--bootstrap", 100, "--json", "new/scores.json")
    assert (answer.code, answer.err) == (0, "")
    expected = evaluate(draw(2.0), None, thresholds="fixed", bootstrap=100)
    assert answer.out == f"{expected.table()}\n"
    assert "Every label's threshold is 0.5." in answer.out
    assert Scores.load_json(files / "new" / "scores.json").summary == expected.summary


def test_validation_predictions_choose_the_thresholds(ecg_keras, files):
    given = ("--bootstrap", 100)
    answer = ecg_keras("evaluate", "a.npz", "--valid", "valid.npz", *given)
    expected = evaluate(draw(2.0), draw(2.0, 2, prefix="v"), bootstrap=100)
    assert answer.out == f"{expected.table()}\n"
    assert "the one with the best F1 on the validation split; " in answer.out
    (files / "a.npz").rename(files / "test.npz")  # valid.npz lies beside it, as in a run folder
    assert ecg_keras("evaluate", "test.npz", *given).out == answer.out
    calibrated = ecg_keras("evaluate", "test.npz", "--calibration", "platt", *given).out
    assert "calibrated on the validation split: a slope and an intercept" in calibrated


def test_the_scores_of_a_file_become_a_page(ecg_keras, files):
    answer = ecg_keras("evaluate", "a.npz", "--bootstrap", 100, "--page", "new/a.html")
    assert answer.out == f"{ecg_keras('evaluate', 'a.npz', '--bootstrap', 100).out}new/a.html\n"
    assert "<h1>a</h1>" in (files / "new" / "a.html").read_text()


def test_compare_takes_two_files_of_any_kind(ecg_keras, files):
    expected = compare(draw(2.0), draw(0.5, 1), names=("a", "b"), bootstrap=100)
    given = ("--bootstrap", 100, "--json", "out.json", "--page", "out.html")
    answer = ecg_keras("compare", "a.npz", "b.npz", *given)
    assert answer.code == 0
    assert answer.out == f"{expected.table()}\nout.html\n"
    assert answer.err.splitlines() == [
        f"! {name}: F1 is at threshold 0.5, because there are no validation predictions."
        for name in "ab"
    ]
    assert Comparison.load_json(files / "out.json") == expected
    assert "a against b" in (files / "out.html").read_text()
    as_table(draw(0.5, 1), files / "b.csv")
    answer = ecg_keras("compare", "a.npz", "b.csv", "--bootstrap", 100)
    assert answer.out == f"{expected.table()}\n"


def test_groups_are_those_of_a_table(ecg_keras, files):
    rows = {"record_id": draw(2.0).record_ids, "site": ["a", "b", "b"] * 40}
    pd.DataFrame(rows).to_csv(files / "t.csv", index=False)
    given = ("--by", "site", "--table", "t.csv", "--bootstrap", 100)
    answer = ecg_keras("evaluate", "a.npz", *given, "--json", "s.json", "--page", "a.html")
    assert (answer.code, answer.err) == (0, "")
    assert "Macro AUROC by site: no difference shown." in answer.out
    groups = Scores.load_json(files / "s.json").subgroups.groups
    assert [(one.name, one.records) for one in groups] == [("a", 40), ("b", 80)]
    assert "Who it works for" in (files / "a.html").read_text()
    answer = ecg_keras("compare", "a.npz", "b.npz", *given, "--json", "c.json", "--page", "c.html")
    assert "Whether one group gains more, by site: no difference shown." in answer.out
    assert [one.word for one in Comparison.load_json(files / "c.json").groups] == [
        "no difference shown"
    ] * 2
    assert "Who gains" in (files / "c.html").read_text()
    refused = ecg_keras("evaluate", "a.npz", "--table", "t.csv")
    assert refused.code == 2
    assert "name one with --by" in refused.err


def test_compare_decides_at_the_thresholds_of_validation(ecg_keras, files):
    given = ("--metric", "macro_f1", "--bootstrap", 100, "--names", "theirs", "ours")
    answer = ecg_keras("compare", "a.npz", "b.npz", "--valid-a", "valid.npz", *given)
    valid = draw(2.0, 2, prefix="v")
    best = best_f1_thresholds(valid.targets, valid.probabilities)
    expected = compare(
        draw(2.0),
        draw(0.5, 1),
        metric="macro_f1",
        names=("theirs", "ours"),
        thresholds_a=dict(zip(LABELS, best, strict=True)),
        bootstrap=100,
    )
    assert answer.out == f"{expected.table()}\n"
    assert answer.err.startswith("! ours: F1 is at threshold 0.5")


def test_files_of_one_name_are_told_apart_by_their_folders(ecg_keras, files):
    for name in "ab":
        (files / name).mkdir()
        (files / f"{name}.npz").rename(files / name / "test.npz")
    answer = ecg_keras("compare", files / "a/test.npz", files / "b/test.npz", "--bootstrap", 100)
    assert answer.out.startswith("a/test is better than b/test: macro AUROC")


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["evaluate", "none.npz"], 1, r"none.npz: there are no predictions here\."),
        (["evaluate", "none.csv"], 1, "none.csv: there is no such table of predictions."),
        (["evaluate", "none"], 1, "none: there is no such run folder."),
        (
            ["evaluate", "notes.txt"],
            1,
            "notes.txt: can't be read as predictions: File is not a zip",
        ),
        (
            ["evaluate", "a.npz", "--shards", "s"],
            2,
            "--shards needs a run: a file holds no network",
        ),
        (
            ["evaluate", "run", "--valid", "a.npz"],
            2,
            "a file of predictions: a run has its own, and",
        ),
        (["evaluate", "run", "--page", "a.html"], 2, "and `ecg-keras report` writes its page."),
        (["evaluate", "a.npz", "--json", "a.npz"], 2, "name ends in .json. Received: a.npz"),
        (
            ["evaluate", "a.npz", "--calibration", "platt"],
            2,
            "a calibration needs the predictions of the validation split.",
        ),
        (
            ["evaluate", "a.npz", "--valid", "other.npz"],
            1,
            "other.npz: must have the labels of a.npz in the same order, NORM, MI. Received: A, B.",
        ),
        (
            ["compare", "a.npz", "run", "--valid-b", "valid.npz"],
            1,
            "run: a run has thresholds of its own.",
        ),
        (
            ["compare", "a.npz", "valid.npz"],
            1,
            "records of a and valid differ: 120 only in a, such",
        ),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(ecg_keras, files, arguments, code, expected):
    said = draw(1.0)
    (files / "run").mkdir()
    (files / "notes.txt").write_text("no predictions")
    Predictions(
        ("A", "B"), said.record_ids, said.patient_ids, said.targets, said.probabilities
    ).save(files / "other.npz")
    answer = ecg_keras(*arguments)
    assert (answer.code, answer.out) == (code, "")
    assert expected.replace("\\", "") in answer.err.splitlines()[-1]
    assert "Traceback" not in answer.err


def test_keras_is_not_needed(ecg_keras, files, monkeypatch):
    """Whoever trained in PyTorch may have set Keras to it."""
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    for arguments in (["evaluate", "a.npz"], ["compare", "a.npz", "b.npz"]):
        assert ecg_keras(*arguments, "--bootstrap", 100).code == 0
    refused = ecg_keras("evaluate", "runs/some", "--shards", "shards/some")
    assert refused.code == 2
    assert "KERAS_BACKEND is torch" in refused.err
