"""`write_study`: everything that a study says as one page of HTML, and its tables as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ecg_keras.report import (
    study_answer,
    study_controls,
    study_costs,
    study_learning,
    study_record,
    study_scores,
    study_tuning,
)
from ecg_keras.report.blocks import Absent, Section
from ecg_keras.report.figures import ShownEcg
from ecg_keras.report.sections import write_sections
from ecg_keras.report.study_checklist import checklist
from ecg_keras.report.study_tables import write_tables
from ecg_keras.statistics import StudyResult

NOT_DONE = Section("not-done", "What was not done", ())  # is always there, and needs all others


def write_study(
    result: StudyResult,
    folder: str | Path,
    *,
    ecgs: Mapping[str, Sequence[ShownEcg]] | None = None,
) -> Path:
    """Writes ``report.html`` and ``tables/`` into a study's folder; the same bytes every time.

    The page is one file that needs no network. Whatever the study could not tell is left out, and
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
    folder = Path(folder)
    write_tables(result, folder / "tables")
    sections = study_sections(result, ecgs)
    return write_sections(
        folder / "report.html",
        title=result.name,
        kind="Study of ways to train networks for ECG diagnosis",
        verdict=(*result.answers, *study_answer.alarm(result)),
        sections=sections,
    )


def study_sections(
    result: StudyResult, ecgs: Mapping[str, Sequence[ShownEcg]] | None = None
) -> tuple[Section, ...]:
    """The sections of the page, in its order, without those that have nothing to say."""
    made = (
        study_answer.verdicts(result),
        study_answer.differences(result),
        study_controls.controls(result),
        study_learning.learning_curves(result),
        study_learning.convergence(result),
        study_answer.protocols(result),
        study_answer.families(result),
        study_tuning.tuning(result),
        study_scores.labels(result),
        study_scores.calibration(result),
        study_scores.thresholds(result),
        study_costs.transferability(result),
        study_costs.ledger(result),
        study_costs.findings(result),
        study_record.data(result),
        study_record.ecgs(result, ecgs),
        study_record.settings(result),
    )
    there = [one for one in made if isinstance(one, Section)]
    appendix = checklist(result, {one.anchor: one.title for one in (*there, NOT_DONE)})
    absent = [one for one in (*made, appendix) if isinstance(one, Absent)]
    there.append(replace(NOT_DONE, blocks=study_record.not_done(result, absent)))
    return (*there, appendix) if isinstance(appendix, Section) else tuple(there)
