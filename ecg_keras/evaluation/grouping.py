"""`Grouping`: test records in groups by one column, such as sex, bands of age, or a site."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from ecg_keras.array_types import IntArray, TextArray
from ecg_keras.errors import ConfigError, DataError, shortened

Value = str | float | None
Cuts = Sequence[float] | Literal["names"]  # where bands begin; or each number is a name
AGE = "age"
AGE_CUTS = (18.0, 40.0, 60.0, 80.0)
MOST_GROUPS = 12  # of a column of names or of few numbers: the rarest others are one group


@dataclass(frozen=True, eq=False)
class Grouping:
    """One column's groups of records.

    Attributes:
        column: what the groups are by.
        names: of the groups, in their order.
        group_of: of each record id the name of its group; records that are not in it are unknown.
    """

    column: str
    names: tuple[str, ...]
    group_of: Mapping[str, str]

    def members(self, record_ids: TextArray) -> IntArray:
        """Of each record the number of its group, -1 where unknown."""
        number = {name: at for at, name in enumerate(self.names)}
        found = [number.get(self.group_of.get(str(one), ""), -1) for one in record_ids]
        return np.array(found, dtype=np.int64)


def parse_column(text: str) -> tuple[str, Cuts]:
    """A column as recipes and commands name it, with the cuts of its bands.

    Args:
        text: ``age``; ``age:40,65`` for the bands below 40, from 40 to below 65, and from 65; or
            ``site:names`` where numbers are codes, each of which is a group.

    Raises:
        ConfigError: it has no name, or its cuts are not numbers that rise.

    Example:
        >>> parse_column("sex"), parse_column("age:40,65")
        (('sex', ()), ('age', (40.0, 65.0)))
    """
    name, colon, listed = text.partition(":")
    if name.strip() and listed.strip() == "names":
        return name.strip(), "names"
    try:
        cuts = tuple(map(float, listed.split(","))) if colon else ()
    except ValueError:
        cuts = (math.nan,)
    rising = all(low < high for low, high in pairwise(cuts))
    if not name.strip() or not rising or not all(map(math.isfinite, cuts)):
        raise ConfigError(
            "a column of groups is a name, or a name with cuts that rise, such as age:40,65, or "
            f"with names, such as site:names, where numbers are codes. Received: {text!r:.80}."
        )
    return name.strip(), cuts


def group_records(column: str, values: Mapping[str, Value], cuts: Cuts = ()) -> Grouping:
    """Records in groups by the values of a column.

    Numbers are banded: by ``cuts``; an age at 18, 40, 60 and 80 years; others, where there are more
    than twelve, at their quartiles, or from the second on where most are the same. Names, and few
    numbers, are groups of their own; of more than twelve the rarest are one group, ``others``.

    Args:
        column: its name; ``age`` is in years.
        values: of each record id; ``None``, an empty name and NaN are unknown.
        cuts: where bands begin, rising; or ``"names"``: each number is the name of a group.

    Raises:
        DataError: cuts of a column that has names, or a name of its own for most records.

    Example:
        >>> group_records("age", {"a": 30.0, "b": 59.5, "c": None}).group_of
        {'a': '18 to 39', 'b': '40 to 59'}
    """
    known = {one: value for one, value in values.items() if _is_known(value)}
    numbers = {
        one: number for one, value in known.items() if (number := _number(value)) is not None
    }
    if len(numbers) < len(known) or cuts == "names":
        if cuts and cuts != "names":
            odd = next(value for one, value in known.items() if one not in numbers)
            raise DataError(
                f"{column}: cuts need numbers. Received: {shortened(repr(odd), 40)}. Leave the "
                "cuts out, so that each name is a group."
            )
        texts = {one: str(value).strip() for one, value in known.items()}
        return _by_name(column, texts | (_write(numbers) if cuts else {}))
    distinct = sorted(set(numbers.values()))
    if not cuts and column != AGE and len(distinct) <= MOST_GROUPS:
        return _by_name(column, _write(numbers))
    limits = list(cuts) or list(AGE_CUTS)
    if not cuts and column != AGE:
        quartiles = np.quantile(list(numbers.values()), [0.25, 0.5, 0.75])
        limits = [float(cut) for cut in np.unique(quartiles) if cut > distinct[0]]
        limits = limits or [distinct[1]]  # most have the least, such as no earlier ECG
    names = _name_bands(column, limits)
    bands = {
        one: names[np.searchsorted(limits, number, "right")] for one, number in numbers.items()
    }
    there = set(bands.values())
    return Grouping(column, tuple(name for name in names if name in there), bands)


def name_comparisons(groups: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Of each group, by column and name, its comparison with the rest; two groups have but one."""
    number = Counter(column for column, _ in groups)
    return [(column, "" if number[column] == 2 else name) for column, name in groups]


def call_group(column: str, name: str) -> str:
    """A group as sentences call it: a number says nothing without its column."""
    return f"{column} {name}" if name.replace(".", "").isdigit() else name


def _by_name(column: str, names: Mapping[str, str]) -> Grouping:
    count = Counter(names.values())
    if len(count) > max(MOST_GROUPS, len(names) / 2):
        raise DataError(
            f"{column}: {len(count):,} different values of {len(names):,} records make no groups. "
            f"Name a column that many records share. It has {shortened(next(iter(count)), 40)!r}."
        )
    if len(count) <= MOST_GROUPS:
        return Grouping(column, tuple(sorted(count, key=_place)), dict(names))
    kept = sorted(
        sorted(count, key=lambda name: (-count[name], name))[: MOST_GROUPS - 1], key=_place
    )
    others = f"{len(count) - len(kept)} others"
    return Grouping(
        column,
        (*kept, others),
        {one: name if name in kept else others for one, name in names.items()},
    )


def _place(name: str) -> tuple[float, str]:
    """Numbers in their order, then names in theirs."""
    number = _number(name)
    return (math.inf if number is None else number), name


def _write(numbers: Mapping[str, float]) -> dict[str, str]:
    """The text of each number; equal ones have the same."""
    distinct = sorted(set(numbers.values()))
    texts = dict(zip(distinct, _write_apart(distinct), strict=True))
    return {one: texts[number] for one, number in numbers.items()}


def _name_bands(column: str, limits: Sequence[float]) -> list[str]:
    whole = column == AGE and all(cut == int(cut) for cut in limits)
    cuts = _write_apart(limits)
    ends = [f"{cut - 1:g}" for cut in limits] if whole else [f"under {cut}" for cut in cuts]
    between = zip(cuts, ends[1:], strict=False)
    return [
        f"under {cuts[0]}",
        *(f"{low} to {high}" for low, high in between),
        f"{cuts[-1]} and over",
    ]


def _write_apart(numbers: Sequence[float]) -> list[str]:
    """Each number in as few digits as keep them apart; whole ones in all of theirs."""
    for digits in (6, 9, 17):
        whole = (one == int(one) and abs(one) < 1e15 for one in numbers)
        texts = [
            f"{one:.0f}" if has_no_part else f"{one:.{digits}g}"
            for one, has_no_part in zip(numbers, whole, strict=True)
        ]
        if len(set(texts)) == len(texts):
            break
    return texts


def _is_known(value: Value) -> bool:
    return bool(value.strip()) if isinstance(value, str) else value is not None and value == value


def _number(value: Value) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
