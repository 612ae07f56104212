"""`headline`: the answer of a study, fine-tune or scratch, in a few sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

from ecg_keras.evaluation import with_interval
from ecg_keras.metrics import score_name
from ecg_keras.statistics.verdict import FEWEST_SEEDS, Word, verdict_sentence, what_would_settle

if TYPE_CHECKING:
    from ecg_keras.statistics.results import Compared


def headline(comparisons: Sequence[Compared], metric: str) -> str:
    """What all comparisons say together, and what would settle the largest if it is open.

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
        return f"{sentence} {_tuning(comparisons)}".strip()
    words = [one.verdict.word for one in comparisons]
    counts = ", ".join(f"{words.count(word)} {word}" for word in get_args(Word) if word in words)
    most = max(comparisons, key=lambda one: abs(one.contrast.value))
    reference = most.reference.mode
    compared = f"comparisons with {reference}"
    if len(single) == len(comparisons):
        compared = f"comparisons of one trained network with one of {reference}"
    said = [
        f"Of {len(comparisons)} {compared}, {counts}.",
        f"The largest difference in {score_name(metric)} is {with_interval(most.contrast, '+')}: "
        f"{most.arm} ({most.verdict.word}).",
    ]
    if most.verdict.word == "inconclusive":
        said.append(what_would_settle(most.contrast, most.verdict))
    if single:
        which = "all" if len(single) == len(comparisons) else f"{len(single)}"
        said.append(
            f"In {which} of them one seed of each way was trained, which says nothing of how much "
            "another training differs: no way of training is shown to be better or worse by them "
            f"before there are at least {FEWEST_SEEDS - 1} more seeds of each."
        )
    return " ".join([*said, _tuning(comparisons)]).strip()


def _tuning(comparisons: Sequence[Compared]) -> str:
    """How the arms were tuned, where that is known."""
    known = {one.settings for one in comparisons if one.settings is not None}
    if not known:
        return ""
    if known == {(0, 0)}:
        return (
            "The arms were not tuned: a difference may be one of learning rates that suit one of "
            "them better."
        )
    (ours, theirs), *others = known
    if ours == theirs and not others:
        return f"Each arm was tuned over {ours} settings on validation."
    return "The arms were not tuned alike, which may be what differs: see their settings."
