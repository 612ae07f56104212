"""YAML that asks for much: refused in a line, before anything is made of it."""

import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from ecg_keras.config import load_recipe, load_study, parse_overrides
from ecg_keras.config.yaml_text import MAX_BYTES, MAX_NODES, parse_yaml
from ecg_keras.errors import ConfigError

GOOD = "mode: scratch\ndata: {source: ptbxl, raw: data/raw/ptbxl}\n"
# ten lines of ten aliases: ten thousand million values
BOMB = "".join(
    f"{n}: &{n} [{', '.join([f'*{b}' if b else 'x'] * 10)}]\n"
    for b, n in zip(["", *"abcdefghi"], "abcdefghij", strict=True)
)
NESTED = {
    "maps": "a: " + "{a: " * 400 + "1" + "}" * 400,
    "lists": "a: " + "[" * 400 + "]" * 400,
    "open lists": "a: " + "[" * 100_000,
    "dashes": "- " * 100_000,
    "keys": "? " * 100_000,
}


def message(tmp_path: Path, text: str | bytes) -> str:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigError) as caught:
        load_recipe(path)
    assert str(caught.value).startswith(f"{path}")
    return str(caught.value).removeprefix(f"{path}")


def test_aliases_count_as_often_as_they_are_written(tmp_path):
    tracemalloc.start()
    expected = f":4: more than {MAX_NODES} keys and values, with aliases written out."
    assert expected in message(tmp_path, BOMB)
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()
    merged = "".join(
        f"{n}: &{n} {{k{i}: [{', '.join([f'*{b}'] * 10 if b else ['x'] * 10)}], <<: *{b or 'z'}}}\n"
        for i, (b, n) in enumerate(zip(["", *"abcdefghi"], "abcdefghij", strict=True))
    )
    assert f"more than {MAX_NODES} keys" in message(tmp_path, "z: &z {y: 1}\n" + merged)


@pytest.mark.parametrize("text", NESTED.values(), ids=NESTED)
def test_what_is_nested_deep_is_refused(tmp_path, text):
    assert ":1: nested more than 50 deep" in message(tmp_path, text)


def test_much_is_refused_where_it_becomes_too_much(tmp_path):
    items = "run:\n" + "  - 1\n" * 30_000
    # the map, its key and the list are three of them, and the list begins in line 2
    assert f":{MAX_NODES - 1}: more than {MAX_NODES} keys" in message(tmp_path, items)
    large = "run: " + "x" * MAX_BYTES
    assert message(tmp_path, large) == (
        f": a recipe has at most {MAX_BYTES} bytes, and this file has {len(large)}. Name a recipe."
    )


def test_a_sparse_file_of_gigabytes_is_not_read(tmp_path):
    path = tmp_path / "recipe.yaml"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)
    begun = time.process_time()
    with pytest.raises(ConfigError, match=f"at most {MAX_BYTES} bytes, and this file has 10995"):
        load_recipe(path)
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("digits", ["9" * 5000, "-" + "9" * 5000, "0x" + "f" * 5000, "1" * 21])
def test_a_number_of_many_digits_is_refused(tmp_path, digits):
    said = message(tmp_path, f"{GOOD}training: {{seed: {digits}}}\n")
    assert said.startswith(":3: a whole number has at most 20 digits. Received: ")
    assert len(said) < 120


def test_numbers_of_64_bits_are_numbers():
    assert parse_yaml("[18446744073709551615, -9223372036854775808]") == [2**64 - 1, -(2**63)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &a [1, *a]", ":1: the alias *a is a part of itself."),
        ("&a {mode: scratch, data: *a}", ":1: the alias *a is a part of itself."),
        ("x: 1\na: &a {x: 1, <<: *a}", ":2: the alias *a is a part of itself."),
        ("a: *b", ":1: not YAML: found undefined alias 'b'."),
        ("a: 2001-99-99", ": not YAML: month must be in 1..12."),
        ("a: !!int b", ": not YAML: invalid literal for int() with base 10: 'b'."),
        ("a: !!binary x", ": not YAML: failed to decode base64 data"),
        ("<<: 3", ":1: not YAML: while constructing a mapping, expected a mapping or list"),
        ('a: "\\e[31mred"', ":1: the control character '\\x1b' in '\\x1b[31mred'. Remove it."),
        ('"\\0": 1', ":1: the control character '\\x00' in '\\x00'. Remove it."),
        ('a: "\\ud800"', ":1: the control character '\\ud800' in '\\ud800'. Remove it."),
        ("%YAML 9.9\n---\na: 1", ":1: not YAML: found incompatible YAML document"),
        ("a: \0", ": not YAML: unacceptable character #x0000"),
        ((GOOD + "run: \xe9").encode("latin-1"), ":3: not YAML: byte 63 is not UTF-8. Save it as"),
        (GOOD.encode("utf-16"), ":1: not YAML: byte 1 is not UTF-8. Save it as UTF-8."),
        ("? " + "k" * 100_000 + "\n: 1", ": no key named 'kkkkk"),
        ("mode: " + "x" * 200_000, ":1: mode: must be 'pretrain', 'scratch' or 'finetune'"),
    ],
)
def test_what_is_wrong_is_one_short_line_for_each_problem(tmp_path, text, expected):
    said = message(tmp_path, text)
    assert expected in said
    assert all(len(line) <= 1000 for line in said.splitlines())


def test_many_problems_are_counted(tmp_path):
    lines = message(tmp_path, "".join(f"key{i}: 1\n" for i in range(2000))).splitlines()
    assert len(lines) == 21
    assert lines[0].startswith(":1: data: this key is required and missing.")
    assert lines[-1] == "and 1982 more."  # mode and data are missing, too


def test_anchors_merge_keys_and_a_byte_order_mark_are_good_yaml(tmp_path):
    text = (
        "\ufeffmode: scratch\ndata: {source: ptbxl, raw: x, split: &s {seed: 1, test: 0.3}}\n"
        "training:\n  phases:\n    - &p {epochs: 3}\n    - {<<: *p, epochs: 4}\n    - *p\n"
    )
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    assert [one.epochs for one in load_recipe(path).recipe.training.phases] == [3, 4, 3]
    assert parse_yaml("[&a 1, *a, &a [2, 3], *a]") == [1, 1, [2, 3], [2, 3]]


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("export=" + "x" * 100_000, "must be true or false"),
        ("run=" + "[" * 1000, "nested more than 50 deep"),
        ("run=[" + "1," * 10_000 + "]", "more than 5000 keys and values"),
        ("training.seed=" + "9" * 5000, "a whole number has at most 20 digits"),
        (".".join(["a"] * 500) + "=1", "a key has at most 20 parts, and this one has 500"),
        ("training.phases." + "9" * 5000 + ".epochs=1", "has no place for this key"),
        ("training.phases.².epochs=1", "has no place for this key"),
        ("data={a: 1, a: 2}", "the key 'a' is there twice"),
        ("x" * 100_000, "--set must be KEY=VALUE"),
    ],
)
def test_an_override_is_bounded_as_a_file_is(tmp_path, assignment, expected):
    path = tmp_path / "recipe.yaml"
    path.write_text(GOOD + "training: {phases: [{epochs: 1}]}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_recipe(path, parse_overrides([assignment]))
    assert expected in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_a_folder_is_no_recipe(tmp_path):
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(ConfigError, match="there is no such recipe"):
        load_recipe(tmp_path / "folder.yaml")


def test_a_study_recipe_is_bounded_as_well(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(BOMB, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"study\.yaml:4: more than 5000 keys and values"):
        load_study(path)


pieces = st.sampled_from(
    [
        *("mode", "data", "scratch", "a", "1", "1e400", "~", "<<", "!!int", "!!set", "!x", "&a"),
        *("*a", "? ", "- ", ": ", ":", "[", "]", "{", "}", ",", "\n", "\n  ", "'", '"', "|", ">"),
        *("%YAML 1.1", "---", "...", "2001-13-01", "0x", "\t", "# c", "\x07", "é", "-.inf", "\\"),
    ]
)


@given(st.lists(pieces, max_size=30).map("".join))
def test_any_text_is_read_or_refused_in_a_line(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_recipe(path)
    assert all(line.startswith(f"{path}") for line in str(caught.value).splitlines())
