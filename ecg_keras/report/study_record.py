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
    Note,
    Rows,
    Section,
    ShownEcg,
    facts,
)
from ecg_keras.report.score_sections import FOR_RESEARCH
from ecg_keras.report.shown_ecgs import study_ecgs
from ecg_keras.report.study_view import StudyView
from ecg_keras.report.tables import Column, Table, capital
from ecg_keras.statistics import Compared
from ecg_keras.text import plural

OPEN_LINES = 8  # of a list of skews
HIDDEN = ("shards",)  # folders: of this machine, and no fact about the data
WITHOUT = {False: "The study names no shards of it.", True: "Predictions hold no signals."}
LIMITS = ("The labels are the databases'; nobody read the ECGs again.", FOR_RESEARCH)
Given = Mapping[str, Sequence[ShownEcg]] | None


def data(study: StudyView) -> Section | Absent:
    """A card for each database, and how each upstream differs from each downstream."""
    datasets = study.result.datasets
    if not datasets:
        return Absent("data", "the databases are not described.")
    blocks: list[Block] = [Rows(_cards(datasets))]
    for name, card in datasets.items():
        for key, value in card.items():
            if isinstance(value, Mapping) and key not in HIDDEN:
                counts = {str(one): _fact(number) for one, number in value.items()}
                title = f"{_title(key)} of {name}"
                blocks.append(Fold(title, (facts(title, counts),)))
    for title, lines in study.result.skew.items():
        blocks.append(Group(f"Skew: {title}", _skew(lines)))
    return Section("data", "Data", tuple(blocks))


def ecgs(study: StudyView, given: Given = None) -> Section | Absent:
    """The ECGs that the best arm of each downstream answers worst, or those that are given."""
    groups = []
    for number, (downstream, one) in enumerate(study.result.best.items(), start=1):
        prefix = f"worst{number}"
        shown, why = (
            _worst(study, one, prefix) if given is None else (given.get(downstream, ()), "")
        )
        if shown:
            arm = (
                f"{capital(one.arm.way)}, {study.group_title(one.arm)}: the mean probability over "
                "its seeds."
            )
            missing = (Note(f"The ECGs can't be drawn. {why}"),) if why else ()
            groups.append(Group(downstream, (arm, *missing, Ecgs(tuple(shown), prefix))))
    if not groups:
        return Absent("ECGs", "no arm was tested whose errors could be shown.")
    introduction = (
        "Chosen by the rule above each, the same for every study; none was picked by hand. "
        f"{study.decision_rule}"
    )
    return Section("ecgs", "ECGs of the worst errors", (introduction, *groups))


def settings(study: StudyView) -> Section:
    """The study's recipe and the environment."""
    elsewhere, environment = study.result.elsewhere, study.result.environment
    title = "The question and the files" if elsewhere else "The study's recipe, resolved"
    blocks: list[Block] = [Fold(title, (Code(study.result.recipe_text),))]
    if environment:
        lines = {key: _fact(value) for key, value in environment.items()}
        blocks.append(facts("The environment it was trained in", lines))
    elif not elsewhere:
        blocks.append("The environment was not noted.")
    files = "The folder tables/ beside this page has its tables as CSV, Markdown and LaTeX, those"
    blocks.append(f"{files} of every arm and label too.")
    return Section("settings", "Settings and environment", tuple(blocks))


def not_done(study: StudyView, absent: Iterable[Absent]) -> Section:
    """Failures, what this page leaves out and why, and what its numbers do not say."""
    result, cells = study.result, study.result.cells
    counted = (
        f"Predictions of {plural(cells['done'], 'network')}, {cells['missing']:,} missing."
        if result.elsewhere
        else f"{plural(cells['done'], 'run')} done, {cells['failed']:,} failed, "
        f"{cells['missing']:,} missing."
    )
    columns = (Column("run", "Run"), Column("error", "Error"))
    failures = Table("failures", "Runs that failed", "", columns, result.failures)
    simulated = (
        f"The ECGs of {name} are simulated: its scores say nothing about patients."
        for name, card in result.datasets.items()
        if card.get("source") == "simulated"
    )
    left_out = (f"No {one.title}: {one.reason}" for one in absent)
    chosen = study.chosen_on_test(result.arms)
    more = (chosen,) if chosen else ()
    items = Items((*left_out, *more, *result.not_done, *simulated, *LIMITS))
    table = (Rows(failures, fold=True),) if result.failures else ()
    return Section("not-done", "What was not done", (counted, *table, items), (failures,))


def _worst(study: StudyView, one: Compared, prefix: str) -> tuple[tuple[ShownEcg, ...], str]:
    """The worst errors of an arm, and why they can't be drawn where they can't."""
    arm = study.result.arms[one.arm]
    folders = tuple(study.result.datasets.get(one.arm.downstream, {}).get("shards", ()))
    why = "" if folders else WITHOUT[study.result.elsewhere]
    try:
        return study_ecgs(arm.predictions, arm.limits, folders, prefix=prefix), why
    except DataError as error:
        return study_ecgs(arm.predictions, arm.limits, (), prefix=prefix), str(error)


def _skew(lines: Sequence[str]) -> tuple[Block, ...]:
    if not lines:
        return ("None was found.",)
    items = Items(tuple(lines))
    folded = Fold(plural(len(lines), "difference"), (items,))
    return (items,) if len(lines) <= OPEN_LINES else (folded,)


def _cards(datasets: Mapping[str, Mapping[str, Any]]) -> Table:
    """The plain facts of all databases side by side."""
    keys = dict.fromkeys(
        key
        for card in datasets.values()
        for key, value in card.items()
        if key not in HIDDEN and not isinstance(value, Mapping)
    )
    columns = (Column("what", "Fact"), *(Column(name, name) for name in datasets))
    rows = (
        (_title(key), *(_fact(card.get(key, "")) for card in datasets.values())) for key in keys
    )
    return Table("data", "The databases", "", columns, tuple(rows))


def _title(key: object) -> str:
    return capital(str(key).replace("_", " "))


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
