"""A SavedModel with several signatures, and a server of it."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ecg_keras.serving import Limits, running_server

SIGNAL = tf.TensorSpec((None, 4, 2), tf.float32, name="signal")
WHO = tf.TensorSpec((None,), tf.string, name="who")


class Network(tf.Module):
    """Answers that show which row of which request they are of."""

    @tf.function(input_signature=[SIGNAL], autograph=False)
    def plain(self, signal):
        signal = tf.ensure_shape(signal, SIGNAL.shape)
        finite = tf.debugging.Assert(tf.reduce_all(tf.math.is_finite(signal)), ["not finite"])
        with tf.control_dependencies([finite]):
            return {"probabilities": tf.reduce_mean(signal, axis=1)}

    @tf.function(input_signature=[SIGNAL, WHO], autograph=False)
    def named(self, signal, who):
        length = tf.reduce_max(tf.strings.length(who))
        short = tf.debugging.Assert(length < 10_000, ["too long", who], summarize=9)
        with tf.control_dependencies([short]):
            who = tf.identity(who)
        return {"mean": tf.reduce_mean(signal, axis=[1, 2]), "who": who, "raw_bytes": who}

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec((2,), tf.int32, name="pair"), tf.TensorSpec((), tf.bool, name="twice"),
        ]
    )  # fmt: skip
    def whole(self, pair, twice):
        return {"total": tf.reduce_sum(pair) * tf.where(twice, 2, 1)}


@pytest.fixture(scope="session")
def saved_models(tmp_path_factory) -> Path:
    """A folder with the versions 2 and 10 of a SavedModel without a card."""
    folder = tmp_path_factory.mktemp("served") / "saved_model"
    network = Network()
    signatures = {"serving_default": network.plain, "named": network.named, "whole": network.whole}
    for version in ("2", "10"):
        tf.saved_model.save(network, str(folder / version), signatures=signatures)
    return folder


@pytest.fixture(scope="session")
def server(saved_models):
    """A server whose requests have at most 100 kB."""
    limits = Limits(request_bytes=100_000)
    with running_server(saved_models, port=0, grpc_port=0, limits=limits) as running:
        yield running


@pytest.fixture(scope="session")
def signals() -> np.ndarray:
    return np.random.default_rng(3).normal(0, 1, (5, 4, 2)).astype(np.float32)
