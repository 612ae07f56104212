"""One phase of a training: the network as it is compiled for it, and its fit."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from ecg_keras import models
from ecg_keras.config import Phase, Training
from ecg_keras.keras_library import keras
from ecg_keras.training.choices import LOSSES
from ecg_keras.training.mirrored import Mirrored, padded
from ecg_keras.training.optimizers import make_optimizer


def compile_phase(
    model: keras.Model,
    training: Training,
    phase: Phase,
    *,
    steps_per_epoch: int,
    num_samples: int | None = None,
) -> keras.Model:
    """The network that a phase fits: its stages set free, its optimizer and loss compiled.

    Args:
        model: such as what `ecg_keras.models.classifier` returns.
        training: the recipe's section: optimizer, loss and schedule.
        phase: of it: learning rate and the first stage that trains.
        steps_per_epoch: optimizer steps of an epoch, by which a schedule runs.
        num_samples: length of the signals that are trained on; none: those of the model.

    Returns:
        A model that shares the weights of ``model``, with an optimizer that is built; for several
        devices one whose every record counts alike. Give it to `fit`.

    Raises:
        ConfigError: the model has no such stage, or can't take signals of that length.

    Example:
        >>> model = models.classifier(models.find_backbone("lstm")(num_samples=100), ["MI"])
        >>> fitted = compile_phase(model, Training(), Phase(epochs=1), steps_per_epoch=1)
        >>> fitted.optimizer.name
        'adam'
    """
    fitted = model if num_samples is None else models.with_length(model, num_samples)
    if model.distribute_strategy.num_replicas_in_sync > 1:
        fitted = Mirrored(fitted.inputs, fitted.outputs, name=fitted.name)
    models.set_trainable(fitted, from_stage=phase.train_from)
    optimizer = make_optimizer(
        training, phase, models.stages(model), steps_per_epoch * phase.epochs
    )
    fitted.compile(optimizer=optimizer, loss=LOSSES.make(training.loss, {}))
    # before the first step, which Keras would trace twice otherwise
    fitted.optimizer.build(fitted.trainable_variables)
    return fitted


def fit(
    fitted: keras.Model,
    batches: tf.data.Dataset,
    *,
    epochs: range,
    steps_per_epoch: int | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Trains a compiled network for some epochs, on all devices that it was built for.

    Args:
        fitted: as `compile_phase` returns it.
        batches: of (signal, target), in the order to train on.
        epochs: numbers of the epochs, from 0.
        steps_per_epoch: batches of an epoch; none: one pass over ``batches``.
        callbacks: in the order in which Keras calls them.

    Example:
        >>> fit(fitted, data.load("shards/ptbxl", "train"), epochs=range(3))
    """
    devices = fitted.distribute_strategy.num_replicas_in_sync
    if devices > 1:
        batches = padded(batches, devices).map(lambda batch, own: (*batch, own))
    fitted.fit(
        batches,
        initial_epoch=epochs.start,
        epochs=epochs.stop,
        steps_per_epoch=steps_per_epoch,
        verbose=0,
        shuffle=False,
        callbacks=list(callbacks),
    )
