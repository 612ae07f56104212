"""The script that counts how often the diagnostics fire, and what choices score."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from ecg_keras.config import Question
from ecg_keras.evaluation import Budget, Fit, Pair, Predictions, RunFacts, evaluate
from ecg_keras.statistics import ArmName
from ecg_keras.training import Run, Tuned
from ecg_keras.training.tuned import Tried

DONE = Fit(0.2, 0.6, "mark", False)


def test_fires_and_silences_stand_beside_the_runs_that_scored_low(script):
    behind, done = RunFacts(replace(DONE, loss=0.5)), RunFacts(DONE)
    pairs = [
        Pair((behind, done), (0.6, 0.9)),  # low, and fires
        Pair((behind, done), (0.88, 0.9)),  # fires
        Pair((done, done), (0.8, 0.9)),  # low, and silent
        Pair((done, behind), (0.9, 0.8)),  # fires on the reference
    ]
    rows = script.count({("ludb", "shipped"): pairs}).splitlines()
    assert rows[1].split() == ["ludb", "shipped", "4", "+0.125", "-0.080", *"22111", "arm", *"000"]
    assert rows[2].split()[:2] == ["all", "4"]
    assert script.count({}) == "no run is finished"


def test_the_other_diagnostics_are_counted_by_pairs(script):
    plain, long = RunFacts(budget=Budget(9, 90, 50)), RunFacts(budget=Budget(18, 180, 50))
    at_edge, few = replace(plain, edge="lowest"), replace(plain, scarce=(3, 5))
    pairs = [Pair(facts, (0.9, 0.9)) for facts in ((long, plain), (plain, at_edge), (few, at_edge))]
    rows = script.count({("ludb", "tuned"): pairs}).splitlines()
    assert rows[0].split()[-3:] == ["budgets", "edge", "scarce"]
    assert rows[1].split()[-3:] == ["1", "2", "1"]


def test_choices_are_counted_apart_where_the_validation_split_is_said_to_be_small(script):
    choices = [script.Choice((0.7, 0.9), 0.9, False), script.Choice((0.7, 0.9), 0.7, True),
               script.Choice((0.6, 0.9), 0.6, True)]  # fmt: skip
    rows = [row.split() for row in script.count_choices({("ludb", "tuned"): choices}).splitlines()]
    assert rows[1] == ["ludb", "tuned", "silent", "1", "+0.000", "+0.100"]
    assert rows[2] == [
        "ludb",
        "tuned",
        "named",
        "2",
        "+0.250",
        "±",
        "0.050",
        "-0.125",
        "±",
        "0.025",
    ]
    assert script.count_choices({}) == "no run is chosen from tested candidates"


def test_choices_of_a_study_are_those_whose_candidates_are_tested(script, tmp_path):
    names = [f"c{number}" for number in range(2)]
    runs = {name: Run(tmp_path / name) for name in (*names, "tuned", "untested")}
    for run in runs.values():
        run.folder.mkdir()
        run.status.write_text('{"state": "trained"}')
    for name, skill in zip(names, (0.0, 0.9), strict=True):
        scores(skill).save_json(runs[name].scores)
    for name, tried in (("tuned", names), ("untested", [*names[:1], "gone"])):
        found = [Tried(one, f"../{one}", 0.8, 0.3, 1e-3, 4, 1.0) for one in tried]
        Tuned("mark", "macro_auroc", tried[0], tuple(found)).save(runs[name])
    arm = ArmName("ludb", "fcn_wang", "as_published", 0, "tuned", "scratch", "")
    plan = SimpleNamespace(
        loaded=SimpleNamespace(study=SimpleNamespace(question=Question())),
        points={(arm, seed, 0): name for seed, name in enumerate(runs)},
        by_name={name: SimpleNamespace(run=run) for name, run in runs.items()},
    )
    (choice,) = script.find_choices(plan)["ludb", "scratch"]
    assert choice.chosen == choice.tested[0] < choice.tested[1]
    assert not choice.is_scarce


def scores(skill):
    rng = np.random.default_rng(0)
    ids, targets = np.arange(60).astype(str), rng.integers(0, 2, (60, 1))
    said = skill * targets + (1 - skill) * rng.random((60, 1))
    both = [Predictions(["MI"], ids, ids, targets, said)] * 2
    return evaluate(*both, bootstrap=100)
