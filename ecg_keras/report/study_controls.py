"""The section of a study's page that asks what a gain came from, and its table."""

from __future__ import annotations

from ecg_keras.report.blocks import Absent, Rows, Section, Text
from ecg_keras.report.study_names import ARM, arm_cells, level, luck, metric_name, name_once
from ecg_keras.report.tables import Column, Table
from ecg_keras.statistics import QUESTION, StudyResult, explain_controls


def controls(result: StudyResult) -> Section | Absent:
    """Whether a gain came from the pre-training, or merely from the architecture."""
    if not result.controls:
        return Absent(
            "controls",
            "the study has none (with controls: true it has).",
        )
    return Section(
        "controls",
        QUESTION,
        (
            *map(Text, explain_controls(result.controls, str(result.question["metric"]))),
            Rows(name_once(controls_table(result))),
        ),
    )


def controls_table(result: StudyResult) -> Table:
    """Each way of training against what lacks nothing but its pre-training."""
    metric = str(result.question["metric"])
    return Table(
        "controls",
        "Ways of training against their controls",
        f"Difference in {metric_name(result)} on the same ECGs with its {level(result)} interval "
        f"over {luck(result)}. Verdicts are corrected for all {len(result.controls)} controls "
        "(Holm), and those against the reference are not corrected for these.",
        (
            *ARM,
            Column("control", "Control"),
            Column("answer", "Answer"),
            Column("difference", "Difference", "difference"),
            Column("p_holm", "p, Holm", "p"),
            Column("verdict", "Verdict", "word"),
            Column("control_score", "Control's score", "score"),
            Column("score", "Score", "score"),
        ),
        tuple(
            (
                *arm_cells(one.arm),
                one.control.way,
                one.answer,
                one.contrast,
                one.verdict.p_value,
                one.verdict.word,
                result.arms[one.control].scores[metric],
                result.arms[one.arm].scores[metric],
            )
            for one in result.controls
        ),
    )
