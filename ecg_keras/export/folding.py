"""BatchNorm in inference is one multiplication and one addition: both go into the layer before it.

Exact up to rounding where nothing is between the two: the products are computed in float64 and
rounded once. What a reader then computes has fewer steps, and no variance to divide by.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from ecg_keras import models
from ecg_keras.keras_library import keras, layers

# layer -> its weight that makes the output channels
KERNELS: tuple[tuple[type[keras.Layer], str], ...] = (
    (layers.SeparableConv1D, "pointwise_kernel"),
    (layers.SeparableConv2D, "pointwise_kernel"),
    (layers.DepthwiseConv1D, "kernel"),
    (layers.DepthwiseConv2D, "kernel"),
    (layers.Conv1D, "kernel"),
    (layers.Conv2D, "kernel"),
    (layers.Dense, "kernel"),
)


def fold_norms(model: keras.Model) -> keras.Model:
    """The same network, whose BatchNorms are in the convolutions and dense layers before them.

    Layers that stay are the model's own objects, so what was given should no longer be trained.
    A BatchNorm stays where something is in between, such as an activation or a pool.
    """
    pairs = _find_pairs(model)
    if not pairs:
        return model
    gone = {id(norm) for _, norm in pairs}
    biased = {
        id(before): type(before).from_config({**before.get_config(), "use_bias": True})
        for before, _ in pairs
    }
    inputs = keras.Input(batch_shape=model.inputs[0].shape, name=model.inputs[0].name)
    result = keras.models.clone_model(
        keras.Model(model.inputs[0], model.outputs[0], name=model.name),
        input_tensors=inputs,
        clone_function=lambda layer: biased.get(id(layer), layer),
        call_function=lambda layer, *given, **options: (
            given[0] if id(layer) in gone else layer(*given, **options)
        ),
    )
    for before, norm in pairs:
        biased[id(before)].set_weights(_folded_weights(before, norm))
    return result


def _find_pairs(model: keras.Model) -> list[tuple[keras.Layer, keras.Layer]]:
    """Each BatchNorm with the layer before it that can take it in, where both are called once."""
    calls = models.calls_in_order(model.outputs[0])
    times = Counter(id(call.operation) for call in calls)
    readers = Counter(id(tensor) for call in calls for tensor in call.input_tensors)
    readers[id(model.outputs[0])] += 1
    pairs = []
    for call in calls:
        norm = call.operation
        if not isinstance(norm, layers.BatchNormalization) or len(call.input_tensors) > 1:
            continue
        tensor = call.input_tensors[0]
        before = models.call_of(tensor).operation
        once = times[id(norm)] == times[id(before)] == readers[id(tensor)] == 1
        if once and _takes_in(before, norm, len(tensor.shape)):
            pairs.append((before, norm))
    return pairs


def _takes_in(before: Any, norm: keras.Layer, rank: int) -> bool:
    last = norm.axis in (-1, rank - 1)
    linear = getattr(before, "activation", None) in (None, keras.activations.linear)
    plain = getattr(before, "data_format", "channels_last") == "channels_last"
    return last and linear and plain and isinstance(before, tuple(kind for kind, _ in KERNELS))


def _folded_weights(before: keras.Layer, norm: keras.Layer) -> list[np.ndarray[Any, Any]]:
    """The weights of the layer with a bias that answers as both."""

    def exact(weight: Any, missing: float) -> Any:
        return missing if weight is None else np.asarray(weight, np.float64)

    kernel = getattr(before, next(name for kind, name in KERNELS if isinstance(before, kind)))
    scale = exact(norm.gamma, 1) / np.sqrt(exact(norm.moving_variance, 1) + norm.epsilon)
    bias = exact(before.bias if before.use_bias else None, 0) - exact(norm.moving_mean, 0)
    # a depthwise kernel ends with channels and multiplier, whose product is the output's channels
    ending = kernel.shape[-2:] if hasattr(before, "depth_multiplier") else kernel.shape[-1:]
    if isinstance(before, (layers.SeparableConv1D, layers.SeparableConv2D)):
        ending = kernel.shape[-1:]
    kernels = [
        exact(one, 0) * (scale.reshape(ending) if one is kernel else 1)
        for one in before.weights
        if one is not before.bias
    ]
    return [*kernels, bias * scale + exact(norm.beta, 0)]
