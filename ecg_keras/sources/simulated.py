"""Simulated hospitals, read by the readers of the real databases as which they are laid out.

The files say which conditions a recording has, in SCP-ECG statements or SNOMED CT codes; nothing
is taken from the simulator but the meaning of the codes. All hospitals have the same two label
sets, so that a network can be pre-trained at one and fine-tuned at another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ecg_keras.errors import DataError, look_up
from ecg_keras.formats import read_wfdb
from ecg_keras.labels import Definition, present_labels
from ecg_keras.records import RecordInfo, Signal
from ecg_keras.simulate import (
    CONDITIONS,
    HOSPITALS,
    SETTINGS,
    SUPERCLASSES,
    Hospital,
    read_settings,
)
from ecg_keras.sources import challenge_format, ptbxl
from ecg_keras.sources.contract import Corpus

# what each label set's labels mean, in conditions
DEFINITIONS: dict[str, Definition] = {
    "conditions": {name: (name,) for name in CONDITIONS},
    "superdiagnostic": {
        label: tuple(name for name, of in CONDITIONS.items() if of.superclass == label)
        for label in SUPERCLASSES
    },
}
LABEL_SETS = {name: tuple(definition) for name, definition in DEFINITIONS.items()}
# one of the layouts has folds and the other none: splits are by patient for both
OFFICIAL_FOLDS = False
CITATION = "Simulated by ecg_keras (docs/simulator.md): no recordings of people."
LICENCE = "Apache-2.0, as the simulator"
CORPUS = Corpus(
    title="a simulated hospital",
    about="simulated hospitals",
    layout="written by `data.simulate`",
    layout_of=("ptbxl", "challenge"),
    not_published="it is written here, by `ecg-keras simulate`.",
)


def list_records(root: Path, *, label_set: str, sampling_rate: float) -> list[RecordInfo]:
    """Lists the recordings of a simulated hospital."""
    definition = look_up("label set", label_set, DEFINITIONS)
    settings = read_settings(root)
    place = HOSPITALS[settings["hospital"]]
    infos = _list_as_written(root, place, sampling_rate)
    if len(infos) != settings["records"]:
        raise DataError(
            f"{root}: {settings['records']} records were simulated and {len(infos)} are there. "
            "Delete the folder and simulate it again."
        )
    return [
        replace(info, labels=present_labels(info.labels, definition), fold=None) for info in infos
    ]


def choose_files(root: Path, *, sampling_rate: float) -> Callable[[str], bool]:
    """What the reader of the hospital's layout reads, and what it was simulated from."""
    layout = (
        ptbxl if HOSPITALS[read_settings(root)["hospital"]].layout == "ptbxl" else challenge_format
    )
    is_read = layout.choose_files(root, sampling_rate=sampling_rate)
    return lambda path: path == SETTINGS or is_read(path)


def read_signal(info: RecordInfo) -> Signal:
    """Reads one recording at the rate of its file; see `ecg_keras.formats.read_wfdb`."""
    return read_wfdb(info.path)


def _list_as_written(root: Path, place: Hospital, sampling_rate: float) -> Sequence[RecordInfo]:
    """The recordings with their conditions as labels, as the layout's own reader lists them."""
    if place.layout == "ptbxl":
        return ptbxl.list_records(root, label_set="all", sampling_rate=sampling_rate)
    snomed = {name: (condition.snomed,) for name, condition in CONDITIONS.items()}
    return challenge_format.list_set(
        root, snomed, rf"{place.prefix}\d{{5}}", "the simulated hospital"
    )
