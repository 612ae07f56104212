"""The residual network of Ribeiro et al., Nature Communications 2020, 11:1760.

Pre-activated units (He et al. 2016, arXiv 1603.05027) with a stride of 4, Keras' ``same`` padding,
Keras' BatchNorm (epsilon 1e-3, momentum 0.99) and dropout of 0.2, as published. The published code
divides 4096 samples by 4 four times; the same strides take any other length, rounding up.
"""

from __future__ import annotations

from ecg_keras.keras_library import KerasTensor as Tensor, keras, layers
from ecg_keras.models.building import (
    CHANNELS_LAST,
    as_backbone,
    convolve,
    seed_of,
    signal_input,
)

STEM_FILTERS = 64
FILTERS = (128, 196, 256, 320)
WIDTH = 16
STRIDES = 4
DROPOUT = 0.2


def ribeiro_resnet(
    num_samples: int = 1000, num_leads: int = 12, *, head: str = "as_published", seed: int = 0
) -> keras.Model:
    """The residual network of Ribeiro et al.: four units of two 16-wide convolutions.

    Arguments and errors: see `find_backbone`. The published weights take 4096 samples: 10.24 s at
    400 Hz.

    Returns:
        Functional model from ``signal`` ``(batch, num_samples, num_leads)`` to an embedding
        ``(batch, 320 * steps)`` where time is flattened, with a step for each 256 samples that have
        begun, 6,391,184 trainable parameters with 12 leads. Stages: ``stem``, ``stage1`` to
        ``stage4``.

    Example:
        >>> ribeiro_resnet(num_samples=1000, num_leads=2).output_shape
        (None, 1280)
    """
    signal = signal_input(num_samples, num_leads)
    x = _convolve(signal, STEM_FILTERS, WIDTH, 1, "stem_conv", seed)
    x = layers.BatchNormalization(name="stem_norm")(x)
    x = skip = layers.ReLU(name="stem_relu")(x)
    for stage, filters in enumerate(FILTERS, start=1):
        x, skip = _unit(x, skip, filters, f"stage{stage}", seed)
    return as_backbone("ribeiro_resnet", signal, x, head)


def _unit(x: Tensor, skip: Tensor, filters: int, name: str, seed: int) -> tuple[Tensor, Tensor]:
    """What the next unit convolves, and what it adds to that: the same before activation."""
    skip = layers.MaxPooling1D(
        STRIDES, padding="same", data_format=CHANNELS_LAST, name=f"{name}_shortcut_pool"
    )(skip)
    skip = _convolve(skip, filters, 1, 1, f"{name}_shortcut_conv", seed)
    x = _convolve(x, filters, WIDTH, 1, f"{name}_conv1", seed)
    x = _activate(x, name, 1, seed)
    x = _convolve(x, filters, WIDTH, STRIDES, f"{name}_conv2", seed)
    skip = layers.Add(name=f"{name}_add")([x, skip])
    return _activate(skip, name, 2, seed), skip


def _activate(x: Tensor, name: str, number: int, seed: int) -> Tensor:
    x = layers.BatchNormalization(name=f"{name}_norm{number}")(x)
    x = layers.ReLU(name=f"{name}_relu{number}")(x)
    dropout = f"{name}_dropout{number}"
    return layers.Dropout(DROPOUT, seed=seed_of(seed, dropout), name=dropout)(x)


def _convolve(x: Tensor, filters: int, width: int, strides: int, name: str, seed: int) -> Tensor:
    he = keras.initializers.HeNormal(seed=seed_of(seed, name))
    return convolve(x, filters, width, name, seed, strides=strides, kernel=he)
