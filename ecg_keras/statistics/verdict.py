"""Verdicts in sentences, and the answer of a study: fine-tune or scratch?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from ecg_keras.evaluation import (
    FEWEST_SEEDS,
    NO_RATE,
    UNKNOWN_TUNING,
    Contrast,
    Verdict,
    Word,
    count_words,
    judge,
    p_text,
    say_beyond,
    with_interval,
)
from ecg_keras.metrics import METRICS, score_name
from ecg_keras.statistics.arm_results import ArmName, Compared

__all__ = [
    "FEWEST_SEEDS",
    "Verdict",
    "Word",
    "headline",
    "judge",
    "roughly",
    "say_largest",
    "settles",
    "verdict_sentence",
    "what_would_settle",
]


def verdict_sentence(
    arm: str,
    reference: str,
    metric: str,
    contrast: Contrast,
    verdict: Verdict,
    *,
    judged: str = "comparisons",
) -> str:
    """A verdict with its figures, in one to three sentences.

    Args:
        arm: what the contrast adds, such as ``"finetune from georgia"``.
        reference: what it takes away, such as ``"scratch"``.
        metric: a name of `ecg_keras.metrics.METRICS`, or a label.
        contrast: the score of ``arm`` less that of ``reference``.
        verdict: of it, from `judge`.
        judged: what to call all that the verdict is corrected for.

    Example:
        >>> from ecg_keras.evaluation import Contrast
        >>> clear = Contrast(0.05, 0.03, 0.07, 0.95, 0.01, 30.0, 2e-5, 1e-4, 1e-4, 3, 1, 400, 400,
        ...                  (0.04, 0.05, 0.06))
        >>> verdict = judge([clear], margin=0.02)[0]
        >>> verdict_sentence("fine-tuned", "scratch", "macro_auroc", clear, verdict)[:60]
        'fine-tuned is better than scratch: macro AUROC +0.050 [+0.03'
    """
    score = score_name(metric) if metric in METRICS else f"AUROC of {metric}"
    corrected = f", corrected for {verdict.comparisons} {judged}" * (verdict.comparisons > 1)
    seeds = f"{contrast.seeds} seed{'s' * (contrast.seeds > 1)}"
    tested = f"{seeds}, {contrast.patients} patients"
    figures = f"{score} {with_interval(contrast, '+')}"
    p = "no p-value" if math.isnan(verdict.p_value) else p_text(verdict.p_value, "p = ")
    different = f"({p}{corrected}; {tested})"
    if verdict.word in ("better", "worse"):
        parts = [f"{arm} is {verdict.word} than {reference}: {figures} {different}."]
        if max(abs(contrast.low), abs(contrast.high)) < verdict.margin:
            parts.append(
                f"The whole interval is within ±{verdict.margin:g}, the margin: the difference "
                "is there, but too small to matter."
            )
    elif verdict.word == "equivalent":
        alike = f"({p_text(verdict.equivalence_p, 'p = ')}{corrected}; {tested})"
        parts = [
            f"{arm} and {reference} are equivalent within ±{verdict.margin:g}: {figures} {alike}."
        ]
    else:
        parts = [
            f"It is not shown whether {arm} is better or worse than {reference}, or equivalent "
            f"within ±{verdict.margin:g}: {figures} {different}.",
            what_would_settle(contrast, verdict),
        ]
    if contrast.seeds == 1:
        parts.append(
            "With one seed each this speaks of these trained networks alone, not of the two ways "
            f"of training: those need at least {FEWEST_SEEDS - 1} more seeds of each."
        )
    return " ".join(parts)


def settles(contrast: Contrast, verdict: Verdict) -> str:
    """What would decide between two ways of training, in a few words for a table.

    ``decided`` where it is; with one seed each it never is, whatever the word.

    Args:
        contrast: a difference.
        verdict: of it, from `judge`.

    Example:
        >>> from ecg_keras.evaluation import Contrast
        >>> one = Contrast(0.05, 0.03, 0.07, 0.95, 0.01, 30.0, 2e-5, float("nan"), 1e-4, 1, 1, 400,
        ...                400, (0.05,))
        >>> settles(one, judge([one], margin=0.02)[0])
        'at least 2 more seeds'
    """
    records = verdict.more_records and roughly(verdict.more_records)
    counts = ((verdict.more_seeds, "more seed"), (records, "more test ECG"))
    ways = [f"{count:,} {what}{'s' * (count > 1)}" for count, what in counts if count]
    if math.isnan(contrast.p_value):
        ways = ["further test patients"]
    if contrast.seeds == 1:
        return " and ".join([f"at least {FEWEST_SEEDS - 1} more seeds", *ways])
    if verdict.word != "inconclusive":
        return "decided"
    return " or ".join(ways) or "neither seeds nor test ECGs alone"


def what_would_settle(contrast: Contrast, verdict: Verdict) -> str:
    """What would decide an inconclusive difference if it stays, in one sentence."""
    if contrast.standard_error == 0:
        return (
            "Every resample of the patients says the same: they are too few, or too easy, to show "
            "how far off it is."
        )
    if math.isnan(contrast.p_value):
        return (
            "Fewer than two patients have each label, or lack it: only further patients who do "
            "would show how far off it is."
        )
    seeds, records = verdict.more_seeds, verdict.more_records
    ways = [
        f"{seeds} more seed{'s' * (seeds > 1)} of each" if seeds else "",
        f"{roughly(records):,} more test records" if records else "",
    ]
    offered = [way for way in ways if way]
    if offered:
        text = f"If the difference stays, about {' or '.join(offered)} would settle it"
        if len(offered) == 1 and contrast.seeds > 1:
            text += f"; no number of {'records' if seeds else 'seeds'} alone would"
        return text + "."
    text = "Neither more seeds nor more test records alone would settle it"
    if verdict.more_of_both:
        seeds, records = verdict.more_of_both
        text += (
            f"; if the difference stays, about {seeds} more seed{'s' * (seeds > 1)} of each "
            f"together with {roughly(records):,} more test records would"
        )
    return f"{text}."


def roughly(number: int) -> int:
    """Two digits of a number, rounded up: more would claim too much."""
    step: int = 10 ** max(0, len(str(number)) - 2)
    return -(-number // step) * step


class Judged(Protocol):
    """A difference of two arms with its verdict."""

    @property
    def arm(self) -> ArmName: ...

    @property
    def contrast(self) -> Contrast: ...

    @property
    def verdict(self) -> Verdict: ...


def largest(judged: Sequence[Judged]) -> tuple[Judged, ...]:
    """The largest difference that is shown, if one is, and a larger one that is inconclusive."""

    def size(one: Judged) -> float:
        return abs(one.contrast.value)

    shown = [one for one in judged if one.verdict.word in ("better", "worse")]
    if not shown:
        return (max(judged, key=size),)
    first = max(shown, key=size)
    larger = [
        one for one in judged if one.verdict.word == "inconclusive" and size(one) > size(first)
    ]
    return (first, max(larger, key=size)) if larger else (first,)


def say_largest(judged: Sequence[Judged], metric: str) -> str:
    """The same in one or two sentences."""
    first, *larger = (
        f"{with_interval(one.contrast, '+')}: {one.arm} ({one.verdict.word})."
        for one in largest(judged)
    )
    text = f"The largest difference in {score_name(metric)}"
    if not larger:
        return f"{text} is {first}"
    return f"{text} that is shown is {first} A larger one is not shown: {larger[0]}"


def headline(comparisons: Sequence[Compared], metric: str) -> str:
    """What all comparisons say together: the largest that is shown, and what would settle a larger.

    One seed of each way compares two trained networks: the sentence then speaks of networks, and
    says that a way of training needs more seeds.

    Args:
        comparisons: of one protocol, in any order.
        metric: a name of `ecg_keras.metrics.METRICS`, that decides.

    Example:
        >>> headline([], "macro_auroc")
        'Nothing was compared: no way of training and its reference are both finished.'
    """
    if not comparisons:
        return "Nothing was compared: no way of training and its reference are both finished."
    single = [one for one in comparisons if one.contrast.seeds == 1]
    if len(comparisons) == 1:
        (one,) = comparisons
        names = str(one.arm), one.reference.way
        if single:
            names = f"The network of {names[0]}", f"that of {names[1]}"
        sentence = verdict_sentence(*names, metric, one.contrast, one.verdict)
        return f"{sentence} {say_tuning(comparisons)}"
    words = [one.verdict.word for one in comparisons]
    reference = comparisons[0].reference.mode
    compared = f"comparisons with {reference}"
    if len(single) == len(comparisons):
        compared = f"comparisons of one trained network with one of {reference}"
    parts = [
        f"Of {len(comparisons)} {compared}, {count_words(words)}.",
        say_largest(comparisons, metric),
    ]
    last = largest(comparisons)[-1]
    if last.verdict.word == "inconclusive":
        parts.append(what_would_settle(last.contrast, last.verdict))
    if single:
        which = "all" if len(single) == len(comparisons) else f"{len(single)}"
        parts.append(
            f"In {which} of them one seed of each way was trained, which says nothing of how much "
            "another training differs: no way of training is shown to be better or worse by them "
            f"before there are at least {FEWEST_SEEDS - 1} more seeds of each."
        )
    return " ".join([*parts, say_tuning(comparisons)])


class Tunable(Judged, Protocol):
    """A difference of two arms, each of which may have been tuned; as `Compared` has them."""

    @property
    def reference(self) -> ArmName: ...

    @property
    def settings(self) -> tuple[int, int] | None: ...

    @property
    def beyond(self) -> tuple[int, int]: ...

    @property
    def has_ridge_head(self) -> bool: ...


def say_tuning(comparisons: Sequence[Tunable]) -> str:
    """How the arms were tuned, or that nobody knows: silence would read as a fair comparison."""
    known = [one.settings for one in comparisons if one.settings is not None]
    if not known:
        return NO_RATE if any(one.has_ridge_head for one in comparisons) else UNKNOWN_TUNING
    if any(ours != theirs for ours, theirs in known):
        return "The arms were not tuned alike, which may be what differs: see their settings."
    untuned = "not tuned: a difference may be one of learning rates that suit one of them better."
    numbers = sorted({ours for ours, _ in known})
    if numbers == [0]:
        return f"The arms were {untuned}"
    beyond = _beyond(comparisons)
    if len(numbers) == 1:
        return f"Each arm was tuned over {numbers[0]} settings on validation{beyond}."
    tuned = " or ".join(str(number) for number in numbers if number)
    text = "In each comparison both arms were tuned alike, over "
    text += f"{tuned} settings on validation{beyond}"
    some = sum(pair == (0, 0) for pair in known)
    return f"{text}; in {some} of them they were {untuned}" if some else f"{text}."


def _beyond(comparisons: Sequence[Tunable]) -> str:
    """In how many tuned runs, and of their references, one setting more was tried."""
    runs = {one.arm: one.contrast.seeds * one.contrast.folds for one in comparisons}
    if len(comparisons) == 1:
        (one,) = comparisons
        if runs[one.arm] > 1:
            return say_beyond(one.beyond, runs[one.arm])
        ways = zip((one.arm.way, one.reference.way), one.beyond, strict=True)
        names = " and ".join(way for way, further in ways if further)
        return f", and one beyond for {names}" if names else ""
    tuned = [one for one in comparisons if one.settings not in (None, (0, 0))]
    arms = {one.arm: one.beyond[0] for one in tuned}
    # several arms may have one reference, in as many runs as they have in common with it
    references: dict[ArmName, tuple[int, int]] = {}
    for one in tuned:
        found = runs[one.arm], one.beyond[1]
        references[one.reference] = max(found, references.get(one.reference, found))
    theirs = [sum(numbers) for numbers in zip(*references.values(), strict=True)]
    if not sum(arms.values()) + theirs[1]:
        return ""
    modes, ours = {one.mode for one in references}, sum(runs[one] for one in arms)
    name = modes.pop() if len(modes) == 1 else "their controls"  # each mode may have its own
    return (
        f", and one beyond in {sum(arms.values())} of {ours} runs, and in "
        f"{theirs[1]} of {theirs[0]} of {name}"
    )
