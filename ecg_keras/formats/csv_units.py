"""Units of voltage as text tables state them: in the names of columns, below them, or above all."""

from __future__ import annotations

import re
import unicodedata

_UNIT = r"(?P<unit>(milli|micro|nano|[mnuμ])?[ -]?v(olts?)?)"
_BRACKETED = re.compile(rf"(?P<name>.*?)[ _]*[(\[{{<] *{_UNIT} *[)\]}}>]")
_BARE = re.compile(rf"(?P<name>.+?)(?: in |[ _/.,:]+)(?!v){_UNIT}")
_ALONE = re.compile(rf"[(\[{{<]? *{_UNIT} *[)\]}}>]?")
_STATED = re.compile(rf"\bunits?\b[^a-zμ]{{1,5}}{_UNIT}\b")
_IN_MV = {"m": 1.0, "u": 0.001, "μ": 0.001, "n": 1e-6, "v": 1000.0}


def split_unit(name: str) -> tuple[str, float | None]:
    """A column's name without its unit, and millivolts in the unit; ``None`` where it has none.

    Example:
        >>> split_unit("II (mV)"), split_unit("V1_uV"), split_unit("aVR")
        (('II', 1.0), ('V1', 0.001), ('aVR', None))
    """
    plain = unicodedata.normalize("NFKC", name).strip()
    found = _BRACKETED.fullmatch(plain.lower()) or _BARE.fullmatch(plain.lower())
    return (name, None) if found is None else (plain[: found.end("name")], _in_mv(found))


def parse_unit(cell: str) -> float | None:
    """Millivolts in a unit that stands alone in a cell; ``None`` where it is no voltage."""
    found = _ALONE.fullmatch(unicodedata.normalize("NFKC", cell).strip().lower())
    return None if found is None else _in_mv(found)


def stated_unit(line: str) -> float | None:
    """Millivolts in the unit that a line about the recording states, such as ``Unit: mV``."""
    if "unit" not in line.lower():
        return None
    found = _STATED.search(unicodedata.normalize("NFKC", line).lower())
    return None if found is None else _in_mv(found)


def _in_mv(found: re.Match[str]) -> float:
    unit = found["unit"]
    return _IN_MV["u" if unit.startswith("micro") else unit[0]]
