"""A network that trains in a quarter of a second: small, and traced once for many runs."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from ecg_keras import models
from ecg_keras.config import Phase, Training
from ecg_keras.evaluation import Predictions
from ecg_keras.simulate import SUPERCLASSES
from ecg_keras.training.fitting import make_optimizer

SAMPLES, LEADS = 300, 8  # three seconds at 100 Hz, of the eight independent leads
# the optimizer is that of the recipes; the rate is the one that suits training from scratch
BATCH, RATE = 16, 3e-2
TRAINING = Training(optimizer="adamw", weight_decay=0.05, schedule="one_cycle")

Weights = list[np.ndarray]


@dataclass(frozen=True, eq=False)
class Ecgs:
    """Signals ``(N, SAMPLES, LEADS)`` in mV, and superclasses ``(N, 5)``."""

    signals: np.ndarray
    targets: np.ndarray


def small(seed: int) -> keras.Model:
    """Three convolutions with BatchNorm, and a head: 6,000 weights."""
    keras.utils.set_random_seed(seed)
    signal = x = keras.Input((SAMPLES, LEADS), name="signal")
    for stage, (filters, kernel, stride) in enumerate(((16, 7, 3), (24, 5, 3), (32, 3, 2)), 1):
        convolution = keras.layers.Conv1D(
            filters, kernel, strides=stride, use_bias=False, name=f"stage{stage}_conv"
        )
        x = keras.layers.BatchNormalization(momentum=0.9, name=f"stage{stage}_norm")(convolution(x))
        x = keras.layers.ReLU(name=f"stage{stage}_relu")(x)
    pooled = keras.layers.GlobalAveragePooling1D(name="embedding_pool")(x)
    return models.classifier(keras.Model(signal, pooled), SUPERCLASSES, dropout=0.3, seed=seed)


class Trainer:
    """A network and its optimizer at one peak rate and decay, for any number of runs."""

    def __init__(self, rate: float, steps: int, decay: float = 1.0) -> None:
        self.model, self.steps = small(0), steps
        phase = Phase(epochs=1, learning_rate=rate, stage_decay=decay)
        self.optimizer = make_optimizer(TRAINING, phase, self.model, steps)
        self.optimizer.build(self.model.trainable_variables)
        self.run = tf.function(self._run)

    def fit(self, start: Weights, ecgs: Ecgs, seed: int) -> keras.Model:
        """The network after all steps, the last epoch: it is the same object in every call."""
        self.model.set_weights(start)
        for variable in self.optimizer.variables:
            variable.assign(np.zeros(variable.shape))
        rng, number = np.random.default_rng(seed), len(ecgs.signals)
        epochs = -(-self.steps * BATCH // number)
        order = np.concatenate([rng.permutation(number) for _ in range(epochs)])
        batches = order[: self.steps * BATCH].reshape(self.steps, BATCH)
        self.run(tf.constant(ecgs.signals), tf.constant(ecgs.targets, tf.float32), batches)
        return self.model

    def _run(self, signals: tf.Tensor, targets: tf.Tensor, batches: tf.Tensor) -> None:
        variables = self.model.trainable_variables
        for step in tf.range(self.steps):
            rows = tf.gather(batches, step)
            with tf.GradientTape() as tape:
                probabilities = self.model(tf.gather(signals, rows), training=True)
                losses = keras.losses.binary_crossentropy(tf.gather(targets, rows), probabilities)
                loss = tf.reduce_mean(losses)
            self.optimizer.apply(tape.gradient(loss, variables), variables)


def predict(model: keras.Model, ecgs: Ecgs) -> Predictions:
    """What a network says of ECGs, each of which is of another patient."""
    ids = np.arange(len(ecgs.targets)).astype(str)
    probabilities = np.asarray(model(ecgs.signals, training=False))
    return Predictions(list(SUPERCLASSES), ids, ids, ecgs.targets, probabilities)
