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

import pandas as pd

from ecg_keras.config import Folder
from ecg_keras.data.formats import find_recording, read_recording, split_ending
from ecg_keras.data.formats.csv_text import check_rate, unknown_unit
from ecg_keras.data.formats.xml_exports import check_reader
from ecg_keras.data.records import RecordInfo, Signal, Span
from ecg_keras.data.sources.fields import parse_age, parse_sex
from ecg_keras.data.sources.folder_files import find_named_files
from ecg_keras.data.sources.label_columns import find_labels, list_present
from ecg_keras.data.sources.labels_table import (
    find_table,
    join_names,
    name_columns,
    name_row,
    read_header,
    read_table,
)
from ecg_keras.data.sources.table_columns import (
    parse_fold,
    parse_rate,
    read_files,
    read_ids,
    read_patients,
    read_values,
)
from ecg_keras.errors import ConfigError, DataError, look_up, nearest

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
        state = table.stat()
        return {LABEL_SET: _read_labels(table, state.st_mtime_ns, state.st_size, self.settings)}

    @property
    def OFFICIAL_FOLDS(self) -> bool:
        """Whether the table has a column of folds; reads its header.

        Raises:
            DataError: there is no table that can be read.
        """
        if self.settings.fold is not None:
            return True
        return "fold" in read_header(find_table(self.root, self.settings.table))

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
        frame, columns = _read(path, self.settings)
        files = read_files(path, root, frame[columns["file"]])
        stems = [split_ending(file) for file in files]
        ids = read_ids(path, frame, columns, [stem for stem, _ in stems])
        labels = find_labels(path, frame, self.settings, columns.values())
        present = list_present(path, frame, self.settings, labels)
        who = columns.get("patient")
        patients = ids if who is None else read_patients(path, frame, who)
        ages = read_values(path, frame, columns.get("age"), parse_age)
        sexes = read_values(path, frame, columns.get("sex"), parse_sex)
        folds = read_values(path, frame, columns.get("fold"), parse_fold)
        rates = read_values(path, frame, columns.get("sampling_rate"), parse_rate)
        unit_known = self.settings.unit is not None
        for row, (_, kind) in enumerate(stems):  # before hours of other formats are read
            if kind == "csv":
                where = f"{path}: {name_row(row)}: {files[row]}"
                unit_known = unit_known or self._states_unit(where, root / files[row])
                check_rate(where, self._rate(rates[row]))
        if any(kind == "xml" for _, kind in stems):
            check_reader(str(path))
        _check_some_are_there(path, root, files)
        rows = zip(ids, patients, files, present, ages, sexes, folds, rates, strict=True)
        infos = [
            RecordInfo(one, patient, root / file, names, age, sex, fold, None, rate)
            for one, patient, file, names, age, sex, fold, rate in rows
        ]
        return sorted(infos, key=lambda info: info.record_id)

    def list_remarks(self, root: Path) -> tuple[str, ...]:
        """Says how the table is read: which column is what, and which are left aside.

        A column that was taken for a label by mistake, or a label that was not, is no error that
        could be found; and that no column tells patients apart is easily forgotten.

        Args:
            root: the folder with the recordings.

        Returns:
            Sentences for the user, one of them a warning where there is no column of patients.

        Raises:
            DataError: as `list_records`.
        """
        path = find_table(root, self.settings.table)
        header = read_header(path)
        columns = _find_columns(path, header, self.settings)
        labels = self.LABEL_SETS[LABEL_SET]
        column = columns.pop("label_column", None)
        used = {*columns.values(), *(labels if column is None else [column])}
        aside = [name for name in header if name and name not in used]
        told = ", ".join(f"{key} from {name!r}" for key, name in columns.items())
        where = "" if column is None else f" from {column!r}"
        remarks = [
            f"{path}: is read as {told}; labels{where}: {join_names(labels)}. Left aside: "
            f"{join_names(aside) if aside else 'no column'}. data.folder can name others."
        ]
        if "patient" not in columns:
            remarks.append(
                f"{path}: no column says which recordings are of one person (data.folder.patient "
                "is null), so each counts as another person's. If anyone has two recordings, one "
                "may be trained on and the other tested, and the scores flatter. Name the column "
                "with --set data.folder.patient=COLUMN, if there is one."
            )
        return tuple(remarks)

    def choose_files(self, root: Path, *, sampling_rate: float) -> Callable[[str], bool]:
        """The table and the files of the recordings that it names are read.

        Raises:
            DataError: the table is missing, or as `list_records`.
        """
        del sampling_rate
        path = find_table(root, self.settings.table)
        _find_columns(path, read_header(path), self.settings)
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


@functools.lru_cache(maxsize=16)
def _read_labels(path: Path, changed: int, size: int, settings: Folder) -> tuple[str, ...]:
    """The labels of a table, whose time of change and size tell whether it is still the same."""
    frame, columns = _read(path, settings)
    return find_labels(path, frame, settings, columns.values())


def _read(path: Path, settings: Folder) -> tuple[pd.DataFrame, dict[str, str]]:
    """A table, and its columns by what they mean to `Folder`."""
    columns = _find_columns(path, read_header(path), settings)
    text = {columns[key] for key in ("file", "record", "patient", "label_column") if key in columns}
    return read_table(path, text), columns


def _find_columns(path: Path, header: Sequence[str], settings: Folder) -> dict[str, str]:
    """The columns that are no labels by what they mean to `Folder`."""
    named: dict[str, str | None] = {
        key: getattr(settings, key)
        for key in ("file", "record", "patient", "age", "sex", "fold", "label_column")
    }
    if isinstance(settings.sampling_rate, str):
        named["sampling_rate"] = settings.sampling_rate
    columns = {key: name for key, name in named.items() if name is not None}
    for key, name in columns.items():
        if name not in header:
            raise DataError(_say_missing(path, key, name, header))
    return columns | {
        key: key for key in ("age", "sex", "fold") if key not in columns and key in header
    }


def _say_missing(path: Path, key: str, name: str, header: Sequence[str]) -> str:
    there = name_columns(header)
    message = f"{path}: there is no column {name!r}. {there}{nearest(name, header)}"
    if key != "patient":
        return f"{message} Name the column with data.folder.{key}."
    return (
        f"{message} Name the column that is equal for all recordings of one person with "
        "data.folder.patient. Without it a person's recordings may be trained on and tested, and "
        "the scores flatter: only where each recording is of another person, set "
        "data.folder.patient to null."
    )


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
