"""How long what is left of a study takes: runs one after another on workers."""

from __future__ import annotations

import heapq
import statistics
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from ecg_keras.study.cells import Cell, StudyPlan
from ecg_keras.study.records import name_databases
from ecg_keras.study.state import Snapshot

# ways to be alike
LEVELS = 5


def makespan(
    seconds: Mapping[str, float], needs: Mapping[str, Sequence[str]], workers: int = 1
) -> float:
    """Seconds until all runs are over, each worker taking the first one that can begin.

    Args:
        seconds: that each run takes, in the order in which they are taken; those that are over
            are not in it.
        needs: the runs that must be over before another begins, by its name.
        workers: that run one at a time each, all equally fast.

    Example:
        >>> needs = {"a": ["pre"], "b": ["pre"]}
        >>> makespan({"pre": 10.0, "a": 4.0, "b": 6.0}, needs, workers=2)
        16.0
    """
    order = {name: place for place, name in enumerate(seconds)}
    waiting: dict[str, list[str]] = defaultdict(list)
    ready: list[tuple[int, str]] = []
    before = {name: {one for one in needs.get(name, ()) if one in seconds} for name in seconds}
    for name, needed in before.items():
        for one in needed:
            waiting[one].append(name)
        if not needed:
            ready.append((order[name], name))
    heapq.heapify(ready)
    busy: list[tuple[float, int, str]] = []
    now = 0.0
    while ready or busy:
        while ready and len(busy) < workers:
            place, name = heapq.heappop(ready)
            heapq.heappush(busy, (now + seconds[name], place, name))
        now, _, over = heapq.heappop(busy)
        for name in waiting[over]:
            before[name].remove(over)
            if not before[name]:
                heapq.heappush(ready, (order[name], name))
    return now


def remaining_seconds(plan: StudyPlan, snapshot: Snapshot) -> float | None:
    """Seconds until a study that runs is over, judged by its finished runs.

    A run is taken to last as long as the mean of the finished ones that are most like it: of the
    same arm; else of the same backbone, head, database, number of records and mode; and so on,
    down to all of them. As many workers are taken to go on as are busy now, here and elsewhere.

    Args:
        plan: of the study.
        snapshot: how far it is.

    Returns:
        The seconds; ``None`` where no run is finished yet.
    """
    if not snapshot.seconds_done:
        return None
    levels: list[dict[Hashable, list[float]]] = [defaultdict(list) for _ in range(LEVELS)]
    databases = name_databases(plan)
    for name, spent in snapshot.seconds_done.items():
        for level, key in zip(levels, _likeness(plan.by_name[name], databases), strict=True):
            level[key].append(spent)
    running = {one.name: one.epoch / max(1, one.epochs) for one in snapshot.running}
    left = {}
    for cell in sorted(plan.cells, key=lambda cell: cell.name not in running):
        if snapshot.states[cell.name] not in ("running", "waiting"):
            continue
        likest = next(
            level[key]
            for level, key in zip(levels, _likeness(cell, databases), strict=True)
            if key in level
        )
        left[cell.name] = statistics.fmean(likest) * (1 - running.get(cell.name, 0.0))
    needs = {cell.name: cell.needs for cell in plan.cells}
    return makespan(left, needs, max(1, len(running)))


def _likeness(cell: Cell, databases: Mapping[str, str]) -> Sequence[Hashable]:
    """What runs of about equal length have in common, most alike first."""
    recipe = cell.recipe
    database = databases.get(cell.name)
    phases = recipe.training.phases
    network: tuple[Any, ...] = (recipe.model.backbone, recipe.model.head)
    return (
        (*network, database, recipe.data.train_records, phases, cell.kind),
        (*network, database, cell.kind),
        (*network, cell.kind),
        network[:1],
        (),
    )
