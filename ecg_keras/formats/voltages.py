"""Units of voltage as devices spell them."""

from __future__ import annotations

import functools
import re

ALLOWED = "V, mV, uV, nV"
_SIZES = {"": 1000.0, "m": 1.0, "milli": 1.0, "u": 1e-3, "micro": 1e-3, "n": 1e-6, "nano": 1e-6}
_UNIT = re.compile(rf"({'|'.join(sorted(_SIZES, key=len, reverse=True))})\s?(?:v|volts?)")
# the micro sign, the Greek letter, and either of them in UTF-8 that was read as latin-1
_MICRO = re.compile("\u00b5|\u03bc|\u00e2\u00b5|\u00ee\u00bc")


@functools.lru_cache(maxsize=256)
def unit_in_mv(text: str) -> float | None:
    """Millivolts that a unit is; ``None`` where it is no unit of voltage.

    Args:
        text: as the file spells it: in any case, with blanks or NUL bytes around it.

    Example:
        >>> unit_in_mv("uV "), unit_in_mv("MV"), unit_in_mv("microvolts"), unit_in_mv("Ohm")
        (0.001, 1.0, 0.001, None)
    """
    plain = _MICRO.sub("u", text.strip(" \0\t_[]()").lower())
    found = _UNIT.fullmatch(plain)
    return _SIZES[found[1]] if found else None
