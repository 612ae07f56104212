"""What is in the cells of labels: 0 and 1, two words for them, or names of labels.

Programs write lists and dicts of names as Python, JSON, NumPy or a database prints them. They are
read as flat lists of names; nothing is evaluated.
"""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ecg_keras.array_types import BoolArray
from ecg_keras.errors import DataError
from ecg_keras.sources.fields import PLACEHOLDERS
from ecg_keras.sources.labels_table import name_rows, shorten_list

# words for absent and present; a column keeps to one pair of them
FLAGS = {
    word: flag
    for flag, words in enumerate((("0", "0.0", "0,0", "false"), ("1", "1.0", "1,0", "true")))
    for word in words
}
WORDS = (
    ("no", "yes"), ("n", "y"), ("nein", "ja"), ("n", "j"), ("nee", "ja"), ("non", "oui"),
    ("nej", "ja"), ("nei", "ja"), ("não", "sim"), ("nao", "sim"), ("nie", "tak"), ("нет", "да"),
    ("否", "是"), ("falso", "verdadero"), ("falso", "verdadeiro"), ("falso", "vero"),
    ("no", "si"), ("no", "sí"), ("falsch", "wahr"), ("faux", "vrai"), ("f", "t"),
    ("absent", "present"), ("negative", "positive"), ("neg", "pos"),
)  # fmt: skip
VOCABULARIES: tuple[Mapping[str, int], ...] = (FLAGS, *({no: 0, yes: 1} for no, yes in WORDS))
NEITHER = -1
# what opens a list or a dict, and closes it
PAIRS = {"[": "]", "{": "}", "(": ")"}
# as NumPy 2 prints a number or a text that is in a list: np.str_('AF')
SCALAR = r"(?:np|numpy)\.\w+\(\s*"
ITEM = re.compile(
    rf"\s*(?P<scalar>{SCALAR})?(?:"
    r"""[bu]?"(?P<double>(?:[^"\\]|\\.)*)"|[bu]?'(?P<single>(?:[^'\\]|\\.)*)'"""
    r"""|(?P<bare>[^\s,:'"\[\]{}()][^,:'"\[\]{}()]*)"""
    r""")(?(scalar)\s*\))\s*"""
)
# in a list of names with their likelihoods, as of PTB-XL+: ('NORM', 100.0)
TUPLE = re.compile(
    rf"\s*\({ITEM.pattern},\s*(?P<number>{SCALAR})?(?P<likelihood>[^\s(),]+)(?(number)\s*\))"
    r"\s*\)\s*(?:,|$)"
)
WHOLE = re.compile(r"([0-9]+)\.0*")
# as Python prints what is no plain list, and NumPy its arrays
WRAPPED = re.compile(
    r"(?:np\.|numpy\.)?(?:frozenset|set|list|tuple|array|Counter|OrderedDict)"
    r"\(\s*(?:([\[{(].*[\]})])\s*(?:,\s*dtype=[^,\[\](){}]*)?)?\)",
    re.DOTALL,
)
# of web pages, as in `AF &amp; SR`
ENTITY = re.compile(r"&(?:#[0-9]{1,6}|#x[0-9a-fA-F]{1,5}|amp|lt|gt|quot|apos|nbsp);")
# as spreadsheets shorten long numbers, whose last digits are lost
SHORTENED = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+[0-9]{1,3}")
# a name that holds one of these is several names
SURE_MARKS = (";", ",", "|", "\n", "\t", "\uff1b", "\uff0c", "\u3001", "\uff5c", "\u2022")
# within a list without quotes
INSIDE = re.compile("[;|\n\t]")
# one that holds one of these is, where its parts are names that are elsewhere, too
LIKELY_MARKS = ("+", "&", "/", " - ", ":", " and ", " und ", " et ", " y ", " with ", " mit ", " ")
# classes that are numbered in one column
MOST_CLASSES = 100
# likelihoods in percent; 0 in PTB-XL is a finding without a likelihood
PERCENT = 100


def read_flags(column: pd.Series, *, named: bool) -> tuple[npt.NDArray[np.int8], BoolArray]:
    """Whether each row has the label, as 0 or 1, and where the column says neither.

    A column that the recipe has not ``named`` is none where it holds one word of a pair alone.
    """
    if pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return (values == 1).astype(np.int8), (values != 0) & (values != 1)
    try:
        numbers, texts = pd.factorize(column)
    except TypeError:  # lists and other things that a Parquet file may hold
        return np.zeros(len(column), dtype=np.int8), np.ones(len(column), dtype=np.bool_)
    words = [str(text).strip().lower() for text in texts]
    rows = np.bincount(numbers[numbers >= 0], minlength=len(words))
    best: Mapping[str, int] = FLAGS
    most = -1
    for vocabulary in VOCABULARIES:
        both = vocabulary is FLAGS or named or vocabulary.keys() <= set(words)
        known = sum(int(rows[n]) for n, word in enumerate(words) if word in vocabulary) * both
        if known > most:
            best, most = vocabulary, known
    meanings = np.array([*(best.get(word, NEITHER) for word in words), NEITHER], dtype=np.int8)
    flags = meanings[numbers]
    return (flags == 1).astype(np.int8), flags == NEITHER


def is_blank(column: pd.Series) -> BoolArray:
    """Where a column holds nothing, or what is written instead."""
    if pd.api.types.is_numeric_dtype(column):
        missing: BoolArray = column.isna().to_numpy()
        return missing
    try:
        numbers, texts = pd.factorize(column)
    except TypeError:
        return np.zeros(len(column), dtype=np.bool_)
    blank = [str(text).strip().lower() in PLACEHOLDERS for text in texts]
    flags: BoolArray = np.array([*blank, True])[numbers]
    return flags


def describe_wrong(path: Path, column: pd.Series, wrong: BoolArray) -> list[str]:
    """A line for what a column of labels lacks, and for each other value that it holds."""
    if not wrong.any():
        return []
    name, advice = column.name, "name those that are: data.folder.labels"
    advice = f"If {name!r} is no label, leave it out with data.folder.ignore, or {advice}."
    if _are_classes(column):
        advice = f"If its numbers are classes, set data.folder.label_column={name}. {advice}"
    blank = is_blank(column) & wrong
    problems = []
    if blank.any():
        problems.append(
            f"{path}: {name_rows(column.index[blank])}: column {name!r} is empty. A label is 0 or "
            "1: what is not known can't be trained on. Fill it in, or leave the row out. "
            f"{advice}"
        )
    others = column[wrong & ~blank].map(_show)
    values = [
        f"{path}: {name_rows(rows)}: column {name!r} holds {value}, and a label is 0 or 1. Correct "
        f"it. {advice}"
        for value, rows in others.groupby(others, sort=False).groups.items()
    ]
    return problems + shorten_list(values, f"{path}: column {name!r}")


def _are_classes(column: pd.Series) -> bool:
    """Whether a column holds nothing but some whole numbers from 0 on."""
    if not pd.api.types.is_numeric_dtype(column) or column.isna().any():
        return False
    values = np.unique(column.to_numpy(dtype=np.float64))
    return 2 < len(values) <= MOST_CLASSES and bool((values == np.arange(len(values))).all())


def _show(value: object) -> str:
    return f"{value!r:.80}" if isinstance(value, str) else f"{value!s:.80}"


def read_cell(text: str, separator: str) -> dict[str, float | bool | None]:
    """The names in a cell, each with its likelihood where a dict gives one.

    ``separator`` is between two names, where the cell is no list.
    """
    text = _unwrap(text)
    if text.lower() in PLACEHOLDERS:
        return {}
    pairs = _read_list(text) if is_list(text) else [(one, None) for one in text.split(separator)]
    found = ((_clean(name), likelihood) for name, likelihood in pairs)
    return {name: one for name, one in found if name.lower() not in PLACEHOLDERS}


def is_list(text: str) -> bool:
    """Whether a cell begins as a list or a dict; what is in round brackets may be a name."""
    text = _unwrap(text)
    return text.startswith(("[", "{", "('", '("', "(np.", "(numpy.")) or text == "()"


def _unwrap(text: str) -> str:
    """Without what Python, NumPy or a web page wrote around it."""
    text = text.strip()
    if text[-1:] == ")":
        wrapped = WRAPPED.fullmatch(text)
        text = (wrapped[1] or "[]") if wrapped else text  # set() is an empty one
    return ENTITY.sub(lambda found: html.unescape(found[0]), text) if "&" in text else text


def find_mark(
    names: Collection[str], labels: Collection[str] | None = None
) -> tuple[str, str] | None:
    """A name that looks like several names, and what seems to separate them.

    Where the ``labels`` that count are known, other names matter only where they hold one of these.
    """
    known = set(names if labels is None else labels)
    others = [
        name
        for name in names
        if (labels is None or name not in known) and not SHORTENED.fullmatch(name)
    ]
    for mark in SURE_MARKS:
        for name in others:
            if mark in name and (labels is None or known.intersection(_parts(name, mark))):
                return name, mark
    for mark in LIKELY_MARKS:
        several = {name: _parts(name, mark) for name in others if len(_parts(name, mark)) > 1}
        shared = Counter(part for parts in several.values() for part in set(parts))
        for name, parts in several.items():
            repeated = mark in "+&" and any(shared[part] > 1 or part in known for part in parts)
            if repeated or known.issuperset(parts):
                return name, mark
    return None


def find_absent(cells: Iterable[Mapping[str, float | bool | None]]) -> tuple[bool, bool]:
    """What 0 means as the likelihood of a name, in a whole column.

    PTB-XL writes 0 where a finding has no likelihood; where nothing but 0 and 1 occur, 0 means that
    there is no such finding. ``False`` always does.
    """
    values = {
        one
        for cell in cells
        for one in cell.values()
        if one is not None and not isinstance(one, bool)
    }
    for value in sorted(values):
        if not (value == 0 or 1 <= value <= PERCENT):
            raise DataError(
                f"a name with the value {value:g}, and a dict gives likelihoods in percent, 1 to "
                "100, or 1 and 0 for present and absent. Write the names that are present"
            )
    return 0 in values, values == {0, 1}


def _parts(name: str, mark: str) -> list[str]:
    return [part for part in (part.strip() for part in name.split(mark)) if part]


def _clean(name: str) -> str:
    """Without quotes around it, or the point of a whole number."""
    name = name.strip(" \r\n\t\xa0")
    if len(name) > 2 and name[0] == name[-1] and name[0] in "'\"":
        name = name[1:-1].strip()
    whole = WHOLE.fullmatch(name)
    return whole[1] if whole else re.sub(r"[ \xa0]+", " ", name)


def _read_list(text: str) -> list[tuple[str, float | bool | None]]:
    problem = f"{text!r:.80} looks like a list of names, and can't be read as one"
    if PAIRS[text[0]] != text[-1]:
        raise DataError(f"{problem}: it does not end with {PAIRS[text[0]]}")
    inside, place = text[1:-1].strip(), 0
    if text[0] == "[" and inside.startswith("("):
        return _read_tuples(inside, problem)
    pairs: list[tuple[str, float | bool | None]] = []
    keyed = None
    while place < len(inside):
        found = ITEM.match(inside, place)
        if found is None:
            raise DataError(f"{problem}: names must be quoted, without lists in lists")
        names, place = _read_item(found, problem), found.end()
        if keyed is None:
            keyed = text[0] == "{" and inside[place : place + 1] == ":"
        if keyed:
            found = ITEM.match(inside, place + 1) if inside[place : place + 1] == ":" else None
            if found is None:
                raise DataError(f"{problem}: each name must have a likelihood")
            pairs.append((names[0], _read_likelihood(found["bare"], problem)))
            place = found.end()
        else:
            pairs += [(name, None) for name in names]
        if inside[place : place + 1] == ",":
            place += 1
        elif place < len(inside) and not inside[place - 1].isspace():
            raise DataError(f"{problem}: commas or blanks must be between names")
    return pairs


def _read_tuples(inside: str, problem: str) -> list[tuple[str, float | bool | None]]:
    pairs: list[tuple[str, float | bool | None]] = []
    place = 0
    while place < len(inside):
        found = TUPLE.match(inside, place)
        if found is None:
            raise DataError(f"{problem}: each of its brackets must hold a name and a likelihood")
        likelihood = _read_likelihood(found["likelihood"], problem)
        pairs += [(name, likelihood) for name in _read_item(found, problem)]
        place = found.end()
    return pairs


def _read_item(found: re.Match[str], problem: str) -> Sequence[str]:
    double, single, bare = found["double"], found["single"], found["bare"]
    if bare is not None:
        words: list[str] = bare.split()
        if "..." in words:
            raise DataError(f"{problem}: NumPy left names out of it")
        # NumPy writes arrays of numbers without commas
        if all(word.rstrip(".").isdigit() for word in words):
            return words
        return INSIDE.split(bare)
    if double is None:
        double = single.replace("\\'", "'").replace('"', '\\"')
    try:
        return [json.loads(f'"{double}"')]
    except ValueError:
        raise DataError(f"{problem}: a name holds what can't be printed") from None


def _read_likelihood(bare: str | None, problem: str) -> float | bool | None:
    word = (bare or "").strip().lower()
    if word in ("np.true_", "np.false_"):  # NumPy's
        word = word[3:-1]
    if word in ("true", "false"):
        return word == "true"
    try:
        return float(word)
    except ValueError:
        raise DataError(f"{problem}: each name must have a likelihood, a number") from None
