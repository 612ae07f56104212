"""XResNets over time, as in the PTB-XL benchmark of Strodthoff et al. (arXiv 2004.13701).

He et al.'s bag of tricks (arXiv 1812.01187) as fastai builds it: a stem of three convolutions, a
mean over two samples before the shortcut's convolution where a block strides, and a last BatchNorm
of every block that starts at zero, so that a block starts as its shortcut. Convolutions are 5 wide,
and all four stages have the same width. First weights are He's by fan-in.
"""

from __future__ import annotations

from collections.abc import Callable

from ecg_keras.keras_library import KerasTensor as Tensor, keras, layers
from ecg_keras.models.building import (
    CHANNELS_LAST,
    as_backbone,
    convolve_and_normalise,
    signal_input,
)

STEM = (32, 32, 64)
FILTERS = 64
WIDTH = 5

Block = Callable[[Tensor, int, str, int], Tensor]


def xresnet1d18(
    num_samples: int = 1000, num_leads: int = 12, *, head: str = "as_published", seed: int = 0
) -> keras.Model:
    """XResNet1D-18: blocks of two 5-wide convolutions of 64 filters, [2, 2, 2, 2] of them.

    Arguments and errors: see `find_backbone`. The benchmark takes 250 samples.

    Returns:
        Functional model from ``signal`` ``(batch, num_samples, num_leads)`` to an embedding
        ``(batch, 128)``, 347,264 trainable parameters with 12 leads. Stages: ``stem``, ``stage1``
        to ``stage4``.

    Example:
        >>> xresnet1d18(num_samples=250, num_leads=2).output_shape
        (None, 128)
    """
    return _network("xresnet1d18", num_samples, num_leads, (2, 2, 2, 2), _basic, head, seed)


def xresnet1d50(
    num_samples: int = 1000, num_leads: int = 12, *, head: str = "as_published", seed: int = 0
) -> keras.Model:
    """XResNet1D-50: bottleneck blocks of 256 filters, [3, 4, 6, 3] of them.

    Arguments, stages and errors are those of `xresnet1d18`; the embedding has 512 numbers, and
    the trainable parameters are 886,400.

    Example:
        >>> xresnet1d50(num_samples=250).output_shape
        (None, 512)
    """
    return _network("xresnet1d50", num_samples, num_leads, (3, 4, 6, 3), _bottleneck, head, seed)


def xresnet1d101(
    num_samples: int = 1000, num_leads: int = 12, *, head: str = "as_published", seed: int = 0
) -> keras.Model:
    """XResNet1D-101: bottleneck blocks of 256 filters, [3, 4, 23, 3] of them.

    Arguments, stages and errors are those of `xresnet1d18`; the embedding has 512 numbers, and
    the trainable parameters are 1,804,672.

    Example:
        >>> xresnet1d101(num_samples=250).output_shape
        (None, 512)
    """
    return _network("xresnet1d101", num_samples, num_leads, (3, 4, 23, 3), _bottleneck, head, seed)


def _network(
    name: str,
    num_samples: int,
    num_leads: int,
    blocks: tuple[int, ...],
    block: Block,
    head: str,
    seed: int,
) -> keras.Model:
    x = signal = signal_input(num_samples, num_leads)
    for number, filters in enumerate(STEM, start=1):
        x = convolve_and_normalise(x, filters, WIDTH, 2 if number == 1 else 1, "stem", number, seed)
        x = layers.ReLU(name=f"stem_relu{number}")(x)
    # zeros pad a maximum as well as minus infinity does, because ReLU leaves nothing below zero
    x = layers.ZeroPadding1D(1, data_format=CHANNELS_LAST, name="stem_pool_pad")(x)
    x = layers.MaxPooling1D(3, strides=2, data_format=CHANNELS_LAST, name="stem_pool")(x)
    for stage, count in enumerate(blocks, start=1):
        for index in range(1, count + 1):
            stride = 2 if stage > 1 and index == 1 else 1
            x = block(x, stride, f"stage{stage}_block{index}", seed)
    return as_backbone(name, signal, x, head)


def _basic(x: Tensor, stride: int, name: str, seed: int) -> Tensor:
    shortcut = _shortcut(x, FILTERS, stride, name, seed)
    x = convolve_and_normalise(x, FILTERS, WIDTH, stride, name, 1, seed)
    x = layers.ReLU(name=f"{name}_relu1")(x)
    x = convolve_and_normalise(x, FILTERS, WIDTH, 1, name, 2, seed, scale="zeros")
    return layers.ReLU(name=f"{name}_relu2")(layers.Add(name=f"{name}_add")([x, shortcut]))


def _bottleneck(x: Tensor, stride: int, name: str, seed: int) -> Tensor:
    shortcut = _shortcut(x, 4 * FILTERS, stride, name, seed)
    x = convolve_and_normalise(x, FILTERS, 1, 1, name, 1, seed)
    x = layers.ReLU(name=f"{name}_relu1")(x)
    x = convolve_and_normalise(x, FILTERS, WIDTH, stride, name, 2, seed)
    x = layers.ReLU(name=f"{name}_relu2")(x)
    x = convolve_and_normalise(x, 4 * FILTERS, 1, 1, name, 3, seed, scale="zeros")
    return layers.ReLU(name=f"{name}_relu3")(layers.Add(name=f"{name}_add")([x, shortcut]))


def _shortcut(x: Tensor, filters: int, stride: int, name: str, seed: int) -> Tensor:
    if stride > 1:  # the last of an odd number of samples is averaged with nothing
        x = layers.AveragePooling1D(
            2, padding="same", data_format=CHANNELS_LAST, name=f"{name}_shortcut_pool"
        )(x)
    if x.shape[-1] == filters:
        return x
    return convolve_and_normalise(x, filters, 1, 1, f"{name}_shortcut", "", seed)
