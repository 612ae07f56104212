"""The sections of a study's page about cost and use: transferability, ledger, and the findings."""

from __future__ import annotations

from functools import partial

from markupsafe import Markup

from ecg_keras.evaluation import Estimate
from ecg_keras.report.blocks import Absent, Block, Drawing, Figures, Fold, Group, Rows, Section
from ecg_keras.report.forest import CostRow, ledger_plot
from ecg_keras.report.learning_plots import scatter_plot
from ecg_keras.report.study_view import StudyView
from ecg_keras.report.tables import Column, Table, arm_columns, cell_text, word_html
from ecg_keras.statistics import LedgerRow, Transferability
from ecg_keras.text import plural
from ecg_keras.transferability import TITLES

LEDGER_ROWS = 20  # of one figure
NOT_KNOWN = "not known"
FEWEST_ARMS = 3  # that a scatter shows anything of


def transferability(study: StudyView) -> Section | Absent:
    """Each estimate made before training against the gain that came of it."""
    table = _transferability_table(study)
    estimates = study.result.transferability
    if not any(one.values for one in estimates):
        reason = "no estimate was computed for the arms of this study."
        return Absent("transferability", reason, (table,))
    drawings = tuple(
        _scatter(number, one)
        for number, one in enumerate(estimates, start=1)
        if len(one.values) >= FEWEST_ARMS
    )
    introduction = (
        "Each mark is an arm: across, what an estimate promised of its pre-trained network "
        "before any training, higher is more; upwards, the gain in "
        f"{study.metric_name} over {study.reference}. Weighted Kendall τ "
        "counts agreement at the top of the ranking more. It ranks the upstreams of one "
        "downstream, network and mode, as values of others can't be compared, and is the mean of "
        f"those that have at least five; its {study.level} interval, over upstreams, is wide where "
        "they are few."
    )
    figures = (Figures(drawings, "panels"),) if drawings else ()
    blocks = (introduction, *figures, Rows(table, fold=True))
    return Section("transferability", "Transferability and realised gain", blocks, (table,))


def ledger(study: StudyView) -> Section | Absent:
    """What each way of training costs, with and without its share of the pre-training."""
    table = _ledger_table(study)
    ways = study.result.ledger
    if not ways:
        return Absent("ledger", "no run noted its time.", (table,))
    costs = [CostRow(row.way, row.title, row.own, row.share or 0.0) for row in ways]
    parts = [costs[at : at + LEDGER_ROWS] for at in range(0, len(costs), LEDGER_ROWS)]
    drawings = tuple(
        Drawing(
            f"ledger{number}",
            "Time of each way of training",
            "Time of one run, and of its share of the pre-training.",
            partial(ledger_plot, part),
        )
        for number, part in enumerate(parts, start=1)
    )
    blocks: list[Block] = [_pays(study), Figures(drawings[:2])]
    if drawings[2:]:
        blocks.append(Fold("The other costs", (Figures(drawings[2:]),)))
    return Section("ledger", "Ledger", (*blocks, Rows(table, fold=True)), (table,))


def findings(study: StudyView) -> Section | Absent:
    """The published findings, tested here."""
    found = study.result.findings
    columns = (Column("claim", "Claim"), Column("word", "Here", "word"),
               Column("evidence", "Evidence"))  # fmt: skip
    title = "Findings of Nguyen and Do (2025), tested here"
    table = Table("findings", title, "", columns, found)
    if not found:
        return Absent("findings", "the published findings were not tested.", (table,))
    introduction = (
        "What Nguyen and Do (PLoS ONE 2025, 20(5):e0316043) found, and whether the data of "
        "this study say the same, with its databases, backbones and recipes. Undecided is "
        "what it did not look at, what its intervals leave open, and what rests on one "
        "seed or one comparison alone."
    )
    judged = (
        Group(one.claim, (Markup("{}. {}").format(word_html(one.word), one.evidence),))
        for one in found
    )
    title = "The published findings, tested here"
    return Section("findings", title, (introduction, *judged), (table,))


def _scatter(number: int, one: Transferability) -> Drawing:
    name = TITLES.get(one.metric, one.metric)
    points = [(arm.downstream, value, gain) for arm, value, gain in one.values]
    tau = "is undefined"
    if one.tau is not None:
        tau = f"= {cell_text('difference', Estimate(*one.tau))}"
    return Drawing(
        f"transferability{number}",
        f"Realised gain over {name} of {len(points)} arms",
        f"{name}. τ {tau}. {len(points)} arms.",
        lambda: scatter_plot(points, name),
    )


def _pays(study: StudyView) -> str:
    """In how many ways a pre-training saves time."""
    started = [row for row in study.result.ledger if row.upstream]
    if not started:
        return "No way of this study starts from a pre-trained network."
    saves = [row for row in started if row.saved is not None and row.saved > 0]
    beyond = sum(row.saved_interval is not None and row.saved_interval[0] > 0 for row in saves)
    unknown = sum(row.pretraining is None for row in started)
    return (
        f"Of {plural(len(started), 'way')} from a pre-trained network, {len(saves)} saved time to "
        f"the same quality as measured, {beyond} of them by an interval over runs that leaves out "
        "zero. Only where time is saved can a pre-training pay for itself."
        + f" What the pre-training took is not known of {unknown:,}."
        * (unknown > 0)
    )


def _transferability_table(study: StudyView) -> Table:
    """Every estimate of transferability beside the gain that came of it."""
    return Table(
        "transferability",
        "Transferability and realised gain",
        f"Higher estimates promise more. Gain: difference from {study.reference} in "
        f"{study.metric_name}. τ: weighted Kendall correlation of the two over the upstreams of "
        f"one downstream, network and mode, the mean of those, with its {study.level} interval.",
        (
            Column("metric", "Estimate", "text", "0"),
            *arm_columns("1"),
            Column("value", "Value", "decimal", "2"),
            Column("gain", "Gain", "signed", "3"),
            Column("tau", "τ", "difference", "4"),
        ),
        [
            (TITLES.get(one.metric, one.metric), *values, one.tau and Estimate(*one.tau))
            for one in study.result.transferability
            for values in one.values
        ],
    )


def _ledger_table(study: StudyView) -> Table:
    """What each way of training costs, alone and with its share of the pre-training."""
    return Table(
        "ledger",
        "What each way of training costs",
        "Time on the machine of this study. The share is the pre-training's time divided by the "
        "downstream ways of this study that start from it. Saved: time to the same quality on "
        f"{study.chooser} that one run saves against {study.reference}, before pre-training. Pays "
        "after: downstream tasks after which the pre-training has paid for itself.",
        (
            Column("task", "Task", "text", "title", plain=True),
            Column("way", "Way"),
            Column("own", "One run", "seconds"),
            Column("to_quality", "To quality", "seconds"),
            Column("pretraining", "Pre-training", "seconds",
                   lambda row: _if_started(row, row.pretraining)),
            Column("shared_by", "Shared by", "count",
                   lambda row: row.shared_by if row.upstream else ""),
            Column("with_share", "Run with its share", "seconds",
                   lambda row: NOT_KNOWN if row.share is None else row.own + row.share),
            Column("saved", "Saved", "seconds",
                   lambda row: "undefined" if row.saved is None else row.saved),
            Column("tasks_to_pay", "Pays after", "epochs",
                   lambda row: _if_started(row, row.tasks_to_pay)),
        ),
        study.result.ledger,
    )  # fmt: skip


def _if_started(row: LedgerRow, value: float | None) -> float | str | None:
    """What there is of a pre-training alone, and of one of which the cost is known."""
    if not row.upstream:
        return ""
    return NOT_KNOWN if row.pretraining is None else value
