"""The parts of the four findings, what decides each, and what can't decide it alone."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from scipy.special import bdtrc

from ecg_keras.evaluation import (
    FEWEST_SEEDS,
    Estimate,
    Word,
    count_words,
    judge,
    with_interval,
)
from ecg_keras.statistics.arm_results import ArmName, Compared, Interaction
from ecg_keras.statistics.curves import LearningCurve
from ecg_keras.statistics.ledger import LedgerRow
from ecg_keras.text import plural

Answer = Literal["confirmed", "refuted", "undecided"]

# comparisons that a part needs, and seeds that each of them needs, before it is decided
FEWEST = 2


@dataclass(frozen=True)
class Part:
    """One part of a finding."""

    about: str
    word: Answer
    figures: str
    open_for: str = ""

    def __str__(self) -> str:
        """As a sentence of the evidence."""
        return f"{self.about} ({self.word}): {self.figures}."


def limit(part: Part, seeds: Sequence[int], what: str = "") -> Part:
    """The part, but undecided where one seed or one comparison is all that it rests on."""
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
    """The side with more intervals, where that many would hardly be seen by chance."""
    # the chance of that many or more, from a binomial distribution
    by_chance = bdtrc(max(yes, no) - 1, comparisons, (1 - level) / 2)
    return weigh(yes, no) if by_chance < 1 - level else "undecided"


SMALL = 1000  # training records
NO_LOG = "no log of these trainings is known"


def _sweeps(comparisons: Sequence[Compared]) -> list[list[Compared]]:
    """Comparisons that differ in size alone, the smallest first; size 0, all records, is last."""
    groups: dict[ArmName, list[Compared]] = defaultdict(list)
    for one in comparisons:
        groups[replace(one.arm, size=0)].append(one)
    return [sorted(own, key=lambda one: one.arm.size or math.inf) for own in groups.values()]


def largest(comparisons: Sequence[Compared]) -> list[Compared]:
    """The comparison at the largest size of each sweep."""
    return [own[-1] for own in _sweeps(comparisons) if len(own) > 1]


def small(comparisons: Sequence[Compared], records: Mapping[ArmName, float]) -> Part:
    """More verdicts on small sets are "better" than "worse"."""
    about = "Preferable on small sets"
    met = [
        own[0]
        for own in _sweeps(comparisons)
        if len(own) > 1 or (own[0].arm.size or records.get(own[0].arm, math.inf)) < SMALL
    ]
    if not met:
        return Part(
            about,
            "undecided",
            f"none was compared (no sweep of training sizes, and no downstream known to have fewer "
            f"than {SMALL:,} training ECGs)",
        )
    words = [one.verdict.word for one in met]
    word = weigh(words.count("better"), words.count("worse"))
    if not {"better", "inconclusive"} & set(words):
        word = "refuted"
    most = max(met, key=lambda one: one.contrast.value)
    part = Part(about, word, f"{_tally(words)}; the largest gain is {_gain(most)}")
    return limit(part, _seeds(met), "comparison on a small set")


def not_always(comparisons: Sequence[Compared]) -> Part:
    """At least one verdict is "equivalent" or "worse"."""
    about = "Not always"
    if not comparisons:
        return Part(about, "undecided", "nothing was compared that starts from an upstream")
    words = [one.verdict.word for one in comparisons]
    word: Answer = "undecided"
    if {"equivalent", "worse"} & set(words):
        word = "confirmed"
    elif words.count("better") == len(words):
        word = "refuted"
    least = min(comparisons, key=lambda one: one.contrast.value)
    part = Part(about, word, f"{_tally(words)}; the least gain is {_gain(least)}")
    return limit(part, _seeds(comparisons), "comparison")


def declines(curves: Sequence[LearningCurve]) -> Part:
    """The gain falls along more learning curves than it rises or keeps within the margin."""
    about = "Gain declines"
    known = [(one, one.trend) for one in curves if one.trend is not None]
    if not known:
        return Part(about, "undecided", "there is no learning curve (too few training sizes)")
    verdicts = judge(
        [trend for _, trend in known], margin=known[0][0].margin, level=known[0][1].level
    )
    words = [verdict.word for verdict in verdicts]
    falls, rises, flat = (words.count(word) for word in ("worse", "better", "equivalent"))
    curve, trend = max(known, key=lambda pair: abs(pair[1].value))
    part = Part(
        about,
        weigh(falls, rises + flat),
        f"it falls along {falls} of {plural(len(words), 'learning curve')}, rises along {rises} "
        f"and keeps within {curve.margin:g} along {flat}; the largest change is "
        f"{with_interval(trend, '+')} from {curve.sizes[0]:,.0f} to {curve.sizes[-1]:,.0f} "
        f"training ECGs ({curve.title}, {curve.way})",
    )
    return limit(part, [trend.seeds for _, trend in known])


def comparable(curves: Sequence[LearningCurve]) -> Part:
    """The reference is shown to catch up in a learning curve, and in more than chance shows."""
    about = "Comparable with enough data"
    if not curves:
        return Part(about, "undecided", "there is no learning curve")
    caught = [
        one
        for one in curves
        if (one.crossover is not None and one.crossover[2] < math.inf)
        or (one.differences[-1].high < one.margin and one.is_known)
    ]
    first = (caught or curves)[0]
    part = Part(
        about,
        beyond_chance(len(caught), 0, len(curves), first.differences[-1].level),
        f"shown by {len(caught)} of {plural(len(curves), 'learning curve')}; on {first.title}: "
        f"{first.says.rstrip('.')}",
    )
    return limit(part, [one.differences[-1].seeds for one in curves])


def faster(comparisons: Sequence[Compared], about: str) -> Part:
    """Fine-tuning reaches the reference's quality in fewer epochs, and runs higher."""
    if not comparisons:
        return Part(about, "undecided", "nothing was compared there")
    timed = [(one.speed, one.arm) for one in comparisons if one.speed is not None]
    speeds = [speed for speed, _ in timed]
    if not speeds:
        return Part(about, "undecided", NO_LOG)
    fast = sum(one.area.low > 0 and _below(one.ratio) for one in speeds)
    slow = sum(one.area.high < 0 and (one.ratio is None or _above(one.ratio)) for one in speeds)
    figures = f"faster in {fast} and slower in {slow} of {plural(len(speeds), 'comparison')}"
    known = [(speed.ratio, arm) for speed, arm in timed if speed.ratio is not None]
    if known:
        ratio, arm = sorted(known, key=lambda pair: pair[0].value)[len(known) // 2]
        value = f"{ratio.value:.3f} [one run]" if math.isnan(ratio.low) else with_interval(ratio)
        figures += f"; the median needs {value} times the reference's epochs ({arm})"
    word = beyond_chance(fast, slow, len(comparisons), comparisons[0].contrast.level)
    return limit(Part(about, word, figures), _seeds(comparisons), "comparison")


def cheaper(comparisons: Sequence[Compared], rows: Sequence[LedgerRow]) -> Part:
    """Fine-tuning reaches the reference's quality in fewer seconds."""
    about = "Less compute, pre-training left out"
    if not comparisons:
        return Part(about, "undecided", "nothing was compared")
    ratios = [one.speed.seconds_ratio for one in comparisons if one.speed is not None]
    if not ratios:
        return Part(about, "undecided", NO_LOG)
    less, more = sum(map(_below, ratios)), sum(map(_above, ratios))
    figures = f"less in {less} and more in {more} of {plural(len(ratios), 'comparison')}"
    if rows:
        kept = sum(row.saved_with_share is not None and row.saved_with_share > 0 for row in rows)
        figures += f"; with its share of the pre-training, {kept} of {len(rows)} still save time"
    word = beyond_chance(less, more, len(comparisons), comparisons[0].contrast.level)
    return limit(Part(about, word, figures), _seeds(comparisons), "comparison")


def families(interactions: Sequence[Interaction], comparisons: Sequence[Compared]) -> Part:
    """CNNs gain more than RNNs in more interactions than less or as much."""
    about = "CNNs gain more than RNNs"
    interactions = [one for one in interactions if one.families == ("CNN", "RNN")]
    if not interactions or not comparisons:
        names = ", ".join(sorted({one.arm.backbone for one in comparisons})) or "none"
        return Part(about, "undecided", f"the study has no pair of them (backbones: {names})")
    verdicts = judge(
        [one.contrast for one in interactions],
        margin=comparisons[0].verdict.margin,
        level=interactions[0].contrast.level,
    )
    words = [verdict.word for verdict in verdicts]
    more, less, flat = (words.count(word) for word in ("better", "worse", "equivalent"))
    most = max(interactions, key=lambda one: abs(one.contrast.value))
    part = Part(
        about,
        weigh(more, less + flat),
        f"more in {more}, less in {less} and as much in {flat} of "
        f"{plural(len(words), 'comparison')}; the largest difference of gains is "
        f"{with_interval(most.contrast, '+')} ({' - '.join(most.names)} on {most.downstream}, "
        f"{most.mode} from {most.upstream})",
    )
    return limit(part, [one.contrast.seeds for one in interactions], "comparison of gains")


def may_not_pay(rows: Sequence[LedgerRow], level: float) -> Part:
    """A way saves less than its share of the pre-training, in more cases than chance shows."""
    about = "Pre-training may not pay"
    if not rows:
        return Part(about, "undecided", "no cost of a pre-training is known")
    known = [
        (row.share, row.saved_interval)
        for row in rows
        if row.share is not None and row.saved_interval is not None
    ]
    pays = sum(interval[0] > share for share, interval in known)
    lost = sum(interval[1] < share for share, interval in known)
    figures = (
        f"the time saved covers the share of it in {pays}, does not in {lost} and may or may not "
        f"in {len(rows) - pays - lost} of {plural(len(rows), 'way')}"
    )
    tasks = [row.tasks_to_pay for row in rows if row.tasks_to_pay is not None]
    if tasks:
        figures += f"; at best it has paid after {plural(math.ceil(min(tasks)), 'task')}"
    word = beyond_chance(lost, 0, len(rows), level)
    if pays == len(rows):
        word = "refuted"
    return limit(Part(about, word, figures), [row.seeds for row in rows], "way of training")


def _seeds(comparisons: Sequence[Compared]) -> list[int]:
    return [one.contrast.seeds for one in comparisons]


def _below(ratio: Estimate | None) -> bool:
    return ratio is not None and ratio.high < 1


def _above(ratio: Estimate | None) -> bool:
    return ratio is not None and ratio.low > 1


def _tally(words: Sequence[Word]) -> str:
    return f"{count_words(words)} of {plural(len(words), 'comparison')}"


def _gain(one: Compared) -> str:
    return f"{with_interval(one.contrast, '+')} ({one.arm})"
