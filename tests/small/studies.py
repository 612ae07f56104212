"""Study recipes as text files, for the tests of this folder."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from ecg_keras.config import LoadedStudy, load_study
from ecg_keras.study import StudyPlan, list_cells

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


def simulated(hospital: str, records: int) -> dict[str, Any]:
    """The part of a recipe that names a simulated hospital."""
    return {"data": {"source": "simulated", "simulate": {"hospital": hospital, "records": records}}}


def tiny_data(folder: Path) -> dict[str, Any]:
    """What the runs of `tiny` share of their data."""
    return {
        "sampling_rate": 25,
        "seconds": 4,
        "label_set": "superdiagnostic",
        "split": {"method": "patients"},
        "shards": str(folder / "shards"),
    }


def tiny(folder: Path, **sections: Any) -> StudyPlan:
    """A study of networks that take seconds to train."""
    base = {
        "data": tiny_data(folder),
        "training": {"batch_size": 16, "phases": [{"epochs": 2, "learning_rate": 0.01}]},
    }
    study = {
        "base": base,
        "upstreams": {"lake": simulated("lakeside", 60)},
        "downstreams": {"river": simulated("riverside", 80)},
        "grid": {"backbones": ["gru"], "heads": ["pooled"], "seeds": [0]},
        "question": {"bootstrap": 100},
        "raw": {"simulated": str(folder / "raw")},
        "folder": str(folder / "study"),
    }
    return list_cells(load(folder, **study | sections))
