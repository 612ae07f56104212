"""Your own recordings: a folder of WFDB, CSV, EDF, DICOM, XML or array files with a labels table.

docs/your-own-recordings.md is the guide. A recipe's ``data.folder`` says which column of the table
means what; a table with the columns ``file`` and ``patient_id`` beside those of its labels needs no
such section. Files that the table does not name may come and go without making another dataset.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ecg_keras.config import Data, Folder
from ecg_keras.errors import ConfigError, DataError, look_up
from ecg_keras.formats import (
    check_rate,
    check_reader,
    find_recording,
    read_recording,
    unknown_unit,
)
from ecg_keras.records import RecordInfo, Signal, Span
from ecg_keras.sources.contract import Corpus
from ecg_keras.sources.finding import recognise_database
from ecg_keras.sources.labels_table import find_table, name_row, read_header
from ecg_keras.sources.named_files import find_named_files
from ecg_keras.sources.table_rows import find_columns, read_table_rows
from ecg_keras.text import plural

LABEL_SET = "labels"
# this many files, from all over the table, are looked for before any is read
LOOKED_FOR = 100


@dataclass(frozen=True)
class FolderSource:
    """A source made from a recipe's ``data``: it travels to other processes as that, with no table.

    ``data.raw`` is the folder with the recordings, and ``data.folder`` says how its table is read.
    """

    data: Data

    CITATION: ClassVar[str] = "Your own recordings: cite where they were taken."
    LICENCE: ClassVar[str] = "that of your own recordings"
    CORPUS: ClassVar[Corpus] = Corpus(
        title="your own recordings",
        about="[your own recordings](your-own-recordings.md): WFDB, CSV, EDF, DICOM, XML or "
        "arrays, any rate",
        layout="`labels.csv` or `labels.parquet`, and the files that it names",
        not_published="it reads your own recordings. Set data.raw to the folder that holds them.",
    )

    @property
    def _root(self) -> Path:
        return self.data.raw

    @property
    def _settings(self) -> Folder:
        return self.data.folder or Folder()

    @property
    def LABEL_SETS(self) -> dict[str, tuple[str, ...]]:
        """The one label set `LABEL_SET`, with the labels of the table; reads the table."""
        table = find_table(self._root, self._settings.table)
        return {LABEL_SET: _summarise(table, self._root, self._settings)[0]}

    @property
    def OFFICIAL_FOLDS(self) -> bool:
        """Whether the table has a column of folds; reads its header."""
        path = find_table(self._root, self._settings.table)
        return "fold" in find_columns(path, read_header(path), self._settings)

    def list_records(self, root: Path, *, label_set: str, sampling_rate: float) -> list[RecordInfo]:
        """Lists the recordings of the table, a row each; each recording has its own rate.

        It is refused where a setting or package is missing that its files need, or where none of
        those files is there that are looked for.
        """
        del sampling_rate
        look_up("label set", label_set, {LABEL_SET: ()})
        path = find_table(root, self._settings.table)
        rows = read_table_rows(path, root, self._settings)
        unit_is_known = self._settings.unit is not None
        for row, kind in enumerate(rows.kinds):  # before hours of other formats are read
            where = f"{path}: {name_row(rows.numbers[row])}: {rows.files[row]}"
            if kind == "array":
                check_rate(where, self._rate(rows.rates[row]), "an array")
                if self._settings.unit is None:
                    raise unknown_unit(where, "an array")
            if kind == "csv":
                file, rate = root / rows.files[row], self._rate(rows.rates[row])
                unit_is_known = unit_is_known or self._states_unit(where, file, rate or 1.0)
                check_rate(where, rate)
        if {"xml", "scp"} & {*rows.kinds}:
            check_reader(str(path))
        _check_some_are_there(path, root, rows.files, self._settings)
        listed = zip(
            rows.ids, rows.patients, rows.files, rows.present, rows.ages, rows.sexes, rows.folds,
            rows.rows, rows.rates, strict=True,
        )  # fmt: skip
        infos = [
            RecordInfo(one, patient, root / file, names, age, sex, fold, row, rate)
            for one, patient, file, names, age, sex, fold, row, rate in listed
        ]
        return sorted(infos, key=lambda info: info.record_id)

    def list_remarks(self, root: Path) -> tuple[str, ...]:
        """How the table is read: which column is what, each label's count, what is unknown; and
        whether files are missing.
        """
        table = find_table(root, self._settings.table)
        _, remarks, files = _summarise(table, root, self._settings)
        known = recognise_database(root, "folder").strip()
        if missing := _list_missing(root, files, self._settings.array):
            count = f"{len(missing)} of {plural(len(files), 'file')} that were looked for"
            part = f"{count} are not there, as where a part of a database was downloaded"
            remarks = (*remarks, f"{table}: {part}. The first: {missing[0]}")
        return (*remarks, f"{root}: {known}") if known else remarks

    def choose_files(self, root: Path, *, sampling_rate: float) -> Callable[[str], bool]:
        """The table and the files of the recordings that it names are read."""
        del sampling_rate
        path = find_table(root, self._settings.table)
        find_columns(path, read_header(path), self._settings)
        state = path.stat()
        return find_named_files(root, path, self._settings.file, state.st_mtime_ns, state.st_size)

    def read_signal(self, info: RecordInfo, span: Span | None = None) -> Signal:
        """Reads one recording, or the wanted seconds; its format is that of its ending."""
        return self._read(info.path, self._rate(info.sampling_rate), span, info.row)

    def _read(
        self, path: Path, sampling_rate: float | None, span: Span | None, row: int | None = None
    ) -> Signal:
        file, kind = find_recording(path, self._settings.array)
        if not file.parent.resolve().is_relative_to(self._root.resolve()):
            raise DataError(
                f"{file}: is outside of {self._root}, to where a link leads. Put the files "
                "themselves there."
            )
        settings = self._settings
        return read_recording(
            file,
            kind,
            sampling_rate=sampling_rate,
            unit=settings.unit,
            leads=settings.leads,
            lead_names=settings.lead_names,
            decimal=settings.decimal,
            array=settings.array,
            row=row,
            span=span,
        )

    def _states_unit(self, where: str, path: Path, rate: float) -> bool:
        """Whether a CSV file can be read without the recipe's unit; an error where it has none."""
        try:
            self._read(path, rate, None)
        except ConfigError as error:
            raise unknown_unit(where) from error
        except DataError:
            return False  # it will be put into quarantine with its reason
        return True

    def _rate(self, of_row: float | None) -> float | None:
        """Of a CSV file: what the table's row says, or what the recipe says of all."""
        stated = self._settings.sampling_rate
        return of_row if isinstance(stated, str) else stated


def _summarise(table: Path, root: Path, settings: Folder) -> tuple[tuple[str, ...], ...]:
    """The labels of a table, the remarks on it, and some of its files."""
    state = table.stat()
    # spellings of leads, which have no hash, say nothing of a table
    of_table = settings.model_copy(update={"lead_names": None})
    return _summarise_once(table, root, of_table, state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=16)
def _summarise_once(
    table: Path, root: Path, settings: Folder, changed: int, size: int
) -> tuple[tuple[str, ...], ...]:
    """For a table whose time of change and size show whether it is still the same."""
    rows = read_table_rows(table, root, settings)
    return rows.labels, rows.remarks, _choose_some(rows.files)


def _choose_some(files: Sequence[str]) -> tuple[str, ...]:
    """Files from all over a table: a part of a database may have those of its end alone."""
    different = list(dict.fromkeys(files))
    return tuple(different[:: math.ceil(len(different) / LOOKED_FOR)])


def _list_missing(root: Path, files: Sequence[str], array: str | None) -> list[DataError]:
    found = (_why_missing(root / file, array) for file in files)
    return [problem for problem in found if problem is not None]


def _check_some_are_there(path: Path, root: Path, files: Sequence[str], settings: Folder) -> None:
    """Where files from all over the table are missing it is for another folder."""
    chosen = _choose_some(files)
    problems = _list_missing(root, chosen, settings.array)
    if len(problems) == len(chosen):
        raise DataError(
            f"{path}: none of {len(problems)} recordings is there that were looked for. Files are "
            f"named relative to data.raw, {root}. {_find_elsewhere(root, files[0], settings)}The "
            f"first: {problems[0]}"
        ) from problems[0]


def _find_elsewhere(root: Path, file: str, settings: Folder) -> str:
    """A sentence where a recording is in a folder that its name lacks, or has too many."""
    first, _, rest = file.partition("/")
    column, array = settings.file, settings.array
    if rest and _why_missing(root / rest, array) is None:
        return (
            f"{rest} is there, without {first}/ before it: set data.raw to a folder that holds "
            f"{first}, or correct the names. "
        )
    folders = [path for path in sorted(root.iterdir()) if path.is_dir()][:LOOKED_FOR]
    for folder in folders:
        if _why_missing(folder / file, array) is None:
            pattern = column if "{" in column else f"{{{column}}}"
            return f"{file} is in {folder.name}: set data.folder.file={folder.name}/{pattern}. "
    return ""


def _why_missing(path: Path, array: str | None) -> DataError | None:
    try:
        find_recording(path, array)
    except DataError as error:
        return error
    return None
