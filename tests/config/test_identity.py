"""Fingerprints change with what matters, and with nothing else."""

import pytest

from ecg_keras.config import (
    Data,
    Recipe,
    data_changes,
    data_mark,
    data_settings,
    differences,
    run_changes,
    run_mark,
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
    assert run_mark(recipe(**changes)) == run_mark(recipe())


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
    assert run_mark(recipe(**changes)) != run_mark(recipe())


def test_the_number_of_training_records_changes_no_shard():
    fewer = recipe(data__train_records=50, data__subset="first").data
    assert data_settings(fewer) == data_settings(recipe().data)
    assert data_mark(fewer) == data_mark(recipe().data)
    assert data_mark(recipe(data__seconds=5.0).data) != data_mark(recipe().data)


def test_each_fold_is_a_dataset_of_its_own():
    folds = [recipe(data__split={"folds": 3, "fold": fold}).data for fold in range(3)]
    assert len({data_mark(one) for one in folds}) == 3


def test_differences_name_the_keys():
    assert differences({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}, "d": 4}) == [
        "a.c: 2 -> 3",
        "d: None -> 4",
    ]


def test_a_key_at_its_default_is_as_good_as_none():
    spelled = recipe(data__seconds=10.0, data__split={"seed": 0}, training__batch_size=64)
    assert run_mark(spelled) == run_mark(recipe())
    assert data_mark(spelled.data) == data_mark(recipe().data)


def test_a_key_that_a_version_adds_makes_nothing_stale():
    class Newer(Data):
        denoise: bool = False

    old = data_settings(recipe().data)
    newer = Newer(source="ptbxl", raw="a")
    assert data_mark(newer) == data_mark(recipe().data)
    assert data_mark(Newer(source="ptbxl", raw="a", denoise=True)) != data_mark(newer)
    # what was written before the key was there
    del old["window"], old["split"]["folds"]
    assert data_changes(old, recipe().data) == []
    assert data_changes(old, recipe(data__window="centre").data) == ["window: start -> centre"]


def test_records_that_are_left_out_change_the_dataset_by_their_ids_alone(tmp_path):
    plain = recipe().data
    assert "exclude" not in data_settings(plain)
    assert data_mark(plain) == data_mark(recipe(data__exclude=[]).data)
    named = recipe(data__exclude=["b", "a", "b"]).data
    assert named.exclude == ("a", "b")
    assert data_mark(named) != data_mark(plain)
    assert data_changes(data_settings(plain), named) == ["exclude: None -> ['a', 'b']"]
    for name, text in (
        ("noisy.txt", "b\n\na\r\n"),
        ("noisy.csv", "noise,record_id\n3,b\n4,a\n"),
        ("bare.csv", "a,3\nb,4\n"),
    ):
        (tmp_path / name).write_text(text)
        of_file = recipe(data__exclude=str(tmp_path / name)).data
        assert data_mark(of_file) == data_mark(named)
        assert data_settings(of_file) == data_settings(named)


def test_what_an_earlier_version_wrote_of_a_run_is_compared_key_by_key():
    old = run_settings(recipe())
    del old["training"]["epsilon"], old["data"]["leaks"], old["training"]["phases"][0]["train_from"]
    assert run_changes(old, recipe()) == []
    assert run_changes(old, recipe(training__seed=1)) == ["training.seed: 0 -> 1"]
    assert "key_of_old: 1 -> None" in run_changes({**old, "key_of_old": 1}, recipe())
    assert run_changes({}, recipe()) != []


def test_patience_for_a_last_epoch_is_no_part_of_a_run():
    last = {"training__select": "last"}
    waiting, plain = recipe(**last, training__patience=5), recipe(**last)
    stored = recipe(training__select="last").model_dump(mode="json", by_alias=True)
    stored["training"]["patience"] = 5  # as earlier versions wrote it
    assert run_mark(waiting) == run_mark(plain)
    for one in (waiting, plain):
        assert run_changes(stored, one) == run_changes(run_settings(waiting), one) == []
    assert run_mark(recipe(training__patience=5)) != run_mark(recipe())


RIDGE = [{"epochs": 1, "train_from": "head", "fit": "ridge"}]


def test_a_run_whose_head_is_fitted_in_closed_form_is_the_same_however_its_rates_were_tuned():
    plain = recipe(training__phases=RIDGE)
    tuned = recipe(training__phases=RIDGE, tune={})
    assert run_changes(run_settings(tuned), plain) == []
    assert run_changes(run_settings(plain), tuned) == []
    heads = [{"recipe": {"model": {"head": head}}} for head in ("pooled", "mean_max")]
    chosen = recipe(training__phases=RIDGE, tune={"candidates": heads})
    assert run_changes(run_settings(chosen), plain) != []
    trained = recipe(training__phases=[{"epochs": 4}], tune={})
    assert any(one.startswith("tune") for one in run_changes(run_settings(trained), plain))
    assert run_changes(run_settings(recipe(tune={})), recipe()) != []
