"""Pre-training, or merely the architecture? Ways of training against their controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ecg_keras.evaluation import FEWEST_SEEDS, Contrast, Verdict, Word
from ecg_keras.statistics.arm_results import ArmName
from ecg_keras.statistics.verdict import say_largest, say_tuning, verdict_sentence

Asked = Literal["representation", "weights"]

ANSWERS: dict[Word, str] = {
    "better": "pre-training",
    "equivalent": "merely the architecture",
    "worse": "merely the architecture",
    "inconclusive": "not shown",
}
QUESTION = "Pre-training, or merely the architecture?"
# what each way is compared with, in words
COMPARED: dict[Asked, str] = {
    "representation": "Frozen, under a ridge head, against a random network",
    "weights": "At the same schedule, against random first weights",
}


@dataclass(frozen=True, eq=False)
class Control:
    """A way of training against its control, which lacks nothing but the pre-training.

    Attributes:
        question: ``representation``: is the upstream's embedding worth more than that of a random
            network?
            ``weights``: is it the upstream's weights, or the schedule and the network?
        arm, control: which two.
        contrast: arm - control in the metric that decides.
        verdict: corrected for all controls of the study, and for nothing else.
        diagnostics: what speaks against it, in sentences.
        settings, beyond, has_ridge_head: as of `Compared`.
    """

    question: Asked
    arm: ArmName
    control: ArmName
    contrast: Contrast
    verdict: Verdict
    diagnostics: tuple[str, ...] = ()
    settings: tuple[int, int] | None = None
    beyond: tuple[int, int] = (0, 0)
    has_ridge_head: bool = False

    @property
    def reference(self) -> ArmName:
        """The control, as a comparison calls what an arm is held against."""
        return self.control

    @property
    def answer(self) -> str:
        """Of `ANSWERS`: one that is no better than its control owes nothing to the pre-training."""
        return ANSWERS[self.verdict.word]


def say_controls(controls: Sequence[Control]) -> str:
    """The answer to the question in a few words; empty where it was not asked."""
    sentences = [
        f"{COMPARED[question]}: {_count(own)}.{_tuning(question, own)}"
        for question, own in _by_question(controls).items()
    ]
    return f"{' '.join((QUESTION, *sentences))}{_of_one_seed(controls)}" if sentences else ""


def explain_controls(controls: Sequence[Control], metric: str) -> tuple[str, ...]:
    """The same with the figures, a paragraph for each comparison.

    Args:
        controls: of a study.
        metric: a name of `ecg_keras.metrics.METRICS`, that decides.
    """
    return tuple(
        f"{COMPARED[question]}: {_count(own)}. {_figures(own, metric)}{_tuning(question, own)}"
        for question, own in _by_question(controls).items()
    )


def _tuning(question: Asked, controls: Sequence[Control]) -> str:
    """How both were tuned; of two ridge heads there is nothing to say."""
    return f" {say_tuning(controls)}" if question == "weights" else ""


def _by_question(controls: Sequence[Control]) -> dict[Asked, list[Control]]:
    own = {question: [one for one in controls if one.question == question] for question in COMPARED}
    return {question: some for question, some in own.items() if some}


def _count(controls: Sequence[Control]) -> str:
    """``pre-training in 3, not shown in 1 of 4 comparisons``."""
    answers = [one.answer for one in controls]
    if len(answers) == 1:
        return answers[0]
    counts = [
        f"{answer} in {answers.count(answer)}" for answer in ANSWERS.values() if answer in answers
    ]
    return f"{', '.join(dict.fromkeys(counts))} of {len(answers)} comparisons"


def _figures(controls: Sequence[Control], metric: str) -> str:
    if len(controls) == 1:
        (one,) = controls
        names = str(one.arm), one.control.way
        return verdict_sentence(*names, metric, one.contrast, one.verdict, judged="controls")
    return f"{say_largest(controls, metric)}{_of_one_seed(controls)}"


def _of_one_seed(controls: Sequence[Control]) -> str:
    """What one seed of each way can't show; mostly empty."""
    single = sum(one.contrast.seeds == 1 for one in controls)
    if not single:
        return ""
    which = "" if single == len(controls) else f"in {single} of {len(controls)} comparisons "
    return (
        f" With one seed each {which}this speaks of the trained networks alone; the ways of "
        f"training need at least {FEWEST_SEEDS - 1} more seeds of each."
    )
