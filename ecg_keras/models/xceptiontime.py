"""XceptionTime (Rahimian et al. 2019, arXiv 1911.03803), in the form that ExChanGeAI published.

Depthwise convolutions are Keras' for images, with time as the height and a width of 1. On a CPU,
`DepthwiseConv1D` of width 39 kills the process, because it makes time the width, and `Conv1D` with
a group per channel trains eight times slower.

The published network ends with one more convolution of width 1 whose channels are the labels,
BatchNorm, ReLU and the mean over time, which no dense layer equals. Here the embedding is what goes
into that convolution, averaged over time, and the head is dense; `with_label_maps` gives a
classifier the published end.
"""

from __future__ import annotations

from ecg_keras.keras_library import KerasTensor as Tensor, keras, layers
from ecg_keras.models.building import (
    CHANNELS_LAST,
    as_backbone,
    convolve,
    normalise,
    seed_of,
    signal_input,
    uniform,
)
from ecg_keras.models.saving import float32_clone

WIDTHS = (39, 19, 9)
# filters of each convolution of a module; a module has four times as many channels
FILTERS = {"stem": (16, 32), "stage1": (64, 128)}
STEPS = 50


def xception_time(
    num_samples: int = 1000, num_leads: int = 12, *, head: str = "as_published", seed: int = 0
) -> keras.Model:
    """XceptionTime: modules of depthwise separable convolutions of width 39, 19 and 9.

    Arguments and errors: see `find_backbone`. Time is averaged in windows of a fiftieth of it
    before the last two convolutions; as published, 20 samples.

    Returns:
        Functional model from ``signal`` ``(batch, num_samples, num_leads)`` to an embedding
        ``(batch, 128)`` where time is pooled, 400,720 trainable parameters with 12 leads. Stages:
        ``stem``, ``stage1``, ``embedding``.

    Example:
        >>> xception_time(num_samples=250, num_leads=2).output_shape
        (None, 128)
    """
    x = signal = signal_input(num_samples, num_leads)
    for stage, filters in FILTERS.items():
        x = _residual_pair(x, filters, stage, seed)
    size = max(1, num_samples // STEPS)
    x = layers.AveragePooling1D(
        size, padding="same", data_format=CHANNELS_LAST, name="embedding_windows"
    )(x)
    for number in (1, 2):
        name = f"embedding_conv{number}"
        he = keras.initializers.HeUniform(seed=seed_of(seed, name))
        x = convolve(x, x.shape[-1] // 2, 1, name, seed, kernel=he)
        x = normalise(x, f"embedding_norm{number}")
        x = layers.ReLU(name=f"embedding_relu{number}")(x)
    return as_backbone("xception_time", signal, x, head)


def with_label_maps(model: keras.Model) -> keras.Model:
    """A classifier of `xception_time` with the end as published, in place of its dense head.

    A convolution of width 1 makes a map over time for each label, and the logit of a label is the
    mean of its map after BatchNorm and ReLU: at least 0, so that a probability is at least 0.5. The
    new layers are of the stage ``head``; its last one, a dense layer, begins as the identity.

    Args:
        model: `classifier` of `xception_time`; it is left as it is.

    Returns:
        Functional float32 model with the input, the labels and all other weights of ``model``.

    Example:
        >>> model = with_label_maps(classifier(xception_time(num_samples=100), ["MI", "HYP"]))
        >>> [layer.name for layer in model.layers[-5:]]
        ['head_conv', 'head_norm', 'head_relu', 'head_pool', 'head']
    """
    number = model.output_shape[-1]
    copy = float32_clone(model)
    x = convolve(copy.get_layer("embedding_relu2").output, number, 1, "head_conv", seed=0)
    x = layers.ReLU(name="head_relu")(normalise(x, "head_norm"))
    x = layers.GlobalAveragePooling1D(CHANNELS_LAST, name="head_pool")(x)
    x = layers.Dense(number, "sigmoid", kernel_initializer="identity", name="head")(x)
    return keras.Model(copy.input, x, name=model.name)


def _residual_pair(x: Tensor, filters: tuple[int, ...], name: str, seed: int) -> Tensor:
    """Two modules beside a shortcut."""
    shortcut = convolve(x, 4 * filters[-1], 1, f"{name}_shortcut_conv", seed)
    shortcut = normalise(shortcut, f"{name}_shortcut_norm")
    for number, count in enumerate(filters, start=1):
        x = _module(x, count, f"{name}_module{number}", seed)
    x = layers.Add(name=f"{name}_add")([x, shortcut])
    return layers.ReLU(name=f"{name}_relu")(x)


def _module(x: Tensor, filters: int, name: str, seed: int) -> Tensor:
    """Separable convolutions of three widths, and a maximum of 3 samples, side by side."""
    narrow = convolve(x, filters, 1, f"{name}_bottleneck", seed)
    parts = []
    for number, width in enumerate(WIDTHS, start=1):
        each = _depthwise(narrow, width, f"{name}_depthwise{number}", seed)
        parts.append(convolve(each, filters, 1, f"{name}_pointwise{number}", seed))
    highest = layers.MaxPooling1D(
        3, strides=1, padding="same", data_format=CHANNELS_LAST, name=f"{name}_pool"
    )(x)
    parts.append(convolve(highest, filters, 1, f"{name}_pool_conv", seed))
    return layers.Concatenate(name=f"{name}_concat")(parts)


def _depthwise(x: Tensor, width: int, name: str, seed: int) -> Tensor:
    """Each channel convolved over time with a kernel of its own."""
    channels = x.shape[-1]
    x = layers.Reshape((-1, 1, channels), name=f"{name}_image")(x)
    x = layers.DepthwiseConv2D(
        (width, 1),
        padding="same",
        data_format=CHANNELS_LAST,
        use_bias=False,
        depthwise_initializer=uniform(width, seed, f"{name}/kernel"),
        name=name,
    )(x)
    return layers.Reshape((-1, channels), name=f"{name}_signal")(x)
