"""Prints how well each network does from random weights on the first 500 ECGs of PTB-XL.

    python tools/network_table.py DATA --folder runs/networks --workers 2      # hours on two cores
    python tools/network_table.py DATA --folder runs/networks --only resnet1d18 s4 --seeds 3
    python tools/network_table.py DATA --folder runs/networks --print-only
    python tools/network_table.py DATA --folder runs/networks --dry-run

DATA is a folder with ptbxl/; nothing is written there. Five superclasses, five patient folds.
Every network is trained as recipes/ptbxl_scratch.yaml says, on crops of 2.5 s, with its head as
published, or with the mean over time where that head has a weight for each time step, and at a
lower rate where the recipe's is too high for it (docs/backbones.md "Learning rates"). resnet1d18
and lstm are also trained as the paper did (arXiv 2402.02021): whole ECGs scaled to [-1, 1], Adam
at 0.01, the best of 100 epochs, chosen on the validation split where the paper took the test
split. The study recipe is written beside the folder. Its runs are ordinary ones: those that are
there are kept.

The table: trained parameters; test macro AUROC, and its difference to resnet1d18 with the interval
of studies over patients and seeds. What a step costs is measured by tools/step_cost.py.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmark import describe_machine
from markdown_tables import table
from ruamel.yaml import YAML

from ecg_keras.config import Question, load_study
from ecg_keras.evaluation import with_interval
from ecg_keras.models import AS_PUBLISHED_HEAD, BACKBONES, HIGHEST_RATES
from ecg_keras.statistics import ArmName
from ecg_keras.study import StudyPlan, list_cells, run_study, snapshot
from ecg_keras.study.arm_contrasts import contrast_arms, with_common_seeds
from ecg_keras.study.finished import FinishedCell, read_arms
from ecg_keras.study.study_arm import StudyArm

DEFAULT, PUBLISHED = "default", "as_published"
AS_PUBLISHED = ("resnet1d18", "lstm")
LOWER_RATES = {
    name: f"{rate:.0e}".replace("e-0", "e-") for name, rate in HIGHEST_RATES.items() if rate
}
REFERENCE = "resnet1d18"
Arm = StudyArm[FinishedCell]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", default=os.environ.get("ECG_KERAS_TEST_DATA"))
    parser.add_argument("--folder", type=Path, required=True, help="of the study")
    parser.add_argument("--only", nargs="+", choices=sorted(BACKBONES), default=list(BACKBONES))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--tune", action="store_true", help="four rates for every network")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--print-only", action="store_true", help="what is finished")
    parser.add_argument("--dry-run", action="store_true", help="count what is left, train nothing")
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("name the folder with the databases, or set ECG_KERAS_TEST_DATA")
    recipe = arguments.folder.with_suffix(".yaml")
    recipe.parent.mkdir(parents=True, exist_ok=True)
    with recipe.open("w") as file:
        YAML().dump(describe_study(arguments), file)
    plan = list_cells(load_study(recipe))
    if not (arguments.print_only or arguments.dry_run):
        run_study(plan, workers=arguments.workers)
    print(f"{snapshot(plan).counts['done']} of {len(plan.cells)} runs are finished.")
    if not arguments.dry_run:
        print(f"{describe_machine()}\n\n{network_table(plan)}")


def describe_study(arguments: argparse.Namespace) -> dict[str, Any]:
    """The study recipe: every network in a sweep of its own, which names its head."""
    base = YAML(typ="safe").load(Path(__file__).parent.parent / "recipes" / "ptbxl_scratch.yaml")
    if arguments.tune:
        base["tune"] = {"extend": False}  # the default candidates
    published = {
        "model": {"scaling": "minmax", "dropout": 0.0},
        "training": {
            "batch_size": 256,
            "optimizer": "adam",
            "weight_decay": 0.0,
            "schedule": "constant",
            "select": "best_macro_f1",
            "augment": {"crop": None},
            "phases": [{"epochs": 100, "learning_rate": 0.01}],
        },
        "tune": None,
    }
    (phase,) = base["training"]["phases"]
    slower = {
        _at(rate): {"recipe": {"training": {"phases": [{**phase, "learning_rate": float(rate)}]}}}
        for rate in LOWER_RATES.values()
    }
    grids = [
        {
            "backbones": [name],
            "heads": ["as_published" if protocol == PUBLISHED else head_of(name)],
            "protocols": [protocol],
            "seeds": list(range(arguments.seeds)),
            "folds": 5,
        }
        # the quick ones first
        for protocol, name in (
            *((our_protocol(name), name) for name in arguments.only),
            *((PUBLISHED, name) for name in arguments.only if name in AS_PUBLISHED),
        )
    ]
    return {
        "base": {name: part for name, part in base.items() if name not in ("mode", "data")},
        "downstreams": {
            "ptbxl": {"data": {key: base["data"][key] for key in ("source", "label_set", "leaks")}}
        },
        "modes": {"scratch": {"start": "random"}},
        "protocols": {DEFAULT: {}, **slower, PUBLISHED: {"recipe": published}},
        "grid": grids[0],
        "sweeps": grids[1:],
        "raw": {"ptbxl": str(Path(arguments.data) / "ptbxl")},
        "folder": str(arguments.folder),
    }


def our_protocol(name: str) -> str:
    """As the recipe says, or with a lower rate."""
    return _at(LOWER_RATES[name]) if name in LOWER_RATES else DEFAULT


def _at(rate: str) -> str:
    return f"rate_{rate}"


def head_of(name: str) -> str:
    """The head that takes crops and whole ECGs."""
    return "pooled" if AS_PUBLISHED_HEAD[name] == "flattened" else "as_published"


def network_table(plan: StudyPlan) -> str:
    """The arms from the best to the worst."""
    arms, _ = read_arms(plan)
    question = plan.loaded.study.question
    reference = next((arm for arm in arms.values() if is_reference(arm.name)), None)
    rows = []
    for arm in arms.values():
        own = contrast_arms([arm], [1.0], question)
        rows.append(
            (own.value, (*describe(arm), with_interval(own), difference(arm, reference, question)))
        )
    rows.sort(key=lambda row: -row[0])
    header = ("network", "trained", "seeds", "parameters", "macro AUROC")
    return table((*header, f"- {REFERENCE}"), [row for _, row in rows])


def is_reference(name: ArmName) -> bool:
    return name.backbone == REFERENCE and name.protocol == DEFAULT


def describe(arm: Arm) -> Iterator[str]:
    """Name, training, seeds and parameters of an arm."""
    yield arm.name.backbone
    yield arm.name.protocol.replace("_", " ")
    yield f"{len(arm.cells)}"
    yield f"{arm.runs[0].run.read_status()['num_parameters']:,}"


def difference(arm: Arm, reference: Arm | None, question: Question) -> str:
    """To the reference's score, over the seeds that both have."""
    both = () if reference is None or arm is reference else with_common_seeds(arm, reference)
    return with_interval(contrast_arms(both, [1.0, -1.0], question), "+") if both else "-"


if __name__ == "__main__":
    main()
