"""Networks that give logits."""

from __future__ import annotations

import warnings
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from combinations.by_hand import by_hand
from combinations.trying import (
    SIGNALS,
    TARGETS,
    combination,
    compare,
    compiled,
    dataset,
    fit,
    network,
    probabilities,
    refused,
    right,
    scores,
)


@combination("logits, and a loss with from_logits=True")
def _(folder: Path) -> str:
    model = network(None, keras.losses.BinaryCrossentropy(from_logits=True))
    found = fit(model, [scores()])
    compare(found, by_hand(TARGETS, 1 / (1 + np.exp(-probabilities(model).astype(float)))))
    return "right"


@combination("logits, a loss of one's own, and from_logits=True")
def _(folder: Path) -> str:
    model = network(None, lambda y, p: tf.nn.sigmoid_cross_entropy_with_logits(y, p))
    found = fit(model, [scores(from_logits=True)])
    compare(found, by_hand(TARGETS, 1 / (1 + np.exp(-probabilities(model).astype(float)))))
    return "right"


@combination("logits without a word")
def _(folder: Path) -> str:
    model = network(None, lambda y, p: tf.nn.sigmoid_cross_entropy_with_logits(y, p))
    return refused("ends in a linear layer", lambda: fit(model, [scores()]))


@combination("logits of one choice among labels (categorical)")
def _(folder: Path) -> str:
    model = network(None, keras.losses.CategoricalCrossentropy(from_logits=True))
    chosen = np.eye(3, dtype=np.float32)[SIGNALS.mean(axis=1).argmax(axis=1)]
    found = fit(model, [scores(SIGNALS, chosen)], x=dataset(SIGNALS, chosen))
    raised = np.exp(probabilities(model).astype(float))
    compare(found, by_hand(chosen, raised / raised.sum(axis=1, keepdims=True)))
    return "right"


@combination("a sigmoid head, and a loss with from_logits=True")
def _(folder: Path) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras says that they are no logits, and uses none
        return right(network(loss=keras.losses.BinaryCrossentropy(from_logits=True)))


@combination("a sigmoid as a layer of its own")
def _(folder: Path) -> str:
    inner = network(None)
    model = keras.Model(inner.input, keras.layers.Activation("sigmoid")(inner.output))
    return right(compiled(model))


@combination("a sigmoid head, and from_logits=True")
def _(folder: Path) -> str:
    return refused("are probabilities", lambda: fit(network(), [scores(from_logits=True)]))
