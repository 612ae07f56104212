"""The script that sets the words of the four findings side by side."""

from pathlib import Path
from types import SimpleNamespace

from ecg_keras.config import load_study
from ecg_keras.statistics import Finding
from ecg_keras.study import list_cells

STUDIES = Path(__file__).resolve().parents[2] / "recipes" / "studies"


def test_each_protocol_of_the_grid_is_judged_on_the_same_runs(script, tmp_path):
    changed = {"folder": str(tmp_path), "grid.protocols": ["sound", "untuned"]}
    plan = list_cells(load_study(STUDIES / "quick.yaml", changed))
    assert script.protocols_of(plan) == ["sound", "untuned"]
    judged = [script.judged_by(plan, name) for name in script.protocols_of(plan)]
    assert [one.loaded.study.judged_protocol for one in judged] == ["sound", "untuned"]
    assert all(one.points == plan.points for one in judged)


def test_words_are_side_by_side_and_what_they_rest_on_comes_after(script):
    tuned, untuned = (
        Finding("It helps.", "undecided", "0 of 2."),
        Finding("It helps.", "confirmed", "2."),
    )
    results = {
        "tuned": SimpleNamespace(findings=(tuned,)),
        "untuned": SimpleNamespace(findings=(untuned,)),
    }
    assert script.describe(results).splitlines()[2:] == [
        "| It helps. | undecided | confirmed |",
        "",
        "1, tuned: 0 of 2.",
        "",
        "1, untuned: 2.",
    ]
