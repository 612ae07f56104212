"""Decision curves on the pages of runs, files and studies: figures, and a table of some thresholds.

Vickers & Elkin (2006), Medical Decision Making 26:565.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ecg_keras.evaluation import (
    POOLED,
    DecisionCurve,
    Estimate,
    Predictions,
    Scores,
    decision_curves,
)
from ecg_keras.report.blocks import Block, Drawing, Figures, Note, Rows, Section
from ecg_keras.report.label_curves import choose_columns, say_most
from ecg_keras.report.plots import NAMES
from ecg_keras.report.style import (
    BASELINE,
    GUIDE,
    LIGHT,
    PANEL_INCHES,
    RUN,
    Look,
    add_legend,
    in_style,
)
from ecg_keras.report.tables import Column, Table, capital
from ecg_keras.text import percent

SHOWN = (0.05, 0.1, 0.2, 0.3, 0.5)  # thresholds of the table
MOST_LABELS = 5  # with curves, besides all pooled
INTRODUCTION = (
    "Net benefit is what acting on the probabilities is worth: true positives less false alarms, "
    "per ECG, where the threshold says how bad a miss is: at 10 %, as bad as nine false alarms; at "
    "50 %, as bad as one. A network is of use where its curve is above both lines: acting on every "
    "ECG, and on none. Bands are intervals over patients, at one threshold at a time."
)
UNCALIBRATED = (
    "The probabilities were not calibrated: a threshold of 10 % is not a risk of 10 %, and the "
    "same network may be worth more once it is calibrated."
)


def decisions_section(networks: Sequence[Predictions], scores: Scores) -> Section:
    """Decision curves of a network and, dashed, of its baseline, drawn as the network's scores."""
    curves = curves_of(
        networks, bootstrap=scores.bootstrap, level=scores.level, seed=scores.seed, names=NAMES
    )
    uncalibrated = scores.calibration.method == "none"
    blocks: tuple[Block, ...] = (
        f"{INTRODUCTION}{say_left_out(networks[0])}",
        *([Note(UNCALIBRATED)] if uncalibrated else []),
        curve_figures(curves, scores.level, NAMES, ""),
        Rows(benefits_table(curves, scores.level, NAMES), fold=True),
    )
    return Section("decision-curves", "Decision curves", blocks)


def curves_of(
    networks: Sequence[Predictions],
    *,
    bootstrap: int,
    level: float,
    seed: int,
    names: tuple[str, str],
) -> tuple[DecisionCurve, ...]:
    """Of all labels pooled, and of those with most positives that are not everywhere."""
    labels = [networks[0].labels[at] for at in choose_columns(networks[0], MOST_LABELS)]
    return decision_curves(
        networks, labels=labels, bootstrap=bootstrap, level=level, seed=seed, names=names
    )


def say_left_out(tested: Predictions) -> str:
    """That some labels have no curve of their own, as a sentence; empty where all have."""
    return say_most(tested, MOST_LABELS, "the others are in the pooled curve alone")


def curve_figures(
    curves: Sequence[DecisionCurve], level: float, names: tuple[str, str], prefix: str
) -> Figures:
    """A panel for each curve; ``prefix`` makes their names unique in the page."""
    return Figures(
        tuple(
            Drawing(
                f"{prefix}benefit{number}",
                f"Decision curve of {curve.label}",
                f"{capital(curve.label)}, {percent(level)} intervals.",
                partial(benefit_plot, curve, names),
            )
            for number, curve in enumerate(curves)
        ),
        "panels",
    )


@in_style
def benefit_plot(curve: DecisionCurve, names: tuple[str, str]) -> Figure:
    """Net benefit over the threshold, between acting on all and on none."""
    figure = Figure(figsize=PANEL_INCHES, layout="constrained")
    axes = figure.subplots()
    everyone: Look = {"color": LIGHT["muted"], "linewidth": 1.1, "label": "act on all"}
    axes.plot(curve.thresholds, curve.treat_all, **everyone)
    axes.axhline(0, label="act on none", **GUIDE)
    for network, name, look in zip(curve.networks, names, (RUN, BASELINE), strict=False):
        _draw_band(axes, curve.thresholds, network, name, look)
    top = max(0.01, *(one.value for own in curve.networks for one in own), *curve.treat_all)
    axes.set(
        xlabel="Threshold probability",
        ylabel="Net benefit",
        xlim=(0, curve.thresholds[-1]),
        ylim=(-0.25 * top, 1.08 * top),
    )
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    add_legend(figure)
    return figure


def _draw_band(
    axes: Axes, thresholds: Sequence[float], network: Sequence[Estimate], name: str, look: Look
) -> None:
    axes.plot(thresholds, [one.value for one in network], label=name, **look)
    low, high = np.array([(one.low, one.high) for one in network]).T
    axes.fill_between(thresholds, low, high, color=look["color"], alpha=0.13, linewidth=0)


def benefits_table(
    curves: Sequence[DecisionCurve],
    level: float,
    names: tuple[str, str],
    shown: Sequence[float] = SHOWN,
) -> Table:
    """Net benefit at some thresholds, over acting on all or none, and over another network."""
    several = len(curves[0].networks) > 1
    rows = [
        (curve, at)
        for curve in curves
        for at, threshold in enumerate(curve.thresholds)
        if threshold in shown
    ]
    columns = [
        Column("label", "Label", "text", "0.label"),
        Column("threshold", "Threshold", "decimal", lambda row: row[0].thresholds[row[1]])
        if shown is not SHOWN
        else Column("threshold", "Threshold", "number",
                    lambda row: percent(row[0].thresholds[row[1]])),
        Column("net_benefit", "Net benefit", "score", lambda row: row[0].networks[0][row[1]]),
        Column("treat_all", "Of acting on all", "decimal", lambda row: row[0].treat_all[row[1]]),
        Column("gain", "Over acting on all or none", "difference",
               lambda row: row[0].gain[row[1]]),
    ]  # fmt: skip
    if several:
        difference = Column("difference", f"Over {names[1]}", "difference",
                            lambda row: row[0].difference[row[1]])  # fmt: skip
        columns.append(difference)
    return Table(
        "decision_curves",
        f"Net benefit at {'some' if shown is SHOWN else 'all'} thresholds",
        f"With {percent(level)} intervals; {POOLED} are the mean of the labels. The better of "
        "acting on all and on none is what needs no network.",
        tuple(columns),
        rows,
    )
