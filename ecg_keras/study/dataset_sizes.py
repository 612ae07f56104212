"""How many ECGs the runs of a study train and test on, as far as it can be known in advance."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
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
# of official folds where the records themselves are not there; PTB-XL has as many
OFFICIAL_FOLDS = 10
# what a shard keeps of each record besides its samples: ids, labels, quality, names of features
RECORD_BYTES = 400
# of a label set that is not there
LABELS = 10
# settings that decide which records a source lists
LISTED_BY = {"source", "raw", "label_set", "sampling_rate", "folder"}


@dataclass(frozen=True)
class DatasetSize:
    """The records of each split, approximate where shares are all that is known; and the disk.

    ``labels`` is the number of names in the label set, ``origin`` what the numbers come from.
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
    plan: StudyPlan, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> dict[str, DatasetSize | str]:
    """The records of each cell's dataset, or why they are unknown, by the cell's name.

    Looked at are, in this order: the shards, if they are there; the tables and headers of the raw
    files, without a signal; the settings of a simulation; the study's ``records``.
    """
    records = plan.loaded.study.records
    promised = {name: records[one] for name, one in plan.databases.items() if one in records}
    return count_of_cells(plan.cells, promised, on_progress)


def count_of_cells(
    cells: Sequence[Cell],
    promised: Mapping[str, int],
    on_progress: Callable[[int, int], None],
) -> dict[str, DatasetSize | str]:
    """The same of any cells; ``promised`` are records by the name of a cell."""
    keys = {cell.name: dataset_key(cell) for cell in cells}
    lists = _Lists()
    found: dict[str, DatasetSize | str] = {}
    for cell in cells:
        key = keys[cell.name]
        if key not in found:
            try:
                found[key] = _count(cell.recipe.data, promised.get(cell.name), lists)
            except EcgKerasError as error:
                found[key] = str(error).partition("\n")[0]
            on_progress(len(found), len(set(keys.values())))
    return {name: found[key] for name, key in keys.items()}


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


def _count(settings: Data, promised: int | None, lists: _Lists) -> DatasetSize:
    digest = lists.digest(settings)
    for folder, dataset in lists.datasets(settings.shards).items():
        is_it = (
            not data_changes(dataset.settings, settings)
            if digest is None
            else data.is_made_of(folder, dataset, settings, digest)
        )
        if is_it:
            return size_of(dataset)
    if digest is not None:
        return _of_records(lists.records(settings), settings)
    if settings.simulate is not None:
        return _of_shares(settings.simulate.records, settings, "simulation")
    if promised is not None:
        return _of_shares(promised, settings, "study.records")
    raise ConfigError(
        f"there is no folder {settings.raw}, and the study's `records` names no number for it"
    )


def size_of(dataset: data.Dataset) -> DatasetSize:
    """Of a dataset whose shards are there."""
    splits = {name: dataset.splits[name] for name in data.SPLITS if name in dataset.splits}
    records = Counter({name: split.records for name, split in splits.items()})
    return DatasetSize(
        train=records["train"],
        valid=records["valid"],
        test=records["test"],
        labels=len(dataset.labels),
        origin="shards",
        shard_bytes=sum(sum(split.shards.values()) for split in splits.values()),
        stored=True,
    )


def _of_records(listed: list[RecordInfo], settings: Data) -> DatasetSize:
    infos = [info for info in listed if info.labels or settings.unlabelled == "keep"]
    if not _has_official_folds(settings):
        return _of_shares(len(infos), settings, "raw files")
    labels = check_label_set(source_of(settings), settings.label_set)
    splits = data.assign_splits(infos, labels, settings.split, official=True)
    return _still_to_make(Counter(splits.values()), settings, "raw files")


def _of_shares(records: int, settings: Data, origin: Origin) -> DatasetSize:
    shares = split_shares(settings.split, official=_has_official_folds(settings))
    valid, test = (round(records * share) for share in shares)
    splits = Counter(train=records - valid - test, valid=valid, test=test)
    return _still_to_make(splits, settings, origin)


def split_shares(split: Split, *, official: bool) -> tuple[float, float]:
    """The shares of the records that validate and that test; official folds are ten equal ones."""
    if split.folds is not None:
        return 1 / split.folds, 1 / split.folds
    if official:
        return len(split.valid_folds) / OFFICIAL_FOLDS, len(split.test_folds) / OFFICIAL_FOLDS
    return split.valid, split.test


def _still_to_make(splits: Counter[str], settings: Data, origin: Origin) -> DatasetSize:
    size = 2 * stored_length(settings) * len(stored_leads(settings)) + RECORD_BYTES
    try:
        labels = len(check_label_set(source_of(settings), settings.label_set))
    except EcgKerasError:  # a source or a table that is not there yet
        labels = LABELS
    return DatasetSize(
        train=splits["train"],
        valid=splits["valid"],
        test=splits["test"],
        labels=labels,
        origin=origin,
        shard_bytes=size * splits.total(),
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
