"""The table of combinations, and what they share: networks, data, and ways to be wrong."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import ecg_keras as ecg
from combinations.by_hand import by_hand
from ecg_keras.errors import EcgKerasError

LABELS = ("AF", "MI", "LBBB")
RNG = np.random.default_rng(7)
# 65: the last batch of 16 or 32 holds one record, fewer than there are devices
SIGNALS = RNG.normal(size=(65, 20, 3)).astype(np.float32)
TARGETS = (SIGNALS.mean(axis=1) + RNG.normal(0, 0.3, (65, 3)) > (0, 0.2, 0.5)).astype(np.float32)
WEIGHTS = RNG.choice([0.0, 0.5, 1.0, 3.0], 65).astype(np.float32)
UNKNOWN = np.where(RNG.random(TARGETS.shape) < 0.3, np.nan, TARGETS).astype(np.float32)


Combination = Callable[[Path], str]
COMBINATIONS: dict[str, Combination] = {}


class Wrong(Exception):
    """A number or a message is not what it should be."""


class Killed(Exception):
    """Ends a `fit` as a kill would: no callback is called."""


def combination(name: str) -> Callable[[Combination], Combination]:
    """Puts a function into the table. It is given an empty folder, and returns what was seen."""

    def add(function: Combination) -> Combination:
        COMBINATIONS[name] = function
        return function

    return add


def compare(found: dict[str, float], expected: dict[str, float], tolerance: float = 1e-5) -> None:
    """Raises `Wrong` where a logged number is missing or another."""
    for name, value in expected.items():
        if name not in found:
            raise Wrong(f"{name} is not logged")
        if not np.isclose(found[name], value, rtol=tolerance, atol=tolerance, equal_nan=True):
            raise Wrong(f"{name} is {found[name]:.6g} and should be {value:.6g}")


def same_weights(one: keras.Model, other: keras.Model, tolerance: float = 0.0) -> None:
    """Raises `Wrong` where two networks differ."""
    for mine, theirs in zip(one.get_weights(), other.get_weights(), strict=True):
        if not np.allclose(mine, theirs, rtol=0, atol=tolerance):
            raise Wrong(f"weights differ by {np.abs(mine - theirs).max():.2g}")


def network(
    activation: str | None = "sigmoid", loss: Any = "binary_crossentropy", **settings: Any
) -> keras.Model:
    """A small network for `SIGNALS`, compiled; the same weights each time."""
    keras.utils.set_random_seed(1)
    signal = keras.Input((None, 3), name="signal")
    x = keras.layers.GlobalAveragePooling1D()(signal)
    head = keras.layers.Dense(len(LABELS), activation, dtype="float32", name="head")(x)
    return compiled(keras.Model(signal, head), loss, **settings)


def plain() -> keras.Model:
    """`network` without settings, compiled once: most of a short `fit` is making its graph."""
    model, weights = _plain()
    model.set_weights(weights)
    return model


@functools.cache
def _plain() -> tuple[keras.Model, list[np.ndarray]]:
    model = network()
    return model, model.get_weights()


def compiled(model: keras.Model, loss: Any = "binary_crossentropy", **settings: Any) -> keras.Model:
    settings.setdefault("optimizer", keras.optimizers.SGD(0.5))
    model.compile(loss=loss, **settings)
    return model


def dataset(*parts: Any, batch: int = 16, shuffled: bool = False) -> tf.data.Dataset:
    """Batches of arrays; ``shuffled`` in a new order at each pass."""
    records = tf.data.Dataset.from_tensor_slices(parts)
    return (records.shuffle(65) if shuffled else records).batch(batch)


def fit(model: keras.Model, callbacks: Sequence[Any], epochs: int = 2, **settings: Any) -> dict:
    """The logs of the last epoch."""
    settings = {"x": dataset(SIGNALS, TARGETS), "verbose": 0, "shuffle": False, **settings}
    history = model.fit(epochs=epochs, callbacks=list(callbacks), **settings).history
    return {name: values[-1] for name, values in history.items()}


def scores(*parts: Any, **settings: Any) -> ecg.callbacks.ValidationScores:
    """The callback for a shuffled validation dataset of these arrays."""
    return ecg.callbacks.ValidationScores(
        dataset(*(parts or (SIGNALS, TARGETS)), shuffled=True), LABELS, **settings
    )


def probabilities(model: keras.Model) -> np.ndarray:
    return np.asarray(model(SIGNALS, training=False), np.float32)


def right(model: keras.Model, callback: Any = None, **settings: Any) -> str:
    """Fits a network and compares the last epoch's scores with those of what it then gives."""
    found = fit(model, [callback or scores()], **settings)
    compare(found, by_hand(TARGETS, probabilities(model)))
    return "right"


def refused(words: str, call: Callable[[], Any]) -> str:
    """Raises `Wrong` unless this is an error of ours in one line with these words."""
    try:
        call()
    except EcgKerasError as error:
        text = str(error)
        if words not in text or "\n" in text:
            raise Wrong(f"refused without the words {words!r}: {text}") from error
        return f"refused: {text}"
    raise Wrong("not refused")


class Kill(keras.callbacks.Callback):
    """Kills a `fit` in the middle of an epoch."""

    def __init__(self, epoch: int, batch: int) -> None:
        super().__init__()
        self.at, self.epoch = (epoch, batch), 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        # with steps_per_execution not every batch begins
        if self.epoch == self.at[0] and batch >= self.at[1]:
            raise Killed


def two_heads(outputs: Any, loss: Any) -> keras.Model:
    keras.utils.set_random_seed(1)
    signal = keras.Input((20, 3))
    x = keras.layers.GlobalAveragePooling1D()(signal)
    diagnosis = keras.layers.Dense(3, "sigmoid", name="diagnosis")(x)
    age = keras.layers.Dense(1, name="age")(x)
    return compiled(keras.Model(signal, outputs(diagnosis, age)), loss)
