"""CODE-15%: 345,779 ECGs of 233,770 people of Minas Gerais, 400 Hz, in 18 HDF5 files.

The classes are those of `code_test`, so that networks pass from one to the other; the two share no
recording. What is particular:

* Limb leads have the standard order, unlike those of `code_test`.
* The table is not in the order of the files: a recording's row is looked up by its ``exam_id``.
  Each file ends with a row of zeros that is no exam.
* Zeros around recordings of less than 10.24 s are left out, as in `code_test`: about 60 % then have
  7.3 s. 670 exams hold nothing but zeros and 1,773 a lead of zeros: they go into quarantine.
* Labels were made from reports by rules, not read again. Half of the exams have none of the six
  abnormalities and are not normal either; the label set ``code15`` has the database's own NORM.
* ``SB`` and ``ST`` are sinus bradycardia and sinus tachycardia.
* Most people begin with a file or two of the 18. What the table names beyond them is left aside,
  and `list_remarks` says so.
* The same recording may stand under several patients: duplicates are found when shards are made.

Sources: Ribeiro et al. 2021 (Zenodo 4916206); counts and lead order as found in the files by the
project ECGBench.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from ecg_keras.errors import DataError, listed, look_up
from ecg_keras.formats import count_rows, read_array
from ecg_keras.records import RecordInfo, Signal
from ecg_keras.signals import LEADS
from ecg_keras.sources import code_test
from ecg_keras.sources.code_test import (
    ARRAY,
    CLASSES,
    FLAGS,
    RATE,
    SHAPE,
    find_classes,
    read_tracing,
)
from ecg_keras.sources.contract import Corpus
from ecg_keras.sources.fields import (
    parse_age,
    path_inside,
    read_rows,
    reading,
    records_of_rows,
)

NORMAL = "NORM"
LABEL_SETS = {"code_test": CLASSES, "code15": (NORMAL, *CLASSES)}
OFFICIAL_FOLDS = False
CITATION = (
    "Ribeiro AH, Paixao GMM, Lima EM, et al. CODE-15%: a large scale annotated dataset of 12-lead "
    "ECGs. Zenodo (2021). https://doi.org/10.5281/zenodo.4916206"
)
LICENCE = "CC BY 4.0"
CORPUS = Corpus(
    title="CODE-15 %",
    about="CODE-15 %, 7 and 10 s, 400 Hz",
    layout="`exams.csv`, `exams_part0.hdf5` to `exams_part17.hdf5`",
    expectations=code_test.CORPUS.expectations,
    marks=("exams.csv", "exams_part*.hdf5"),
)

EXAMS = "exams.csv"
IDS = "exam_id"
# of the row of zeros that ends each file
NO_EXAM = 0
COLUMNS = ("exam_id", "age", "is_male", *CLASSES, "patient_id", "normal_ecg", "trace_file")
# files that a message lists; there are 18
MOST_NAMED = 18
choose_files = reading(EXAMS, "*.hdf5")
SEXES = {"true": "male", "false": "female", "": None}


def list_records(root: Path, *, label_set: str, sampling_rate: float) -> list[RecordInfo]:
    """Lists the exams of ``exams.csv``; their ``record_id`` is the ``exam_id``."""
    labels = look_up("label set", label_set, LABEL_SETS)
    table, exams = root / EXAMS, _read_exams(root)
    there = [path for path in exams if path.exists()]
    if not there:
        raise DataError(
            f"{table}: none of the {len(exams)} files that it names is here: {_name(exams)}. "
            "Download and unpack at least one of them."
        )
    rows = {path: _find_rows(path) for path in there}

    def read_exam(exam: Mapping[str, str]) -> RecordInfo:
        path = path_inside(root, exam["trace_file"])
        return _read_exam(path, exam, rows[path], labels)

    listed_exams = (exam for path in there for exam in exams[path])
    return records_of_rows(table, listed_exams, IDS, read_exam, "exam")


def list_remarks(root: Path) -> tuple[str, ...]:
    """Says which files are not there, and how many recordings are left aside with them."""
    exams = _read_exams(root)
    missing = [path for path in exams if not path.exists()]
    if not missing:
        return ()
    count = sum(len(exams[path]) for path in missing)
    return (
        f"{root / EXAMS}: names {count:,} recordings of files that are not here, and these are "
        f"left aside: {_name(missing)}. Download and unpack these files to use all.",
    )


def read_signal(info: RecordInfo) -> Signal:
    """Reads one recording without the zeros around it; as `code_test.read_signal`."""
    return Signal(read_tracing(info), RATE, LEADS)


def _read_exams(root: Path) -> dict[Path, list[dict[str, str]]]:
    """The rows of the table by their file, in the order of the files' names."""
    exams: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    for exam in read_rows(root / EXAMS, COLUMNS):
        exams[exam["trace_file"]].append(exam)
    names = sorted(exams, key=lambda name: (len(name), name))  # part 10 comes after part 9
    return {path_inside(root, name): exams[name] for name in names}


def _name(files: Iterable[Path]) -> str:
    return listed([path.name for path in files], MOST_NAMED)


def _find_rows(path: Path) -> dict[str, int]:
    """The row of each exam of a file."""
    ids = read_array(path, IDS, (None,), "iu").tolist()
    count = count_rows(path, ARRAY, SHAPE)
    if len(ids) != count:
        raise DataError(
            f"{path}: has {len(ids)} exam_id for {count} tracings. Download the file again."
        )
    rows = {str(exam): row for row, exam in enumerate(ids) if exam != NO_EXAM}
    if len(rows) != len(ids) - ids.count(NO_EXAM):
        raise DataError(f"{path}: an exam_id stands twice. Download the file again.")
    return rows


def _read_exam(
    path: Path, exam: Mapping[str, str], rows: Mapping[str, int], labels: tuple[str, ...]
) -> RecordInfo:
    if exam["exam_id"] not in rows:
        raise DataError(
            f"{path.name} has no row of this exam. Download {EXAMS} and the file again, of one "
            "version."
        )
    is_male, is_normal = exam["is_male"].lower(), exam["normal_ecg"].lower()
    if is_male not in SEXES or is_normal not in FLAGS:
        raise DataError(
            "is_male and normal_ecg must be True or False. Received: "
            f"{exam['is_male']!r} and {exam['normal_ecg']!r}."
        )
    found = find_classes(exam) + [NORMAL] * FLAGS[is_normal]
    return RecordInfo(
        record_id=exam["exam_id"],
        patient_id=exam["patient_id"],
        path=path,
        labels=tuple(label for label in labels if label in found),
        age=parse_age(exam["age"]),
        sex=SEXES[is_male],
        row=rows[exam["exam_id"]],
    )
