"""`write_report`: the files of a run as one page of HTML that needs nothing else."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from ecg_keras.data import lead_profile
from ecg_keras.evaluation import (
    LEAST_PATIENTS,
    Comparison,
    diagnose_run,
    p_text,
    tuning_rows,
    tuning_sentence,
)
from ecg_keras.evaluation.tables import score_name
from ecg_keras.files import replacing
from ecg_keras.report import wording
from ecg_keras.report.choose import choose_records
from ecg_keras.report.figures import (
    forest_figure,
    label_panels,
    shown_ecgs,
    training_figures,
)
from ecg_keras.report.inputs import RunFiles, read_ecgs, read_run
from ecg_keras.report.style import DARK, LIGHT
from ecg_keras.text import percent

CONTENTS = {
    "scores": "Scores",
    "comparison": "Comparison",
    "thresholds": "Thresholds",
    "curves": "Curves",
    "training": "Training",
    "ecgs": "ECGs",
    "data": "Data",
    "limits": "Limits",
    "settings": "Settings",
}


def write_report(run: str | Path, *, shards: str | Path | None = None) -> Path:
    """Writes ``report.html`` into a run folder: one file, no network, the same bytes every time.

    Args:
        run: a run that was trained and evaluated.
        shards: the folder its test ECGs are drawn from; by default the one it was trained from.
            Where that one is gone, the page says so instead of drawing ECGs.

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
    page = render_page("run.html.j2", _run_context(files, None if shards is None else Path(shards)))
    return write_page(files.run.report, page)


def comparison_page(comparison: Comparison, path: str | Path) -> Path:
    """Writes the comparison of any two runs as a page of its own.

    Args:
        comparison: of `ecg_keras.evaluation.compare`.
        path: the HTML file to write.

    Returns:
        ``path``.
    """
    context = {
        "title": " against ".join(comparison.names),
        "kind": "Paired comparison of two networks for ECG diagnosis",
        "verdict": (comparison.sentence, *comparison.warnings),
        "contents": {"comparison": "Comparison"}.items(),
        "comparison": comparison,
        "forest": forest_figure(comparison),
        "level": percent(comparison.level),
    }
    return write_page(Path(path), render_page("compare.html.j2", context))


def _run_context(files: RunFiles, shards: Path | None) -> dict[str, Any]:
    scores, comparison = files.scores, files.comparison
    thresholds = np.array([scores.thresholds[label] for label in files.test.labels])
    choices = choose_records(files.test, thresholds)
    chosen_ids = [str(files.test.record_ids[choice.row]) for choice in choices]
    records, ecgs_missing = read_ecgs(files, chosen_ids, shards)
    curves = label_panels(scores, files.test, files.baseline_test)
    verdict = [wording.run_sentence(files)]
    if files.seeds:
        verdict += (files.seeds.sentence, *files.seeds.diagnostics)
    if comparison:
        verdict += (comparison.sentence, *comparison.warnings)
    else:
        verdict += diagnose_run(files.run.folder)
    return {
        "title": files.status["name"],
        "kind": "Report of one network for ECG diagnosis",
        "verdict": verdict,
        "contents": [item for item in CONTENTS.items() if comparison or item[0] != "comparison"],
        "level": percent(scores.level),
        "least_patients": LEAST_PATIENTS,
        "scores": scores,
        "comparison": comparison,
        "forest": forest_figure(comparison) if comparison else None,
        "thresholds_from": wording.threshold_sentence(files),
        "curves": curves,
        "curves_note": _curves_note(files, len(curves)),
        "training": training_figures(files),
        "training_note": wording.training_sentence(files),
        "seeds": files.seeds.cells() if files.seeds else None,
        "tuning_note": None if files.tuned is None else tuning_sentence(files.tuned),
        "tuning": None if files.tuned is None else tuning_rows(files.tuned),
        "ecgs": shown_ecgs(files, choices, records),
        "ecgs_missing": ecgs_missing,
        "dataset": files.dataset,
        "data_facts": wording.data_facts(files.dataset, files.guarded),
        "patients_apart": wording.patients_apart(files.dataset),
        "anomalies": files.anomalies,
        "left_out": wording.left_out(files.dataset, files.guarded),
        "lead_quality": lead_profile.rows(files.dataset.quality, files.dataset.leads),
        "limits": wording.limits(files),
        "recipe_text": files.recipe_text,
        "environment": files.environment,
    }


def _curves_note(files: RunFiles, shown: int) -> str:
    drawn = "On the test split. The diamond is the label's threshold."
    if files.baseline_test is not None:
        drawn += " Dashed: the baseline, on the same ECGs."
    if shown < sum(row.auroc is not None for row in files.scores.labels.values()):
        drawn += f" Shown are the {shown} labels with most positives; the tables have all."
    return drawn


def render_page(template: str, context: dict[str, Any]) -> str:
    """The text of a page: a template of this package, filled; what is missing is an error."""
    environment = Environment(
        loader=PackageLoader("ecg_keras.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "count": lambda value: f"{value:,}",
        "decimal": lambda value: "undefined" if math.isnan(value) else f"{value:.3f}",
        "signed": lambda value: f"{value:+.3f}".replace("-", "−"),
        "percent": lambda value: f"{100 * value:.1f} %",
        "score_name": lambda name: score_name(name)[0].upper() + score_name(name)[1:],
        "p_value": p_text,
    }
    return environment.get_template(template).render(**context, light=LIGHT, dark=DARK)


def write_page(path: Path, page: str) -> Path:
    """Writes a page in one piece."""
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path
