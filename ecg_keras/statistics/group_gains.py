"""`gains_by_group`: whether a way of training gains more in one group of records than elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ecg_keras.array_types import BoolArray, Float64Array, IntArray, TextArray
from ecg_keras.evaluation import (
    Arm,
    Contrast,
    Design,
    Estimate,
    Gained,
    GroupGain,
    Grouping,
    Predictions,
    check_arms,
    check_settings,
    common_labels,
    correct_once,
    count_patients,
    infer,
    infer_difference,
    name_comparisons,
    plan_draws,
    score_arm,
)


def gains_by_group(
    arm: Arm,
    reference: Arm,
    groupings: Sequence[Grouping],
    *,
    metric: str = "macro_auroc",
    level: float = 0.95,
    bootstrap: int = 1000,
    seed: int = 0,
) -> tuple[GroupGain, ...]:
    """The difference arm - reference in each group of records, and less that of all others.

    Both arms are scored on the same draws of patients, in the group and in the rest at once, so the
    difference is paired, and patients with records on both sides count on both. Scores are of the
    labels that five patients have and lack on both sides. All interactions are corrected together
    (Holm 1979).

    Args:
        arm, reference: of the same records.
        groupings: of `ecg_keras.evaluation.group_records`; one with a single group is left out.
        metric: a name of `ecg_keras.metrics.METRICS`.
        level, bootstrap, seed: as of `contrast`.

    Raises:
        ConfigError: a setting is out of range.
        DataError: the arms can't be compared.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> ids, truth = np.arange(400).astype(str), rng.integers(0, 2, (400, 1))
        >>> ways = [
        ...     Arm(((Predictions(["MI"], ids, ids, truth, 0.4 * truth + 0.6 * chance),),))
        ...     for chance in rng.random((2, 400, 1))
        ... ]
        >>> sex = Grouping("sex", ("f", "m"), {one: "fm"[int(one) % 2] for one in ids})
        >>> gains_by_group(*ways, [sex], bootstrap=200)[0].word
        'no difference shown'
    """
    check_settings(bootstrap, level)
    check_arms([arm, reference], [1.0, -1.0])
    tested = arm.tested[0]
    draws = plan_draws([arm, reference], bootstrap, seed)
    known: dict[tuple[bytes, bytes], Float64Array] = {}

    def rows(mask: BoolArray, kept: IntArray) -> Float64Array:
        """The difference in every row of the draws, ``(seeds, rows)``."""
        key = mask.tobytes(), kept.tobytes()
        if key not in known:
            ids = tested.record_ids[mask]
            own, other = (
                score_arm(take_records_of(one, ids, kept), draws).summary[metric]
                for one in (arm, reference)
            )
            known[key] = own - other
        return known[key]

    found = []
    for grouping in groupings:
        member = grouping.members(tested.record_ids)
        there = [at for at in range(len(grouping.names)) if (member == at).any()]
        for at in there if len(there) > 1 else ():
            sides = member == at, (member >= 0) & (member != at)
            patients = [count_patients(tested.patient_ids[m], tested.targets[m]) for m in sides]
            kept = common_labels(*patients)
            plain = GroupGain(
                grouping.column,
                grouping.names[at],
                int(sides[0].sum()),
                len(np.unique(tested.patient_ids[sides[0]])),
                tuple(np.array(arm.labels)[kept].tolist()),
            )
            if not len(kept):
                found.append(plain)
                continue
            own, rest = (rows(mask, kept) for mask in sides)
            design = Design(draws.groups, plain.records, plain.patients, arm.folds)
            gains = [
                infer_difference(values, design, one.support[kept], level)
                for values, one in zip((own, rest), patients, strict=True)
            ]
            interaction = infer(own - rest, design, _both_degrees(gains), level)
            found.append(_fill(plain, gains, interaction))
    return _judge(found, level)


def take_records_of(arm: Arm, ids: TextArray, kept: IntArray) -> Arm:
    """The arm's predictions of some records and labels; folds without any are left out."""
    labels = tuple(np.array(arm.labels)[kept].tolist())
    predictions, thresholds = [], []
    limits = arm.thresholds or tuple(tuple(None for _ in own) for own in arm.predictions)
    for folds, chosen in zip(arm.predictions, limits, strict=True):
        pairs = [
            (_take(fold, np.isin(fold.record_ids, ids), kept, labels), limit)
            for fold, limit in zip(folds, chosen, strict=True)
            if np.isin(fold.record_ids, ids).any()
        ]
        predictions.append(tuple(fold for fold, _ in pairs))
        thresholds.append(
            tuple(limit and {label: limit[label] for label in labels} for _, limit in pairs)
        )
    return Arm(tuple(predictions), tuple(thresholds), name=arm.name)


def _take(
    fold: Predictions,
    mask: BoolArray,
    kept: IntArray,
    labels: tuple[str, ...],
) -> Predictions:
    return Predictions(
        labels,
        fold.record_ids[mask],
        fold.patient_ids[mask],
        fold.targets[mask][:, kept],
        fold.probabilities[mask][:, kept],
    )


def _both_degrees(gains: Sequence[Contrast]) -> float:
    """Of a difference of two that share few patients (Welch 1947)."""
    total = sum(one.patient_variance for one in gains)
    parts = sum(one.patient_variance**2 / one.patient_degrees for one in gains)
    return total**2 / parts if parts > 0 else math.inf


def _fill(plain: GroupGain, gains: Sequence[Contrast], interaction: Contrast) -> GroupGain:
    # a difference that is not 0 is the same whoever is left out or drawn
    certain = interaction.value != 0 and interaction.standard_error == 0
    if certain or not math.isfinite(interaction.value):
        return plain
    own, rest, difference = (
        Estimate(one.value, one.low, one.high) for one in (*gains, interaction)
    )
    return replace(plain, gain=own, rest=rest, interaction=difference, p_value=interaction.p_value)


def _judge(found: Sequence[GroupGain], level: float) -> tuple[GroupGain, ...]:
    names = name_comparisons([(one.column, one.name) for one in found])
    p_holm = correct_once(list(zip(names, (one.p_value for one in found), strict=True)))
    return tuple(_say(one, own, level) for one, own in zip(found, p_holm, strict=True))


def _say(one: GroupGain, p_holm: float, level: float) -> GroupGain:
    if one.interaction is None:
        return one
    word: Gained = "no difference shown"
    if p_holm < 1 - level:
        word = "gains more" if one.interaction.value > 0 else "gains less"
    return replace(one, p_holm=p_holm, word=word)
