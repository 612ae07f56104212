"""The run folder: the contract between `train`, `evaluate`, `compare`, `report` and `export`."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import filelock

from ecg_keras.config import (
    DEFAULTS,
    Recipe,
    dump_recipe,
    fingerprint,
    run_changes,
    run_mark,
    run_settings,
)
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.files import as_count, as_name, as_number, as_object, as_text, read_json, write_json
from ecg_keras.training.places import find_place, seen_from

# what may lie in a run folder before the run is begun: a study's notes, and what it is chosen from
BEFORE = frozenset(
    {"recipe.yaml", "cell.json", "cell.log", "failed.json", "candidates", "tuning.json"}
)
# what a status holds; what a run does not yet have is missing
STATUS: dict[str, Callable[[Any], Any]] = {
    "state": as_text,
    "name": as_name,
    "mode": as_text,
    "fingerprint": as_text,
    "settings": as_object,
    "defaults": as_count,
    "dataset": as_text,
    "shards": as_text,
    "num_parameters": as_number,
    "seconds": as_number,
    "baseline_run": as_text,
    "best_epoch": as_count,
}
# what defaults meant when runs did not say so yet
DEFAULTS_BEFORE = 1
PACKAGES = ("ecg_keras", "tensorflow", "keras", "tensorflow-data-validation", "wfdb", "numpy")


@dataclass(frozen=True)
class Run:
    """The files of one trained network.

    Example:
        >>> Run(Path("runs/ptbxl_scratch")).model
        PosixPath('runs/ptbxl_scratch/model.keras')
    """

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def recipe(self) -> Path:
        return self.folder / "recipe.yaml"

    @property
    def dataset(self) -> Path:
        return self.folder / "dataset.json"

    @property
    def environment(self) -> Path:
        return self.folder / "environment.json"

    @property
    def status(self) -> Path:
        return self.folder / "status.json"

    @property
    def log(self) -> Path:
        return self.folder / "log.csv"

    @property
    def tensorboard(self) -> Path:
        return self.folder / "tensorboard"

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def model(self) -> Path:
        return self.folder / "model.keras"

    @property
    def leaks(self) -> Path:
        """What the leakage guard found."""
        return self.folder / "leaks.json"

    @property
    def seen(self) -> Path:
        """Which records its network has seen, in its upstreams too."""
        return self.folder / "seen.npz"

    @property
    def candidates(self) -> Path:
        """The folder with the runs that it was chosen from, unless they lie elsewhere."""
        return self.folder / "candidates"

    @property
    def tried(self) -> Path:
        """What validation says of it, where it is a candidate of another run."""
        return self.folder / "tried.json"

    @property
    def tuning(self) -> Path:
        """With which settings it was tried, and the choice."""
        return self.folder / "tuning.json"

    @property
    def scores(self) -> Path:
        return self.folder / "scores.json"

    @property
    def comparison(self) -> Path:
        return self.folder / "comparison.json"

    @property
    def seeds(self) -> Path:
        """What trainings with other seeds say together with this one."""
        return self.folder / "seeds.json"

    @property
    def report(self) -> Path:
        return self.folder / "report.html"

    @property
    def saved_model(self) -> Path:
        return self.folder / "saved_model" / "1"

    def predictions(self, split: str) -> Path:
        """The predictions of ``valid`` or ``test``."""
        return self.folder / "predictions" / f"{split}.npz"

    def read_status(self) -> dict[str, Any]:
        """What is known of the run; empty where it was never begun.

        Raises:
            DataError: status.json is damaged.
        """
        if not self.status.exists():
            return {}
        advice = f"Remove {self.folder} to train it again."
        return _Status(self, read_json(self.status, "statuses", _check_status, advice))

    def read_place(self, name: str) -> Path:
        """A folder that status.json names, ``shards`` or ``baseline_run``; it may be gone.

        Raises:
            DataError: status.json is damaged, or names none.
        """
        return find_place(self.folder, self.read_status()[name])

    def holds_epochs(self) -> bool:
        """Whether at least one epoch was trained and kept."""
        return self.model.is_file() or (self.checkpoints / "progress.json").is_file()

    def write_status(self, **changes: Any) -> None:
        """Merges ``changes`` into status.json."""
        write_json(self.status, {**self.read_status(), **changes})


class _Status(dict[str, Any]):
    """Names the file where a field is asked for that it lacks."""

    def __init__(self, run: Run, status: dict[str, Any]) -> None:
        super().__init__(status)
        self.run = run

    def __missing__(self, field: str) -> Any:
        raise DataError(
            f"{self.run.status}: damaged: it lacks {field}. Remove {self.run.folder} to train it "
            "again."
        )


def _check_status(status: dict[str, Any]) -> dict[str, Any]:
    for name, check in STATUS.items():
        if name in status:
            check(status[name])
    as_object(status.get("settings", {}).get("data", {}))
    return status


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


def find_changes(
    status: Mapping[str, Any], recipe: Recipe, *, dataset: str, upstream: str | None
) -> list[str]:
    """In what a run was begun otherwise, in words; nothing where it is the same.

    A key that the run's status lacks is taken to be at its default: this or an earlier version
    wrote it.

    Args:
        status: of the run.
        recipe, dataset, upstream: as for `begin_run`.
    """
    changed = run_changes(status.get("settings", {}), recipe)
    if status.get("defaults", DEFAULTS_BEFORE) != DEFAULTS:
        changed.append("what defaults mean")
    if status.get("dataset") != dataset:
        changed.append("the dataset (its settings or its raw files)")
    if status.get("upstream") != upstream:
        changed.append("the upstream weights")
    return changed


def begin_run(run: Run, recipe: Recipe, *, dataset: str, upstream: str | None) -> None:
    """Creates the run folder, or checks that the one that is there belongs to these settings.

    One that was begun otherwise and has no epoch yet holds nothing to lose and is begun again.

    Args:
        run: the folder.
        recipe: the resolved settings.
        dataset: the fingerprint of the shards.
        upstream: the fingerprint or file digest of the first weights, if any.

    Raises:
        ConfigError: the folder holds a run of other settings (which are listed), or other files.
        DataError: the folder can't be written.
    """
    status = run.read_status()
    check_same_run(run, recipe, dataset=dataset, upstream=upstream)
    if status and not find_changes(status, recipe, dataset=dataset, upstream=upstream):
        return
    try:
        run.folder.mkdir(parents=True, exist_ok=True)
        found = (p.name for p in run.folder.iterdir() if not p.name.startswith("."))
        strangers = sorted(set(found) - BEFORE)
        if not status and strangers:
            raise ConfigError(
                f"{run.folder}: not a run folder, and not empty (it has {', '.join(strangers[:3])})"
                ". Choose another with --set run=FOLDER."
            )
        run.recipe.write_text(dump_recipe(recipe), encoding="utf-8")
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
    listed = "; ".join(changed[:6]) + (f"; and {len(changed) - 6} more" if len(changed) > 6 else "")
    raise ConfigError(
        f"{run.folder}: this run was made with other settings: {listed}. Train into another folder "
        f"with --set run=FOLDER, or remove {run.folder} to train it again."
    )


@contextmanager
def alone(run: Run) -> Iterator[None]:
    """Keeps other processes out of the run folder while the block lasts.

    Raises:
        ConfigError: another process is in it.
    """
    lock = filelock.FileLock(run.folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise ConfigError(
            f"{run.folder}: another process trains this run. Wait for it, or train into another "
            "folder with --set run=FOLDER."
        ) from error
    try:
        yield
    finally:
        lock.release()


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
