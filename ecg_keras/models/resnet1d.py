"""Residual networks over time, as released with the paper (arXiv 2402.02021).

They are He et al.'s networks (arXiv 1512.03385) with convolutions over time in place of images and
a dense embedding of 512 in front of the head. The stride sits in the 3-wide convolution of a
bottleneck; padding is symmetrical, as in PyTorch (Keras' ``same`` is not at stride 2); BatchNorm
has epsilon 1e-5 and keeps 0.9 of its statistics per step; convolutions have no bias.
"""

from __future__ import annotations

from collections.abc import Callable

from ecg_keras.keras_library import KerasTensor as Tensor, keras, layers
from ecg_keras.models.building import (
    CHANNELS_LAST,
    convolve_symmetrically,
    dense,
    normalise,
    signal_input,
    summarise_time,
)
from ecg_keras.models.zoo import AS_PUBLISHED_HEAD

EMBEDDING = 512
STEM_FILTERS = 64

Block = Callable[[Tensor, int, int, str, int], Tensor]


def resnet1d18(
    num_samples: int = 1000, num_leads: int = 12, *, head: str = "as_published", seed: int = 0
) -> keras.Model:
    """ResNet1D-18: basic blocks of two 3-wide convolutions, [2, 2, 2, 2] of them.

    Arguments and errors: see `find_backbone`. The head is before the dense embedding.

    Returns:
        Functional model from ``signal`` ``(batch, num_samples, num_leads)`` to an embedding
        ``(batch, 512)``, 4,111,488 trainable parameters with 12 leads. Stages: ``stem``,
        ``stage1`` to ``stage4``, ``embedding``.

    Example:
        >>> resnet1d18(num_samples=250, num_leads=2).output_shape
        (None, 512)
    """
    signal = signal_input(num_samples, num_leads)
    x = _trunk(signal, (2, 2, 2, 2), _basic_block, seed)
    return _with_embedding("resnet1d18", signal, x, head, seed)


def resnet1d50(
    num_samples: int = 1000, num_leads: int = 12, *, head: str = "as_published", seed: int = 0
) -> keras.Model:
    """ResNet1D-50: bottleneck blocks, [3, 4, 6, 3] of them; 17,008,256 trainable parameters.

    Arguments, stages and errors are those of `resnet1d18`.

    Example:
        >>> resnet1d50(num_samples=250).output_shape
        (None, 512)
    """
    signal = signal_input(num_samples, num_leads)
    x = _trunk(signal, (3, 4, 6, 3), _bottleneck_block, seed)
    return _with_embedding("resnet1d50", signal, x, head, seed)


def resnet1d101(
    num_samples: int = 1000, num_leads: int = 12, *, head: str = "as_published", seed: int = 0
) -> keras.Model:
    """ResNet1D-101: bottleneck blocks, [3, 4, 23, 3] of them; 29,315,712 trainable parameters.

    Arguments, stages and errors are those of `resnet1d18`.

    Example:
        >>> resnet1d101(num_samples=250).output_shape
        (None, 512)
    """
    signal = signal_input(num_samples, num_leads)
    x = _trunk(signal, (3, 4, 23, 3), _bottleneck_block, seed)
    return _with_embedding("resnet1d101", signal, x, head, seed)


def _trunk(signal: Tensor, blocks: tuple[int, ...], block: Block, seed: int) -> Tensor:
    x = _convolve(signal, STEM_FILTERS, 7, 2, "stem", "", seed)
    x = layers.ReLU(name="stem_relu")(x)
    # zeros pad a maximum as well as minus infinity does, because ReLU leaves nothing below zero
    x = layers.ZeroPadding1D(1, data_format=CHANNELS_LAST, name="stem_pool_pad")(x)
    x = layers.MaxPooling1D(3, strides=2, data_format=CHANNELS_LAST, name="stem_pool")(x)
    for stage, count in enumerate(blocks, start=1):
        filters = STEM_FILTERS * 2 ** (stage - 1)
        for index in range(1, count + 1):
            stride = 2 if stage > 1 and index == 1 else 1
            x = block(x, filters, stride, f"stage{stage}_block{index}", seed)
    return x


def _basic_block(x: Tensor, filters: int, stride: int, name: str, seed: int) -> Tensor:
    shortcut = _shortcut(x, filters, stride, name, seed)
    x = _convolve(x, filters, 3, stride, name, "1", seed)
    x = layers.ReLU(name=f"{name}_relu1")(x)
    x = _convolve(x, filters, 3, 1, name, "2", seed)
    x = layers.Add(name=f"{name}_add")([x, shortcut])
    return layers.ReLU(name=f"{name}_relu2")(x)


def _bottleneck_block(x: Tensor, filters: int, stride: int, name: str, seed: int) -> Tensor:
    shortcut = _shortcut(x, 4 * filters, stride, name, seed)
    x = _convolve(x, filters, 1, 1, name, "1", seed)
    x = layers.ReLU(name=f"{name}_relu1")(x)
    x = _convolve(x, filters, 3, stride, name, "2", seed)
    x = layers.ReLU(name=f"{name}_relu2")(x)
    x = _convolve(x, 4 * filters, 1, 1, name, "3", seed)
    x = layers.Add(name=f"{name}_add")([x, shortcut])
    return layers.ReLU(name=f"{name}_relu3")(x)


def _shortcut(x: Tensor, filters: int, stride: int, name: str, seed: int) -> Tensor:
    if stride == 1 and x.shape[-1] == filters:
        return x
    return _convolve(x, filters, 1, stride, f"{name}_shortcut", "", seed)


def _convolve(
    x: Tensor, filters: int, width: int, stride: int, name: str, number: str, seed: int
) -> Tensor:
    """Symmetrical padding, convolution without bias, BatchNorm."""
    names = {part: f"{name}_{part}{number}" for part in ("conv", "pad", "norm")}
    x = convolve_symmetrically(
        x, filters, width, names["conv"], seed, strides=stride, pad=names["pad"], fan="fan_out"
    )
    return normalise(x, names["norm"])


def _with_embedding(name: str, signal: Tensor, x: Tensor, head: str, seed: int) -> keras.Model:
    x = summarise_time(x, head, AS_PUBLISHED_HEAD[name])
    x = dense(x, EMBEDDING, "embedding_dense", seed)
    x = layers.ReLU(name="embedding_relu")(x)
    return keras.Model(signal, x, name=name)
