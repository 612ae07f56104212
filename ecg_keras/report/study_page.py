"""`write_study`: from a study's result to a view of it, a list of sections, a page and files."""

from __future__ import annotations

from pathlib import Path

from ecg_keras.report import (
    study_costs,
    study_differences,
    study_groups,
    study_labels,
    study_learning,
    study_record,
    study_verdicts,
)
from ecg_keras.report.blocks import Absent, Section
from ecg_keras.report.page import write_page
from ecg_keras.report.study_checklist import checklist
from ecg_keras.report.study_record import Given
from ecg_keras.report.study_view import StudyView
from ecg_keras.report.table_files import write_tables
from ecg_keras.statistics import StudyResult


def write_study(result: StudyResult, folder: str | Path, *, ecgs: Given = None) -> Path:
    """Writes ``report.html`` and ``tables/`` into a study's folder; the same bytes every time.

    The page is one file that needs no network. What the study can't show is omitted, and
    the page's section on what was not done says why.

    Args:
        result: of the study.
        folder: of the study.
        ecgs: to show, by downstream; none shows the worst errors of each downstream's best arm,
            drawn from the folders that ``result.datasets[downstream]["shards"]`` lists, one for
            each fold. Where those can't be read, the page says so instead of drawing them.

    Returns:
        The page.

    Example:
        >>> write_study(result, "runs/quick")
        PosixPath('runs/quick/report.html')
    """
    study = StudyView(result)
    parts = study_parts(study, ecgs)
    write_tables((table for part in parts for table in part.tables), Path(folder, "tables"))
    return write_page(
        Path(folder, "report.html"),
        title=result.name,
        kind="Study of ways to train networks for ECG diagnosis",
        verdict=(*result.answers, *study_verdicts.alarm(study)),
        sections=[part for part in parts if isinstance(part, Section)],
    )


def study_parts(study: StudyView, ecgs: Given = None) -> tuple[Section | Absent, ...]:
    """The sections of the page in its order, and those that have nothing to show."""
    parts = (
        study_verdicts.verdicts(study),
        study_differences.differences(study),
        study_differences.controls(study),
        study_learning.learning_curves(study),
        study_learning.convergence(study),
        study_differences.protocols(study),
        study_differences.families(study),
        study_learning.tuning(study),
        study_labels.labels(study),
        study_labels.calibration(study),
        study_labels.thresholds(study),
        study_groups.decisions(study),
        study_groups.gains(study),
        study_costs.transferability(study),
        study_costs.ledger(study),
        study_costs.findings(study),
        study_record.data(study),
        study_record.ecgs(study, ecgs),
        study_record.settings(study),
    )
    there = {one.anchor: one.title for one in parts if isinstance(one, Section)}
    appendix = checklist(study, {**there, "not-done": "What was not done"})
    absent = [one for one in (*parts, appendix) if isinstance(one, Absent)]
    return (*parts, study_record.not_done(study, absent), appendix)
