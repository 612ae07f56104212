"""The four findings of Nguyen & Do (PLoS ONE 2025), tested on a study's results."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ecg_keras.statistics.arm_results import ArmName, Compared, Interaction
from ecg_keras.statistics.claims import (
    FEWEST,
    Answer,
    Part,
    cheaper,
    comparable,
    declines,
    families,
    faster,
    largest,
    may_not_pay,
    not_always,
    small,
)
from ecg_keras.statistics.curves import LearningCurve
from ecg_keras.statistics.ledger import LedgerRow

T = TypeVar("T")

CLAIMS = (
    "Fine-tuning is preferable on small downstream sets, but does not always help.",
    "Its gain declines as the downstream set grows: with enough data, training from scratch is "
    "comparable, but takes longer to catch up.",
    "Fine-tuning converges faster, so it costs less compute.",
    "Transfer fits CNNs better than RNNs, and pre-training has a cost that may not pay.",
)


@dataclass(frozen=True)
class Finding:
    """One claim, and what the study says of it.

    Attributes:
        claim: in the paper's sense.
        word: ``confirmed``, ``refuted``, or ``undecided`` (which includes: not looked at).
        evidence: the figures behind the word, a sentence for each part of the claim, and what one
            seed or one comparison leaves open.
    """

    claim: str
    word: Answer
    evidence: str


def findings(
    comparisons: Sequence[Compared],
    curves: Sequence[LearningCurve],
    interactions: Sequence[Interaction],
    ledger: Sequence[LedgerRow],
    *,
    modes: Collection[str] | None = None,
    train_records: Mapping[ArmName, float] | None = None,
) -> tuple[Finding, ...]:
    """Whether the four findings of Nguyen & Do hold in a study.

    Each finding has two or three parts. It is confirmed where all of them are, refuted where one
    is, else undecided. A part is decided by verdicts and intervals alone, never by an estimate, and
    by two comparisons or more of two seeds or more each: one seed says nothing of another training,
    one comparison nothing of another database or backbone. (A learning curve is several
    comparisons.) Where some comparisons have several seeds, those with one are not counted.

    1. *Preferable on small sets*: more verdicts are "better" than "worse" there; refuted where
       more are "worse", or none is "better" and none inconclusive. *Not always*: at least one
       verdict is "equivalent" or "worse"; refuted where all are "better". A set is small if it is
       the smallest size of a sweep or, without a sweep, has fewer than 1,000 training ECGs.
    2. *Declines*: the trend of the difference over log n (`LearningCurve.trend`, judged with
       Holm's correction for all curves) falls in more curves than it rises or is equivalent to
       none. *Comparable*: the interval of the crossover ends within the sizes, or that of the
       difference at the largest size is below the margin, in a curve, and in more of them than
       chance would give; more data than were tried may always do it, so this part is never
       refuted. *Takes longer*: as 3, at the
       largest size of each sweep.
    3. *Converges faster*: in more comparisons fine-tuning is faster (interval of the ratio of
       epochs below 1 and that of the area above 0) than slower (ratio above 1 or quality never
       reached, and area below 0), and in more than chance would give. *Less compute*: the same for
       the interval of the ratio of seconds. The evidence adds the share of pre-training.
    4. *CNNs better than RNNs*: more interactions are judged positive than negative or equivalent
       to none. *May not pay*: the interval of what a way saves is below its share of the
       pre-training, in more ways than chance would give; refuted where it is above for all.

    Args:
        comparisons: ways of training against the reference; those that start from an upstream
            count.
        curves: learning curves.
        interactions: between families of backbones, of which those of CNNs and RNNs count.
        ledger: costs.
        modes: which modes are fine-tuning, such as not a linear probe; ``None`` for all.
        train_records: of each arm, to know which downstream sets are small.

    Returns:
        The findings in the order of `CLAIMS`.

    Example:
        >>> [finding.word for finding in findings([], [], [], [])]
        ['undecided', 'undecided', 'undecided', 'undecided']
    """
    counted = _of_several_seeds(
        [one for one in comparisons if _counts(one.arm.mode, one.arm.upstream, modes)],
        lambda one: one.contrast.seeds,
    )
    curves = _of_several_seeds(
        [one for one in curves if _counts(one.mode, one.upstream, modes)],
        lambda one: one.differences[-1].seeds,
    )
    rows = _of_several_seeds(
        [row for row in ledger if row.pretraining and _counts(row.mode, row.upstream, modes)],
        lambda row: row.seeds,
    )
    tested = _of_several_seeds(
        [one for one in interactions if modes is None or one.mode in modes],
        lambda one: one.contrast.seeds,
    )
    level = max((one.contrast.level for one in comparisons), default=0.95)  # all have the same
    parts = (
        (small(counted, train_records or {}), not_always(counted)),
        (
            declines(curves),
            comparable(curves),
            faster(largest(counted), "The reference takes longer at the largest sizes"),
        ),
        (faster(counted, "Converges faster"), cheaper(counted, rows)),
        (families(tested, counted), may_not_pay(rows, level)),
    )
    return tuple(
        Finding(claim, _all(own), " ".join([*map(str, own), *_why_open(own)]))
        for claim, own in zip(CLAIMS, parts, strict=True)
    )


def _of_several_seeds(results: list[T], seeds: Callable[[T], int]) -> list[T]:
    """Those with seeds enough to be counted; all of them, for their figures, where none has."""
    return [one for one in results if seeds(one) >= FEWEST] or results


def _why_open(parts: Sequence[Part]) -> Iterable[str]:
    return dict.fromkeys(part.open_for for part in parts if part.open_for)


def _all(parts: Sequence[Part]) -> Answer:
    words = {part.word for part in parts}
    if "refuted" in words:
        return "refuted"
    return "confirmed" if words == {"confirmed"} else "undecided"


def _counts(mode: str, upstream: str, modes: Collection[str] | None) -> bool:
    """Whether a way starts from an upstream, and is one that is looked at."""
    return bool(upstream) and (modes is None or mode in modes)
