"""One phase of a training: the network as it is compiled for it, and its fit."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from ecg_keras import data, models
from ecg_keras.array_types import AnyArray
from ecg_keras.config import Phase, Training
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.keras_library import keras
from ecg_keras.metrics import fit_ridge_head
from ecg_keras.training.choices import LOSSES, OPTIMIZERS, check_optimizer
from ecg_keras.training.device import exact_float32
from ecg_keras.training.mirrored import Mirrored, padded

WARM_UP = 0.3  # share of a one-cycle phase in which the learning rate rises
START = 1 / 25  # of the peak, at which one_cycle starts
# biases and BatchNorm's scale and shift are not shrunk: they do not make a network more complex
UNDECAYED = ["bias", "gamma", "beta"]
BATCH = 128
# of all embeddings as float64; fitting holds three such arrays
LARGEST_BYTES = 4e9


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
        ConfigError: the model has no such stage, or can't take signals of that length; what the
            optimizer or the loss does works on one device alone (see `Mirrored`).

    Example:
        >>> model = models.classifier(models.find_backbone("lstm")(num_samples=100), ["MI"])
        >>> fitted = compile_phase(model, Training(), Phase(epochs=1), steps_per_epoch=1)
        >>> type(fitted.optimizer).__name__
        'Adam'
    """
    fitted = model if num_samples is None else models.with_length(model, num_samples)
    if model.distribute_strategy.num_replicas_in_sync > 1:
        fitted = Mirrored(fitted.inputs, fitted.outputs, name=fitted.name)
    fitted.dtype_policy = model.dtype_policy  # by which Keras scales the loss of float16
    models.set_trainable(fitted, from_stage=phase.train_from)
    optimizer = make_optimizer(training, phase, model, steps_per_epoch * phase.epochs)
    fitted.compile(optimizer=optimizer, loss=LOSSES.make(training.loss, {}))
    # before the first step, which Keras would trace twice otherwise
    fitted.optimizer.build(fitted.trainable_variables)
    return fitted


def fit(
    fitted: keras.Model,
    batches: tf.data.Dataset[Any],
    *,
    epochs: range,
    steps_per_epoch: int | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Trains a compiled network for some epochs, on all devices that it was built for.

    One of float32 computes in float32 meanwhile, see `exact_float32`.

    Args:
        fitted: as `compile_phase` returns it.
        batches: of (signal, target) or (signal, target, weight), in the order to train on.
        epochs: numbers of the epochs, from 0.
        steps_per_epoch: batches of an epoch; none: all of ``batches``.
        callbacks: in the order in which Keras calls them.

    Example:
        >>> fit(fitted, data.load("shards/ptbxl", "train"), epochs=range(3))
    """
    devices = fitted.distribute_strategy.num_replicas_in_sync
    if devices > 1:
        batches = padded(batches, devices).map(data.as_written(lambda batch, own: (*batch, own)))
    with exact_float32(fitted.dtype_policy.name):
        fitted.fit(
            batches,
            initial_epoch=epochs.start,
            epochs=epochs.stop,
            steps_per_epoch=steps_per_epoch,
            verbose=0,
            shuffle=False,
            callbacks=list(callbacks),
        )


# discriminative fine-tuning: Howard and Ruder 2018, "Universal Language Model Fine-tuning for Text
# Classification", section 3.2
def stage_scales(stages: Sequence[str], decay: float) -> dict[str, float]:
    """Learning-rate factors: 1 for the last stage, ``decay`` times less for each one before it."""
    return {stage: decay ** (len(stages) - 1 - place) for place, stage in enumerate(stages)}


def make_schedule(schedule: str, learning_rate: float, steps: int) -> Any:
    """A learning rate or schedule for ``steps`` optimizer steps, as Keras optimizers take it."""
    if schedule == "constant":
        return learning_rate
    if schedule == "cosine":
        return keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    warm = max(1, round(WARM_UP * steps))
    return keras.optimizers.schedules.CosineDecay(
        learning_rate * START,
        max(1, steps - warm),
        warmup_target=learning_rate,
        warmup_steps=warm,
    )


def make_optimizer(
    training: Training, phase: Phase, model: keras.Model | None, steps: int
) -> keras.optimizers.Optimizer:
    """The optimizer of one phase; a model is needed where ``stage_decay`` is not 1."""
    check_optimizer(training)
    optimizer: keras.optimizers.Optimizer = OPTIMIZERS.make(
        training.optimizer,
        {
            "learning_rate": make_schedule(training.schedule, phase.learning_rate, steps),
            "epsilon": training.epsilon,
            "weight_decay": training.weight_decay,
        },
    )
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise ConfigError(
            f"training.optimizer must make a Keras optimizer. Received: {optimizer!r:.80}."
        )
    if optimizer.weight_decay is not None:
        optimizer.exclude_from_weight_decay(var_names=UNDECAYED)
    if phase.stage_decay != 1 and model is not None:
        of_stage = stage_scales(models.stages(model), phase.stage_decay)
        variables = models.variables_by_stage(model)
        scales = {
            variable.path: of_stage.get(stage, 1.0)  # of layers beside the signal's way
            for stage, group in variables.items()
            for variable in group
        }
        _step_by_stage(optimizer, scales)
    return optimizer


def _step_by_stage(optimizer: keras.optimizers.Optimizer, scales: Mapping[str, float]) -> None:
    """Scales an optimizer's steps and its weight decay, as a learning rate for each stage does.

    Not its gradients: Adam would undo their scaling.
    """
    step = optimizer.update_step

    def update_step(gradient: Any, variable: Any, learning_rate: Any) -> None:
        # a tf.Variable, whose name is the Keras variable's path: stage1_block1_conv1/kernel:0, and
        # on a second device stage1_block1_conv1/kernel/replica_1:0
        path = variable.name.partition(":")[0].partition("/replica_")[0]
        rate = learning_rate * scales[path]
        if optimizer.weight_decay is not None and optimizer._use_weight_decay(variable):
            shrinking = keras.ops.cast(rate * optimizer.weight_decay, variable.dtype)
            variable.assign_sub(variable * shrinking)
        step(gradient, variable, rate)

    optimizer.update_step = update_step
    optimizer._apply_weight_decay = lambda variables: None  # which takes one rate for all


def fit_ridge(
    model: keras.Model,
    shards: Path,
    chosen: Collection[str] | None,
    *,
    epoch: int,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Gives a network the head that ridge regression fits to its embeddings of training ECGs."""
    called = keras.callbacks.CallbackList(list(callbacks), model=model, epochs=epoch + 1, steps=1)
    called.on_train_begin()
    called.on_epoch_begin(epoch)
    with exact_float32(model.dtype_policy.name):
        embeddings, targets, patients = _embed(model, shards, chosen)
    head = fit_ridge_head(embeddings, targets, patients)
    model.get_layer("head").set_weights([head.kernel, head.bias])
    logits = embeddings @ head.kernel + head.bias
    loss = np.logaddexp(0, logits) - targets * logits
    called.on_epoch_end(epoch, {"loss": float(loss.mean())})
    called.on_train_end()


def _embed(
    model: keras.Model, shards: Path, chosen: Collection[str] | None
) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Float32 ``(records, size)`` that goes into the head; targets; and ids of patients."""
    graph, size = models.cut_head(model), model.get_layer("head").input.shape[-1]
    embeddings, targets, patients = [], [], []
    records = 0
    for signal, target, names, owners in data.load_chosen(shards, "train", BATCH, chosen):
        embedding = graph(signal)[0].numpy()
        records += len(names)
        if 8 * records * size > LARGEST_BYTES:
            raise DataError(
                f"{shards}: a ridge head needs the embeddings of all training ECGs in memory, "
                f"{size:,} numbers each, and those of {records:,} take more than "
                f"{LARGEST_BYTES / 1e9:g} GB. Set model.head: pooled, or data.train_records."
            )
        finite = np.isfinite(embedding).all(axis=1)
        if not finite.all():
            raise DataError(
                f"{shards}: the network's embedding of record {names[~finite][0]} is not finite. "
                "Start from another network, or use `precision: float32`."
            )
        embeddings.append(embedding)
        targets.append(target)
        patients.append(owners)
    return np.concatenate(embeddings), np.concatenate(targets), np.concatenate(patients)
