"""Better, equivalent, worse or inconclusive; and what would settle it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ecg_keras.errors import ConfigError
from ecg_keras.evaluation import p_text, with_interval
from ecg_keras.metrics import METRICS, score_name
from ecg_keras.statistics.contrast import Contrast
from ecg_keras.statistics.holm import holm
from ecg_keras.statistics.projection import more_of_both, more_records, more_seeds
from ecg_keras.statistics.variance import beyond_margin

Word = Literal["better", "equivalent", "worse", "inconclusive"]

# that show how much seeds differ: one says nothing of it, and the interval that two give (t with
# one degree of freedom) is 3.6 times as wide as that of three
FEWEST_SEEDS = 3


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
            0 where it is decided.
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
    difference: where its 2 level - 1 interval lies within the margin). Else ``inconclusive``.

    Args:
        contrasts: all differences that are looked at, such as each mode against scratch.
        margin: differences below it do not matter, in units of the score, above 0.
        level: 1 - level is the chance of a wrong verdict among all of them.

    Returns:
        A verdict for each, in their order.

    Raises:
        ConfigError: a margin or a level out of range.

    Example:
        >>> from ecg_keras.statistics.contrast import Contrast
        >>> clear = Contrast(0.05, 0.03, 0.07, 0.95, 0.01, 30.0, 2e-5, 1e-4, 1e-4, 3, 1, 400, 400,
        ...                  (0.04, 0.05, 0.06))
        >>> judge([clear], margin=0.02)[0].word
        'better'
    """
    if not 0 < margin < np.inf:
        raise ConfigError(f"margin must be above 0, such as 0.02. Received: {margin}.")
    if not 0.5 < level < 1:
        raise ConfigError(f"level must be above 0.5 and below 1. Received: {level}.")
    alpha = 1 - level
    different = holm([found.p_value for found in contrasts])
    equal = holm([beyond_margin(found.value, found.parts, margin) for found in contrasts])
    words = [
        _word(found.value, p, q, alpha)
        for found, p, q in zip(contrasts, different, equal, strict=True)
    ]
    # Holm's correction no longer counts what is refuted: if all others stay as they are, a
    # comparison is decided once its p-value is below alpha over the number of those still open.
    limits = [alpha / max(1, int(np.count_nonzero(p >= alpha))) for p in (different, equal)]
    verdicts = []
    for found, word, p, q in zip(contrasts, words, different, equal, strict=True):
        still = word == "inconclusive"
        seeds = more_seeds(found, margin, *limits) if still else 0
        records = more_records(found, margin, *limits) if still else 0
        neither = seeds is None and records is None
        both = more_of_both(found, margin, *limits) if neither else None
        verdicts.append(
            Verdict(word, margin, float(p), float(q), seeds, records, len(contrasts), both)
        )
    return tuple(verdicts)


def _word(value: float, different: float, equal: float, alpha: float) -> Word:
    if different < alpha:
        return "better" if value > 0 else "worse"
    return "equivalent" if equal < alpha else "inconclusive"


def verdict_sentence(
    arm: str, reference: str, metric: str, contrast: Contrast, verdict: Verdict
) -> str:
    """A verdict with its figures, in one to three sentences.

    Args:
        arm: what the contrast adds, such as ``"finetune from georgia"``.
        reference: what it takes away, such as ``"scratch"``.
        metric: a name of `ecg_keras.metrics.METRICS`, or a label.
        contrast: the score of ``arm`` less that of ``reference``.
        verdict: of it, from `judge`.

    Example:
        >>> from ecg_keras.statistics.contrast import Contrast
        >>> clear = Contrast(0.05, 0.03, 0.07, 0.95, 0.01, 30.0, 2e-5, 1e-4, 1e-4, 3, 1, 400, 400,
        ...                  (0.04, 0.05, 0.06))
        >>> verdict = judge([clear], margin=0.02)[0]
        >>> verdict_sentence("fine-tuned", "scratch", "macro_auroc", clear, verdict)[:60]
        'fine-tuned is better than scratch: macro AUROC +0.050 [+0.03'
    """
    score = score_name(metric) if metric in METRICS else f"AUROC of {metric}"
    corrected = f", corrected for {verdict.comparisons} comparisons" * (verdict.comparisons > 1)
    seeds = f"{contrast.seeds} seed{'s' * (contrast.seeds > 1)}"
    tested = f"{seeds}, {contrast.patients} patients"
    figures = f"{score} {with_interval(contrast, '+')}"
    different = f"({p_text(verdict.p_value, 'p = ')}{corrected}; {tested})"
    if verdict.word in ("better", "worse"):
        parts = [f"{arm} is {verdict.word} than {reference}: {figures} {different}."]
        if max(abs(contrast.low), abs(contrast.high)) < verdict.margin:
            parts.append(
                f"The whole interval lies within ±{verdict.margin:g}, the margin: the difference "
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
        >>> from ecg_keras.statistics.contrast import Contrast
        >>> one = Contrast(0.05, 0.03, 0.07, 0.95, 0.01, 30.0, 2e-5, float("nan"), 1e-4, 1, 1, 400,
        ...                400, (0.05,))
        >>> settles(one, judge([one], margin=0.02)[0])
        'at least 2 more seeds'
    """
    counts = ((verdict.more_seeds, "more seed"), (verdict.more_records, "more test ECG"))
    ways = [f"{count:,} {what}{'s' * (count > 1)}" for count, what in counts if count]
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
    seeds, records = verdict.more_seeds, verdict.more_records
    ways = [
        f"{seeds} more seed{'s' * (seeds > 1)} of each" if seeds else "",
        f"{roughly(records):,} more test records" if records else "",
    ]
    offered = [way for way in ways if way]
    if offered:
        said = f"If the difference stays, about {' or '.join(offered)} would settle it"
        if len(offered) == 1 and contrast.seeds > 1:
            said += f"; no number of {'records' if seeds else 'seeds'} alone would"
        return said + "."
    text = "Neither more seeds nor more test records alone would settle it"
    if verdict.more_of_both:
        seeds, records = verdict.more_of_both
        text += (
            f"; if the difference stays, about {seeds} more seed{'s' * (seeds > 1)} of each "
            f"together with {roughly(records):,} more test records would"
        )
    return f"{text}."


def roughly(number: int) -> int:
    """Two digits of a number, rounded up: more would claim too much.

    Example:
        >>> roughly(717), roughly(42), roughly(12001)
        (720, 42, 13000)
    """
    step: int = 10 ** max(0, len(str(number)) - 2)
    return -(-number // step) * step
