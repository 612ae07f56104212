"""`fit_ridge`: a phase that fits the head alone, in closed form, on a frozen network."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from ecg_keras import data
from ecg_keras.errors import DataError
from ecg_keras.keras_library import keras
from ecg_keras.metrics import fit_ridge_head

BATCH = 128
# of all embeddings as float64; fitting holds three such arrays
LARGEST_BYTES = 4e9


def fit_ridge(
    model: keras.Model,
    shards: Path,
    chosen: Collection[str] | None,
    *,
    epoch: int,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Gives a network the head that ridge regression fits to its embeddings of the training ECGs.

    The ECGs are whole and unchanged, each is seen once, and the result depends on nothing but
    them. To the callbacks it is one epoch, with the log loss on the training ECGs as its loss.

    Args:
        model: such as what `ecg_keras.models.classifier` returns, compiled; its head is changed.
        shards: folder of the dataset.
        chosen: ids of the training records; ``None`` for all.
        epoch: number of the epoch, from 0.
        callbacks: as of ``fit``.

    Raises:
        DataError: an embedding is not finite, all embeddings together are too large to keep, or
            there are fewer than two patients.
    """
    called = keras.callbacks.CallbackList(list(callbacks), model=model, epochs=epoch + 1, steps=1)
    called.on_train_begin()
    called.on_epoch_begin(epoch)
    embeddings, targets, patients = _embed(model, shards, chosen)
    head = fit_ridge_head(embeddings, targets, patients)
    model.get_layer("head").set_weights([head.kernel, head.bias])
    logits = embeddings @ head.kernel + head.bias
    loss = np.logaddexp(0, logits) - targets * logits
    called.on_epoch_end(epoch, {"loss": float(loss.mean())})
    called.on_train_end()


def _embed(
    model: keras.Model, shards: Path, chosen: Collection[str] | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Float32 ``(records, size)`` that goes into the head; targets; and ids of patients."""
    head = model.get_layer("head")
    network = keras.Model(model.input, head.input)
    signals = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)

    def forward(signal: tf.Tensor) -> tf.Tensor:
        return tf.cast(network(signal, training=False), tf.float32)

    graph = tf.function(forward).get_concrete_function(signals)
    size = head.input.shape[-1]
    embeddings, targets, patients = [], [], []
    records = 0
    for signal, target, names, owners in data.load_chosen(shards, "train", BATCH, chosen):
        embedding = graph(signal).numpy()
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
