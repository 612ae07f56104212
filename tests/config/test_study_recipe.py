"""Study recipes: what they may say, and how recipes are put together from their parts."""

import re
from pathlib import Path

import pytest

from ecg_keras.config import compose, leaves, load_study
from ecg_keras.errors import ConfigError

GOOD = """\
base: {training: {batch_size: 32}}
upstreams:
  georgia: {data: {source: georgia}}
downstreams:
  ludb: {data: {source: ludb}}
modes:
  scratch: {start: random}
  finetune: {}
grid: {seeds: [0, 1], sizes: [100, all]}
"""

UNSET = object()


def load(folder: Path, text: str = GOOD, overrides: dict | None = None):
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return load_study(path, overrides)


@pytest.mark.parametrize("key", ["loss", "optimizer"])
def test_one_loss_or_optimizer_takes_the_place_of_another(key: str) -> None:
    whole = {"mode": "scratch", "data": {"source": "ludb", "raw": "x"}}
    first, again, other = ({key: one} for one in ({"a": {"x": 1}}, {"a": {"y": 2}}, {"b": {}}))

    def resolved(*parts: dict) -> object:
        training = compose([whole, *({"training": part} for part in parts)], "here").training
        return getattr(training, key)

    assert resolved(first, other) == {"b": {}}
    assert resolved(first, again) == {"a": {"x": 1, "y": 2}}
    assert resolved(first, {key: "b"}, again) == {"a": {"y": 2}}


def test_a_given_upstream_may_be_in_the_home_folder(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    study = load(tmp_path, overrides={"upstreams.georgia": {"from": "~/runs/up"}}).study
    assert study.given_upstreams == {"georgia": tmp_path / "me" / "runs" / "up"}
    with pytest.raises(ConfigError, match="no home folder is known for ~nobody-of-this-name"):
        load(tmp_path, overrides={"upstreams.georgia": {"from": "~nobody-of-this-name/x"}})


@pytest.mark.parametrize("name", ["paper", "paper_sound"])
def test_an_override_changes_its_own_place_and_not_what_an_alias_repeats(name: str) -> None:
    path = Path("recipes/studies") / f"{name}.yaml"
    before = load_study(path).study.downstreams
    overrides = {"upstreams.ptbxl.data.seconds": 5, "upstreams.georgia.training.seed": 3}
    after = load_study(path, overrides).study
    assert after.upstreams["ptbxl"]["data"]["seconds"] == 5
    assert after.upstreams["georgia"]["training"]["seed"] == 3
    assert after.downstreams == before
    assert "seed" not in after.upstreams["cpsc2018"].get("training", {})


def test_an_override_below_a_merged_alias_has_one_place_as_well(tmp_path: Path) -> None:
    text = GOOD.replace("ludb: {data", "ludb: &ludb {data")
    text = text.replace("modes:", "  other:\n    <<: *ludb\nmodes:")
    downstreams = load(tmp_path, text, {"downstreams.other.data.seconds": 5}).study.downstreams
    assert downstreams["other"]["data"] == {"source": "ludb", "seconds": 5}
    assert downstreams["ludb"]["data"] == {"source": "ludb"}


def test_defaults_and_overrides(tmp_path: Path) -> None:
    loaded = load(tmp_path, overrides={"downstreams.ludb.data.raw": "/data/ludb", "grid.folds": 5})
    assert loaded.name == "study"
    assert loaded.study.downstreams["ludb"] == {"data": {"source": "ludb", "raw": "/data/ludb"}}
    assert loaded.study.grid.sizes == (100, "all")
    assert loaded.study.grid.folds == 5
    assert loaded.study.question.reference == "scratch"
    assert list(loaded.study.protocols) == ["as_set"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("scratch: {start: random}", "plain: {start: random}", "question.reference must be one"),
        ("{start: random}", "{begin: random}", "modes.scratch.begin: no key named 'begin'"),
        ("seeds: [0, 1]", "seeds: [1, 1]", "seeds must be different values, at least one"),
        ("seeds: [0, 1]", "seeds: []", "seeds must be different values, at least one"),
        ("seeds: [0, 1]", "folds: 2", "greater than or equal to 3"),
        ("seeds: [0, 1]", "upstreams: [gorgia]", "Did you mean 'georgia'"),
        ("grid:", "exclude: [{mode: probe}]\ngrid:", "exclude.0: no mode named 'probe'"),
        ("grid:", "sweeps: [{folds: 3}]\ngrid:", "sweeps.0.folds must be grid.folds, None"),
        ("grid:", "protocols: {}\ngrid:", "protocols must have at least one"),
        (
            "grid:",
            "protocols: {half: {modes: [probe]}}\ngrid:",
            "protocols.half.modes: no mode named 'probe'",
        ),
        (
            "grid:",
            "protocols: {sound: {}, half: {against: half}}\ngrid:",
            "protocols.half.against must be another protocol of the study (sound). Received: half",
        ),
        ("grid:", "protocols: {half: {against: sound}}\ngrid:", "(there is none). Received: sound"),
        ("  georgia: {data: {source: georgia}}", "  {}", "there are no upstreams"),
    ],
)
def test_what_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError, match=re.escape(message)) as error:
        load(tmp_path, GOOD.replace(old, new, 1))
    assert "study.yaml" in str(error.value)


def test_a_protocol_changes_the_first_or_the_one_that_it_names(tmp_path: Path) -> None:
    named = "{sound: {}, untuned: {}, test_epoch: {against: untuned}, half: {}}"
    study = load(tmp_path, GOOD.replace("grid:", f"protocols: {named}\ngrid:")).study
    assert study.protocol_changes == {"untuned": "sound", "test_epoch": "untuned", "half": "sound"}
    assert load(tmp_path).study.protocol_changes == {}


def test_a_shipped_protocol_changes_one_thing_of_both_ways() -> None:
    compared = []
    for path in sorted((Path(__file__).parents[2] / "recipes" / "studies").glob("*.yaml")):
        study = load_study(path).study
        for name, other in study.protocol_changes.items():
            one, before = study.protocols[name], study.protocols[other]
            assert one.modes is before.modes is None
            own, theirs = (dict(leaves(each.recipe)) for each in (one, before))
            changed = {key for key in own | theirs if own.get(key, UNSET) != theirs.get(key, UNSET)}
            assert ("tune",) not in changed or changed == {("tune",)}, name
            compared.append(name)
    assert {"best_test_epoch", "hot_rate"} <= set(compared)


def test_a_study_is_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a mapping with the keys base, upstreams, downstreams"):
        load(tmp_path, "just text")


def test_later_parts_win_key_by_key() -> None:
    recipe = compose(
        [
            {"mode": "scratch", "data": {"source": "ptb", "raw": "a"}},
            {"training": {"batch_size": 8, "phases": [{"epochs": 3}, {"epochs": 4}]}},
            {"training": {"phases": [{"epochs": 5}]}, "data": {"raw": "b"}},
        ],
        "here",
    )
    assert recipe.training.batch_size == 8
    assert [phase.epochs for phase in recipe.training.phases] == [5]
    assert recipe.data.raw == Path("b")


def test_composing_changes_no_part() -> None:
    first = {"mode": "scratch", "data": {"source": "ptb", "raw": "a"}}
    compose([first, {"data": {"raw": "b"}}], "here")
    assert first["data"] == {"source": "ptb", "raw": "a"}


def test_what_is_no_recipe_is_told_with_its_place() -> None:
    with pytest.raises(
        ConfigError, match=r"study.yaml, ludb: training.batch_size: must be a whole"
    ):
        compose(
            [
                {"mode": "scratch", "data": {"source": "ludb", "raw": "a"}},
                {"training": {"batch_size": "x"}},
            ],
            "study.yaml, ludb",
        )
