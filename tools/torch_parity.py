"""Prints how far answers and gradients of our networks are from those of the same in PyTorch.

    python -m pip install torch==2.13.0      # not a dependency of this project
    python tools/torch_parity.py DATA
    python tools/torch_parity.py DATA --only lstm gru
    python tools/torch_parity.py --record tests/tools/torch_logits.json     # needs no data

Networks are stated in plain PyTorch in tools/parity/, a module for each family. Their weights and
statistics, moved away from first values that are all the same, are copied into ours, and both are
asked about the same real ECGs: the first recordings below DATA/ptbxl/records100, where DATA is by
default the environment variable ECG_KERAS_TEST_DATA. An ECG that is too short for a network is
repeated, and fewer leads are the last ones.

Logits are compared in float32. Rounding grows with depth, so the table also says how far PyTorch in
float32 is from itself in float64. Gradients are those of the binary cross-entropy with labels drawn
once, of the signal and of every weight that trains, each relative to the largest gradient of its
tensor; both networks compute them in float64, because a ReLU or a maximum that rounding turns makes
them jump. Both are in inference mode: BatchNorm uses its statistics, and dropout does nothing.

With ``--record``, PyTorch's logits for drawn weights and signals (tools/parity/drawn.py) are
written to a file instead. tests/tools/test_torch_logits.py compares ours with it, without PyTorch.

Ends with an error where a logit differs by 1e-5 or more and by more than twice PyTorch's rounding,
or a gradient by 1e-5 or more.

A family is a module of tools/parity/ with `CASES`, and its name in `FAMILIES` below. A `Case` has
the name of our backbone and a function that makes the PyTorch network, which takes ``(batch,
num_samples, num_leads)`` and returns logits of `LABELS`. State it yourself, from the paper and from
what public code says. Where its modules are called as our layers, with dots (stage1.block1.conv1),
`copy_by_name` copies the weights. Where weights are published, call modules as there, and let
`copy` go through the mapping of ecg_keras/weights, so that it is tested too. `copy` is also given a
network that has gradients in place of weights: it may reorder, reshape and drop, but compute
nothing else.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np

from ecg_keras.formats import read_wfdb

try:
    import torch
except ImportError:
    sys.exit("tools/torch_parity.py needs PyTorch: python -m pip install torch==2.13.0")

from markdown_tables import print_table
from parity.case import Case
from parity.comparing import Comparison, compare
from parity.recorded import record

FAMILIES = (
    "paper",
    "ptbxl_benchmark",
    "published",
    "transformers",
    "state_space",
    "pictures",
)
RECORDINGS = 16
LIMIT = 1e-5
COLUMNS = (
    "network",
    "weights in PyTorch",
    "ours",
    "range of logits",
    "PyTorch's rounding",
    "logits, ours - PyTorch",
    "gradients",
)


def main() -> None:
    cases = {case.name: case for case in find_cases()}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", default=os.environ.get("ECG_KERAS_TEST_DATA"))
    parser.add_argument("--only", nargs="+", choices=cases, default=list(cases), metavar="NAME")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write PyTorch's logits")
    arguments = parser.parse_args()
    if arguments.record is not None:
        write_logits(arguments.record, [cases[name] for name in arguments.only])
        return
    if arguments.data is None:
        parser.error("name the folder with ptbxl/, or set ECG_KERAS_TEST_DATA")
    ecgs = read_ecgs(Path(arguments.data))
    print(f"PyTorch {torch.__version__}, Keras {keras.__version__}, {len(ecgs)} ECGs\n")
    different = []

    def rows() -> Iterator[list[str]]:
        for name in arguments.only:
            one = compare(cases[name], fit(ecgs, cases[name]))
            if is_different(one):
                different.append(name)
            yield row(name, one)

    print_table(COLUMNS, rows())
    if different:
        sys.exit(f"not the same networks: {', '.join(different)}")


def write_logits(path: Path, cases: list[Case]) -> None:
    """Keeps those of other networks that are in the file."""
    known = json.loads(path.read_text()) if path.is_file() else {}
    known |= {case.name: record(case) for case in cases}
    lines = (f"{json.dumps(name)}: {json.dumps(known[name])}" for name in sorted(known))
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def find_cases() -> list[Case]:
    modules = [importlib.import_module(f"parity.{name}") for name in FAMILIES]
    return [case for module in modules for case in module.CASES]


def read_ecgs(data: Path) -> np.ndarray:
    """In float32 millivolts ``(recordings, 1000, 12)``."""
    paths = sorted(Path(data, "ptbxl", "records100").rglob("*.hea"))[:RECORDINGS]
    if not paths:
        sys.exit(f"{data}: holds no ptbxl/records100. Name the folder that holds ptbxl/.")
    return np.stack([read_wfdb(path.with_suffix("")).values for path in paths])


def fit(ecgs: np.ndarray, case: Case) -> np.ndarray:
    """The ECGs in the length and with the leads of a network."""
    repeats = -(-case.num_samples // ecgs.shape[1])
    return np.tile(ecgs, (1, repeats, 1))[:, : case.num_samples, -case.num_leads :]


def is_different(one: Comparison) -> bool:
    return one.logits >= max(LIMIT, 2 * one.rounding) or one.gradients >= LIMIT


def row(name: str, one: Comparison) -> list[str]:
    figures = (f"{error:.1e}" for error in (one.rounding, one.logits, one.gradients))
    return [name, f"{one.theirs:,}", f"{one.ours:,}", f"{one.spread:.2f}", *figures]


if __name__ == "__main__":
    main()
