"""From checkpoints to a recipe; whole calls are in tests/cli/test_advise_command.py."""

import json
from dataclasses import replace

import pytest
from advice_parts import FINETUNE, NETWORK, SCRATCH, SETTINGS, advice, dataset

from ecg_keras.advise import advise, write_recipe
from ecg_keras.advise.candidates import CheckpointFacts
from ecg_keras.advise.recommend import list_ways, recipe_text
from ecg_keras.config import Model, Recipe, load_recipe
from ecg_keras.errors import ConfigError, DataError


def test_the_most_promising_checkpoint_lends_scratch_its_network():
    first = CheckpointFacts("a", Model(backbone="gru"), "ptb", 9, (), True, ())
    second = CheckpointFacts("b", NETWORK, "ptb", 9, (), False, ())
    ways = list_ways([first, second])
    assert [str(way) for way in ways] == [
        "scratch",
        "linear probe from a",
        "fine-tune from a",
        "linear probe from b",
        "fine-tune from b",
    ]
    assert [way.network.backbone for way in ways] == ["gru"] * 3 + ["resnet1d18"] * 2
    assert [way.keeps_head for way in ways] == [False, True, True, False, False]


def test_a_recipe_is_written_as_it_is_read(tmp_path):
    for way in (SCRATCH, replace(FINETUNE, keeps_head=True)):
        recipe = way.recipe(
            {**SETTINGS, "split": {"valid": 0.3}, "leads": ["I", "II"]},
            raw=tmp_path / "räw",
            epochs=8,
        )
        text = recipe_text(recipe, ["What it is.", ""], {"data": "of the target"})
        assert text.startswith("# What it is.\n#\nmode: ")
        assert "\n# of the target\ndata:\n" in text
        (tmp_path / "a.yaml").write_text(text)
        assert load_recipe(tmp_path / "a.yaml").recipe == recipe


def test_of_a_recipe_only_what_differs_from_the_defaults_is_written():
    recipe = Recipe(mode="scratch", data={"source": "ptb", "raw": "data/raw/ptb"})
    assert recipe_text(recipe, ["Learn."], {}) == (
        '# Learn.\nmode: scratch\ndata:\n  source: "ptb"\n  raw: "data/raw/ptb"\n'
    )


def test_a_recipe_needs_a_name_that_ends_in_yaml(tmp_path):
    with pytest.raises(ConfigError, match=r"a recipe's name ends in \.yaml. Received: .*a\.txt"):
        write_recipe(advice(scratch=0.3, finetune=1.0), tmp_path / "a.txt", tmp_path)


@pytest.mark.parametrize("wrong", [{"minutes": 0}, {"seeds": 1}, {"margin": 1.0}])
def test_settings_out_of_range_are_refused(wrong, tmp_path):
    with pytest.raises(ConfigError, match="minutes above 0, at least 2 seeds, and a margin"):
        advise(["a"], tmp_path, **wrong)


def test_a_target_without_validation_records_is_refused(shards):
    leads = tuple(f"L{number}" for number in range(12))
    (shards / "dataset.json").write_text(replace(dataset(valid=0), leads=leads).dump())
    with pytest.raises(DataError, match="has no validation record"):
        advise(["runs/up"], shards)


@pytest.mark.parametrize("poor", [{"patients": 1}, {"labels": {"MI": 0, "HYP": 40}}])
def test_a_validation_split_that_scores_nothing_is_refused_before_the_pilots(shards, poor):
    whole = replace(dataset(valid=40), leads=tuple(f"L{number}" for number in range(12)))
    valid = replace(whole.splits["valid"], **poor)
    given = replace(whole, splits={**whole.splits, "valid": valid})
    (shards / "dataset.json").write_text(given.dump())
    with pytest.raises(DataError, match=r"can't score pilot runs: .* 40 records of \d+ patient"):
        advise(["runs/up"], shards)


def test_code_that_a_checkpoint_or_a_target_names_is_run_only_where_the_user_names_it(
    shards, tmp_path
):
    run = tmp_path / "received"
    run.mkdir()
    card = (shards / "dataset.json").read_text()
    (run / "dataset.json").write_text(card)
    model = {"backbone": "evil:net"}
    (run / "status.json").write_text(json.dumps({"settings": {"model": model}}))
    with pytest.raises(ConfigError, match=r"received: names code of .* --own-code evil:net, if"):
        advise([run], shards)
    with pytest.raises(DataError):  # it is looked at, and has no weights
        advise([run], shards, own_code=["evil:net"])
    (shards / "dataset.json").write_text(json.dumps({**json.loads(card), "source": "holter"}))
    with pytest.raises(ConfigError, match=r"shards: names code of .* --own-code holter, if"):
        advise([run], shards, own_code=["evil:net"])
