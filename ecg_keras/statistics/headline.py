"""`headline`: what a study's comparisons say together, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ecg_keras.evaluation.tables import score_name, with_interval
from ecg_keras.statistics.verdict import verdict_sentence

if TYPE_CHECKING:
    from ecg_keras.statistics.results import Compared


def headline(comparisons: Sequence[Compared], metric: str) -> str:
    """The answer to fine-tune or scratch, in one sentence."""
    if not comparisons:
        return "Nothing was compared: no way of training and its reference are both finished."
    if len(comparisons) == 1:
        (one,) = comparisons
        return verdict_sentence(str(one.arm), one.reference.way, metric, one.contrast, one.verdict)
    words = [one.verdict.word for one in comparisons]
    counts = ", ".join(
        f"{words.count(word)} {word}"
        for word in ("better", "equivalent", "worse", "inconclusive")
        if word in words
    )
    most = max(comparisons, key=lambda one: abs(one.contrast.value))
    return (
        f"Of {len(comparisons)} comparisons with {most.reference.mode}, {counts}. The largest "
        f"difference in {score_name(metric)} is {with_interval(most.contrast, '+')}: {most.arm} "
        f"({most.verdict.word})."
    )
