"""The sections of a study's page about single labels: the best arm of each downstream."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from ecg_keras import metrics
from ecg_keras.evaluation import estimate_labels
from ecg_keras.report.blocks import Absent, Drawing, Figures, Group, Rows, Section, first_open
from ecg_keras.report.label_curves import choose_columns, draw_label, say_most
from ecg_keras.report.study_view import NO_ARM, StudyView, count_positives, seeds_of
from ecg_keras.report.tables import ARM, Column, Table, arm_columns, capital
from ecg_keras.statistics import Compared
from ecg_keras.text import plural

MOST_LABELS = 8  # with curves; the tables have all
OWN_FOLD = "the fold whose networks were not trained on it"


def labels(study: StudyView) -> Section | Absent:
    """AUROC of each label, its curves against the reference, and its calibration diagram."""
    full = _labels_table(study, study.result.comparisons)
    if not study.result.best:
        return Absent("labels", NO_ARM, (full,))
    groups = []
    for number, (downstream, one) in enumerate(study.result.best.items(), start=1):
        tested = study.result.arms[one.arm].predictions
        table = _labels_table(study, [one])
        own = table.select(column.key for column in table.columns if column.key not in ARM)
        shown = replace(own, title=f"{table.title}, {downstream}")
        which = (
            f"{capital(one.arm.way)} against {one.reference.way}, both "
            f"{study.group_title(one.arm)}.{say_most(tested, MOST_LABELS, 'the table has all')}"
        )
        curves = Figures(tuple(_curves(study, one, f"label{number}-")), "panels")
        groups.append(Group(downstream, (which, Rows(shown), curves)))
    introduction = (
        "Of each downstream the arm with the best score on its largest training set, blue, "
        "and its reference, dashed. It was chosen by this very score, which flatters it a "
        "little. Dots of a calibration diagram: observed share in bins of about as many "
        f"ECGs, with {study.level} intervals over patients; below, the probabilities without and "
        "with the label."
    )
    others = first_open(groups, "The labels of the other downstreams")
    return Section("labels", "Labels", (introduction, _averaged(study), *others), (full,))


def calibration(study: StudyView) -> Section | Absent:
    """Whether a probability of 0.3 means three in ten, for each label of the best arms."""
    if not study.result.best:
        return Absent("calibration", NO_ARM)
    introduction = (
        "Of the same arms and the same mean predictions; the diagrams are beside each "
        "label's curves. A mean over seeds is less extreme than one network's probability, "
        "and its calibration is its own."
    )
    tables = (Rows(_calibration_table(study, name, one)) for name, one in study.result.best.items())
    return Section("calibration", "Calibration", (introduction, *tables))


def thresholds(study: StudyView) -> Section | Absent:
    """The thresholds of the best arms, and what is decided at them."""
    if not study.result.best:
        return Absent("thresholds", NO_ARM)
    introduction = (
        f"{study.decision_rule}{' The tables show the mean over folds.' * study.has_folds} The "
        f"decisions are of the mean prediction; their {study.level} "
        f"intervals are of {study.result.question['bootstrap']:,} resamples of patients and hold "
        "no spread over seeds."
    )
    tables = (Rows(_decisions_table(study, name, one)) for name, one in study.result.best.items())
    return Section("thresholds", "Thresholds and decisions", (introduction, *tables))


def _averaged(study: StudyView) -> str:
    """Of what the curves are, and why they differ from the scores of the table."""
    seeds = max(study.result.arms[one.arm].seeds for one in study.result.best.values())
    tested = (
        f"Every ECG was tested once, in {'one fold' if study.result.elsewhere else OWN_FOLD}"
        if study.has_folds
        else "The ECGs are those of the test split"
    )
    pooled = (
        " Curves pool the folds, whose networks have scales of their own, so a curve may be below "
        "the AUROC of the table, which ranks within folds. The diamond is what is decided, each "
        "ECG at the threshold of its own fold: it may be off the curve."
    ) * study.has_folds
    if seeds == 1:
        return f"{tested}. One seed was trained.{pooled}"
    return (
        f"{tested}. Curves are drawn from its mean probability over the "
        f"{plural(seeds, 'seed')}: a mean of networks ranks a little "
        "better than one of them, so a curve may be above the AUROC of the table, which is the "
        f"mean of single networks.{pooled}"
    )


def _curves(study: StudyView, one: Compared, prefix: str) -> Iterable[Drawing]:
    """Of the labels with most positives that are neither absent nor everywhere."""
    arm, reference = study.result.arms[one.arm], study.result.arms[one.reference].predictions
    tested = arm.predictions
    for column in choose_columns(tested, MOST_LABELS):
        label = tested.labels[column]
        captions = (f"{label}: ROC", f"{label}: precision-recall", f"{label}: calibration")
        threshold, names = arm.limits[label], ("best arm", "reference")
        level = float(study.result.question["level"])
        yield from draw_label(prefix, tested, column, threshold, captions, level, reference, names)


def _labels_table(study: StudyView, compared: Sequence[Compared]) -> Table:
    """AUROC of each label of each comparison."""
    arms = study.result.arms
    rows = []
    for one in compared:
        arm, reference = arms[one.arm], arms[one.reference]
        positives = count_positives(arm)
        for label, difference in one.labels.items():
            scores = (reference.labels.get(label), arm.labels.get(label), difference)
            p_value = None if difference is None else difference.p_value
            tests = (p_value, one.delong.get(label))
            rows.append((one.arm, label, positives[label], *scores, *tests))
    return Table(
        "labels",
        "AUROC of each label",
        f"{study.intervals(seeds_of(compared))}. Not corrected for looking at many "
        "labels. DeLong's test is a cross-check: it takes records for independent, sees no spread "
        "over seeds, and is left out where it is undefined. "
        f"{study.result.of_common_seeds(compared)}",
        (
            *arm_columns("0"),
            Column("label", "Label", "text", "1"),
            Column("positives", "Positives", "count", "2"),
            Column("reference_auroc", capital(study.reference), "score", "3"),
            Column("auroc", "AUROC", "score", "4"),
            Column("difference", "Difference", "difference", "5"),
            Column("p", "p", "p", "6"),
            Column("p_delong", "p, DeLong", "p", "7", plain=True),
        ),
        rows,
    )


def _calibration_table(study: StudyView, downstream: str, one: Compared) -> Table:
    arms = [study.result.arms[name].predictions for name in (one.arm, one.reference)]
    scores = (metrics.brier, metrics.ece)
    values = [score(arm.targets, arm.probabilities) for score in scores for arm in arms]
    return Table(
        f"calibration-{downstream}",
        f"Calibration of each label, {downstream}",
        "Lower is better in both. Brier: mean squared error of the probability. ECE: expected "
        "calibration error, in at most ten bins of about equally many ECGs.",
        (
            Column("label", "Label"),
            Column("brier", "Brier", "decimal"),
            Column("reference_brier", f"Brier, {study.reference}", "decimal"),
            Column("ece", "ECE", "decimal"),
            Column("reference_ece", f"ECE, {study.reference}", "decimal"),
        ),
        list(zip(arms[0].labels, *(map(float, column) for column in values), strict=True)),
    )


def _decisions_table(study: StudyView, downstream: str, one: Compared) -> Table:
    arm, question = study.result.arms[one.arm], study.result.question
    decided = estimate_labels(
        arm.predictions,
        np.stack([arm.limits[label] for label in arm.predictions.labels], axis=-1),
        bootstrap=int(question["bootstrap"]),
        level=float(question["level"]),
        seed=int(question["seed"]),
    )
    reference = study.result.arms[one.reference].thresholds
    return Table(
        f"thresholds-{downstream}",
        f"Decisions on {downstream}, {one.arm.way}",
        "",
        (
            Column("label", "Label"),
            Column("threshold", "Threshold", "decimal"),
            Column("reference_threshold", f"Threshold, {one.reference.mode}", "decimal"),
            Column("f1", "F1", "score", "3.f1"),
            Column("sensitivity", "Sensitivity", "score", "3.sensitivity"),
            Column("specificity", "Specificity", "score", "3.specificity"),
        ),
        [
            (label, arm.thresholds[label], reference.get(label), decided[label])
            for label in arm.predictions.labels
        ],
    )
