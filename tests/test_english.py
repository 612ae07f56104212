"""The word list of CONTRIBUTING.md: what is in its left column is found nowhere else."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
# names of variables, arguments and functions that say nothing
NAMES = ("said", "told", "sought", "asked", "heard", "meant")


def read_word_list():
    rows = re.findall(r"^\| `(.+)` \| (.+) \|$", PAGE, flags=re.MULTILINE)
    return {pattern.replace("\\|", "|"): idiom for pattern, idiom in rows}


WORDS = read_word_list()
# a space may be the end of a line, also of a comment
SPACE = r"\\s+(?:#\\s+)?"
ANY = re.compile(
    "|".join(rf"(?P<w{i}>\b(?:{re.sub(' ', SPACE, word)})\b)" for i, word in enumerate(WORDS)),
    re.I,
)


def list_files():
    paths = [ROOT / "README.md", ROOT / "CHANGELOG.md"]
    for folder, ending in (
        ("ecg_keras", "py"),
        ("ecg_keras", "j2"),
        ("docs", "md"),
        ("recipes", "*"),
        ("tools", "py"),
    ):
        paths += (p for p in (ROOT / folder).rglob(f"*.{ending}") if p.is_file())
    return sorted(path for path in set(paths) if "__pycache__" not in path.parts)


def find_words(text):
    """Lines with a word of the list, and the idiom that it should be."""
    idioms = list(WORDS.values())
    return [
        f"line {text.count(chr(10), 0, match.start()) + 1}: {' '.join(match.group().split())!r}: "
        f"{idioms[int(match.lastgroup[1:])]}"
        for match in ANY.finditer(text)
    ]


def find_names(text):
    """Variables, arguments, attributes, functions and classes whose names say nothing."""
    found = []
    for node in ast.walk(ast.parse(text)):
        names = [getattr(node, key, None) for key in ("arg", "name", "asname", "id", "attr")]
        found += [f"line {node.lineno}: {name}" for name in names if name in NAMES]
    return found


@pytest.mark.parametrize(
    "path",
    list_files(),
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_text_is_the_fields_english(path):
    text = path.read_text(encoding="utf-8")
    assert find_words(text) == []
    if path.suffix == ".py":
        assert find_names(text) == []


def test_the_word_list_is_read_and_finds_each_word():
    assert len(WORDS) > 15
    assert find_words("it is read anew") == ["line 1: 'anew': again"]
    assert find_words("x\nIt tells which") == [
        "line 2: 'tells': reports, states, says, shows; gives"
    ]
    assert find_words("# it needs so\n    # many") == [
        "line 1: 'so # many': that many, this many, as many"
    ]
    assert find_words("Sometimes foretells a standard renewal; applies") == []
    assert find_names("def f(said):\n    return said.x") == ["line 1: said", "line 2: said"]


@pytest.mark.parametrize(
    "line",
    [
        "def told(): 0",
        "async def told(): 0",
        "class told: 0",
        "self.told = 0",
        "told: int = 0",
        "f(told=0)",
        "f = lambda told: 0",
        "def f(*, told): 0",
        "import json as told",
        "from json import loads as told",
        "[0 for told in x]",
        "(told := 0)",
        "def f():\n    with open(x) as told: 0",
    ],
)
def test_a_name_that_says_nothing_is_found_wherever_it_is_given(line):
    assert [found.split(": ")[1] for found in find_names(line)] == ["told"]
    assert find_names(line.replace("told", "labels")) == []
