"""Recordings as windows that a network takes: from files, in several processes, or from shards."""

from __future__ import annotations

import functools
import hashlib
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ecg_keras import data
from ecg_keras.array_types import AnyArray, Float32Array
from ecg_keras.config import Data
from ecg_keras.data import FIGURES, LEAD_FIGURES, Converted, Dataset, LeftOut
from ecg_keras.errors import DataError
from ecg_keras.formats import list_names, read_header
from ecg_keras.prediction.loose_files import LooseFiles, UnreadableError
from ecg_keras.records import RecordInfo, Signal, Span, cut_signal
from ecg_keras.signals import LEAST_RECORDS, SIGNATURE_SIZE, find_fault, signature, verify

# how the answers to the windows of a longer recording become one: their mean or maximum, or that
# of the one window that the shards of the training keep
AGGREGATES = ("mean", "maximum", "trained")
# files that one process reads before it hands them over, and windows of each: ten minutes, of which
# the rest is read while the network works
_TOGETHER, _AT_ONCE = 8, 60
# files of one recording whose states are written as they are
_NAMED = 8
# in millivolts, or why it can not be used
Window = Float32Array | str
# the leads are the network's
_ADVICE = (
    " Ask for leads it has with data.leads, name those that it calls otherwise with "
    "data.folder.lead_names, or leave the recording out."
)
ANSWERED, ABSTAINED, UNREADABLE = "answered", "abstained", "unreadable"
Figures = Mapping[str, tuple[float, ...]]
Key = tuple[str, str]


def key_of(record_id: str, mark: str, split: str) -> Key:
    """Of files the name; of shards, of which two may have records of one name, the dataset too."""
    return record_id, mark if split else ""


@dataclass(frozen=True, eq=False)
class Reading:
    """What is to be asked of one recording."""

    # of shards those of their source, else the name of the file
    record_id: str
    patient_id: str
    # of a long recording read as they are taken
    windows: Iterable[Window] = ()
    split: str = ""
    # answered, unless it is not to be asked, and why not
    status: str = ANSWERED
    reason: str = ""
    # what is unusual in it, as `prepare` notes it
    flags: tuple[str, ...] = ()
    # of the file's content, as far as size and time of change say it
    mark: str = ""
    # of its first window that can be used; of a lead's figures one for each lead
    figures: Figures = field(default_factory=dict)

    @property
    def key(self) -> Key:
        return key_of(self.record_id, self.mark, self.split)

    def refused(self, reason: str, error: DataError) -> Reading:
        """The same, of which nothing is to be answered."""
        status = UNREADABLE if isinstance(error, UnreadableError) else ABSTAINED
        return replace(self, windows=(), status=status, reason=reason)


@dataclass(frozen=True)
class ArrayFile:
    """Recordings of an array in memory, read as files are."""

    values: AnyArray = field(repr=False)
    files: LooseFiles

    def read_signal(self, info: RecordInfo, span: Span | None = None) -> Signal:
        try:
            signal = self.files.read_values(self.values[info.row or 0], "the array")
        except (DataError, ValueError) as error:
            raise UnreadableError(str(error)) from error
        return self.files.check(cut_signal(signal, span))


@dataclass(frozen=True)
class WindowReader:
    """All that a process needs to read recordings for a network; it travels to it."""

    source: LooseFiles | ArrayFile
    data: Data
    aggregate: str
    identities: bool = False

    def read(self, infos: Sequence[RecordInfo]) -> list[Reading]:
        """The recordings with their first windows; of longer ones the rest is still to be read."""
        note = data.noting(self.data, "", data.stored_leads(self.data))
        return [self._read(info, note) for info in infos]

    def _read(self, info: RecordInfo, note: Any) -> Reading:
        begun = Reading(info.record_id, info.patient_id, mark=mark_of(info.path))
        try:
            outcomes = list(itertools.islice(self.convert(info), _AT_ONCE))
        except DataError as error:
            _refuse_fault(error, info.path)
            return begun.refused(_without_name(error, info.path), error)
        kept = [one for one in outcomes if isinstance(one, Converted)]
        windows: Iterable[Window] = [_millivolts(one) for one in outcomes]
        if len(outcomes) == _AT_ONCE:
            windows = _Longer(self, info, tuple(windows))
        elif not kept:
            return replace(begun, status=ABSTAINED, reason=_why(outcomes[0]))
        noted = {(one.measure, one.lead): one.what for record in kept for one in note(record)}
        figures = _measure(kept[0]) if kept else {}
        return replace(begun, windows=windows, flags=tuple(noted.values()), figures=figures)

    def unchecked(self) -> LooseFiles | ArrayFile:
        """Reads recordings whatever they show."""
        if isinstance(self.source, ArrayFile):
            return replace(self.source, files=replace(self.source.files, verify=False))
        return replace(self.source, verify=False)

    def convert(self, info: RecordInfo, first: int = 0) -> Iterator[Any]:
        verified = data.Verified(identities=self.identities)
        windows = data.convert_windows(
            info, self.source, self.data, verified, first, alone=self.aggregate == "trained"
        )
        return iter(windows)


@dataclass(frozen=True, eq=False)
class _Longer:
    """The windows of a long recording, of which those behind the first are read when taken."""

    reader: WindowReader
    info: RecordInfo
    begun: tuple[Window, ...]

    def __iter__(self) -> Iterator[Window]:
        yield from self.begun
        try:
            yield from map(_millivolts, self.reader.convert(self.info, _AT_ONCE))
        except DataError as error:  # it changed since its first windows were read
            _refuse_fault(error, self.info.path)
            raise UnreadableError(_without_name(error, self.info.path)) from error


def read_files(
    reader: WindowReader, infos: Sequence[RecordInfo], workers: int
) -> Iterator[Reading]:
    """Recordings in their order, read in ``workers`` processes while they are asked for."""
    groups = (infos[start : start + _TOGETHER] for start in range(0, len(infos), _TOGETHER))
    work = functools.partial(_read_group, reader)
    for group in data.stream_in_processes(work, groups, workers):
        yield from group


def _read_group(reader: WindowReader, infos: Sequence[RecordInfo]) -> list[Reading]:
    # matrices are small here: threads that share them cost more than they give
    with threadpool_limits(1):
        return reader.read(infos)


def verify_together(reader: WindowReader, infos: Sequence[RecordInfo]) -> tuple[WindowReader, str]:
    """What recordings show together: whether limb leads obey the identities, or why none of them is
    to be answered. That is what is wrong with most of a sample, or with those that seem sound.
    """
    if reader.data.verify == "off":
        return reader, ""
    recordings = _distinct(data.read_sample(reader.unchecked(), infos, reader.data))
    faults = [find_fault(one) for one in recordings]
    sound = [one for one, fault in zip(recordings, faults, strict=True) if fault is None]
    lost = Counter(one.what for one in faults if one is not None)
    if len(recordings) >= LEAST_RECORDS and 2 * lost.total() > len(recordings):
        found = f"{lost.most_common(1)[0][0]} (so it seems in {lost.total()} of {len(recordings)})"
        return reader, _together(found)
    result = verify(sound)
    found = "; ".join(f"{one.what} ({one.evidence})" for one in result.findings)
    return replace(reader, identities=result.identities), found and _together(found)


def _distinct(recordings: Sequence[Signal]) -> list[Signal]:
    """One of each set of copies: these have in common what no two hearts have."""
    names = [signature(one.values, one.leads, one.sampling_rate) for one in recordings]
    found = np.frombuffer(b"".join(names), np.int8).reshape(-1, SIGNATURE_SIZE)
    copies = {later for _, later in data.find_matches(found)} if names else set()
    return [one for number, one in enumerate(recordings) if number not in copies]


def _together(found: str) -> str:
    return (
        f"together, the recordings are not what they are said to be: {found}. Correct the files, "
        "or use them as they are with --verify off"
    )


def read_stored(folder: Path, dataset: Dataset, split: str) -> Iterator[Reading]:
    """The records of a split of shards, in the order of the files."""
    flags: dict[str, list[str]] = {}
    for one in dataset.noted:
        flags.setdefault(one.record_id, []).append(one.what)
    wanted = ("samples", "scale", "record_id", "patient_id", *FIGURES, *LEAD_FIGURES)
    for batch in data.batches(folder, dataset, split, wanted):
        values = batch["samples"].astype(np.float32) * batch["scale"][:, None, None]
        for row, record in enumerate(batch["record_id"].tolist()):
            yield Reading(
                record,
                str(batch["patient_id"][row]),
                (values[row],),
                split,
                flags=tuple(flags.get(record, ())),
                mark=dataset.fingerprint,
                figures=_known({name: batch[name][row] for name in (*FIGURES, *LEAD_FIGURES)}),
            )


def _measure(one: Converted) -> Figures:
    """The figures of a window, as its shard would hold them."""
    return _known(one.figures | {name: one.lead_figures[name] for name in LEAD_FIGURES})


def _known(figures: Mapping[str, Any]) -> Figures:
    """To four digits, without those that are not known."""
    found = {name: np.atleast_1d(values).tolist() for name, values in figures.items()}
    return {
        name: tuple(float(f"{value:.4g}") for value in values)
        for name, values in found.items()
        if not any(map(math.isnan, values))
    }


def mark_of(path: Path) -> str:
    """By what a file, and of WFDB its samples, shows that it was changed; empty without any."""
    files = [path, *_list_samples(path)] if path.suffix.lower() == ".hea" else [path]
    states = []
    for file in files:
        with suppress(OSError, ValueError):
            state = file.stat()
            states.append(f"{state.st_size}-{state.st_mtime_ns}")
    mark = " ".join(states)
    return mark if len(files) <= _NAMED else hashlib.sha256(mark.encode()).hexdigest()


def _list_samples(header: Path) -> list[Path]:
    """The files with a WFDB record's samples, and the headers of its segments."""
    names: dict[str, None] = {}
    with suppress(DataError):  # the reason is given when it is read
        segments = [one for one in dict.fromkeys(list_names(header.with_suffix(""))) if one != "~"]
        names |= dict.fromkeys(f"{one}.hea" for one in segments)
        for one in segments or [header.stem]:
            with suppress(DataError, ValueError):  # a layout has no samples, `../a` is no segment
                names |= dict.fromkeys(read_header(header.with_name(one)).files)
    return [header.with_name(name) for name in names if name and Path(name).name == name]


def _refuse_fault(error: DataError, path: Path) -> None:
    """Ends the command where the machine is at fault, which says nothing of a recording."""
    if (fault := data.fault_of_machine(error)) is not None:
        raise DataError(
            f"{path}: can't be read now: {fault.strerror}. See to the disk, the network or the "
            "limits of the machine: answers in a file are kept, and the same command resumes "
            "there. If it is this recording alone, leave it out."
        ) from error


def _without_name(error: DataError, path: Path) -> str:
    """What is wrong with a file, without its name, which is beside it, and advice for a recipe."""
    reason = str(error).removesuffix(_ADVICE)
    for name in (f"{path}: ", f"{path.with_suffix('')}: "):
        reason = reason.removeprefix(name)
    return reason


def _why(one: LeftOut) -> str:
    padded = f"{one.reason}; --short pad fills them up with zeros"
    return padded if isinstance(one, data.Dropped) else one.reason


def _millivolts(one: Any) -> Window:
    return one.samples * np.float32(one.scale) if isinstance(one, Converted) else str(one.reason)
