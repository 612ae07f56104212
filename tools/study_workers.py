"""Prints how long a study takes with one worker on all cores, and with several that share them.

    python tools/study_workers.py DATA               # about ten minutes on two idle cores
    python tools/study_workers.py DATA --workers 4 --runs 8

DATA is a folder with `ptbxl/` in its official layout; none takes the environment variable
ECG_KERAS_TEST_DATA. Nothing is written there.

The same runs (`recipes/ptbxl_scratch.yaml`'s network and crops, other seeds, few epochs) are
trained and scored with each number of workers, in turns (A B A B), each time in a new folder; the
shards are there already. The time is that of the whole command, so each worker's start counts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmark import describe_machine
from benchmarks.timing import times_as_fast
from markdown_tables import table

from ecg_keras import workflow
from ecg_keras.config import LoadedRecipe, LoadedStudy, Study
from ecg_keras.study import StudyPlan, list_cells, run_study

BASE: dict[str, Any] = {
    "model": {"dropout": 0.3},
    "training": {
        "batch_size": 32,
        "optimizer": "adamw",
        "weight_decay": 0.05,
        "schedule": "one_cycle",
        "select": "last",
        "augment": {"crop": 2.5},
    },
}
# none: PTB-XL's own folds
SPLIT: dict[str, Any] = {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", default=os.environ.get("ECG_KERAS_TEST_DATA"))
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="that share the cores")
    parser.add_argument("--runs", type=int, default=4, help="of the study")
    parser.add_argument("--epochs", type=int, default=10, help="of each run")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each number of workers")
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("name the folder with ptbxl/, or set ECG_KERAS_TEST_DATA")
    print(describe_machine())
    with tempfile.TemporaryDirectory() as scratch:
        print(compare(Path(arguments.data), Path(scratch), arguments))
    print(f"load average after {os.getloadavg()[0]:.1f}")


def compare(data: Path, scratch: Path, arguments: argparse.Namespace) -> str:
    """Seconds of the study with one worker and with several, and their ratio round by round."""
    ways = (1, arguments.workers)
    seconds: dict[int, list[float]] = {workers: [] for workers in ways}
    for turn in range(arguments.rounds):
        for workers in ways:
            plan = make_study(
                data, scratch, f"{turn}-{workers}", runs=arguments.runs, epochs=arguments.epochs
            )
            begun = time.perf_counter()
            last = run_study(plan, workers=workers)
            seconds[workers].append(time.perf_counter() - begun)
            if last.counts["done"] != len(plan.cells):
                raise SystemExit(f"not all runs ended well: {last.failures}")
    rows = [
        (
            f"{workers}",
            f"{statistics.median(own):.1f}",
            f"{statistics.median(own) / arguments.runs:.1f}",
            times_as_fast(own, seconds[1]),
        )
        for workers, own in seconds.items()
    ]
    return table(("workers", "s", "s for each run", "times as fast as one"), rows)


def make_study(data: Path, scratch: Path, name: str, *, runs: int, epochs: int) -> StudyPlan:
    """Runs from scratch that differ in their seed; their shards are made here."""
    part = {"raw": str(data / "ptbxl"), "shards": str(scratch / "shards"), "split": SPLIT}
    study = Study.model_validate(
        {
            "base": BASE,
            "downstreams": {"ptbxl": {"data": {"source": "ptbxl", **part}}},
            "modes": {
                "scratch": {
                    "start": "random",
                    "recipe": {"training": {"phases": [{"epochs": epochs, "learning_rate": 3e-3}]}},
                }
            },
            "grid": {"seeds": list(range(runs))},
            "folder": str(scratch / name),
        }
    )
    plan = list_cells(LoadedStudy(name, scratch / f"{name}.yaml", study, {}))
    job = workflow.make_job(LoadedRecipe(name, scratch, plan.cells[0].recipe, {}))
    data_steps = ("prepare", "validate")
    workflow.run_plan(step for step in workflow.make_plan(job) if step.action in data_steps)
    return plan


if __name__ == "__main__":
    main()
