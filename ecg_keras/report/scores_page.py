"""`scores_page`: the scores of predictions made elsewhere as one page of HTML."""

from __future__ import annotations

from pathlib import Path

from ecg_keras.evaluation import Predictions, Scores
from ecg_keras.evaluation.tables import score_name
from ecg_keras.report.blocks import Figures, Group, Items, Rows, Section, Text
from ecg_keras.report.figures import MOST_PANELS, label_panels
from ecg_keras.report.sections import write_sections
from ecg_keras.report.study_names import capital
from ecg_keras.report.tables import Column, Table
from ecg_keras.report.wording import interval_words
from ecg_keras.text import percent

SUMMARY = "macro_auroc"
LIMITS = (
    "The predictions were made elsewhere: whether a test ECG or its patient was trained on was not "
    "looked at.",
    "For research. Not a medical device, and not to be used for diagnosis.",
)


def scores_page(scores: Scores, test: Predictions, path: str | Path, *, title: str) -> Path:
    """Writes scores, decisions and curves as one file that needs no network.

    Args:
        scores: of `ecg_keras.evaluation.evaluate`.
        test: the predictions that were scored, as they were passed to it.
        path: the HTML file to write.
        title: the heading.

    Returns:
        ``path``.

    Example:
        >>> scores_page(evaluate(test, valid), test, "theirs.html", title="theirs")
        PosixPath('theirs.html')
    """
    return write_sections(
        Path(path),
        title=title,
        kind="Scores of predictions for ECG diagnosis",
        verdict=(_sentence(scores),),
        sections=(
            Section("scores", "Scores", (Rows(_summary(scores)), Rows(_labels(scores)))),
            Section("decisions", "Decisions and calibration", (Rows(_decisions(scores)),)),
            _curves(scores, scores.calibration.apply(test)),
            Section("notes", "What to know of these numbers", (Items((*scores.notes, *LIMITS)),)),
        ),
    )


def _sentence(scores: Scores) -> str:
    tested = f"{scores.records:,} ECGs of {scores.patients:,} patients"
    score = scores.summary[SUMMARY]
    if score is None:
        return f"No {score_name(SUMMARY)} on {tested}: no label is defined there."
    interval = interval_words(score, scores.level)
    return f"{capital(score_name(SUMMARY))} {score.value:.3f} ({interval}) on {tested}."


def _summary(scores: Scores) -> Table:
    return Table(
        "scores",
        "Summary scores",
        f"{percent(scores.level)} intervals from {scores.bootstrap:,} resamples of patients.",
        (Column("score", "Score"), Column("value", "Value", "score")),
        tuple((capital(score_name(name)), score) for name, score in scores.shown.items()),
    )


def _labels(scores: Scores) -> Table:
    return Table(
        "labels",
        "Scores of each label",
        "Chance is 0.5 for AUROC and the prevalence for AUPRC.",
        (
            Column("label", "Label"),
            Column("positives", "Positives", "count"),
            Column("prevalence", "Prevalence", "decimal"),
            Column("auroc", "AUROC", "score"),
            Column("auprc", "AUPRC", "score"),
        ),
        tuple(
            (label, row.positives, row.prevalence, row.auroc, row.auprc)
            for label, row in scores.labels.items()
        ),
    )


def _decisions(scores: Scores) -> Table:
    return Table(
        "decisions",
        "Decisions at each label's threshold, and calibration",
        "Brier score and ECE: lower is better.",
        (
            Column("label", "Label"),
            Column("threshold", "Threshold", "decimal"),
            Column("f1", "F1", "score"),
            Column("sensitivity", "Sensitivity", "score"),
            Column("specificity", "Specificity", "score"),
            Column("brier", "Brier score", "score"),
            Column("ece", "ECE", "decimal"),
        ),
        tuple(
            (
                *(label, scores.thresholds[label], row.f1, row.sensitivity, row.specificity),
                *(row.brier, row.ece),
            )
            for label, row in scores.labels.items()
        ),
    )


def _curves(scores: Scores, test: Predictions) -> Section:
    panels = label_panels(scores, test)
    said = "The diamond is the label's threshold."
    if len(panels) == MOST_PANELS < len(scores.labels):
        said += f" Shown are the {MOST_PANELS} labels with most positives; the tables have all."
    groups = (Group(panel.label, (Figures(panel.figures, "panels"),)) for panel in panels)
    return Section("curves", "Curves of each label", (Text(said), *groups))
