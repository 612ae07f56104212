"""Validation data of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import ecg_keras as ecg
from combinations.by_hand import area_by_pairs, by_hand
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
    plain,
    probabilities,
    refused,
    right,
    scores,
)


@combination("validation dataset, in order")
def _(folder: Path) -> str:
    callback = ecg.callbacks.ValidationScores(dataset(SIGNALS, TARGETS), LABELS)
    return right(plain(), callback)


@combination("validation dataset, shuffled at each pass")
def _(folder: Path) -> str:
    return right(plain())


@combination("NumPy validation data")
def _(folder: Path) -> str:
    callback = ecg.callbacks.ValidationScores((SIGNALS.astype(float), TARGETS.astype(int)), LABELS)
    return right(plain(), callback)


@combination("NumPy validation data with weights")
def _(folder: Path) -> str:
    model = plain()
    callback = ecg.callbacks.ValidationScores([SIGNALS, TARGETS, WEIGHTS], LABELS)
    found = fit(model, [callback])
    compare(found, by_hand(TARGETS, probabilities(model), WEIGHTS))
    return "right"


@combination("weighted validation dataset, also of weight 0")
def _(folder: Path) -> str:
    model = plain()
    found = fit(model, [scores(SIGNALS, TARGETS, WEIGHTS[:, None])])
    compare(found, by_hand(TARGETS, probabilities(model), WEIGHTS))
    kept = WEIGHTS > 0
    compare(found, by_hand(TARGETS[kept], probabilities(model)[kept], WEIGHTS[kept]))
    return "right"


@combination("a weight for each label")
def _(folder: Path) -> str:
    callback = scores(SIGNALS, TARGETS, np.ones_like(TARGETS))
    return refused("one weight a record", lambda: fit(plain(), [callback]))


@combination("negative weights")
def _(folder: Path) -> str:
    callback = scores(SIGNALS, TARGETS, -np.ones(65, np.float32))
    return refused("must be finite and at least 0", lambda: fit(plain(), [callback]))


@combination("targets of NaN (unknown)")
def _(folder: Path) -> str:
    model = plain()
    found = fit(model, [scores(SIGNALS, UNKNOWN, per_label=True)])
    compare(found, by_hand(UNKNOWN, probabilities(model)))
    known = ~np.isnan(UNKNOWN[:, 1])
    area = area_by_pairs(UNKNOWN[known, 1], probabilities(model)[known, 1], np.ones(known.sum()))
    compare(found, {"val_auroc_MI": area})
    return "right"


@combination("targets of NaN, weighted; one label never known")
def _(folder: Path) -> str:
    model, targets = plain(), UNKNOWN.copy()
    targets[:, 0] = np.nan
    found = fit(model, [scores(SIGNALS, targets, WEIGHTS)])
    compare(found, by_hand(targets[:, 1:], probabilities(model)[:, 1:], WEIGHTS))
    return "right"


@combination("a label without positives")
def _(folder: Path) -> str:
    model, targets = plain(), TARGETS.copy()
    targets[:, 2] = 0
    found = fit(model, [scores(SIGNALS, targets)])
    expected = by_hand(targets, probabilities(model))
    compare(found, expected)
    return "right"


@combination("soft targets")
def _(folder: Path) -> str:
    callback = scores(SIGNALS, TARGETS * 0.9 + 0.05)
    return refused("Soft targets are for training", lambda: fit(plain(), [callback]))


@combination("soft targets to train on (mixup), hard ones to validate on")
def _(folder: Path) -> str:
    return right(plain(), x=dataset(SIGNALS, TARGETS * 0.9 + 0.05))


@combination("targets of -1 for unknown (a mask)")
def _(folder: Path) -> str:
    callback = scores(SIGNALS, np.where(np.isnan(UNKNOWN), -1, UNKNOWN))
    return refused("Write NaN where", lambda: fit(plain(), [callback]))


@combination("masked time steps (a Masking layer)")
def _(folder: Path) -> str:
    keras.utils.set_random_seed(1)
    signal = keras.Input((20, 3))
    x = keras.layers.Masking()(signal)
    x = keras.layers.GlobalAveragePooling1D()(x)
    model = compiled(keras.Model(signal, keras.layers.Dense(3, "sigmoid")(x)))
    padded = SIGNALS.copy()
    padded[:, 12:] = 0
    found = fit(model, [scores(padded, TARGETS)], x=dataset(padded, TARGETS))
    compare(found, by_hand(TARGETS, model.predict(padded, verbose=0)))
    return "right"


@combination("batches of unknown number")
def _(folder: Path) -> str:
    records = dataset(SIGNALS, TARGETS, shuffled=True).unbatch().filter(lambda x, y: True).batch(16)
    return right(plain(), ecg.callbacks.ValidationScores(records, LABELS))


@combination("batches from a Python generator")
def _(folder: Path) -> str:
    def generate() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for first in range(0, 65, 16):
            yield SIGNALS[first : first + 16], TARGETS[first : first + 16]

    records = tf.data.Dataset.from_generator(generate, output_types=(tf.float32, tf.float32))
    shapes = ((None, None, 3), (None, 3))
    shaped = records.map(
        lambda x, y: (tf.ensure_shape(x, shapes[0]), tf.ensure_shape(y, shapes[1]))
    )
    return right(plain(), ecg.callbacks.ValidationScores(shaped, LABELS))


@combination("batches without a known shape")
def _(folder: Path) -> str:
    def generate() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for first in range(0, 65, 16):
            yield SIGNALS[first : first + 16], TARGETS[first : first + 16]

    records = tf.data.Dataset.from_generator(generate, output_types=(tf.float32, tf.float32))
    return right(plain(), ecg.callbacks.ValidationScores(records, LABELS))


@combination("a validation dataset that repeats for ever")
def _(folder: Path) -> str:
    endless = dataset(SIGNALS, TARGETS).repeat()
    return refused("repeats for ever", lambda: ecg.callbacks.ValidationScores(endless, LABELS))


@combination("a validation dataset without a record")
def _(folder: Path) -> str:
    empty = dataset(SIGNALS, TARGETS).take(0)
    callback = ecg.callbacks.ValidationScores(empty, LABELS)
    return refused("have no record", lambda: fit(plain(), [callback]))


@combination("a validation dataset of single records")
def _(folder: Path) -> str:
    callback = ecg.callbacks.ValidationScores(dataset(SIGNALS, TARGETS).unbatch(), LABELS)
    return refused("Use .batch(64)", lambda: fit(plain(), [callback]))


@combination("a validation dataset without targets")
def _(folder: Path) -> str:
    signals = dataset(SIGNALS).map(lambda x: x)
    return refused(
        "signals without targets", lambda: ecg.callbacks.ValidationScores(signals, LABELS)
    )


@combination("validation data of another kind (a generator)")
def _(folder: Path) -> str:
    batches = iter([(SIGNALS, TARGETS)])
    return refused(
        "Received: list_iterator", lambda: ecg.callbacks.ValidationScores(batches, LABELS)
    )


@combination("arrays of different lengths")
def _(folder: Path) -> str:
    return refused(
        "as many rows", lambda: ecg.callbacks.ValidationScores((SIGNALS, TARGETS[:9]), LABELS)
    )


@combination("more labels than outputs")
def _(folder: Path) -> str:
    callback = ecg.callbacks.ValidationScores((SIGNALS, TARGETS), (*LABELS, "PVC"))
    return refused("has 4 labels", lambda: fit(plain(), [callback]))


@combination("targets of bool, batches of one size, labels as an array")
def _(folder: Path) -> str:
    model = plain()
    records = dataset(SIGNALS.astype(np.float64), TARGETS == 1).unbatch()
    valid = records.batch(13, drop_remainder=True).cache().prefetch(2)
    callback = ecg.callbacks.ValidationScores(valid, np.array(LABELS))
    compare(fit(model, [callback]), by_hand(TARGETS, probabilities(model)))
    return "right"


@combination("targets in a dictionary, of a model with one output")
def _(folder: Path) -> str:
    valid = dataset(SIGNALS, {"head": TARGETS}, shuffled=True)
    callback = ecg.callbacks.ValidationScores(valid, LABELS)
    return right(plain(), callback)


@combination("ECGs of different lengths")
def _(folder: Path) -> str:
    model = plain()
    parts = [(SIGNALS[:40], TARGETS[:40]), (SIGNALS[40:, :12], TARGETS[40:])]
    spec = (tf.TensorSpec((None, None, 3)), tf.TensorSpec((None, 3)))
    valid = tf.data.Dataset.from_generator(lambda: iter(parts), output_signature=spec)
    found = fit(model, [ecg.callbacks.ValidationScores(valid, LABELS)])
    given = np.concatenate([model(signal) for signal, _ in parts])
    compare(found, by_hand(TARGETS, given))
    return "right"


@combination("one label, targets of shape (records,)")
def _(folder: Path) -> str:
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(1, "sigmoid")]
    )
    callback = ecg.callbacks.ValidationScores((SIGNALS, TARGETS[:, 0]), ["AF"])
    found = fit(compiled(model), [callback], x=dataset(SIGNALS, TARGETS[:, 0]))
    compare(found, by_hand(TARGETS[:, :1], probabilities(model)))
    return "right"


@combination("two ValidationScores, the second with a prefix")
def _(folder: Path) -> str:
    model = plain()
    other = scores(SIGNALS[:40], TARGETS[:40], prefix="lab_")
    found = fit(model, [scores(), other])
    given = probabilities(model)
    compare(found, by_hand(TARGETS, given))
    expected = by_hand(TARGETS[:40], given[:40])
    compare(found, {name.replace("val_", "lab_"): value for name, value in expected.items()})
    return "right"


@combination("two ValidationScores without a prefix")
def _(folder: Path) -> str:
    return refused("prefix=", lambda: fit(plain(), [scores(), scores()]))
