"""The section of groups of test records: a forest and tables of each column's groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ecg_keras.evaluation import Beside, GroupGain, Subgroup, Subgroups, say_gains
from ecg_keras.metrics import score_name
from ecg_keras.report.blocks import Block, Drawing, Figures, Fold, Group, Note, Rows, Section
from ecg_keras.report.forest import ForestRow, forest_plot
from ecg_keras.report.tables import Column, Table, capital
from ecg_keras.text import percent, plural

INTRODUCTION = (
    "Each group of test ECGs beside all others, at the thresholds of all. Where no difference is "
    "shown, its interval says how large a one is still possible; one that is shown may come from "
    "harder cases and not from the network."
)
# in the order of the tables
COMPARED = {"auroc": "AUROC", "sensitivity": "Sensitivity", "specificity": "Specificity",
            "observed_less_predicted": "Observed − predicted"}  # fmt: skip


def subgroups_section(found: Subgroups | None) -> Section:
    """How the network does in groups of test ECGs."""
    title = "Who it works for"
    if found is None or not found.groups:
        why = "They were not scored by group" if found is None else "No group of them is known"
        how = (
            f"{why}. `ecg-keras evaluate RUN` adds the groups of the recipe to a run of an earlier "
            "version; `ecg-keras evaluate RUN --by sex --by COLUMN --table FILE --json "
            "RUN/scores.json` scores others; and `ecg-keras report RUN` writes its page again."
        )
        return Section("subgroups", title, (how,))
    level = percent(found.level)
    forest = Drawing(
        "subgroups-forest",
        "Difference in macro AUROC of each group from the rest",
        f"Group − rest in macro AUROC, over the labels that enough patients have and lack on both "
        f"sides, with {level} intervals over patients. Filled where the interval leaves out zero, "
        "before any correction.",
        lambda: forest_plot(_forest_rows(found), sides=("lower than the rest", "higher")),
    )
    blocks: list[Block] = [*found.sentences, Note(INTRODUCTION)]
    if any(one.deciding.difference for one in found.groups):
        blocks.append(Figures((forest,)))
    blocks.append(Rows(groups_table(found)))
    labels = tuple(
        Group(
            f"{capital(column)}: {title}",
            (Rows(labels_table(found, groups, name, title)),),
        )
        for column, groups in found.by_column.items()
        for name, title in COMPARED.items()
    )
    blocks.append(Fold("Each label in each group", (Note(_explain_labels(found)), *labels)))
    return Section("subgroups", title, tuple(blocks))


def _explain_labels(found: Subgroups) -> str:
    return (
        f"The p-values are corrected (Holm) for {plural(found.tests[1], 'difference')} of single "
        "labels. Observed − predicted is the share of ECGs that have the label less the mean "
        "probability: above zero the label is under-predicted there. AUPRC and ECE are not "
        "compared: the first depends on how common the label is in a group, the second on how many "
        "ECGs it has."
    )


def _forest_rows(found: Subgroups) -> list[ForestRow]:
    return [
        ForestRow(name, one.deciding.difference, group=capital(column))
        for column, groups in found.by_column.items()
        for name, one in _shown_once(groups)
        if one.deciding.difference is not None
    ]


def _shown_once(groups: Sequence[Subgroup]) -> list[tuple[str, Subgroup]]:
    """Of two groups the first alone: the other is the same difference from the other side."""
    if len(groups) == 2:
        return [(f"{groups[0].name} against {groups[1].name}", groups[0])]
    return [(one.name, one) for one in groups]


def _short(word: str) -> str:
    """The word as a table has room for it, under the heading that a difference is shown."""
    return "none shown" if word == "no difference shown" else word


def groups_table(found: Subgroups) -> Table:
    """Each group's macro AUROC beside that of the rest."""
    return Table(
        "subgroups",
        "Groups of test ECGs",
        f"Macro AUROC with {percent(found.level)} intervals; p-values corrected (Holm) for "
        f"{plural(found.tests[0], 'difference')}. Too few: fewer than five patients have or lack "
        "every label, in the group or in the rest.",
        (
            Column("group", "Group", "way", lambda one: (one.name, one.column)),
            Column("difference", "Difference", "difference", "deciding.difference"),
            Column("word", "Than the rest", "word", lambda one: _short(one.deciding.word)),
            Column("p_holm", "p, Holm", "p", "deciding.p_holm"),
            Column("macro_auroc", "Macro AUROC", "score", "deciding.group"),
            Column("rest", "Rest", "decimal", "deciding.rest.value"),
            Column("records", "ECGs", "count"),
            Column("patients", "Patients", "count"),
        ),
        found.groups,
    )


def labels_table(found: Subgroups, groups: Sequence[Subgroup], score: str, title: str) -> Table:
    """One score of each label in each group of a column."""

    def beside(row: tuple[str, Subgroup]) -> Beside:
        return row[1].labels[row[0]].scores[score]

    extra: list[Column] = []
    if score == "auroc":
        extra = [Column("auprc", "AUPRC", "score", lambda row: row[1].labels[row[0]].auprc)]
    if score == "observed_less_predicted":
        extra = [Column("ece", "ECE", "decimal", lambda row: row[1].labels[row[0]].ece)]
    signed = score == "observed_less_predicted"
    return Table(
        f"subgroups_{score}",
        f"{title} of each label by {groups[0].column}",
        f"With {percent(found.level)} intervals.",
        (
            Column("label", "Label", "way", lambda row: (row[0], row[1].name)),
            Column("positives", "Positives", "count", lambda row: row[1].labels[row[0]].positives),
            Column("group", title,
                   "difference" if signed else "score", lambda row: beside(row).group),
            Column("rest", "Rest", "signed" if signed else "decimal",
                   lambda row: None if (rest := beside(row).rest) is None else rest.value),
            Column("difference", "Difference", "difference", lambda row: beside(row).difference),
            Column("p_holm", "p, Holm", "p", lambda row: beside(row).p_holm),
            Column("word", "Than the rest", "word", lambda row: _short(beside(row).word)),
            *extra,
        ),
        [(label, one) for label in groups[0].labels for one in groups],
    )  # fmt: skip


def gains_blocks(
    gains: Sequence[GroupGain], names: tuple[str, str], metric: str, level: float, prefix: str = ""
) -> tuple[Block, ...]:
    """Whether one of two networks, or ways of training, gains more in one group than elsewhere."""
    if not gains:
        return ()
    a, b = names
    forest = Drawing(
        f"{prefix}gains-forest",
        f"Difference {a} − {b} in each group",
        f"{a} − {b} in {score_name(metric)}, over the labels that enough patients have and lack in "
        f"the group and in the rest, with paired {percent(level)} intervals.",
        lambda: forest_plot(
            [
                ForestRow(one.name, one.gain, group=capital(one.column))
                for one in gains
                if one.gain is not None
            ],
            sides=(f"{b} is better", f"{a} is better"),
        ),
    )
    figure = (Figures((forest,)),) if any(one.gain for one in gains) else ()
    return (say_gains(gains), *figure, Rows(gains_table(gains, names, metric, level)))


def gains_table(
    gains: Iterable[GroupGain], names: tuple[str, str], metric: str, level: float
) -> Table:
    """The difference in each group, and less that of the rest."""
    a, b = names
    found = tuple(gains)
    return Table(
        "group_gains",
        f"{a} − {b} in groups of test ECGs",
        f"In {score_name(metric)}, paired, with {percent(level)} intervals. Beside each "
        "difference is the interaction: it less that in the rest, with p-values corrected (Holm) "
        "for all groups.",
        (
            Column("group", "Group", "way", lambda one: (one.name, one.column)),
            Column("gain", "Difference", "difference"),
            Column("interaction", "Less the rest's", "difference"),
            Column("word", "Than the rest", "word", lambda one: _short(one.word)),
            Column("p_holm", "p, Holm", "p"),
            Column("records", "ECGs", "count"),
            Column("patients", "Patients", "count"),
        ),
        found,
    )
