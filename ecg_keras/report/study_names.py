"""What a study's page and tables call things, and how they put arms together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ecg_keras.evaluation.tables import score_name
from ecg_keras.report.tables import Column, Table, cell_text
from ecg_keras.statistics import FEWEST_SEEDS, ArmName, ArmResult, Compared, StudyResult
from ecg_keras.text import percent

ARM = (
    Column("downstream", "Downstream", plain=True),
    Column("backbone", "Backbone", plain=True),
    Column("head", "Head", plain=True),
    Column("size", "ECGs", "size", plain=True),
    Column("protocol", "Protocol", plain=True),
    Column("mode", "Mode"),
    Column("upstream", "Upstream", plain=True),
)


def metric_name(result: StudyResult) -> str:
    """Of the metric that decides, such as ``macro AUROC``."""
    return score_name(str(result.question["metric"]))


def level(result: StudyResult) -> str:
    """Of the intervals, such as ``95 %``."""
    return percent(float(result.question["level"]))


def luck(result: StudyResult) -> str:
    """What the intervals are over: ``seeds and patients``, or patients alone with one seed each."""
    seeds = {one.contrast.seeds for one in result.comparisons} or {
        arm.seeds for arm in result.arms.values()
    }
    return "patients alone (one seed each)" if max(seeds, default=2) == 1 else "seeds and patients"


def of_one_seed(result: StudyResult) -> str:
    """What one seed of each way can't show, for a section's introduction; empty with more seeds."""
    single = sum(one.contrast.seeds == 1 for one in result.comparisons)
    if not single:
        return ""
    which = "all" if single == len(result.comparisons) else f"{single:,} of them"
    return (
        f" With one seed of each way ({which}) two trained networks are compared: interval, "
        "p-value and verdict say nothing of how much another training differs, and the ways of "
        f"training need at least {FEWEST_SEEDS - 1} more seeds of each."
    )


def arm_cells(name: ArmName, *, protocol: bool = True) -> tuple[Any, ...]:
    """The cells under `ARM`."""
    between = (name.protocol,) if protocol else ()
    return (*(name.downstream, name.backbone, name.head, name.size), *between,
            *(name.mode, name.upstream))  # fmt: skip


def positives(arm: ArmResult) -> dict[str, int]:
    """How many of the tested ECGs have each label."""
    counts = arm.predictions.targets.sum(axis=0)
    return {label: int(count) for label, count in zip(arm.predictions.labels, counts, strict=True)}


def name_once(table: Table) -> Table:
    """The same table with one column for the arm, as a phone has no room for seven.

    It says mode and upstream, and small what else tells the rows apart.
    """
    places = {column.key: place for place, column in enumerate(table.columns)}
    left = {column.key for column in table.for_readers().columns}
    arm = [column.key for column in ARM]
    details = [key for key in arm if key in left and key not in ("mode", "upstream")]
    others = [place for key, place in places.items() if key not in arm]

    def name(row: tuple[Any, ...]) -> tuple[str, str]:
        mode, upstream = row[places["mode"]], row[places["upstream"]]
        said = [_detail(key, row[places[key]]) for key in details]
        return f"{mode} from {upstream}" if upstream else mode, ", ".join(said)

    return replace(
        table,
        columns=(Column("arm", "Arm", "way"), *(table.columns[place] for place in others)),
        rows=tuple((name(row), *(row[place] for place in others)) for row in table.rows),
    )


def _detail(key: str, value: Any) -> str:
    if key == "size":
        return f"{cell_text('size', value)} ECGs"
    return f"{value} head" if key == "head" else str(value)


def of_size(title: str, size: int) -> str:
    """A title with the number of training ECGs, where it is not all of them."""
    return f"{title}, {size:,} ECGs" if size else title


def capital(text: str) -> str:
    """With a first capital, and the rest as it is: ``Macro AUROC``."""
    return text[:1].upper() + text[1:]


def group_title(result: StudyResult, name: ArmName) -> str:
    """What the ways that are compared share, but for the downstream: ``resnet1d18, 200 ECGs``."""
    parts = [name.backbone]
    parts += [f"{name.head} head"] * (name.head != "as_published")
    if any(arm.size for arm in result.arms):
        parts.append(f"{name.size:,} ECGs" if name.size else "all ECGs")
    return ", ".join(parts)


def first_protocol(result: StudyResult) -> str:
    """The protocol that the verdicts are given for."""
    arms = [one.arm for one in result.comparisons] or list(result.arms)
    return arms[0].protocol if arms else ""


def by_downstream(result: StudyResult) -> dict[str, tuple[Compared, ...]]:
    """The comparisons of each downstream, in the order of the grid."""
    names = dict.fromkeys(one.arm.downstream for one in result.comparisons)
    return {
        name: tuple(one for one in result.comparisons if one.arm.downstream == name)
        for name in names
    }


def best_of_each(result: StudyResult) -> dict[str, Compared]:
    """Of each downstream, the comparison whose arm scores best on the largest training set."""
    metric = str(result.question["metric"])
    best = {}
    for name, compared in by_downstream(result).items():
        rows = largest_sets(compared)
        best[name] = max(rows, key=lambda one: result.arms[one.arm].scores[metric].value)
    return best


def largest_sets(compared: Sequence[Compared]) -> list[Compared]:
    """Those on the largest training set."""
    sizes = [one.arm.size or float("inf") for one in compared]
    return [one for one, size in zip(compared, sizes, strict=True) if size == max(sizes)]
