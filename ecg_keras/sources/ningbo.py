"""The Ningbo database, in the copy of the Challenge of 2021: JS10647 to JS45551."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ecg_keras.errors import look_up
from ecg_keras.labels import Definition
from ecg_keras.records import RecordInfo
from ecg_keras.sources import challenge, chapman

DEFINITIONS: Mapping[str, Definition] = {
    "rhythm": chapman.RHYTHM,
    "challenge2021": challenge.SCORED,
}

LABEL_SETS = {name: tuple(definition) for name, definition in DEFINITIONS.items()}
OFFICIAL_FOLDS = False
CITATION = (
    "Zheng J, Chu H, Struppa D, et al. Optimal multi-stage arrhythmia classification approach. "
    "Sci Rep 10, 2898 (2020). https://doi.org/10.1038/s41598-020-59821-7"
)
LICENCE = "CC BY 4.0"

RECORD_NAME = r"JS(1064[7-9]|106[5-9]\d|10[7-9]\d\d|1[1-9]\d{3}|[2-4]\d{4})"

choose_files = challenge.choose_files
read_signal = challenge.read_signal


def list_records(root: Path, *, label_set: str, sampling_rate: float) -> list[RecordInfo]:
    """Lists the recordings of the folder ``ningbo``; see `challenge.list_records`."""
    definition = look_up("label set", label_set, DEFINITIONS)
    return challenge.list_set(root, definition, RECORD_NAME, "ningbo")
