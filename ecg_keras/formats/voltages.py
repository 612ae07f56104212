"""Units of voltage as devices and text tables spell them, and what a calibration can be."""

from __future__ import annotations

import functools
import re
import unicodedata

ALLOWED = "V, mV, uV, nV"
_SIZES = {"": 1000.0, "m": 1.0, "milli": 1.0, "u": 1e-3, "micro": 1e-3, "n": 1e-6, "nano": 1e-6}
_UNIT = re.compile(
    r"(?P<number>[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]{1,2})?)?\s?"
    rf"(?P<size>{'|'.join(sorted(_SIZES, key=len, reverse=True))})[\s-]?(?:v|volts?)"
)
# the micro sign, the Greek letter, and either of them in UTF-8 that was read as latin-1
_MICRO = re.compile("\u00b5|\u03bc|\u00e2\u00b5|\u00ee\u00bc")
# in text tables: behind the name of a column, in a cell below it, or in a line about the recording
_LONGEST = 200  # a longer name of a column has no unit: the search takes time by its square
_IN_TEXT = r"(?P<unit>(milli|micro|nano|[mnuμ])?[ -]?v(olts?)?)"
_BRACKETED = re.compile(rf"(?P<name>.*?)[ _]*[(\[{{<] *{_IN_TEXT} *[)\]}}>]")
_BARE = re.compile(rf"(?P<name>.+?)(?: in |[ _/.,:]+)(?!v){_IN_TEXT}")
_ALONE = re.compile(rf"[(\[{{<]? *{_IN_TEXT} *[)\]}}>]?")
_STATED = re.compile(
    r"(?P<many>\d ?)?\bunits?\b(?: ?\d{1,2}(?= ?[:=]))?[^a-zμ\d/]{1,5}"
    # as in `Unit: 4.88 uV`
    r"(?:(?P<step>(?:(?<!\.)\d+(?:[.,]\d+)?|\.\d+)(?:e[+-]?\d{1,2})?)[\s;,|]{0,3})?"
    # `uV/bit` without a number has it elsewhere
    rf"{_IN_TEXT}\b(?(step)|(?! ?/ ?(?:lsb|bit|step|count|digit|adu|unit|level|[mc]m)))"
)


@functools.lru_cache(maxsize=256)
def unit_in_mv(text: str) -> float | None:
    """Millivolts in a unit, whatever its case and the blanks or NUL bytes around it.

    A number before it is the size of a step, as in ``4.88 uV``.
    """
    plain = _MICRO.sub("u", text.strip(" \0\t_[]()").lower())
    found = _UNIT.fullmatch(plain)
    size = float(found["number"] or 1) * _SIZES[found["size"]] if found else 0.0
    return size or None


def split_unit(name: str) -> tuple[str, float | None]:
    """A column's name without its unit, and millivolts in the unit, as of ``II (mV)``."""
    if len(name) > _LONGEST:
        return name, None
    plain = _plain(name)
    found = _BRACKETED.fullmatch(plain.lower()) or _BARE.fullmatch(plain.lower())
    return (
        (name, None) if found is None else (plain[: found.end("name")], unit_in_mv(found["unit"]))
    )


def parse_unit(cell: str) -> float | None:
    """Millivolts in a unit that is alone in a cell; ``None`` where it is no voltage."""
    found = _ALONE.fullmatch(_plain(cell).lower())
    return found and unit_in_mv(found["unit"])


def stated_unit(line: str) -> float | None:
    """Millivolts in the unit, or step, that a line about the recording states: ``Unit: 2.5 uV``."""
    found = _STATED.search(_plain(line).lower()) if "unit" in line.lower() else None
    if found is None or (found["many"] and found["step"]):  # as in `1000 units = 1 mV`
        return None
    size = unit_in_mv(found["unit"])
    return size and (size * float((found["step"] or "1").replace(",", ".")) or None)


def is_calibration(step: float, offset: float) -> bool:
    """Whether a recorder can have these millivolts for each step and at a stored zero."""
    return 1e-9 < abs(step) < 1e6 and abs(offset) < 1e6


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()
