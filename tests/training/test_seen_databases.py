"""Databases that a card of published weights names, and which sources they rule out."""

from pathlib import Path

import pytest

from ecg_keras.config import Recipe, SeenData
from ecg_keras.training import LeakError, check_databases

WEIGHTS = Path("theirs.pt")


def check(source, seen, leaks="stop"):
    settings = {
        "mode": "finetune",
        "data": {"source": source, "raw": "raw", "leaks": leaks},
        "initialise": {"from": str(WEIGHTS)},
    }
    named = (SeenData.model_validate(seen),)
    return check_databases(
        Recipe.model_validate(settings), WEIGHTS, named, source, Path("mine.yaml")
    )


@pytest.mark.parametrize(
    ("seen", "source"),
    [
        ("ptbxl", "ptbxl"),
        ("PTB-XL", "ptbxl_challenge"),
        ("ptbxl_challenge", "ptbxl"),
        ("ptbxl", "challenge"),
        ("challenge", "ptb_diagnostic"),
        ("ptb_diagnostic", "ptb"),
        ("chapman_csv", "chapman"),
        ("chapman", "chapman_ningbo"),
    ],
)
def test_a_database_and_its_known_copies_are_refused(seen, source):
    with pytest.raises(LeakError, match="It may know the test records") as caught:
        check(source, {"database": seen})
    copied = f"{source} has recordings of {seen}"
    what = f"this is {source}" if seen == source else copied
    assert f"{what}, of which it has seen splits train, valid, test" in str(caught.value)
    assert ("or other folds" in str(caught.value)) == (seen == source)  # of a copy none help
    assert "Leaks are allowed" in check(source, {"database": seen}, leaks="allow")


@pytest.mark.parametrize("source", ["georgia", "ludb", "ningbo"])
def test_others_are_not(source):
    said = check(source, {"database": "ptbxl"})
    assert f"none of them is called {source} or known to have its recordings" in said


def test_folds_are_those_of_the_database_itself_and_not_of_a_copy():
    folds = [1, 2, 3, 4, 5, 6, 7, 8, 9]
    said = check("ptbxl", {"database": "ptbxl", "folds": folds})
    assert said.startswith("theirs.pt: was trained on ptbxl, as its card says: this is ptbxl, of w")
    assert said.endswith("of which it has seen folds 1, 2, 3, 4, 5, 6, 7, 8, 9.")
    for seen, source in (("ptbxl", "ptbxl_challenge"), ("ptbxl_challenge", "ptbxl")):
        with pytest.raises(LeakError, match="It may know the test records"):
            check(source, {"database": seen, "folds": folds})
