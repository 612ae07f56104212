"""What the arms of a study say against one another, and what speaks against their differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypedDict, TypeVar

from ecg_keras.config import Question, Study
from ecg_keras.errors import DataError
from ecg_keras.evaluation import (
    Pair,
    Predictions,
    delong_p_values,
    diagnose_ways,
    upstream_is_no_better,
)
from ecg_keras.metrics import METRICS, score_labels
from ecg_keras.statistics import (
    ArmName,
    ArmResult,
    Compared,
    Contrast,
    Control,
    Convergence,
    Shift,
    Speed,
    contrast,
    contrasts,
    convergence,
    judge,
    speed,
)
from ecg_keras.study.study_arm import DEFAULT_LOGGED, LOGGED, AnyArm, Arms

Doubted = TypeVar("Doubted", bound=Compared | Control)


class Resampling(TypedDict):
    """How intervals are found."""

    level: float
    bootstrap: int
    seed: int


def resampling_of(question: Question) -> Resampling:
    """That a study's question names."""
    return {"level": question.level, "bootstrap": question.bootstrap, "seed": question.seed}


def score_arm(arm: AnyArm, question: Question, column: str) -> ArmResult:
    """The scores of one arm, with intervals over seeds and patients; ``column`` of its logs."""
    scores, labels = contrasts([arm.arm], [1.0], **resampling_of(question))
    return ArmResult(
        name=arm.name,
        runs=tuple(cell.name for cell in arm.runs),
        seeds=len(arm.cells),
        folds=arm.folds,
        train_records=arm.train_records,
        scores=scores,
        labels=labels,
        convergence=_converge(arm, column),
        seconds=arm.seconds,
        predictions=arm.mean_predictions,
        thresholds=arm.mean_thresholds,
        tuning=arm.tuning,
        by_record=arm.thresholds_by_record if arm.folds > 1 else None,
        validated_on=arm.runs[0].validated_on,
    )


def logged_column(question: Question, arms: Sequence[AnyArm]) -> str:
    """The validation score that the logs of all arms have: of the study's metric, if they can."""
    column = LOGGED.get(question.metric, DEFAULT_LOGGED)
    return column if all(arm.logs(column) for arm in arms) else DEFAULT_LOGGED


def _converge(arm: AnyArm, column: str) -> Convergence | None:
    """How fast an arm's validation score rose; ``None`` where a run has no log of it."""
    try:
        return _join_logs(arm, column)
    except DataError:  # `without_convergence` says which
        return None


def without_convergence(arms: Arms, column: str) -> Iterator[str]:
    """A line for each arm whose logs do not show how fast it learns, with the reason."""
    for name, arm in arms.items():
        try:
            _join_logs(arm, column)
        except DataError as error:
            yield f"{name}: how fast it learns is not shown. {error}"


def _join_logs(arm: AnyArm, column: str) -> Convergence | None:
    logs, steps = [cell.log for cell in arm.runs if cell.log is not None], arm.steps_per_epoch
    if len(logs) < len(arm.runs) or steps is None:
        return None
    return convergence(logs, column, steps, [cell.name for cell in arm.runs])


def _compare_speed(arm: AnyArm, reference: AnyArm, question: Question, column: str) -> Speed | None:
    """How much sooner an arm reaches the reference's quality; ``None`` without their logs."""
    own, other = _converge(arm, column), _converge(reference, column)
    if own is None or other is None:
        return None
    return speed(own, other, quality=question.quality, **resampling_of(question))


def reference_of(name: ArmName, question: Question) -> ArmName:
    """The reference arm with everything else equal."""
    return replace(name, mode=question.reference, upstream="")


def pairs_with_reference(
    arms: Arms, protocol: str, question: Question
) -> Iterator[tuple[ArmName, ArmName]]:
    """The arms of a protocol that have their reference and a seed in common with it."""
    for name, arm in arms.items():
        reference = reference_of(name, question)
        if name.protocol != protocol or name == reference or reference not in arms:
            continue
        if set(arm.cells) & set(arms[reference].cells):
            yield name, reference


def with_common_seeds(*arms: AnyArm) -> tuple[AnyArm, ...]:
    """The arms with the seeds that all of them have; no arm where there is no such seed."""
    seeds = sorted(set.intersection(*(set(arm.cells) for arm in arms)))
    return tuple(arm.only(seeds) for arm in arms) if seeds else ()


def contrast_arms(arms: Sequence[AnyArm], weights: Sequence[float], question: Question) -> Contrast:
    """The weighted sum of arms' scores in the study's metric."""
    own = [one.arm for one in arms]
    return contrast(own, weights, metric=question.metric, **resampling_of(question))


def compare_arms(
    arms: Arms, protocol: str, question: Question, column: str | None = None
) -> tuple[Compared, ...]:
    """Every arm of a protocol against its reference; the verdicts are corrected for all of them.

    Speed is compared in a ``column`` of the logs, by default the one that suits all arms.
    """
    column = column or logged_column(question, list(arms.values()))
    pairs, differences = [], []
    for name, reference in pairs_with_reference(arms, protocol, question):
        one, other = with_common_seeds(arms[name], arms[reference])
        pairs.append((one, other))
        differences.append(contrasts([one.arm, other.arm], [1.0, -1.0], **resampling_of(question)))
    verdicts = judge(
        [scores[question.metric] for scores, _ in differences],
        margin=question.margin,
        level=question.level,
    )
    return tuple(
        Compared(
            arm=one.name,
            reference=other.name,
            contrast=scores[question.metric],
            verdict=verdict,
            scores=scores,
            labels=labels,
            delong=_delong(one, other),
            speed=_compare_speed(one, other, question, column),
            diagnostics=_diagnose_arms(one, other, question.metric),
            settings=_settings(one, other),
            beyond=(_count_beyond(one), _count_beyond(other)),
            has_ridge_head=_has_ridge_head(one, other),
        )
        for (one, other), (scores, labels), verdict in zip(
            pairs, differences, verdicts, strict=True
        )
    )


def _settings(one: AnyArm, other: AnyArm) -> tuple[int, int] | None:
    """That runs of two arms were chosen from; ``None``: unknown, or one has nothing to tune."""
    ours, theirs = one.runs[0].settings, other.runs[0].settings
    return None if ours is None or theirs is None else (ours, theirs)


def _has_ridge_head(one: AnyArm, other: AnyArm) -> bool:
    return any(run.facts.is_ridge_head for run in (*one.runs, *other.runs))


def _count_beyond(arm: AnyArm) -> int:
    """Of how many runs one setting more was tried, beyond the edge of the rates."""
    return sum(run.tuned is not None and run.tuned.further > 0 for run in arm.runs)


def compare_controls(arms: Arms, protocol: str, study: Study) -> tuple[Control, ...]:
    """The arms of a protocol against their controls, the verdicts corrected for all of these.

    They are no comparisons with the reference, whose verdicts are not corrected for them: the
    question is not which way to take, but what its gain came from.
    """
    question, found = study.question, []
    for what, mode, control in study.controlled:
        for name in arms:
            other = replace(name, mode=control, upstream="")
            if (name.mode, name.protocol) != (mode, protocol) or other not in arms:
                continue
            if common := with_common_seeds(arms[name], arms[other]):
                found.append((what, common))
    differences = [contrast_arms(pair, [1.0, -1.0], question) for _, pair in found]
    verdicts = judge(differences, margin=question.margin, level=question.level)
    return tuple(
        Control(
            question=what,
            arm=one.name,
            control=other.name,
            contrast=difference,
            verdict=verdict,
            # a ridge head is fitted once: nothing of it is tuned, or still to be learnt
            diagnostics=_diagnose_arms(one, other, question.metric) if what == "weights" else (),
            settings=_settings(one, other),
            beyond=(_count_beyond(one), _count_beyond(other)),
            has_ridge_head=_has_ridge_head(one, other),
        )
        for (what, (one, other)), difference, verdict in zip(
            found, differences, verdicts, strict=True
        )
    )


def find_shifts(arms: Arms, changes: Mapping[str, str], question: Question) -> tuple[Shift, ...]:
    """How far protocols move differences; ``changes`` names the one that each is held against."""
    shifts = []
    for protocol, against in changes.items():
        for name, reference in pairs_with_reference(arms, protocol, question):
            names = [name, reference, replace(name, protocol=against)]
            names.append(reference_of(names[2], question))
            if any(one not in arms for one in names):
                continue
            four = with_common_seeds(*(arms[one] for one in names))
            if not four:
                continue
            after = contrast_arms(four[:2], [1.0, -1.0], question)
            before = contrast_arms(four[2:], [1.0, -1.0], question)
            moved = contrast_arms(four, [1.0, -1.0, -1.0, 1.0], question)
            shifts.append(Shift(protocol, names[2], moved, before, after))
    return tuple(shifts)


def _delong(one: AnyArm, other: AnyArm) -> dict[str, float | None]:
    """DeLong's p-value of each label, from the mean probabilities over seeds.

    Only without folds: it knows one set of scores, and those of several folds are on several
    scales.
    """
    if one.folds > 1:
        return dict.fromkeys(one.mean_predictions.labels)
    return delong_p_values(one.mean_predictions, other.mean_predictions)


# ---------------------------------------------------------------- what speaks against them


def _diagnose_arms(one: AnyArm, other: AnyArm, metric: str) -> tuple[str, ...]:
    """A sentence for each thing that speaks against the difference of two arms."""
    names = str(one.name), other.name.way
    pairs = [
        Pair(
            (first.facts, second.facts),
            (
                score_run(first.test, first.thresholds, metric),
                score_run(second.test, second.thresholds, metric),
            ),
        )
        for first, second in zip(one.runs, other.runs, strict=True)
    ]
    return diagnose_ways(names, pairs)


def doubt_upstreams(
    comparisons: Sequence[Compared], controls: Sequence[Control]
) -> tuple[Compared, ...]:
    """The comparisons, with a sentence more where an upstream is no better than a random network.

    The controls that ask about representations show it.
    """
    doubts: dict[ArmName, str] = {}
    for one in controls:
        if one.question == "representation":
            doubt = upstream_is_no_better(one.contrast, one.arm.upstream, one.arm.downstream)
            doubts |= {replace(one.arm, mode=""): doubt} if doubt else {}
    return tuple(
        replace(one, diagnostics=(*one.diagnostics, doubts[name]))
        if (name := replace(one.arm, mode="")) in doubts
        else one
        for one in comparisons
    )


def doubt_seeds(
    comparisons: Sequence[Doubted], doubts: Mapping[ArmName, str]
) -> tuple[Doubted, ...]:
    """Comparisons or controls, with a sentence more for arms whose seeds are not independent."""
    return tuple(
        replace(one, diagnostics=(*one.diagnostics, doubts[one.arm])) if one.arm in doubts else one
        for one in comparisons
    )


def score_run(predictions: Predictions, thresholds: Mapping[str, float], metric: str) -> float:
    """The score of one run.

    Args:
        predictions: of its test or validation records.
        thresholds: of each label; one that is missing is 0.5.
        metric: a name of `ecg_keras.metrics.METRICS`.
    """
    limits = [thresholds.get(label, 0.5) for label in predictions.labels]
    scores = score_labels(predictions.targets, predictions.probabilities, limits)
    return float(METRICS[metric](scores))
