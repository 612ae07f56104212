"""Learning curves, families of backbones and the costs of a study's arms."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from ecg_keras import models
from ecg_keras.config import Question
from ecg_keras.statistics import (
    ArmName,
    Compared,
    Contrast,
    Interaction,
    LearningCurve,
    LedgerRow,
    learning_curve,
    ledger_row,
)
from ecg_keras.study.arm_contrasts import (
    contrast_arms,
    pairs_with_reference,
    reference_of,
    resampling_of,
    with_common_seeds,
)
from ecg_keras.study.finished import FinishedArms
from ecg_keras.study.study_arm import Arms

MIN_SIZES = 3  # of a learning curve


def find_curves(arms: Arms, protocol: str, question: Question) -> tuple[LearningCurve, ...]:
    """Learning curves of what was trained on at least three numbers of records."""
    groups = defaultdict(list)
    for name, reference in pairs_with_reference(arms, protocol, question):
        groups[replace(name, size=0)].append((name, reference))
    curves = []
    for general, found in groups.items():
        by_records = {
            records: pair for pair in reversed(found) if (records := arms[pair[0]].train_records)
        }
        if len(by_records) < MIN_SIZES:
            continue
        pairs = [by_records[records] for records in sorted(by_records)]
        common = with_common_seeds(*(arms[name] for pair in pairs for name in pair))
        if not common:
            continue
        ways, references = common[::2], common[1::2]
        curves.append(
            learning_curve(
                _title(general),
                general.way,
                question.reference,
                [one.train_records or 0.0 for one in ways],
                [one.arm for one in ways],
                [one.arm for one in references],
                mode=general.mode,
                upstream=general.upstream,
                metric=question.metric,
                margin=question.margin,
                **resampling_of(question),
            )
        )
    return tuple(curves)


def find_interactions(
    arms: Arms, protocol: str, question: Question, family_of: Mapping[str, str] = models.FAMILIES
) -> tuple[Interaction, ...]:
    """Whether one family of backbones gains more than another, with each head of the other.

    The first has the same head where it has one, else its published one. A backbone without a
    family is of `models.OTHER_FAMILY`.
    """
    groups: dict[ArmName, dict[tuple[str, str], list[ArmName]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for name, _ in pairs_with_reference(arms, protocol, question):
        family = family_of.get(name.backbone, models.OTHER_FAMILY)
        groups[replace(name, backbone="", head="")][family, name.head].append(name)
    order = list(dict.fromkeys(models.FAMILIES.values()))
    found = []
    for general, members in groups.items():
        names = {family for family, _ in members}
        families = [*(one for one in order if one in names), *sorted(names.difference(order))]
        for first, second in combinations(families, 2):
            for (family, head), theirs in members.items():
                heads = ((first, one) for one in (head, "as_published", "pooled"))
                ours = next((members[one] for one in heads if one in members), None)
                if family != second or ours is None:
                    continue
                difference = _contrast_gains(arms, ours, theirs, question)
                if difference is not None:
                    found.append(
                        Interaction(
                            general.downstream,
                            general.mode,
                            general.upstream,
                            protocol,
                            (first, second),
                            difference,
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
    common = with_common_seeds(*(arms[name] for name in names))
    return contrast_arms(common, weights, question) if common else None


def keep_ledger(arms: FinishedArms, comparisons: Sequence[Compared]) -> tuple[LedgerRow, ...]:
    """A row for each reference and each arm that was compared with it, in seconds of training."""
    starts = {one.arm: _pretrainings(arms, one.arm) for one in comparisons}
    users: dict[str, set[ArmName]] = defaultdict(set)
    for name, seconds_of in starts.items():
        for folder in seconds_of:
            users[folder].add(name)
    rows: dict[ArmName, LedgerRow] = {}

    def add(name: ArmName, pretraining: Mapping[str, float | None], **costs: Any) -> None:
        known = [seconds for seconds in pretraining.values() if seconds is not None]
        mean = float(np.mean(known)) if known else 0.0
        rows[name] = ledger_row(
            _title(name),
            name.way,
            own=arms[name].seconds or 0.0,
            pretraining=mean if len(known) == len(pretraining) else None,
            shared_by=max((len(users[folder]) for folder in pretraining), default=1),
            mode=name.mode,
            upstream=name.upstream,
            **costs,
        )

    for one in comparisons:
        if one.speed is None:  # without logs
            continue
        of_arm, of_reference = one.speed.seconds
        both = {"reference_to_quality": of_reference}
        if one.reference not in rows:
            add(one.reference, {}, to_quality=of_reference, **both)
        ratio, seeds = one.speed.seconds_ratio, one.contrast.seeds
        add(one.arm, starts[one.arm], to_quality=of_arm, **both, ratio=ratio, seeds=seeds)
    return tuple(rows.values())


def _pretrainings(arms: FinishedArms, name: ArmName) -> dict[str, float | None]:
    """The pre-trainings that an arm starts from, by run folder, with the seconds of each.

    Those of published weights are ``None``.
    """
    upstreams = {cell.upstream.folder: cell.upstream for cell in arms[name].runs if cell.upstream}
    return {
        str(folder): run.read_status().get("seconds") for folder, run in sorted(upstreams.items())
    }


def _title(name: ArmName) -> str:
    size = f", {name.size} ECGs" if name.size else ""
    head = "" if name.head == "as_published" else f", {name.head} head"
    return f"{name.downstream}, {name.backbone}{head}{size}"
