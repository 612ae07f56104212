"""Study recipes as text files, and their runs in the process of the test."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ecg_keras.config import LoadedStudy, load_study
from ecg_keras.study import StudyPlan, list_cells, run_study, running
from ecg_keras.study.pilot import Timing
from ecg_keras.study.state import Snapshot

PTBXL = {"data": {"source": "ptbxl"}}
LUDB = {"data": {"source": "ludb", "label_set": "superdiagnostic"}}
GEORGIA = {"data": {"source": "georgia"}}
MODES = {"scratch": {"start": "random"}, "finetune": {"start": "upstream"}}
# of a pilot's step, which estimates are computed from
TIMING = Timing(
    step=0.5,
    trace=10.0,
    predict=0.01,
    predict_begin=0.25,
    predict_trace=2.0,
    build=1.0,
    save=3.0,
    between=20.0,
    parameters=1000,
    measured=True,
)


def load(where: Path, **sections: Any) -> LoadedStudy:
    """A study of these sections; where they are silent, PTB-XL to LUDB, scratch and fine-tuned."""
    study = {"upstreams": {"ptbxl": PTBXL}, "downstreams": {"ludb": LUDB}, "modes": MODES}
    path = where / "mine.yaml"
    with path.open("w") as file:
        YAML().dump(study | sections, file)
    return load_study(path)


def study_plan(where: Path, **sections: Any) -> StudyPlan:
    """The runs of such a study."""
    return list_cells(load(where, **sections))


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
    return study_plan(folder, **study | sections)


class ThisProcess:
    """A pool that runs a cell at once."""

    room = 1

    def __init__(self, plan: StudyPlan) -> None:
        self.plan = plan

    def begin(self, name: str, check: bool) -> tuple[str, bool]:
        from ecg_keras.study.worker import attempt  # TensorFlow, which other tests do without

        return name, attempt(self.plan.by_name[name], self.plan.loaded.path, check=check)

    def wait(self, tasks: Any, seconds: float) -> Any:
        return tasks

    def result(self, task: tuple[str, bool], name: str) -> bool:
        return task[1]


def run_here(plan: StudyPlan) -> Snapshot:
    """`run_study` without a process that imports TensorFlow once more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "open_processes", lambda *given: nullcontext(ThisProcess(plan)))
        return run_study(plan)
