"""Grad-CAM over time: where the last feature map that has a time axis speaks for a label.

It needs a feature map that everything the network says goes through, and whose steps follow one
another as the signal's samples do. Names of layers say neither, so the graph is asked: a layer
qualifies if no connection passes it by, and its time axis is the one whose length is open where the
signal's is. A map with more steps than one before it is left out: its ends are padding, a token of
no time was added, or rows and columns of a picture were laid behind one another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import Float32Array
from ecg_keras.attribution.parts import NetworkParts
from ecg_keras.errors import ConfigError
from ecg_keras.keras_library import KerasTensor, keras
from ecg_keras.models import calls_before, calls_in_order, stage_of

PREPROCESS = "preprocess"


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """The output of a layer: ``(batch, ..., channels)`` with ``steps`` along ``axis``."""

    layer: str
    tensor: KerasTensor
    axis: int
    steps: int


def feature_map(parts: NetworkParts, num_samples: int) -> FeatureMap:
    """The feature map, or a `ConfigError` where the network has none."""
    graph = hasattr(parts.whole, "operations")
    found = _find_feature_map(parts.whole, num_samples) if graph else None
    if found is None:
        raise ConfigError(
            "grad_cam needs a layer with weights and a time axis through which all goes, and this "
            "network has none. Use method integrated_gradients or gradient_input, which need none."
        )
    return found


def class_activation(
    parts: NetworkParts, found: FeatureMap, num_samples: int, num_leads: int
) -> Callable[..., tuple[Float32Array, Float32Array]]:
    """A function of ECGs and columns: maps ``(records, num_samples)`` of 0 or more, and outputs.

    The map is the mean of the channels, weighted by the mean of each channel's gradients, and no
    less than 0 (Selvaraju et al. 2017, equations 1 and 2); frequencies of a picture are averaged.
    """
    import tensorflow as tf

    both = keras.Model(parts.whole.inputs[0], [found.tensor, parts.whole.outputs[0]])
    others = [axis for axis in range(1, len(found.tensor.shape) - 1) if axis != found.axis]

    def run(signals: Any, columns: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            tape.watch(signals)
            features, outputs = both(signals, training=False)
            chosen = tf.gather(tf.cast(outputs, tf.float32), columns, batch_dims=1)
        gradients = tape.gradient(chosen, features)
        weights = tf.reduce_mean(gradients, axis=[found.axis, *others], keepdims=True)
        # nothing is left for what speaks against the label
        relevant = tf.nn.relu(tf.reduce_sum(weights * features, axis=-1))
        return tf.cast(tf.reduce_mean(relevant, axis=others), tf.float32), chosen

    graph = tf.function(run).get_concrete_function(
        tf.TensorSpec((None, num_samples, num_leads), tf.float32), tf.TensorSpec((None,), tf.int32)
    )

    def call(
        signals: Float32Array, columns: npt.NDArray[np.int32]
    ) -> tuple[Float32Array, Float32Array]:
        maps, outputs = (one.numpy() for one in graph(tf.constant(signals), tf.constant(columns)))
        return _stretched(maps, num_samples), outputs

    return call


def _stretched(maps: Float32Array, num_samples: int) -> Float32Array:
    """Each map at the signal's samples, straight between the middles of its steps."""
    steps = maps.shape[1]
    middles = (np.arange(steps) + 0.5) * num_samples / steps - 0.5
    samples = np.arange(num_samples)
    return np.stack([np.interp(samples, middles, one) for one in maps]).astype(np.float32)


def _find_feature_map(model: keras.Model, num_samples: int) -> FeatureMap | None:
    """The last layer with weights before it through which all goes and which has a time axis.

    ``None`` where there is none: a network that begins by laying the signal's samples side by side.
    """
    found, before = None, FeatureMap("", model.inputs[0], 1, num_samples)
    weighted, fewest = False, num_samples
    for node, weighted_here in _narrow_places(model):
        weighted = weighted or weighted_here
        tensor = node.output_tensors[0]
        axis = _time_axis(before, tensor)
        if axis is None or tensor.shape[axis] is None:
            break
        before = FeatureMap(node.operation.name, tensor, axis, tensor.shape[axis])
        fewest = min(fewest, before.steps)
        if weighted and 1 < before.steps <= fewest:
            found = before
    return found


def _narrow_places(model: keras.Model) -> Iterator[tuple[Any, bool]]:
    """Calls of layers that all paths go through, in order, and whether weights came in since."""
    order = calls_in_order(model.outputs[0])
    place = {id(node): index for index, node in enumerate(order)}
    # the furthest call that takes something from this one or from any before it
    reach = [0] * len(order)
    for index, node in enumerate(order):
        for before in calls_before(node):
            reach[place[id(before)]] = max(reach[place[id(before)]], index)
    furthest, weighted = 0, False
    for index, node in enumerate(order):
        weighted = weighted or _has_weights(node.operation)
        if furthest <= index and not node.is_input and len(node.output_tensors) == 1:
            yield node, weighted
            weighted = False
        furthest = max(furthest, reach[index])


def _has_weights(operation: Any) -> bool:
    return bool(getattr(operation, "weights", ())) and stage_of(operation) != PREPROCESS


def _time_axis(before: FeatureMap, tensor: KerasTensor) -> int | None:
    """The axis of a tensor that is open where that of the feature map before it is."""
    if len(tensor.shape) < 3:
        return None
    shape = list(before.tensor.shape)
    shape[before.axis] = None
    part = keras.Model(before.tensor, tensor)
    try:
        spec = part.compute_output_spec(keras.KerasTensor(tuple(shape), before.tensor.dtype))
    except (ValueError, TypeError):  # a layer that takes one length only, such as a filter
        same = len(tensor.shape) == len(before.tensor.shape)
        return before.axis if same else None
    spec = spec[0] if isinstance(spec, list | tuple) else spec
    open_axes = [axis for axis, size in enumerate(spec.shape) if axis and size is None]
    # the last axis has channels: a permuted signal has its time there, and is no feature map yet
    return open_axes[0] if len(open_axes) == 1 else None
