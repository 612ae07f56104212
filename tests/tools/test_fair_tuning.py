"""The script of fair tuning: cells that arms share, rules that stop sooner, and single runs."""

from types import SimpleNamespace

import numpy as np
import pytest

from ecg_keras.evaluation import Predictions
from ecg_keras.statistics import ArmName


@pytest.mark.parametrize("extend", [False, True])
def test_tuned_arms_are_chosen_from_the_runs_of_the_fixed_ones(script, tmp_path, extend):
    plan = script.write_recipe(
        tmp_path / "fair.yaml",
        tmp_path / "data",
        tmp_path / "fair",
        downstreams=["ludb", "riverside"],
        seeds=2,
        extend=extend,
    )
    kinds = [cell.kind for cell in plan.cells]
    assert (kinds.count("pretrain"), kinds.count("candidate")) == (2, 0)
    # nine fixed arms and two tuned ones
    assert kinds.count("downstream") == 2 * 2 * 5 * (9 + 2)
    tuned = plan.by_name["riverside-resnet1d18-finetune-from-simulated-tuned-s1-f4"]
    assert tuned.recipe.tune.extend == extend
    assert [folder.name for folder in tuned.candidates.values()] == [
        f"riverside-resnet1d18-{mode}-from-simulated-s1-f4"
        for mode in script.CANDIDATES["finetune"]
    ]
    assert script.count(plan) == "0 of 222 runs are trained, 0 finished."


VALID = np.array(
    [
        [0.5, 0.5, 0.5, 0.5, 0.9, 0.9],  # best at the end, and stopped after a third
        [0.6, 0.6, 0.6, 0.6, 0.6, 0.6],
        [0.5, 0.7, 0.8, 0.6, 0.7, 0.8],
        [0.5, 0.6, 0.7, 0.7, 0.7, 0.7],
    ]
)


def test_rules_that_stop_sooner_by_hand(script):
    rules = script.RULES
    assert rules["all epochs"](VALID) == (0, 24)
    # the second and third are left after two epochs, of which the second is equal and earlier
    assert rules["the worse half stops at 1/3 and 2/3"](VALID) == (1, 4 * 2 + 2 * 2 + 1 * 2)
    assert rules["judged at half of the epochs"](VALID) == (2, 4 * 3 + 3)


def test_what_a_rule_costs(script):
    grids = [
        script.Grid(VALID, np.array([0.9, 0.8, 0.7, 0.95])),
        script.Grid(VALID[[1, 1, 2, 3]], np.array([0.9, 0.8, 0.7, 0.6])),
    ]
    described = script.describe_rule(script.RULES["judged at half of the epochs"], grids)
    # the first loses 0.9 - 0.7; the second chooses the third, which is also best at the end
    assert described == ("38%", "50%", "+0.1000 ± 0.1000", "+0.200", "0.2250")


def run(*said, log=()):
    ids = ["a", "b", "c", "d"]
    test = Predictions(["MI"], ids, ids, [[0], [0], [1], [1]], [[one] for one in said])
    return SimpleNamespace(test=test, log=[{"val_macro_auroc": f"{one}"} for one in log])


GOOD, FAIR = (0.1, 0.2, 0.8, 0.9), (0.1, 0.8, 0.2, 0.9)


def test_runs_below_scratch_are_counted_seed_by_seed_and_fold_by_fold(script):
    scratch = SimpleNamespace(cells={0: (run(*GOOD), run(*FAIR)), 1: (run(*GOOD),)})
    arm = SimpleNamespace(cells={0: (run(*FAIR), run(*GOOD)), 2: (run(*FAIR),)})
    assert script.count_below(arm, scratch) == "1 of 2"


def test_grids_are_made_of_seeds_that_all_candidates_have(script):
    arms = {}
    for mode in script.CANDIDATES["scratch"]:
        name = ArmName("ludb", "resnet1d18", "as_published", 0, "untuned", mode, "")
        seeds = (0,) if mode == "scratch_three" else (0, 1)
        arms[name] = SimpleNamespace(
            cells={
                seed: (run(*GOOD, log=(0.5, 0.75)), run(*FAIR, log=(0.5, 0.5))) for seed in seeds
            }
        )
    grids = script.find_grids(arms)
    assert list(grids) == ["ludb"]
    first, second = grids["ludb"]
    np.testing.assert_allclose(first.valid, [[0.5, 0.75]] * 4)
    np.testing.assert_allclose(second.test, [0.75] * 4)
    rows = script.early_table(arms).splitlines()[2:]
    assert [row.split(" | ")[:2] for row in rows] == [["| ludb", "2"]] * 3 + [["| all", "2"]] * 3
    assert script.early_table({}).count("\n") == 1
