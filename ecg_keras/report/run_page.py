"""`write_report`: the files of a run as one page of HTML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from markupsafe import Markup

from ecg_keras.attribution import CAUTION
from ecg_keras.data import quality_rows
from ecg_keras.evaluation import diagnose_run, tuning_rows, tuning_sentence
from ecg_keras.report import run_words
from ecg_keras.report.blocks import (
    Block,
    Code,
    Drawing,
    Ecgs,
    Figures,
    Fold,
    Group,
    Items,
    Rows,
    Section,
    facts,
)
from ecg_keras.report.comparison_page import comparison_blocks
from ecg_keras.report.decision_sections import decisions_section
from ecg_keras.report.explained_ecgs import MarkedEcgs, explain_choices
from ecg_keras.report.page import write_page
from ecg_keras.report.plots import loss_plot, score_plot
from ecg_keras.report.run_files import RunFiles, read_ecgs, read_run
from ecg_keras.report.score_sections import (
    calibration_table,
    curves_section,
    decisions_table,
    scores_section,
    sets_sections,
)
from ecg_keras.report.shown_ecgs import choose_records, show_ecgs
from ecg_keras.report.subgroup_sections import subgroups_section
from ecg_keras.report.tables import Column, Table
from ecg_keras.text import percent

LEAD_QUALITY = (
    "Median over all ECGs, and in brackets the 95th percentile: share of time without change, "
    "share of samples at the end of the scale, white noise (root mean square), wander of the "
    "baseline (the same), and hum of the power line (amplitude) before the sampling rate was "
    "changed."
)
OF_WHICH_LABEL = (
    "Marked on each is what drove the answer for one label: the missed one, the false alarm, the "
    "one with the largest loss, or, of right and typical answers, the one furthest above its "
    "threshold."
)


def write_report(
    run: str | Path, *, shards: str | Path | None = None, explain: bool | None = None
) -> Path:
    """Writes ``report.html`` into a run folder: one file, no network, the same bytes every time.

    Args:
        run: a run that was trained and evaluated.
        shards: the folder its test ECGs are drawn from; by default the one it was trained from.
            Where that one is gone, the page says so instead of drawing ECGs.
        explain: whether what drove the answers is marked on the ECGs; by default as the recipe
            says. It is computed the first time, and then kept in ``explanations.npz``.

    Returns:
        The page.

    Raises:
        DataError: a file of the run is missing or damaged, or ``shards`` is given and holds
            another dataset than the run's.

    Example:
        >>> write_report("runs/quickstart")
        PosixPath('runs/quickstart/report.html')
    """
    files = read_run(Path(run))
    comparison = files.comparison
    compared = comparison_blocks(comparison) if comparison else ()
    return write_page(
        files.run.report,
        title=str(files.status["name"]),
        kind="Report of one network for ECG diagnosis",
        verdict=_verdict(files),
        sections=(
            scores_section(files.scores),
            *([Section("comparison", "Comparison with the baseline", compared)] * bool(compared)),
            _thresholds(files),
            *sets_sections(files.scores),
            curves_section(files.scores, *files.same_test),
            subgroups_section(files.scores.subgroups),
            decisions_section(files.same_test, files.scores),
            Section("training", "Training", tuple(_training(files))),
            _ecgs(files, None if shards is None else Path(shards), explain),
            Section("data", "Data", tuple(_data(files))),
            Section("limits", "Limits", (Items(run_words.limits(files)),)),
            _settings(files),
        ),
    )


def _verdict(files: RunFiles) -> tuple[str, ...]:
    """How well the network does, whether it beats its baseline, and what speaks against that."""
    seeds, comparison = files.seeds, files.comparison
    several = (seeds.sentence, *seeds.diagnostics) if seeds else ()
    against = (
        (comparison.sentence, *comparison.warnings)
        if comparison
        else diagnose_run(files.run.folder)
    )
    return (run_words.run_sentence(files), *several, *against)


def _thresholds(files: RunFiles) -> Section:
    blocks = (
        " ".join(files.scores.threshold_notes),
        Rows(decisions_table(files.scores)),
        files.scores.calibration.sentence,
        Rows(calibration_table(files.scores)),
    )
    return Section("thresholds", "Thresholds and decisions", blocks)


def _training(files: RunFiles) -> list[Block]:
    """Loss and scores per epoch on the split that chose one; other seeds, and the tuning."""
    blocks: list[Block] = ["The run has no log.csv: there is nothing to draw."]
    history, before = files.history, files.baseline_history
    if history is not None:
        split = run_words.chooser(files)
        both = " Dashed: the baseline." if before else ""
        loss = Drawing(
            "training-loss",
            f"Training and {split} loss of each epoch",
            f"Binary cross-entropy on the training split, as it learns, and on {split}.{both}",
            lambda: loss_plot(history, before, split),
        )
        score = Drawing(
            "training-score",
            f"{split.capitalize()} scores of each epoch",
            f"Macro AUROC and macro AUPRC on the {split} split.{both}",
            lambda: score_plot(history, before, split),
        )
        blocks = [run_words.training_sentence(files), Figures((loss, score))]
    if files.seeds:
        note = (
            "The same recipe trained again with other first weights and another order of the "
            "records; the verdict over all of them is at the top. What else this page shows is of "
            "the first."
        )
        blocks.append(Group("Other seeds", (note, _plain_rows("Seeds", *files.seeds.cells()))))
    for title, tuned in (
        ("Tuning", files.tuned),
        ("Tuning of the baseline", files.baseline_tuned),
    ):
        if tuned is not None:
            rows = _plain_rows("Candidates", *tuning_rows(tuned))
            blocks.append(Group(title, (tuning_sentence(tuned), rows)))
    return blocks


def _ecgs(files: RunFiles, shards: Path | None, explain: bool | None) -> Section:
    thresholds = np.array([files.scores.thresholds[label] for label in files.test.labels])
    choices = choose_records(files.test, thresholds)
    chosen_ids = [str(files.test.record_ids[choice.row]) for choice in choices]
    stored, missing = read_ecgs(files, chosen_ids, shards)
    wanted = files.recipe.evaluation.explain if explain is None else explain
    found = explain_choices(files, choices, stored) if wanted else MarkedEcgs()
    shown = show_ecgs(files.test, thresholds, choices, stored, "ecg", found.of_records)
    introduction = (
        "Chosen by the rule above each, the same for every run; none was picked by hand. "
        "Probabilities are those that were scored, and an ECG counts as having a label from the "
        "label's threshold upwards."
    )
    remarks = [f"The ECGs can't be drawn. {missing}"] if missing else []
    remarks += [f"What drove the answers is not marked: {found.why_not}"] if found.why_not else []
    remarks += [f"{OF_WHICH_LABEL} {CAUTION}"] if found.of_records else []
    return Section("ecgs", "ECGs of the test split", (introduction, *remarks, Ecgs(shown, "ecg")))


def _data(files: RunFiles) -> list[Block]:
    dataset = files.dataset
    blocks: list[Block] = []
    if files.anomalies:
        faults = Markup(
            "<strong>The check of the data found faults</strong>, and the network was trained all "
            "the same (<code>data.anomalies: warn</code>):"
        )
        blocks += [faults, Items(files.anomalies)]
    known = run_words.data_facts(dataset, files.guarded)
    blocks += [facts("What the network was trained and tested on", known), Rows(_splits(files))]
    heading, *rows = quality_rows(dataset.quality, dataset.leads)
    quality = _plain_rows("Quality of each lead", heading, rows, LEAD_QUALITY)
    blocks.append(Fold("Quality of each lead", (quality,)))
    for title, lines in run_words.left_out(dataset, files.guarded).items():
        blocks.append(Fold(title, (Items(tuple(lines)),)))
    return blocks


def _splits(files: RunFiles) -> Table:
    """ECGs, patients and positives of each split."""
    splits = files.dataset.splits

    def share(positives: int, records: int) -> str:
        return f"{positives:,} ({percent(positives / records, 1)})" if records else "0"

    return Table(
        "splits",
        "ECGs, patients and positives of each split",
        run_words.patients_apart(files.dataset),
        (Column("what", "Of each split"), *(Column(name, name, "number") for name in splits)),
        (
            ("ECGs", *(f"{split.records:,}" for split in splits.values())),
            ("Patients", *(f"{split.patients:,}" for split in splits.values())),
            *(
                (label, *(share(one.labels[label], one.records) for one in splits.values()))
                for label in files.dataset.labels
            ),
        ),
    )


def _settings(files: RunFiles) -> Section:
    recipe = Fold("The recipe, resolved (recipe.yaml)", (Code(files.recipe_text),))
    lines = {str(name): str(value) for name, value in files.environment.items()}
    environment = (
        facts("The environment it was trained in", lines)
        if lines
        else "The run has no environment.json."
    )
    return Section("settings", "Settings and environment", (recipe, environment))


def _plain_rows(
    title: str, heading: Sequence[str], rows: Sequence[Sequence[str]], caption: str = ""
) -> Rows:
    """Cells of text that are numbers, but for the first of each row."""
    first, *others = heading
    columns = (Column("0", first), *(Column(head, head, "number") for head in others))
    return Rows(Table("", title, caption, columns, tuple(map(tuple, rows))))
