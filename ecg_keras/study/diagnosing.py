"""What speaks against the difference of two arms of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ecg_keras.evaluation import (
    Pair,
    Predictions,
    diagnose,
    mean_budget,
    upstream_is_no_better,
    warn_of_budgets,
)
from ecg_keras.metrics import METRICS, score_labels
from ecg_keras.statistics import ArmName, Compared, Control

if TYPE_CHECKING:
    from ecg_keras.study.arms import StudyArm


def diagnose_arms(one: StudyArm[Any], other: StudyArm[Any], metric: str) -> tuple[str, ...]:
    """A sentence for each thing that speaks against the difference of two arms.

    Args:
        one, other: arms of the same seeds and folds.
        metric: that decides, a name of `ecg_keras.metrics.METRICS`.
    """
    names = str(one.name), other.name.way
    budgets = [mean_budget([run.facts.budget for run in arm.runs]) for arm in (one, other)]
    unequal = None
    if budgets[0] is not None and budgets[1] is not None:
        unequal = warn_of_budgets(names, (budgets[0], budgets[1]))
    scores = [
        [score_run(run.test, run.thresholds, metric) for run in arm.runs] for arm in (one, other)
    ]
    pairs = [
        Pair((first.facts, second.facts), both)
        for first, second, both in zip(one.runs, other.runs, zip(*scores, strict=True), strict=True)
    ]
    return (*([unequal] if unequal else []), *diagnose(names, pairs))


def doubt_upstreams(
    comparisons: Sequence[Compared], controls: Sequence[Control]
) -> tuple[Compared, ...]:
    """The comparisons, with a sentence more where an upstream is no better than a random network.

    Args:
        comparisons: of arms with their reference.
        controls: of the same study; those that ask about representations are looked at.
    """
    doubts: dict[ArmName, str] = {}
    for one in controls:
        if one.asked == "representation":
            said = upstream_is_no_better(one.contrast, one.arm.upstream, one.arm.downstream)
            doubts |= {replace(one.arm, mode=""): said} if said else {}
    return tuple(
        replace(one, diagnostics=(*one.diagnostics, doubts[name]))
        if (name := replace(one.arm, mode="")) in doubts
        else one
        for one in comparisons
    )


def score_run(said: Predictions, thresholds: Mapping[str, float], metric: str) -> float:
    """The score of one run; a label without a threshold has 0.5.

    Example:
        >>> said = Predictions(["MI"], ["a", "b"], ["p", "q"], [[1], [0]], [[0.9], [0.2]])
        >>> score_run(said, {}, "macro_auroc")
        1.0
    """
    limits = [thresholds.get(label, 0.5) for label in said.labels]
    return float(METRICS[metric](score_labels(said.targets, said.probabilities, limits)))
