"""The script of the planted order: its upstreams' labels and its tables; training is not run."""

import importlib
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from ecg_keras import simulate
from ecg_keras.config import compose
from ecg_keras.sources import find_source, simulated

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(ROOT), *sys.path])
        yield importlib.import_module("tools.transferability_order")


@pytest.fixture(scope="module")
def hospital(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("riverside")
    simulate.simulate(root, hospital="riverside", records=60)
    return root


def test_it_is_a_source_with_other_and_with_wrong_labels(script, hospital):
    source = find_source(script.OWN)
    true = simulated.list_records(hospital, label_set="superdiagnostic", sampling_rate=100.0)
    wrong = source.list_records(hospital, label_set="wrong", sampling_rate=100.0)
    assert [one.record_id for one in wrong] == [one.record_id for one in true]
    assert Counter(one.labels for one in wrong) == Counter(one.labels for one in true)
    same = sum(a.labels == b.labels for a, b in zip(wrong, true, strict=True))
    assert same < 30
    findings = source.list_records(hospital, label_set="findings", sampling_rate=100.0)
    found = {label for one in findings for label in one.labels}
    assert found == set(source.LABEL_SETS["findings"])
    assert source.read_signal(true[0]).values.shape[1] == 12


def test_every_recipe_of_it_can_be_run(script, hospital, tmp_path):
    for _, name, label_set in script.UPSTREAMS.values():
        section = script.describe(name, hospital, label_set, {"valid": 0.1, "test": 0.1})
        phases = {"training": {**script.TRAINING, "phases": script.PRETRAIN}}
        recipe = compose([{"mode": "pretrain", "data": section}, phases], name)
        assert recipe.training.augment.crop == 2.5


def test_first_weights_are_all_that_its_arms_differ_in(script, monkeypatch, tmp_path):
    """Training is not run; what would be is."""
    recipes = []
    found = SimpleNamespace(folder=tmp_path, model=tmp_path / "model.keras")
    monkeypatch.setattr(script.simulate, "simulate", lambda *args, **settings: None)
    monkeypatch.setattr(script, "learn", lambda folder, name, one: recipes.append(one) or found)
    monkeypatch.setattr(script.models, "load_model", lambda path: None)
    predictions = SimpleNamespace(targets=[[0], [1]], probabilities=[[0.1], [0.9]])
    monkeypatch.setattr(script.evaluation, "predict", lambda *args: predictions)
    ranking = SimpleNamespace(records=1, patients=1, values={})
    monkeypatch.setattr(script, "rank_checkpoints", lambda *args: ranking)
    script.measure(tmp_path)
    arms = [one["training"] for one in recipes if one["mode"] != "pretrain"]
    assert len(arms) == 5 * len(script.SEEDS)
    assert [one for one in arms if one["seed"] == 0] == arms[:1] * 5


def test_the_table_tells_the_order(script, capsys):
    values = {"melep": (0.1, 0.2, 0.3, 0.4), "knn": (0.6, 0.7, 0.9, 0.8)}
    scores = dict(zip([*script.UPSTREAMS, "scratch"], (0.9, 0.8, 0.7, 0.6, 0.5), strict=True))
    script.print_table(values, scores)
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "| MELEP | 0.100 | 0.200 | 0.300 | 0.400 | 1234 | 6 of 6 | 6 of 6 |"
    assert lines[3] == "| kNN | 0.600 | 0.700 | 0.900 | 0.800 | 3421 | 1 of 6 | 1 of 6 |"
    assert lines[4].startswith("| after fine-tuning | 0.900 ")
    assert lines[-1] == "scratch: macro AUROC 0.500"
