"""`Dataset`: what ``dataset.json`` says of a folder of shards."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ecg_keras.data.outcomes import (
    LeftOut,
    Noted,
    describe_losses,
    describe_noted,
    with_lengths,
)
from ecg_keras.errors import DataError, unknown_name
from ecg_keras.files import sha256_of
from ecg_keras.json_files import as_count, as_names, as_text, parse_as, read_json
from ecg_keras.text import text_table

FORMAT = 2
_ADVICE = "It is not a dataset.json of ecg_keras: prepare the shards again."
SPLITS = ("train", "valid", "test")
# ns in which a file may change again and look the same: the coarsest clock of a disk is FAT's
TICK = 2_000_000_000


@dataclass(frozen=True)
class SplitSummary:
    """One split of a dataset.

    Attributes:
        records: how many.
        patients: of how many people.
        labels: how many records have each label, in the dataset's order of labels.
        shards: the size in bytes of each file, by its name, in reading order.
        checksums: the sha256 of each file, as 64 hex digits, by its name.
    """

    records: int
    patients: int
    labels: Mapping[str, int]
    shards: Mapping[str, int]
    checksums: Mapping[str, str]


@dataclass(frozen=True)
class Duplicates:
    """Records of one recording, by their signatures, and the split of each."""

    record_ids: tuple[str, ...]
    splits: tuple[str, ...]


@dataclass(frozen=True)
class Repaired:
    """What was not as the database said, the figures behind that, and what was done about it."""

    what: str
    evidence: str
    done: tuple[str, ...]

    def line(self) -> str:
        """One line of text."""
        return f"{self.what}: {'; '.join(self.done)} ({self.evidence})"


@dataclass(frozen=True)
class Dataset:
    """A finished folder of shards.

    Attributes:
        source: name of the source, or dotted name of a user's module.
        label_set: name of the label set.
        labels: names, in the order of the columns of ``target``.
        leads: names, in the order of the columns of ``signal``.
        sampling_rate: in Hz.
        num_samples: of each signal.
        splits: by name.
        dropped: records left out as the recipe asks: too short, or without a label.
        quarantined: records left out because they can't be read or hold no usable ECG.
        duplicates: groups of recordings that are the same.
        shared_patients: how many patients have records in more than one split; none, unless the
            recipe asks for a split by record.
        repairs: what was done to all records because ``data.verify`` is ``fix``.
        noted: records that are stored although a figure of theirs is outside of what is expected.
        quality: of the stored records, the median and the 95th percentile of each measure of
            `signals.measure_lead_quality`, by measure and quantile, a figure for each lead.
        settings: the recipe's ``data`` section, as far as it decides what is in the shards.
        fingerprint: of the settings, the raw files that are read, and the format.
        raw_digest: of the raw files that are read; of source ``folder``, and of a ``module:object``
            of the user's own, of all that are there, as one folder's patients are others than
            another's.
        raw_by: what of the raw files the two go by: ``content``, or ``times`` of change where an
            earlier version made the dataset.
        format: version of this layout.
        remarks: what was left out of records, or derived, and of how many.
        signatures: number of the rule by which the records' signatures were made. With 1, of
            earlier versions, no copy of a padded recording is found in datasets of another number.
    """

    source: str
    label_set: str
    labels: tuple[str, ...]
    leads: tuple[str, ...]
    sampling_rate: float
    num_samples: int
    splits: Mapping[str, SplitSummary]
    dropped: tuple[LeftOut, ...]
    quarantined: tuple[LeftOut, ...]
    duplicates: tuple[Duplicates, ...]
    settings: Mapping[str, Any]
    fingerprint: str
    raw_digest: str
    raw_by: str = "times"
    shared_patients: int = 0
    repairs: tuple[Repaired, ...] = ()
    noted: tuple[Noted, ...] = ()
    quality: Mapping[str, Mapping[str, Sequence[float | None]]] = field(default_factory=dict)
    format: int = FORMAT
    remarks: tuple[str, ...] = ()
    signatures: int = 1

    def left_out(self) -> tuple[str, ...]:
        """A line for each kind of reason why records are in no shard."""
        lost = len(self.dropped) + len(self.quarantined)
        return describe_losses(self.dropped, self.quarantined, self.num_records + lost)

    def kept_and_noted(self) -> tuple[str, ...]:
        """A line for each figure that is unusual in some records."""
        return describe_noted(self.noted, self.num_records)

    @property
    def num_records(self) -> int:
        """Of all splits."""
        return sum(split.records for split in self.splits.values())

    def has_shards_of(self, other: Dataset) -> bool:
        """Whether the shards of both are the same bytes, under the same names."""
        ours, theirs = (
            (one.labels, one.leads, [split.checksums for split in one.splits.values()])
            for one in (self, other)
        )
        return ours == theirs

    def dump(self) -> str:
        """The text of ``dataset.json``."""
        return json.dumps(asdict(self), indent=1) + "\n"

    def table(self, *, losses: bool = True) -> str:
        """A short description as text; ``losses`` says why records are left out or noted, too."""
        splits = self.splits.values()
        rows = [
            ("records", *(str(one.records) for one in splits)),
            ("patients", *(str(one.patients) for one in splits)),
            *((label, *(str(one.labels[label]) for one in splits)) for label in self.labels),
        ]
        across = sum(len(set(one.splits)) > 1 for one in self.duplicates)
        shared = f", patients in several splits {self.shared_patients}" * bool(self.shared_patients)
        lines = [
            f"{self.source}, label set {self.label_set}",
            f"{', '.join(self.leads)}; {self.sampling_rate:g} Hz, "
            f"{self.num_samples / self.sampling_rate:g} s",
            "",
            text_table(("", *self.splits), rows),
            "",
            f"dropped {len(self.dropped)}, quarantined {len(self.quarantined)}, "
            f"groups of duplicates {len(self.duplicates)} (across splits {across}){shared}",
        ]
        if losses:
            lines += [*self.left_out(), *self.kept_and_noted()]
            lines += [*(f"repaired: {one.line()}" for one in self.repairs), *self.remarks]
        return "\n".join(lines)


def describe(
    folder: str | Path,
    verify: bool = False,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> Dataset:
    """The dataset in a folder of shards, after a check that each shard is there in full.

    Args:
        folder: made by `prepare`.
        verify: also read every shard and compare its sha256 with that of when it was written.
        on_progress: called with the bytes verified and their total.

    Returns:
        What its ``dataset.json`` says.

    Raises:
        DataError: there is no finished dataset, it has another format, a shard is missing or has
            another size than when it was written, or, with ``verify``, other bytes.

    Example:
        >>> describe("shards/ptbxl").splits["train"].records
        17418
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder of shards. Run `ecg-keras prepare`.")
    dataset = read_dataset(folder / "dataset.json")
    for summary in dataset.splits.values():
        for name, size in summary.shards.items():
            found = (folder / name).stat().st_size if (folder / name).is_file() else None
            if found != size:
                state = "is missing" if found is None else f"has {found} bytes instead of {size}"
                raise DataError(
                    f"{folder / name}: this shard {state}. Delete the folder and run "
                    "`ecg-keras prepare` again, or copy it again from where it was complete."
                )
    if verify:
        _verify(folder, dataset, on_progress or (lambda done, total: None))
    return dataset


def read_dataset(path: str | Path) -> Dataset:
    """What a ``dataset.json`` says; its shards need not be there.

    Raises:
        DataError: the file is missing, is not a ``dataset.json``, or has another format.

    Example:
        >>> read_dataset("runs/first/dataset.json").source
        'ptbxl'
    """
    path = Path(path)
    if not path.is_file():
        inside = sorted(str(one.parent) for one in path.parent.glob(f"*/{path.name}"))
        if inside:
            raise DataError(
                f"{path.parent}: holds several datasets. Name one of them: {', '.join(inside)}."
            )
        unfinished = path.parent.is_dir() and any(path.parent.glob("*.tfrecord"))
        what = "is unfinished" if unfinished else "holds no dataset"
        raise DataError(
            f"{path.parent}: this folder {what}: it has no {path.name}. "
            f"Run `ecg-keras prepare`{', which resumes where it stopped' if unfinished else ''}."
        )
    state = path.stat()
    mark = (state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
    is_new = max(state.st_mtime_ns, state.st_ctime_ns) > time.time_ns() - TICK
    return _read(path) if is_new else _read_once(path, mark)


@functools.lru_cache(maxsize=2)
def _read_once(path: Path, mark: tuple[int, ...]) -> Dataset:
    # of millions of records that are left out it takes half a minute, and a run asks many times. It
    # takes memory, too: no more is kept than a run's dataset and that of its upstream
    return _read(path)


def _read(path: Path) -> Dataset:
    return read_json(path, "datasets", lambda tree: _parse(path, tree), _ADVICE)


def check_split(folder: str | Path, dataset: Dataset, split: str) -> SplitSummary:
    """The summary of a split; a `DataError` where no split has that name, or it is empty."""
    if split not in dataset.splits:
        raise DataError(f"{folder}: {unknown_name('split', split, dataset.splits)}")
    if not dataset.splits[split].records:
        raise DataError(
            f"{folder}: the {split} split has no record: the dataset was prepared without one. "
            "Change data.split, or set training.validate_on to test."
        )
    return dataset.splits[split]


def _verify(folder: Path, dataset: Dataset, on_progress: Callable[[int, int], None]) -> None:
    """Reads every shard; a `DataError` names all that have changed since they were written."""
    total = sum(sum(one.shards.values()) for one in dataset.splits.values())
    done, damaged = 0, []

    def count(length: int) -> None:
        nonlocal done
        done += length
        on_progress(done, total)

    for summary in dataset.splits.values():
        for name, expected in summary.checksums.items():
            try:
                found = sha256_of(folder / name, count)
            except OSError as error:
                raise DataError(f"{folder / name}: can't be read: {error.strerror}.") from error
            if found != expected:
                damaged.append(name)
    if damaged:
        raise DataError(
            f"{folder}: damaged since it was written: {', '.join(damaged)}. Delete the folder and "
            "run `ecg-keras prepare` again, or copy these shards again from where they are whole."
        )


def _parse(path: Path, tree: dict[str, Any]) -> Dataset:
    version = as_count(tree["format"])
    if version != FORMAT:
        raise DataError(
            f"{path}: has format {version}, and this version of ecg_keras reads format "
            f"{FORMAT}. Delete the folder and prepare the shards again."
        )
    dataset: Dataset = parse_as(Dataset, tree)
    as_names(tree["labels"])
    as_names(tree["leads"])
    for split in dataset.splits.values():
        for label in dataset.labels:
            as_count(split.labels[label])
        for name in split.shards:
            if Path(name).name != name:
                raise ValueError(f"a shard is a file in its dataset's own folder: {name!r}")
            as_text(split.checksums[name])
    return replace(dataset, dropped=tuple(map(with_lengths, dataset.dropped)))
