"""From a run's files to its figures, each with the sentence that stands below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from ecg_keras import metrics
from ecg_keras.data import Dataset, StoredRecord
from ecg_keras.evaluation import Comparison, Estimate, Predictions, Scores
from ecg_keras.evaluation.tables import score_name
from ecg_keras.report.choose import Choice
from ecg_keras.report.ecg_plot import plot_ecg
from ecg_keras.report.inputs import RunFiles
from ecg_keras.report.plots import (
    Curve,
    calibration_plot,
    forest_plot,
    loss_plot,
    pr_plot,
    roc_plot,
    score_plot,
)
from ecg_keras.report.svg import inline_svg
from ecg_keras.report.wording import chooser

MOST_PANELS = 12  # labels with curves: more would make a page that is slow on a phone
MOST_POINTS = 300  # of a curve: more can't be told apart at its size
Captioned = tuple[Markup, str]


@dataclass(frozen=True)
class LabelPanel:
    """The curves of one label."""

    label: str
    figures: tuple[Captioned, ...]


@dataclass(frozen=True)
class Decision:
    """One label of one ECG: the truth, and what the network says."""

    label: str
    truth: str
    probability: float
    threshold: float
    decision: str


@dataclass(frozen=True)
class ShownEcg:
    """An ECG of the test split; ``others`` counts the labels absent in truth and decision."""

    rule: str
    record_id: str
    about: str
    svg: Markup | None
    rows: tuple[Decision, ...]
    others: int


def label_panels(
    scores: Scores, test: Predictions, baseline: Predictions | None = None
) -> tuple[LabelPanel, ...]:
    """ROC, precision-recall and calibration of the labels with most positives.

    Args:
        scores: of ``test``.
        test: the predictions that were scored.
        baseline: of the same records and labels, whose curves are dashed.
    """
    rows = scores.labels
    defined = [label for label in rows if rows[label].auroc is not None]
    most = sorted(defined, key=lambda label: -rows[label].positives)[:MOST_PANELS]
    return tuple(_panel(scores, test, baseline, label) for label in defined if label in most)


def _panel(scores: Scores, test: Predictions, other: Predictions | None, label: str) -> LabelPanel:
    column = tuple(test.labels).index(label)
    name = f"label{column}"
    row, threshold = scores.labels[label], scores.thresholds[label]
    target, probability = test.targets[:, column], test.probabilities[:, column]
    roc = roc_plot(roc_curve(test, column, threshold), other and roc_curve(other, column))
    pr = pr_plot(
        pr_curve(test, column, threshold), row.prevalence, other and pr_curve(other, column)
    )
    calibration = calibration_plot(target, probability)
    return LabelPanel(
        label,
        (
            (
                inline_svg(roc, f"{name}-roc", f"ROC curve of {label}"),
                f"ROC curve. AUROC {_say(row.auroc)}.",
            ),
            (
                inline_svg(pr, f"{name}-pr", f"Precision-recall curve of {label}"),
                f"Precision-recall curve. AUPRC {_say(row.auprc)}; chance is {row.prevalence:.3f}.",
            ),
            (
                inline_svg(calibration, f"{name}-calibration", f"Calibration of {label}"),
                f"Calibration, with 95 % intervals, over the probabilities of the "
                f"{row.positives:,} ECGs with and the {len(target) - row.positives:,} without "
                "the label.",
            ),
        ),
    )


def roc_curve(predictions: Predictions, column: int, threshold: float | None = None) -> Curve:
    """The ROC curve of a label, as few points as can be told apart."""
    target, probability = predictions.targets[:, column], predictions.probabilities[:, column]
    x, y, at = metrics.roc_curve(target, probability)
    return _curve(x, y, at, threshold)


def pr_curve(predictions: Predictions, column: int, threshold: float | None = None) -> Curve:
    """The precision-recall curve of a label, likewise."""
    target, probability = predictions.targets[:, column], predictions.probabilities[:, column]
    x, y, at = metrics.pr_curve(target, probability)
    return _curve(x, y, at, threshold)


def _curve(x: np.ndarray, y: np.ndarray, at: np.ndarray, threshold: float | None) -> Curve:
    """At most `MOST_POINTS` points, spread evenly along the curve's length."""
    point = None
    if threshold is not None:
        last = np.flatnonzero(at >= threshold)[-1]
        point = (float(x[last]), float(y[last]))
    if len(x) > MOST_POINTS:
        length = np.cumsum(np.abs(np.diff(x, prepend=x[0])) + np.abs(np.diff(y, prepend=y[0])))
        goals = np.linspace(0, length[-1], MOST_POINTS)
        kept = np.unique(np.minimum(np.searchsorted(length, goals), len(x) - 1))
        x, y = x[kept], y[kept]
    return Curve(x, y, point)


def training_figures(files: RunFiles) -> tuple[Captioned, ...]:
    """Loss and scores per epoch on the split that chose one; none without a log."""
    if files.history is None:
        return ()
    split = chooser(files)
    both = " Dashed: the baseline." if files.baseline_history else ""
    loss = loss_plot(files.history, files.baseline_history, split)
    score = score_plot(files.history, files.baseline_history, split)
    return (
        (
            inline_svg(loss, "training-loss", f"Training and {split} loss of each epoch"),
            f"Binary cross-entropy on the training split, as it learns, and on {split}.{both}",
        ),
        (
            inline_svg(score, "training-score", f"{split.capitalize()} scores of each epoch"),
            f"Macro AUROC and macro AUPRC on the {split} split.{both}",
        ),
    )


def forest_figure(comparison: Comparison) -> Markup:
    """The differences of the summary scores, then those of each label's AUROC."""
    summary = [(score_name(name), row) for name, row in comparison.summary.items()]
    labels = [(name, row) for name, row in comparison.labels.items() if row is not None]
    a, b = comparison.names
    figure = forest_plot([*summary, *labels], len(summary))
    return inline_svg(figure, "forest", f"Differences {a} − {b} of the scores and of each AUROC")


def shown_ecgs(
    files: RunFiles, choices: Sequence[Choice], records: Mapping[str, StoredRecord]
) -> tuple[ShownEcg, ...]:
    """The chosen ECGs with their labels; a record that is not in ``records`` is not drawn."""
    return tuple(
        show_ecg(
            files.test,
            files.scores.thresholds,
            choice,
            records.get(str(files.test.record_ids[choice.row])),
            files.dataset,
            f"ecg{index}",
        )
        for index, choice in enumerate(choices, start=1)
    )


def show_ecg(
    predictions: Predictions,
    thresholds: Mapping[str, float],
    choice: Choice,
    record: StoredRecord | None,
    dataset: Dataset | None,
    name: str,
) -> ShownEcg:
    """One ECG with its labels; drawn where its record and the dataset that holds it are there.

    Args:
        predictions, thresholds: the truth, and what the network says of it.
        choice: which record, and why.
        record, dataset: where it can be drawn.
        name: of the figure, unique in the page.
    """
    record_id = str(predictions.record_ids[choice.row])
    rows = tuple(
        _decision(label, bool(truth), float(probability), thresholds[label])
        for label, truth, probability in zip(
            predictions.labels,
            predictions.targets[choice.row],
            predictions.probabilities[choice.row],
            strict=True,
        )
    )
    # many labels: only those that something is to be said of
    told = tuple(row for row in rows if row.decision != "absent, right") or rows[:1]
    shown = rows if len(rows) <= MOST_PANELS else told
    about = [f"Record {record_id}", f"patient {predictions.patient_ids[choice.row]}"]
    svg = None
    if record is not None and dataset is not None:
        about += [f"{record.age:.0f} years"] if record.age is not None else []
        about += [record.sex] if record.sex else []
        drawn = plot_ecg(record.signal, sampling_rate=dataset.sampling_rate, leads=dataset.leads)
        svg = inline_svg(drawn, name, f"ECG of record {record_id}, 25 mm/s, 10 mm/mV")
    return ShownEcg(
        choice.rule, record_id, ", ".join(about) + ".", svg, shown, len(rows) - len(shown)
    )


def _decision(label: str, truth: bool, probability: float, threshold: float) -> Decision:
    decided = bool(metrics.decide([[probability]], [threshold])[0, 0])
    verdict = "right" if decided == truth else ("missed" if truth else "false alarm")
    named = {True: "present", False: "absent"}
    return Decision(label, named[truth], probability, threshold, f"{named[decided]}, {verdict}")


def _say(score: Estimate | None) -> str:
    if score is None:
        return "undefined"
    if not score.has_interval:
        return f"{score.value:.3f} (too few patients for an interval)"
    return f"{score.value:.3f} ({score.low:.3f} to {score.high:.3f})"
