"""Faults planted on disk in a database that is laid out as PTB-XL: what a careless export does."""

import csv
import re
import shutil

import numpy as np

TABLE = "ptbxl_database.csv"


def cut(source, target, records, *, files="filename_lr"):
    """The first records of a database in PTB-XL's layout; of the 500 Hz files with filename_hr."""
    target.mkdir(parents=True)
    shutil.copy(source / "scp_statements.csv", target)
    with (source / TABLE).open(newline="") as file:
        columns, *rows = csv.reader(file)
    rows = rows[:records]
    for row in rows:
        name = row[columns.index(files)]
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        for ending in (".hea", ".dat"):
            shutil.copy(source / f"{name}{ending}", target / f"{name}{ending}")
    _write(target, columns, rows)


def fit_header(path):
    """First values and checksums of a 16-bit WFDB record's header, as the samples are now."""
    samples = np.fromfile(path.with_suffix(".dat"), "<i2")
    head, *lines = path.with_suffix(".hea").read_text().splitlines()
    signals = [line.split() for line in lines if not line.startswith("#")]
    for fields, column in zip(signals, samples.reshape(-1, len(signals)).T, strict=True):
        fields[5:7] = str(column[0]), str(column.sum(dtype=np.int16))
    told = [line for line in lines if line.startswith("#")]
    text = "\n".join([head, *map(" ".join, signals), *told])
    path.with_suffix(".hea").write_text(text + "\n")


def unit(root):
    """Microvolts are said to be millivolts."""
    _headers(root, lambda text: text.replace("1000.0(0)/mV", "1.0(0)/mV"))


def gain(root):
    """All signals are a tenth of their size."""
    _headers(root, lambda text: text.replace("1000.0(0)/mV", "10000.0(0)/mV"))


def limb_leads(root):
    """The names of leads I and II are exchanged."""
    _exchange(root, "I", "II")


def chest_leads(root):
    """The names of leads V1 and V6 are exchanged."""
    _exchange(root, "V1", "V6")


def arm_electrodes(root):
    """The electrodes of the arms are exchanged: all of Einthoven's identities still hold."""
    for path in root.rglob("*.dat"):
        samples = np.fromfile(path, "<i2").reshape(-1, 12)[:, [0, 2, 1, 4, 3, *range(5, 12)]]
        samples[:, 0] *= -1
        samples.tofile(path)
        fit_header(path)


def rate(root):
    """Half of the true sampling rate."""
    half = {"100": "50", "500": "250"}
    _headers(root, lambda text: re.sub(r"(?<= 12 )\d+(?= )", lambda m: half[m[0]], text, count=1))


def labels(root):
    """The column of the statements is empty."""
    _column(root, "scp_codes", lambda value: "{}")


def age(root):
    """Everybody is 25 years older."""
    _column(root, "age", lambda value: str(float(value) + 25) if value else value)


def prevalence(root):
    """Of the normal ECGs, or of the others, whichever are more, nine of ten are left out."""
    columns, rows = _read(root)
    codes = columns.index("scp_codes")
    normal = ["NORM" in row[codes] for row in rows]
    more = sum(normal) > len(rows) / 2
    _write(root, columns, [row for i, row in enumerate(rows) if normal[i] != more or i % 10 == 0])


def _headers(root, change):
    for path in root.rglob("*.hea"):
        path.write_text(change(path.read_text()))


def _exchange(root, one, other):
    names = {one: other, other: one}
    _headers(
        root,
        lambda text: re.sub(rf" ({one}|{other})$", lambda m: f" {names[m[1]]}", text, flags=re.M),
    )


def _column(root, name, change):
    columns, rows = _read(root)
    index = columns.index(name)
    _write(root, columns, [[*row[:index], change(row[index]), *row[index + 1 :]] for row in rows])


def _read(root):
    with (root / TABLE).open(newline="") as file:
        columns, *rows = csv.reader(file)
    return columns, rows


def _write(root, columns, rows):
    with (root / TABLE).open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
