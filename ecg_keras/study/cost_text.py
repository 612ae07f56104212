"""`cost_table`: an estimate as text for a terminal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from ecg_keras.study.costs import CellCost, StudyEstimate
from ecg_keras.study.pilot import count_cores, workloads_of
from ecg_keras.study.state import STATES
from ecg_keras.text import duration, file_size, text_table

NAMES = {"pretrain": "pre-training", "candidate": "candidates", "downstream": "downstream"}

Row = tuple[str, ...]


def cost_table(estimate: StudyEstimate, workers: int = 1) -> str:
    """What runs cost: their kinds, networks and databases, the time and the disk that they take.

    Args:
        estimate: of a study, or of a recipe.
        workers: that the time is given for, besides one.

    Returns:
        Lines of at most 100 characters, but for names that are longer.

    Example:
        >>> print(cost_table(estimate(plan), workers=4))
    """
    tables = [list(rows(estimate)) for rows in (_runs, _networks, _databases)]
    parts = [text_table((), rows) for rows in tables if len(rows) > 1]
    return "\n\n".join([*parts, "\n".join(_sums(estimate, workers)), *_notes(estimate)])


def _runs(estimate: StudyEstimate) -> Iterator[Row]:
    yield ("runs", "in all", *STATES, "time left")
    for kind, name in NAMES.items():
        costs = [one for one in estimate.costs if one.cell.kind == kind]
        if costs:
            numbers = (f"{sum(one.state == state for one in costs):,}" for state in STATES)
            yield (name, f"{len(costs):,}", *numbers, duration(sum(one.left for one in costs)))


def _networks(estimate: StudyEstimate) -> Iterator[Row]:
    """Each kind of training step, with the runs that take it."""
    yield ("network", "head", "trains from", "ECGs x samples", "step", "parameters", "runs")
    runs = Counter(one for cost in estimate.costs for one in set(workloads_of(cost.cell.recipe)))
    for one, timing in estimate.pilot.timings.items():
        if one in runs:
            yield (
                one.backbone,
                one.head,
                one.train_from,
                f"{one.batch_size} x {one.step_samples}",
                f"{'' if timing.measured else '~'}{timing.step:.3g} s",
                f"{timing.parameters:,}",
                f"{runs[one]:,}",
            )


def _databases(estimate: StudyEstimate) -> Iterator[Row]:
    yield ("database", "records", "known from", "runs", "time left")
    groups: dict[tuple[str, str, str], list[CellCost]] = defaultdict(list)
    for one in estimate.costs:
        if isinstance(one.size, str):
            groups[one.database, "unknown", "-"].append(one)
        else:
            groups[one.database, f"{one.size.records:,.0f}", one.size.origin].append(one)
    for (database, records, origin), costs in groups.items():
        left = duration(sum(one.left for one in costs)) if records != "unknown" else "unknown"
        yield (database, records, origin, f"{len(costs):,}", left)


def _sums(estimate: StudyEstimate, workers: int) -> Iterator[str]:
    at_least = "at least " if estimate.unknown else ""
    yield f"time  {at_least}{duration(estimate.seconds())} with one worker"
    if workers > 1:
        yield (
            f"      {at_least}{duration(estimate.seconds(workers))} with {workers} workers that "
            "share no GPU and no cores"
        )
    yield f"disk  {file_size(estimate.shard_bytes)} of shards{_still(estimate.new_shard_bytes)}"
    yield f"      {file_size(estimate.run_bytes)} of runs{_still(estimate.new_run_bytes)}"
    yield f"      {file_size(estimate.peak_bytes)} for each worker while it trains"


def _still(size: float) -> str:
    return f", {file_size(size)} of them still to write" if size else ", all of them there"


def _notes(estimate: StudyEstimate) -> Iterator[str]:
    why = Counter(_why_unknown(one, estimate) for one in estimate.unknown)
    for reason, number in why.items():
        yield f"{number:,} runs are not counted: {reason}."
    used = {one for cost in estimate.costs for one in workloads_of(cost.cell.recipe)}
    if any(not t.measured for one, t in estimate.pilot.timings.items() if one in used):
        yield (
            "~ There was no time to measure these steps; they are judged by how long predictions "
            "take. The same command measures them."
        )
    chosen = [one.cell for one in estimate.costs if one.cell.candidates]
    further = sum(cell.recipe.tune.extend for cell in chosen if cell.recipe.tune is not None)
    if further:
        yield (
            f"{len(chosen):,} runs are chosen from candidates: up to {further:,} further ones are "
            "trained where a choice is at the edge of its rates, which is not counted."
        )
    if estimate.pilot.load > count_cores() / 2:
        yield (
            f"The machine was busy when this was measured (a load of {estimate.pilot.load:.1f} on "
            f"{count_cores()} cores): runs that have it to themselves take less time."
        )
    yield (
        "Times are of this machine, for all epochs of each run; blocked and failed runs are counted"
        " as if they ran."
    )


def _why_unknown(cost: CellCost, estimate: StudyEstimate) -> str:
    if isinstance(cost.size, str):
        return f"{cost.database}: {cost.size.rstrip('.')}"
    errors = [estimate.pilot.errors.get(one) for one in workloads_of(cost.cell.recipe)]
    return f"{cost.cell.recipe.model.backbone}: {next(filter(None, errors), 'not measured')}"
