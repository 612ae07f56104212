"""What is asked of a network, checked: recordings in files, in shards or in an array."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras import data
from ecg_keras.array_types import AnyArray
from ecg_keras.config import fingerprint
from ecg_keras.data import SPLITS, Dataset
from ecg_keras.errors import ConfigError, DataError, listed, look_up, shortened
from ecg_keras.prediction.answering import Answer, answer_all
from ecg_keras.prediction.asked_files import say_unnamed
from ecg_keras.prediction.journal import Beside, Journal
from ecg_keras.prediction.loose_files import LooseFiles
from ecg_keras.prediction.readings import (
    ABSTAINED,
    AGGREGATES,
    ArrayFile,
    Key,
    Reading,
    WindowReader,
    key_of,
    mark_of,
    read_files,
    read_stored,
    verify_together,
)
from ecg_keras.prediction.trained import TrainedNetwork
from ecg_keras.records import RecordInfo, Signal
from ecg_keras.text import plural

# of the layout of journals, and of what answers mean
FORMAT = 1
OnProgress = Callable[[int, int], Any]
OnWarning = Callable[[str], Any]
Files = str | Path | Iterable[str | Path] | npt.ArrayLike


@dataclass(frozen=True, eq=False)
class Request:
    """A network and what it is to be asked about, checked."""

    trained: TrainedNetwork
    shards: tuple[tuple[Path, Dataset], ...]  # with the splits and files that are asked about
    infos: tuple[RecordInfo, ...]
    reader: WindowReader
    mark: str
    batch_size: int
    workers: int

    @classmethod
    def check(
        cls,
        trained: TrainedNetwork,
        files: Files,
        reading: LooseFiles | None,
        split: str | None,
        aggregate: str,
        batch_size: int,
        workers: int,
        on_warning: OnWarning | None,
    ) -> Request:
        look_up("aggregate", aggregate, dict.fromkeys(AGGREGATES))
        for name, number in (("batch_size", batch_size), ("workers", workers)):
            if number < 1:
                raise ConfigError(f"{name} must be at least 1. Received: {number}.")
        given = _read_given(files)
        if isinstance(given, np.ndarray):  # each process would get all of it
            workers = 1
        loose = reading or LooseFiles()
        verify = trained.data.verify if loose.verify else "off"
        settings = trained.data.model_copy(update={"workers": workers, "verify": verify})
        loose = replace(loose, verify=verify != "off")
        source: LooseFiles | ArrayFile
        shards: list[tuple[Path, Dataset]] = []
        tables: list[Path] = []
        unnamed: list[Path] = []
        if isinstance(given, np.ndarray):
            source = ArrayFile(_records(given), loose)
            infos = [
                RecordInfo(f"{row}", f"{row}", Path(f"{row}"), (), row=row)
                for row in range(len(source.values))
            ]
            for setting in ("sampling_rate", "unit"):
                if getattr(loose, setting) is None:
                    raise ConfigError(
                        f"an array does not say its {setting.replace('_', ' ')}. Give it as "
                        f"reading=LooseFiles({setting}=...)."
                    )
            named = ["array", hashlib.sha256(np.ascontiguousarray(given).data).hexdigest()]
        else:
            if split is not None:
                look_up("split", split, dict.fromkeys(SPLITS))
            stored: list[Path] = []
            source, infos = loose, loose.list_records(given, tables, stored, unnamed)
            shards = _open_shards(stored, trained, split)
            named = [str(one) for one in given]
            if not shards and not infos:
                raise DataError("there is no recording to ask about: no file is named.")
        options = {
            "network": trained.mark,
            "reading": {**asdict(loose), "lead_names": dict(loose.lead_names or {})},
            "aggregate": aggregate,
            "split": split,
            "files": named,
            "format": FORMAT,
        }
        reader = WindowReader(source, settings, aggregate)
        warn = on_warning or logging.getLogger(__name__).warning
        if tables:
            what = f"{plural(len(tables), 'table')} of texts or ids left out, which hold no samples"
            warn(f"{what}: {listed([str(one) for one in tables], 5)}")
        if unnamed:
            warn(say_unnamed(unnamed).strip())
        if trained.remark:
            warn(trained.remark)
        return cls(
            trained, tuple(shards), tuple(infos), reader, fingerprint(options), batch_size, workers
        )

    def ask(
        self, on_progress: OnProgress | None, journal: Journal | None = None
    ) -> Iterator[Answer]:
        """The answers that the journal lacks."""
        done = 0
        move = on_progress or (lambda done, total: None)

        def count(known: int) -> None:
            nonlocal done
            done += known

        for answer in answer_all(
            self.trained.forward,
            self.left(journal, count),
            batch_size=self.batch_size,
            aggregate=self.reader.aggregate,
            has_distance=self.trained.reference is not None,
        ):
            done += 1
            move(done, self.total)
            yield answer

    def left(self, journal: Journal | None, count: Callable[[int], None]) -> Iterator[Reading]:
        """The recordings that the journal lacks; of those that it has ``count`` gets the number."""
        left = [
            one
            for one in self.infos
            # the state of files is looked at only of what was answered: there may be many
            if journal is None
            or not journal.has(one.record_id)
            or not journal.knows(one.record_id, mark_of(one.path))
        ]
        count(len(self.infos) - len(left))
        for one in self.readings(left):
            if journal is not None and journal.knows(one.record_id, one.mark, one.split):
                count(1)
            else:
                yield one

    def recall(self, journal: Journal) -> Iterator[tuple[Answer, Beside]]:
        """The answers of a journal to what is asked now, in its order, and what is beside them."""
        names = dict.fromkeys(dataset.fingerprint for _, dataset in self.shards)
        return journal.read(names, dict.fromkeys(one.record_id for one in self.infos))

    @property
    def total(self) -> int:
        """How many recordings there are, as far as `dataset.json` says."""
        stored = sum(split.records for _, one in self.shards for split in one.splits.values())
        return stored + len(self.infos)

    def readings(self, left: Sequence[RecordInfo] | None = None) -> Iterator[Reading]:
        """All recordings, those of shards first; of files only those that are ``left``."""
        for folder, dataset in self.shards:
            for split in dataset.splits:
                yield from read_stored(folder, dataset, split)
        yield from self._read(self.infos if left is None else left)

    def read_signals(self, keys: Collection[Key]) -> dict[Key, Signal]:
        """The first window of recordings, as the network was asked about it."""
        stored = (
            one
            for folder, dataset in self.shards
            for split in dataset.splits
            for one in read_stored(folder, dataset, split)
        )
        infos = [one for one in self.infos if key_of(one.record_id, "", "") in keys]
        found: dict[Key, Signal] = {}
        for one in chain(stored, self.reader.read(infos)):
            if len(found) == len(keys):
                break
            usable = (window for window in one.windows if not isinstance(window, str))
            window = next(usable, None)
            if one.key in keys and one.key not in found and window is not None:
                trained = self.trained
                found[one.key] = Signal(window, trained.sampling_rate, trained.leads)
        return found

    def _read(self, left: Sequence[RecordInfo]) -> Iterator[Reading]:
        if not left:
            return
        if self.workers > 1:
            data.get_ready(WindowReader.__module__)
        # all of them say whether one is to be answered, whichever are left
        reader, reason = verify_together(self.reader, self.infos)
        for one in read_files(reader, left, self.workers):
            if reason and one.status == "answered":
                yield replace(one, windows=(), status=ABSTAINED, reason=reason)
            else:
                yield one


def _read_given(files: Files) -> list[str | Path] | AnyArray:
    """Names of files, or an array: of any framework, or a list of them."""
    if isinstance(files, str | Path):
        return [files]
    is_array = hasattr(files, "__array__")
    if not is_array and not isinstance(files, Iterable):
        raise ConfigError(
            f"files must be names of files, or an array. Received: {type(files).__name__}."
        )
    given: Any = files
    given = _without_gradient(given) if is_array else [_without_gradient(one) for one in given]
    if not is_array and all(isinstance(one, str | PathLike) for one in given):
        return list(given)
    try:
        values = np.asarray(given)
    except (ValueError, TypeError, RuntimeError) as error:  # frameworks raise each of them
        raise ConfigError(
            "recordings of an array must have one shape, (num_samples, num_leads). Ask about "
            f"others one by one, or write them to files. NumPy says: {shortened(str(error))}."
        ) from error
    named = values.ndim == 1 and all(isinstance(one, str | PathLike) for one in values.tolist())
    return values.tolist() if named else values


def _without_gradient(given: Any) -> Any:
    """A tensor of PyTorch where NumPy can read it; all else as it is."""
    return given.detach().cpu() if hasattr(given, "detach") else given


def _records(values: AnyArray) -> AnyArray:
    if values.dtype.kind not in "fiu":
        raise ConfigError(f"an array must hold real numbers. Received: {values.dtype}.")
    if values.ndim not in (2, 3):
        raise ConfigError(
            "an array must have the shape (records, num_samples, num_leads), or that of one record "
            f"without the first. Received: {values.shape}."
        )
    return values if values.ndim == 3 else values[None]


def _open_shards(
    stored: Sequence[Path], trained: TrainedNetwork, split: str | None
) -> list[tuple[Path, Dataset]]:
    """The datasets of shards and their folders, each with the splits and shards that are wanted."""
    whole = {path for path in stored if path.suffix != ".tfrecord"}
    chosen: dict[Path, set[str]] = {}
    for path in stored:
        folder = path if path in whole else path.parent
        chosen.setdefault(folder, set()).add(path.name)
    return [
        (folder, _choose(folder, trained, split, set() if folder in whole else names))
        for folder, names in chosen.items()
    ]


def _choose(folder: Path, trained: TrainedNetwork, split: str | None, names: set[str]) -> Dataset:
    dataset = data.describe(folder)
    for what, theirs, ours in (
        ("leads", ", ".join(dataset.leads), ", ".join(trained.leads)),
        ("sampling rate", f"{dataset.sampling_rate:g} Hz", f"{trained.sampling_rate:g} Hz"),
        ("length", f"{dataset.num_samples} samples", f"{trained.num_samples} samples"),
    ):
        if theirs != ours:
            raise DataError(
                f"{folder}: its {what}: {theirs}, and {trained.place} takes {ours}. Prepare these "
                "recordings as the network's own, or ask about the files themselves."
            )
    splits = {}
    for name, summary in dataset.splits.items():
        shards = {one: size for one, size in summary.shards.items() if not names or one in names}
        if shards and split in (None, name):
            # of some of its shards it is not known how many records they hold
            records = summary.records if len(shards) == len(summary.shards) else 0
            splits[name] = replace(summary, shards=shards, records=records)
    missing = names.difference(*(one.shards for one in dataset.splits.values()))
    if missing or not splits:
        what = ", ".join(sorted(missing)) or f"split {split}"
        raise DataError(f"{folder}: its dataset.json lists no shard for this: {what}.")
    return replace(dataset, splits=splits)
