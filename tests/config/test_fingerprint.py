"""Fingerprints change with what matters, and with nothing else."""

import pytest

from ecg_keras.config import (
    Recipe,
    data_settings,
    differences,
    fingerprint,
    run_settings,
)


def recipe(**changes) -> Recipe:
    tree = {
        "mode": "finetune",
        "data": {"source": "ptbxl", "raw": "a"},
        "initialise": {"from": "b.yaml", "set": {"data.raw": "c", "training.seed": 1}},
    }
    for key, value in changes.items():
        node = tree
        *parents, last = key.split("__")
        for part in parents:
            node = node.setdefault(part, {})
        node[last] = value
    return Recipe.model_validate(tree)


@pytest.mark.parametrize(
    "changes",
    [
        {"data__raw": "elsewhere"},
        {"data__workers": 4},
        {"data__quarantine": 0.5},
        {"data__shards": "elsewhere"},
        {"run": "elsewhere"},
        {"export": True},
        {"evaluation": {"bootstrap": 500}},
        {"initialise": {"from": "b.yaml", "set": {"data.raw": "d", "training.seed": 1}}},
    ],
)
def test_places_and_what_is_made_later_do_not_change_the_run(changes):
    assert fingerprint(run_settings(recipe(**changes))) == fingerprint(run_settings(recipe()))


@pytest.mark.parametrize(
    "changes",
    [
        {"data__sampling_rate": 500.0},
        {"data__train_records": 50},
        {"data__subset": "first"},
        {"training__validate_on": "test"},
        {"initialise": {"from": "b.yaml", "set": {"training.seed": 1}, "scaling": "own"}},
        {"training__seed": 1},
        {"model__backbone": "lstm"},
        {"initialise": {"from": "b.yaml", "set": {"training.seed": 2}}},
    ],
)
def test_what_changes_the_weights_changes_the_run(changes):
    assert fingerprint(run_settings(recipe(**changes))) != fingerprint(run_settings(recipe()))


def test_the_number_of_training_records_changes_no_shard():
    fewer = recipe(data__train_records=50, data__subset="first").data
    assert data_settings(fewer) == data_settings(recipe().data)
    assert data_settings(recipe(data__seconds=5.0).data) != data_settings(recipe().data)


def test_each_fold_is_a_dataset_of_its_own():
    folds = [recipe(data__split={"folds": 3, "fold": fold}).data for fold in range(3)]
    assert len({fingerprint(data_settings(one)) for one in folds}) == 3


def test_differences_name_the_keys():
    assert differences({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}, "d": 4}) == [
        "a.c: 2 -> 3",
        "d: None -> 4",
    ]
