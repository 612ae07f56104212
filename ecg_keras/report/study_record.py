"""The sections of a study's page that are its record: data, ECGs, settings, what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ecg_keras.errors import DataError
from ecg_keras.report.blocks import (
    Absent,
    Block,
    Code,
    Ecgs,
    Fold,
    Group,
    Items,
    Rows,
    Section,
    Text,
    table_blocks,
)
from ecg_keras.report.figures import ShownEcg
from ecg_keras.report.study_cost_tables import failures_table
from ecg_keras.report.study_ecgs import study_ecgs
from ecg_keras.report.study_names import best_of_each, capital, group_title
from ecg_keras.report.tables import Column, Table
from ecg_keras.statistics import StudyResult
from ecg_keras.text import plural

OPEN_LINES = 8  # of a list of skews
HIDDEN = ("shards",)  # folders: of this machine, and no fact about the data
WITHOUT = {False: "The study names no shards of it.", True: "Predictions hold no signals."}
LIMITS = (
    "The labels are the databases'; nobody read the ECGs again.",
    "For research. Not a medical device, and not to be used for diagnosis.",
)


def data(result: StudyResult) -> Section | Absent:
    """A card for each database, and how each upstream differs from each downstream."""
    if not result.datasets:
        return Absent("data", "the databases are not described.")
    blocks: list[Block] = [Rows(_cards(result.datasets))]
    for name, facts in result.datasets.items():
        for key, value in facts.items():
            if isinstance(value, Mapping) and key not in HIDDEN:
                counts = [(str(one), _fact(number)) for one, number in value.items()]
                title = f"{capital(_words(key))} of {name}"
                blocks.append(Fold(title, (Rows(_pairs(title, counts)),)))
    for title, lines in result.skew.items():
        blocks.append(Group(f"Skew: {title}", _skew(lines)))
    return Section("data", "Data", tuple(blocks))


def ecgs(result: StudyResult, given: Mapping[str, Sequence[ShownEcg]] | None) -> Section | Absent:
    """The ECGs that the best arm of each downstream answers worst."""
    best = best_of_each(result)
    groups = []
    for number, (downstream, one) in enumerate(best.items(), start=1):
        arm = result.arms[one.arm]
        why = ""
        if given is not None:
            shown = tuple(given.get(downstream, ()))
        else:
            folders = tuple(result.datasets.get(downstream, {}).get("shards", ()))
            prefix = f"worst{number}"
            try:
                shown = study_ecgs(arm.predictions, arm.thresholds, folders, prefix=prefix)
                why = "" if folders else WITHOUT[result.elsewhere]
            except DataError as error:
                shown = study_ecgs(arm.predictions, arm.thresholds, (), prefix=prefix)
                why = str(error)
        if not shown:
            continue
        said = (
            f"{capital(one.arm.way)}, {group_title(result, one.arm)}: the mean probability over "
            "its seeds."
        )
        missing = (Text(f"The ECGs can't be drawn. {why}", "note"),) if why else ()
        groups.append(Group(downstream, (Text(said), *missing, Ecgs(shown, f"worst{number}"))))
    if not groups:
        return Absent("ECGs", "no arm was tested whose errors could be shown.")
    return Section(
        "ecgs",
        "ECGs of the worst errors",
        (
            Text(
                "Chosen by the rule above each, the same for every study; none was picked by hand. "
                "An ECG counts as having a label from the label's mean threshold upwards."
            ),
            *groups,
        ),
    )


def settings(result: StudyResult) -> Section:
    """The study's recipe and the environment."""
    title = "The question and the files" if result.elsewhere else "The study's recipe, resolved"
    blocks: list[Block] = [Fold(title, (Code(result.recipe_text),))]
    if result.environment:
        lines = [(key, _fact(value)) for key, value in result.environment.items()]
        blocks.append(Rows(_pairs("The environment it was trained in", lines)))
    elif not result.elsewhere:
        blocks.append(Text("The environment was not noted."))
    blocks.append(Text("The folder tables/ beside this page has its tables as CSV, Markdown and "
                       "LaTeX, those of every arm and label too."))  # fmt: skip
    return Section("settings", "Settings and environment", tuple(blocks))


def not_done(result: StudyResult, absent: Iterable[Absent]) -> tuple[Block, ...]:
    """Failures, what this page leaves out and why, and what its numbers do not say."""
    cells = result.cells
    counted = (
        f"Predictions of {plural(cells['done'], 'network')}, {cells['missing']:,} missing."
        if result.elsewhere
        else f"{plural(cells['done'], 'run')} done, {cells['failed']:,} failed, "
        f"{cells['missing']:,} missing."
    )
    blocks: list[Block] = [Text(counted)]
    if result.failures:
        blocks += table_blocks(failures_table(result))
    simulated = tuple(
        f"The ECGs of {name} are simulated: its scores say nothing about patients."
        for name, facts in result.datasets.items()
        if facts.get("source") == "simulated"
    )
    left_out = tuple(f"No {one.title}: {one.reason}" for one in absent)
    blocks.append(Items((*left_out, *result.not_done, *simulated, *LIMITS)))
    return tuple(blocks)


def _skew(lines: Sequence[str]) -> tuple[Block, ...]:
    if not lines:
        return (Text("None was found."),)
    if len(lines) <= OPEN_LINES:
        return (Items(tuple(lines)),)
    return (Fold(plural(len(lines), "difference"), (Items(tuple(lines)),)),)


def _cards(datasets: Mapping[str, Mapping[str, Any]]) -> Table:
    """The plain facts of all databases side by side."""
    keys = dict.fromkeys(
        key
        for facts in datasets.values()
        for key, value in facts.items()
        if key not in HIDDEN and not isinstance(value, Mapping)
    )
    return Table(
        "data",
        "The databases",
        "",
        (Column("what", "Fact"), *(Column(name, name) for name in datasets)),
        tuple(
            (capital(_words(key)), *(_fact(facts.get(key, "")) for facts in datasets.values()))
            for key in keys
        ),
    )


def _pairs(title: str, lines: Sequence[tuple[str, str]]) -> Table:
    return Table("", title, "", (Column("what", "What"), Column("value", "Value")), tuple(lines))


def _words(key: str) -> str:
    return str(key).replace("_", " ")


def _fact(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "unknown"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.6g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(_fact(one) for one in value) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_fact(one)}" for key, one in value.items()) or "none"
    return str(value)
