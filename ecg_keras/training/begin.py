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
from ecg_keras.files import replacing
from ecg_keras.training.run import Run, seen_from

# what may be in a run folder before the run is begun: a study's notes, and what it is chosen from
BEFORE = frozenset(
    {"recipe.yaml", "cell.json", "cell.log", "failed.json", "candidates", "tuning.json"}
)
# what defaults meant when runs did not say so yet
DEFAULTS_BEFORE = 1
PACKAGES = ("ecg_keras", "tensorflow", "keras", "tensorflow-data-validation", "wfdb", "numpy")


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
    status = run.read_status()
    check_same_run(run, recipe, dataset=dataset, upstream=upstream)
    if status and not find_changes(status, recipe, dataset=dataset, upstream=upstream):
        return
    # one that was begun otherwise and has no epoch yet holds nothing to lose
    try:
        run.folder.mkdir(parents=True, exist_ok=True)
        found = (p.name for p in run.folder.iterdir() if not p.name.startswith("."))
        strangers = sorted(set(found) - BEFORE)
        if not status and strangers:
            raise ConfigError(
                f"{run.folder}: not a run folder, and not empty (it has {', '.join(strangers[:3])})"
                ". Choose another with --set run=FOLDER."
            )
        with replacing(run.recipe) as temporary:
            temporary.write_text(dump_recipe(recipe), encoding="utf-8")
        run.write_status(
            state="begun",
            name=run.name,
            mode=recipe.mode,
            fingerprint=run_fingerprint(recipe, dataset, upstream),
            settings=run_settings(recipe),
            defaults=DEFAULTS,
            raw=seen_from(Path(), recipe.data.raw),
            dataset=dataset,
            upstream=upstream,
        )
    except OSError as error:
        raise DataError(
            f"{run.folder}: can't be written: {error.strerror}. Free some space, or choose another "
            "folder with --set run=FOLDER."
        ) from error


def check_same_run(run: Run, recipe: Recipe, *, dataset: str, upstream: str | None) -> None:
    """Raises a `ConfigError` that lists what differs if the run's epochs were trained otherwise."""
    if not run.holds_epochs():
        return
    changed = find_changes(run.read_status(), recipe, dataset=dataset, upstream=upstream)
    if not changed:
        return
    raise ConfigError(
        f"{run.folder}: this run was made with other settings: {list_changes(changed)}. Train into "
        f"another folder with --set run=FOLDER, or remove {run.folder} to train it again."
    )


@contextmanager
def alone(run: Run) -> Iterator[None]:
    """Keeps other processes out of the run folder while the block lasts."""
    try:
        held = filelock.FileLock(run.folder / ".lock").acquire(timeout=0)
    except filelock.Timeout as error:
        raise ConfigError(
            f"{run.folder}: another process trains this run. Wait for it, or train into another "
            "folder with --set run=FOLDER."
        ) from error
    with held:
        yield


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
