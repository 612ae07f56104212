"""The sections of a study's page about groups of patients, and about what decisions are worth."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from ecg_keras.evaluation import GroupGain
from ecg_keras.report.blocks import Absent, Block, Group, Rows, Section, first_open
from ecg_keras.report.decision_sections import (
    INTRODUCTION,
    benefits_table,
    curve_figures,
    curves_of,
    say_left_out,
)
from ecg_keras.report.study_view import NO_ARM, StudyView, seeds_of
from ecg_keras.report.subgroup_sections import gains_blocks
from ecg_keras.report.tables import Column, Table, arm_columns
from ecg_keras.statistics import ArmName


def gains(study: StudyView) -> Section | Absent:
    """Whether pre-training helps one group more, of the best arm of each downstream."""
    found = study.result.gains
    full = _gains_table(study, found)
    if not found:
        return Absent("groups of patients", "of no tested ECG a group is known.", (full,))
    luck = study.luck(_seeds_of(study, found))
    introduction = (
        f"Of each downstream, what the arm with the best score on its largest training set gains "
        f"over {study.reference} in one group of patients and in all others, paired over "
        f"{luck}. Where no difference is shown, there may be one all "
        "the same."
    )
    groups = [
        Group(
            name.downstream,
            gains_blocks(
                some,
                (name.way, study.reference),
                study.metric,
                float(study.result.question["level"]),
                f"gains{number}-",
            ),
        )
        for number, (name, some) in enumerate(found.items(), start=1)
    ]
    others = first_open(groups, "The groups of the other downstreams")
    return Section("gains", "Who gains", (introduction, *others), (full,))


def _seeds_of(study: StudyView, arms: Collection[ArmName]) -> list[int]:
    return seeds_of(one for one in study.result.comparisons if one.arm in arms)


def decisions(study: StudyView) -> Section | Absent:
    """Decision curves of the best arm of each downstream beside its reference."""
    if not study.result.best:
        return Absent("decision curves", NO_ARM)
    question = study.result.question
    level = float(question["level"])
    groups, tables = [], []
    for number, (downstream, one) in enumerate(study.result.best.items(), start=1):
        names = one.arm.way, study.reference
        tested = [study.result.arms[name].predictions for name in (one.arm, one.reference)]
        curves = curves_of(
            tested,
            bootstrap=int(question["bootstrap"]),
            level=level,
            seed=int(question["seed"]),
            names=names,
        )
        table = benefits_table(curves, level, names)
        cut = say_left_out(tested[0]).strip()
        blocks: tuple[Block, ...] = (
            *([cut] if cut else []),
            curve_figures(curves, level, names, f"decisions{number}-"),
            Rows(table, fold=True),
        )
        groups.append(Group(downstream, blocks))
        every = benefits_table(curves, level, names, curves[0].thresholds)
        tables.append((one.arm, replace(every, caption=f"{every.caption} {cut}".strip())))
    introduction = (
        f"{INTRODUCTION} Curves are of the mean probability over seeds, and their intervals over "
        "patients alone. A threshold is a risk only where the runs calibrate "
        "(evaluation.calibration)."
    )
    others = first_open(groups, "The decision curves of the other downstreams")
    full = _join(tables)
    return Section("decision-curves", "Decision curves", (introduction, *others), (full,))


def _join(tables: list[tuple[ArmName, Table]]) -> Table:
    """The tables of several downstreams as one, of all thresholds."""
    first = tables[0][1]
    rows = [(name, *row) for name, table in tables for row in table.rows]
    columns = [
        replace(column, of=str(place), title="Over the reference")
        if column.key == "difference"
        else replace(column, of=str(place))
        for place, column in enumerate(first.columns, start=1)
    ]
    return replace(first, columns=(*arm_columns("0"), *columns), items=rows)


def _gains_table(study: StudyView, found: Mapping[ArmName, tuple[GroupGain, ...]]) -> Table:
    intervals = study.intervals(_seeds_of(study, found))
    return Table(
        "group_gains",
        f"Differences from {study.reference} in groups of test ECGs",
        f"In {study.metric_name}, {intervals}. The interaction is the difference in the "
        "group less that in the rest; p-values are corrected (Holm) within each downstream.",
        (
            *arm_columns("0"),
            Column("column", "By", "text", "1.column"),
            Column("group", "Group", "text", "1.name"),
            Column("records", "ECGs", "count", "1.records"),
            Column("patients", "Patients", "count", "1.patients"),
            Column("difference", "Difference", "difference", "1.gain"),
            Column("rest", "In the rest", "difference", "1.rest"),
            Column("interaction", "Interaction", "difference", "1.interaction"),
            Column("p", "p", "p", "1.p_value"),
            Column("p_holm", "p, Holm", "p", "1.p_holm"),
            Column("word", "Than the rest", "text", "1.word"),
        ),
        [(name, one) for name, some in found.items() for one in some],
    )
