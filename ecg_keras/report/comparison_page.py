"""`comparison_page`: the paired differences of two networks, also as a section of a run's page."""

from __future__ import annotations

from pathlib import Path

from ecg_keras.evaluation import Comparison, Difference
from ecg_keras.metrics import score_name
from ecg_keras.report.blocks import Block, Drawing, Figures, Group, Note, Rows, Section
from ecg_keras.report.forest import ForestRow, forest_plot
from ecg_keras.report.page import write_page
from ecg_keras.report.subgroup_sections import gains_blocks
from ecg_keras.report.tables import Column, Table, capital
from ecg_keras.text import percent


def comparison_page(comparison: Comparison, path: str | Path) -> Path:
    """Writes the comparison of any two runs as a page of its own.

    Args:
        comparison: of `ecg_keras.evaluation.compare`.
        path: the HTML file to write.

    Returns:
        ``path``.

    Example:
        >>> comparison_page(compare(ours, theirs, names=("ours", "theirs")), "compare.html")
        PosixPath('compare.html')
    """
    return write_page(
        Path(path),
        title=" against ".join(comparison.names),
        kind="Paired comparison of two networks for ECG diagnosis",
        verdict=(comparison.sentence, *comparison.warnings),
        sections=(Section("comparison", "Paired differences", comparison_blocks(comparison)),),
    )


def comparison_blocks(comparison: Comparison) -> tuple[Block, ...]:
    """The paired differences as a forest and as a table."""
    a, b = comparison.names
    level = percent(comparison.level)
    budget = f" {comparison.budget_sentence}" if comparison.budget_sentence else ""
    introduction = (
        f"Differences are {a} − {b}: above zero, {a} is better. Both were scored on the same "
        f"{comparison.records:,} ECGs of {comparison.patients:,} patients, and in each of "
        f"{comparison.bootstrap:,} resamples the same patients were drawn for both.{budget}"
    )
    forest = Drawing(
        "forest",
        f"Differences {a} − {b} of the scores and of each AUROC",
        f"Dot: difference; line: {level} interval. Filled where the interval leaves out zero, blue "
        "above it and orange below.",
        lambda: forest_plot(_forest_rows(comparison)),
    )
    table = _differences_table(comparison)
    blocks: list[Block] = [introduction, Figures((forest,)), Rows(table)]
    if comparison.undefined:
        names = ", ".join(comparison.undefined)
        note = f"In no mean, because no or every test ECG has them: {names}."
        blocks.append(Note(note))
    found = gains_blocks(
        comparison.groups, comparison.names, comparison.metric, comparison.level, "comparison-"
    )
    blocks += [Group("Who gains", found)] if found else []
    return tuple(blocks)


def _forest_rows(comparison: Comparison) -> list[ForestRow]:
    """The summary scores, then the AUROC of each label."""
    summary = [
        ForestRow(score_name(name), row, group="Scores") for name, row in comparison.summary.items()
    ]
    labels = [
        ForestRow(name, row, group="AUROC of each label")
        for name, row in comparison.labels.items()
        if row is not None
    ]
    return [*summary, *labels]


def _differences_table(comparison: Comparison) -> Table:
    a, b = comparison.names
    names: dict[str, Difference | None] = {
        capital(score_name(name)) + " (decides)" * (name == comparison.metric): row
        for name, row in comparison.summary.items()
    }
    names |= {f"AUROC of {label}": row for label, row in comparison.labels.items()}
    many = ", and not corrected for looking at many labels" * (len(comparison.labels) > 1)
    return Table(
        "differences",
        "Differences of the scores",
        f"Paired, with {percent(comparison.level)} intervals. The p-values are two-sided{many}.",
        (
            Column("score", "Score"),
            Column("a", a, "decimal", "1.a"),
            Column("b", b, "decimal", "1.b"),
            Column("difference", "Difference", "difference", "1"),
            Column("p", "p", "p", "1.p_value"),
        ),
        names.items(),
        first=len(comparison.summary),
    )
