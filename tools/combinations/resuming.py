"""Trainings that are killed and resumed."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import ecg_keras as ecg
from combinations.trying import (
    SIGNALS,
    TARGETS,
    Kill,
    Killed,
    Wrong,
    combination,
    compare,
    compiled,
    dataset,
    refused,
    same_weights,
)
from ecg_keras import simulate
from ecg_keras.config import Data, Simulate
from ecg_keras.training import read_log


@functools.cache
def shards() -> Path:
    """A simulated dataset, made once."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    wanted = Simulate(hospital="lakeside", records=60)
    simulate.simulate(folder / "raw", **wanted.model_dump())
    settings = Data(
        source="simulated",
        raw=folder / "raw",
        label_set="superdiagnostic",
        sampling_rate=50.0,
        seconds=2.0,
        simulate=wanted,
    )
    ecg.data.prepare(settings, folder / "shards")
    return folder / "shards"


def training(folder: Path, kill: Kill | None, *, epochs: int = 4, **settings: Any) -> keras.Model:
    """A `fit` on shards as docs/callbacks.md writes it; it resumes what is in the folder."""
    labels = ecg.data.describe(shards()).labels
    train = ecg.data.load(shards(), "train", batch_size=8, shuffle=True, seed=0)
    valid = ecg.data.load(shards(), "valid", batch_size=8)
    keras.utils.set_random_seed(1)
    signal = keras.Input((100, 12))
    x = keras.layers.GlobalMaxPooling1D()(signal)
    model = keras.Model(signal, keras.layers.Dense(len(labels), "sigmoid")(x))
    average = settings.pop("use_ema", False)
    compiled(model, optimizer=keras.optimizers.Adam(0.05, use_ema=average), **settings)
    callbacks = [
        keras.callbacks.BackupAndRestore(str(folder / "backup")),
        ecg.callbacks.FollowEpochs(train),
        *[keras.callbacks.SwapEMAWeights(swap_on_epoch=True)] * average,
        ecg.callbacks.ValidationScores(valid, labels),
        ecg.callbacks.RunLog(folder / "log.csv"),
        *([] if kill is None else [kill]),
    ]
    model.fit(train, epochs=epochs, shuffle=False, verbose=0, callbacks=callbacks)
    return model


def kill_and_resume(folder: Path, *kills: Kill, tolerance: float = 0.0, **settings: Any) -> str:
    """Compares a `fit` that was killed with one that was not: weights, and each row."""
    calm, killed = folder / "calm", folder / "killed"
    expected = training(calm, None, **settings)
    for kill in kills:
        try:
            training(killed, kill, **settings)
        except Killed:
            continue
        raise Wrong("not killed")
    same_weights(training(killed, None, **settings), expected, tolerance)
    rows = [read_log(one / "log.csv") for one in (killed, calm)]
    for one, other in zip(*rows, strict=True):
        for name in one.keys() - {"seconds"}:
            compare({name: float(one[name])}, {name: float(other[name])}, max(tolerance, 1e-9))
    return "right"


@combination("BackupAndRestore and FollowEpochs: killed in epochs 2 and 4")
def _(folder: Path) -> str:
    return kill_and_resume(folder, Kill(1, 2), Kill(3, 0))


@combination("BackupAndRestore, FollowEpochs, SwapEMAWeights, ValidationScores, in this order")
def _(folder: Path) -> str:
    return kill_and_resume(folder, Kill(2, 2), tolerance=1e-5, use_ema=True)


@combination("BackupAndRestore and FollowEpochs with steps_per_execution=3")
def _(folder: Path) -> str:
    return kill_and_resume(folder, Kill(1, 2), steps_per_execution=3)


@combination("FollowEpochs: the epochs of fit(initial_epoch=...), and of a mapped dataset")
def _(folder: Path) -> str:
    train = ecg.data.load(shards(), "train", batch_size=8, shuffle=True, seed=0)
    seen: list[bytes] = []
    noted = train.map(lambda x, y: (tf.numpy_function(note(seen), [x], tf.float32), y))
    shaped = noted.map(lambda x, y: (tf.ensure_shape(x, (None, 100, 12)), y))
    expected = [first.numpy().tobytes() for first in firsts(train, 4)]
    keras.utils.set_random_seed(1)
    signal = keras.Input((100, 12))
    x = keras.layers.GlobalMaxPooling1D()(signal)
    model = compiled(keras.Model(signal, keras.layers.Dense(5, "sigmoid")(x)))
    follow = ecg.callbacks.FollowEpochs(train)
    model.fit(shaped, initial_epoch=2, epochs=4, verbose=0, shuffle=False, callbacks=[follow])
    if not {expected[2], expected[3]} <= set(seen) or {expected[0], expected[1]} & set(seen):
        raise Wrong("other epochs were seen")
    return "right"


def note(seen: list[bytes]) -> Callable[[np.ndarray], np.ndarray]:
    def keep(signal: np.ndarray) -> np.ndarray:
        seen.append(signal.tobytes())
        return signal

    return keep


def firsts(train: tf.data.Dataset, passes: int) -> Iterator[tf.Tensor]:
    """The first batch of each pass."""
    for _ in range(passes):
        yield next(iter(train))[0]


@combination("FollowEpochs: a dataset that `data.load` did not return")
def _(folder: Path) -> str:
    other = dataset(SIGNALS, TARGETS)
    return refused("ecg_keras.data.load returned", lambda: ecg.callbacks.FollowEpochs(other))
