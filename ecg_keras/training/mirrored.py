"""Batches and a model for several devices, with the numbers of one."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from ecg_keras import data
from ecg_keras.keras_library import KerasModel


def padded(batches: tf.data.Dataset, devices: int) -> tf.data.Dataset:
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
    sum over all devices, divided by the records of the whole batch. Takes `padded` batches of
    (signal, target), as (signal, target, own). As in Keras, BatchNormalization normalises over the
    records of one device.

    Example:
        >>> model = Mirrored(classifier.inputs, classifier.outputs)
        >>> model.compile("adam", "binary_crossentropy")
        >>> model.fit(padded(train, 2).map(lambda batch, own: (*batch, own)))
    """

    def train_step(self, data: Any) -> dict[str, Any]:
        signal, target, own = data
        replica = tf.distribute.get_replica_context()
        here, records = tf.reduce_sum(own), tf.cast(tf.size(own), tf.float32)
        whole = replica.all_reduce(tf.distribute.ReduceOp.SUM, here)
        devices = tf.cast(replica.num_replicas_in_sync, tf.float32)
        with tf.GradientTape() as tape:
            predicted = self(signal, training=True)
            # Keras divides what it computes here by the records of the device and by the devices
            loss = self.compute_loss(
                signal, target, predicted, own * (records * devices / whole), training=True
            )
            scaled = self.optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        # the mean over devices, each as often as its records: that over the records
        mean = tf.math.divide_no_nan(loss * whole, here)
        self._loss_tracker.update_state(mean, sample_weight=here)
        return self.get_metrics_result()
