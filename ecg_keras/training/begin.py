"""Beginning a run: whether its folder is of these settings, and who else is in it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import filelock

from ecg_keras.config import (
    DEFAULTS,
    Recipe,
    dump_recipe,
    fingerprint,
    list_changes,
    run_changes,
    run_mark,
    run_settings,
)
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.files import lock_file, write_text
from ecg_keras.json_files import write_json
from ecg_keras.training.run import Run, seen_from

# what may be in a run folder before the run is begun: a study's notes, and what it is chosen from
BEFORE = frozenset(
    {"recipe.yaml", "cell.json", "cell.log", "failed.json", "candidates", "tuning.json"}
)
# what defaults meant when runs did not say so yet
DEFAULTS_BEFORE = 1
PACKAGES = ("ecg_keras", "tensorflow", "keras", "tensorflow-data-validation", "wfdb", "numpy")
# the kernel frees this lock when its process ends, however it ends; another process may hold it for
# a moment, to see whether it is free
LOCK, MOMENT = ".lock", 0.2


def run_fingerprint(recipe: Recipe, dataset: str, upstream: str | None) -> str:
    """The fingerprint of a run: its settings, its dataset's and its upstream run's fingerprints."""
    return fingerprint({"settings": run_mark(recipe), "dataset": dataset, "upstream": upstream})


def mark_of(run: Run, recipe: Recipe, *, dataset: str, upstream: str | None) -> str:
    """The fingerprint of a run that is or will be in its folder.

    One of these very settings keeps its own, whatever version began it: what was made of the run
    since then names it.
    """
    status = run.read_status()
    if status and not find_changes(status, recipe, dataset=dataset, upstream=upstream):
        return str(status["fingerprint"])
    return run_fingerprint(recipe, dataset, upstream)


# a key that the run's status lacks is at its default: this or an earlier version wrote it
def find_changes(
    status: Mapping[str, Any], recipe: Recipe, *, dataset: str, upstream: str | None
) -> list[str]:
    """In what a run was begun otherwise, in words; nothing where it is the same."""
    changed = run_changes(status.get("settings", {}), recipe)
    if status.get("defaults", DEFAULTS_BEFORE) != DEFAULTS:
        changed.append("what defaults mean")
    if status.get("dataset") != dataset:
        changed.append("the dataset (its settings or its raw files)")
    if status.get("upstream") != upstream:
        changed.append("the upstream weights")
    return changed


def begin_run(run: Run, recipe: Recipe, *, dataset: str, upstream: str | None) -> None:
    """Creates the run folder, or checks that the one that is there belongs to these settings."""
    check_same_run(run, recipe, dataset=dataset, upstream=upstream)
    if run.holds_epochs():
        return
    # one that was begun otherwise and has no epoch yet holds nothing to lose
    status = run.read_status()
    same = bool(status) and not find_changes(status, recipe, dataset=dataset, upstream=upstream)
    try:
        run.folder.mkdir(parents=True, exist_ok=True)
        if not same:  # after a kill between these files the guard looks again
            run.leaks.unlink(missing_ok=True)
            run.tuning.unlink(missing_ok=True)  # a choice among candidates of other settings
        write_recipe(run, recipe)
        if not same:
            write_json(run.status, _first_status(run, recipe, dataset, upstream))
    except OSError as error:
        raise _unwritable(run, error) from error


def write_recipe(run: Run, recipe: Recipe) -> None:
    """Keeps the recipe of a run, all defaults written out, whole or not at all."""
    write_text(run.recipe, dump_recipe(recipe))


def _first_status(run: Run, recipe: Recipe, dataset: str, upstream: str | None) -> dict[str, Any]:
    return {
        "state": "begun",
        "name": run.name,
        "mode": recipe.mode,
        "fingerprint": run_fingerprint(recipe, dataset, upstream),
        "settings": run_settings(recipe),
        "defaults": DEFAULTS,
        "raw": seen_from(Path(), recipe.data.raw),
        "dataset": dataset,
        "upstream": upstream,
    }


def _unwritable(run: Run, error: OSError) -> DataError:
    return DataError(
        f"{run.folder}: can't be written: {error.strerror}. Free some space, or choose another "
        "folder with --set run=FOLDER."
    )


def check_same_run(run: Run, recipe: Recipe, *, dataset: str, upstream: str | None) -> None:
    """Raises a `ConfigError` that lists what differs if the run's epochs were trained otherwise.

    So does a folder that has other files and no run.
    """
    if not run.holds_epochs():
        _refuse_strangers(run)
        return
    changed = find_changes(run.read_status(), recipe, dataset=dataset, upstream=upstream)
    if not changed:
        return
    raise ConfigError(
        f"{run.folder}: this run was made with other settings: {list_changes(changed)}. Train into "
        f"another folder with --set run=FOLDER, or remove {run.folder} to train it again."
    )


def _refuse_strangers(run: Run) -> None:
    if run.status.exists() or not run.folder.is_dir():
        return
    found = (path.name for path in run.folder.iterdir() if not path.name.startswith("."))
    if strangers := sorted(set(found) - BEFORE):
        raise ConfigError(
            f"{run.folder}: not a run folder, and not empty (it has {', '.join(strangers[:3])}). "
            "Choose another with --set run=FOLDER."
        )


@contextmanager
def alone(run: Run, mark: str | None = None) -> Iterator[None]:
    """Keeps other processes out of the run folder while the block lasts.

    With the ``mark`` of a run that was begun, refuses one that another process began since then.
    """
    try:
        run.folder.mkdir(parents=True, exist_ok=True)
        held = lock_file(run.folder / LOCK, timeout=MOMENT)
    except filelock.Timeout as error:
        raise ConfigError(
            f"{run.folder}: another process trains this run. Wait for it, or train into another "
            "folder with --set run=FOLDER."
        ) from error
    except OSError as error:
        raise _unwritable(run, error) from error
    with held:
        if mark is not None and run.read_status().get("fingerprint") != mark:
            raise ConfigError(
                f"{run.folder}: another process began this run with other settings meanwhile. "
                "Train into another folder with --set run=FOLDER."
            )
        yield


def is_held(run: Run) -> bool:
    """Whether a process has the run folder to itself, or another user does."""
    lock = run.folder / LOCK
    if not lock.exists():
        return False
    try:
        with lock_file(lock, timeout=0):
            return False
    except OSError:  # a timeout, too
        return True


def describe_environment(precision: str, devices: list[str]) -> dict[str, Any]:
    """Versions and machine, for environment.json."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "devices": ", ".join(devices),
        "precision": precision,
        **versions,
    }
