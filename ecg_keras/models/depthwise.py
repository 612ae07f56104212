"""Depthwise convolutions in which TensorFlow ends the process on a CPU, found before they run.

oneDNN, TensorFlow's default there, divides by zero, writes elsewhere or never ends where a kernel's
last axis is long. Keras makes time that axis in its one-dimensional layers.
"""

from __future__ import annotations

import os

from ecg_keras.errors import ConfigError
from ecg_keras.keras_library import keras, layers

# of the kernel's last axis. Measured with AVX-512, in training and in inference: 12 is right with
# 8 to 512 channels, 13 ends the process with 64, 14 with 32
WIDEST = 12

DEPTHWISE = (
    layers.DepthwiseConv1D,
    layers.SeparableConv1D,
    layers.DepthwiseConv2D,
    layers.SeparableConv2D,
)


def refuse_wide_depthwise(model: keras.Model) -> None:
    """Raises a `ConfigError` of the first layer that would end the process on this machine."""
    import tensorflow as tf

    switched_off = os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0"
    elsewhere = tf.config.list_physical_devices("GPU") or tf.config.optimizer.get_jit()
    if switched_off or elsewhere:
        return
    # of networks in it and of layers of the user's own, too, which ``layers`` leaves out
    for layer in model._flatten_layers(include_self=False):
        if isinstance(layer, DEPTHWISE) and layer.kernel_size[-1] > WIDEST:
            raise ConfigError(
                f"{model.name}: the layer {layer.name} is a {type(layer).__name__} of width "
                f"{layer.kernel_size[-1]}, and above {WIDEST} TensorFlow's CPU kernel may end the "
                "process without a word. Use DepthwiseConv2D((width, 1)) on (samples, 1, "
                "channels), which computes the same, or Conv1D(groups=channels), which is slower."
            )
