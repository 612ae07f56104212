"""`judge`: better, equivalent, worse or inconclusive; and what would settle it."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import Float64Array
from ecg_keras.errors import ConfigError
from ecg_keras.evaluation.inference import Contrast
from ecg_keras.evaluation.variance import Parts, beyond_margin, two_sided

Word = Literal["better", "equivalent", "worse", "inconclusive"]
WORDS: tuple[Word, ...] = get_args(Word)

# differences below it do not matter, where nobody says otherwise
MARGIN = 0.02
# that show how much seeds differ: one says nothing of it, and the interval that two give (t with
# one degree of freedom) is 3.6 times as wide as that of three
FEWEST_SEEDS = 3
# more further seeds, or times as many records, than these count as "no number"
MOST_SEEDS = 10_000
MOST_TIMES = 10_000


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
            number of seeds would, and with one seed, which says nothing of how much seeds differ;
            0 where it is decided. ``None`` where there is no p-value, too.
        more_records: how many more test records would, with the seeds there are; likewise.
        comparisons: that were corrected for.
        more_of_both: seeds and test records that would together, where neither alone would.
    """

    word: Word
    margin: float
    p_value: float
    equivalence_p: float
    more_seeds: int | None
    more_records: int | None
    comparisons: int = 1
    more_of_both: tuple[int, int] | None = None


def judge(
    contrasts: Sequence[Contrast], *, margin: float, level: float = 0.95
) -> tuple[Verdict, ...]:
    """A verdict for each difference, corrected for looking at all of them.

    ``better`` and ``worse`` where Holm's corrected p-value of no difference is below 1 - level.
    Else ``equivalent`` where that of two one-sided tests against the margin is (of a single
    difference: where its 2 level - 1 interval is within the margin). Else ``inconclusive``.

    Args:
        contrasts: all differences that are looked at, such as each mode against scratch.
        margin: differences below it do not matter, in units of the score, above 0.
        level: 1 - level is the chance of a wrong verdict among all of them.

    Returns:
        A verdict for each, in their order.

    Raises:
        ConfigError: a margin or a level out of range.

    Example:
        >>> clear = Contrast(0.05, 0.03, 0.07, 0.95, 0.01, 30.0, 2e-5, 1e-4, 1e-4, 3, 1, 400, 400,
        ...                  (0.04, 0.05, 0.06))
        >>> judge([clear], margin=0.02)[0].word
        'better'
    """
    if not 0 < margin < math.inf:
        raise ConfigError(f"margin must be above 0, such as 0.02. Received: {margin}.")
    if not 0.5 < level < 1:
        raise ConfigError(f"level must be above 0.5 and below 1. Received: {level}.")
    alpha = 1 - level
    tested = sum(not math.isnan(found.p_value) for found in contrasts)
    different = correct([found.p_value for found in contrasts])
    equal = correct([_equivalence_p(found, margin) for found in contrasts])
    # Holm's correction no longer counts what is refuted: if all others stay as they are, a
    # comparison is decided once its p-value is below alpha over the number of those still open.
    limits = [alpha / max(1, int(np.count_nonzero(p >= alpha))) for p in (different, equal)]
    verdicts = []
    for found, p, q in zip(contrasts, different.tolist(), equal.tolist(), strict=True):
        word = _word(found.value, p, q, alpha)
        seeds: int | None = 0
        records: int | None = 0
        both = None
        if math.isnan(p):  # nothing is known of how far off it is
            seeds = records = None
        elif word == "inconclusive":
            plan = Plan(found, margin, *limits)
            seeds, records = plan.more_seeds(), plan.more_records()
            both = plan.more_of_both() if seeds is None and records is None else None
        verdicts.append(Verdict(word, margin, p, q, seeds, records, tested, both))
    return tuple(verdicts)


def overall(verdicts: Sequence[Verdict]) -> Word:
    """One word for several ways against one reference, of which the best one would be taken.

    ``better`` where any of them is; ``worse`` where all of them are; ``equivalent`` where some of
    them are and all others are worse; else ``inconclusive``.

    Args:
        verdicts: of each, at least one, from one call of `judge`, which corrects for all of them.

    Example:
        >>> better = Verdict("better", 0.02, 0.01, 1.0, 0, 0)
        >>> worse = Verdict("worse", 0.02, 0.01, 1.0, 0, 0)
        >>> same = Verdict("equivalent", 0.02, 1.0, 0.01, 0, 0)
        >>> overall([better, worse]), overall([worse, worse]), overall([worse, same])
        ('better', 'worse', 'equivalent')
    """
    words = {one.word for one in verdicts}
    order: tuple[Word, ...] = ("better", "inconclusive", "equivalent", "worse")
    return next(word for word in order if word in words)


def count_words(words: Sequence[Word]) -> str:
    """``2 better, 1 inconclusive``."""
    return ", ".join(f"{words.count(word)} {word}" for word in WORDS if word in words)


def correct(p_values: npt.ArrayLike) -> Float64Array:
    """p-values after Holm's correction (1979), ``(tests,)``, in their order; NaN is no test."""
    # the smallest of m is multiplied by m, the next by m - 1 and so on
    given = np.asarray(p_values, dtype=np.float64)
    number = np.count_nonzero(~np.isnan(given))
    order = np.argsort(given, kind="stable")[:number]  # NaN is last
    # none may be smaller than the one before
    raised = np.maximum.accumulate(given[order] * np.arange(number, 0, -1))
    corrected = np.full_like(given, np.nan)
    corrected[order] = np.minimum(raised, 1.0)
    return corrected


def correct_once(tests: Sequence[tuple[Hashable, float]]) -> list[float]:
    """`correct` of named p-values, of which those of one name are of one test."""
    p_values = dict(reversed(tests))
    corrected = dict(zip(p_values, correct(list(p_values.values())).tolist(), strict=True))
    return [corrected[name] for name, _ in tests]


def _equivalence_p(found: Contrast, margin: float) -> float:
    if math.isnan(found.p_value):  # too few patients for an interval
        return math.nan
    return beyond_margin(found.value, found.parts, margin)


def _word(value: float, different: float, equal: float, alpha: float) -> Word:
    if different < alpha:
        return "better" if value > 0 else "worse"
    return "equivalent" if equal < alpha else "inconclusive"


@dataclass(frozen=True)
class Plan:
    """How much more would decide a difference if it stays: what both p-values must fall below."""

    contrast: Contrast
    margin: float
    different: float
    equal: float

    def more_seeds(self) -> int | None:
        """Further seeds. The patients stay, so their part of the variance is a floor."""
        if self.contrast.seeds == 1:  # which says nothing of how seeds vary
            return None
        found = _fewest(
            lambda seeds: self._decides(seeds, 1.0), self.contrast.seeds + 1, MOST_SEEDS
        )
        return None if found is None else found - self.contrast.seeds

    def more_records(self) -> int | None:
        """Further test records like those there are: as many a patient, each label as common."""
        seeds, records = self.contrast.seeds, self.contrast.records
        found = _fewest(
            lambda number: self._decides(seeds, number / records), records + 1, records * MOST_TIMES
        )
        return None if found is None else found - records

    def more_of_both(self) -> tuple[int, int] | None:
        """Further seeds and test records, in the proportion that there is."""
        seeds, records = self.contrast.seeds, self.contrast.records
        if seeds == 1:
            return None
        found = _fewest(lambda number: self._decides(number, number / seeds), seeds + 1, MOST_SEEDS)
        if found is None:
            return None
        return found - seeds, -(-found * records // seeds) - records

    def _decides(self, seeds: int, patients: float) -> bool:
        parts: Parts = self.contrast.parts.project(seeds, patients)
        return (
            two_sided(self.contrast.value, parts) < self.different
            or beyond_margin(self.contrast.value, parts, self.margin) < self.equal
        )


def _fewest(decides: Callable[[int], bool], least: int, most: int) -> int | None:
    """The smallest number that decides, if those above it do too; ``None`` if ``most`` does not."""
    if not decides(most):
        return None
    low, high = least - 1, most  # low does not decide, high does
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return high
