"""The Chapman-Shaoxing database, in the copy of the Challenge of 2021: JS00001 to JS10646."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ecg_keras.errors import look_up
from ecg_keras.labels import Definition
from ecg_keras.records import RecordInfo
from ecg_keras.sources import challenge

# the four groups into which its authors merged eleven rhythms (Zheng et al. 2020)
RHYTHM: Definition = {
    "SB": ("426177001",),
    "AFIB": ("164889003", "164890007"),
    "GSVT": (
        "426761007",
        "713422000",
        "251166008",
        "233897008",
        "17366009",
        "427084000",
    ),
    "SR": ("426783006", "427393009"),
}
DEFINITIONS: Mapping[str, Definition] = {
    "rhythm": RHYTHM,
    "challenge2021": challenge.SCORED,
}

LABEL_SETS = {name: tuple(definition) for name, definition in DEFINITIONS.items()}
OFFICIAL_FOLDS = False
CITATION = (
    "Zheng J, Zhang J, Danioko S, et al. A 12-lead electrocardiogram database for arrhythmia "
    "research covering more than 10,000 patients. Sci Data 7, 48 (2020). "
    "https://doi.org/10.1038/s41597-020-0386-x"
)
LICENCE = "CC BY 4.0"

RECORD_NAME = r"JS(0\d{4}|10[0-5]\d\d|106[0-3]\d|1064[0-6])"

choose_files = challenge.choose_files
read_signal = challenge.read_signal


def list_records(root: Path, *, label_set: str, sampling_rate: float) -> list[RecordInfo]:
    """Lists the recordings of the folder ``chapman_shaoxing``; see `challenge.list_records`."""
    definition = look_up("label set", label_set, DEFINITIONS)
    return challenge.list_set(root, definition, RECORD_NAME, "chapman_shaoxing")
