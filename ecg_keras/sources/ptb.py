"""The PTB Diagnostic ECG Database, in the copy of the Challenge of 2021: 12 leads at 1000 Hz.

The copy has 516 of the 549 recordings and no patient ids, though many patients have several
recordings: neighbours of the same age and sex count as one. A split by record, as published studies
did, lets patients leak. Its codes are not the
database's own diagnoses: sinus rhythm stands for the healthy controls, and for single recordings
of patients too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ecg_keras.errors import look_up
from ecg_keras.labels import Definition
from ecg_keras.records import RecordInfo
from ecg_keras.sources import challenge

# the paper's two classes, "Healthy control" and "Myocardial infarction"
DIAGNOSIS: Definition = {
    "NORM": ("426783006",),
    "MI": ("164865005",),
}
DEFINITIONS: Mapping[str, Definition] = {
    "diagnosis": DIAGNOSIS,
    "challenge2021": challenge.SCORED,
}

LABEL_SETS = {name: tuple(definition) for name, definition in DEFINITIONS.items()}
OFFICIAL_FOLDS = False
CITATION = (
    "Bousseljot R, Kreiseler D, Schnabel A. Nutzung der EKG-Signaldatenbank CARDIODAT der PTB "
    "über das Internet. Biomed Tech 40(s1), 317 (1995). https://doi.org/10.13026/C28C71"
)
LICENCE = "ODC-By 1.0"

RECORD_NAME = r"S\d{4}"

choose_files = challenge.choose_files
read_signal = challenge.read_signal


def list_records(root: Path, *, label_set: str, sampling_rate: float) -> list[RecordInfo]:
    """Lists the recordings of the folder ``ptb``; see `challenge.list_records`."""
    definition = look_up("label set", label_set, DEFINITIONS)
    return challenge.list_set(root, definition, RECORD_NAME, "ptb")
