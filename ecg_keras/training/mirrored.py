"""Batches and a model for several devices, with the numbers of one."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
import tensorflow as tf

from ecg_keras import data
from ecg_keras.errors import ConfigError
from ecg_keras.keras_library import KerasModel, keras


def padded(batches: tf.data.Dataset[Any], devices: int) -> tf.data.Dataset[Any]:
    """Batches that can be divided evenly among devices, and which of their records are their own.

    ``tf.distribute`` gives a device no record where a batch has fewer than there are devices, which
    a network can't compute on, and else fewer to the last one.

    Args:
        batches: of anything whose first axis is that of the records.
        devices: among how many a batch is divided, at least 1.

    Returns:
        ``(batch, own)``: each batch with as many of its first records again at its end as it takes
        to divide it, and float32 ``(records,)``, 0 for those and 1 for its own.

    Example:
        >>> batches = tf.data.Dataset.range(5).batch(5)
        >>> [(batch.numpy().tolist(), own.numpy().sum()) for batch, own in padded(batches, 2)]
        [([0, 1, 2, 3, 4, 0], 5)]
    """

    @data.as_written
    def pad(*parts: Any) -> tuple[Any, tf.Tensor]:
        batch = parts if len(parts) > 1 else parts[0]
        records = tf.shape(tf.nest.flatten(batch)[0])[0]
        rows = tf.range(-(-records // devices) * devices)
        if devices > 1:
            batch = tf.nest.map_structure(lambda one: tf.gather(one, rows % records), batch)
        return batch, tf.cast(rows < records, tf.float32)

    return batches.map(pad, num_parallel_calls=tf.data.AUTOTUNE)


class Mirrored(KerasModel):
    """A functional model whose every record counts alike, however many a device has.

    ``fit`` of Keras takes the mean over the records of each device, and the mean of these over the
    devices: a record counts more on a device that has fewer of them. Here the loss of a step is the
    sum over all devices, divided by the records of the whole batch, and the optimizer is given its
    gradient: Keras' optimizers clip, and look for overflows in, what each device has alone. Takes
    `padded` batches of (signal, target) or (signal, target, weight), as (signal, target, own) or
    (signal, target, weight, own). As in Keras, BatchNormalization normalises over the records of
    one device; its moving means and variances are the means of those of all devices after ``fit``,
    and after each epoch with `ValidationScores`.

    Raises:
        ConfigError: when it is compiled: the optimizer, or one of a ``MultiOptimizer``, accumulates
            gradients or overwrites weights with their averages during training, or the loss is no
            mean over records. Of optimizers that are made when they are first used, ``fit`` raises.

    Example:
        >>> model = Mirrored(classifier.inputs, classifier.outputs)
        >>> model.compile("adam", "binary_crossentropy")
        >>> model.fit(padded(train, 2).map(lambda batch, own: (*batch, own)))
    """

    def compile(self, *args: Any, **settings: Any) -> None:
        super().compile(*args, **settings)
        _take_sums(self.optimizer)
        for loss in tf.nest.flatten(self.loss):
            if getattr(loss, "reduction", "mean") not in ("mean", "sum_over_batch_size"):
                _refuse(f"a loss with reduction={loss.reduction}")

    def fit(self, *args: Any, **settings: Any) -> Any:
        history = super().fit(*args, **settings)
        average_statistics(self)
        return history

    def _symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        # of three parts, which are all that Keras knows
        super()._symbolic_build(iterator, (*data_batch[:2], data_batch[-1]))
        # a function of a MultiOptimizer makes its optimizers only when that is built
        _take_sums(self.optimizer)

    def train_step(self, data: Any) -> dict[str, Any]:
        signal, target, *weight, own = data
        replica = tf.distribute.get_replica_context()
        records = tf.cast(tf.size(own), tf.float32)
        whole = replica.all_reduce(tf.distribute.ReduceOp.SUM, tf.reduce_sum(own))
        devices = tf.cast(replica.num_replicas_in_sync, tf.float32)
        # Keras divides the loss by the records of the device and by the devices
        share = own * (records * devices / whole)
        if weight:  # (batch,) or (batch, 1)
            share = tf.transpose(tf.transpose(tf.cast(weight[0], tf.float32)) * share)
        with tf.GradientTape() as tape:
            predicted = self(signal, training=True)
            loss = self.compute_loss(signal, target, predicted, share, training=True)
            scaled = self.optimizer.scale_loss(loss)
        gradients = _sum_over(replica, tape.gradient(scaled, self.trainable_weights))
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        # the epoch's mean over records: the losses of the devices add up to that of the batch
        self._loss_tracker.update_state(loss * devices, sample_weight=whole / devices)
        results: dict[str, Any] = self.get_metrics_result()
        return results


def single_optimizers(optimizer: Any) -> list[Any]:
    """The optimizers inside of one that scales losses or that joins several."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return list(getattr(inner, "optimizers", [inner]))


def _take_sums(optimizer: Any) -> None:
    """Each optimizer is given sums over all devices (see ``train_step``), and adds up none."""
    for one in single_optimizers(optimizer):
        if one.gradient_accumulation_steps:
            _refuse("gradient_accumulation_steps")
        if one.use_ema and one.ema_overwrite_frequency:
            _refuse("ema_overwrite_frequency")
        one._all_reduce_sum_gradients = lambda gradients_and_weights: gradients_and_weights


def _refuse(what: str) -> NoReturn:
    raise ConfigError(
        f"{what} works on one device alone. Leave it out, or train on one: `training.devices: one`."
    )


def _sum_over(replica: tf.distribute.ReplicaContext, gradients: list[Any]) -> list[Any]:
    """The sums over all devices; ``None`` of weights that the loss does not depend on."""
    known = [one for one in gradients if one is not None]
    sums = iter(replica.all_reduce(tf.distribute.ReduceOp.SUM, known))
    return [None if one is None else next(sums) for one in gradients]


def average_statistics(model: keras.Model) -> None:
    """Gives all devices the mean of what each keeps of its own records, as BatchNormalization does.

    Without, each would score with its own, and the first device's would be saved.
    """
    for variable in model.non_trainable_weights:
        copies = [one.numpy() for one in getattr(variable.value, "values", ())]
        # a mean of equal ones, as of frozen layers, might differ from them in the last bit
        if any((one != copies[0]).any() for one in copies[1:]):
            variable.assign(np.mean(copies, axis=0))
