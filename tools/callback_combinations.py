"""Prints what the callbacks do in combinations that Keras users make: right, or refused by name.

    python tools/callback_combinations.py             # about a minute of CPU time
    python tools/callback_combinations.py --only EMA  # the combinations with EMA in their name

Each combination is a `fit` of a small network. What is logged, written or left in the network is
compared with another way to compute it, by hand: AUROC by comparing all pairs of records, average
precision by counting at each record. A combination that gives another number, or an error without
the words that a user needs, is WRONG, and the exit status is 1.

Two logical CPUs stand for two devices. MLflow and Weights & Biases are tried where they are
installed.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from pathlib import Path

import tensorflow as tf
from combinations.trying import COMBINATIONS, Combination
from markdown_tables import print_table

PARTS = (
    "validation_data",
    "networks",
    "logits",
    "beside_keras",
    "averaging",
    "devices",
    "logs",
    "resuming",
    "thawing",
    "reaching",
    "tracking",
)


def look(name: str, function: Combination) -> str:
    """What was seen of one combination."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            seen = function(Path(folder))
        except Exception as error:  # whatever Keras raises is what a user would see
            return f"WRONG: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return seen.replace(folder, "...").replace("|", "/")


def main() -> None:
    """Tries each combination and prints a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="part of the names of the combinations to try")
    only = parser.parse_args().only
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    for part in PARTS:
        importlib.import_module(f"combinations.{part}")
    chosen = {name: one for name, one in COMBINATIONS.items() if only in name}
    rows = ((name, look(name, function)) for name, function in chosen.items())
    printed = print_table(("combination", "what was seen"), rows, left=2)
    sys.exit(any(seen.startswith("WRONG") for _, seen in printed))


if __name__ == "__main__":
    main()
