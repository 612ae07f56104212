"""Your own recordings: a folder of WFDB, CSV, EDF, DICOM or XML files with a labels table.

docs/your-own-recordings.md is the guide. A recipe's ``data.folder`` says which column of the table
means what; a table with the columns ``file`` and ``patient_id`` beside those of its labels needs no
such section.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ecg_keras.config import Folder
from ecg_keras.errors import ConfigError, DataError, look_up
from ecg_keras.formats import find_recording, read_recording
from ecg_keras.formats.csv_text import check_rate, unknown_unit
from ecg_keras.formats.xml_exports import check_reader
from ecg_keras.records import RecordInfo, Signal, Span
from ecg_keras.sources.folder_files import find_named_files
from ecg_keras.sources.known_folders import say_known
from ecg_keras.sources.labels_table import find_table, name_row, read_header
from ecg_keras.sources.table_rows import find_columns, read_rows

LABEL_SET = "labels"
# so many files are looked for before any is read
LOOKED_FOR = 100


@dataclass(frozen=True)
class FolderSource:
    """A source in the sense of docs/architecture.md, made from a recipe's ``data``.

    It travels to other processes as its two settings, and knows no table until it is asked.

    Attributes:
        root: the folder with the recordings, ``data.raw``.
        settings: the recipe's ``data.folder``.
    """

    root: Path
    settings: Folder

    CITATION: ClassVar[str] = "Your own recordings: cite where they were taken."
    LICENCE: ClassVar[str] = "that of your own recordings"

    @property
    def LABEL_SETS(self) -> dict[str, tuple[str, ...]]:
        """The one label set `LABEL_SET`, with the labels of the table; reads the table.

        Raises:
            DataError: as `list_records`.
        """
        table = find_table(self.root, self.settings.table)
        return {LABEL_SET: _summarise(table, self.root, self.settings)[0]}

    @property
    def OFFICIAL_FOLDS(self) -> bool:
        """Whether the table has a column of folds; reads its header.

        Raises:
            DataError: there is no table that can be read.
        """
        path = find_table(self.root, self.settings.table)
        return "fold" in find_columns(path, read_header(path), self.settings)

    def list_records(self, root: Path, *, label_set: str, sampling_rate: float) -> list[RecordInfo]:
        """Lists the recordings of the table.

        Args:
            root: the folder with the recordings.
            label_set: `LABEL_SET`.
            sampling_rate: not used: each recording has its own.

        Returns:
            One entry for each row, sorted by ``record_id``.

        Raises:
            ConfigError: there is no such label set, or a CSV file needs a setting that is missing,
                or XML files a package.
            DataError: the table is missing or wrong: a column that is not there, a row without a
                file, a patient or a label, a file outside the folder, a recording that is there
                twice; or none of its first files is there.
        """
        look_up("label set", label_set, {LABEL_SET: ()})
        path = find_table(root, self.settings.table)
        rows = read_rows(path, root, self.settings)
        unit_known = self.settings.unit is not None
        for row, kind in enumerate(rows.kinds):  # before hours of other formats are read
            if kind == "csv":
                where = f"{path}: {name_row(rows.numbers[row])}: {rows.files[row]}"
                unit_known = unit_known or self._states_unit(where, root / rows.files[row])
                check_rate(where, self._rate(rows.rates[row]))
        if "xml" in rows.kinds:
            check_reader(str(path))
        _check_some_are_there(path, root, rows.files)
        listed = zip(
            rows.ids, rows.patients, rows.files, rows.present, rows.ages, rows.sexes, rows.folds,
            rows.rates, strict=True,
        )  # fmt: skip
        infos = [
            RecordInfo(one, patient, root / file, names, age, sex, fold, None, rate)
            for one, patient, file, names, age, sex, fold, rate in listed
        ]
        return sorted(infos, key=lambda info: info.record_id)

    def list_remarks(self, root: Path) -> tuple[str, ...]:
        """Says how the table is read: which column is what, each label's count, what is unknown.

        Args:
            root: the folder with the recordings.

        Returns:
            Sentences for the user: see `table_remarks`.

        Raises:
            DataError: as `list_records`.
        """
        known = say_known(root, "folder").strip()
        said = _summarise(find_table(root, self.settings.table), root, self.settings)[1]
        return (*said, f"{root}: {known}") if known else said

    def choose_files(self, root: Path, *, sampling_rate: float) -> Callable[[str], bool]:
        """The table and the files of the recordings that it names are read.

        Raises:
            DataError: the table is missing, or as `list_records`.
        """
        del sampling_rate
        path = find_table(root, self.settings.table)
        find_columns(path, read_header(path), self.settings)
        return find_named_files(root, path, self.settings.file)

    def read_signal(self, info: RecordInfo, span: Span | None = None) -> Signal:
        """Reads one recording in millivolts; its format is that of its ending.

        Args:
            info: from `list_records`.
            span: the seconds that are wanted; ``None`` wants the whole recording.

        Raises:
            ConfigError: a CSV file needs a setting that is missing.
            DataError: the file is missing, damaged, foreign, or outside the folder.
        """
        return self._read(info.path, self._rate(info.sampling_rate), span)

    def _read(self, path: Path, sampling_rate: float | None, span: Span | None) -> Signal:
        file, kind = find_recording(path)
        if not file.parent.resolve().is_relative_to(self.root.resolve()):
            raise DataError(
                f"{file}: lies outside of {self.root}, to where a link leads. Put the files "
                "themselves there."
            )
        return read_recording(
            file,
            kind,
            sampling_rate=sampling_rate,
            unit=self.settings.unit,
            leads=self.settings.leads,
            lead_names=self.settings.lead_names,
            decimal=self.settings.decimal,
            span=span,
        )

    def _states_unit(self, where: str, path: Path) -> bool:
        """Whether a CSV file can be read without the recipe's unit; an error where it has none."""
        try:
            self._read(path, 1.0, None)
        except ConfigError as error:
            raise unknown_unit(where) from error
        except DataError:
            return False  # it will be put into quarantine with its reason
        return True

    def _rate(self, of_row: float | None) -> float | None:
        """Of a CSV file: what the table's row says, or what the recipe says of all."""
        stated = self.settings.sampling_rate
        return of_row if isinstance(stated, str) else stated


def _summarise(table: Path, root: Path, settings: Folder) -> tuple[tuple[str, ...], ...]:
    """The labels of a table, and the remarks on it."""
    state = table.stat()
    return _summarise_once(table, root, settings, state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=16)
def _summarise_once(
    table: Path, root: Path, settings: Folder, changed: int, size: int
) -> tuple[tuple[str, ...], ...]:
    """For a table whose time of change and size tell whether it is still the same."""
    rows = read_rows(table, root, settings)
    return rows.labels, rows.remarks


def _check_some_are_there(path: Path, root: Path, files: Sequence[str]) -> None:
    """Where the first files are all missing the table is for another folder."""
    problems = []
    for file in files[:LOOKED_FOR]:
        try:
            find_recording(root / file)
        except DataError as error:
            problems.append(error)
        else:
            return
    raise DataError(
        f"{path}: none of the first {len(problems)} recordings is there. Files are named relative "
        f"to data.raw, {root}. The first: {problems[0]}"
    ) from problems[0]
