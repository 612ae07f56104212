"""The sections of a study's page that explain its differences: forests, controls, protocols."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

from ecg_keras.metrics import score_name
from ecg_keras.report.blocks import Absent, Block, Drawing, Figures, Fold, Group, Rows, Section
from ecg_keras.report.forest import ForestRow, forest_plot
from ecg_keras.report.study_verdicts import count_verdicts, diagnosed
from ecg_keras.report.study_view import NO_ARM, StudyView, seeds_of
from ecg_keras.report.tables import MARKS, Column, Table, arm_columns
from ecg_keras.statistics import QUESTION, Compared, Interaction, Shift, explain_controls
from ecg_keras.text import plural

ONE_SEED = "trained networks are compared: intervals and p-values"  # see `StudyView.of_one_seed`
FOREST_ROWS = 20  # of one figure: it fits a printed page


def differences(study: StudyView) -> Section | Absent:
    """A forest of the paired differences of each downstream."""
    table = _differences_table(study, study.result.comparisons)
    if not study.result.comparisons:
        return Absent("differences", NO_ARM, (table,))
    luck = study.luck(seeds_of(study.result.comparisons))
    found = Counter[str](one.verdict.word for one in study.result.comparisons)
    legend = ", ".join(f"{mark} {word}" for word, mark in MARKS.items() if word in found)
    introduction = (
        f"Each line is an arm less {study.reference} in {study.metric_name}, on the same ECGs, "
        f"with its {study.level} interval over {luck}. The band is ±{study.margin:g}: "
        f"differences within it do not matter. {legend}."
    )
    first: list[Drawing] = []
    others: list[Drawing] = []
    for number, (name, compared) in enumerate(study.result.by_downstream.items(), start=1):
        for part, rows in enumerate(_split(study, compared), start=1):
            drawing = _forest(study, f"forest{number}-{part}", name, rows)
            (first if part == 1 else others).append(drawing)
    blocks: list[Block] = [introduction, Figures(tuple(first))]
    if others:
        blocks.append(Fold("The other differences", (Figures(tuple(others)),)))
    best = Rows(_differences_table(study, [*study.result.best.values()]))
    blocks.append(Fold("The best arm of each downstream in the other scores", (best,)))
    return Section("differences", "Differences", tuple(blocks), (table,))


def controls(study: StudyView) -> Section | Absent:
    """Whether a gain came from the pre-training, or merely from the architecture."""
    table = _controls_table(study)
    found = study.result.controls
    if not found:
        ours = "the study has none (with controls: true it has)."
        theirs = "predictions made elsewhere have none."
        return Absent("controls", theirs if study.result.elsewhere else ours, (table,))
    explained = explain_controls(found, study.metric)
    blocks = (*explained, *diagnosed(study, found), Rows(table))
    return Section("controls", QUESTION, blocks, (table,))


def protocols(study: StudyView) -> Section | Absent:
    """How far each weakness of a protocol moves the answer, before and after."""
    table = _shifts_table(study)
    shifts = study.result.shifts
    if not shifts:
        several = len({name.protocol for name in study.result.arms}) > 1
        reason = "no arm has runs of a protocol and of the one that it changes."
        one_alone = "the study has one protocol only."
        return Absent("other protocols", reason if several else one_alone, (table,))
    introduction = (
        f"The same differences from {study.reference} under one protocol (open circle) and under "
        "another that changes it (the arrow's end; filled where its interval leaves out zero)."
    )
    names = list(dict.fromkeys(one.protocol for one in shifts))
    groups = [
        _of_protocol(study, number, name, [one for one in shifts if one.protocol == name])
        for number, name in enumerate(names, start=1)
    ]
    blocks: tuple[Block, ...] = (introduction, *groups, Rows(table, fold=True))
    return Section("protocols", "What the protocol does to the answer", blocks, (table,))


def families(study: StudyView) -> Section | Absent:
    """Whether one family of backbones gains more from a mode than another."""
    table = _interactions_table(study)
    gains = study.result.interactions
    if not gains:
        reason = "a comparison of gains needs backbones of two families."
        return Absent("families of backbones", reason, (table,))
    pairs = list(dict.fromkeys(one.names for one in gains))
    figures = tuple(
        _of_families(study, f"families{number}", [one for one in gains if one.names == pair])
        for number, pair in enumerate(pairs, start=1)
    )
    blocks: tuple[Block, ...] = (Figures(figures), Rows(table, fold=True))
    return Section("families", "Which family of backbones gains more", blocks, (table,))


def _forest(
    study: StudyView, anchor: str, downstream: str, compared: Sequence[Compared]
) -> Drawing:
    rows = [
        ForestRow(one.arm.way, one.contrast, one.verdict.word, study.group_title(one.arm))
        for one in compared
    ]
    counted = count_verdicts(compared)
    title = f"Differences on {downstream}: {counted} The table of verdicts has the numbers."
    return Drawing(
        anchor, title, f"{downstream}. {counted}", lambda: forest_plot(rows, study.margin)
    )


def _split(study: StudyView, compared: Sequence[Compared]) -> list[list[Compared]]:
    """Parts of at most as many rows as one can take in, cut between groups where possible."""
    groups: dict[str, list[Compared]] = {}
    for one in compared:
        groups.setdefault(study.group_title(one.arm), []).append(one)
    parts: list[list[Compared]] = [[]]
    for rows in groups.values():
        if parts[-1] and len(parts[-1]) + len(rows) > FOREST_ROWS:
            parts.append([])
        parts[-1] += rows
    return parts


def _of_protocol(study: StudyView, number: int, protocol: str, shifts: Sequence[Shift]) -> Group:
    """The differences before and after a change of the protocol, a forest for each downstream."""
    against = shifts[0].arm.protocol
    moved = sum(one.contrast.low > 0 or one.contrast.high < 0 for one in shifts)
    seeds = seeds_of(shifts)
    sentence = (
        f"Against {against}, {protocol} moves {moved} of "
        f"{plural(len(shifts), 'difference')} by an amount whose {study.level} interval "
        f"leaves out zero, over {study.luck(seeds)}."
        f"{study.of_one_seed(seeds, ONE_SEED)}"
    )
    rows: dict[str, list[ForestRow]] = {}
    for one in shifts:
        group = study.group_title(one.arm)
        row = ForestRow(one.arm.way, one.after, group=group, before=one.before)
        rows.setdefault(one.arm.downstream, []).append(row)
    drawings = tuple(
        Drawing(
            f"protocol{number}-{part}",
            f"Differences on {downstream} under {against} and under {protocol}",
            downstream,
            partial(forest_plot, some, study.margin),
        )
        for part, (downstream, some) in enumerate(rows.items(), start=1)
    )
    return Group(protocol, (sentence, Figures(drawings)))


def _of_families(study: StudyView, anchor: str, gains: Sequence[Interaction]) -> Drawing:
    """The gains of two families of backbones against each other."""
    one, other = gains[0].names
    rows = [
        ForestRow(
            f"{each.mode} from {each.upstream}" if each.upstream else each.mode,
            each.contrast,
            group=f"{each.downstream}, {each.size:,} ECGs" if each.size else each.downstream,
        )
        for each in gains
    ]
    above = sum(each.contrast.low > 0 for each in gains)
    below = sum(each.contrast.high < 0 for each in gains)
    title = f"Gain of {one} less gain of {other}"
    caption = (
        f"{title}, with {study.intervals(seeds_of(gains))}; filled where zero is "
        f"left out. Of {plural(len(rows), 'gain')}, {above} are on the side of {one} and "
        f"{below} on the side of {other} with the whole interval."
        f"{study.of_one_seed(seeds_of(gains), ONE_SEED)}"
    )
    sides = (f"{other} gains more", f"{one} gains more")
    return Drawing(anchor, title, caption, lambda: forest_plot(rows, None, sides))


def _differences_table(study: StudyView, compared: Sequence[Compared]) -> Table:
    """Each comparison in every summary metric."""
    return Table(
        "differences",
        "Differences in every summary score",
        f"{study.intervals(seeds_of(compared))}; p-values as they are, corrected for "
        f"nothing. Only {study.metric_name} decides.",
        (
            *arm_columns("0"),
            Column("score", "Score", "text", "1"),
            Column("difference", "Difference", "difference", "2"),
            Column("p", "p", "p", "2.p_value"),
        ),
        [
            (one.arm, score_name(name), score)
            for one in compared
            for name, score in one.scores.items()
        ],
    )


def _controls_table(study: StudyView) -> Table:
    """Each way of training against what lacks nothing but its pre-training."""
    found = study.result.controls
    return Table(
        "controls",
        "Ways of training against their controls",
        f"Difference in {study.metric_name} on the same ECGs with its {study.level} interval "
        f"over {study.luck(seeds_of(found))}. Verdicts are corrected for "
        f"{plural(len(found), 'control')} (Holm), and those against the reference are not "
        f"corrected for these. {study.result.of_common_seeds(found)}",
        (
            *arm_columns(),
            Column("control", "Control", "text", "control.way"),
            Column("answer", "Answer"),
            Column("difference", "Difference", "difference", "contrast"),
            Column("p_holm", "p, Holm", "p", "verdict.p_value"),
            Column("verdict", "Verdict", "word", "verdict.word"),
            Column("control_score", "Control's score", "score",
                   lambda one: study.score(one.control)),
            Column("score", "Score", "score", lambda one: study.score(one.arm)),
        ),
        found,
    )  # fmt: skip


def _shifts_table(study: StudyView) -> Table:
    """How far each protocol moves each difference."""
    return Table(
        "protocols",
        "How far each protocol moves the answer",
        f"Differences from {study.reference} in {study.metric_name} under one protocol and under "
        f"another that changes it, with {study.intervals(seeds_of(study.result.shifts))}.",
        (
            Column("changed_protocol", "Changed protocol", "text", "protocol"),
            Column("against", "Against", "text", "arm.protocol"),
            *arm_columns(without="protocol"),
            Column("before", "Before", "difference"),
            Column("after", "After", "difference"),
            Column("shift", "Shift", "difference", "contrast"),
            Column("p", "p", "p", "contrast.p_value"),
        ),
        study.result.shifts,
    )


def _interactions_table(study: StudyView) -> Table:
    """Whether one family of backbones gains more."""
    return Table(
        "families",
        "Which family of backbones gains more",
        f"Gain in {study.metric_name} over {study.reference} of the first family "
        f"less that of the second, with {study.intervals(seeds_of(study.result.interactions))}.",
        (
            Column("downstream", "Downstream", plain=True),
            Column("protocol", "Protocol", plain=True),
            Column("mode", "Mode"),
            Column("upstream", "Upstream", plain=True),
            Column("size", "ECGs", "size", plain=True),
            Column("first", "First family", "text", "names.0", plain=True),
            Column("second", "Second family", "text", "names.1", plain=True),
            Column("difference", "Difference of gains", "difference", "contrast"),
            Column("p", "p", "p", "contrast.p_value"),
        ),
        study.result.interactions,
    )
