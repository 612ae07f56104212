"""The sections of a study's page about single labels: the best arm of each downstream.

The curves and decisions are of one prediction per ECG, the mean over seeds of what the networks
said that were not trained on it. The scores with intervals are means of single networks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ecg_keras import metrics
from ecg_keras.evaluation import Predictions, estimate_labels
from ecg_keras.report.blocks import (
    Absent,
    Figures,
    Group,
    Rows,
    Section,
    Text,
    first_open,
)
from ecg_keras.report.figures import Captioned, pr_curve, roc_curve
from ecg_keras.report.plots import calibration_plot, pr_plot, roc_plot
from ecg_keras.report.study_names import (
    best_of_each,
    capital,
    group_title,
    level,
    name_once,
)
from ecg_keras.report.study_tables import labels_table
from ecg_keras.report.svg import inline_svg
from ecg_keras.report.tables import Column, Table
from ecg_keras.statistics import Compared, StudyResult
from ecg_keras.text import plural

MOST_LABELS = 8  # with curves; the tables have all
OWN_FOLD = "the fold whose networks were not trained on it"
NO_ARM = "no arm could be compared with its reference."


def labels(result: StudyResult) -> Section | Absent:
    """AUROC of each label, its curves against the reference, and its calibration diagram."""
    best = best_of_each(result)
    if not best:
        return Absent("labels", NO_ARM)
    groups = []
    for number, (downstream, one) in enumerate(best.items(), start=1):
        table = name_once(labels_table(result, [one]))
        groups.append(
            Group(
                downstream,
                (
                    Text(_of_whom(result, one)),
                    Rows(_of_arm(table, downstream)),
                    Figures(tuple(_curves(result, one, f"label{number}")), "panels"),
                ),
            )
        )
    return Section(
        "labels",
        "Labels",
        (
            Text(
                "Of each downstream the arm with the best score on its largest training set, blue, "
                "and its reference, dashed. It was chosen by this very score, which flatters it a "
                "little. Dots of a calibration diagram: observed share in bins of about as many "
                "ECGs, with 95 % intervals; below, the probabilities without and with the label."
            ),
            Text(_averaged(result, best.values())),
            *first_open(groups, "The labels of the other downstreams"),
        ),
    )


def calibration(result: StudyResult) -> Section | Absent:
    """Whether a probability of 0.3 means three in ten, for each label of the best arms."""
    best = best_of_each(result)
    if not best:
        return Absent("calibration", NO_ARM)
    return Section(
        "calibration",
        "Calibration",
        (
            Text(
                "Of the same arms and the same mean predictions; the diagrams stand beside each "
                "label's curves. A mean over seeds is less extreme than one network's probability, "
                "and its calibration is its own."
            ),
            *(Rows(_calibration_table(result, name, one)) for name, one in best.items()),
        ),
    )


def thresholds(result: StudyResult) -> Section | Absent:
    """The thresholds of the best arms, and what is decided at them."""
    best = best_of_each(result)
    if not best:
        return Absent("thresholds", NO_ARM)
    return Section(
        "thresholds",
        "Thresholds and decisions",
        (
            Text(
                "Thresholds are the mean over seeds and folds of those of the runs. The decisions "
                f"are of the mean prediction at the mean threshold; their {level(result)} "
                f"intervals are of {result.question['bootstrap']:,} resamples of patients and hold "
                "no spread over seeds."
            ),
            *(Rows(_decisions(result, name, one)) for name, one in best.items()),
        ),
    )


def _of_whom(result: StudyResult, one: Compared) -> str:
    shared = group_title(result, one.arm)
    return f"{capital(one.arm.way)} against {one.reference.way}, both {shared}."


def _averaged(result: StudyResult, best: Iterable[Compared]) -> str:
    arms = [result.arms[one.arm] for one in best]
    folds = any(arm.folds > 1 for arm in arms)
    tested = (
        f"Every ECG was tested once, in {'one fold' if result.elsewhere else OWN_FOLD}"
        if folds
        else "The ECGs are those of the test split"
    )
    if max(arm.seeds for arm in arms) == 1:
        return f"{tested}. One seed was trained."
    return (
        f"{tested}. Curves are drawn from its mean probability over the "
        f"{plural(max(arm.seeds for arm in arms), 'seed')}: a mean of networks ranks a little "
        "better than one of them, so a curve may lie above the AUROC of the table, which is the "
        "mean of single networks."
    )


def _of_arm(table: Table, downstream: str) -> Table:
    """The table of one arm, without the column that says which."""
    return replace(
        table,
        title=f"{table.title}, {downstream}",
        columns=table.columns[1:],
        rows=tuple(row[1:] for row in table.rows),
    )


def _most_positives(said: Predictions) -> list[int]:
    """Columns of the labels with most positives that are neither absent nor everywhere."""
    count = said.targets.sum(axis=0)
    defined = [i for i in range(len(said.labels)) if 0 < count[i] < len(said.targets)]
    most = sorted(defined, key=lambda column: -int(count[column]))[:MOST_LABELS]
    return sorted(most)


def _curves(result: StudyResult, one: Compared, name: str) -> Iterable[Captioned]:
    arm, reference = result.arms[one.arm], result.arms[one.reference].predictions
    said = arm.predictions
    names = ("best arm", "reference")
    for column in _most_positives(said):
        label = said.labels[column]
        threshold = arm.thresholds[label]
        roc = roc_plot(roc_curve(said, column, threshold), roc_curve(reference, column), names)
        share = float(said.targets[:, column].mean())
        pr = pr_plot(pr_curve(said, column, threshold), share, pr_curve(reference, column), names)
        yield inline_svg(roc, f"{name}-{column}-roc", f"ROC curve of {label}"), f"{label}: ROC"
        yield (
            inline_svg(pr, f"{name}-{column}-pr", f"Precision-recall curve of {label}"),
            f"{label}: precision-recall",
        )
        shown = calibration_plot(said.targets[:, column], said.probabilities[:, column])
        title = f"Calibration of {label}"
        yield inline_svg(shown, f"{name}-{column}-calibration", title), f"{label}: calibration"


def _calibration_table(result: StudyResult, downstream: str, one: Compared) -> Table:
    arms = [result.arms[name].predictions for name in (one.arm, one.reference)]
    columns = [
        score(said.targets, said.probabilities)
        for score in (metrics.brier, metrics.ece)
        for said in arms
    ]
    reference = str(result.question["reference"])
    titles = [f"{score}{of}" for score in ("Brier", "ECE") for of in ("", f", {reference}")]
    return Table(
        f"calibration-{downstream}",
        f"Calibration of each label, {downstream}",
        "Lower is better in both. Brier: mean squared error of the probability. ECE: expected "
        "calibration error, in at most ten bins of about equally many ECGs.",
        (
            Column("label", "Label"),
            *(Column(f"column{i}", title, "decimal") for i, title in enumerate(titles)),
        ),
        tuple(
            (label, *(float(column[row]) for column in columns))
            for row, label in enumerate(arms[0].labels)
        ),
    )


def _decisions(result: StudyResult, downstream: str, one: Compared) -> Table:
    arm = result.arms[one.arm]
    said = arm.predictions
    limits = np.array([arm.thresholds[label] for label in said.labels])
    decided = estimate_labels(
        said,
        limits,
        bootstrap=int(result.question["bootstrap"]),
        level=float(result.question["level"]),
        seed=int(result.question["seed"]),
    )
    scores = ("f1", "sensitivity", "specificity")
    return Table(
        f"thresholds-{downstream}",
        f"Decisions on {downstream}, {one.arm.way}",
        "",
        (
            Column("label", "Label"),
            Column("threshold", "Threshold", "decimal"),
            Column("reference_threshold", f"Threshold, {one.reference.mode}", "decimal"),
            *(Column(name, name.capitalize(), "score") for name in scores),
        ),
        tuple(
            (
                label,
                arm.thresholds[label],
                result.arms[one.reference].thresholds.get(label),
                *(decided[label][name] for name in scores),
            )
            for label in said.labels
        ),
    )
