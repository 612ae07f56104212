"""Integrated gradients, over time and leads, along the straight line from a flat ECG.

A network that scales every ECG by itself, such as to [-1, 1], sees the same at any amplitude: on
the line from a flat ECG in millivolts its answer jumps at the very beginning, and its gradient says
nothing. There, the line is drawn behind the scaling, from what the flat ECG is at this ECG's scale.
The scaling is a straight line for each lead once its offset and slope are known, and what is before
it (leads, unit, filters) is linear, so attributions are of the samples in millivolts all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import roots_legendre

from ecg_keras.array_types import Float32Array, Float64Array
from ecg_keras.attribution.parts import NetworkParts

Gradient = Callable[[Float32Array, npt.NDArray[np.int32]], tuple[Float32Array, Float32Array]]
Where = tuple[Float64Array, Float64Array]
# points of the line and their weights: the gradient at the ECG alone, or its mean over the line
GRADIENT = (np.ones(1), np.ones(1))


def line(steps: int) -> Where:
    """Points between 0 and 1 and their weights by Gauss and Legendre: the mean over the line."""
    points, weights = roots_legendre(steps)
    return (points + 1) / 2, weights / 2


def along_line(
    parts: NetworkParts, num_samples: int, num_leads: int, batch_size: int
) -> Callable[..., tuple[Float32Array, Float32Array, Float32Array]]:
    """A function of ECGs, flat ones, columns of the output, and points with their weights.

    It returns attributions ``(records, num_samples, num_leads)``, and the outputs of both ends.
    """
    if parts.scaler is None:
        gradient = _gradient(parts.whole, num_samples, num_leads)

        def in_millivolts(
            signals: Float32Array, flat: Float32Array, columns: Any, where: Where
        ) -> Any:
            mean, ends = _mean_gradient(gradient, signals, flat, columns, where, batch_size)
            return (signals - flat) * mean, *ends

        return in_millivolts

    front, backward = _front(parts, num_samples, num_leads)
    scaler = parts.scaler
    gradient = _gradient(parts.back, num_samples, parts.back.inputs[0].shape[-1])

    def behind_scaling(
        signals: Float32Array, flat: Float32Array, columns: Any, where: Where
    ) -> Any:
        before, before_flat = front(signals), front(flat)
        scaled = np.asarray(scaler(before), np.float32)
        slope, offset = _straight(before, scaled)
        scaled_flat = slope * before_flat + offset
        mean, ends = _mean_gradient(gradient, scaled, scaled_flat, columns, where, batch_size)
        return (signals - flat) * backward(signals, slope * mean), *ends

    return behind_scaling


def _gradient(network: Any, num_samples: int, num_leads: int) -> Gradient:
    """The output of a column for each signal, and its gradient."""
    import tensorflow as tf

    def run(signals: Any, columns: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            tape.watch(signals)
            outputs = tf.cast(network(signals, training=False), tf.float32)
            chosen = tf.gather(outputs, columns, batch_dims=1)
        # of what no gradient passes, such as rounding, it is 0: then the residual shows it
        none = tf.UnconnectedGradients.ZERO
        return chosen, tape.gradient(chosen, signals, unconnected_gradients=none)

    graph = tf.function(run).get_concrete_function(
        tf.TensorSpec((None, num_samples, num_leads), tf.float32), tf.TensorSpec((None,), tf.int32)
    )

    def call(signals: Float32Array, columns: Any) -> tuple[Float32Array, Float32Array]:
        outputs, gradients = graph(tf.constant(signals), tf.constant(columns))
        return outputs.numpy(), gradients.numpy()

    return call


def _front(parts: NetworkParts, num_samples: int, num_leads: int) -> tuple[Any, Any]:
    """What is before the scaling, and what its gradients mean for the signal."""
    import tensorflow as tf

    network = parts.front
    if network is None:
        return lambda signals: signals, lambda signals, gradients: gradients

    def back(signals: Float32Array, gradients: Float32Array) -> Float32Array:
        given = tf.constant(signals)
        with tf.GradientTape() as tape:
            tape.watch(given)
            found = network(given, training=False)
        changes = tape.gradient(found, given, output_gradients=tf.constant(gradients))
        return np.asarray(changes, np.float32)

    return lambda signals: np.asarray(network(signals, training=False), np.float32), back


def _straight(before: Float32Array, scaled: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Slope and offset of each lead of each ECG; a lead without change has neither."""
    exact = [one.astype(np.float64) for one in (before, scaled)]
    spread, scaled_spread = (one.std(axis=1, keepdims=True) for one in exact)
    slope = np.divide(scaled_spread, spread, out=np.zeros_like(spread), where=spread > 0)
    offset = exact[1].mean(axis=1, keepdims=True) - slope * exact[0].mean(axis=1, keepdims=True)
    return slope.astype(np.float32), offset.astype(np.float32)


def _mean_gradient(
    gradient: Gradient,
    signals: Float32Array,
    flat: Float32Array,
    columns: npt.NDArray[np.int32],
    points_and_weights: Where,
    batch_size: int,
) -> tuple[Float32Array, tuple[Float32Array, Float32Array]]:
    """The weighted mean over the line's points, and the outputs at the ECG and at the flat one."""
    # the two ends have no weight: they are asked for what the network says there
    points, weights = points_and_weights
    where = np.concatenate([[1.0, 0.0], points])
    weight = np.concatenate([[0.0, 0.0], weights])
    total = np.zeros(signals.shape, np.float64)
    outputs = np.empty((len(where), len(signals)), np.float32)
    rows, steps = (grid.ravel() for grid in np.indices((len(signals), len(where))))
    for start in range(0, len(rows), batch_size):
        row, step = rows[start : start + batch_size], steps[start : start + batch_size]
        share = where[step].astype(np.float32)[:, None, None]
        found, gradients = gradient(flat[row] + share * (signals - flat)[row], columns[row])
        outputs[step, row] = found
        np.add.at(total, row, weight[step][:, None, None] * gradients)
    return total.astype(np.float32), (outputs[0], outputs[1])
