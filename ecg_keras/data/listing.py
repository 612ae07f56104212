"""What the tables of a database say, before a signal is read: its records, and their splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ecg_keras.config import Data, Split
from ecg_keras.data.outcomes import EXCLUDED, UNLABELLED, LeftOut
from ecg_keras.data.splits import assign_splits
from ecg_keras.errors import DataError, listed
from ecg_keras.records import RecordInfo
from ecg_keras.sources import (
    FOLDER,
    SOURCES,
    Source,
    check_label_set,
    check_listed,
    recognise_database,
    source_of,
)


@dataclass(frozen=True)
class Listing:
    """A database as its source lists it; ``records`` are all of them, in order of their ids."""

    data: Data
    source: Source
    label_set: str
    labels: tuple[str, ...]
    records: Sequence[RecordInfo]

    @cached_property
    def kept(self) -> list[RecordInfo]:
        """The records that the settings keep, as far as their labels and ids decide."""
        left_out = {one.record_id for one in self.dropped}
        return [info for info in self.records if info.record_id not in left_out]

    @cached_property
    def dropped(self) -> list[LeftOut]:
        """The other records, each with the setting that leaves it out."""
        excluded, drops = set(self.data.exclude), self.data.unlabelled == "drop"
        return [
            LeftOut(info.record_id, EXCLUDED if info.record_id in excluded else UNLABELLED)
            for info in self.records
            if info.record_id in excluded or (drops and not info.labels)
        ]

    def unknown_excluded(self) -> str | None:
        """A sentence on the ids of ``data.exclude`` that no record has, if there are any."""
        unknown = sorted({*self.data.exclude} - {info.record_id for info in self.records})
        if not unknown:
            return None
        return (
            f"{self.data.raw}: data.exclude names {len(unknown)} of {len(self.data.exclude)} "
            f"records that are not there: {listed([repr(one) for one in unknown], 5)}."
        )

    def unused_split(self) -> str | None:
        """A sentence on the keys of ``data.split`` that are set and decide nothing, if any."""
        split, official = self.data.split, self.source.OFFICIAL_FOLDS
        if split.folds is not None:
            return None
        by_folds = official and split.method in ("auto", "official")
        names = ("valid", "test") if by_folds else ("valid_folds", "test_folds")
        usual = Split()
        unused = [name for name in names if getattr(split, name) != getattr(usual, name)]
        if not unused:
            return None
        how, other = (
            ("by its official folds", "data.split.method: patients splits otherwise")
            if by_folds
            else ("without official folds", "data.split.valid and test say how")
        )
        return (
            f"{self.data.raw}: is split {how}, so data.split.{', '.join(unused)} decides nothing; "
            f"{other}."
        )

    def assign_splits(self) -> dict[str, str]:
        """The split of each record that is kept."""
        if not self.kept:
            if all(one.reason == EXCLUDED for one in self.dropped):
                raise DataError(
                    f"{self.data.raw}: data.exclude names all {len(self.records)} records. Name "
                    "fewer."
                )
            raise DataError(
                f"{self.data.raw}: none of the {len(self.records)} records has a label of the "
                f"label set {self.label_set}, and data.unlabelled: drop leaves out those without. "
                "Choose other labels, or set data.unlabelled: keep."
            )
        official = self.source.OFFICIAL_FOLDS
        return assign_splits(self.kept, self.labels, self.data.split, official=official)


def list_database(data: Data) -> Listing:
    """Lists the records of a recipe's database, and checks what a user's own source may get wrong.
    It raises a `ConfigError` or `DataError` as `prepare` does, and reads no signal.
    """
    source = source_of(data)
    labels = check_label_set(source, data.label_set)
    label_set = data.label_set or next(iter(source.LABEL_SETS))
    try:
        records: Sequence[RecordInfo] = source.list_records(
            data.raw, label_set=label_set, sampling_rate=data.sampling_rate
        )
    except DataError as error:
        other = "" if data.source == FOLDER else recognise_database(data.raw, data.source)
        raise DataError(f"{error}{other}") from error
    if data.source not in SOURCES:
        records = check_listed(data.source, data.raw, records)
    listing = Listing(data, source, label_set, tuple(labels), records)
    _check_records(listing)
    return listing


def check_tables(data: Data) -> None:
    """Raises what the tables of a database show to be wrong: `prepare` would stop for it, too."""
    list_database(data).assign_splits()


def _check_records(listing: Listing) -> None:
    where = f"{listing.data.raw}: source {listing.data.source}"
    if not listing.records:
        raise DataError(f"{where} found no record there.")
    ids = [info.record_id for info in listing.records]
    if ids != sorted(set(ids)):
        twice = [name for name, count in Counter(ids).items() if count > 1]
        what = f"lists {twice[0]!r} twice" if twice else "does not sort its records by record_id"
        raise DataError(f"{where} {what}.")
    for info in listing.records:
        unknown = sorted(set(info.labels) - set(listing.labels))
        if unknown:
            raise DataError(
                f"{info.path}: record {info.record_id} has labels outside the label set: "
                f"{', '.join(unknown)}. Allowed: {', '.join(listing.labels)}."
            )
