"""By which place and dataset a run knows its recordings, wherever they are now."""

from __future__ import annotations

from pathlib import Path

from ecg_keras import data
from ecg_keras.config import Data
from ecg_keras.training import Run


def known_dataset(run: Run, settings: Data, shards: Path, fingerprint: str) -> str:
    """The fingerprint by which a run knows a dataset.

    It is the dataset's own, unless the run was made on an earlier version's shards that are gone:
    of these raw files, by their times of change, or of the same bytes.

    Args:
        run: the run, finished or not.
        settings: of the dataset.
        shards: its folder, as `data.find_shards` names it; it need not be there.
        fingerprint: of the dataset that is or will be there.

    Example:
        >>> known_dataset(job.run, job.data, job.shards, job.dataset_fingerprint)
    """
    theirs = run.read_status().get("dataset")
    if theirs != fingerprint and run.dataset.is_file():
        made = data.read_dataset(run.dataset)
        there = shards / run.dataset.name
        if made.fingerprint == theirs and (
            data.has_same_times(made, settings)
            or (there.is_file() and data.read_dataset(there).has_shards_of(made))
        ):
            return made.fingerprint
    return fingerprint


def place_of(settings: Data) -> str:
    """The place of a dataset's recordings, see `data_place`."""
    return data_place(settings.raw, settings.folder.table if settings.folder else None)


def data_place(raw: Path, table: str | None) -> str:
    """What separates the recordings of one recipe's runs: their folder, and the table in it.

    A folder inside the current one is named from there, so that both can be moved.
    """
    place, here = raw.resolve(), Path.cwd()
    if place.is_relative_to(here):
        place = place.relative_to(here)
    return f"{place}{f' {table}' if table else ''}"
