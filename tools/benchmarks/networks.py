"""What the input of a training costs beside its steps."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.databases import make_shards, replicate
from benchmarks.timing import take_turns, times_as_fast
from markdown_tables import table

BATCH = 64
# of training that one round takes
STEPS = 4
# a CNN and an RNN; what steps of the others cost beside resnet1d18's: tools/step_cost.py
NETWORKS = ("resnet1d18", "lstm")


def steps(data: Path, scratch: Path) -> str:
    """A training step of two networks, against making its batch: both in float32, 64 ECGs."""
    from ecg_keras.data import describe, load

    shards = make_shards(replicate(data, scratch), scratch / "shards")
    dataset = describe(shards)
    count = dataset.splits["train"].records // BATCH

    def batches(cache: bool) -> Any:
        options = {"shuffle": True, "cache": cache, "epochs": range(1)}
        return load(shards, "train", batch_size=BATCH, **options)

    one_batch = next(iter(batches(True)))
    rows = []
    for name in NETWORKS:
        model = classifier(name, dataset.labels)
        model.compile("adam", "binary_crossentropy")
        files, memory, step = take_turns(
            lambda: sum(1 for _ in batches(False)),
            lambda: sum(1 for _ in batches(True)),
            fit(model, lambda: same_batch(one_batch, STEPS), STEPS),
            rounds=3,
        )
        files, memory, step = (
            [1000 * one / pieces for one in seconds]
            for seconds, pieces in ((files, count), (memory, count), (step, STEPS))
        )
        rows.append(
            (
                name,
                *(f"{statistics.median(one):.3g}" for one in (step, files, memory)),
                times_as_fast(files, step),
                times_as_fast(memory, step),
            )
        )
    header = ("network", "step, ms", "batch from files, ms", "from memory, ms")
    return table((*header, "step / files", "step / memory"), rows)


def same_batch(batch: Any, steps: int) -> Any:
    """The same batch over and over: training without an input pipeline."""
    import tensorflow as tf

    return tf.data.Dataset.from_tensors(batch).repeat(steps)


def fit(model: Any, batches: Callable[[], Any], steps: int) -> Callable[[], Any]:
    return lambda: model.fit(batches(), steps_per_epoch=steps, shuffle=False, verbose=0)


def classifier(backbone: str, labels: Sequence[str]) -> Any:
    """A network for 10 s at 100 Hz, as the recipes build it, with random weights."""
    from ecg_keras import models

    return models.classifier(models.find_backbone(backbone)(), labels)
