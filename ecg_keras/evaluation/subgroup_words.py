"""Words for groups beside the rest, corrected for all that are looked at (Holm 1979)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from ecg_keras.evaluation.estimates import Estimate
from ecg_keras.evaluation.judging import correct
from ecg_keras.evaluation.subgroup_scores import Beside, Said, Subgroup, Subgroups

# the word of a difference, from the other of two groups
OTHER_SIDE: dict[Said, Said] = {"higher": "lower", "lower": "higher"}


def correct_groups(groups: Sequence[Subgroup], unknown: dict[str, int], level: float) -> Subgroups:
    """Holm's correction of each family, and the words."""
    columns = [[one for one in groups if one.column == column] for column in unknown]
    # of two groups each is the other's rest: one comparison
    counted = [one for own in columns for one in (own[:1] if len(own) == 2 else own)]
    deciding = [one.deciding for one in counted]
    of_labels = [
        beside for one in counted for row in one.labels.values() for beside in row.scores.values()
    ]
    tests = tuple(sum(not math.isnan(one.p_value) for one in own) for own in (deciding, of_labels))
    of_groups, rows = (iter(_judge(own, level)) for own in (deciding, of_labels))
    judged = (
        replace(
            one,
            deciding=next(of_groups),
            labels={
                label: replace(row, scores={name: next(rows) for name in row.scores})
                for label, row in one.labels.items()
            },
        )
        for one in counted
    )
    found: list[Subgroup] = []
    for own in columns:
        if len(own) == 2:
            first = next(judged)
            found += [first, _other_side(first, own[1])]
        else:
            found += [next(judged) for _ in own]
    return Subgroups(level, tuple(found), unknown, (tests[0], tests[1]))


def _other_side(first: Subgroup, second: Subgroup) -> Subgroup:
    """The second of two groups, whose comparisons are those of the first from the other side."""

    def turn(beside: Beside) -> Beside:
        found = beside.difference
        turned = None if found is None else Estimate(0 - found.value, -found.high, -found.low)
        word = OTHER_SIDE.get(beside.word, beside.word)
        return replace(beside, group=beside.rest, rest=beside.group, difference=turned, word=word)

    labels = {
        label: replace(
            row,
            scores={name: turn(one) for name, one in first.labels[label].scores.items()},
        )
        for label, row in second.labels.items()
    }
    return replace(second, deciding=turn(first.deciding), labels=labels)


def _judge(family: Sequence[Beside], level: float) -> list[Beside]:
    """Words for differences that are looked at together; NaN is of no test."""
    corrected = correct([one.p_value for one in family]).tolist()
    return [_say(one, p_holm, level) for one, p_holm in zip(family, corrected, strict=True)]


def _say(beside: Beside, p_holm: float, level: float) -> Beside:
    if beside.difference is None:
        return beside
    word: Said = "no difference shown"
    if p_holm < 1 - level:
        word = "higher" if beside.difference.value > 0 else "lower"
    return replace(beside, p_holm=p_holm, word=word)
