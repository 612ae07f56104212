"""The sections with scores, decisions and curves of each label; and the page of scores alone."""

from __future__ import annotations

from pathlib import Path

from ecg_keras.evaluation import (
    LEAST_PATIENTS,
    Estimate,
    LabelSet,
    Predictions,
    Scores,
    expected_coverage,
)
from ecg_keras.metrics import score_name
from ecg_keras.report.blocks import Block, Figures, Fold, Group, Items, Note, Rows, Section
from ecg_keras.report.decision_sections import decisions_section
from ecg_keras.report.label_curves import draw_label
from ecg_keras.report.page import write_page
from ecg_keras.report.subgroup_sections import subgroups_section
from ecg_keras.report.tables import Column, Table, capital, cell_text
from ecg_keras.text import percent

MOST_PANELS = 12  # labels with curves: more would make a page that is slow on a phone
SUMMARY = "macro_auroc"
SHARES = {"alone": "One answer", "either": "Either", "neither": "Neither"}
FOR_RESEARCH = "For research. Not a medical device, and not to be used for diagnosis."
LIMITS = (
    "The predictions were made elsewhere: whether a test ECG or its patient was trained on was not "
    "looked at.",
    FOR_RESEARCH,
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
    calibrated = scores.calibration.apply(test)
    tested = f"{scores.records:,} ECGs of {scores.patients:,} patients"
    score = scores.summary[SUMMARY]
    sentence = f"No {score_name(SUMMARY)} on {tested}: no label is defined there."
    if score is not None:
        interval = describe_interval(score, scores.level)
        sentence = f"{capital(score_name(SUMMARY))} {score.value:.3f} ({interval}) on {tested}."
    return write_page(
        Path(path),
        title=title,
        kind="Scores of predictions for ECG diagnosis",
        verdict=(sentence,),
        sections=(
            scores_section(scores),
            Section(
                "decisions",
                "Decisions and calibration",
                (Rows(decisions_table(scores)), Rows(calibration_table(scores))),
            ),
            *sets_sections(scores),
            curves_section(scores, calibrated),
            *([subgroups_section(scores.subgroups)] if scores.subgroups else []),
            decisions_section([calibrated], scores),
            Section("notes", "How to read these numbers", (Items((*scores.notes, *LIMITS)),)),
        ),
    )


def describe_interval(score: Estimate, level: float) -> str:
    """The interval of a score in a sentence, or why it has none."""
    if not score.has_interval:
        return "too few patients for an interval"
    return f"{percent(level)} interval {score.low:.3f} to {score.high:.3f}"


def scores_section(scores: Scores) -> Section:
    """The summary scores, and how well each label is ranked."""
    level = percent(scores.level)
    rows: list[tuple[str, Estimate | float | None]] = [
        (capital(score_name(name)), score) for name, score in scores.shown.items()
    ]
    if scores.macro_ece is not None:
        rows.append(("Macro ECE (lower is better)", scores.macro_ece))
    summary = Table(
        "scores",
        "Summary scores",
        f"{scores.records:,} ECGs of {scores.patients:,} patients. Intervals: {level}, over "
        f"patients, from {scores.bootstrap:,} resamples of them; too few where fewer than "
        f"{LEAST_PATIENTS} have or lack a label.",
        (Column("score", "Score"), Column("value", "Value", "score")),
        tuple(rows),
        first=len(scores.summary),
    )
    labels = Table(
        "labels",
        "Scores of each label",
        "How well each label's probability ranks the ECGs. Chance is 0.5 for AUROC and the "
        "prevalence for AUPRC.",
        (
            Column("label", "Label"),
            Column("positives", "Positives", "count", "1.positives"),
            Column("prevalence", "Prevalence", "number",
                   lambda item: percent(item[1].prevalence, 1)),
            Column("auroc", "AUROC", "score", "1.auroc"),
            Column("auprc", "AUPRC", "score", "1.auprc"),
        ),
        scores.labels.items(),
    )  # fmt: skip
    blocks: list[Block] = [Rows(summary), Rows(labels)]
    if scores.undefined:
        names = ", ".join(scores.undefined)
        note = f"Undefined on this test split, and left out of the means: {names}."
        blocks.append(Note(note))
    if scores.challenge_note:
        note = f"No score of the PhysioNet/CinC Challenge: {scores.challenge_note}."
        blocks.append(Note(note))
    return Section("scores", "Scores on the test split", tuple(blocks))


def decisions_table(scores: Scores) -> Table:
    """What is decided at each label's threshold."""
    return Table(
        "decisions",
        "Decisions at each label's threshold",
        f"On the test split, with {percent(scores.level)} intervals.",
        (
            Column("label", "Label"),
            Column("threshold", "Threshold", "decimal", lambda item: scores.thresholds[item[0]]),
            Column("f1", "F1", "score", "1.f1"),
            Column("sensitivity", "Sensitivity", "score", "1.sensitivity"),
            Column("specificity", "Specificity", "score", "1.specificity"),
        ),
        scores.labels.items(),
    )


def calibration_table(scores: Scores) -> Table:
    """The best that any threshold could give, and how well the probabilities are calibrated."""
    return Table(
        "calibration",
        "Best thresholds and calibration of each label",
        "F-max is F1 at the best threshold for these very ECGs, which flatters; the sensitivity "
        "has the best threshold for them that leaves 95 % of the negatives alone. Brier score and "
        "ECE say how far the probabilities are from what happens: 0 is best. ECE has no interval, "
        "because resamples repeat ECGs, which looks like miscalibration.",
        (
            Column("label", "Label"),
            Column("f_max", "F-max", "decimal", "1.f_max.value"),
            Column("sensitivity", "Sens. at 95 % spec.", "score",
                   "1.sensitivity_at_95_specificity"),
            Column("brier", "Brier score", "score", "1.brier"),
            Column("ece", "ECE", "decimal", "1.ece"),
        ),
        scores.labels.items(),
    )  # fmt: skip


def sets_sections(scores: Scores) -> tuple[Section, ...]:
    """The conformal sets of each label: how often they were right, and how often of one answer."""
    sets = scores.sets
    if sets is None:
        return ()

    def share(name: str) -> Column:
        return Column(name, SHARES[name], "number", lambda item: _share(getattr(item[1], name)))

    def expected(item: tuple[str, LabelSet], patients: int) -> Estimate | None:
        if item[1].absent_to is None:
            return None
        return Estimate(sets.level, *expected_coverage(patients, sets.level, scores.level))

    there = [item for item in sets.labels.items() if item[1].absent_to is not None]
    label = Column("label", "Label")
    measured = Table(
        "sets",
        f"Sets of answers for {percent(sets.level)} coverage, on the test split",
        "How many patients with the label have a set that holds present, and without it absent, "
        f"with {percent(scores.level)} intervals; then the share of ECGs whose set is one answer, "
        "either or neither.",
        (
            label,
            Column("coverage_with", "Holds present", "score", "1.coverage_with"),
            Column("coverage_without", "Holds absent", "score", "1.coverage_without"),
            *map(share, SHARES),
        ),
        there,
    )
    limits = Table(
        "set-limits",
        "Where the sets come from",
        "The validation patients behind each limit. The coverage is promised as a mean over "
        "validation splits; beside it, where it is for "
        f"{percent(scores.level)} of splits with that many patients.",
        (
            label,
            Column("absent_to", "Absent up to", "decimal", "1.absent_to"),
            Column("present_from", "Present from", "decimal", "1.present_from"),
            Column("with_label", "Patients with", "count", "1.with_label"),
            Column("without_label", "Patients without", "count", "1.without_label"),
            Column("expected_with", "Expected to hold present", "score",
                   lambda item: expected(item, item[1].with_label)),
            Column("expected_without", "Expected to hold absent", "score",
                   lambda item: expected(item, item[1].without_label)),
        ),
        sets.labels.items(),
    )  # fmt: skip
    shown = limits if sets.by == "class" else limits.select([one.key for one in limits.columns[:5]])
    blocks: tuple[Block, ...] = (
        " ".join(sets.notes),
        *([Rows(measured)] if there else []),
        Fold("Where the sets come from", (Rows(shown),)),
    )
    return (Section("sets", "Where it should not decide alone", blocks),)


def _share(value: float | None) -> str:
    return "undefined" if value is None else percent(value, 1)


def curves_section(
    scores: Scores, test: Predictions, baseline: Predictions | None = None
) -> Section:
    """ROC, precision-recall and calibration of the labels with most positives.

    The curves of ``baseline``, of the same records and labels, are dashed.
    """
    defined = [label for label, row in scores.labels.items() if row.auroc is not None]
    most = sorted(defined, key=lambda label: -scores.labels[label].positives)[:MOST_PANELS]
    note = "On the test split. The diamond is the label's threshold."
    if baseline is not None:
        note += " Dashed: the baseline, on the same ECGs."
    if len(most) < len(defined):
        note += f" Shown are the {len(most)} labels with most positives; the tables have all."
    groups = (
        Group(label, (_panels(scores, test, baseline, label),))
        for label in defined
        if label in most
    )
    return Section("curves", "Curves of each label", (note, *groups))


def _panels(scores: Scores, test: Predictions, baseline: Predictions | None, label: str) -> Figures:
    row, records = scores.labels[label], len(test.targets)
    captions = (
        f"ROC curve. AUROC {cell_text('score', row.auroc)}.",
        f"Precision-recall curve. AUPRC {cell_text('score', row.auprc)}; chance is "
        f"{row.prevalence:.3f}.",
        f"Calibration, with {percent(scores.level)} intervals over patients, above the "
        f"probabilities of the {row.positives:,} ECGs with and the {records - row.positives:,} "
        "without the label.",
    )
    column, threshold = tuple(test.labels).index(label), scores.thresholds[label]
    drawings = draw_label("label", test, column, threshold, captions, scores.level, baseline)
    return Figures(drawings, "panels")
