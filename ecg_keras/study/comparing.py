"""What the arms of a study say against one another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from ecg_keras import models
from ecg_keras.config import Question, Study
from ecg_keras.evaluation import delong_test
from ecg_keras.statistics import (
    ArmName,
    ArmResult,
    Compared,
    Contrast,
    Control,
    Convergence,
    Interaction,
    LearningCurve,
    Shift,
    Speed,
    contrast,
    contrasts,
    convergence,
    judge,
    learning_curve,
    speed,
)
from ecg_keras.study.arms import DEFAULT_LOGGED, LOGGED, StudyArm
from ecg_keras.study.diagnosing import diagnose_arms

MIN_SIZES = 3  # of a learning curve

Arms = Mapping[ArmName, StudyArm[Any]]


def score_arm(arm: StudyArm[Any], question: Question) -> ArmResult:
    """The scores of one arm, with intervals over seeds and patients."""
    scores, labels = contrasts([arm.arm], [1.0], **_resampling(question))
    return ArmResult(
        name=arm.name,
        runs=tuple(cell.name for cell in arm.runs),
        seeds=len(arm.cells),
        folds=len(next(iter(arm.cells.values()))),
        train_records=arm.train_records,
        scores=scores,
        labels=labels,
        convergence=converge(arm, question),
        seconds=arm.seconds,
        predictions=arm.mean_predictions,
        thresholds=arm.mean_thresholds,
        tuning=arm.tuning,
    )


def converge(arm: StudyArm[Any], question: Question) -> Convergence | None:
    """How fast an arm's validation score rose; ``None`` where a run has no log."""
    logs, steps = [cell.log for cell in arm.runs], arm.steps_per_epoch
    if None in logs or steps is None:
        return None
    return convergence(logs, LOGGED.get(question.metric, DEFAULT_LOGGED), steps)


def compare_speed(arm: StudyArm[Any], reference: StudyArm[Any], question: Question) -> Speed | None:
    """How much sooner an arm reaches the reference's quality; ``None`` without their logs."""
    own, other = converge(arm, question), converge(reference, question)
    if own is None or other is None:
        return None
    return speed(own, other, quality=question.quality, **_resampling(question))


def reference_of(name: ArmName, question: Question) -> ArmName:
    """The reference arm with everything else equal."""
    return replace(name, mode=question.reference, upstream="")


def compare_arms(arms: Arms, protocol: str, question: Question) -> tuple[Compared, ...]:
    """Every arm of a protocol against its reference; the verdicts are corrected for all of them.

    Args:
        arms: those that have finished.
        protocol: whose arms are compared.
        question: of the study.
    """
    found = []
    for name, reference in _pairs(arms, protocol, question):
        one, other = _common(arms[name], arms[reference])
        scores, labels = contrasts([one.arm, other.arm], [1.0, -1.0], **_resampling(question))
        found.append((name, reference, one, other, scores, labels))
    verdicts = judge(
        [scores[question.metric] for *_, scores, _ in found],
        margin=question.margin,
        level=question.level,
    )
    return tuple(
        Compared(
            arm=name,
            reference=reference,
            contrast=scores[question.metric],
            verdict=verdict,
            scores=scores,
            labels=labels,
            delong=_delong(one, other),
            speed=compare_speed(one, other, question),
            diagnostics=diagnose_arms(one, other, question.metric),
            settings=_settings(one, other),
        )
        for (name, reference, one, other, scores, labels), verdict in zip(
            found, verdicts, strict=True
        )
    )


def _settings(one: StudyArm[Any], other: StudyArm[Any]) -> tuple[int, int] | None:
    """That the runs of two arms were chosen from; ``None`` where it is unknown."""
    ours, theirs = one.runs[0].settings, other.runs[0].settings
    return None if ours is None or theirs is None else (ours, theirs)


def compare_controls(arms: Arms, protocol: str, study: Study) -> tuple[Control, ...]:
    """The arms of a protocol against their controls, the verdicts corrected for all of these.

    They are no comparisons with the reference, whose verdicts are not corrected for them: what is
    asked is not which way to take, but what its gain came from.

    Args:
        arms: those that have finished.
        protocol: whose arms are compared.
        study: names the controls.
    """
    question, found = study.question, []
    for asked, mode, control in study.controlled:
        for name in arms:
            other = replace(name, mode=control, upstream="")
            if (name.mode, name.protocol) != (mode, protocol) or other not in arms:
                continue
            if common := _common(arms[name], arms[other]):
                found.append((asked, name, other, _contrast(common, [1.0, -1.0], question)))
    contrasted = [one[-1] for one in found]
    verdicts = judge(contrasted, margin=question.margin, level=question.level)
    return tuple(Control(*one, verdict) for one, verdict in zip(found, verdicts, strict=True))


def find_shifts(arms: Arms, protocols: Sequence[str], question: Question) -> tuple[Shift, ...]:
    """How far each protocol but the first moves the differences of the first."""
    first, *others = protocols
    shifts = []
    for protocol in others:
        for name, reference in _pairs(arms, protocol, question):
            names = [name, reference, replace(name, protocol=first)]
            names.append(reference_of(names[2], question))
            if any(one not in arms for one in names):
                continue
            four = _common(*(arms[one] for one in names))
            if not four:
                continue
            after = _contrast(four[:2], [1.0, -1.0], question)
            before = _contrast(four[2:], [1.0, -1.0], question)
            moved = _contrast(four, [1.0, -1.0, -1.0, 1.0], question)
            shifts.append(Shift(protocol, names[2], moved, before, after))
    return tuple(shifts)


def find_curves(arms: Arms, protocol: str, question: Question) -> tuple[LearningCurve, ...]:
    """Learning curves of what was trained on at least three numbers of records."""
    groups = defaultdict(list)
    for name, reference in _pairs(arms, protocol, question):
        groups[replace(name, size=0)].append((name, reference))
    curves = []
    for general, pairs in groups.items():
        if len(pairs) < MIN_SIZES:
            continue
        pairs.sort(key=lambda pair: arms[pair[0]].train_records)
        common = _common(*(arms[name] for pair in pairs for name in pair))
        if not common:
            continue
        ways, references = common[::2], common[1::2]
        head = [f"{general.head} head"] * (general.head != "as_published")
        curves.append(
            learning_curve(
                ", ".join((general.downstream, general.backbone, *head)),
                general.way,
                question.reference,
                [one.train_records for one in ways],
                [one.arm for one in ways],
                [one.arm for one in references],
                metric=question.metric,
                margin=question.margin,
                **_resampling(question),
            )
        )
    return tuple(curves)


def find_interactions(
    arms: Arms, protocol: str, question: Question, family_of: Mapping[str, str] = models.FAMILIES
) -> tuple[Interaction, ...]:
    """Whether one family of backbones gains more than another, with each head of the other.

    Args:
        arms: those that have finished.
        protocol: whose arms are compared.
        question: of the study.
        family_of: by backbone; those that it lacks are of the family `models.OTHER_FAMILY`.
    """
    groups: dict[ArmName, dict[tuple[str, str], list[ArmName]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for name, _ in _pairs(arms, protocol, question):
        family = family_of.get(name.backbone, models.OTHER_FAMILY)
        groups[replace(name, backbone="", head="")][family, name.head].append(name)
    known = list(dict.fromkeys(models.FAMILIES.values()))
    found = []
    for general, members in groups.items():
        names = {family for family, _ in members}
        families = [*(one for one in known if one in names), *sorted(names.difference(known))]
        for first, second in combinations(families, 2):
            ours = members.get((first, "as_published")) or members.get((first, "pooled"))
            for (family, head), theirs in members.items():
                if family == second and ours is not None:
                    contrasted = _contrast_gains(arms, ours, theirs, question)
                    if contrasted is not None:
                        found.append(
                            Interaction(
                                general.downstream,
                                general.mode,
                                general.upstream,
                                protocol,
                                (first, second),
                                contrasted,
                                general.size,
                                head,
                            )
                        )
    return tuple(found)


def _contrast_gains(
    arms: Arms, ours: Sequence[ArmName], theirs: Sequence[ArmName], question: Question
) -> Contrast | None:
    """The mean gain of arms less that of others; ``None`` without a common seed."""
    names, weights = [], []
    for members, sign in ((ours, 1.0), (theirs, -1.0)):
        for name in members:
            names += [name, reference_of(name, question)]
            weights += [sign / len(members), -sign / len(members)]
    common = _common(*(arms[name] for name in names))
    return _contrast(common, weights, question) if common else None


def _pairs(arms: Arms, protocol: str, question: Question) -> Iterator[tuple[ArmName, ArmName]]:
    """The arms of a protocol that have their reference and a seed in common with it."""
    for name, arm in arms.items():
        reference = reference_of(name, question)
        if name.protocol != protocol or name == reference or reference not in arms:
            continue
        if set(arm.cells) & set(arms[reference].cells):
            yield name, reference


def _common(*arms: StudyArm[Any]) -> tuple[StudyArm[Any], ...]:
    """The arms with the seeds that all of them have; no arm where there is no such seed."""
    seeds = sorted(set.intersection(*(set(arm.cells) for arm in arms)))
    return tuple(arm.only(seeds) for arm in arms) if seeds else ()


def _contrast(
    arms: Sequence[StudyArm[Any]], weights: Sequence[float], question: Question
) -> Contrast:
    return contrast(
        [one.arm for one in arms], weights, metric=question.metric, **_resampling(question)
    )


def _resampling(question: Question) -> dict[str, float | int]:
    return {
        "level": question.level,
        "bootstrap": question.bootstrap,
        "seed": question.seed,
    }


def _delong(one: StudyArm[Any], other: StudyArm[Any]) -> dict[str, float | None]:
    """DeLong's p-value of each label, from the mean probabilities over seeds.

    Only without folds: it knows one set of scores, and those of several folds are on several
    scales.
    """
    a, b = one.mean_predictions.sorted(), other.mean_predictions.sorted()
    if len(next(iter(one.cells.values()))) > 1:
        return dict.fromkeys(a.labels)
    tests = {
        label: delong_test(a.targets[:, i], a.probabilities[:, i], b.probabilities[:, i]).p_value
        for i, label in enumerate(a.labels)
    }
    return {label: None if np.isnan(p) else p for label, p in tests.items()}
