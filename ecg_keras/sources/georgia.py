"""The Georgia 12-lead ECG Challenge database, in the copy of the Challenge of 2021."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ecg_keras.errors import look_up
from ecg_keras.labels import Definition
from ecg_keras.records import RecordInfo
from ecg_keras.sources import challenge

# the ten most frequent classes, under the paper's names
GEORGIA: Definition = {
    "NORM": ("426783006",),
    "AF": ("164889003",),
    "IAVB": ("270492004",),
    "SB": ("426177001",),
    "LAD": ("39732003",),
    "STach": ("427084000",),
    "TAb": ("164934002",),
    "TInv": ("59931005",),
    "LQT": ("111975006",),
    "PAC": ("284470004",),
}
DEFINITIONS: Mapping[str, Definition] = {
    "georgia": GEORGIA,
    "challenge2021": challenge.SCORED,
}

LABEL_SETS = {name: tuple(definition) for name, definition in DEFINITIONS.items()}
OFFICIAL_FOLDS = False
CITATION = (
    "Perez Alday EA, Gu A, Shah AJ, et al. Classification of 12-lead ECGs: the "
    "PhysioNet/Computing in Cardiology Challenge 2020. Physiol Meas 41(12), 124003 (2020). "
    "https://doi.org/10.1088/1361-6579/abc960"
)
LICENCE = "CC BY 4.0"

RECORD_NAME = r"E\d{5}"

choose_files = challenge.choose_files
read_signal = challenge.read_signal


def list_records(root: Path, *, label_set: str, sampling_rate: float) -> list[RecordInfo]:
    """Lists the recordings of the folder ``georgia``; see `challenge.list_records`."""
    definition = look_up("label set", label_set, DEFINITIONS)
    return challenge.list_set(root, definition, RECORD_NAME, "georgia")
