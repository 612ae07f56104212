"""What every backbone is built from: the signal that goes in, the embedding, and first weights.

First weights are drawn as in the published networks, which are PyTorch's. Each call makes a new
initializer whose seed comes from the weight's name, because one initializer shared by several
layers gives every kernel of a shape the same values.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from ecg_keras.errors import ConfigError, look_up
from ecg_keras.keras_library import check_keras, keras, layers

# of every layer that asks: signals are (samples, leads), whatever Keras is set to
CHANNELS_LAST = "channels_last"
SUMMARIES: Mapping[str, Callable[[], Any]] = {
    "pooled": lambda: layers.GlobalAveragePooling1D(CHANNELS_LAST, name="embedding_pool"),
    "flattened": lambda: layers.Flatten(CHANNELS_LAST, name="embedding_flatten"),
}


def signal_input(num_samples: int, num_leads: int) -> keras.KerasTensor:
    """The input ``signal``, float32 ``(batch, num_samples, num_leads)``."""
    check_keras()
    if num_samples < 1 or num_leads < 1:
        raise ConfigError(
            "a backbone needs num_samples and num_leads of at least 1. "
            f"Received: num_samples={num_samples}, num_leads={num_leads}."
        )
    return keras.Input((num_samples, num_leads), name="signal", dtype="float32")


def summarise_time(x: keras.KerasTensor, head: str, as_published: str) -> keras.KerasTensor:
    """One vector per ECG from ``(batch, steps, channels)``."""
    choices = {**SUMMARIES, "as_published": SUMMARIES[as_published]}
    return look_up("head", head, choices)()(x)


def convolve(
    x: keras.KerasTensor,
    filters: int,
    width: int,
    name: str,
    seed: int,
    *,
    strides: int = 1,
    groups: int = 1,
    padding: str = "same",
    use_bias: bool = False,
    kernel: keras.initializers.Initializer | None = None,
) -> keras.KerasTensor:
    """A convolution over time; without ``kernel`` its first weights are PyTorch's."""
    fan_in = width * x.shape[-1] // groups
    return layers.Conv1D(
        filters,
        width,
        strides=strides,
        padding=padding,
        data_format=CHANNELS_LAST,
        groups=groups,
        use_bias=use_bias,
        kernel_initializer=kernel or uniform(fan_in, seed, f"{name}/kernel"),
        bias_initializer=uniform(fan_in, seed, f"{name}/bias"),
        name=name,
    )(x)


def normalise(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """BatchNorm with PyTorch's epsilon and momentum."""
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)(x)


def seed_of(seed: int, name: str) -> int:
    """A seed for one weight, which depends on its name and not on the order of creation."""
    return zlib.crc32(f"{seed}/{name}".encode())


def he_fan_out(seed: int, name: str) -> keras.initializers.Initializer:
    """Normal with variance ``2 / (kernel width * filters)`` (He et al. 2015, arXiv 1502.01852)."""
    return keras.initializers.VarianceScaling(
        2.0, mode="fan_out", distribution="untruncated_normal", seed=seed_of(seed, name)
    )


def uniform(fan_in: int, seed: int, name: str) -> keras.initializers.Initializer:
    """Uniform within ``1 / sqrt(fan_in)``: PyTorch's default of dense and recurrent layers."""
    limit = 1 / math.sqrt(fan_in)
    return keras.initializers.RandomUniform(-limit, limit, seed=seed_of(seed, name))
