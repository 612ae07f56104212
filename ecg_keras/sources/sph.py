"""The database of Shandong Provincial Hospital: 25,770 ECGs of 24,666 people, 500 Hz, 10 to 60 s.

Diagnoses are statements of the AHA/ACC/HRS recommendations, each with its modifiers behind a plus
sign: ``60+310;147`` are frequent (310) premature ventricular complexes (60), and an abnormal T wave
(147). Labels are the statements; modifiers (old, acute, frequent, elevation) are left out, and a
statement that stands twice counts once. ``ecg_keras/tables/sph.csv`` lists the 44 statements.

* ``statements`` are all of them, under PTB-XL's names where it has the same, by the AHA codes of
  its own ``scp_statements.csv``; besides, 108 (pre-excitation) is its WPW.
* ``superdiagnostic`` are PTB-XL's five classes, as it sorts these statements. Three are ours to
  decide: a long PR interval (82), which PTB-XL keeps apart from first-degree block, counts as CD,
  because it is the recommendations' only statement of that block; an abnormal T wave (147) and ST-T
  changes of hypertrophy (153) count as STTC. Rhythms, axes, voltage and early repolarisation belong
  to no class.

Source: Liu et al. 2022; Mason et al. 2007 for the codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ecg_keras.errors import DataError, look_up
from ecg_keras.formats import read_array
from ecg_keras.labels import present_labels, read_table
from ecg_keras.records import RecordInfo, Signal
from ecg_keras.signals import LEADS
from ecg_keras.sources.contract import MOST, Corpus, Expectations
from ecg_keras.sources.fields import (
    parse_age,
    parse_sex,
    path_inside,
    read_rows,
    reading,
    records_of_rows,
)

# fmt: off
LABEL_SETS = {
    "statements": (
        "NORM", "STACH", "SBRAD", "SARRH", "PAC", "BPAC", "JPC", "JE", "AFIB", "AFLT", "JTACH",
        "PVC", "SPR", "AVRATIO", "LPR", "2AVB1", "2AVB2", "2AVB21", "AVBVAR", "AVBHIGH", "3AVB",
        "LAFB", "LPFB", "CLBBB", "IRBBB", "CRBBB", "WPW", "RAD", "LAD", "LVOLT", "LAO/LAE", "LVH",
        "RVH", "NST_", "STT", "TAB_", "LNGQT", "TU", "STT-VH", "EREPOL", "AMI", "IMI", "ASMI",
        "EAMI",
    ),
    "superdiagnostic": ("NORM", "MI", "STTC", "HYP", "CD"),
}
# fmt: on
OFFICIAL_FOLDS = False
CITATION = (
    "Liu H, Chen D, Chen D, et al. A large-scale multi-label 12-lead electrocardiogram database "
    "with standardized diagnostic statements. Sci Data 9, 272 (2022). "
    "https://doi.org/10.1038/s41597-022-01403-5"
)
LICENCE = "CC BY 4.0"
CORPUS = Corpus(
    title="the database of Shandong Provincial Hospital",
    about="Shandong Provincial Hospital, 10 to 60 s, 500 Hz",
    layout="`metadata.csv`, `records/`",
    # Liu et al. 2022: 10 to 60 s, every age and sex known
    expectations=Expectations(
        rates=(500.0,),
        seconds=(9.9, 60.1),
        ages_known=MOST,
        sexes_known=MOST,
        labelled={"statements": MOST},
    ),
    marks=("metadata.csv", "code.csv"),
)

RATE = 500.0
RECORDS = "metadata.csv"
choose_files = reading(RECORDS, "records/*.h5")
COLUMNS = ("ECG_ID", "AHA_Code", "Patient_ID", "Age", "Sex")
# the column of the table for each label set
MEANINGS = {"statements": "label", "superdiagnostic": "superdiagnostic"}


def list_records(root: Path, *, label_set: str, sampling_rate: float) -> list[RecordInfo]:
    """Lists the recordings of ``metadata.csv``."""
    labels = look_up("label set", label_set, LABEL_SETS)
    definition = {label: (label,) for label in labels}
    meanings = {row["code"]: row[MEANINGS[label_set]] for row in read_table("sph")}

    def read_row(row: Mapping[str, str]) -> RecordInfo:
        return RecordInfo(
            record_id=row["ECG_ID"],
            patient_id=row["Patient_ID"],
            path=path_inside(root, f"records/{row['ECG_ID']}.h5"),
            labels=present_labels(_read_codes(row["AHA_Code"], meanings), definition),
            age=parse_age(row["Age"]),
            sex=parse_sex(row["Sex"]),
        )

    table = root / RECORDS
    return records_of_rows(table, read_rows(table, COLUMNS), "ECG_ID", read_row)


def read_signal(info: RecordInfo) -> Signal:
    """Reads one recording; the files hold millivolts with three to four digits."""
    values = read_array(info.path, "ecg", (len(LEADS), None))
    return Signal(np.ascontiguousarray(values.T, dtype=np.float32), RATE, LEADS)


def _read_codes(text: str, meanings: Mapping[str, str]) -> set[str]:
    """What the statements mean in the label set, modifiers left out."""
    codes = [statement.partition("+")[0].strip() for statement in text.split(";")]
    unknown = sorted(set(codes) - set(meanings))
    if unknown:
        raise DataError(
            f"AHA_Code names the statement {unknown[0]!r}, which the database does not have "
            "(ecg_keras/tables/sph.csv). Correct the row, or add the statement there."
        )
    return {meanings[code] for code in codes}
