"""The names of labels in one cell: text with separators, a list, or a dict of likelihoods.

Programs write lists and dicts as Python, JSON, NumPy or a database prints them. They are read as
flat lists of names; nothing is evaluated.
"""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from ecg_keras.errors import DataError
from ecg_keras.sources.fields import PLACEHOLDERS

# what opens a list or a dict, and closes it
PAIRS = {"[": "]", "{": "}", "(": ")"}
ITEM = re.compile(
    r"""\s*(?:[bu]?"((?:[^"\\]|\\.)*)"|[bu]?'((?:[^'\\]|\\.)*)'|([^\s,:'"\[\]{}()][^,:'"\[\]{}()]*))\s*"""
)
WHOLE = re.compile(r"([0-9]+)\.0*")
# as Python prints what is no plain list, and NumPy its arrays
WRAPPED = re.compile(
    r"(?:np\.|numpy\.)?(?:frozenset|set|list|tuple|array|Counter|OrderedDict)"
    r"\(\s*([\[{(].*[\]})])\s*(?:,\s*dtype=[^,\[\](){}]*)?\)",
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
# one that holds one of these is, where its parts are names that stand elsewhere, too
LIKELY_MARKS = ("+", "&", "/", " - ", ":", " and ", " und ", " et ", " y ", " with ", " mit ", " ")
# likelihoods in percent; 0 in PTB-XL is a finding without a likelihood
PERCENT = 100


def read_cell(text: str, separator: str) -> dict[str, float | bool | None]:
    """The names in a cell, each with its likelihood where a dict gives one.

    Args:
        text: the cell.
        separator: what stands between two names, where the cell is no list.

    Raises:
        DataError: it begins as a list or a dict, and is none.

    Example:
        >>> read_cell("AF; SR", ";"), read_cell("['AF' 'SR']", ";"), read_cell("{'AF': 80.0}", ";")
        ({'AF': None, 'SR': None}, {'AF': None, 'SR': None}, {'AF': 80.0})
    """
    text = _unwrap(text)
    if text.lower() in PLACEHOLDERS:
        return {}
    pairs = _read_list(text) if is_list(text) else [(one, None) for one in text.split(separator)]
    found = ((_clean(name), likelihood) for name, likelihood in pairs)
    return {name: one for name, one in found if name.lower() not in PLACEHOLDERS}


def is_list(text: str) -> bool:
    """Whether a cell begins as a list or a dict; what stands in round brackets may be a name.

    Example:
        >>> is_list("['AF']"), is_list("('AF',)"), is_list("(old) infarct")
        (True, True, False)
    """
    text = _unwrap(text)
    return text.startswith(("[", "{", "('", '("')) or text == "()"


def _unwrap(text: str) -> str:
    """Without what Python, NumPy or a web page wrote around it."""
    text = text.strip()
    if text[-1:] == ")":
        wrapped = WRAPPED.fullmatch(text)
        text = wrapped[1] if wrapped else text
    return ENTITY.sub(lambda found: html.unescape(found[0]), text) if "&" in text else text


def find_mark(
    names: Collection[str], labels: Collection[str] | None = None
) -> tuple[str, str] | None:
    """A name that looks like several names, and what seems to stand between them.

    Args:
        names: from cells that are no lists.
        labels: the names that count, where that is known: the others matter only where they hold
            one of these.

    Example:
        >>> find_mark(["AF", "AF, SR"]), find_mark(["AF/SR", "AF", "SR"]), find_mark(["ST/T", "AF"])
        (('AF, SR', ','), ('AF/SR', '/'), None)
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

    Returns:
        Whether there is a 0 (no ``False``), and whether it means that the name is absent.

    Raises:
        DataError: a value is no likelihood in percent.

    Example:
        >>> find_absent([{"AF": 100.0, "SR": 0.0}]), find_absent([{"AF": 1.0, "SR": 0.0}])
        ((True, False), (True, True))
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
            pairs.append((names[0], _read_likelihood(found[3], problem)))
            place = found.end()
        else:
            pairs += [(name, None) for name in names]
        if inside[place : place + 1] == ",":
            place += 1
        elif place < len(inside) and not inside[place - 1].isspace():
            raise DataError(f"{problem}: commas or blanks must stand between names")
    return pairs


def _read_item(found: re.Match[str], problem: str) -> Sequence[str]:
    double, single, bare = found.groups()
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
    if word in ("true", "false"):
        return word == "true"
    try:
        return float(word)
    except ValueError:
        raise DataError(f"{problem}: each name must have a likelihood, a number") from None
