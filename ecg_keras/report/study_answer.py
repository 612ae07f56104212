"""The sections of a study's page that answer its question: verdicts, and what lies behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ecg_keras.report.blocks import (
    OPEN_ROWS,
    Absent,
    Block,
    Figures,
    Fold,
    Group,
    Items,
    Rows,
    Section,
    Text,
    table_blocks,
)
from ecg_keras.report.figures import Captioned
from ecg_keras.report.study_names import (
    best_of_each,
    by_downstream,
    first_protocol,
    group_title,
    largest_sets,
    level,
    luck,
    metric_name,
    name_once,
    of_one_seed,
    of_size,
)
from ecg_keras.report.study_plots import Row, forest_plot
from ecg_keras.report.study_tables import (
    arms_table,
    comparisons_table,
    differences_table,
    interactions_table,
    shifts_table,
)
from ecg_keras.report.svg import inline_svg
from ecg_keras.report.tables import MARKS, Table
from ecg_keras.statistics import Compared, StudyResult
from ecg_keras.text import plural

FOREST_ROWS = 20  # of one figure: it fits a printed page
OPEN_DIAGNOSTICS = 6  # of a downstream, that are open from the start
COMPACT = ("arm", "verdict", "difference", "p_holm", "reference_score", "score",
           "would_settle_it")  # fmt: skip


def verdicts(result: StudyResult) -> Section | Absent:
    """What was asked, and the verdict of each comparison in a table for each downstream."""
    if not result.comparisons:
        return Absent("verdicts", "no arm could be compared with its reference.")
    blocks: list[Block] = [Text(_asked(result)), *_unfinished(result)]
    for name, compared in by_downstream(result).items():
        shown, which = _open_ones(compared)
        said = f"{_count(compared)}{which}"
        group: list[Block] = [Text(said), *table_blocks(compact_table(result, name, shown))]
        if len(shown) < len(compared):
            every = Rows(compact_table(result, name, compared))
            group.append(Fold(f"All {plural(len(compared), 'comparison')} on {name}", (every,)))
        group += _diagnosed(result, compared)
        blocks.append(Group(name, tuple(group)))
    blocks.append(Fold("Scores of every arm", (Rows(name_once(arms_table(result))),)))
    return Section("verdicts", "Verdicts", tuple(blocks))


def alarm(result: StudyResult) -> tuple[str, ...]:
    """A sentence for the head of the page, where diagnostics speak against comparisons."""
    number = sum(bool(one.diagnostics) for one in result.comparisons)
    if not number:
        return ()
    of = plural(len(result.comparisons), "comparison")
    return (f"Diagnostics speak against {number} of {of}: what to do stands below the verdicts.",)


def compact_table(result: StudyResult, downstream: str, compared: Sequence[Compared]) -> Table:
    """The verdicts on one downstream, the verdict next to its difference, for a small screen."""
    table = name_once(comparisons_table(result, compared))
    places = {column.key: place for place, column in enumerate(table.columns)}
    kept = [places[key] for key in COMPACT]
    return replace(
        table,
        title=f"{table.title}, {downstream}",
        columns=tuple(table.columns[place] for place in kept),
        rows=tuple(tuple(row[place] for place in kept) for row in table.rows),
    )


def differences(result: StudyResult) -> Section | Absent:
    """A forest of the paired differences of each downstream."""
    if not result.comparisons:
        return Absent("differences", "no arm could be compared with its reference.")
    margin, reference = float(result.question["margin"]), result.question["reference"]
    legend = ", ".join(f"{MARKS[word]} {word}" for word in Counter(_words(result.comparisons)))
    blocks: list[Block] = [
        Text(
            f"Each line is an arm less {reference} in {metric_name(result)}, on the same ECGs, "
            f"with its {level(result)} interval over {luck(result)}. The band is ±{margin:g}: "
            f"differences within it do not matter. {legend}."
        )
    ]
    drawn: list[Captioned] = []
    folded: list[Captioned] = []
    for number, (name, compared) in enumerate(by_downstream(result).items(), start=1):
        for part, rows in enumerate(_parts(result, compared), start=1):
            figure = forest_plot([_row(result, one) for one in rows], margin)
            title = f"Differences on {name}: {_count(rows)} The table of verdicts has the numbers."
            shown = inline_svg(figure, f"forest{number}-{part}", title)
            (drawn if part == 1 else folded).append((shown, f"{name}. {_count(rows)}"))
    blocks.append(Figures(tuple(drawn)))
    if folded:
        blocks.append(Fold("The other differences", (Figures(tuple(folded)),)))
    others = Rows(name_once(differences_table(result, best_of_each(result).values())))
    blocks.append(Fold("The best arm of each downstream in the other scores", (others,)))
    return Section("differences", "Differences", tuple(blocks))


def protocols(result: StudyResult) -> Section | Absent:
    """How far each weakness of a protocol moves the answer, before and after."""
    if not result.shifts:
        return Absent("other protocols", "the study has one protocol only.")
    names = list(dict.fromkeys(one.protocol for one in result.shifts))
    groups = []
    for number, name in enumerate(names, start=1):
        shifts = [one for one in result.shifts if one.protocol == name]
        moved = sum(one.contrast.low > 0 or one.contrast.high < 0 for one in shifts)
        said = (
            f"Against {first_protocol(result)}, {name} moves {moved} of "
            f"{plural(len(shifts), 'difference')} by an amount whose {level(result)} interval "
            f"leaves out zero, over {luck(result)}."
        )
        drawn = []
        downstreams = list(dict.fromkeys(one.arm.downstream for one in shifts))
        for part, downstream in enumerate(downstreams, start=1):
            rows = [
                Row(one.arm.way, one.after, group=group_title(result, one.arm), before=one.before)
                for one in shifts
                if one.arm.downstream == downstream
            ]
            figure = forest_plot(rows, float(result.question["margin"]))
            title = f"Differences on {downstream} before and after {name}"
            drawn.append((inline_svg(figure, f"protocol{number}-{part}", title), downstream))
        groups.append(Group(name, (Text(said), Figures(tuple(drawn)))))
    return Section(
        "protocols",
        "What the protocol does to the answer",
        (
            Text(
                f"The same differences from {result.question['reference']} under the study's first "
                "protocol (open circle) and under a changed one (the arrow's end; filled where its "
                "interval leaves out zero)."
            ),
            *groups,
            *table_blocks(name_once(shifts_table(result))),
        ),
    )


def families(result: StudyResult) -> Section | Absent:
    """Whether one family of backbones gains more from a mode than another."""
    if not result.interactions:
        return Absent(
            "families of backbones", "a comparison of gains needs backbones of two families."
        )
    blocks: list[Block] = []
    pairs = list(dict.fromkeys(one.names for one in result.interactions))
    for number, (one, other) in enumerate(pairs, start=1):
        rows = [
            Row(f"{each.mode} from {each.upstream}" if each.upstream else each.mode,
                each.contrast, group=of_size(each.downstream, each.size))
            for each in result.interactions
            if each.names == (one, other)
        ]  # fmt: skip
        figure = forest_plot(rows, None, (f"{other} gains more", f"{one} gains more"))
        title = f"Gain of {one} less gain of {other}"
        shown = inline_svg(figure, f"families{number}", title)
        beyond = (
            sum(row.estimate.low > 0 for row in rows),
            sum(row.estimate.high < 0 for row in rows),
        )
        caption = (
            f"{title}, with {level(result)} intervals over {luck(result)}; filled where zero is "
            f"left out. Of {plural(len(rows), 'gain')}, {beyond[0]} lie on the side of {one} and "
            f"{beyond[1]} on the side of {other} with the whole interval."
        )
        blocks.append(Figures(((shown, caption),)))
    return Section(
        "families",
        "Which family of backbones gains more",
        (*blocks, *table_blocks(interactions_table(result))),
    )


def _asked(result: StudyResult) -> str:
    question, first = result.question, result.comparisons[0]
    arm = result.arms[first.arm]
    folds = f", {arm.folds}-fold cross-validation" if arm.folds > 1 else ""
    return (
        f"Is a mode better than {question['reference']}, everything else equal? Asked of "
        f"{metric_name(result)} in {plural(len(result.comparisons), 'comparison')}, with "
        f"{plural(arm.seeds, 'seed')}{folds}. A verdict is given where it holds at "
        f"{level(result)} confidence after Holm's correction for all comparisons; a difference "
        f"within ±{float(question['margin']):g} does not matter. Where neither is shown, the "
        "verdict is inconclusive, and the table says what would settle it if the difference stays."
        f"{of_one_seed(result)}"
    )


def _unfinished(result: StudyResult) -> tuple[Block, ...]:
    failed, missing = result.cells["failed"], result.cells["missing"]
    left = [f"{failed:,} failed"] * (failed > 0) + [f"{missing:,} are not there yet"] * (
        missing > 0
    )
    if not left:
        return ()
    return (
        Text(
            f"Of {plural(sum(result.cells.values()), 'run')}, {' and '.join(left)}: the verdicts "
            "may change once all are there."
        ),
    )


def _diagnosed(result: StudyResult, compared: Sequence[Compared]) -> tuple[Block, ...]:
    """What speaks against these comparisons, folded from a few on."""
    said = result.list_diagnostics(compared)
    if not said:
        return ()
    number = sum(bool(one.diagnostics) for one in compared)
    which = "this comparison" if len(compared) == 1 else f"{number} of these comparisons"
    heading = Text(f"What speaks against {which}:")
    more = said[OPEN_DIAGNOSTICS:]
    rest = (Fold(f"{plural(len(more), 'more diagnostic')}", (Items(more),)),) if more else ()
    return (heading, Items(said[:OPEN_DIAGNOSTICS]), *rest)


def _words(compared: Iterable[Compared]) -> list[str]:
    found = {one.verdict.word for one in compared}
    return [word for word in MARKS if word in found]


def _count(compared: Sequence[Compared]) -> str:
    """``3 better, 1 inconclusive.``"""
    count = Counter(one.verdict.word for one in compared)
    return ", ".join(f"{count[word]} {word}" for word in _words(compared)) + "."


def _open_ones(compared: Sequence[Compared]) -> tuple[Sequence[Compared], str]:
    """The comparisons that a reader sees first, and which they are."""
    if len(compared) <= OPEN_ROWS:
        return compared, ""
    largest = largest_sets(compared)
    if len(largest) <= OPEN_ROWS:
        return largest, " The table has those on the largest training set."
    judged = [one for one in largest if one.verdict.word != "inconclusive"]
    if 0 < len(judged) <= OPEN_ROWS:
        few = " on the largest training set" if len(largest) < len(compared) else ""
        return judged, f" The table has those that are not inconclusive{few}."
    return compared, ""


def _row(result: StudyResult, one: Compared) -> Row:
    return Row(one.arm.way, one.contrast, one.verdict.word, group_title(result, one.arm))


def _parts(result: StudyResult, compared: Sequence[Compared]) -> list[list[Compared]]:
    """Parts of at most so many rows as one can take in, cut between groups where possible."""
    parts: list[list[Compared]] = [[]]
    groups: dict[str, list[Compared]] = {}
    for one in compared:
        groups.setdefault(group_title(result, one.arm), []).append(one)
    for rows in groups.values():
        if parts[-1] and len(parts[-1]) + len(rows) > FOREST_ROWS:
            parts.append([])
        parts[-1] += rows
    return parts
