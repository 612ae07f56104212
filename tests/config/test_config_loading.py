"""Recipes: typed, with every problem of a file told at once, by file and line."""

from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from ecg_keras.config import Problem, dump_recipe, load_recipe, parse_overrides
from ecg_keras.errors import ConfigError

GOOD = """\
mode: scratch
data:
  source: ptbxl
  raw: data/raw/ptbxl
training:
  phases:
    - {epochs: 3, learning_rate: 1e-3}
"""


def write(tmp_path: Path, text: str, name: str = "recipe.yaml") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def message(tmp_path: Path, text: str, overrides: dict | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load_recipe(write(tmp_path, text), overrides)
    return str(caught.value)


def test_numbers_in_scientific_notation_are_numbers(tmp_path):
    recipe = load_recipe(write(tmp_path, GOOD)).recipe
    assert recipe.training.phases[0].learning_rate == 0.001
    assert recipe.data.raw == Path("data/raw/ptbxl")


def test_every_problem_is_told_at_once_with_its_line(tmp_path):
    text = GOOD.replace("raw: data/raw/ptbxl", "raw: data/raw/ptbxl\n  sampling_rte: 100")
    text = text.replace("epochs: 3", 'epochs: "3"') + "modle: {}\n"
    lines = message(tmp_path, text).splitlines()
    path = tmp_path / "recipe.yaml"
    assert len(lines) == 3
    assert lines[0].startswith(f"{path}:5: data.sampling_rte: no key named 'sampling_rte'.")
    assert lines[0].endswith("Did you mean 'sampling_rate'?")
    assert lines[1].startswith(f"{path}:8: training.phases.0.epochs: must be a whole number")
    assert lines[1].endswith("Received: '3'.")
    assert lines[2].startswith(f"{path}:9: modle: no key named 'modle'.")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("mode: scratch", "mode: finetune", ":1: recipe: mode finetune needs `initialise"),
        ("mode: scratch\n", "", ":1: mode: this key is required and missing."),
        (
            "mode: scratch",
            "mode: scratch\ninitialise: {from: a.keras}",
            ":1: recipe: mode scratch starts from random weights: remove `initialise`",
        ),
        (
            "raw: data",
            "split: {valid_folds: [8, 9], test_folds: [9, 10]}\n  raw: data",
            "data.split: valid_folds and test_folds must have no fold in common",
        ),
        ("epochs: 3", "epochs: 0", "greater than or equal to 1. Received: 0."),
        ("source: ptbxl", "source: ptbxl\n  source: ludb", ":4: the key 'source' is there twice"),
        ("source: ptbxl", "source: [ptbxl", ":4: "),
        ("raw: data", "split: {valid: .6, test: .6}\n  raw: data", "together must be below 1"),
        ("raw: data", "split: {folds: 2, fold: 0}\n  raw: data", "or equal to 3. Received: 2."),
        ("raw: data", "split: {folds: 5}\n  raw: data", "Received: folds 5, fold None."),
        ("raw: data", "split: {fold: 1}\n  raw: data", "Received: folds None, fold 1."),
        ("raw: data", "split: {folds: 5, fold: 5}\n  raw: data", "fold must be 0 to 4, as there"),
        (
            "raw: data",
            "split: {folds: 5, fold: 0, test: 0.3, valid_folds: [1]}\n  raw: data",
            "data.split: folds decides who is tested and who validates: remove valid_folds, test.",
        ),
        (
            "raw: data",
            "split: {method: patients, valid: 0}\n  raw: data",
            ":1: recipe: without a validation split nothing can choose the epoch and the",
        ),
        ("raw: data", "split: {valid_folds: []}\n  raw: data", "training.validate_on: test."),
        ("raw: data", "simulate: {records: 20}\n  raw: data", "needs data.source simulated"),
        ("raw: data", "folder: {file: path}\n  raw: data", "data.folder needs data.source folder"),
        (
            "source: ptbxl",
            "source: folder\n  folder: {patiemt: mrn}",
            "no key named 'patiemt'.",
        ),
        (
            "source: ptbxl",
            "source: folder\n  folder: {sampling_rate: -500}",
            "data.folder.sampling_rate: must be a number of Hz above 0, or the name of a column. "
            "Received: -500.",
        ),
        (
            "source: ptbxl",
            "source: folder\n  folder: {labels: [AF, AF]}",
            "data.folder: labels must have at least one name, and each name once.",
        ),
        (
            "source: ptbxl",
            "source: folder\n  folder: {unit: kV}",
            "data.folder.unit: must be 'mV', 'uV' or 'V', or a step as '4.88 uV'. Received: 'kV'.",
        ),
        (
            "source: ptbxl",
            "source: folder\n  folder: {unit: 0 uV}",
            "data.folder.unit: must be 'mV', 'uV' or 'V', or a step as '4.88 uV'. "
            "Received: '0 uV'.",
        ),
        (
            "  phases:",
            "  loss: {focal: 3}\n  phases:",
            "training.loss: must be a name, or one name",
        ),
        ("  phases:", "  callbacks: [3]\n  phases:", "training.callbacks.0: must be a name"),
        ("- {epochs: 3, learning_rate: 1e-3}", "[]", "at least one phase"),
        ("learning_rate: 1e-3", "learning_rate: .inf", "finite number"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, old, new, expected):
    assert old in GOOD
    assert expected in message(tmp_path, GOOD.replace(old, new))


def test_a_missing_recipe_lists_those_that_are_there(tmp_path):
    write(tmp_path, GOOD, "ptbxl_scratch.yaml")
    listed = r"no such recipe\. In .*: ptbxl_scratch\.yaml\. Did you mean 'ptbxl_scratch\.yaml'\?"
    with pytest.raises(ConfigError, match=listed):
        load_recipe(tmp_path / "ptbxl_scrach.yaml")


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just text"])
def test_a_recipe_is_a_mapping(tmp_path, text):
    assert "a recipe is a mapping" in message(tmp_path, text)


def test_a_study_is_no_recipe_of_one_run(tmp_path):
    said = message(tmp_path, "base: {tune: {}}\ndownstreams: {ludb: {data: {source: ludb}}}\n")
    path = tmp_path / "recipe.yaml"
    assert said.startswith(f"{path}: is the recipe of a study")
    assert f"`ecg-keras study {path} --dry-run`" in said
    assert "\n" not in said


def test_yaml_can_not_run_code(tmp_path):
    text = GOOD.replace("source: ptbxl", "source: !!python/object/apply:os.system [echo hacked]")
    assert "data.source" in message(tmp_path, text)


def test_overrides_reach_nested_keys_lists_and_sections_that_are_not_there(tmp_path):
    overrides = parse_overrides(
        ["training.phases.0.epochs=7", "model.backbone=lstm", "data.split.seed=3", "run=null"]
    )
    loaded = load_recipe(write(tmp_path, GOOD), overrides)
    assert loaded.recipe.training.phases[0].epochs == 7
    assert loaded.recipe.model.backbone == "lstm"
    assert loaded.recipe.data.split.seed == 3
    assert loaded.name == "recipe"


def test_overrides_for_the_upstream_recipe_stay_dotted(tmp_path):
    text = GOOD.replace("mode: scratch", "mode: finetune\ninitialise: {from: other.yaml}")
    loaded = load_recipe(write(tmp_path, text), {"initialise.set.data.raw": "/data/georgia"})
    assert loaded.recipe.initialise.set == {"data.raw": "/data/georgia"}


@pytest.mark.parametrize("assignment", ["training.seed", "=3"])
def test_an_override_needs_a_key_and_a_value(assignment):
    with pytest.raises(ConfigError, match="must be KEY=VALUE"):
        parse_overrides([assignment])


def test_further_checks_are_told_with_their_line(tmp_path):
    def refuse(recipe):
        yield Problem(("data", "source"), "no source named 'x'.")

    with pytest.raises(ConfigError, match=r"recipe\.yaml:3: data\.source: no source named 'x'\."):
        load_recipe(write(tmp_path, GOOD), checks=[refuse])


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**31),
    rate=st.floats(1e-6, 10),
    batch=st.integers(1, 4096),
    decay=st.floats(0.01, 1),
)
def test_a_dumped_recipe_reads_back_the_same(tmp_path_factory, seed, rate, batch, decay):
    folder = tmp_path_factory.mktemp("recipes")
    overrides = {
        "training.seed": seed,
        "training.batch_size": batch,
        "training.phases": [{"epochs": 2, "learning_rate": rate, "stage_decay": decay}],
    }
    first = load_recipe(write(folder, GOOD), overrides).recipe
    again = load_recipe(write(folder, dump_recipe(first), "again.yaml")).recipe
    assert again == first


def test_a_recipe_that_validates_on_test_needs_no_validation_split(tmp_path):
    overrides = {"training.validate_on": "test"}
    for split in ({"method": "records", "valid": 0.0}, {"valid_folds": []}):
        recipe = load_recipe(write(tmp_path, GOOD), {**overrides, "data.split": split}).recipe
        assert recipe.data.split.may_lack_valid
        calibrated = {**overrides, "data.split": split, "evaluation.calibration": "platt"}
        assert "calibration is fitted on the validation" in message(tmp_path, GOOD, calibrated)
    assert not load_recipe(write(tmp_path, GOOD), overrides).recipe.data.split.may_lack_valid


def test_a_dumped_recipe_of_a_cross_validation_reads_back_the_same(tmp_path):
    overrides = {"data.split": {"folds": 5, "fold": 4}}
    first = load_recipe(write(tmp_path, GOOD), overrides).recipe
    assert load_recipe(write(tmp_path, dump_recipe(first), "again.yaml")).recipe == first


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ("data: 3", ":2: data: must be keys with values. Received: 3."),
        ("data: {source: ptbxl, raw: 3}", ":2: data.raw: must be a path. Received: 3."),
        ("data: {source: 3, raw: x}", ":2: data.source: must be text. Received: 3."),
        ("data: {source: a, raw: x, leads: I}", "must be a list, such as [1, 2]. Received: 'I'."),
        ("export: maybe", ":2: export: must be true or false. Received: 'maybe'."),
        ("training: {schedule: step}", "must be 'constant', 'cosine' or 'one_cycle'. Received:"),
        ("training: {seed: 4294967296}", ":2: training.seed: must be less than 4294967296."),
        ("data: {source: a, raw: x, seconds: '5'}", "must be a number. Received: '5'."),
        ("a: &b [1", ":3: not YAML: while parsing a flow sequence, expected ',' or ']'"),
        ("---\nmode: scratch", ":2: not YAML: expected a single document in the stream, but"),
    ],
)
def test_what_a_value_must_be_is_said_in_plain_words(tmp_path, new, expected):
    text = message(tmp_path, f"mode: scratch\n{new}\n")
    assert sum(expected in line for line in text.splitlines()) == 1
    assert "pydantic" not in text
    assert "dictionary" not in text


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"training.seed": -1}, "--set training.seed=-1:"),
        ({"mode.x": 1}, "--set mode.x=1: {path} has no place for this key"),
        ({"trainig.seed": 1}, "--set trainig.seed=1: trainig: no key named 'trainig'."),
        ({"model.dropuot": 0.1}, "--set model.dropuot=0.1: no key named 'dropuot'."),
        ({"data.split.0.x": 1}, "--set data.split.0.x=1: data.split.0: no key named '0'."),
        ({"evaluation": {"level": 2}}, "--set evaluation={'level': 2}: evaluation.level: must"),
        ({"training.seed": 1, "model.dropout": 2}, "--set model.dropout=2: must be less than 1."),
    ],
)
def test_what_an_override_brings_in_is_told_as_the_user_typed_it(tmp_path, overrides, expected):
    said = message(tmp_path, GOOD, overrides)
    assert expected.replace("{path}", str(tmp_path / "recipe.yaml")) in said


def test_a_value_that_is_not_yaml_is_told_in_one_line():
    with pytest.raises(ConfigError) as caught:
        parse_overrides(["data.leads=[I"])
    assert str(caught.value) == (
        "--set data.leads=[I: the value is not YAML: while parsing a flow sequence, expected ',' "
        "or ']', but got '<stream end>'."
    )


def test_a_leading_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    text = """\
mode: finetune
data:
  source: folder
  raw: ~/ecgs
  without: [~/other, b~]
  folder: {table: ~/ecgs/labels.csv}
initialise: {from: ~/weights/a.keras}
evaluation: {baseline: ~/recipes/b.yaml}
"""
    recipe = load_recipe(
        write(tmp_path, text), {"run": "~/runs/a", "data.shards": "~/shards"}
    ).recipe
    home = tmp_path / "me"
    assert (recipe.data.raw, recipe.data.shards) == (home / "ecgs", home / "shards")
    assert recipe.data.without == (home / "other", Path("b~"))
    assert recipe.data.folder.table == str(home / "ecgs/labels.csv")
    assert recipe.initialise.from_ == str(home / "weights/a.keras")
    assert recipe.evaluation.baseline == str(home / "recipes/b.yaml")
    assert recipe.run == home / "runs/a"


def test_the_home_folder_of_nobody_is_named(tmp_path):
    assert message(tmp_path, GOOD, {"data.raw": "~nobody-of-this-name/ecgs"}).endswith(
        "data.raw=~nobody-of-this-name/ecgs: no home folder is known for ~nobody-of-this-name. "
        "Write the path in full. Received: '~nobody-of-this-name/ecgs'."
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("gone.txt", "exclude=gone.txt: must be a list of record ids, or a text or CSV file of"),
        ("gone.txt", "can't be read: No such file or directory. Received: 'gone.txt'"),
        ("3", "data.exclude=3: must be a list, such as"),
        ("[9]", "must be text. Received: 9"),
    ],
)
def test_records_to_leave_out_that_are_no_ids_are_refused(tmp_path, value, words):
    assert words in message(tmp_path, GOOD, parse_overrides([f"data.exclude={value}"]))
