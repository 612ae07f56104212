"""Transformer encoders from Keras' own layers: positions, and blocks of attention."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ecg_keras.keras_library import KerasTensor as Tensor, keras, layers, ops
from ecg_keras.models.building import dense, seed_of


@dataclass(frozen=True)
class Encoder:
    """What all blocks of an encoder have in common."""

    heads: int
    hidden: int  # units between the two dense layers of a block
    activation: str  # of these units
    norm_first: bool  # each part's input is normalised; else the sum of its input and output
    epsilon: float  # of the normalisation
    dropout: float
    seed: int
    use_bias: bool  # of every layer
    # first weights of a kernel by its fan in, fan out and name
    kernel: Callable[[int, int, str], keras.initializers.Initializer]


def sinusoids(x: Tensor, name: str) -> Tensor:
    """Positions of the shape ``(batch, steps, channels)`` of ``x`` (arXiv 1706.03762, 3.5).

    Of as many steps as are asked about: a constant would fit one length of signals alone.
    """
    width = x.shape[-1]
    steps = keras.Input((None, width), name="steps", dtype="float32")
    rates = np.exp(np.arange(0, width, 2) * -math.log(10_000) / width).astype(np.float32)
    angles = (ops.cumsum(ops.ones_like(steps[:1, :, :1]), axis=1) - 1) * rates
    waves = ops.reshape(ops.stack([ops.sin(angles), ops.cos(angles)], axis=-1), (1, -1, width))
    # a model of its own, so that the operations show as one layer with a name that says its stage
    return keras.Model(steps, ops.zeros_like(steps) + waves, name=name)(x)


def dropped(x: Tensor, encoder: Encoder, name: str) -> Tensor:
    """With dropout, if the encoder has any."""
    if not encoder.dropout:
        return x
    return layers.Dropout(encoder.dropout, seed=seed_of(encoder.seed, name), name=name)(x)


def encoder_block(x: Tensor, encoder: Encoder, name: str) -> Tensor:
    """Attention among all steps, then two dense layers for each step, both beside a shortcut."""
    for number, part in enumerate((_attention, _dense_layers), start=1):
        norm = layers.LayerNormalization(
            epsilon=encoder.epsilon, center=encoder.use_bias, name=f"{name}_norm{number}"
        )
        add = layers.Add(name=f"{name}_add{number}")
        if encoder.norm_first:
            x = add([x, part(norm(x), encoder, name)])
        else:
            x = norm(add([x, part(x, encoder, name)]))
    return x


def _attention(x: Tensor, encoder: Encoder, name: str) -> Tensor:
    width, layer = x.shape[-1], f"{name}_attention"
    attention = layers.MultiHeadAttention(
        encoder.heads,
        width // encoder.heads,
        dropout=encoder.dropout,
        use_bias=encoder.use_bias,
        kernel_initializer="zeros",
        seed=seed_of(encoder.seed, f"{layer}/dropout"),
        name=layer,
    )
    y = attention(x, x)
    # Keras would give queries, keys and values the same kernel, if it drew them by a seed.
    # Published networks keep these three in one matrix, which their first weights are drawn for.
    for part, fan_out in (("query", 3), ("key", 3), ("value", 3), ("output", 1)):
        kernel = getattr(attention, f"{part}_dense").kernel
        draw = encoder.kernel(width, fan_out * width, f"{layer}/{part}")
        kernel.assign(draw(kernel.shape))
    return dropped(y, encoder, f"{name}_dropout1")


def _dense_layers(x: Tensor, encoder: Encoder, name: str) -> Tensor:
    width = x.shape[-1]
    x = _dense(x, encoder.hidden, encoder, f"{name}_dense1", encoder.activation)
    x = dropped(x, encoder, f"{name}_dropout2")
    x = _dense(x, width, encoder, f"{name}_dense2")
    return dropped(x, encoder, f"{name}_dropout3")


def _dense(
    x: Tensor, units: int, encoder: Encoder, name: str, activation: str | None = None
) -> Tensor:
    kernel = encoder.kernel(x.shape[-1], units, f"{name}/kernel")
    return dense(
        x,
        units,
        name,
        encoder.seed,
        activation=activation,
        use_bias=encoder.use_bias,
        kernel=kernel,
    )
