"""What commas, points and blanks inside the numbers of a text table mean.

A comma is the decimal sign in half of the world and groups thousands in the other half. Each way of
reading is believed only where no cell of a file contradicts it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ecg_keras.errors import DataError

# cells without a sample, in small letters
_NONE = ("", "-", "--", "---", ".", "?", "nan", "-nan", "na", "n/a", "#n/a", "<na>", "null", "none")
# as they are written
MISSING = sorted({*_NONE, "NaN"}.union(*({one.upper(), one.capitalize()} for one in _NONE)))
_NUMBER = re.compile(
    r"[-+]?(\d+([.,]\d+)*\.?|\d{1,3}( \d{3})+([.,]\d+)?|[.,]\d+)(e[-+]?\d+)?|[-+]?inf(inity)?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True)
class Marks:
    """How numbers are written: the decimal sign, and what groups their digits."""

    decimal: str = "."
    thousands: str | None = None


def is_number(cell: str) -> bool:
    """Whether a cell is a number in any of the ways in which they are written."""
    return _NUMBER.fullmatch(cell) is not None


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no sample."""
    return cell.lower() in _NONE


def find_marks(cells: Iterable[str], decimal: str | None = None) -> Marks | None:
    """How some cells write their numbers.

    Args:
        cells: some; those that are no numbers are passed over.
        decimal: the decimal sign, where the user says it.

    Returns:
        The marks, ``None`` where a comma may as well be decimal as group thousands. Whole numbers
        below those with a comma, such as 12 beside 2,168, say that it groups.

    Raises:
        DataError: they contradict one another, or ``decimal``.

    Example:
        >>> find_marks(["0,5", "1.234"]), find_marks(["2,168", "-87", "12"]), find_marks(["2,168"])
        (Marks(decimal=',', thousands='.'), Marks(decimal='.', thousands=','), None)
    """
    return decide(see(cells), decimal)


@dataclass
class Signs:
    """What the commas, points and blanks inside numbers can mean.

    Attributes:
        decimal: signs that are decimal for sure, as in 0,5.
        groups: signs that group digits for sure, as in 1,234,567.
        either: signs in numbers such as 2,168.
        least_grouped: the smallest of these, where the sign groups.
        largest_whole: the largest number without a sign.
    """

    decimal: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    either: set[str] = field(default_factory=set)
    least_grouped: float = math.inf
    largest_whole: float = 0.0


def see(cells: Iterable[str]) -> Signs:
    seen = Signs()
    for cell in cells:
        number, _, exponent = cell.strip().lower().lstrip("+-").partition("e")
        signs = sorted({" ", ".", ","}.intersection(number), key=number.rfind)
        if not number or not is_number(number):
            continue
        if not signs:
            if number.isdigit() and not exponent:
                seen.largest_whole = max(seen.largest_whole, float(number[:99]))
            continue
        whole, _, fraction = number.rpartition(signs[-1])
        if len(signs) == 1 and signs[0] != " " and number.count(signs[0]) == 1:
            if exponent or len(fraction) != 3 or not re.fullmatch(r"[1-9]\d{0,2}", whole):
                seen.decimal.add(signs[0])
            else:
                seen.either.add(signs[0])
                seen.least_grouped = min(seen.least_grouped, float(whole + fraction))
            continue
        if len(signs) == 1:
            whole = number
        else:
            seen.decimal.add(signs[-1])
        if not re.fullmatch(rf"[1-9]\d{{0,2}}({re.escape(signs[0])}\d{{3}})+", whole):
            raise DataError(f"{cell[:40]!r} is no number. Correct it, or export the file again.")
        seen.groups.add(signs[0])
    return seen


def decide(seen: Signs, decimal: str | None) -> Marks | None:
    decimals, groups = seen.decimal | ({decimal} if decimal else set()), set(seen.groups)
    if decimals:
        groups |= seen.either - decimals
    elif 1 <= seen.largest_whole < seen.least_grouped or seen.either <= groups:
        groups |= seen.either
    elif seen.either == {","}:
        return None
    else:  # a point is one but for a reason
        decimals = seen.either
    if len(decimals) > 1 or len(groups) > 1 or decimals & groups:
        signs = " and ".join(repr(sign) for sign in sorted(decimals | groups))
        said = f", and data.folder.decimal is {decimal!r}" if decimal else ""
        raise DataError(
            f"its numbers hold {signs} in places that contradict one another{said}. Export it with "
            "one decimal sign, and no signs between thousands."
        )
    usual = "," if "." in groups else "."
    return Marks(next(iter(decimals), usual), next(iter(groups), None))
