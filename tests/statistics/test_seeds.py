"""Several seeds of one recipe: one verdict, the figures of each seed, and their file."""

import json

import numpy as np
import pytest

from ecg_keras.errors import DataError
from ecg_keras.evaluation import Predictions
from ecg_keras.statistics import Trained, judge_seeds, read_seeds

SETTINGS = {"metric": "macro_auroc", "level": 0.95, "bootstrap": 200, "seed": 0}
NAMES = ("fine-tuned", "scratch")


def trained(skills, records=300):
    truth = np.random.default_rng(0).random((records, 2)) < 0.4
    ids = np.arange(records).astype(str)
    for seed, skill in enumerate(skills):
        noise = np.random.default_rng(seed + 10).normal(size=truth.shape)
        said = 1 / (1 + np.exp(-(skill * truth + noise)))
        yield Trained(seed, f"run{seed}", Predictions(["A", "B"], ids, ids, truth, said), {})


def thresholded(skills):
    return [
        Trained(one.seed, one.run, one.test, dict.fromkeys("AB", 0.5)) for one in trained(skills)
    ]


@pytest.fixture
def seeds():
    ours, theirs = thresholded([2.0, 2.1, 1.9]), thresholded([0.5, 0.6, 0.4])
    return judge_seeds(ours, theirs, names=NAMES, **SETTINGS)


def test_a_clear_difference_is_a_verdict_over_all_seeds(seeds):
    assert seeds.sentence.startswith("fine-tuned is better than scratch: macro AUROC +0.")
    assert "3 seeds, 300 patients" in seeds.sentence
    assert [row.seed for row in seeds.rows] == [0, 1, 2]
    assert all(row.score > row.reference for row in seeds.rows)


def test_seeds_that_disagree_settle_nothing():
    ours, theirs = thresholded([0.2, 2.0]), thresholded([1.0, 1.1])
    said = judge_seeds(ours, theirs, names=NAMES, **SETTINGS).sentence
    assert said.startswith("It is not shown whether fine-tuned is better or worse than scratch")


def test_without_a_baseline_the_score_has_an_interval_over_seeds():
    found = judge_seeds(thresholded([1.0, 1.2]), [], names=NAMES, **SETTINGS)
    assert found.sentence.startswith("Over 2 seeds fine-tuned reaches a macro AUROC of 0.")
    assert found.table().splitlines()[2].split() == ["seed", "macro", "AUROC"]


def test_the_table_has_a_line_for_each_seed(seeds):
    lines = seeds.table().splitlines()
    assert lines[2].split() == ["seed", "macro", "AUROC", "baseline", "difference"]
    assert [line.split()[0] for line in lines[3:]] == ["0", "1", "2"]


def test_it_is_read_as_it_was_written(seeds, tmp_path):
    seeds.save_json(tmp_path / "seeds.json")
    assert read_seeds(tmp_path / "seeds.json") == seeds
    kept = json.loads((tmp_path / "seeds.json").read_text())
    (tmp_path / "seeds.json").write_text(json.dumps({**kept, "later": 1}))
    assert read_seeds(tmp_path / "seeds.json") == seeds


@pytest.mark.parametrize("damage", [{"rows": []}, {"rows": [{"seed": "x"}]}, {"sentence": 3}])
def test_a_damaged_file_is_one_line(seeds, tmp_path, damage):
    seeds.save_json(tmp_path / "seeds.json")
    kept = json.loads((tmp_path / "seeds.json").read_text())
    (tmp_path / "seeds.json").write_text(json.dumps({**kept, **damage}))
    with pytest.raises(DataError, match=r"seeds\.json"):
        read_seeds(tmp_path / "seeds.json")


def test_networks_of_other_test_records_are_refused():
    (other,) = thresholded([1.0])
    ids = np.array([f"x{i}" for i in range(300)])
    strange = Predictions(["A", "B"], ids, ids, other.test.targets, other.test.probabilities)
    with pytest.raises(DataError):
        judge_seeds(
            thresholded([1.0]) + [Trained(1, "r", strange, other.thresholds)],
            [],
            names=NAMES,
            **SETTINGS,
        )
