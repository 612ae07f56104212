"""The section of a study's page with the verdict of each comparison, and its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ecg_keras.metrics import score_name
from ecg_keras.report.blocks import OPEN_ROWS, Absent, Block, Fold, Group, Items, Rows, Section
from ecg_keras.report.study_view import NO_ARM, StudyView, seeds_of
from ecg_keras.report.tables import ARM, MARKS, Column, Table, arm_columns, capital
from ecg_keras.statistics import Compared, Control, settles
from ecg_keras.text import plural

OPEN_DIAGNOSTICS = 6  # of a downstream, that are open from the start
COMPACT = ("verdict", "difference", "p_holm", "reference_score", "score", "seeds",
           "would_settle_it")  # fmt: skip


def verdicts(study: StudyView) -> Section | Absent:
    """The question, and the verdict of each comparison in a table for each downstream."""
    compared = study.result.comparisons
    arms = _arms_table(study)
    doubted: list[Compared | Control] = [*compared, *study.result.controls]
    tables = (comparisons_table(study, compared), arms, _diagnostics_table(doubted))
    if not compared:
        return Absent("verdicts", NO_ARM, tables)
    chosen = study.chosen_on_test(name for one in compared for name in (one.arm, one.reference))
    blocks: list[Block] = [_question(study), *_unfinished(study), *([chosen] if chosen else ())]
    for name, some in study.result.by_downstream.items():
        blocks.append(Group(name, _of_downstream(study, name, some)))
    blocks.append(Fold("Scores of every arm", (Rows(arms),)))
    return Section("verdicts", "Verdicts", tuple(blocks), tables)


def alarm(study: StudyView) -> tuple[str, ...]:
    """A sentence for the head of the page, where diagnostics speak against what is shown."""
    judged: dict[str, Sequence[Compared | Control]] = {
        "comparison": study.result.comparisons,
        "control": study.result.controls,
    }
    doubted = [
        f"{number} of {plural(len(some), name)}"
        for name, some in judged.items()
        if (number := sum(bool(one.diagnostics) for one in some))
    ]
    if not doubted:
        return ()
    return (f"Diagnostics speak against {' and '.join(doubted)}: what to do is said below them.",)


def count_verdicts(compared: Sequence[Compared]) -> str:
    """``3 better, 1 inconclusive.``"""
    count = Counter[str](one.verdict.word for one in compared)
    return ", ".join(f"{count[word]} {word}" for word in MARKS if count[word]) + "."


def comparisons_table(study: StudyView, compared: Sequence[Compared]) -> Table:
    """The verdict of each comparison."""
    corrected = max((one.verdict.comparisons for one in study.result.comparisons), default=0)
    return Table(
        "comparisons",
        f"Differences from {study.reference} in {study.metric_name}",
        f"{study.intervals(seeds_of(compared))}. The verdicts and the p-values marked "
        f"Holm are corrected for the study's {plural(corrected, 'comparison')}; "
        f"equivalent means within ±{study.margin:g}. {study.result.of_common_seeds(compared)}",
        (
            *arm_columns(),
            Column("reference_score", capital(study.reference), "score",
                   lambda one: study.score(one.reference)),
            Column("score", "Score", "score", lambda one: study.score(one.arm)),
            Column("difference", "Difference", "difference", "contrast"),
            Column("seeds", "Seeds of both", "count", "contrast.seeds", plain=True),
            Column("p", "p", "p", "contrast.p_value"),
            Column("p_holm", "p, Holm", "p", "verdict.p_value"),
            Column("equivalence_p_holm", "p of equivalence, Holm", "p", "verdict.equivalence_p"),
            Column("verdict", "Verdict", "word", "verdict.word"),
            Column("would_settle_it", "What would settle it", "text",
                   lambda one: settles(one.contrast, one.verdict)),
        ),
        compared,
    )  # fmt: skip


def _arms_table(study: StudyView) -> Table:
    """What each arm scored in every summary metric."""
    arms = study.result.arms.values()
    names = list(dict.fromkeys(name for arm in arms for name in arm.scores))
    first = names[0] if names else ""
    return Table(
        "arms",
        "Scores of each arm",
        f"{study.intervals(arm.seeds for arm in arms)}.",
        (
            *arm_columns("name"),
            Column("seeds", "Seeds", "count", plain=True),
            Column("folds", "Folds", "count", plain=True),
            Column("train_records", "Trained on", "count", plain=True),
            Column("test_records", "Tested ECGs", "count", f"scores.{first}.records", plain=True),
            Column("test_patients", "Patients", "count", f"scores.{first}.patients", plain=True),
            *(Column(name, score_name(name), "score", f"scores.{name}") for name in names),
            Column("seconds", "Training of a run", "seconds", plain=True),
        ),
        arms,
    )


def _diagnostics_table(compared: Sequence[Compared | Control]) -> Table:
    """What speaks against each comparison and control, once of each arm."""
    return Table(
        "diagnostics",
        "What speaks against the comparisons",
        "",
        (*arm_columns("0"), Column("diagnostic", "Diagnostic", "text", "1")),
        list(
            dict.fromkeys((one.arm, sentence) for one in compared for sentence in one.diagnostics)
        ),
    )


def _question(study: StudyView) -> str:
    compared = study.result.comparisons
    arm, seeds = study.result.arms[compared[0].arm], seeds_of(compared)
    fewest = f"{min(seeds)} to " if min(seeds) < max(seeds) else ""
    folds = f", {arm.folds}-fold cross-validation" if arm.folds > 1 else ""
    several = len({name.protocol for name in study.result.arms}) > 1
    protocol = f" of protocol {study.first_protocol}" if several else ""
    return (
        f"Is a mode better than {study.reference}, everything else equal? Asked of "
        f"{study.metric_name} in {plural(len(compared), 'comparison')}{protocol}, with "
        f"{fewest}{plural(max(seeds), 'seed')}{folds}. A verdict is given where it holds at "
        f"{study.level} confidence after Holm's correction for all comparisons; a difference "
        f"within ±{study.margin:g} does not matter. Where neither is shown, the "
        "verdict is inconclusive, and the table says what would settle it if the difference stays."
        f"{study.of_one_seed(seeds)}"
    )


def _unfinished(study: StudyView) -> tuple[Block, ...]:
    cells = study.result.cells
    left = [f"{cells['failed']:,} failed"] * (cells["failed"] > 0)
    left += [f"{cells['missing']:,} are not there yet"] * (cells["missing"] > 0)
    runs = plural(sum(cells.values()), "run")
    sentence = f"Of {runs}, {' and '.join(left)}: the verdicts may change once all are there."
    return (sentence,) if left else ()


def _of_downstream(study: StudyView, name: str, compared: Sequence[Compared]) -> tuple[Block, ...]:
    """The verdicts on one downstream: those that a reader wants first, then all, folded."""
    shown, which = _open_ones(study, compared)
    table = _compact(study, name, shown)
    blocks: list[Block] = [f"{count_verdicts(compared)}{which}", Rows(table, fold=True)]
    if len(shown) < len(compared):
        title = f"All {plural(len(compared), 'comparison')} on {name}"
        blocks.append(Fold(title, (Rows(_compact(study, name, compared)),)))
    return (*blocks, *diagnosed(study, compared))


def _compact(study: StudyView, name: str, compared: Sequence[Compared]) -> Table:
    """The verdicts on one downstream, the verdict next to its difference, for a small screen."""
    table = comparisons_table(study, compared).select((*ARM, *COMPACT))
    return replace(table, title=f"{table.title}, {name}")


def _open_ones(study: StudyView, compared: Sequence[Compared]) -> tuple[Sequence[Compared], str]:
    """The comparisons that a reader sees first, and which they are."""
    if len(compared) <= OPEN_ROWS:
        return compared, ""
    largest = [one for one in compared if one in study.result.largest_sets]
    if len(largest) <= OPEN_ROWS:
        return largest, " The table has those on the largest training set."
    judged = [one for one in largest if one.verdict.word != "inconclusive"]
    if 0 < len(judged) <= OPEN_ROWS:
        few = " on the largest training set" if len(largest) < len(compared) else ""
        return judged, f" The table has those that are not inconclusive{few}."
    return compared, ""


def diagnosed(study: StudyView, compared: Sequence[Compared | Control]) -> tuple[Block, ...]:
    """What speaks against these comparisons, folded from a few on."""
    sentences = study.result.list_diagnostics(compared)
    if not sentences:
        return ()
    number = sum(bool(one.diagnostics) for one in compared)
    which = "this comparison" if len(compared) == 1 else f"{number} of these comparisons"
    heading = f"What speaks against {which}:"
    more = sentences[OPEN_DIAGNOSTICS:]
    rest = (Fold(f"{plural(len(more), 'more diagnostic')}", (Items(more),)),) if more else ()
    return (heading, Items(sentences[:OPEN_DIAGNOSTICS]), *rest)
