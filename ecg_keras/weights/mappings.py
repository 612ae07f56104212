"""From published tensors to the weights of one of our layers, by the kind of the layer.

PyTorch keeps the kernel of a convolution as ``(out, in / groups, width)`` and that of a dense layer
as ``(out, in)``; Keras as ``(width, in / groups, out)`` and ``(in, out)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ecg_keras.array_types import AnyArray

# gives the tensor of a name, and notes that it was used
Take = Callable[[str], AnyArray]
# for `take` and the prefix of a layer's tensors, its arrays in the order of `layer.weights`
Layout = Callable[[Take, str, Any], list[AnyArray]]
# PyTorch stacks the gates of a GRU as reset, update, new; Keras as update, reset, new
GRU_ORDER = (1, 0, 2)


def kernel(take: Take, prefix: str, layer: Any) -> list[AnyArray]:
    """Of a convolution or a dense layer, with or without bias."""
    arrays = [take(f"{prefix}.weight").T]
    return [*arrays, take(f"{prefix}.bias")] if layer.use_bias else arrays


def depthwise(take: Take, prefix: str, layer: Any) -> list[AnyArray]:
    """Of a convolution over time, without bias, that Keras does on images of width 1."""
    return [take(f"{prefix}.weight").T[..., np.newaxis]]


def batch_norm(take: Take, prefix: str, layer: Any) -> list[AnyArray]:
    """Scale, shift, moving mean and variance."""
    moving = [take(f"{prefix}.running_{name}") for name in ("mean", "var")]
    return [*layer_norm(take, prefix, layer), *moving]


def layer_norm(take: Take, prefix: str, layer: Any) -> list[AnyArray]:
    """Scale and shift."""
    return [take(f"{prefix}.{name}") for name in ["weight"] * layer.scale + ["bias"] * layer.center]


def lstm(take: Take, prefix: str, layer: Any, direction: str = "") -> list[AnyArray]:
    """One layer's gates, ordered alike in both; PyTorch has two biases, of which the sum counts."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    kernel, recurrent, bias, more = (take(f"{prefix}.{name}_l0{direction}") for name in names)
    return [kernel.T, recurrent.T, bias + more]


def gru(take: Take, prefix: str, layer: Any, direction: str = "") -> list[AnyArray]:
    """One layer's gates in Keras' order, with both biases."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    kernel, recurrent, bias, more = (
        np.concatenate([np.split(take(f"{prefix}.{name}_l0{direction}"), 3)[gate]
                        for gate in GRU_ORDER])
        for name in names
    )  # fmt: skip
    return [kernel.T, recurrent.T, np.stack([bias, more])]


def bidirectional(take: Take, prefix: str, layer: Any) -> list[AnyArray]:
    """Both directions of an LSTM or a GRU."""
    one = gru if type(layer.forward_layer).__name__ == "GRU" else lstm
    forward = one(take, prefix, layer.forward_layer)
    return [*forward, *one(take, prefix, layer.backward_layer, "_reverse")]


LAYOUTS: Mapping[str, Layout] = {
    "Conv1D": kernel,
    "Dense": kernel,
    "DepthwiseConv2D": depthwise,
    "BatchNormalization": batch_norm,
    "LayerNormalization": layer_norm,
    "LSTM": lstm,
    "GRU": gru,
    "Bidirectional": bidirectional,
}


def keras_layer(take: Take, prefix: str, layer: Any) -> list[AnyArray]:
    """As Keras itself names and keeps them: ``prefix/kernel``, ``prefix/gamma``, ..."""
    own = f"{layer.name}/"
    return [take(f"{prefix}/{weight.path.removeprefix(own)}") for weight in layer.weights]


def keras2_depthwise(take: Take, prefix: str, layer: Any) -> list[AnyArray]:
    """The kernel was called otherwise in Keras 2."""
    arrays = [take(f"{prefix}/depthwise_kernel")]
    return [*arrays, take(f"{prefix}/bias")] if layer.use_bias else arrays
