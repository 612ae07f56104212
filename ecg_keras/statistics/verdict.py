"""Better, equivalent, worse or inconclusive; and what would settle it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Word = Literal["better", "equivalent", "worse", "inconclusive"]


@dataclass(frozen=True)
class Verdict:
    """What a difference says, corrected for how many were looked at.

    Attributes:
        word: ``better`` or ``worse`` where no difference is refuted, ``equivalent`` where a
            difference of the margin or more is refuted on both sides, else ``inconclusive``.
        margin: differences below it do not matter.
        p_value: of no difference, after Holm's correction.
        equivalence_p: of a difference of the margin or more, after Holm's correction.
        more_seeds: how many more seeds would settle it if the difference stays; ``None`` where no
            number of seeds would, 0 where it is settled.
        more_records: how many more test records would, with the seeds there are; likewise.
    """

    word: Word
    margin: float
    p_value: float
    equivalence_p: float
    more_seeds: int | None
    more_records: int | None
