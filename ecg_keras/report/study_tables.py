"""The tables of a study: what its page shows and what ``tables/`` holds, from one place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ecg_keras.evaluation import Estimate
from ecg_keras.evaluation.tables import score_name
from ecg_keras.files import replacing
from ecg_keras.report.study_controls import controls_table
from ecg_keras.report.study_cost_tables import (
    failures_table,
    findings_table,
    ledger_table,
    speed_table,
    transferability_table,
)
from ecg_keras.report.study_names import (
    ARM,
    arm_cells,
    capital,
    level,
    luck,
    metric_name,
    positives,
)
from ecg_keras.report.study_tuning import tuning_table
from ecg_keras.report.tables import Column, Table, csv_text, latex_text, markdown_text
from ecg_keras.statistics import Compared, StudyResult, settles

WRITERS = {"csv": csv_text, "md": markdown_text, "tex": latex_text}


def write_tables(result: StudyResult, folder: Path) -> tuple[Path, ...]:
    """Writes every table as CSV, Markdown and LaTeX; one without rows has its headings only.

    Args:
        result: of the study.
        folder: to write to.

    Returns:
        The files.
    """
    written = []
    for table in study_tables(result):
        for ending, text in WRITERS.items():
            path = folder / f"{table.name}.{ending}"
            with replacing(path) as temporary:
                temporary.write_text(text(table), encoding="utf-8", newline="\n")
            written.append(path)
    return tuple(written)


def study_tables(result: StudyResult) -> tuple[Table, ...]:
    """All tables of a study."""
    return (
        comparisons_table(result, result.comparisons),
        arms_table(result),
        labels_table(result, result.comparisons),
        differences_table(result, result.comparisons),
        speed_table(result, result.comparisons),
        shifts_table(result),
        interactions_table(result),
        controls_table(result),
        curves_table(result),
        worth_table(result),
        transferability_table(result),
        ledger_table(result),
        tuning_table(result),
        findings_table(result),
        diagnostics_table(result),
        failures_table(result),
    )


def comparisons_table(result: StudyResult, comparisons: Sequence[Compared]) -> Table:
    """The verdict of each comparison."""
    metric = str(result.question["metric"])
    reference = str(result.question["reference"])
    corrected = max((one.verdict.comparisons for one in result.comparisons), default=0)
    rows = [
        (
            *arm_cells(one.arm),
            result.arms[one.reference].scores[metric],
            result.arms[one.arm].scores[metric],
            one.contrast,
            one.contrast.p_value,
            one.verdict.p_value,
            one.verdict.equivalence_p,
            one.verdict.word,
            settles(one.contrast, one.verdict),
        )
        for one in comparisons
    ]
    return Table(
        "comparisons",
        f"Differences from {reference} in {metric_name(result)}",
        f"{level(result)} intervals over {luck(result)}. The verdicts and the p-values marked "
        f"Holm are corrected for all {corrected} comparisons of the study; "
        f"equivalent means within ±{float(result.question['margin']):g}.",
        (
            *ARM,
            Column("reference_score", capital(reference), "score"),
            Column("score", "Score", "score"),
            Column("difference", "Difference", "difference"),
            Column("p", "p", "p"),
            Column("p_holm", "p, Holm", "p"),
            Column("equivalence_p_holm", "p of equivalence, Holm", "p"),
            Column("verdict", "Verdict", "word"),
            Column("would_settle_it", "What would settle it"),
        ),
        tuple(rows),
    )


def diagnostics_table(result: StudyResult) -> Table:
    """What speaks against each comparison."""
    return Table(
        "diagnostics",
        "What speaks against the comparisons",
        "",
        (*ARM, Column("diagnostic", "Diagnostic")),
        tuple(
            (*arm_cells(one.arm), said) for one in result.comparisons for said in one.diagnostics
        ),
    )


def arms_table(result: StudyResult) -> Table:
    """What each arm scored in every summary metric."""
    names = tuple(dict.fromkeys(name for arm in result.arms.values() for name in arm.scores))
    rows = [
        (
            *arm_cells(name),
            arm.seeds,
            arm.folds,
            arm.train_records,
            next(iter(arm.scores.values())).records if arm.scores else None,
            next(iter(arm.scores.values())).patients if arm.scores else None,
            *(arm.scores.get(score) for score in names),
            arm.seconds,
        )
        for name, arm in result.arms.items()
    ]
    return Table(
        "arms",
        "Scores of each arm",
        f"{level(result)} intervals over {luck(result)}.",
        (
            *ARM,
            Column("seeds", "Seeds", "count", plain=True),
            Column("folds", "Folds", "count", plain=True),
            Column("train_records", "Trained on", "count", plain=True),
            Column("test_records", "Tested ECGs", "count", plain=True),
            Column("test_patients", "Patients", "count", plain=True),
            *(Column(score, score_name(score), "score") for score in names),
            Column("seconds", "Training of a run", "seconds", plain=True),
        ),
        tuple(rows),
    )


def labels_table(result: StudyResult, comparisons: Iterable[Compared]) -> Table:
    """AUROC of each label of each comparison."""
    rows = [
        (
            *arm_cells(one.arm),
            label,
            positives(result.arms[one.arm])[label],
            result.arms[one.reference].labels.get(label),
            result.arms[one.arm].labels.get(label),
            difference,
            None if difference is None else difference.p_value,
            one.delong.get(label),
        )
        for one in comparisons
        for label, difference in one.labels.items()
    ]
    reference = str(result.question["reference"])
    return Table(
        "labels",
        "AUROC of each label",
        f"{level(result)} intervals over {luck(result)}. Not corrected for looking at many "
        "labels. DeLong's test is a cross-check: it takes records for independent, sees no spread "
        "over seeds, and is left out where it is undefined.",
        (
            *ARM,
            Column("label", "Label"),
            Column("positives", "Positives", "count"),
            Column("reference_auroc", capital(reference), "score"),
            Column("auroc", "AUROC", "score"),
            Column("difference", "Difference", "difference"),
            Column("p", "p", "p"),
            Column("p_delong", "p, DeLong", "p", plain=True),
        ),
        tuple(rows),
    )


def differences_table(result: StudyResult, comparisons: Iterable[Compared]) -> Table:
    """Each comparison in every summary metric."""
    rows = [
        (*arm_cells(one.arm), score_name(name), difference, difference.p_value)
        for one in comparisons
        for name, difference in one.scores.items()
    ]
    return Table(
        "differences",
        "Differences in every summary score",
        f"{level(result)} intervals over {luck(result)}; p-values as they are, corrected for "
        f"nothing. Only {metric_name(result)} decides.",
        (
            *ARM,
            Column("score", "Score"),
            Column("difference", "Difference", "difference"),
            Column("p", "p", "p"),
        ),
        tuple(rows),
    )


def shifts_table(result: StudyResult) -> Table:
    """How far each protocol moves each difference."""
    return Table(
        "protocols",
        "How far each protocol moves the answer",
        f"Differences from {result.question['reference']} in {metric_name(result)} under the "
        f"study's first protocol and under the changed one, with {level(result)} intervals.",
        (
            Column("changed_protocol", "Changed protocol"),
            *(column for column in ARM if column.key != "protocol"),
            Column("before", "First protocol", "difference"),
            Column("after", "Changed", "difference"),
            Column("shift", "Shift", "difference"),
            Column("p", "p", "p"),
        ),
        tuple(
            (
                one.protocol,
                *arm_cells(one.arm, protocol=False),
                one.before,
                one.after,
                one.contrast,
                one.contrast.p_value,
            )
            for one in result.shifts
        ),
    )


def interactions_table(result: StudyResult) -> Table:
    """Whether one family of backbones gains more."""
    return Table(
        "families",
        "Which family of backbones gains more",
        f"Gain in {metric_name(result)} over {result.question['reference']} of the first family "
        f"less that of the second, with {level(result)} intervals over {luck(result)}.",
        (
            Column("downstream", "Downstream", plain=True),
            Column("protocol", "Protocol", plain=True),
            Column("mode", "Mode"),
            Column("upstream", "Upstream", plain=True),
            Column("size", "ECGs", "size", plain=True),
            Column("first", "First family", plain=True),
            Column("second", "Second family", plain=True),
            Column("difference", "Difference of gains", "difference"),
            Column("p", "p", "p"),
        ),
        tuple(
            (
                *(one.downstream, one.protocol, one.mode, one.upstream, one.size, *one.names),
                one.contrast,
                one.contrast.p_value,
            )
            for one in result.interactions
        ),
    )


def curves_table(result: StudyResult) -> Table:
    """Every point of every learning curve, and each curve's crossover."""
    rows = []
    for curve in result.curves:
        end = None if curve.crossover is None else Estimate(*curve.crossover)
        for index, size in enumerate(curve.sizes):
            scores = [curve.scores[name][index] for name in (curve.reference, curve.way)]
            point = (size, *scores, curve.differences[index])
            rows.append((curve.title, curve.way, curve.reference, *point, end))
    return Table(
        "learning_curves",
        "Learning curves",
        f"{capital(metric_name(result))} on {'' if result.elsewhere else 'nested '}training sets, "
        f"with {level(result)} "
        "intervals. Crossover: the number of training ECGs beyond which the first way is no longer "
        "better by the margin.",
        (
            Column("curve", "Curve", plain=True),
            Column("way", "Way"),
            Column("reference", "Reference", plain=True),
            Column("train_records", "Trained on", "count"),
            Column("reference_score", "Reference's score", "score"),
            Column("score", "Score", "score"),
            Column("difference", "Difference", "difference"),
            Column("crossover", "Crossover", "records"),
        ),
        tuple(rows),
    )


def worth_table(result: StudyResult) -> Table:
    """What each point of each learning curve is worth in the reference's training ECGs."""
    return Table(
        "label_efficiency",
        "What a way of training is worth in labels",
        f"The number of training ECGs on which the reference scores the same, with its "
        f"{level(result)} interval; no bound is more than the largest that was tried, about which "
        "nothing is said. The factor is that number over the way's own.",
        (
            Column("curve", "Curve", plain=True),
            Column("way", "Way"),
            Column("reference", "Reference", plain=True),
            Column("train_records", "Trained on", "count"),
            Column("equal_records", "Equal to", "records"),
            Column("factor", "Factor", "factor"),
        ),
        tuple(
            (
                *(curve.title, curve.way, curve.reference, one.size),
                *(Estimate(*ends) for ends in (one.equal, one.factor)),
            )
            for curve in result.curves
            for one in curve.worth
        ),
    )
