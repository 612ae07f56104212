"""The tables of a study about its costs, its findings, and what failed."""

from __future__ import annotations

from collections.abc import Iterable

from ecg_keras.evaluation import Estimate
from ecg_keras.report.study_names import ARM, arm_cells, level, metric_name
from ecg_keras.report.tables import Column, Table
from ecg_keras.statistics import Compared, StudyResult
from ecg_keras.text import percent
from ecg_keras.transferability import TITLES


def speed_table(result: StudyResult, comparisons: Iterable[Compared]) -> Table:
    """How soon each arm and its reference reach the same quality on validation."""
    reference = str(result.question["reference"])
    share = percent(float(result.question["quality"]))
    return Table(
        "convergence",
        "Time to the same quality on validation",
        f"The quality is {share} of the best of {reference}'s mean validation curve. The ratio is "
        f"the arm's epochs over those of {reference}: below 1 is faster. Area: the mean height of "
        f"the arm's validation curve less that of {reference}'s.",
        (
            *ARM,
            Column("quality", "Quality", "decimal"),
            Column("epochs", "Epochs", "epochs"),
            Column("reference_epochs", f"Epochs, {reference}", "epochs"),
            Column("epochs_ratio", "Ratio", "score"),
            Column("steps", "Steps", "epochs"),
            Column("reference_steps", f"Steps, {reference}", "epochs"),
            Column("seconds", "Time", "seconds"),
            Column("reference_seconds", f"Time, {reference}", "seconds"),
            Column("area_difference", "Area", "difference"),
        ),
        tuple(
            (
                *arm_cells(one.arm),
                one.speed.quality,
                *one.speed.epochs,
                one.speed.ratio,
                *one.speed.steps,
                *one.speed.seconds,
                one.speed.area,
            )
            for one in comparisons
            if one.speed is not None
        ),
    )


def transferability_table(result: StudyResult) -> Table:
    """Every estimate of transferability beside the gain that came of it."""
    rows = [
        (
            TITLES.get(one.metric, one.metric),
            *arm_cells(arm),
            value,
            gain,
            None if one.tau is None else Estimate(*one.tau),
        )
        for one in result.transferability
        for arm, value, gain in one.values
    ]
    return Table(
        "transferability",
        "Transferability and realised gain",
        f"Higher estimates promise more. Gain: difference from {result.question['reference']} in "
        f"{metric_name(result)}. τ: weighted Kendall correlation of the two over the arms, with "
        f"its {level(result)} interval.",
        (
            Column("metric", "Estimate"),
            *ARM,
            Column("value", "Value", "decimal"),
            Column("gain", "Gain", "signed"),
            Column("tau", "τ", "difference"),
        ),
        tuple(rows),
    )


def ledger_table(result: StudyResult) -> Table:
    """What each way of training costs, alone and with its share of the pre-training."""
    reference = result.question["reference"]
    return Table(
        "ledger",
        "What each way of training costs",
        "Time on the machine of this study. The share is the pre-training's time divided by the "
        "downstream ways of this study that start from it. Saved: time to the same quality on "
        f"validation that one run saves against {reference}, before pre-training. Pays after: "
        "downstream tasks after which the pre-training has paid for itself.",
        (
            Column("task", "Task", plain=True),
            Column("way", "Way"),
            Column("own", "One run", "seconds"),
            Column("to_quality", "To quality", "seconds"),
            Column("pretraining", "Pre-training", "seconds"),
            Column("shared_by", "Shared by", "count"),
            Column("with_share", "Run with its share", "seconds"),
            Column("saved", "Saved", "seconds"),
            Column("tasks_to_pay", "Pays after", "epochs"),
        ),
        tuple(
            (
                *(row.title, row.way, row.own, row.to_quality, row.pretraining, row.shared_by),
                row.own + row.pretraining / max(1, row.shared_by),
                row.saved,
                row.tasks_to_pay,
            )
            for row in result.ledger
        ),
    )


def findings_table(result: StudyResult) -> Table:
    """The published findings, and what this study says of each."""
    return Table(
        "findings",
        "Findings of Nguyen and Do (2025), tested here",
        "",
        (Column("claim", "Claim"), Column("word", "Here", "word"), Column("evidence", "Evidence")),
        tuple((one.claim, one.word, one.evidence) for one in result.findings),
    )


def failures_table(result: StudyResult) -> Table:
    """The cells that failed, and why."""
    return Table(
        "failures",
        "Runs that failed",
        "",
        (Column("run", "Run"), Column("error", "Error")),
        result.failures,
    )
