"""`GroupGain`: what one network, or way of training, gains over another in a group of records."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ecg_keras.evaluation.estimates import Estimate, p_text, with_interval
from ecg_keras.evaluation.grouping import call_group, name_comparisons
from ecg_keras.text import text_table

Gained = Literal["gains more", "gains less", "no difference shown", "too few"]


@dataclass(frozen=True)
class GroupGain:
    """The difference of two networks in one group of records, and whether it is another elsewhere.

    Attributes:
        column, name: which group, such as ``sex`` and ``female``.
        records, patients: how many.
        scored: the labels that five patients have and lack, in the group and in the rest; the score
            is of these.
        gain, rest: the difference in the group, and among all other records, each paired; ``None``
            where patients are too few.
        interaction: gain - rest.
        p_value: two-sided, of the same gain on both sides, and ``p_holm`` corrected for all groups;
            NaN where patients are too few.
        word: ``gains more`` or ``gains less`` than the rest where the corrected p-value is below 1
            - level, else ``no difference shown`` or ``too few``.
    """

    column: str
    name: str
    records: int
    patients: int
    scored: tuple[str, ...]
    gain: Estimate | None = None
    rest: Estimate | None = None
    interaction: Estimate | None = None
    p_value: float = math.nan
    p_holm: float = math.nan
    word: Gained = "too few"


def say_gains(gains: Sequence[GroupGain]) -> str:
    """What the interactions show, in a sentence; empty where no group was looked at."""
    if not gains:
        return ""
    columns = " and ".join(dict.fromkeys(one.column for one in gains))
    names = name_comparisons([(one.column, one.name) for one in gains])
    found = [
        f"{call_group(one.column, one.name)} {one.word} (Holm's {p_text(one.p_holm, 'p = ')})"
        for at, one in enumerate(gains)
        if one.word in ("gains more", "gains less") and names.index(names[at]) == at
    ]
    if found:
        return f"Whether one group gains more, by {columns}: {'; '.join(found)}."
    if all(one.word == "too few" for one in gains):
        return f"Whether one group gains more, by {columns}: too few patients."
    return f"Whether one group gains more, by {columns}: no difference shown."


def gains_text(gains: Sequence[GroupGain]) -> str:
    """The gains as aligned plain text, under what they show."""
    rows = [
        [
            f"{one.column}: {one.name}",
            f"{one.records}",
            with_interval(one.gain, "+"),
            with_interval(one.interaction, "+"),
            p_text(one.p_holm),
            one.word,
        ]
        for one in gains
    ]
    header = ["", "records", "difference", "less that of the rest", "p (Holm)", ""]
    return "\n".join([text_table(header, rows), "", say_gains(gains)])
