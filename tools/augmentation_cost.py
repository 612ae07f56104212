"""Prints how long each random change of a batch takes, beside a training step on that batch.

    python tools/augmentation_cost.py                # about a minute on two idle cores

A batch is 64 ECGs of 10 s with 12 leads at 100 Hz, of noise; the hum is timed at 125 Hz, which has
a quarter more samples. Changes run in a graph, as in the pipeline; the step is that of
`resnet1d18` on whole ECGs. The times are medians of 20 rounds after one that does not count, in
which all take turns.
"""

from __future__ import annotations

import itertools
import os
import statistics
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from benchmark import describe_machine
from benchmarks.timing import take_turns
from markdown_tables import table

from ecg_keras import models
from ecg_keras.config import Augment
from ecg_keras.data.augment import augment
from ecg_keras.signals import LEADS

ROUNDS = 20
BATCH, SAMPLES, LABELS = 64, 1000, 5
CHANGES: tuple[dict[str, Any], ...] = (
    {"crop": 2.5},
    {"shift": 0.5},
    {"gain": 0.2},
    {"noise": 0.03},
    {"coloured_noise": 0.05},
    {"baseline_wander": 0.15},
    {"mains_hum": 0.1},
    {"lead_dropout": 0.1},
    {"lead_group_dropout": 0.2},
    {"mixup": 0.2},
)


def main() -> None:
    print(describe_machine())
    together = [one for one in CHANGES if not {"crop", "mains_hum"} & set(one)]
    everything = {key: value for one in together for key, value in one.items()}
    ways = [changing(one) for one in (*CHANGES, everything)]
    *changes, step = take_turns(*ways, training_step(), rounds=ROUNDS)
    names = [", ".join(f"{key}: {value:g}" for key, value in one.items()) for one in CHANGES]
    rows = [
        (name, f"{1e6 * statistics.median(own):,.0f}", f"{ratio(step, own):,.0f}")
        for name, own in zip([*names, "all of them but crop and hum"], changes, strict=True)
    ]
    print(f"\nA training step takes {1e3 * statistics.median(step):,.0f} ms.\n")
    print(table(("change of a batch", "µs", "times in a training step"), rows))
    print(f"\nload average after {os.getloadavg()[0]:.1f}")


def ratio(step: list[float], own: list[float]) -> float:
    """How often the change fits into a step: the median of the rounds."""
    return statistics.median(one / other for one, other in zip(step, own, strict=True))


def changing(settings: dict[str, Any]) -> Callable[[], Any]:
    """The changes of one batch after another, each with a new seed."""
    rate = 125.0 if "mains_hum" in settings else 100.0
    signal = tf.random.stateless_normal((BATCH, round(SAMPLES * rate / 100), len(LEADS)), (0, 1))
    target = tf.zeros((BATCH, LABELS))
    chosen = Augment(**settings)
    numbers = itertools.count()

    @tf.function
    def change(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        key = tf.random.experimental.stateless_fold_in(tf.constant((0, 0), tf.int64), number)
        return augment(signal, target, chosen, sampling_rate=rate, leads=LEADS, seed=key)

    return lambda: change(tf.constant(next(numbers), tf.int64))[0].numpy()


def training_step() -> Callable[[], Any]:
    """One step of Adam on a batch of whole ECGs."""
    model = models.classifier(
        models.resnet1d18(num_samples=SAMPLES), [f"label {number}" for number in range(LABELS)]
    )
    model.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy")
    signal = tf.random.stateless_normal((BATCH, SAMPLES, len(LEADS)), (0, 1))
    target = tf.zeros((BATCH, LABELS))
    return lambda: model.train_on_batch(signal, target)


if __name__ == "__main__":
    main()
