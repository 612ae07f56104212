"""Two runs, or predictions made elsewhere, compared on the same patients."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ecg_keras import evaluation
from ecg_keras.config import Evaluation
from ecg_keras.statistics import Arm, gains_by_group
from ecg_keras.workflow.grouped import read_groupings
from ecg_keras.workflow.opened import open_predictions, shards_of, tell_apart


def compare_runs(
    first: str | Path,
    second: str | Path,
    *,
    valid: tuple[str | Path | None, str | Path | None] = (None, None),
    names: tuple[str, str] | None = None,
    metric: str = "macro_auroc",
    bootstrap: int = 2000,
    level: float = 0.95,
    seed: int = 0,
    margin: float = evaluation.MARGIN,
    by: Sequence[str] | None = None,
    table: Path | None = None,
    on_note: Callable[[str], None] | None = None,
) -> evaluation.Comparison:
    """The paired difference first - second on the test patients that both were tested on.

    Args:
        first, second: run folders, or files of predictions made elsewhere, in any combination.
        valid: validation predictions that choose the thresholds of a file, see
            `open_predictions`; without any they are 0.5.
        names: what to call the two; none takes those of the folders and files.
        metric, bootstrap, level, seed, margin: as of `evaluation.compare`.
        by, table: columns by which the records are grouped, to see whether one group gains more;
            see `read_groupings`. None takes age and sex where the shards of a run know them.
        on_note: called with what a reader should know of the two; none logs it.

    Raises:
        DataError: a run is not finished, a file can't be read, or they were tested on other
            records or labels.

    Example:
        >>> print(compare_runs("runs/ptbxl_finetune", "theirs/test.npz").table())
    """
    both = [open_predictions(*pair) for pair in zip((first, second), valid, strict=True)]
    names = names or tell_apart(first, second)
    note = on_note or logging.getLogger(__name__).info
    for one, name in zip(both, names, strict=True):
        if one.thresholds is None:
            note(f"{name}: F1 is at threshold 0.5, because there are no validation predictions.")
    folders = [one.run.folder for one in both if one.run is not None]
    comparison = evaluation.compare(
        *(one.test for one in both),
        metric=metric,
        names=names,
        thresholds_a=both[0].thresholds,
        thresholds_b=both[1].thresholds,
        bootstrap=bootstrap,
        level=level,
        seed=seed,
        margin=margin,
        budgets=evaluation.read_budgets(*folders) if len(folders) == 2 else None,
    )
    shards = next((found for one in both if one.run and (found := shards_of(one.run))), [])
    columns = (Evaluation().subgroups if shards else ()) if by is None else by
    if columns:
        groupings = read_groupings(columns, both[0].test, shards=shards, table=table)
        ours, theirs = (
            Arm(((one.test,),), ((one.thresholds,),), name=name)
            for one, name in zip(both, names, strict=True)
        )
        gains = gains_by_group(
            ours, theirs, groupings, metric=metric, level=level, bootstrap=bootstrap, seed=seed
        )
        comparison = replace(comparison, groups=gains)
    if len(folders) < 2:
        return comparison
    return evaluation.diagnose_comparison(comparison, *folders)
