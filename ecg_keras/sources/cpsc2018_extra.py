"""The unused recordings of CPSC 2018, published with the Challenge of 2020 and 2021."""

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
    "Liu F, Liu C, Zhao L, et al. An open access database for evaluating the algorithms of "
    "electrocardiogram rhythm and morphology abnormality detection. J Med Imaging Health Inform "
    "8(7), 1368-1373 (2018). https://doi.org/10.1166/jmihi.2018.2442"
)
LICENCE = "CC BY 4.0"

RECORD_NAME = r"Q\d{4}"

choose_files = challenge.choose_files
read_signal = challenge.read_signal


def list_records(root: Path, *, label_set: str, sampling_rate: float) -> list[RecordInfo]:
    """Lists the recordings of the folder ``cpsc_2018_extra``; see `challenge.list_records`."""
    definition = look_up("label set", label_set, DEFINITIONS)
    return challenge.list_set(root, definition, RECORD_NAME, "cpsc_2018_extra")
