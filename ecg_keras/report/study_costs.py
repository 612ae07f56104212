"""The sections of a study's page about cost and use: transferability, ledger, and the findings."""

from __future__ import annotations

from ecg_keras.evaluation import Estimate
from ecg_keras.report.blocks import (
    Absent,
    Block,
    Figures,
    Fold,
    Judged,
    Section,
    Text,
    table_blocks,
)
from ecg_keras.report.figures import Captioned
from ecg_keras.report.study_cost_tables import ledger_table, transferability_table
from ecg_keras.report.study_names import level, metric_name, name_once
from ecg_keras.report.study_plots import Cost, ledger_plot, scatter_plot
from ecg_keras.report.svg import inline_svg
from ecg_keras.report.tables import cell_text
from ecg_keras.statistics import StudyResult, Transferability
from ecg_keras.transferability import TITLES

LEDGER_ROWS = 20  # of one figure
FEWEST_ARMS = 3  # that a scatter shows anything of


def transferability(result: StudyResult) -> Section | Absent:
    """Each estimate made before training against the gain that came of it."""
    drawn: list[Captioned] = []
    for number, one in enumerate(result.transferability, start=1):
        if len(one.values) < FEWEST_ARMS:
            continue
        name = TITLES.get(one.metric, one.metric)
        points = [(arm.downstream, value, gain) for arm, value, gain in one.values]
        shown = inline_svg(
            scatter_plot(points, name),
            f"transferability{number}",
            f"Realised gain over {name} of {len(points)} arms",
        )
        drawn.append((shown, f"{name}. {_correlation(one)}"))
    if not any(one.values for one in result.transferability):
        return Absent("transferability", "no estimate was computed for the arms of this study.")
    return Section(
        "transferability",
        "Transferability and realised gain",
        (
            Text(
                "Each mark is an arm: across, what an estimate promised of its pre-trained network "
                "before any training, higher is more; upwards, the gain in "
                f"{metric_name(result)} over {result.question['reference']}. Weighted Kendall τ "
                "counts agreement at the top of the ranking more; its "
                f"{level(result)} interval is wide where arms are few."
            ),
            *((Figures(tuple(drawn), "panels"),) if drawn else ()),
            *table_blocks(name_once(transferability_table(result))),
        ),
    )


def _correlation(one: Transferability) -> str:
    if one.tau is None:
        return f"τ is undefined over {len(one.values)} arms."
    tau = cell_text("difference", Estimate(*one.tau))
    return f"τ = {tau} over {len(one.values)} arms."


def ledger(result: StudyResult) -> Section | Absent:
    """What each way of training costs, with and without its share of the pre-training."""
    if not result.ledger:
        return Absent("ledger", "no run noted its time.")
    pays = [row for row in result.ledger if row.tasks_to_pay is not None]
    started = [row for row in result.ledger if row.pretraining]
    beyond = sum(row.saved_interval is not None and row.saved_interval[0] > 0 for row in pays)
    said = (
        f"Of {len(started)} ways from a pre-trained network, {len(pays)} saved time to the same "
        f"quality as measured, {beyond} of them by an interval over runs that leaves out zero. "
        "Only where time is saved can a pre-training pay for itself."
        if started
        else "No way of this study starts from a pre-trained network."
    )
    costs = [
        Cost(row.way, row.title, row.own, row.pretraining / max(1, row.shared_by))
        for row in result.ledger
    ]
    parts = [costs[at : at + LEDGER_ROWS] for at in range(0, len(costs), LEDGER_ROWS)]
    drawn = tuple(
        (
            inline_svg(ledger_plot(part), f"ledger{number}", "Time of each way of training"),
            "Time of one run, and of its share of the pre-training.",
        )
        for number, part in enumerate(parts, start=1)
    )
    blocks: list[Block] = [Text(said), Figures(drawn[:2])]
    if drawn[2:]:
        blocks.append(Fold("The other costs", (Figures(drawn[2:]),)))
    return Section("ledger", "Ledger", (*blocks, *table_blocks(ledger_table(result))))


def findings(result: StudyResult) -> Section | Absent:
    """The published findings, tested here."""
    if not result.findings:
        return Absent("findings", "the published findings were not tested.")
    return Section(
        "findings",
        "The published findings, tested here",
        (
            Text(
                "What Nguyen and Do (PLoS ONE 2025, 20(5):e0316043) found, and whether the data of "
                "this study say the same, with its databases, backbones and recipes. Undecided is "
                "what it did not look at, what its intervals leave open, and what rests on one "
                "seed or one comparison alone."
            ),
            *(Judged(one.claim, one.word, one.evidence) for one in result.findings),
        ),
    )
