"""`score_subgroups`: each group of test records beside all others, on the same draws of patients.

Groups share no patient, or few, so a difference is of two scores that vary on their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from ecg_keras.array_types import BoolArray, Float64Array, IntArray
from ecg_keras.evaluation.draws import (
    Draws,
    check_settings,
    draw_all,
    draw_in,
    fill_absent,
    join_rows,
)
from ecg_keras.evaluation.grouping import Grouping
from ecg_keras.evaluation.intervals import (
    LEAST_PATIENTS,
    IntervalAt,
    Patients,
    count_patients,
    estimate_label,
    estimate_mean,
    label_interval,
    mean_interval,
)
from ecg_keras.evaluation.predictions import Predictions
from ecg_keras.evaluation.subgroup_scores import COMPARED, Subgroup, SubgroupLabel, Subgroups
from ecg_keras.evaluation.two_sides import compare_sides, correct_groups
from ecg_keras.evaluation.variance import find_parts
from ecg_keras.metrics import METRICS, LabelScorer, LabelScores, ece, mean_over_records

DECIDING = "macro_auroc"  # the other summary scores depend on how common labels are in a group
GAP = "observed_less_predicted"


def score_subgroups(
    test: Predictions,
    thresholds: Float64Array,
    groupings: Sequence[Grouping],
    *,
    bootstrap: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Subgroups:
    """Scores each group of records beside all others.

    A group's scores are those of its records alone, with the thresholds of all. Records whose group
    is unknown are left out. Means are of the labels that five patients have and lack on both sides.
    Two families of differences are corrected for their numbers (Holm 1979): of the macro AUROC, and
    of single labels.

    Args:
        test: predictions, of which nothing is calibrated.
        thresholds: ``(labels,)``.
        groupings: of `group_records`; one that has a single group is left out.
        bootstrap, level, seed: as of `evaluate`.

    Raises:
        ConfigError: a setting is out of range.
        DataError: all records are of one patient.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> ids, truth = np.arange(400).astype(str), rng.integers(0, 2, (400, 1))
        >>> test = Predictions(["MI"], ids, ids, truth, 0.5 * truth + 0.5 * rng.random((400, 1)))
        >>> sex = Grouping("sex", ("f", "m"), {one: "fm"[int(one) % 2] for one in ids})
        >>> score_subgroups(test, np.array([0.5]), [sex], bootstrap=200).groups[0].deciding.word
        'no difference shown'
    """
    check_settings(bootstrap, level)
    test = test.sorted()
    draws = draw_all(test.patient_ids, bootstrap, seed)
    sides: list[tuple[Grouping, int, BoolArray, BoolArray]] = []
    unknown = {}
    for grouping in groupings:
        member = grouping.members(test.record_ids)
        there = [at for at in range(len(grouping.names)) if (member == at).any()]
        if len(there) > 1:
            sides += [(grouping, at, member == at, (member >= 0) & (member != at)) for at in there]
            unknown[grouping.column] = int((member < 0).sum())
    # those of two groups are each other's rest, and scored once
    masks = {mask.tobytes(): mask for _, _, *both in sides for mask in both}
    scored = dict(
        zip(masks, _score_sides(test, thresholds, list(masks.values()), draws), strict=True)
    )
    groups = [
        _compare(test, grouping, at, scored[own.tobytes()], scored[rest.tobytes()], draws, level)
        for grouping, at, own, rest in sides
    ]
    return correct_groups(groups, unknown, level)


@dataclass(frozen=True, eq=False)
class _Side:
    """The records of a group, or of its rest, scored in every row of the draws."""

    tested: Predictions
    scores: LabelScores
    gaps: Float64Array  # observed less predicted, ``(rows, labels)``
    patients: Patients


def _score_sides(
    test: Predictions, thresholds: Float64Array, masks: Sequence[BoolArray], draws: Draws
) -> list[_Side]:
    parts = [test.take(mask) for mask in masks]
    scorers = [LabelScorer(one.targets, one.probabilities, thresholds) for one in parts]
    gaps = [np.subtract(one.targets, one.probabilities, dtype=np.float64) for one in parts]
    blocks: list[list[LabelScores]] = [[] for _ in masks]
    means: list[list[Float64Array]] = [[] for _ in masks]
    for weights in draws.weights(test.patient_ids):
        for at, mask in enumerate(masks):
            blocks[at].append(scorers[at].score(weights[mask]))
            means[at].append(mean_over_records(gaps[at], weights[mask]))
    found = []
    for one, scores, rows in zip(parts, blocks, means, strict=True):
        patients = count_patients(one.patient_ids, one.targets)
        joined = draw_in(join_rows(scores), patients.support, draws.groups)
        found.append(_Side(one, joined, np.concatenate(rows), patients))
    return found


def common_labels(own: Patients, rest: Patients) -> IntArray:
    """The columns that enough patients have and lack on both sides, for means that compare."""
    return np.flatnonzero(np.minimum(own.support, rest.support) >= LEAST_PATIENTS)


def _compare(
    test: Predictions,
    grouping: Grouping,
    at: int,
    own: _Side,
    rest: _Side,
    draws: Draws,
    level: float,
) -> Subgroup:
    groups, kept = draws.groups, common_labels(own.patients, rest.patients)
    sides = (own, rest)
    shared = np.intersect1d(own.tested.patient_ids, rest.tested.patient_ids).size > 0
    supports = [side.patients.support[kept] for side in sides]
    summaries = [
        _mean_rows(side.scores, kept, support, groups)
        for side, support in zip(sides, supports, strict=True)
    ]
    means = [rows[DECIDING] for rows in summaries]
    errors = ece(own.tested.targets, own.tested.probabilities)
    labels = {}
    for column, label in enumerate(test.labels):
        row_of = {name: [_rows(side, name, column) for side in sides] for name in COMPARED}
        labels[label] = SubgroupLabel(
            positives=int(own.tested.targets[:, column].sum()),
            prevalence=float(own.tested.targets[:, column].mean()),
            patients=int(own.patients.having[column]),
            auprc=estimate_label(
                "auprc",
                own.scores.auprc[:, column],
                groups,
                int(own.patients.having[column]),
                int(own.patients.lacking[column]),
                level,
            ),
            ece=float(errors[column]),
            scores={
                name: compare_sides(
                    rows,
                    [_interval_of(name, side, column, row, groups)
                     for side, row in zip(sides, rows, strict=True)],
                    shared, groups, level,
                )
                for name, rows in row_of.items()
            },
        )  # fmt: skip
    return Subgroup(
        column=grouping.column,
        name=grouping.names[at],
        records=len(own.tested.record_ids),
        patients=len(np.unique(own.tested.patient_ids)),
        scored=tuple(test.labels[column] for column in kept),
        summary={
            name: estimate_mean(name, rows, groups, supports[0], level)
            for name, rows in summaries[0].items()
        },
        deciding=compare_sides(
            means,
            [mean_interval(DECIDING, rows, groups, support)
             for rows, support in zip(means, supports, strict=True)],
            shared, groups, level,
        ),
        labels=labels,
    )  # fmt: skip


def _mean_rows(
    scores: LabelScores, kept: IntArray, support: IntArray, groups: int
) -> dict[str, Float64Array]:
    """The summary scores of some labels in every row."""
    some = replace(
        scores, **{one.name: getattr(scores, one.name)[:, kept] for one in fields(scores)}
    )
    filled = fill_absent(some, support, groups)
    return {name: metric(filled) for name, metric in METRICS.items()}


def _rows(side: _Side, name: str, column: int) -> Float64Array:
    values: Float64Array = side.gaps if name == GAP else getattr(side.scores, name)
    return values[:, column]


def _interval_of(
    name: str, side: _Side, column: int, rows: Float64Array, groups: int
) -> IntervalAt | None:
    having, lacking = int(side.patients.having[column]), int(side.patients.lacking[column])
    if name != GAP:
        return label_interval(name, rows, groups, having, lacking)
    if min(having, lacking) < LEAST_PATIENTS:
        return None
    parts = find_parts(rows[None, :], groups, float(min(having, lacking) - 1))
    # or that of the very probabilities, which knows of positives that happen not to be there
    chance = side.tested.probabilities[:, column].astype(np.float64)
    model = float((chance * (1 - chance)).sum() / len(chance) ** 2)
    parts = replace(parts, patient=max(parts.patient, model))
    value = float(rows[0])
    return lambda level: (value - parts.reach(level), value + parts.reach(level))
