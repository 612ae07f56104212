"""How many ECGs the runs of a study train and test on, as far as it can be known beforehand."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ecg_keras import data, simulate
from ecg_keras.config import Data, Split, data_changes, data_settings
from ecg_keras.data import stored_leads, stored_length
from ecg_keras.errors import ConfigError, EcgKerasError
from ecg_keras.records import RecordInfo
from ecg_keras.sources import check_label_set, source_of
from ecg_keras.study.cells import Cell, StudyPlan

Origin = Literal["shards", "raw files", "simulation", "study.records"]
# of official folds where the records themselves are not there; PTB-XL has so many
OFFICIAL_FOLDS = 10
# what a shard keeps of each record besides its samples: ids, labels, quality, names of features
RECORD_BYTES = 400
# of a label set that is not there
LABELS = 10
# settings that decide which records a source lists
LISTED_BY = {"source", "raw", "label_set", "sampling_rate", "folder"}


@dataclass(frozen=True)
class Counted:
    """The records of one dataset.

    Attributes:
        train, valid, test: in each split, about so many where shares are all that is known.
        labels: names in the label set.
        origin: what told.
        shard_bytes: of its shards.
        stored: whether the shards are there.
    """

    train: int
    valid: int
    test: int
    labels: int
    origin: Origin
    shard_bytes: float
    stored: bool

    @property
    def records(self) -> int:
        """In all splits."""
        return self.train + self.valid + self.test


def count_records(
    plan: StudyPlan, on_progress: Callable[[int, int], None] | None = None
) -> dict[str, Counted | str]:
    """The records of each cell's dataset, or why they can't be told, by the cell's name.

    It asks, in this order: the shards, if they are there; the tables and headers of the raw files,
    without a signal; the settings of a simulation; the study's ``records``.

    Args:
        plan: of the study.
        on_progress: called with the datasets that are counted, and how many there are.
    """
    asked = {cell.name: dataset_key(cell) for cell in plan.cells}
    names = name_databases(plan)
    lists = _Lists()
    found: dict[str, Counted | str] = {}
    for cell in plan.cells:
        key = asked[cell.name]
        if key not in found:
            promised = plan.loaded.study.records.get(names.get(cell.name, ""))
            try:
                found[key] = _count(cell.recipe.data, promised, lists)
            except EcgKerasError as error:
                found[key] = str(error).partition("\n")[0]
            if on_progress is not None:
                on_progress(len(found), len(set(asked.values())))
    return {name: found[key] for name, key in asked.items()}


def name_databases(plan: StudyPlan) -> dict[str, str]:
    """The downstream or upstream of each cell, by the cell's name."""
    names = {cell.name: cell.arm.downstream for cell in plan.cells if cell.arm is not None}
    for (arm, _, _), name in plan.points.items():
        needed = plan.pretraining_of(plan.by_name[name])
        if needed is not None:
            names.setdefault(needed.name, arm.upstream)
    return names


def dataset_key(cell: Cell) -> str:
    """What two cells have in common that read the same shards."""
    settings = cell.recipe.data
    return json.dumps([str(settings.raw), str(settings.shards), data_settings(settings)])


@dataclass(frozen=True)
class _Lists:
    """What was read already: datasets in a folder of shards, files and records of a raw folder."""

    shards: dict[Path, dict[Path, data.Dataset]] = field(default_factory=dict)
    digests: dict[str, str | None] = field(default_factory=dict)
    raw: dict[str, list[RecordInfo]] = field(default_factory=dict)

    def datasets(self, folder: Path) -> dict[Path, data.Dataset]:
        if folder not in self.shards:
            paths = sorted(folder.glob("*/dataset.json"))
            self.shards[folder] = {path.parent: data.read_dataset(path) for path in paths}
        return self.shards[folder]

    def digest(self, settings: Data) -> str | None:
        """Of the raw files; ``None`` where they are not there, or not all of a simulation."""
        raw, simulated = settings.raw, settings.simulate
        key = settings.model_dump_json(include=LISTED_BY)
        if key not in self.digests:
            there = (
                raw.is_dir()
                if simulated is None
                else simulate.is_complete(raw, **simulated.model_dump())
            )
            self.digests[key] = data.digest_of(settings) if there else None
        return self.digests[key]

    def records(self, settings: Data) -> list[RecordInfo]:
        key = settings.model_dump_json(include=LISTED_BY)
        if key not in self.raw:
            source = source_of(settings)
            self.raw[key] = source.list_records(
                settings.raw,
                label_set=settings.label_set or next(iter(source.LABEL_SETS)),
                sampling_rate=settings.sampling_rate,
            )
        return self.raw[key]


def _count(settings: Data, promised: int | None, lists: _Lists) -> Counted:
    digest = lists.digest(settings)
    for folder, dataset in lists.datasets(settings.shards).items():
        is_it = (
            not data_changes(dataset.settings, settings)
            if digest is None
            else data.is_made_of(folder, dataset, settings, digest)
        )
        if is_it:
            return _of_dataset(dataset)
    if digest is not None:
        return _of_records(lists.records(settings), settings)
    if settings.simulate is not None:
        return _of_shares(settings.simulate.records, settings, "simulation")
    if promised is not None:
        return _of_shares(promised, settings, "study.records")
    raise ConfigError(
        f"there is no folder {settings.raw}, and the study's `records` names no number for it"
    )


def _of_dataset(dataset: data.Dataset) -> Counted:
    splits = [dataset.splits.get(name) for name in data.SPLITS]
    return Counted(
        *(0 if split is None else split.records for split in splits),
        labels=len(dataset.labels),
        origin="shards",
        shard_bytes=sum(sum(split.shards.values()) for split in splits if split is not None),
        stored=True,
    )


def _of_records(listed: list[RecordInfo], settings: Data) -> Counted:
    infos = [info for info in listed if info.labels or settings.unlabelled == "keep"]
    if _has_official_folds(settings):
        labels = check_label_set(source_of(settings), settings.label_set)
        splits = Counter(data.assign_splits(infos, labels, settings.split, official=True).values())
        return _counted([splits[name] for name in data.SPLITS], settings, "raw files")
    return _of_shares(len(infos), settings, "raw files")


def _of_shares(records: int, settings: Data, origin: Origin) -> Counted:
    shares = split_shares(settings.split, official=_has_official_folds(settings))
    valid, test = (round(records * share) for share in shares)
    return _counted([records - valid - test, valid, test], settings, origin)


def split_shares(split: Split, *, official: bool) -> tuple[float, float]:
    """The shares of the records that validate and that test.

    Args:
        split: of a recipe.
        official: whether the database's folds decide; they are taken to be ten of equal size.

    Example:
        >>> split_shares(Split(folds=5, fold=0), official=False)
        (0.2, 0.2)
    """
    if split.folds is not None:
        return 1 / split.folds, 1 / split.folds
    if official:
        return len(split.valid_folds) / OFFICIAL_FOLDS, len(split.test_folds) / OFFICIAL_FOLDS
    return split.valid, split.test


def _counted(splits: list[int], settings: Data, origin: Origin) -> Counted:
    size = 2 * stored_length(settings) * len(stored_leads(settings)) + RECORD_BYTES
    return Counted(
        *splits,
        labels=_count_labels(settings),
        origin=origin,
        shard_bytes=size * sum(splits),
        stored=False,
    )


def _has_official_folds(settings: Data) -> bool:
    if settings.split.method == "official":
        return True
    try:
        official = source_of(settings).OFFICIAL_FOLDS
    except EcgKerasError:  # a source or a table that is not there yet
        return False
    return bool(official and settings.split.method == "auto")


def _count_labels(settings: Data) -> int:
    try:
        return len(check_label_set(source_of(settings), settings.label_set))
    except EcgKerasError:
        return LABELS
