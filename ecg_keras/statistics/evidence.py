"""One part of a finding: its word, its figures, and what can't decide it alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from scipy import stats

from ecg_keras.evaluation import FEWEST_SEEDS

Answer = Literal["confirmed", "refuted", "undecided"]

# comparisons that a part needs, and seeds that each of them needs, before it is decided
FEWEST = 2


@dataclass(frozen=True)
class Part:
    """One part of a finding.

    Attributes:
        about: what it claims.
        word: of the part.
        figures: behind the word.
        open_for: why it is undecided whatever the figures say; empty where that is not so.
    """

    about: str
    word: Answer
    figures: str
    open_for: str = ""

    def __str__(self) -> str:
        """As a sentence of the evidence."""
        return f"{self.about} ({self.word}): {self.figures}."


def limit(part: Part, seeds: Sequence[int], what: str = "") -> Part:
    """The part, but undecided where one seed or one comparison is all that it rests on.

    One seed each compares two trained networks, and says nothing of how much another training would
    differ; one comparison is of one database and backbone, and says nothing of others.

    Args:
        part: decided by verdicts and intervals.
        seeds: of each comparison that it rests on.
        what: the comparisons are called, one alone; empty where one is enough, as it is of a
            learning curve: that compares at each of its sizes.

    Example:
        >>> part = Part("Not always", "confirmed", "1 equivalent of 1 comparison")
        >>> limit(part, [3], "comparison").word, limit(part, [3, 3], "comparison").word
        ('undecided', 'confirmed')
    """
    if seeds and max(seeds) < FEWEST:
        why = (
            "One seed each says nothing of how much another training differs: at least "
            f"{FEWEST_SEEDS - 1} more seeds of each would."
        )
    elif len(seeds) == 1 and what:
        why = f"One {what} decides nothing: at least {FEWEST - 1} more would."
    else:
        return part
    return replace(part, word="undecided", open_for=why)


def weigh(yes: int, no: int) -> Answer:
    """The side with more verdicts."""
    return "confirmed" if yes > no else "refuted" if no > yes else "undecided"


def beyond_chance(yes: int, no: int, comparisons: int, level: float) -> Answer:
    """The side with more intervals, where so many would hardly exclude no effect by chance alone.

    Args:
        yes, no: intervals that lie on either side of no effect.
        comparisons: of which these are.
        level: of the intervals; the chance of so many must be below 1 - level.

    Example:
        >>> beyond_chance(1, 0, 41, 0.95), beyond_chance(9, 0, 49, 0.95)
        ('undecided', 'confirmed')
    """
    by_chance = stats.binom.sf(max(yes, no) - 1, comparisons, (1 - level) / 2)
    return weigh(yes, no) if by_chance < 1 - level else "undecided"
