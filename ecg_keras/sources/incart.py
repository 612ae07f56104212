"""The St Petersburg INCART database, in the copy of the Challenge of 2021: 74 Holter recordings.

Each has 30 minutes at 257 Hz, and codes for all of it: the seconds that are kept (``data.seconds``
and ``data.window``, the first or the middle ones) need not show what the codes name. The copy does
not say which of the 74 recordings are of the same of 32 people: neighbours of the same age and sex
count as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ecg_keras.errors import look_up
from ecg_keras.labels import Definition
from ecg_keras.records import RecordInfo
from ecg_keras.sources import challenge

# what at least eight recordings have, under the Challenge's abbreviations
INCART: Definition = {
    "VEB": ("164884008",),
    "VPVC": ("251182009",),
    "CHD": ("53741008",),
    "PVT": ("425856008",),
    "Brady": ("426627000",),
    "STach": ("427084000",),
    "LVH": ("164873001",),
    "MI": ("164865005",),
    "VBig": ("11157007",),
}
DEFINITIONS: Mapping[str, Definition] = {
    "incart": INCART,
    "challenge2021": challenge.SCORED,
}

LABEL_SETS = {name: tuple(definition) for name, definition in DEFINITIONS.items()}
OFFICIAL_FOLDS = False
CITATION = (
    "Tihonenko V, Khaustov A, Ivanov S, Rivin A, Yakushenko E. St Petersburg INCART 12-lead "
    "Arrhythmia Database. PhysioNet (2008). https://doi.org/10.13026/C2V88N"
)
LICENCE = "ODC-By 1.0"

RECORD_NAME = r"I\d{4}"

choose_files = challenge.choose_files
read_signal = challenge.read_signal


def list_records(root: Path, *, label_set: str, sampling_rate: float) -> list[RecordInfo]:
    """Lists the recordings of ``st_petersburg_incart``; see `challenge.list_records`."""
    definition = look_up("label set", label_set, DEFINITIONS)
    return challenge.list_set(root, definition, RECORD_NAME, "st_petersburg_incart")
