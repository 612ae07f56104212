"""Study recipes as text files, for the tests of this folder."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from ecg_keras.config import LoadedStudy, load_study

PTBXL = {"data": {"source": "ptbxl"}}
LUDB = {"data": {"source": "ludb", "label_set": "superdiagnostic"}}
GEORGIA = {"data": {"source": "georgia"}}
MODES = {"scratch": {"start": "random"}, "finetune": {"start": "upstream"}}


def load(where: Path, **sections: Any) -> LoadedStudy:
    """A study of these sections; where they are silent, PTB-XL to LUDB, scratch and fine-tuned."""
    study = {"upstreams": {"ptbxl": PTBXL}, "downstreams": {"ludb": LUDB}, "modes": MODES}
    path = where / "mine.yaml"
    with path.open("w") as file:
        YAML().dump(study | sections, file)
    return load_study(path)
