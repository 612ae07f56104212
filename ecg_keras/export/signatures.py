"""The table of signatures: what a client may ask a SavedModel for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from ecg_keras.export.card import Card
from ecg_keras.keras_library import keras

NOT_FINITE = "signal holds NaN or infinite samples: repair or leave out that ECG"


@dataclass(frozen=True)
class Signature:
    """One row: its name, the outputs of a network for checked input, and the input's shape."""

    name: str
    answer: Callable[[keras.Model, Card, Any], dict[str, Any]]
    takes: Callable[[Card], tf.TensorSpec]


def _take_signal(card: Card) -> tf.TensorSpec:
    return tf.TensorSpec((None, card.num_samples, len(card.leads)), tf.float32, name=card.input)


SIGNATURES = (
    Signature(
        "serving_default",
        lambda model, card, signal: {card.output: model(signal, training=False)},
        _take_signal,
    ),
)


def write_graph(model: keras.Model, folder: str, card: Card) -> None:
    """Writes a network with all signatures, each behind the checks of its input."""
    archive = keras.export.ExportArchive()
    archive.track(model)
    for row in SIGNATURES:
        archive.add_endpoint(row.name, _serve(row, model, card), input_signature=[row.takes(card)])
    try:
        archive.write_out(folder, verbose=False)
    except tf.errors.OpError as error:
        raise OSError(error.message) from error


def _serve(row: Signature, model: keras.Model, card: Card) -> Callable[[tf.Tensor], dict[str, Any]]:
    shape = row.takes(card).shape

    def serve(signal: tf.Tensor) -> dict[str, Any]:
        # a server doesn't compare a request with the signature's shape, and a pooled network would
        # answer an ECG of another sampling rate
        signal = tf.ensure_shape(signal, shape)
        finite = tf.debugging.Assert(tf.reduce_all(tf.math.is_finite(signal)), [NOT_FINITE])
        with tf.control_dependencies([finite]):
            return row.answer(model, card, tf.identity(signal))

    return serve
