"""The Chapman-Shaoxing database as first published: 10,646 ECGs in CSV files of microvolts, 500 Hz.

``Diagnostics.xlsx`` has a rhythm for each recording, and conditions as acronyms. Both are read as
the SNOMED CT codes by which the Challenge copied them (``ecg_keras/tables/chapman.csv``), so
the label sets are those of `chapman`, and networks pass from one to the other. The Challenge's copy
lacks 399 of these recordings, as many as have the rhythm SA; the others are the same recordings. Of
the two folders of signals ``ECGData`` is read, not the denoised one.

Sources: Zheng et al. 2020; the table itself; the counts of the Challenge's dx_mapping tables.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ecg_keras.errors import DataError, look_up
from ecg_keras.formats import stat_file
from ecg_keras.labels import present_labels, read_table
from ecg_keras.records import RecordInfo, Signal
from ecg_keras.signals import canonical_lead
from ecg_keras.sources.challenge_sets import CHAPMAN
from ecg_keras.sources.contract import Corpus
from ecg_keras.sources.fields import parse_age, parse_sex, path_inside, records_of_rows

DEFINITIONS = CHAPMAN.DEFINITIONS
LABEL_SETS = CHAPMAN.LABEL_SETS
OFFICIAL_FOLDS = False
CITATION = CHAPMAN.CITATION
LICENCE = "CC0 1.0"
CORPUS = Corpus(
    title="Chapman-Shaoxing",
    about="Chapman-Shaoxing as first published, 10 s, 500 Hz",
    layout="`Diagnostics.xlsx` or `Diagnostics.csv`, `ECGData/`",
    expectations=CHAPMAN.CORPUS.expectations,
    marks=("Diagnostics.*", "ECGData*"),
)

RATE = 500.0
NUM_SAMPLES = 5000
TABLES = ("Diagnostics.xlsx", "Diagnostics.csv")
SIGNALS = "ECGData"
COLUMNS = ("FileName", "Rhythm", "Beat", "PatientAge", "Gender")
NO_CONDITION = "NONE"
# the conditions say nothing of the rhythm
CODED_IN = {"rhythm": ("Rhythm",), "challenge2021": ("Rhythm", "Beat")}
# bytes; the true table has a million, and a recording 0.4 million
LARGEST = 2**27


def list_records(root: Path, *, label_set: str, sampling_rate: float) -> list[RecordInfo]:
    """Lists the recordings of ``Diagnostics.xlsx`` or ``Diagnostics.csv``."""
    definition = look_up("label set", label_set, DEFINITIONS)
    codes = {row["acronym"]: row["code"] for row in read_table("chapman")}
    table = _find_table(root)

    def read_row(row: Mapping[str, str]) -> RecordInfo:
        name = row["FileName"]
        found = _find_codes([row[column] for column in CODED_IN[label_set]], codes)
        return RecordInfo(
            record_id=name,
            patient_id=name,
            path=path_inside(root, f"{SIGNALS}/{name}.csv"),
            labels=present_labels(found, definition),
            age=parse_age(row["PatientAge"]),
            sex=parse_sex(row["Gender"]),
        )

    return records_of_rows(table, _read_rows(table), "FileName", read_row)


def choose_files(root: Path, *, sampling_rate: float) -> Callable[[str], bool]:
    """The table and the recordings are read."""
    del sampling_rate
    table = next((name for name in TABLES if (root / name).is_file()), None)
    return lambda path: path == table or (path.startswith(f"{SIGNALS}/") and path.endswith(".csv"))


def read_signal(info: RecordInfo) -> Signal:
    """Reads one recording, from microvolts to millivolts."""
    size = stat_file(info.path, "The table names this file: unpack ECGData.zip.").st_size
    if size > LARGEST:
        raise DataError(f"{info.path}: {size} bytes are no recording of 10 s.")
    try:
        with info.path.open(encoding="utf-8-sig") as stream:
            header, *rows = stream.read().splitlines() or [""]
        leads = tuple(canonical_lead(name) for name in header.split(","))
        if len(rows) != NUM_SAMPLES:
            raise DataError(f"{NUM_SAMPLES} rows expected, {len(rows)} found")
        # faster than pandas for so small a file, and stricter
        microvolts = np.loadtxt(rows, delimiter=",", dtype=np.float32, ndmin=2)
    except (ValueError, DataError) as error:
        raise DataError(
            f"{info.path}: truncated, or no table of leads in microvolts: {error}. Download the "
            "file again, from ECGData and not from ECGDataDenoised."
        ) from error
    if microvolts.shape[1] != len(leads):
        raise DataError(
            f"{info.path}: {len(leads)} names of leads for {microvolts.shape[1]} columns. Download "
            "the file again."
        )
    return Signal(microvolts / np.float32(1000), RATE, leads)


def _find_table(root: Path) -> Path:
    for name in TABLES:
        if (root / name).is_file():
            return root / name
    raise DataError(
        f"{root}: has neither {' nor '.join(TABLES)}. Set data.raw to the folder of the "
        "Chapman-Shaoxing database that holds it."
    )


def _read_rows(table: Path) -> Iterable[dict[str, str]]:
    size = stat_file(table, "").st_size
    try:
        if table.suffix == ".xlsx":
            with zipfile.ZipFile(table) as parts:
                size = sum(part.file_size for part in parts.infolist())
        if size > LARGEST:
            raise DataError(f"{table}: claims {size} bytes, far more than the database's table.")
        if table.suffix == ".xlsx":
            frame = pd.read_excel(table, dtype=str, keep_default_na=False, engine="openpyxl")
        else:
            with table.open(encoding="utf-8-sig") as stream:  # spreadsheets may write semicolons
                separator = ";" if ";" in stream.readline() else ","
            frame = pd.read_csv(
                table, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig"
            )
    except DataError:
        raise
    except Exception as error:  # a damaged workbook makes its readers raise whatever they meet
        raise DataError(f"{table}: no readable table: {error}. Download it again.") from error
    missing = [column for column in COLUMNS if column not in frame.columns]
    if missing:
        raise DataError(f"{table}: lacks the column {', '.join(missing)}. Download it again.")
    rows: list[dict[str, str]] = frame[list(COLUMNS)].to_dict("records")
    return rows


def _find_codes(cells: Iterable[str], codes: Mapping[str, str]) -> set[str]:
    words = {word for cell in cells for word in cell.split()} - {NO_CONDITION}
    unknown = sorted(words - set(codes))
    if unknown:
        raise DataError(
            f"no table lists {', '.join(unknown)} (ecg_keras/tables/chapman.csv). Correct the "
            "row, or add the acronym there; label_set rhythm needs the rhythms alone."
        )
    return {codes[word] for word in words}
