"""Before a study trains: whose data are prepared and searched for leaks, and what was found.

A network can't forget, so a leak that is found after a pre-training has cost its hours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from ecg_keras.config import run_changes
from ecg_keras.errors import DataError
from ecg_keras.study.cell_notes import CellLeak, read_leak
from ecg_keras.study.cells import Cell, StudyPlan
from ecg_keras.study.state import OVER, State
from ecg_keras.text import plural
from ecg_keras.training import Run

# arms that a message lists
MOST_NAMED = 10


def list_unchecked(
    cells: Sequence[Cell], states: Mapping[str, State], checked: Collection[str] = ()
) -> list[Cell]:
    """The cells to be trained that can be checked now, ``checked`` ones aside; in the end none.

    One that starts from another of them comes after it: what that one will have seen is not known
    before. None is a candidate: it has the data and weights of the cell that is chosen from it.
    """
    left = [
        cell
        for cell in cells
        if cell.kind != "candidate"
        and states[cell.name] not in OVER
        and cell.name not in checked
        and not is_checked(cell)
    ]
    names = {cell.name for cell in left}
    return [cell for cell in left if not names.intersection(cell.needs)]


def is_checked(cell: Cell) -> bool:
    """Whether the leakage guard found nothing to refuse, with these settings and first weights.

    Whether the recordings are still the same is looked at again when the cell is trained.
    """
    run, initialise = cell.run, cell.recipe.initialise
    if not run.leaks.is_file() or not run.seen.is_file():
        return False
    try:
        status = run.read_status()
        upstream = {} if initialise is None else Run(Path(initialise.from_)).read_status()
    except DataError:
        return False  # whoever checks it reports what is damaged
    same_upstream = status.get("upstream") == upstream.get("fingerprint")
    return not run_changes(status.get("settings", {}), cell.recipe) and same_upstream


def refuse_leaks(plan: StudyPlan, cells: Sequence[Cell]) -> None:
    """Raises a `DataError` where runs would be tested on what their networks know.

    It names the arms, what their networks would know, and the settings that help.
    """
    found: dict[str, list[CellLeak]] = defaultdict(list)
    unknown: dict[str, dict[str, None]] = {}  # to each upstream: these datasets
    fixed: dict[tuple[str, str], None] = {}  # given upstreams, each with a downstream
    own: dict[str, None] = {}  # parts of the study whose runs know their test records by themselves
    parts: dict[str, None] = {}
    for cell in cells:
        leak = read_leak(cell.run)
        if leak is None:
            continue
        found[_title(plan, cell)].append(leak)
        part = f"{'upstreams' if cell.arm is None else 'downstreams'}.{plan.databases[cell.name]}"
        parts[part] = None
        pretraining = plan.pretraining_of(cell)
        if not leak.upstream or cell.arm is None:
            own[part] = None
            continue
        if pretraining is None:
            fixed[cell.arm.upstream, cell.arm.downstream] = None
            continue
        datasets = unknown.setdefault(cell.arm.upstream, {})
        before = pretraining.recipe.data.without
        datasets |= dict.fromkeys([*map(str, before), leak.shards])
    if not found:
        return
    count = sum(len(leaks) for leaks in found.values())
    lines = [
        f"{plan.loaded.path}: {count} of {len(cells)} runs would be tested on ECGs that their "
        "networks know. Nothing is trained until this is settled:"
    ]
    for title, leaks in list(found.items())[:MOST_NAMED]:
        runs = plural(len(leaks), "run")
        lines.append(f"  {title} ({runs}): {leaks[0].shards}: {leaks[0].what}")
    if len(found) > MOST_NAMED:
        lines.append(f"  and {len(found) - MOST_NAMED} more")
    lines += [
        f"Pre-train on {name} without them, for a network can't forget: --set "
        f"'upstreams.{name}.data.without=[{','.join(datasets)}]'"
        for name, datasets in unknown.items()
    ]
    lines += [
        f"{name} is trained already, and a network can't forget: take another upstream, or leave "
        f"{downstream} out for it, with {{upstream: {name}, downstream: {downstream}}} in exclude."
        for name, downstream in fixed
    ]
    lines += [
        f"Leave them out of its own training: --set {part}.data.leaks=leave_out" for part in own
    ]
    allowed = " ".join(f"--set {part}.data.leaks=allow" for part in parts)
    lines.append(f"Or continue, and the page then says so: {allowed}")
    raise DataError("\n".join(lines))


def _title(plan: StudyPlan, cell: Cell) -> str:
    """What the study calls a cell, but for its seed and fold."""
    if cell.arm is None:
        return f"pre-training on {plan.databases[cell.name]}"
    several = len(plan.loaded.study.protocols) > 1
    return f"{cell.arm}{f', protocol {cell.arm.protocol}' if several else ''}"
