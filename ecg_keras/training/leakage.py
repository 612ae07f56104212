"""The leakage guard: what is tested must not have been trained on, here or in an upstream."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ecg_keras import data
from ecg_keras.config import Recipe, SeenData
from ecg_keras.errors import DataError
from ecg_keras.files import replacing
from ecg_keras.training.begin import alone, begin_run, check_same_run, mark_of
from ecg_keras.training.leak_search import LeakSearch
from ecg_keras.training.run import Run
from ecg_keras.training.seen import Guarded, read_guarded, seen_databases


def guard(
    recipe: Recipe,
    *,
    shards: Path,
    run: Run,
    upstream: Path | None = None,
    upstream_mark: str | None = None,
    on_warning: Callable[[str], None] | None = None,
) -> Guarded:
    """Looks for test and validation records that a run's network would know, before it is trained.

    A run that passes is begun: its folder then holds ``leaks.json``, and ``seen.npz`` with all
    records that its network will have seen, in its upstreams too. What was looked at once, with the
    same settings and data, is not looked at again.

    Args:
        recipe: the settings; ``data.leaks`` says what becomes of leaks, and ``data.without`` of
            which datasets nothing may be known.
        shards: the folder of the prepared dataset.
        run: the run folder.
        upstream: run folder or file with the first weights; they need not be there yet.
        upstream_mark: what identifies their content.
        on_warning: called with messages; none logs them.

    Raises:
        ConfigError: the run folder belongs to other settings, or another process trains into it.
        LeakError: a test or validation record would be known.
        DataError: nothing is left to train on, or a file is damaged.

    Example:
        >>> run = Run(Path("runs/ptbxl_scratch"))
        >>> guard(recipe, shards=Path("shards/ptbxl"), run=run).left_out["train"]
        ('463',)
    """
    dataset = data.describe(shards)
    marks: dict[str, Any] = {"dataset": dataset.fingerprint, "upstream": upstream_mark}
    mark = mark_of(run, recipe, **marks)
    known = read_guarded(run)
    if (
        known is not None
        and known.mark == mark
        and run.seen.is_file()
        # shards that were prepared again show more copies; what was trained on is what it was
        and (known.signatures == dataset.signatures or run.holds_epochs())
    ):
        return known
    check_same_run(run, recipe, **marks)
    look = LeakSearch(recipe, shards, upstream)
    excluded, seen = look.find(dataset, run.name)
    guarded = Guarded(
        mark,
        excluded,
        tuple(look.warnings),
        tuple(look.notes),
        len(look.known_tests),
        look.unchecked,
        dataset.signatures,
    )
    with alone(run):
        begin_run(run, recipe, **marks)
        seen.save(run.seen)
        _keep(guarded, run, look.databases)
    for message in (*guarded.warnings, *guarded.notes):
        (on_warning or logging.getLogger(__name__).warning)(message)
    return guarded


def guard_alike(
    recipe: Recipe, *, run: Run, of: Run, shards: Path, upstream_mark: str | None
) -> None:
    """Begins a run of which the same was found as of another, without another look at its records.

    Args:
        recipe: the settings, which differ from the other's in how the network is trained alone.
        run: the run folder.
        of: the other run, which `guard` has passed.
        shards, upstream_mark: of both, as for `guard`.

    Raises:
        ConfigError: as of `guard`.
        DataError: the guard did not look at the other run, or a file of it is damaged.
    """
    marks: dict[str, Any] = {
        "dataset": data.describe(shards).fingerprint,
        "upstream": upstream_mark,
    }
    found = read_guarded(of)
    if found is None:
        raise DataError(f"{of.leaks}: there is no such file. Let the guard look at that run first.")
    with alone(run):
        begin_run(run, recipe, **marks)
        with replacing(run.seen) as temporary:
            shutil.copyfile(of.seen, temporary)
        _keep(replace(found, mark=mark_of(run, recipe, **marks)), run, seen_databases(of.folder))


def _keep(guarded: Guarded, run: Run, databases: Sequence[SeenData]) -> None:
    named = [one.model_dump(mode="json") for one in databases]
    run.write_status(
        left_out={split: len(records) for split, records in guarded.left_out.items()},
        known_tests=guarded.known_tests,
        **({"seen_databases": named} if named else {}),
    )
    guarded.save(run)
