"""Prints what a training step of each network costs: time as a ratio to resnet1d18, and memory.

    python tools/step_cost.py                                   # minutes on two cores
    python tools/step_cost.py --only s4 vit1d --samples 250 --batch 32

Each network has a process of its own, in which its steps and those of resnet1d18 take turns on
the same batch, so that what else runs on the machine slows both. Memory is what the process needs
at most with the steps of that network alone, beyond what it has with the network built. Steps are
of Adam in float32 with a head of five labels, of 12 leads at 100 Hz.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

from benchmark import describe_machine
from markdown_tables import table

from ecg_keras.models import ZOO

BASELINE = "resnet1d18"
LABELS = ("NORM", "MI", "STTC", "CD", "HYP")


def main() -> None:
    names = [row.name for row in ZOO]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--measure", choices=names, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure, arguments)))
        return
    print(
        f"{describe_machine()}\nBatches of {arguments.batch} ECGs of {arguments.samples} samples.\n"
    )
    rows = [describe(name, arguments) for name in arguments.only]
    print(table(("network", "parameters", "step, s", f"times {BASELINE}", "memory, GB"), rows))


def describe(name: str, arguments: argparse.Namespace) -> tuple[str, ...]:
    """A row of the table, measured in a new process."""
    options = [f"--{key}={getattr(arguments, key)}" for key in ("samples", "batch", "rounds")]
    command = [sys.executable, __file__, "--measure", name, *options]
    # what TensorFlow says of the machine is not of interest
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment)
    if ended.returncode:
        return name, "-", f"ended with {ended.returncode}", "-", "-"
    found = json.loads(ended.stdout.splitlines()[-1])
    ratios = sorted(own / other for own, other in zip(*found["seconds"], strict=True))
    return (
        name,
        f"{found['parameters']:,}",
        f"{statistics.median(found['seconds'][0]):.2g}",
        f"**{statistics.median(ratios):.2g}** ({ratios[0]:.2g} to {ratios[-1]:.2g})",
        f"{found['memory'] / 1e9:.1f}",
    )


def measure(name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Seconds of a network's steps and of the baseline's, in turns; bytes of the network's own."""
    import numpy as np

    random = np.random.default_rng(0)
    shape = (arguments.batch, arguments.samples, 12)
    signals = random.normal(size=shape).astype(np.float32)
    targets = random.integers(0, 2, (arguments.batch, len(LABELS))).astype(np.float32)
    model = build(name, arguments.samples)
    before = peak_bytes()
    model.train_on_batch(signals, targets)  # traces, and does not count
    memory = peak_bytes() - before
    baseline = build(BASELINE, arguments.samples)
    baseline.train_on_batch(signals, targets)
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(arguments.rounds):
        for own, one in zip(seconds, (model, baseline), strict=True):
            begun = time.perf_counter()
            one.train_on_batch(signals, targets)
            own.append(time.perf_counter() - begun)
    return {"seconds": seconds, "memory": memory, "parameters": count(model)}


def build(name: str, samples: int) -> Any:
    from ecg_keras import models

    model = models.classifier(models.find_backbone(name)(samples), LABELS)
    model.compile("adam", "binary_crossentropy")
    return model


def count(model: Any) -> int:
    return sum(int(variable.value.shape.num_elements()) for variable in model.trainable_variables)


def peak_bytes() -> int:
    """The largest size of this process so far; Linux counts it in kB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
