"""Which overrides of a recipe reach the one it is compared with, and what is said of others."""

import pytest
from tiny_recipe import settings_of

from ecg_keras import workflow
from ecg_keras.config import dump_recipe, load_recipe
from ecg_keras.errors import ConfigError

DATA = "data: {source: ptbxl, raw: x}\n"
FINETUNE = (
    f"mode: finetune\n{DATA}initialise: {{from: up.yaml}}\nevaluation: {{baseline: base.yaml}}\n"
    "model: {dropout: 0.3}\n"
    "training:\n  batch_size: 32\n  phases:\n"
    "    - {epochs: 16, learning_rate: 3e-3, train_from: head}\n"
    "    - {epochs: 64, learning_rate: 3e-4, stage_decay: 0.7}\n"
)
BASE = (
    f"mode: scratch\n{DATA}model: {{dropout: 0.3}}\n"
    "training: {batch_size: 32, phases: [{epochs: 80, learning_rate: 3e-3}]}\n"
)


@pytest.fixture
def recipes(tmp_path):
    for name, text in (("mine", FINETUNE), ("base", BASE), ("up", f"mode: pretrain\n{DATA}")):
        (tmp_path / f"{name}.yaml").write_text(text)

    def load(**overrides):
        loaded = workflow.load(tmp_path / "mine.yaml", settings_of(overrides))
        notes = workflow.overrides_left_out(loaded)
        return loaded.recipe, workflow.baseline_recipe(loaded).recipe, notes

    return load


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("training__seed", 3),
        ("training__batch_size", 8),
        ("training__augment__crop", 5.0),
        ("training__optimizer", "adamw"),
        ("model__dropout", 0.5),
        ("model__backbone", "gru"),
    ],
)
def test_what_both_say_the_same_of_reaches_both(recipes, key, value):
    found = recipes(**{key: value})
    for recipe in found[:2]:
        node = recipe
        for part in key.split("__"):
            node = getattr(node, part)
        assert node == value
    assert found[2] == ()


def test_shorter_phases_shorten_both_arms(recipes):
    mine, base, notes = recipes(training__phases=[{"epochs": 12}])
    assert [phase.epochs for phase in mine.training.phases] == [12]
    assert base.training.phases == mine.training.phases
    assert notes == ()


def test_a_ridge_head_takes_no_candidates_of_the_recipe(recipes, tmp_path):
    assert recipes(tune={})[1].tune == recipes(tune={})[0].tune
    ridge = BASE.replace(
        "{epochs: 80, learning_rate: 3e-3}", "{epochs: 1, train_from: head, fit: ridge}"
    )
    (tmp_path / "base.yaml").write_text(ridge)
    assert recipes(tune={})[1].tune is None


def test_random_weights_are_not_frozen(recipes):
    phases = [{"epochs": 4, "train_from": "head"}, {"epochs": 8, "stage_decay": 0.5}]
    mine, base, (note,) = recipes(training__phases=phases)
    assert mine.training.phases[0].train_from == "head"
    assert [phase.epochs for phase in base.training.phases] == [4, 8]
    assert {phase.train_from for phase in base.training.phases} == {"stem"}
    assert {phase.stage_decay for phase in base.training.phases} == {1.0}
    assert "base.yaml: --set training.phases reaches the baseline without train_from, " in note
    assert len(note.splitlines()) == 1


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("training.phases.0.epochs", 2, "training.phases.0.epochs is 80 by design, and 16 in mine"),
        ("training.phases.1.epochs", 2, "training.phases.1.epochs is nothing by design, and 64 in"),
        ("training.phases.0.train_from", "stem", "train_from is stem by design, and head in mine"),
    ],
)
def test_what_differs_by_design_does_not_reach_the_baseline_and_that_is_said(
    recipes, key, value, said
):
    _, base, (note,) = recipes(**{key: value})
    assert base.training.phases[0].epochs == 80
    assert len(base.training.phases) == 1
    assert f"base.yaml: --set {key}={value} does not reach the baseline, in which" in note
    assert said in note and f"--set evaluation.baseline_set.{key}=..." in note


def test_networks_that_are_compared_stay_two(recipes, tmp_path):
    base = tmp_path / "base.yaml"
    base.write_text(BASE.replace("model: {", "model: {backbone: lstm, "))
    mine, theirs, (note,) = recipes(model__backbone="gru")
    assert (mine.model.backbone, theirs.model.backbone) == ("gru", "lstm")
    assert "model.backbone is lstm by design, and resnet1d18 in mine.yaml" in note


@pytest.mark.parametrize(
    ("overrides", "networks"),
    [
        ({}, ("gru", "gru")),
        ({"initialise.set.model.backbone": "bilstm"}, ("bilstm", "bilstm")),
        (
            {"model.backbone": "bilstm", "initialise.set.model.backbone": "bilstm"},
            ("bilstm", "lstm"),
        ),
        ({"evaluation.baseline_set.model.backbone": "resnet1d18"}, ("gru", "resnet1d18")),
    ],
)
def test_a_recipe_that_names_no_network_is_compared_with_that_of_its_first_weights(
    recipes, tmp_path, overrides, networks
):
    (tmp_path / "up.yaml").write_text(f"mode: pretrain\n{DATA}model: {{backbone: gru}}\n")
    base = tmp_path / "base.yaml"
    base.write_text(BASE.replace("model: {", "model: {backbone: lstm, "))
    mine, theirs, _ = recipes(**overrides)
    assert (mine.model.backbone, theirs.model.backbone) == networks


def test_a_baseline_that_is_fine_tuned_has_the_network_of_its_own_first_weights(recipes, tmp_path):
    (tmp_path / "up.yaml").write_text(f"mode: pretrain\n{DATA}model: {{backbone: gru}}\n")
    (tmp_path / "other.yaml").write_text(f"mode: pretrain\n{DATA}model: {{backbone: lstm}}\n")
    base = BASE.replace("mode: scratch", "mode: finetune\ninitialise: {from: other.yaml}")
    (tmp_path / "base.yaml").write_text(base)
    mine, theirs, _ = recipes()
    assert (mine.model.backbone, theirs.model.backbone) == ("gru", "lstm")


def test_a_network_set_in_both_recipes_reaches_a_baseline_of_the_same(recipes, tmp_path):
    (tmp_path / "up.yaml").write_text(f"mode: pretrain\n{DATA}model: {{backbone: lstm}}\n")
    base = tmp_path / "base.yaml"
    base.write_text(BASE.replace("model: {", "model: {backbone: lstm, "))
    both = {"model.backbone": "gru", "initialise.set.model.backbone": "gru"}
    mine, theirs, notes = recipes(**both)
    assert (mine.model.backbone, theirs.model.backbone, notes) == ("gru", "gru", ())


def test_the_baseline_has_overrides_of_its_own(recipes):
    mine, base, notes = recipes(
        training__seed=2,
        **{
            "training.phases.0.epochs": 2,
            "evaluation.baseline_set.training.phases.0.epochs": 66,
            "evaluation.baseline_set.training.seed": 5,
        },
    )
    assert [phase.epochs for phase in mine.training.phases] == [2, 64]
    assert [phase.epochs for phase in base.training.phases] == [66]
    assert (mine.training.seed, base.training.seed) == (2, 5)
    assert notes == ()
    assert mine.evaluation.baseline_set == {"training.phases.0.epochs": 66, "training.seed": 5}
    assert base.evaluation.baseline_set == {}


def test_overrides_of_the_baseline_are_kept_in_the_run_and_checked(recipes, tmp_path):
    mine, _, _ = recipes(**{"evaluation.baseline_set.training.seed": 5})
    (tmp_path / "kept.yaml").write_text(dump_recipe(mine))
    assert load_recipe(tmp_path / "kept.yaml").recipe == mine
    with pytest.raises(ConfigError, match=r"base\.yaml: --set training\.seeds=5: .*Did you mean"):
        recipes(**{"evaluation.baseline_set.training.seeds": 5})


def test_how_it_starts_and_where_it_lies_are_the_recipes_own(recipes):
    mine, base, notes = recipes(initialise__head="keep", run="elsewhere", export=True)
    assert base.initialise is None and base.run is None and not base.export
    assert mine.export and notes == ()


def test_no_baseline_leaves_nothing_out(recipes, tmp_path):
    loaded = workflow.load(tmp_path / "base.yaml", {"training.seed": 1})
    assert workflow.overrides_left_out(loaded) == ()
    assert workflow.baseline_recipe(loaded) is None
