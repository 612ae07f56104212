"""The run folder: the contract between `train`, `evaluate`, `compare`, `report` and `export`."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_args

from ecg_keras.config import Training
from ecg_keras.errors import DataError
from ecg_keras.json_files import (
    as_count,
    as_name,
    as_number,
    as_object,
    as_one_of,
    as_switch,
    as_text,
    read_json,
    write_json,
)

PRECISIONS = get_args(Training.model_fields["precision"].annotation)
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
    "in_memory": as_switch,
    "precision": partial(as_one_of, allowed=PRECISIONS),
}


class _Inside:
    """The path of a file or folder in a run's folder."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, run: Run, owner: type[Run]) -> Path:
        return run.folder / self.name


@dataclass(frozen=True)
class Run:
    """The files of one trained network.

    Example:
        >>> Run(Path("runs/ptbxl_scratch")).model
        PosixPath('runs/ptbxl_scratch/model.keras')
    """

    folder: Path

    recipe = _Inside("recipe.yaml")
    dataset = _Inside("dataset.json")  # of its shards
    environment = _Inside("environment.json")
    status = _Inside("status.json")
    log = _Inside("log.csv")
    tensorboard = _Inside("tensorboard")
    checkpoints = _Inside("checkpoints")
    model = _Inside("model.keras")
    leaks = _Inside("leaks.json")  # what the leakage guard found
    seen = _Inside("seen.npz")  # which records its network has seen, in its upstreams too
    candidates = _Inside("candidates")  # runs that it was chosen from, unless they are elsewhere
    tried = _Inside("tried.json")  # what validation says of it, where it is a candidate itself
    tuning = _Inside("tuning.json")  # with which settings it was tried, and the choice
    scores = _Inside("scores.json")
    reference = _Inside("signal_reference.npz")  # by which unlike recordings are known
    comparison = _Inside("comparison.json")
    card = _Inside("card.yaml")  # of weights that others published, where it was made from them
    seeds = _Inside("seeds.json")  # what trainings with other seeds say together with this one
    explanations = _Inside("explanations.npz")  # what the answers rest on that its page shows
    report = _Inside("report.html")
    saved_model = _Inside("saved_model/1")

    @property
    def name(self) -> str:
        return self.folder.name

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

    def read_environment(self) -> dict[str, Any]:
        """Versions and machine of its training; empty where the run has no such file.

        Raises:
            DataError: environment.json is damaged.
        """
        if not self.environment.exists():
            return {}
        return read_json(self.environment, "environments", dict, "Remove it: a page needs none.")

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


def run_of(weights: Path) -> Run:
    """The run that weights are of, of which nothing is known where they are a lone file.

    Args:
        weights: a run folder, its ``model.keras``, or another ``.keras`` file.

    Example:
        >>> run_of(Path("runs/ptbxl_scratch/model.keras")).name
        'ptbxl_scratch'
    """
    around = Run(weights.parent)
    return around if weights == around.model else Run(weights)


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


def read_log(path: str | Path) -> list[dict[str, str]]:
    """The rows of a `RunLog` file, oldest first; none where there is no file.

    Raises:
        DataError: it is no CSV file, or its rows do not begin with the number of an epoch.
    """
    path = Path(path)
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            if None in row or int(row["epoch"]) < 1:
                raise ValueError(f"a row of {list(row.values())[:3]}")
    except (UnicodeDecodeError, OSError, csv.Error, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: no log of a training ({type(error).__name__}: {error}). Remove it, or name "
            "another file."
        ) from error
    return rows


def seen_from(folder: Path, path: Path) -> str:
    """A path for a file in ``folder``: from there, with slashes; absolute only on another drive.

    Example:
        >>> seen_from(Path("runs/mine"), Path("shards/ptbxl"))
        '../../shards/ptbxl'
    """
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:
        return str(path.resolve())


# Earlier versions wrote absolute paths. The end of one is looked for beside the folder, then beside
# each of those that it is in, so that a copy keeps to itself; last comes the path as it is.
def find_place(folder: Path, stored: str) -> Path:
    """The path that a file in ``folder`` names, as `seen_from` or an earlier version wrote it."""
    home, path = folder.resolve(), Path(stored)
    found = (home / path).resolve()
    if path.is_absolute():
        ends = [path.parts[start:] for start in range(1, len(path.parts))]
        places = (parent.joinpath(*end) for parent in home.parents for end in ends)
        found = next((place for place in places if place.exists()), found)
    here = Path.cwd()
    return found.relative_to(here) if found.is_relative_to(here) else found
