"""InceptionTime (Fawaz et al. 2020, arXiv 1909.04939), as in the PTB-XL benchmark.

Six blocks of convolutions 39, 19 and 9 wide at the signal's own rate, and a shortcut around each
three of them (Strodthoff et al., arXiv 2004.13701). First weights are He's by fan-in.
"""

from __future__ import annotations

from collections.abc import Callable

from ecg_keras.keras_library import KerasTensor as Tensor, keras, layers
from ecg_keras.models.building import (
    CHANNELS_LAST,
    as_backbone,
    convolve_symmetrically,
    normalise,
    signal_input,
)

FILTERS = 32
WIDTHS = (39, 19, 9)

# of a signal, filters, a width, the layer's name and a seed
Convolve = Callable[[Tensor, int, int, str, int], Tensor]


def inception1d(
    num_samples: int = 1000, num_leads: int = 12, *, head: str = "as_published", seed: int = 0
) -> keras.Model:
    """Six inception blocks of 4 x 32 filters, and two shortcuts.

    Arguments and errors: see `find_backbone`. The benchmark takes 250 samples.

    Returns:
        Functional model from ``signal`` ``(batch, num_samples, num_leads)`` to an embedding
        ``(batch, 256)``, 473,344 trainable parameters with 12 leads. Stages: ``stem`` and
        ``stage1``, three blocks each.

    Example:
        >>> inception1d(num_samples=250, num_leads=2).output_shape
        (None, 256)
    """
    x = signal = signal_input(num_samples, num_leads)
    for stage in ("stem", "stage1"):
        x = inception_blocks(x, WIDTHS, convolve_symmetrically, "relu", stage, seed)
    return as_backbone("inception1d", signal, x, head)


def inception_blocks(
    x: Tensor, widths: tuple[int, ...], convolve: Convolve, activation: str, name: str, seed: int
) -> Tensor:
    """Three inception blocks beside a shortcut."""
    shortcut = convolve(x, 4 * FILTERS, 1, f"{name}_shortcut_conv", seed)
    shortcut = normalise(shortcut, f"{name}_shortcut_norm")
    for number in (1, 2, 3):
        x = _block(x, widths, convolve, activation, f"{name}_block{number}", seed)
    x = layers.Add(name=f"{name}_add")([x, shortcut])
    return layers.Activation(activation, name=f"{name}_{activation}")(x)


def _block(
    x: Tensor, widths: tuple[int, ...], convolve: Convolve, activation: str, name: str, seed: int
) -> Tensor:
    """Convolutions of three widths, and a maximum of 3 samples, side by side."""
    narrow = convolve(x, FILTERS, 1, f"{name}_bottleneck", seed)
    parts = [
        convolve(narrow, FILTERS, width, f"{name}_conv{number}", seed)
        for number, width in enumerate(widths, start=1)
    ]
    highest = layers.MaxPooling1D(
        3, strides=1, padding="same", data_format=CHANNELS_LAST, name=f"{name}_pool"
    )(x)
    parts.append(convolve(highest, FILTERS, 1, f"{name}_pool_conv", seed))
    x = normalise(layers.Concatenate(name=f"{name}_concat")(parts), f"{name}_norm")
    return layers.Activation(activation, name=f"{name}_{activation}")(x)
