"""Networks of every kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import ecg_keras as ecg
from combinations.by_hand import by_hand
from combinations.trying import (
    LABELS,
    RNG,
    SIGNALS,
    TARGETS,
    WEIGHTS,
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
    two_heads,
)


@combination("a subclassed model")
def _(folder: Path) -> str:
    class Mine(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.pool = keras.layers.GlobalAveragePooling1D()
            self.drop = keras.layers.Dropout(0.5, seed=1)
            self.head = keras.layers.Dense(3, "sigmoid")

        def call(self, signal: Any, training: bool = False) -> Any:
            return self.head(self.drop(self.pool(signal), training=training))

    keras.utils.set_random_seed(1)
    return right(compiled(Mine()))


@combination("a subclassed model whose call takes no `training`")
def _(folder: Path) -> str:
    class Mine(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.head = keras.layers.Dense(3, "sigmoid")

        def call(self, signal: Any) -> Any:
            return self.head(tf.reduce_mean(signal, axis=1))

    keras.utils.set_random_seed(1)
    return right(compiled(Mine()))


@combination("a subclassed model that gives logits, without a word")
def _(folder: Path) -> str:
    class Mine(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.head = keras.layers.Dense(3, kernel_initializer=keras.initializers.Constant(9))

        def call(self, signal: Any) -> Any:
            return self.head(tf.reduce_mean(signal, axis=1))

    model = compiled(Mine(), loss=lambda y, p: tf.nn.sigmoid_cross_entropy_with_logits(y, p))
    return refused("must give probabilities", lambda: fit(model, [scores()]))


@combination("a Sequential model that is not built")
def _(folder: Path) -> str:
    keras.utils.set_random_seed(1)
    layers = [keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(3, "sigmoid")]
    return right(compiled(keras.Sequential(layers)))


@combination("a model with a dictionary of outputs, one named")
def _(folder: Path) -> str:
    model = two_heads(
        lambda diagnosis, age: {"age": age, "diagnosis": diagnosis},
        {"age": "mse", "diagnosis": "binary_crossentropy"},
    )
    ages = RNG.normal(size=(65, 1)).astype(np.float32)
    data = dataset(SIGNALS, {"age": ages, "diagnosis": TARGETS}, shuffled=True)
    callback = ecg.callbacks.ValidationScores(data, LABELS, output="diagnosis")
    found = fit(model, [callback], x=data)
    compare(found, by_hand(TARGETS, model.predict(SIGNALS, verbose=0)["diagnosis"]))
    return "right"


@combination("a model with a list of outputs, one named, with weights for each")
def _(folder: Path) -> str:
    model = two_heads(lambda diagnosis, age: [age, diagnosis], ["mse", "binary_crossentropy"])
    ages = RNG.normal(size=(65, 1)).astype(np.float32)
    data = dataset(SIGNALS, (ages, TARGETS), (np.ones(65, np.float32), WEIGHTS), shuffled=True)
    callback = ecg.callbacks.ValidationScores(data, LABELS, output="diagnosis")
    found = fit(model, [callback], x=data)
    compare(found, by_hand(TARGETS, model.predict(SIGNALS, verbose=0)[1], WEIGHTS))
    return "right"


@combination("a model with several outputs, none named")
def _(folder: Path) -> str:
    model = two_heads(lambda diagnosis, age: [age, diagnosis], ["mse", "binary_crossentropy"])
    data = dataset(SIGNALS, (TARGETS[:, :1], TARGETS))
    callback = ecg.callbacks.ValidationScores(data, LABELS)
    return refused("output=NAME", lambda: fit(model, [callback], x=data))


@combination("a model with a dictionary of inputs")
def _(folder: Path) -> str:
    keras.utils.set_random_seed(1)
    inputs = {"signal": keras.Input((20, 3), name="signal"), "age": keras.Input((1,), name="age")}
    x = keras.layers.GlobalAveragePooling1D()(inputs["signal"])
    x = keras.layers.Concatenate()([x, inputs["age"]])
    model = compiled(keras.Model(inputs, keras.layers.Dense(3, "sigmoid")(x)))
    given = {"signal": SIGNALS, "age": RNG.normal(size=(65, 1)).astype(np.float32)}
    data = dataset(given, TARGETS, shuffled=True)
    found = fit(model, [ecg.callbacks.ValidationScores(data, LABELS)], x=data)
    compare(found, by_hand(TARGETS, model.predict(given, verbose=0)))
    found = fit(model, [ecg.callbacks.ValidationScores((given, TARGETS), LABELS)], x=data)
    compare(found, by_hand(TARGETS, model.predict(given, verbose=0)))
    return "right"


@combination("another model is scored (crops are trained on)")
def _(folder: Path) -> str:
    model = network()
    whole = keras.Model(model.inputs, model.outputs)
    found = fit(model, [scores(model=whole)], x=dataset(SIGNALS[:, :10], TARGETS))
    compare(found, by_hand(TARGETS, probabilities(whole)))
    return "right"
