"""The difference of two scores of other patients: its interval combines theirs; and its word.

Newcombe (1998), "Interval estimation for the difference between independent proportions",
Statistics in Medicine 17, method 10; Zou & Donner (2008), Statistics in Medicine 27.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import optimize

from ecg_keras.array_types import Float64Array
from ecg_keras.evaluation.estimates import Estimate
from ecg_keras.evaluation.grouping import name_comparisons
from ecg_keras.evaluation.intervals import IntervalAt, estimate_at
from ecg_keras.evaluation.judging import correct_once
from ecg_keras.evaluation.subgroup_scores import Beside, Said, Subgroup, Subgroups

# p-values are looked for between these: below the first they are the first, above the second 1
SMALLEST, LARGEST = 1e-10, 0.999


def compare_sides(
    rows: Sequence[Float64Array],
    intervals: Sequence[IntervalAt | None],
    shared: bool,
    groups: int,
    level: float,
) -> Beside:
    """A score of a group beside the rest, not yet corrected for others."""
    values = [float(own[0]) for own in rows]
    pairs = zip(rows, intervals, strict=True)
    own, rest = (estimate_at(side, interval_at, level) for side, interval_at in pairs)
    first, second = intervals
    if first is None or second is None:
        return Beside(own, rest)
    # of patients with records on both sides; else the scores have nothing in common
    together = correlate(*(one[1 + groups :] for one in rows)) if shared else 0.0

    def interval_at(level: float) -> tuple[float, float]:
        return combine((values[0], *first(level)), (values[1], *second(level)), together)

    value = values[0] - values[1]
    difference = Estimate(value, *interval_at(level))
    return Beside(own, rest, difference, p_value_of(value, interval_at))


def correct_groups(groups: Sequence[Subgroup], unknown: dict[str, int], level: float) -> Subgroups:
    """Words for groups beside the rest, after Holm's correction (1979) of both families."""
    names = name_comparisons([(one.column, one.name) for one in groups])
    deciding = [(name, one.deciding.p_value) for name, one in zip(names, groups, strict=True)]
    single = [
        ((*name, label, score), beside.p_value)
        for name, one in zip(names, groups, strict=True)
        for label, row in one.labels.items()
        for score, beside in row.scores.items()
    ]
    first, second = ({name for name, p in own if not math.isnan(p)} for own in (deciding, single))
    of_groups, of_labels = iter(correct_once(deciding)), iter(correct_once(single))
    judged = [
        replace(
            one,
            deciding=_say(one.deciding, next(of_groups), level),
            labels={
                label: replace(
                    row,
                    scores={
                        score: _say(beside, next(of_labels), level)
                        for score, beside in row.scores.items()
                    },
                )
                for label, row in one.labels.items()
            },
        )
        for one in groups
    ]
    return Subgroups(level, tuple(judged), unknown, (len(first), len(second)))


def _say(beside: Beside, p_holm: float, level: float) -> Beside:
    if beside.difference is None:
        return beside
    word: Said = "no difference shown"
    if p_holm < 1 - level:
        word = "higher" if beside.difference.value > 0 else "lower"
    return replace(beside, p_holm=p_holm, word=word)


def combine(
    a: tuple[float, float, float], b: tuple[float, float, float], correlation: float = 0.0
) -> tuple[float, float]:
    """The interval of a - b from the values and intervals of both (Zou & Donner 2008)."""
    down, up = a[0] - a[1], a[2] - a[0]
    other_down, other_up = b[0] - b[1], b[2] - b[0]
    low = down**2 + other_up**2 - 2 * correlation * down * other_up
    high = up**2 + other_down**2 - 2 * correlation * up * other_down
    value = a[0] - b[0]
    return value - math.sqrt(max(low, 0.0)), value + math.sqrt(max(high, 0.0))


def p_value_of(value: float, interval_at: IntervalAt) -> float:
    """1 - the greatest level whose interval excludes 0: two-sided, of no difference."""
    if value == 0:
        return 1.0

    def excess(log_p: float) -> float:
        low, high = interval_at(1 - math.exp(log_p))
        return low if value > 0 else -high

    least, most = math.log(SMALLEST), math.log(LARGEST)
    if excess(least) > 0:
        return SMALLEST
    if excess(most) < 0:
        return 1.0
    return math.exp(float(optimize.brentq(excess, least, most, xtol=1e-6)))


def correlate(a: Float64Array, b: Float64Array) -> float:
    """Of two scores over the resamples that define both; 0 where one does not vary."""
    both = np.isfinite(a) & np.isfinite(b)
    a, b = a[both], b[both]
    if len(a) < 2 or a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
