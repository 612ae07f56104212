"""Training and serving: how fast networks are with our input, and as a SavedModel."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.databases import make_shards, replicate, settings_of
from benchmarks.timing import percentile, rate, table, take_turns, times_as_fast

BATCH = 64
# of training that one round takes: the slowest network needs seconds for each
STEPS = 4
# of calls for each network and batch size
SECONDS = 20
NETWORKS = ("resnet1d18", "lstm")


def training(data: Path, scratch: Path) -> str:
    """float32 training on whole 10 s ECGs, against the same steps on one batch in memory."""
    from ecg_keras.data import describe, load

    shards = make_shards(settings_of(data, scratch), scratch / "shards")
    dataset = describe(shards)
    steps = dataset.splits["train"].records // BATCH

    def batches(epochs: int) -> Any:
        options = {"shuffle": True, "epochs": range(epochs)}
        return load(shards, "train", batch_size=BATCH, **options)

    one_batch = next(iter(batches(1)))
    rows = []
    for name in NETWORKS:
        model = classifier(name, dataset.labels)
        model.compile("adam", "binary_crossentropy")
        fit_alone = fit(model, lambda: same_batch(one_batch, steps), steps)
        fit_fed = fit(model, lambda: batches(1), steps)
        fed, alone, load_alone = take_turns(
            fit_fed, fit_alone, lambda: sum(1 for _ in batches(20).take(20 * steps))
        )
        # as many records as a round of training
        load_alone = [seconds / 20 for seconds in load_alone]
        count = steps * BATCH
        rates = rate(count, fed), rate(count, alone), times_as_fast(fed, alone)
        rows.append((name, *rates, times_as_fast(load_alone, alone)))
    header = ("network", "from shards, per s", "one batch, per s", "ratio", "input / training")
    return table(header, rows)


def steps(data: Path, scratch: Path) -> str:
    """A training step of every network, against making its batch: both in float32, 64 ECGs."""
    from ecg_keras.data import describe, load
    from ecg_keras.models import BACKBONES

    shards = make_shards(replicate(data, scratch), scratch / "shards")
    dataset = describe(shards)
    count = dataset.splits["train"].records // BATCH

    def batches(cache: bool) -> Any:
        options = {"shuffle": True, "cache": cache, "epochs": range(1)}
        return load(shards, "train", batch_size=BATCH, **options)

    one_batch = next(iter(batches(True)))
    rows = []
    for name in BACKBONES:
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


def serving(data: Path, scratch: Path) -> str:
    """Milliseconds of an answer: the exported SavedModel, against calling the Keras model."""
    import numpy as np
    import tensorflow as tf

    from ecg_keras.data import describe, load
    from ecg_keras.export import export_saved_model

    shards = make_shards(settings_of(data, scratch), scratch / "shards")
    dataset = describe(shards)
    signals = np.concatenate([signal for signal, _ in load(shards, "test", batch_size=BATCH)])
    options = {"labels": dataset.labels, "leads": dataset.leads, "sampling_rate": 100}
    rows = []
    for name in NETWORKS:
        model = classifier(name, dataset.labels)
        folder = export_saved_model(model, scratch / "serving" / name / "1", **options)
        loaded = tf.saved_model.load(str(folder))
        signature = loaded.signatures["serving_default"]
        for size in (1, 32):
            batch = tf.constant(signals[:size])
            ours, theirs = call_for_a_while(
                lambda signature=signature, batch=batch: signature(signal=batch)["probabilities"],
                lambda model=model, batch=batch: model(batch, training=False),
            )
            rows.append((f"{name}, {size}", *answers(ours), *answers(theirs), ratio(ours, theirs)))
    header = ("network, batch", "SavedModel, p50 (p99)", "calls", "Keras call, p50 (p99)", "calls")
    return table((*header, "ratio of p50"), rows)


def call_for_a_while(*ways: Callable[[], Any]) -> list[list[float]]:
    """Seconds of each call, in turns of about a second, until the time is over."""
    for way in ways:
        for _ in range(3):
            way().numpy()
    seconds: list[list[float]] = [[] for _ in ways]
    ends = time.perf_counter() + SECONDS
    while time.perf_counter() < ends:
        for own, way in zip(seconds, ways, strict=True):
            turn_ends = time.perf_counter() + 1
            while time.perf_counter() < turn_ends:
                begun = time.perf_counter()
                way().numpy()
                own.append(time.perf_counter() - begun)
    return seconds


def answers(seconds: Sequence[float]) -> tuple[str, str]:
    half, nearly_all = (1000 * percentile(seconds, share) for share in (0.5, 0.99))
    return f"{half:.3g} ms ({nearly_all:.3g})", str(len(seconds))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    return f"**{percentile(theirs, 0.5) / percentile(ours, 0.5):.3g}**"
