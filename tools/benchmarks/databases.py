"""The recordings that are measured: as they are, in other formats, and many times over."""

from __future__ import annotations

import csv
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TABLES = ("ptbxl_database.csv", "scp_statements.csv")
# records of a database of this many copies are enough for what begins and ends a run to vanish
COPIES = 20
# formats of which no database is at hand
FURTHER_FORMATS = ("212", "24", "32")


def find_recordings(folder: Path) -> list[str]:
    """The paths of all recordings below a folder, without extension."""
    paths = sorted(str(path.with_suffix("")) for path in folder.rglob("*.hea"))
    if not paths:
        sys.exit(f"{folder}: holds no .hea file. Name the folder that holds ptbxl/ and challenge/.")
    return paths


def settings_of(data: Path, scratch: Path) -> Any:
    """Settings that read the 500 Hz files for 100 Hz shards, because no others are there."""
    raw = scratch / "ptbxl"
    if not raw.is_dir():
        raw.mkdir(parents=True)
        for name in (*TABLES, "records500"):
            (raw / name).symlink_to((data / "ptbxl" / name).resolve())
    return _settings(raw)


def replicate(data: Path, scratch: Path, copies: int = COPIES) -> Any:
    """Settings of a database that holds each recording that many times, as other patients' ones.

    All but the first copy are links, so that it takes no more room on the disk.
    """
    raw = scratch / f"ptbxl{copies}"
    if not raw.is_dir():
        shutil.copytree(data / "ptbxl" / "records500", raw / "records500" / "copy00")
        shutil.copyfile(data / "ptbxl" / TABLES[1], raw / TABLES[1])
        for copy in range(1, copies):
            shutil.copytree(
                raw / "records500" / "copy00",
                raw / "records500" / f"copy{copy:02d}",
                copy_function=os.link,
            )
        with (data / "ptbxl" / TABLES[0]).open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        with (raw / TABLES[0]).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            for copy in range(copies):
                writer.writerows(_rename(row, copy) for row in rows)
    return _settings(raw)


def _rename(row: dict[str, str], copy: int) -> dict[str, str]:
    return {
        **row,
        "ecg_id": str(int(row["ecg_id"]) + 100_000 * copy),
        "patient_id": f"{int(float(row['patient_id'])) + 1_000_000 * copy}.0",
        "filename_hr": row["filename_hr"].replace("records500", f"records500/copy{copy:02d}"),
    }


def rewrite(paths: Sequence[str], scratch: Path, form: str) -> list[str]:
    """The same recordings in another WFDB format, by the wfdb library."""
    import wfdb

    folder = scratch / f"format{form}"
    folder.mkdir()
    for path in paths:
        record = wfdb.rdrecord(path, physical=False)
        samples = record.d_signal
        if form == "212":  # 12 bits hold only smaller ones
            samples = samples.clip(-2047, 2047)
        wfdb.wrsamp(
            Path(path).name,
            fs=record.fs,
            units=record.units,
            sig_name=record.sig_name,
            d_signal=samples,
            fmt=[form] * record.n_sig,
            adc_gain=record.adc_gain,
            baseline=record.baseline,
            write_dir=str(folder),
        )
    return find_recordings(folder)


def make_shards(settings: Any, folder: Path) -> Path:
    """The folder of the prepared shards; finished ones are kept."""
    from ecg_keras.data import prepare

    prepare(settings, folder, on_warning=lambda message: None)
    return folder


def _settings(raw: Path) -> Any:
    from ecg_keras.config import Data

    return Data(source="ptbxl", raw=raw, quarantine=0.05)
