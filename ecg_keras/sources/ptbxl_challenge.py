"""PTB-XL in the copy of the Challenge of 2021: SNOMED codes, 500 Hz, no patients and no folds.

Use the source ``ptbxl`` where you can. The recording ``HR00001`` is PTB-XL's ``ecg_id`` 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ecg_keras.errors import look_up
from ecg_keras.labels import Definition
from ecg_keras.records import RecordInfo
from ecg_keras.sources import challenge

DEFINITIONS: Mapping[str, Definition] = {"challenge2021": challenge.SCORED}

LABEL_SETS = {name: tuple(definition) for name, definition in DEFINITIONS.items()}
OFFICIAL_FOLDS = False
CITATION = (
    "Wagner P, Strodthoff N, Bousseljot RD, et al. PTB-XL, a large publicly available "
    "electrocardiography dataset. Sci Data 7, 154 (2020). https://doi.org/10.13026/kfzx-aw45"
)
LICENCE = "CC BY 4.0"

RECORD_NAME = r"HR\d{5}"

choose_files = challenge.choose_files
read_signal = challenge.read_signal


def list_records(root: Path, *, label_set: str, sampling_rate: float) -> list[RecordInfo]:
    """Lists the recordings of the folder ``ptb-xl``; see `challenge.list_records`."""
    definition = look_up("label set", label_set, DEFINITIONS)
    return challenge.list_set(root, definition, RECORD_NAME, "ptb-xl")
