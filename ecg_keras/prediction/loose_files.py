"""Recordings that no table lists: found by their names, read and checked one by one."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ecg_keras.array_types import AnyArray
from ecg_keras.config import is_voltage
from ecg_keras.errors import ConfigError, DataError, listed
from ecg_keras.formats import (
    count_recordings,
    find_kind,
    find_recording,
    list_table_columns,
    read_recording,
    signal_of_values,
    split_ending,
)
from ecg_keras.prediction.asked_files import expand
from ecg_keras.records import RecordInfo, Signal, Span
from ecg_keras.signals import find_fault

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
        for path, is_named in expand(files, self.array, stored, to_name):
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


def _as_options(words: str) -> str:
    """An error of a recipe in the words of a command: its keys are options, and it has no table."""
    for one in _OF_TABLES:
        words = words.replace(one, "")
    return _SETTING.sub(lambda found: f"--{found[1].replace('_', '-')}", words)
