"""The residual network of Ribeiro et al., Nature Communications 2020, 11:1760.

Pre-activated units (He et al. 2016, arXiv 1603.05027) with a stride of 4, Keras' ``same`` padding,
Keras' BatchNorm (epsilon 1e-3, momentum 0.99) and dropout of 0.2, as published. The published code
divides 4096 samples by 4 four times; the same strides take any other length, rounding up.
"""

from __future__ import annotations

from ecg_keras.keras_library import KerasTensor as Tensor, keras, layers
from ecg_keras.models.building import (
    CHANNELS_LAST,
    convolve,
    seed_of,
    signal_input,
    summarise_time,
)
from ecg_keras.models.zoo import AS_PUBLISHED_HEAD

STEM_FILTERS = 64
FILTERS = (128, 196, 256, 320)
WIDTH = 16
STRIDES = 4
DROPOUT = 0.2


def ribeiro_resnet(
    num_samples: int = 1000, num_leads: int = 12, *, head: str = "as_published", seed: int = 0
) -> keras.Model:
    """The residual network of Ribeiro et al.: four units of two 16-wide convolutions.

    Args:
        num_samples: of the signal, at least 1. The published weights take 4096: 10.24 s at 400 Hz.
        num_leads: of the signal, at least 1.
        head: how the last feature map becomes one vector: ``"flattened"``, another of the heads in
            docs/backbones.md, or ``"as_published"`` (flattened).
        seed: of the first weights and of dropout. Equal seeds give equal weights.

    Returns:
        Functional model from ``signal`` ``(batch, num_samples, num_leads)`` to an embedding
        ``(batch, 320 * steps)`` where time is flattened, with a step for each 256 samples that have
        begun, 6,391,184 trainable parameters with 12 leads. Stages: ``stem``, ``stage1`` to
        ``stage4``.

    Raises:
        ConfigError: a size is below 1, or ``head`` is unknown.

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
    x = summarise_time(x, head, AS_PUBLISHED_HEAD["ribeiro_resnet"])
    return keras.Model(signal, x, name="ribeiro_resnet")


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
