"""The sections of a study's page about learning: over training sets, and over epochs."""

from __future__ import annotations

from ecg_keras.report.blocks import (
    OPEN_ROWS,
    Absent,
    Block,
    Figures,
    Fold,
    Group,
    Rows,
    Section,
    Text,
    first_open,
    table_blocks,
)
from ecg_keras.report.figures import Captioned
from ecg_keras.report.study_cost_tables import speed_table
from ecg_keras.report.study_curve_plots import convergence_plot, learning_plot
from ecg_keras.report.study_names import (
    best_of_each,
    by_downstream,
    first_protocol,
    group_title,
    largest_sets,
    level,
    luck,
    name_once,
)
from ecg_keras.report.study_tables import curves_table, worth_table
from ecg_keras.report.svg import inline_svg
from ecg_keras.statistics import Convergence, StudyResult, say_worths

NESTED = "Training sets are nested: a smaller one is part of every larger one. "


def learning_curves(result: StudyResult) -> Section | Absent:
    """Scores over the number of training ECGs, and where the reference catches up."""
    if not result.curves:
        return Absent("learning curves", "they need at least three training sizes.")
    titles = list(dict.fromkeys(curve.title for curve in result.curves))
    groups = []
    for title in titles:
        drawn = []
        for number, curve in enumerate(result.curves, start=1):
            if curve.title == title:
                name = f"{curve.way} and {curve.reference}, {title}: scores and their difference"
                shown = inline_svg(learning_plot(curve), f"learning{number}", name)
                drawn.append((shown, " ".join((curve.says, *say_worths([curve])))))
        groups.append(Group(title, (Figures(tuple(drawn)),)))
    return Section(
        "learning-curves",
        "Learning curves",
        (
            Text(
                f"{'' if result.elsewhere else NESTED}Bars are "
                f"{level(result)} intervals over {luck(result)}; lines are fitted power laws "
                "with theirs, where one fits. The lower panel is the difference over the band that "
                "does not matter; the upright line is the crossover, its band the interval. "
                "The arrow shows what a way is worth in labels: on how many training ECGs the "
                "reference scores the same, its bar the interval."
            ),
            *first_open(groups, "The other learning curves"),
            Fold("All points as a table", (Rows(curves_table(result)),)),
            Fold("What each point is worth in labels", (Rows(worth_table(result)),)),
        ),
    )


def convergence(result: StudyResult) -> Section | Absent:
    """Mean validation curves of the ways of each group, and the time to the same quality."""
    protocol, reference = first_protocol(result), str(result.question["reference"])
    groups: dict[tuple[str, str], dict[str, Convergence]] = {}
    for name, arm in result.arms.items():
        curve = arm.convergence
        # a head in closed form has one epoch, and nothing converges
        if curve is None or not curve.score.size or len(curve.epochs) == 1:
            continue
        if name.protocol == protocol:
            groups.setdefault((name.downstream, group_title(result, name)), {})[name.way] = curve
    if not groups:
        return Absent("convergence", "no run logged a validation score.")
    best = best_of_each(result)
    largest = {name: group_title(result, one.arm) for name, one in best.items()}
    first: list[Captioned] = []
    rest: list[Captioned] = []
    for number, ((downstream, title), curves) in enumerate(groups.items(), start=1):
        caption = f"{downstream}, {title}."
        figure = convergence_plot(curves, reference)
        named = f"Validation score over epochs of {', '.join(curves)}: {caption}"
        shown = (inline_svg(figure, f"convergence{number}", named), caption)
        (first if largest.get(downstream, title) == title else rest).append(shown)
    blocks: list[Block] = [
        Text(
            "Mean score on validation over all runs of an arm (each seed and fold); the band holds "
            "the middle 80 % of the runs. A run that ended sooner keeps its last score."
        ),
        Figures(tuple(first)),
    ]
    if rest:
        blocks.append(Fold("The other groups", (Figures(tuple(rest)),)))
    if result.comparisons:
        few = [one for name in by_downstream(result).values() for one in largest_sets(name)]
        if len(few) <= OPEN_ROWS < len(result.comparisons):
            blocks.append(Rows(name_once(speed_table(result, few))))
        blocks += table_blocks(name_once(speed_table(result, result.comparisons)))
    return Section("convergence", "Convergence", tuple(blocks))
