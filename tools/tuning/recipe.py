"""The study of fair_tuning.py: four downstreams, and arms that share their candidates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from ecg_keras.config import load_study
from ecg_keras.study import StudyPlan, list_cells

EPOCHS, RATE = 24, 3e-3
UNTUNED, TUNED = "untuned", "tuned"
# modes with the settings of the candidates, in the order in which `tune` names them
CANDIDATES = {
    "scratch": ("scratch_tenth", "scratch_third", "scratch", "scratch_three"),
    "finetune": ("finetune_tenth", "finetune_third", "finetune", "finetune_three"),
}
# of each downstream the upstream that it is fine-tuned from
DOWNSTREAMS = {"ludb": "ptbxl", "chagas": "ptbxl", "ptbxl": "simulated", "riverside": "simulated"}


def write_recipe(
    path: Path, data: Path, folder: Path, *, downstreams: list[str], seeds: int, extend: bool
) -> StudyPlan:
    """Writes the study recipe and lists its cells; those that are trained stay.

    Args:
        path: of the recipe.
        data: a folder with ``ptbxl/``, ``ludb/`` and ``chagas/``.
        folder: of the study.
        downstreams: names of `DOWNSTREAMS`.
        seeds: how many, from 0.
        extend: whether a choice at the edge of its grid is extended once.
    """
    study = {
        "base": {
            "data": {"leaks": "leave_out"},
            "model": {"dropout": 0.3},
            "training": {
                "batch_size": 32,
                "optimizer": "adamw",
                "weight_decay": 0.05,
                "schedule": "one_cycle",
                "select": "last",
                "augment": {"crop": 2.5},
                **_phases(RATE),
            },
        },
        "upstreams": {
            "simulated": {
                "data": {**_simulated("lakeside", 1500), "split": {"valid": 0.1, "test": 0.1}},
                "training": {"phases": [{"epochs": 12, "learning_rate": RATE}]},
            },
            "ptbxl": {
                "data": {"source": "ptbxl", "label_set": "all"},
                "training": {"phases": [{"epochs": 30, "learning_rate": RATE}]},
            },
        },
        "downstreams": {
            "ludb": {"data": {"source": "ludb", "label_set": "superdiagnostic"}},
            "chagas": {
                "data": {
                    "source": "folder",
                    "raw": str(data / "chagas"),
                    "seconds": 7.3,
                    "short": "pad",
                }
            },
            "ptbxl": {"data": {"source": "ptbxl", "label_set": "superdiagnostic"}},
            "riverside": {"data": _simulated("riverside", 300)},
        },
        "modes": _modes(),
        # the untuned arms first: cells are named after the first arm that lists them
        "protocols": {
            UNTUNED: {},
            TUNED: {"recipe": {"tune": {"extend": extend}}},
        },
        # a sweep for each downstream and seed, so that early ones are complete
        "grid": _grid(downstreams[0], 0),
        "sweeps": [
            _grid(name, seed)
            for seed in range(seeds)
            for name in downstreams
            if (name, seed) != (downstreams[0], 0)
        ],
        "exclude": [{"mode": mode, "protocol": TUNED} for mode in _modes() if _is_fixed(mode)],
        "raw": {name: str(data / name) for name in ("ptbxl", "ludb")},
        "folder": str(folder),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        YAML().dump(study, file)
    return list_cells(load_study(path))


def _grid(downstream: str, seed: int) -> dict[str, Any]:
    upstreams = [DOWNSTREAMS[downstream]]
    return {"upstreams": upstreams, "downstreams": [downstream], "seeds": [seed], "folds": 5}


def _is_fixed(mode: str) -> bool:
    return mode not in CANDIDATES


def _simulated(hospital: str, records: int) -> dict[str, Any]:
    return {"source": "simulated", "simulate": {"hospital": hospital, "records": records}}


def _phases(rate: float, **settings: float) -> dict[str, Any]:
    return {"phases": [{"epochs": EPOCHS, "learning_rate": rate, **settings}]}


def _modes() -> dict[str, dict[str, Any]]:
    """The arms, and each candidate of `tune`'s defaults as an arm of its own."""
    # the default of earlier versions; its mode keeps the name by which finished studies know it
    retired = {
        "phases": [
            {"epochs": 6, "learning_rate": RATE, "train_from": "head"},
            {"epochs": 18, "learning_rate": 3e-4, "stage_decay": 0.7},
        ]
    }
    rates = {"tenth": 3e-4, "third": 9e-4, "three": 9e-3}
    fixed: dict[str, dict[str, Any]] = {
        "scratch": {"start": "random"},
        "finetune": {},
        "shipped": {"recipe": {"training": retired}},
    }
    for name, rate in rates.items():
        decay = {"stage_decay": 0.7} if name == "tenth" else {}
        fixed[f"scratch_{name}"] = {"start": "random", "recipe": {"training": _phases(rate)}}
        fixed[f"finetune_{name}"] = {"recipe": {"training": _phases(rate, **decay)}}
    return fixed
