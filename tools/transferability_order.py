"""Prints how each transferability metric ranks four upstreams whose order is planted.

    python tools/transferability_order.py                  # some minutes on two idle cores
    python tools/transferability_order.py --folder FOLDER  # keeps all runs, and resumes them

The target is a simulated hospital with about 150 ECGs to learn from. Each upstream has one handicap
more than the one before it:

1. same domain: other patients of the same hospital, with the same labels;
2. other hospital: another population, noise and recorder, with the same labels;
3. other labels: that hospital, and instead of the target's five diagnoses five rhythms, inverted T
   waves and right bundle branch block, of which two are parts of diagnoses of the target;
4. noise: that hospital, and the target's labels dealt to the wrong ECGs.

All four are one network, trained alike on as many ECGs. Printed are each metric's values, the
order in which it puts the upstreams, and how many of their six pairs are in the planted order and
in that of the macro AUROC after fine-tuning, on the target's test split.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from ecg_keras import data, evaluation, metrics, models, simulate
from ecg_keras.config import compose
from ecg_keras.data import RecordInfo, Signal
from ecg_keras.sources import simulated
from ecg_keras.training import Run, train
from ecg_keras.transferability import TITLES, oriented, rank_checkpoints

# under this name the module is the source of the upstreams with other and with wrong labels
OWN = "tools.transferability_order"
DIAGNOSES = "superdiagnostic"
LABEL_SETS = {
    # two of them are a part of what a diagnosis of the target means
    "findings": ("SBRAD", "STACH", "AFIB", "PAC", "PVC", "INVT", "CRBBB"),
    "wrong": simulated.LABEL_SETS[DIAGNOSES],
}
OFFICIAL_FOLDS, CITATION, LICENCE = False, simulated.CITATION, simulated.LICENCE

UPSTREAMS = {
    "same domain": ("lakeside", "simulated", DIAGNOSES),
    "other hospital": ("riverside", "simulated", DIAGNOSES),
    "other labels": ("riverside", OWN, "findings"),
    "noise": ("riverside", OWN, "wrong"),
}
RECORDS = 1200  # of each upstream hospital
SEEDS = (0, 1)  # of the fine-tuned and the scratch runs
PRETRAIN = [{"epochs": 12, "learning_rate": 3e-3}]
# of fine-tuning and of scratch, so that the first weights are the only difference
PHASES = [{"epochs": 40, "learning_rate": 3e-3}]
TRAINING = {"batch_size": 32, "schedule": "one_cycle", "select": "last", "augment": {"crop": 2.5}}


def list_records(root: Path, *, label_set: str, sampling_rate: float) -> list[RecordInfo]:
    """The recordings of a simulated hospital, with other labels or with wrong ones."""
    from_set = "conditions" if label_set == "findings" else DIAGNOSES
    infos = simulated.list_records(root, label_set=from_set, sampling_rate=sampling_rate)
    if label_set == "findings":
        kept = LABEL_SETS["findings"]
        return [
            replace(one, labels=tuple(name for name in one.labels if name in kept)) for one in infos
        ]
    order = np.random.default_rng(0).permutation(len(infos))
    return [
        replace(one, labels=infos[other].labels) for one, other in zip(infos, order, strict=True)
    ]


def read_signal(info: RecordInfo) -> Signal:
    return simulated.read_signal(info)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, help="where runs are kept")
    folder = parser.parse_args().folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    if folder is not None:
        measure(folder)
        return
    with tempfile.TemporaryDirectory() as temporary:
        measure(Path(temporary))


def measure(folder: Path) -> None:
    """Trains what is missing in a folder, and prints the tables."""
    upstreams = {}
    for name, (hospital, source, label_set) in UPSTREAMS.items():
        raw = folder / "raw" / hospital
        simulate.simulate(raw, hospital=hospital, records=RECORDS, seed=0)
        section = describe(source, raw, label_set, {"valid": 0.1, "test": 0.1})
        recipe = {"mode": "pretrain", "data": section, "training": {"phases": PRETRAIN}}
        upstreams[name] = learn(folder, f"pretrain {name}", recipe)
        log(f"pre-trained: {name}")
    raw = folder / "raw" / "target"
    simulate.simulate(raw, hospital="lakeside", records=1000, seed=1)
    target = describe("simulated", raw, DIAGNOSES, {"valid": 0.15, "test": 0.7})

    scores: dict[str, list[float]] = {name: [] for name in [*UPSTREAMS, "scratch"]}
    for seed in SEEDS:
        for name, found in scores.items():
            training = {"seed": seed, "phases": PHASES}
            recipe = {"mode": "scratch", "data": target, "training": training}
            if name != "scratch":
                start = {"from": str(upstreams[name].folder), "head": "new"}
                recipe = {**recipe, "mode": "finetune", "initialise": start}
            run = learn(folder, f"target {name} {seed}", recipe)
            predictions = evaluation.predict(
                models.load_model(run.model), shards_of(folder, target), "test"
            )
            found.append(
                float(np.nanmean(metrics.auroc(predictions.targets, predictions.probabilities)))
            )
            log(f"{name}, seed {seed}: macro AUROC {found[-1]:.3f}")
    runs = [upstreams[name].folder for name in UPSTREAMS]
    ranking = rank_checkpoints(runs, shards_of(folder, target))
    print(f"target: {ranking.records} training ECGs of {ranking.patients} patients\n")
    print_table(ranking.values, {name: float(np.mean(found)) for name, found in scores.items()})


def describe(source: str, raw: Path, label_set: str, split: dict[str, float]) -> dict[str, Any]:
    """The ``data`` section of a recipe."""
    kind = {"source": source, "raw": str(raw), "label_set": label_set}
    return {
        **kind,
        "sampling_rate": 100.0,
        "seconds": 5.0,
        "split": {**split, "method": "patients"},
    }


def shards_of(folder: Path, section: dict[str, Any]) -> Path:
    return folder / "shards" / f"{Path(section['raw']).name}-{section['label_set']}"


def learn(folder: Path, name: str, recipe: dict[str, Any]) -> Run:
    """The run of a recipe, trained if it is not there."""
    whole = compose([{"training": TRAINING}, recipe], name)
    shards = shards_of(folder, recipe["data"])
    data.prepare(whole.data, shards)
    run = Run(folder / "runs" / name.replace(" ", "_"))
    if not run.model.is_file():
        start = None if whole.initialise is None else Path(whole.initialise.from_)
        train(whole, shards=shards, run=run, upstream=start)
    return run


def print_table(values: dict[str, tuple[float | None, ...]], scores: dict[str, float]) -> None:
    realised = [scores[name] for name in UPSTREAMS]
    header = ["metric", *UPSTREAMS, "order", "pairs as planted", "pairs as realised"]
    print("| " + " | ".join(header) + " |")
    print("|---" + "|---:" * (len(header) - 1) + "|")
    for metric, found in values.items():
        higher = [oriented(metric, value) for value in found]
        print(row(TITLES[metric], found, higher, realised))
    print(row("after fine-tuning", realised, realised, realised))
    print(f"\nscratch: macro AUROC {scores['scratch']:.3f}")


def row(title: str, found: Any, higher: list[float], realised: list[float]) -> str:
    order = "".join(str(place + 1) for place in np.argsort([-one for one in higher]))
    pairs = list(itertools.combinations(range(len(higher)), 2))
    planted = sum(higher[one] > higher[other] for one, other in pairs)
    agree = sum(
        (higher[one] - higher[other]) * (realised[one] - realised[other]) > 0
        for one, other in pairs
    )
    cells = [*(f"{value:.3f}" for value in found), order]
    cells += [f"{count} of {len(pairs)}" for count in (planted, agree)]
    return "| " + " | ".join([title, *cells]) + " |"


def log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
