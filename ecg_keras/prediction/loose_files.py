"""Recordings that no table lists: found by their names, read and checked one by one."""

from __future__ import annotations

import glob
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ecg_keras.array_files import holds_array
from ecg_keras.array_types import AnyArray
from ecg_keras.config import is_voltage
from ecg_keras.errors import ConfigError, DataError, listed
from ecg_keras.formats import (
    NUMPY,
    TEXT,
    count_recordings,
    find_kind,
    find_recording,
    list_names,
    list_table_columns,
    read_recording,
    signal_of_values,
    split_ending,
)
from ecg_keras.records import RecordInfo, Signal, Span
from ecg_keras.signals import find_fault
from ecg_keras.text import plural

# of the labels of a folder's recordings
TABLES = ("labels.csv", "labels.tsv")
# of features, labels or answers, or notes, as likely as ECGs: to be named
_TO_BE_NAMED = (NUMPY, ".npz", TEXT)
# of a CSV file of answers, which may be written beside the recordings
FIRST_COLUMNS = ("record_id", "patient_id", "split", "status", "reason", "windows", "lost")
# a line of samples, and bytes of a text in which there are some
_NUMBERS = re.compile(rb"[\s;,|]*[-+]?\d[-+\d\s;,.|:eE\"]*")
_GLIMPSE = 8192
# what is right in a recipe alone, and what it is here
_SETTING = re.compile(r"data\.folder\.(\w+)")
_OF_TABLES = (", or to the column that says them", ", or take the recording out of the table")


class UnreadableError(DataError):
    """A file is missing or damaged, or lacks what nobody may guess."""


@dataclass(frozen=True)
class LooseFiles:
    """Reads recordings as a source does, each with what its own file says.

    Attributes:
        sampling_rate: in Hz, of CSV files and arrays, which do not say it.
        unit: ``mV``, ``uV`` or ``V``, of files that do not say it, and of arrays.
        leads: the columns of a CSV file or an array; of the latter the standard twelve if not
            given.
        lead_names: your own spellings of leads, each with the lead that it means.
        decimal: the decimal sign of a CSV file, which is seldom needed.
        array: the name of the array in a file of several, ``tracings`` or ``ecg`` if not given. A
            ``.mat`` without a WFDB header is read only where it is given.
        verify: whether a recording whose unit or leads are not what they are said to be is refused.

    Example:
        >>> LooseFiles(sampling_rate=500, unit="uV").array
    """

    sampling_rate: float | None = None
    unit: str | None = None
    leads: tuple[str, ...] | None = None
    lead_names: Mapping[str, str] | None = None
    decimal: str | None = None
    array: str | None = None
    verify: bool = True

    def __post_init__(self) -> None:
        if self.unit is not None and not is_voltage(self.unit):
            raise ConfigError(
                f"unit must be mV, uV or V, or a step as 4.88 uV. Received: {self.unit!r}."
            )
        if self.sampling_rate is not None and not 0 < self.sampling_rate < math.inf:
            raise ConfigError(
                f"sampling_rate must be above 0 Hz, and finite. Received: {self.sampling_rate}."
            )

    def read_signal(self, info: RecordInfo, span: Span | None = None) -> Signal:
        """Reads a recording, or the wanted seconds; its beginning is checked on its own."""
        try:
            signal = self._read(info, span)
        except (DataError, ConfigError, OSError) as error:
            raise UnreadableError(_as_options(str(error))) from error
        return self.check(signal)

    def check(self, signal: Signal) -> Signal:
        """The recording, unless it shows on its own that it is not what it is said to be."""
        fault = find_fault(signal) if self.verify and signal.start == 0 else None
        if fault is not None:
            raise DataError(f"{fault.what} ({fault.evidence})")
        return signal

    def _read(self, info: RecordInfo, span: Span | None) -> Signal:
        file, kind = find_recording(info.path, self.array)
        return read_recording(
            file,
            kind,
            sampling_rate=self.sampling_rate,
            unit=self.unit,
            leads=self.leads,
            lead_names=self.lead_names,
            decimal=self.decimal,
            array=self.array,
            row=info.row,
            span=span,
        )

    def read_values(self, values: AnyArray, what: str) -> Signal:
        """An array of one recording, whose longer axis is time; zeros around it are left out."""
        return signal_of_values(
            values, what, sampling_rate=self.sampling_rate, unit=self.unit, leads=self.leads,
            lead_names=self.lead_names,
        )  # fmt: skip

    def list_records(
        self,
        files: Iterable[str | Path],
        tables: list[Path] | None = None,
        stored: list[Path] | None = None,
        unnamed: list[Path] | None = None,
    ) -> list[RecordInfo]:
        """The recordings of files, folders and patterns, each once; none is read.

        ``tables`` gets what folders and patterns have of tables of texts and ids besides, and
        ``stored`` the shards and folders of shards, which are no recordings without it. ``unnamed``
        gets what may be recordings and has to be named.
        """
        found: dict[str, RecordInfo] = {}
        aside: list[Path] = [] if tables is None else tables
        to_name: list[Path] = [] if unnamed is None else unnamed
        for path, is_named in _expand(files, self.array, stored, to_name):
            if columns := self._list_columns(path):
                if is_named:
                    raise DataError(
                        f"{path}: a table of {listed(columns, 6)}, and no recording. Name "
                        "recordings, or their folder: tables in it are left out."
                    )
                aside.append(path)
                continue
            for info in self._list_rows(path):
                found.setdefault(info.record_id, info)
        if not found and not stored and aside:
            raise DataError(f"{aside[0].parent}: holds no recording, only tables: {aside[0]}.")
        return list(found.values())

    def _list_columns(self, path: Path) -> tuple[str, ...]:
        """Of a table of texts or ids; where the user names the columns, it is none."""
        if self.leads is not None or split_ending(path.name)[1] != "csv" or not path.is_file():
            return ()
        return list_table_columns(path, self.lead_names)

    def _list_rows(self, path: Path) -> Iterator[RecordInfo]:
        """A row of an array of many recordings is one of its own."""
        rows: Sequence[int | None] = [None]
        if find_kind(path, self.array) == "array":
            with suppress(DataError):  # it is refused when it is read
                rows = range(count_recordings(path, self.array) or 0) or rows
        for row in rows:
            name = f"{path}" if row is None else f"{path}#{row}"
            yield RecordInfo(name, name, path, (), row=row)


def _expand(
    files: Iterable[str | Path],
    array: str | None,
    stored: list[Path] | None,
    unnamed: list[Path],
    *,
    named: bool = True,
) -> Iterator[tuple[Path, bool]]:
    """Recordings, and whether the user named each himself; ``stored`` gets shards, and ``unnamed``
    what has to be named."""
    for one in files:
        path = Path(one)
        if not str(one):
            raise ConfigError("a name of a recording or folder is empty. The folder here is '.'.")
        if glob.has_magic(str(one)) and not path.exists():
            names = sorted(glob.glob(str(one), recursive=True))  # noqa: PTH207  absolute ones, too
            if not names:
                raise DataError(f"{one}: no file has such a name.")
            paths = [Path(name) for name in names]
            if Path(one).suffix.lower() != TEXT:  # notes, unless the pattern asks for texts
                texts = (each for each in paths if each.suffix.lower() == TEXT)
                unnamed += filter(_may_be_samples, texts)
                paths = [each for each in paths if each.suffix.lower() != TEXT]
            shards = dict.fromkeys(
                each for each in paths if stored is not None and _is_stored(each)
            )
            recordings = [each for each in paths if each not in shards and _is_asked(each, array)]
            segments = _list_segments(recordings)
            chosen = [
                each for each in recordings if each not in segments and _holds_any(each, unnamed)
            ]
            if not shards and not chosen:
                raise DataError(
                    f"{one}: matches {listed(names, 3)}, and none is a recording by its name. Of "
                    f"WFDB the .hea is named.{say_unnamed(unnamed)}"
                )
            yield from _expand([*shards, *chosen], array, stored, unnamed, named=False)
        elif stored is not None and _is_stored(path):
            stored.append(path)
        elif path.is_dir():
            yield from ((each, False) for each in _list_folder(path, unnamed))
        else:
            yield _header(path), named


def _is_stored(path: Path) -> bool:
    """Whether it is a shard, or a folder of shards."""
    return path.suffix == ".tfrecord" or (path / "dataset.json").is_file()


def _holds_any(path: Path, unnamed: list[Path]) -> bool:
    """Whether what a pattern found is a file, or a folder with a recording in it."""
    return not path.is_dir() or next(_walk(path, unnamed), None) is not None


def say_unnamed(paths: Sequence[Path]) -> str:
    """How files are asked about that a folder or pattern left out."""
    if not paths:
        return ""
    found = dict.fromkeys(paths)
    patterns = dict.fromkeys(f"'{one.with_name(f'*{one.suffix}')}'" for one in found)
    return (
        f" {plural(len(found), 'file')} of texts or arrays left out: name them, or a pattern of "
        f"their ending: {listed(list(patterns), 3)}."
    )


def _may_be_samples(path: Path) -> bool:
    """Of a text, whether most of its first lines are rows of numbers."""
    if path.suffix.lower() != TEXT:
        return True
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            begun = file.read(_GLIMPSE)
    except OSError:  # the reason is given when it is read
        return False
    # of UTF-16 every second byte is 0; a header may be long
    lines = begun.replace(b"\0", b"").splitlines()[-20:]
    return 2 * sum(_NUMBERS.fullmatch(line) is not None for line in lines) > len(lines)


def _list_folder(folder: Path, unnamed: list[Path]) -> Iterator[Path]:
    """Recordings below a folder; one without any is refused."""
    recordings = _walk(folder, unnamed)
    first = next(recordings, None)
    if first is None:
        raise DataError(
            f"{folder}: holds no recording. Name a folder with WFDB, CSV, EDF, DICOM, XML or HDF5 "
            f"files, or with shards.{say_unnamed(unnamed)}"
        )
    yield first
    yield from recordings


def _walk(folder: Path, unnamed: list[Path]) -> Iterator[Path]:
    """Recordings below a folder, in order of their names; links to other folders are left alone."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = [Path(place) / name for name in sorted(names) if not name.startswith(".")]
        found = [path for path in paths if path.name not in TABLES and _is_asked(path)]
        recordings = [path for path in found if path.suffix.lower() not in _TO_BE_NAMED]
        to_name = (path for path in found if path.suffix.lower() in _TO_BE_NAMED)
        unnamed += filter(_may_be_samples, to_name)
        segments = _list_segments(recordings)
        yield from (path for path in recordings if path not in segments)


def _list_segments(paths: Sequence[Path]) -> set[Path]:
    """Headers of the parts of which other records of the same folder consist."""
    found = set()
    for path in paths:
        if path.suffix.lower() == ".hea" and path.is_file():  # a pipe would wait for its writer
            try:
                names = list_names(path.with_suffix(""))
            except DataError:  # the reason is given when it is read
                continue
            found |= {path.parent / f"{name}{path.suffix}" for name in names}
    return found


def _is_asked(path: Path, array: str | None = None) -> bool:
    """Whether a file is a recording by its name; of WFDB the header is, not the samples."""
    if path.is_dir():
        return True
    kind = find_kind(path, array)
    if kind == "wfdb":
        return path.suffix.lower() == ".hea"
    if path.suffix.lower() == ".npz" and array is None:
        return not holds_array(path, "attributions")  # as `explain` writes beside recordings
    if kind is not None:
        return kind != "csv" or not is_of_answers(path)
    try:  # DICOM files often have no ending
        return find_recording(path)[1] == "dicom"
    except DataError:
        return False


def is_of_answers(path: Path) -> bool:
    """Whether a CSV file holds answers."""
    begun = ",".join(FIRST_COLUMNS).encode()
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(len(begun)) == begun
    except OSError:  # the reason is given when it is read
        return False


def _header(path: Path) -> Path:
    """A WFDB recording is its header, whichever of its files is named."""
    stem, kind = split_ending(path.name)
    if kind == "wfdb" and path.suffix != ".HEA":
        header = path.with_name(f"{stem}.hea")
        try:
            find_recording(header)
        except DataError:  # what is there is named, so that the reason can be what it lacks
            return path if path.exists() else header
        return header
    header = path.with_name(f"{path.name}.hea")
    return header if kind is None and not path.exists() and header.exists() else path


def _as_options(words: str) -> str:
    """An error of a recipe in the words of a command: its keys are options, and it has no table."""
    for one in _OF_TABLES:
        words = words.replace(one, "")
    return _SETTING.sub(lambda found: f"--{found[1].replace('_', '-')}", words)
