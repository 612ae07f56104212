"""What every backbone is built from: the signal that goes in, the embedding, and first weights.

First weights are drawn as in the published networks, which are PyTorch's. Each call makes a new
initializer whose seed comes from the weight's name, because one initializer shared by several
layers gives every kernel of a shape the same values.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping

from ecg_keras.errors import ConfigError, look_up
from ecg_keras.keras_library import KerasTensor as Tensor, check_keras, keras, layers, ops
from ecg_keras.models.architecture import head_among
from ecg_keras.models.zoo import AS_PUBLISHED_HEAD

# of every layer that asks: signals are (samples, leads), whatever Keras is set to
CHANNELS_LAST = "channels_last"


def signal_input(num_samples: int, num_leads: int) -> Tensor:
    """The input ``signal``, float32 ``(batch, num_samples, num_leads)``."""
    check_keras()
    if num_samples < 1 or num_leads < 1:
        raise ConfigError(
            "a backbone needs num_samples and num_leads of at least 1. "
            f"Received: num_samples={num_samples}, num_leads={num_leads}."
        )
    return keras.Input((num_samples, num_leads), name="signal", dtype="float32")


def summarise_time(x: Tensor, head: str, as_published: str) -> Tensor:
    """One vector per ECG from ``(batch, steps, channels)``."""
    choices = {**SUMMARIES, "as_published": SUMMARIES[as_published]}
    return look_up("head", head, choices)(x)


def as_backbone(name: str, signal: Tensor, x: Tensor, head: str) -> keras.Model:
    """A network of the zoo that ends with a vector of its time steps."""
    x = summarise_time(x, head, AS_PUBLISHED_HEAD[name])
    return keras.Model(signal, x, name=name)


def _mean(x: Tensor) -> Tensor:
    return layers.GlobalAveragePooling1D(CHANNELS_LAST, name="embedding_pool")(x)


def _maximum_and_mean(x: Tensor) -> Tensor:
    """In fastai's order: all maxima, then all means."""
    maximum = layers.GlobalMaxPooling1D(CHANNELS_LAST, name="embedding_maximum")(x)
    mean = layers.GlobalAveragePooling1D(CHANNELS_LAST, name="embedding_mean")(x)
    return layers.Concatenate(name="embedding_mean_max")([maximum, mean])


def _attention(x: Tensor) -> Tensor:
    """Mean of the steps, weighted by the softmax of their products with one learned query.

    The query starts at zero, so that every step has the same weight: a bias would change nothing.
    """
    exact = at_least_float32(x)
    query = layers.Dense(
        1, use_bias=False, kernel_initializer="zeros", dtype=exact, name="embedding_query"
    )
    weights = _softmax_over_time(query(x))
    mean = layers.Dot(axes=1, dtype=exact, name="embedding_weighted")([weights, x])
    return layers.Flatten(CHANNELS_LAST, name="embedding_attention")(mean)


def _softmax_over_time(scores: Tensor) -> Tensor:
    # a model of its own, so that the operations show as one layer; Keras' Softmax warns of one step
    x = keras.Input((None, 1), dtype=scores.dtype)
    weights = ops.exp(x - ops.logsumexp(x, axis=1, keepdims=True))
    return keras.Model(x, weights, name="embedding_softmax")(scores)


def _side_by_side(x: Tensor) -> Tensor:
    return layers.Flatten(CHANNELS_LAST, name="embedding_flatten")(x)


SUMMARIES: Mapping[str, Callable[[Tensor], Tensor]] = {
    "pooled": _mean,
    "mean_max": _maximum_and_mean,
    "attention": _attention,
    "flattened": _side_by_side,
}


def head_of(model: keras.Model) -> str:
    """How a network makes one vector of its time steps, read from the names of its layers.

    Args:
        model: a backbone of this package, or a classifier with one.

    Returns:
        A name that ``model.head`` of a recipe takes; ``"as_published"`` where the layers have other
        names, as in a backbone of your own.

    Example:
        >>> head_of(find_backbone("gru")(num_samples=100, head="attention"))
        'attention'
    """
    return head_among([layer.name for layer in model.layers])


def at_least_float32(x: Tensor) -> str:
    """The type for exponentials and sums over time: float32 in half precision, else that of x."""
    return str(keras.backend.result_type(x.dtype, "float32"))


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


def dense(
    x: Tensor,
    units: int,
    name: str,
    seed: int,
    *,
    activation: str | None = None,
    use_bias: bool = True,
    kernel: keras.initializers.Initializer | None = None,
    dtype: str | None = None,
) -> Tensor:
    """A dense layer; without ``kernel`` its first weights are PyTorch's."""
    fan_in = x.shape[-1]
    return layers.Dense(
        units,
        activation=activation,
        use_bias=use_bias,
        kernel_initializer=kernel or uniform(fan_in, seed, f"{name}/kernel"),
        bias_initializer=uniform(fan_in, seed, f"{name}/bias"),
        dtype=dtype,
        name=name,
    )(x)


def normalise(x: Tensor, name: str, scale: str = "ones") -> Tensor:
    """BatchNorm with PyTorch's epsilon and momentum, and what its scale starts from."""
    return layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, gamma_initializer=scale, name=name
    )(x)


def convolve_symmetrically(
    x: Tensor,
    filters: int,
    width: int,
    name: str,
    seed: int,
    *,
    strides: int = 1,
    pad: str | None = None,
    fan: str = "fan_in",
) -> Tensor:
    """A convolution padded as PyTorch's, by a layer ``pad``, whose first weights are He's.

    Keras' ``same`` pads otherwise where it strides or the width is even.
    """
    if width > 1:
        zeros = (width - 1) // 2
        x = layers.ZeroPadding1D(zeros, data_format=CHANNELS_LAST, name=pad or f"{name}_pad")(x)
    # variance 2 / (kernel width * channels or filters), He et al. 2015, arXiv 1502.01852
    kernel = keras.initializers.VarianceScaling(
        2.0, mode=fan, distribution="untruncated_normal", seed=seed_of(seed, name)
    )
    return convolve(x, filters, width, name, seed, strides=strides, padding="valid", kernel=kernel)


def convolve_and_normalise(
    x: Tensor,
    filters: int,
    width: int,
    stride: int,
    name: str,
    number: int | str,
    seed: int,
    scale: str = "ones",
) -> Tensor:
    """The layers ``NAME_convNUMBER``, padded symmetrically, and ``NAME_normNUMBER``."""
    x = convolve_symmetrically(x, filters, width, f"{name}_conv{number}", seed, strides=stride)
    return normalise(x, f"{name}_norm{number}", scale)


def seed_of(seed: int, name: str) -> int:
    """A seed for one weight, which depends on its name and not on the order of creation."""
    return zlib.crc32(f"{seed}/{name}".encode())


def uniform(fan_in: int, seed: int, name: str) -> keras.initializers.Initializer:
    """Uniform within ``1 / sqrt(fan_in)``: PyTorch's default of dense and recurrent layers."""
    limit = 1 / math.sqrt(fan_in)
    return keras.initializers.RandomUniform(-limit, limit, seed=seed_of(seed, name))
