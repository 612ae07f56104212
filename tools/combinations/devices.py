"""Several devices, and several machines."""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

import ecg_keras as ecg
from combinations.averaging import averaging
from combinations.by_hand import by_hand
from combinations.trying import (
    LABELS,
    SIGNALS,
    TARGETS,
    UNKNOWN,
    WEIGHTS,
    combination,
    compare,
    compiled,
    dataset,
    fit,
    network,
    probabilities,
    refused,
    same_weights,
    scores,
    two_heads,
)
from ecg_keras.training.device import make_strategy


@functools.cache
def two_devices() -> tf.distribute.Strategy:
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def kept(parts: Any) -> Any:
    """The records of which both devices get some."""
    return [one[:64] for one in parts]


@combination("mirrored: 65 records to validate on, batches of 32, two devices")
def _(folder: Path) -> str:
    with two_devices().scope():
        model = network()
    data = dataset(*kept((SIGNALS, TARGETS)), batch=32)
    for callback in (
        ecg.callbacks.ValidationScores(dataset(SIGNALS, TARGETS, batch=32, shuffled=True), LABELS),
        ecg.callbacks.ValidationScores((SIGNALS, TARGETS), LABELS),
    ):
        found = fit(model, [callback], x=data)
        compare(found, by_hand(TARGETS, probabilities(model)))
    return "right"


@combination("mirrored: 65 records to train on, batches of 32 and of 15, two devices")
def _(folder: Path) -> str:
    for batch in (32, 15):
        data = dataset(SIGNALS, TARGETS, batch=batch)
        with two_devices().scope():
            inner = network()
            model = compiled(ecg.training.Mirrored(inner.inputs, inner.outputs))
        halves = ecg.training.padded(data, 2).map(lambda batch, own: (*batch, own))
        expected = network()
        compare(fit(model, [scores()], x=halves), fit(expected, [scores()], x=data), 1e-6)
        same_weights(model, expected, 1e-6)
    return "right: the weights of one device"


@combination("mirrored: weighted, unknown, and a dictionary of outputs")
def _(folder: Path) -> str:
    with two_devices().scope():
        model = two_heads(
            lambda diagnosis, age: {"age": age, "diagnosis": diagnosis},
            {"age": "mse", "diagnosis": "binary_crossentropy"},
        )
    targets = {"age": TARGETS[:, :1], "diagnosis": UNKNOWN}
    valid = dataset(SIGNALS, targets, WEIGHTS, batch=32, shuffled=True)
    train = dataset(SIGNALS[:64], {"age": TARGETS[:64, :1], "diagnosis": TARGETS[:64]}, batch=32)
    callback = ecg.callbacks.ValidationScores(valid, LABELS, output="diagnosis")
    found = fit(model, [callback], x=train)
    given = model(SIGNALS)["diagnosis"]
    compare(found, by_hand(UNKNOWN, given, WEIGHTS))
    return "right"


@combination("mirrored: EMA with SwapEMAWeights")
def _(folder: Path) -> str:
    with two_devices().scope():
        model = averaging()
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    data = dataset(*kept((SIGNALS, TARGETS)), batch=32)
    mirrored = fit(model, [swap, scores()], x=data)
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    compare(mirrored, fit(averaging(), [swap, scores()], x=data), 1e-4)
    return "right"


@combination("a worker of two (TF_CONFIG)")
def _(folder: Path) -> str:
    cluster = {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}
    os.environ["TF_CONFIG"] = json.dumps(
        {"cluster": cluster, "task": {"type": "worker", "index": 0}}
    )
    try:
        return refused("TF_CONFIG names 2 workers", lambda: make_strategy("auto"))
    finally:
        del os.environ["TF_CONFIG"]
