"""Net1D in the size of ECGFounder (Li et al. 2024, arXiv 2410.04133).

Seven stages of pre-activated blocks, each with a grouped convolution of width 16 between two of
width 1, and squeeze-excitation after the third. ECGFounder switches off BatchNorm and dropout: its
file holds 66,368 weights of BatchNorm that its forward pass never uses, so this network has none.

The published code pads as TensorFlow's ``same`` does, at even and at odd lengths. Its pooling of
two samples puts one zero, not minus infinity, behind an odd length.
"""

from __future__ import annotations

from ecg_keras.keras_library import KerasTensor as Tensor, keras, layers
from ecg_keras.models.building import (
    CHANNELS_LAST,
    as_backbone,
    convolve,
    dense,
    signal_input,
)

STEM_FILTERS = 64
FILTERS = (64, 160, 160, 400, 400, 1024, 1024)
BLOCKS = (2, 2, 2, 3, 3, 4, 4)
WIDTH = 16
# channels of a group of the middle convolution
GROUP = 16


def net1d(
    num_samples: int = 1000, num_leads: int = 12, *, head: str = "as_published", seed: int = 0
) -> keras.Model:
    """Net1D, 20 blocks in seven stages of 64 to 1024 channels, each at half the rate before it.

    Arguments and errors: see `find_backbone`. The published weights take 5000 samples: 10 s at
    500 Hz.

    Returns:
        Functional model from ``signal`` ``(batch, num_samples, num_leads)`` to an embedding
        ``(batch, 1024)`` where time is pooled, 30,598,896 trainable parameters with 12 leads. As
        published, with 150 labels and the BatchNorm that it never uses, 30,819,014. Stages:
        ``stem``, ``stage1`` to ``stage7``.

    Example:
        >>> net1d(num_samples=250, num_leads=2).output_shape
        (None, 1024)
    """
    signal = signal_input(num_samples, num_leads)
    x = convolve(signal, STEM_FILTERS, WIDTH, "stem_conv", seed, strides=2, use_bias=True)
    x = layers.Activation("silu", name="stem_swish")(x)
    for stage, (filters, blocks) in enumerate(zip(FILTERS, BLOCKS, strict=True), start=1):
        for index in range(1, blocks + 1):
            name = f"stage{stage}_block{index}"
            # the stem has just done it
            activated = name == "stage1_block1"
            x = _block(x, filters, name, seed, strides=2 if index == 1 else 1, activated=activated)
    return as_backbone("net1d", signal, x, head)


def _block(x: Tensor, filters: int, name: str, seed: int, strides: int, activated: bool) -> Tensor:
    shortcut = _shortcut(x, filters, name, strides)
    if not activated:
        x = layers.Activation("silu", name=f"{name}_swish1")(x)
    x = convolve(x, filters, 1, f"{name}_conv1", seed, use_bias=True)
    x = layers.Activation("silu", name=f"{name}_swish2")(x)
    x = convolve(
        x,
        filters,
        WIDTH,
        f"{name}_conv2",
        seed,
        strides=strides,
        groups=filters // GROUP,
        use_bias=True,
    )
    x = layers.Activation("silu", name=f"{name}_swish3")(x)
    x = convolve(x, filters, 1, f"{name}_conv3", seed, use_bias=True)
    x = _squeeze_excite(x, f"{name}_se", seed)
    return layers.Add(name=f"{name}_add")([x, shortcut])


def _squeeze_excite(x: Tensor, name: str, seed: int) -> Tensor:
    """Each channel times a weight in (0, 1) that the means of all channels decide."""
    filters = x.shape[-1]
    weight = layers.GlobalAveragePooling1D(CHANNELS_LAST, keepdims=True, name=f"{name}_mean")(x)
    weight = dense(weight, filters // 2, f"{name}_dense1", seed, activation="silu")
    weight = dense(weight, filters, f"{name}_dense2", seed, activation="sigmoid")
    return layers.Multiply(name=f"{name}_scale")([x, weight])


def _shortcut(x: Tensor, filters: int, name: str, strides: int) -> Tensor:
    """The block's input at its rate, with as many channels of zeros before as behind its own."""
    if strides > 1:
        x = layers.ZeroPadding1D(
            (0, strides - 1), data_format=CHANNELS_LAST, name=f"{name}_shortcut_end"
        )(x)
        x = layers.MaxPooling1D(strides, data_format=CHANNELS_LAST, name=f"{name}_shortcut_pool")(x)
    missing = filters - x.shape[-1]
    if not missing:
        return x
    x = layers.Permute((2, 1), name=f"{name}_shortcut_turn")(x)
    x = layers.ZeroPadding1D(
        (missing // 2, missing - missing // 2),
        data_format=CHANNELS_LAST,
        name=f"{name}_shortcut_zeros",
    )(x)
    return layers.Permute((2, 1), name=f"{name}_shortcut_back")(x)
