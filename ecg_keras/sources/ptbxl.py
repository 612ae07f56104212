"""PTB-XL in its official layout, versions 1.0.0 to 1.0.3.

A statement counts as present whatever its likelihood: the database writes 0 where none was given,
so a threshold would silently lose many of the infarctions.

Source: Wagner et al. 2020, tables 3 to 8; the file scp_statements.csv.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ecg_keras.errors import DataError, look_up
from ecg_keras.formats import read_wfdb
from ecg_keras.labels import Definition, present_labels
from ecg_keras.records import RecordInfo, Signal
from ecg_keras.sources.contract import MOST, NEARLY_ALL, TEN_SECONDS, Corpus, Expectations
from ecg_keras.sources.fields import parse_age, path_inside, read_rows, records_of_rows

SUPERDIAGNOSTIC = ("NORM", "MI", "STTC", "HYP", "CD")
# fmt: off
SUBDIAGNOSTIC = (
    "STTC", "NST_", "NORM", "IMI", "AMI", "LVH", "LAFB/LPFB", "ISC_", "IRBBB", "_AVB", "IVCD",
    "ISCA", "CRBBB", "CLBBB", "LAO/LAE", "ISCI", "LMI", "RVH", "RAO/RAE", "WPW", "ILBBB", "SEHYP",
    "PMI",
)
DIAGNOSTIC = (
    "NDT", "NST_", "DIG", "LNGQT", "NORM", "IMI", "ASMI", "LVH", "LAFB", "ISC_", "IRBBB", "1AVB",
    "IVCD", "ISCAL", "CRBBB", "CLBBB", "ILMI", "LAO/LAE", "AMI", "ALMI", "ISCIN", "INJAS", "LMI",
    "ISCIL", "LPFB", "ISCAS", "INJAL", "ISCLA", "RVH", "ANEUR", "RAO/RAE", "EL", "WPW", "ILBBB",
    "IPLMI", "ISCAN", "IPMI", "SEHYP", "INJIN", "INJLA", "PMI", "3AVB", "INJIL", "2AVB",
)
FORM = (
    "NDT", "NST_", "DIG", "LNGQT", "ABQRS", "PVC", "STD_", "VCLVH", "QWAVE", "LOWT", "NT_", "PAC",
    "LPR", "INVT", "LVOLT", "HVOLT", "TAB_", "STE_", "PRC(S)",
)
RHYTHM = (
    "SR", "AFIB", "STACH", "SARRH", "SBRAD", "PACE", "SVARR", "BIGU", "AFLT", "SVTAC", "PSVT",
    "TRIGU",
)
# fmt: on

LABEL_SETS = {
    "superdiagnostic": SUPERDIAGNOSTIC,
    "subdiagnostic": SUBDIAGNOSTIC,
    "diagnostic": DIAGNOSTIC,
    "form": FORM,
    "rhythm": RHYTHM,
    # four statements are both diagnostic and form
    "all": DIAGNOSTIC + tuple(label for label in FORM if label not in DIAGNOSTIC) + RHYTHM,
}
OFFICIAL_FOLDS = True
CITATION = (
    "Wagner P, Strodthoff N, Bousseljot RD, et al. PTB-XL, a large publicly available "
    "electrocardiography dataset. Sci Data 7, 154 (2020). https://doi.org/10.13026/kfzx-aw45"
)
LICENCE = "CC BY 4.0"
CORPUS = Corpus(
    title="PTB-XL",
    about="PTB-XL 1.0.0 to 1.0.3, 10 s, 100 and 500 Hz",
    layout="`ptbxl_database.csv`, `scp_statements.csv`, `records100/` or `records500/`",
    # Wagner et al. 2020: 0 to 95 years, every sex known, 411 of 21,799 without a superclass
    expectations=Expectations(
        rates=(100.0, 500.0),
        seconds=TEN_SECONDS,
        age=(0.0, 95.0),  # those above 89 are hidden in most records: 1.3 %
        ages_known=MOST,
        sexes_known=NEARLY_ALL,
        folds=10,
        labelled={name: MOST for name in LABEL_SETS if name != "form"},
    ),
    marks=("ptbxl_database.csv",),
)

RECORDS = "ptbxl_database.csv"
STATEMENTS = "scp_statements.csv"
FOLDS = {str(fold): fold for fold in range(1, 11)}
SEXES = {"0": "male", "1": "female", "": None}
# the folder of each rate, and the column with the names of its files
LOW_RATE = ("records100", "filename_lr")
HIGH_RATE = ("records500", "filename_hr")
RECORD_COLUMNS = ("ecg_id", "patient_id", "age", "sex", "scp_codes", "strat_fold")
STATEMENT_COLUMNS = ("", "diagnostic", "form", "rhythm", "diagnostic_class", "diagnostic_subclass")


def list_records(root: Path, *, label_set: str, sampling_rate: float) -> list[RecordInfo]:
    """Lists the recordings of PTB-XL."""
    look_up("label set", label_set, LABEL_SETS)
    statements = read_rows(root / STATEMENTS, STATEMENT_COLUMNS)
    definition = _define(root / STATEMENTS, statements)[label_set]
    known = {row[""] for row in statements}
    column = _choose_column(root, sampling_rate)
    rows = read_rows(root / RECORDS, (*RECORD_COLUMNS, column))
    return records_of_rows(
        root / RECORDS,
        rows,
        "ecg_id",
        lambda row: _read_row(root, row, column, definition, known),
    )


def choose_files(root: Path, *, sampling_rate: float) -> Callable[[str], bool]:
    """Both tables and the recordings of the chosen rate are read."""
    folder, _ = next(_find_rates(root, sampling_rate), LOW_RATE)
    tables = (RECORDS, STATEMENTS)
    return lambda path: (
        path in tables
        or (path.startswith(f"{folder}/") and path.lower().endswith((".hea", ".dat")))
    )


def read_signal(info: RecordInfo) -> Signal:
    """Reads one recording at the rate of its file; see `ecg_keras.formats.read_wfdb`."""
    return read_wfdb(info.path)


def _choose_column(root: Path, sampling_rate: float) -> str:
    for _, column in _find_rates(root, sampling_rate):
        return column
    wanted, _ = LOW_RATE if sampling_rate <= 100 else HIGH_RATE
    raise DataError(
        f"{root}: has neither records100 nor records500. Set data.raw to the folder of PTB-XL that "
        f"holds {RECORDS}, or download {wanted}."
    )


def _find_rates(root: Path, sampling_rate: float) -> Iterator[tuple[str, str]]:
    """The folders of recordings that are there with their columns, the one to take first."""
    order = (LOW_RATE, HIGH_RATE) if sampling_rate <= 100 else (HIGH_RATE, LOW_RATE)
    return (one for one in order if (root / one[0]).is_dir())


def _define(path: Path, statements: list[dict[str, str]]) -> Mapping[str, Definition]:
    """Every label set as the folder's statements define it, checked against `LABEL_SETS`."""
    defined: dict[str, dict[str, list[str]]] = {name: {} for name in LABEL_SETS}
    for row in statements:
        code = row[""]
        kinds = [kind for kind in ("diagnostic", "form", "rhythm") if row[kind] not in ("", "0.0")]
        if "diagnostic" in kinds:
            defined["superdiagnostic"].setdefault(row["diagnostic_class"], []).append(code)
            defined["subdiagnostic"].setdefault(row["diagnostic_subclass"], []).append(code)
        for kind in [*kinds, "all"]:
            defined[kind].setdefault(code, []).append(code)
    for name, labels in LABEL_SETS.items():
        different = sorted(set(labels) ^ set(defined[name]))
        if different:
            raise DataError(
                f"{path}: the {name} labels differ from PTB-XL's in {', '.join(different)}. "
                "Download the file again from PhysioNet."
            )
    return {
        name: {label: defined[name][label] for label in labels}
        for name, labels in LABEL_SETS.items()
    }


def _read_row(
    root: Path, row: Mapping[str, str], column: str, definition: Definition, known: set[str]
) -> RecordInfo:
    codes = _read_codes(row["scp_codes"])
    unknown = sorted(codes - known)
    if unknown:
        raise DataError(
            f"scp_codes names {', '.join(unknown)}, which {STATEMENTS} does not list. Correct the "
            "row, or download both tables again from one version of PTB-XL."
        )
    if row["sex"] not in SEXES:
        raise DataError(f"sex must be 0 (male), 1 (female) or empty. Received: {row['sex']!r}.")
    if row["strat_fold"] not in FOLDS:
        raise DataError(f"strat_fold must be 1 to 10. Received: {row['strat_fold']!r}.")
    return RecordInfo(
        record_id=row["ecg_id"],
        patient_id=row["patient_id"].removesuffix(".0"),
        path=path_inside(root, row[column]),
        labels=present_labels(codes, definition),
        age=parse_age(row["age"]),
        sex=SEXES[row["sex"]],
        fold=FOLDS[row["strat_fold"]],
    )


@functools.lru_cache(maxsize=8192)  # a few kinds of ECG are most of the table
def _read_codes(text: str) -> frozenset[str]:
    try:
        codes = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        codes = None
    if not isinstance(codes, dict) or not all(isinstance(code, str) for code in codes):
        raise DataError(f"scp_codes must be a dict of code to likelihood. Received: {text[:80]!r}.")
    return frozenset(codes)
