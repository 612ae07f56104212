"""Words for groups beside the rest, corrected for all that are looked at (Holm 1979)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ecg_keras.evaluation.estimates import Estimate
from ecg_keras.evaluation.judging import correct
from ecg_keras.evaluation.subgroup_scores import Beside, Said, Subgroup, Subgroups


def correct_groups(groups: Sequence[Subgroup], unknown: dict[str, int], level: float) -> Subgroups:
    """Holm's correction of each family, and the words."""
    found: list[Subgroup] = []
    counted = []
    for column in unknown:
        first, *others = (one for one in groups if one.column == column)
        if len(others) == 1:  # of two groups each is the other's rest: one comparison
            found += [first, _other_side(first, others[0])]
            counted.append(first)
        else:
            found += [first, *others]
            counted += [first, *others]
    families = (
        correct_once([one.deciding.p_value for one in counted]),
        correct_once(
            [
                beside.p_value
                for one in counted
                for label in one.labels.values()
                for beside in label.scores.values()
            ]
        ),
    )
    judged = tuple(
        replace(
            one,
            deciding=_judge(one.deciding, families[0], level),
            labels={
                label: replace(
                    row,
                    scores={
                        name: _judge(beside, families[1], level)
                        for name, beside in row.scores.items()
                    },
                )
                for label, row in one.labels.items()
            },
        )
        for one in found
    )
    return Subgroups(level, judged, unknown, (families[0].tests, families[1].tests))


def _other_side(first: Subgroup, second: Subgroup) -> Subgroup:
    """The second of two groups, whose comparisons are those of the first from the other side."""

    def turn(beside: Beside) -> Beside:
        found = beside.difference
        turned = None if found is None else Estimate(0 - found.value, -found.high, -found.low)
        return replace(beside, group=beside.rest, rest=beside.group, difference=turned)

    labels = {
        label: replace(
            row,
            scores={name: turn(one) for name, one in first.labels[label].scores.items()},
        )
        for label, row in second.labels.items()
    }
    return replace(second, deciding=turn(first.deciding), labels=labels)


@dataclass(frozen=True)
class Corrected:
    """p-values of a family after Holm's correction, by what they were."""

    tests: int
    of: Mapping[float, float]


def correct_once(p_values: Sequence[float]) -> Corrected:
    """Holm's correction of the p-values that there are; NaN is of no test."""
    known = [one for one in p_values if not math.isnan(one)]
    return Corrected(len(known), dict(zip(known, correct(known).tolist(), strict=True)))


def _judge(beside: Beside, family: Corrected, level: float) -> Beside:
    if beside.difference is None:
        return beside
    p_holm = family.of[beside.p_value]
    word: Said = "no difference shown"
    if p_holm < 1 - level:
        word = "higher" if beside.difference.value > 0 else "lower"
    return replace(beside, p_holm=p_holm, word=word)
