"""A user's own source, as docs/add-a-source.md describes one, and a way to write its database.

The database is a folder with `records.csv` and one `.npy` of int16 microvolts at 500 Hz a record.
"""

import csv
from pathlib import Path

import numpy as np

from ecg_keras.errors import DataError
from ecg_keras.records import RecordInfo, Signal
from ecg_keras.signals import LEADS

LABEL_SETS = {"rhythm": ("AF", "PAC", "SR")}
OFFICIAL_FOLDS = False
CITATION = "simulated for tests"
LICENCE = "none"
COLUMNS = ("record_id", "patient_id", "labels", "age", "sex")


def list_records(root, *, label_set, sampling_rate):
    with (Path(root) / "records.csv").open() as file:
        return [
            RecordInfo(
                record_id=row["record_id"],
                patient_id=row["patient_id"],
                path=Path(root) / f"{row['record_id']}.npy",
                labels=tuple(row["labels"].split()),
                age=float(row["age"]) if row["age"] else None,
                sex=row["sex"] or None,
            )
            for row in csv.DictReader(file)
        ]


def read_signal(info):
    try:
        microvolts = np.load(info.path)
    except (ValueError, EOFError) as error:
        raise DataError(f"{info.path}: {error}") from error
    values = microvolts.astype(np.float32) / np.float32(1000)
    # NaN is stored as the lowest integer, as in WFDB files
    values[microvolts == -32768] = np.nan
    return Signal(values, 500.0, LEADS)


def write(root, records=40, seconds=2.0, seed=0):
    """Writes a database of two-record patients with limb leads that obey Einthoven."""
    random = np.random.default_rng(seed)
    Path(root).mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(records):
        name = f"r{number:04d}"
        time = np.arange(round(seconds * 500)) / 500
        rate, start = random.uniform(0.8, 2), random.uniform(0, 0.3, 8)
        # beats reach each lead at its own time: two seconds of two patients are never alike
        beats = np.sin(2 * np.pi * rate * (time[:, None] + start)) ** 15
        values = np.zeros((len(time), 12))
        drawn = random.normal(0, 800, 8)
        # no lead is a tenth of another
        values[:, [0, 1, *range(6, 12)]] = beats * (drawn + 600 * np.sign(drawn))
        values += random.normal(0, 20, values.shape)
        one, two = values[:, 0], values[:, 1]
        values[:, 2], values[:, 3] = two - one, -(one + two) / 2
        values[:, 4], values[:, 5] = one - two / 2, two - one / 2
        np.save(Path(root) / f"{name}.npy", np.rint(values).astype(np.int16))
        label = ("SR", "AF", "SR PAC", "")[number % 4 if number % 3 else 0]
        age, sex = (number % 60 + 20, ("female", "male")[number % 2]) if number % 7 else ("", "")
        rows.append((name, f"p{number // 2:04d}", label, age, sex))
    rewrite(root, rows)
    return rows


def rewrite(root, rows):
    """Writes the database's table."""
    with (Path(root) / "records.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
