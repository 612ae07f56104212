"""`UnfreezeStages`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

import ecg_keras as ecg
from combinations.by_hand import by_hand
from combinations.devices import kept, two_devices
from combinations.trying import (
    LABELS,
    SIGNALS,
    TARGETS,
    Kill,
    Killed,
    Wrong,
    combination,
    compare,
    compiled,
    dataset,
    fit,
    probabilities,
    refused,
    same_weights,
    scores,
)
from ecg_keras.training.device import use_precision

STAGES = {0: "head", 1: "stage1", 3: "stem"}


def staged(policy: str = "float32", **settings: Any) -> keras.Model:
    """A network of three stages, compiled; the same weights each time."""
    keras.utils.set_random_seed(1)
    with use_precision(policy):
        signal = keras.Input((20, 3), name="signal")
        x = keras.layers.Conv1D(4, 3, activation="relu", name="stem_conv")(signal)
        x = keras.layers.Conv1D(4, 3, activation="relu", name="stage1_conv")(x)
        x = keras.layers.GlobalAveragePooling1D(name="embedding_pool")(x)
        head = keras.layers.Dense(len(LABELS), "sigmoid", dtype="float32", name="head")(x)
        return compiled(keras.Model(signal, head), **settings)


def thaw() -> ecg.callbacks.UnfreezeStages:
    return ecg.callbacks.UnfreezeStages(STAGES)


def compiled_by_phase() -> keras.Model:
    """By hand: four epochs as three fits, each compiled with what it trains."""
    model = staged()
    for stage, first, end in (("head", 0, 1), ("stage1", 1, 3), ("stem", 3, 4)):
        ecg.models.set_trainable(model, stage)
        fit(compiled(model), [], initial_epoch=first, epochs=end)
    return model


class Watch(keras.callbacks.Callback):
    """Which layers' weights an epoch changes."""

    def __init__(self) -> None:
        super().__init__()
        self.changed: list[tuple[str, ...]] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.before = {one.path: one.numpy() for one in self.model.weights}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        moved = (
            one.path.partition("_")[0].partition("/")[0]
            for one in self.model.weights
            if not np.array_equal(one.numpy(), self.before[one.path])
        )
        self.changed.append(tuple(sorted(set(moved))))


def watched(model: keras.Model, *others: Any, **settings: Any) -> str:
    """Fits four epochs, in each of which the stages of `STAGES` alone are to change."""
    watch = Watch()
    fit(model, [thaw(), watch, *others], epochs=4, **settings)
    expected = [("head",), *[("head", "stage1")] * 2, ("head", "stage1", "stem")]
    if watch.changed != expected:
        raise Wrong(f"what changed: {watch.changed}")
    return "right"


@combination("UnfreezeStages: three stages, against a compile for each")
def _(folder: Path) -> str:
    model = staged()
    fit(model, [thaw()], epochs=4)
    same_weights(model, compiled_by_phase(), 1e-6)
    return "right"


@combination("UnfreezeStages: Adam, steps_per_execution=3, jit_compile=True, run_eagerly=True")
def _(folder: Path) -> str:
    for settings in ({"steps_per_execution": 3}, {"jit_compile": True}, {"run_eagerly": True}):
        watched(staged(optimizer=keras.optimizers.Adam(0.1), **settings))
    return "right"


@combination("UnfreezeStages: mixed precision, bfloat16 and float16")
def _(folder: Path) -> str:
    for policy in ("mixed_bfloat16", "mixed_float16"):
        watched(staged(policy, optimizer=keras.optimizers.Adam(0.1)))
    return "right"


@combination("UnfreezeStages, SwapEMAWeights, ValidationScores")
def _(folder: Path) -> str:
    model = staged(optimizer=keras.optimizers.Adam(0.1, use_ema=True, ema_momentum=0.8))

    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    found = fit(model, [thaw(), swap, scores()], epochs=4)
    compare(found, by_hand(TARGETS, probabilities(model)), 1e-4)
    return "right"


@combination("UnfreezeStages: killed in epoch 3, with BackupAndRestore")
def _(folder: Path) -> str:
    def train(kill: Kill | None) -> keras.Model:
        model = staged(optimizer=keras.optimizers.Adam(0.1))
        backup = keras.callbacks.BackupAndRestore(str(folder / "backup"))
        fit(model, [thaw(), backup, *([kill] if kill else [])], epochs=4)
        return model

    calm = staged(optimizer=keras.optimizers.Adam(0.1))
    fit(calm, [thaw()], epochs=4)
    try:
        train(Kill(2, 1))
    except Killed:
        same_weights(train(None), calm)
        return "right"
    raise Wrong("not killed")


@combination("UnfreezeStages: two fits, the network compiled again between")
def _(folder: Path) -> str:
    model, callback = staged(), thaw()
    for _ in range(2):
        watch = Watch()
        fit(model, [callback, watch], epochs=4)
        if watch.changed[0] != ("head",) or len(watch.changed[3]) != 3:
            raise Wrong(f"what changed: {watch.changed}")
        compiled(model)
    return "right"


@combination("UnfreezeStages: an optimizer that was built for fewer weights")
def _(folder: Path) -> str:
    model = staged()
    ecg.models.set_trainable(model, "head")
    fit(compiled(model), [], epochs=1)
    return refused("Compile the model again", lambda: fit(model, [thaw()]))


@combination("UnfreezeStages: a stage that the network lacks, and no epoch 0")
def _(folder: Path) -> str:
    make = ecg.callbacks.UnfreezeStages
    refused("from epoch 0 on", lambda: make({1: "head"}))
    return refused("stage9", lambda: fit(staged(), [make({0: "head", 1: "stage9"})]))


@combination("mirrored: UnfreezeStages")
def _(folder: Path) -> str:
    data = dataset(*kept((SIGNALS, TARGETS)), batch=16)
    with two_devices().scope():
        model = staged()
    watched(model, x=data)
    one = staged()
    fit(one, [thaw()], epochs=4, x=data)
    same_weights(model, one, 1e-5)
    return "right"
