"""Wang et al.'s two networks for time series, as in the PTB-XL benchmark (arXiv 2004.13701).

Wang, Yan and Oates, *Time series classification from scratch* (arXiv 1611.06455). Blocks of the
benchmark's residual network have two convolutions where the original's have three, and stride where
those do not. First weights are He's by fan-in.
"""

from __future__ import annotations

from ecg_keras.errors import ConfigError
from ecg_keras.keras_library import KerasTensor as Tensor, keras, layers
from ecg_keras.models.building import as_backbone, convolve_and_normalise, signal_input

RESNET_FILTERS = 128
FCN = (("stem", 128, 8), ("stage1", 256, 5), ("stage2", 128, 3))


def resnet1d_wang(
    num_samples: int = 1000, num_leads: int = 12, *, head: str = "as_published", seed: int = 0
) -> keras.Model:
    """Three residual blocks of 128 filters, 5 and 3 wide, behind a 7-wide convolution.

    Arguments and errors: see `find_backbone`. The benchmark takes 250 samples.

    Returns:
        Functional model from ``signal`` ``(batch, num_samples, num_leads)`` to an embedding
        ``(batch, 256)``, 439,040 trainable parameters with 12 leads. Stages: ``stem``, ``stage1``
        to ``stage3``.

    Example:
        >>> resnet1d_wang(num_samples=250, num_leads=2).output_shape
        (None, 256)
    """
    signal = signal_input(num_samples, num_leads)
    x = convolve_and_normalise(signal, RESNET_FILTERS, 7, 1, "stem", "", seed)
    x = layers.ReLU(name="stem_relu")(x)
    for stage in (1, 2, 3):
        x = _block(x, 1 if stage == 1 else 2, f"stage{stage}", seed)
    return as_backbone("resnet1d_wang", signal, x, head)


def fcn_wang(
    num_samples: int = 1000, num_leads: int = 12, *, head: str = "as_published", seed: int = 0
) -> keras.Model:
    """A fully convolutional network: 128, 256 and 128 filters, 8, 5 and 3 wide.

    Arguments are those of `resnet1d_wang`, but ``num_samples`` is at least 2: the first convolution
    has three zeros at each end, which are one too few for the same length. Stages: ``stem``,
    ``stage1``, ``stage2``; the trainable parameters are 275,456.

    Example:
        >>> fcn_wang(num_samples=250).output_shape
        (None, 256)
    """
    x = signal = signal_input(num_samples, num_leads)
    if num_samples < 2:
        raise ConfigError(
            "fcn_wang needs num_samples of at least 2, because its first convolution makes a "
            f"signal one sample shorter. Received: num_samples={num_samples}."
        )
    for stage, filters, width in FCN:
        x = convolve_and_normalise(x, filters, width, 1, stage, "", seed)
        x = layers.ReLU(name=f"{stage}_relu")(x)
    return as_backbone("fcn_wang", signal, x, head)


def _block(x: Tensor, stride: int, name: str, seed: int) -> Tensor:
    shortcut = x
    if stride > 1:
        shortcut = convolve_and_normalise(
            x, RESNET_FILTERS, 1, stride, f"{name}_shortcut", "", seed
        )
    x = convolve_and_normalise(x, RESNET_FILTERS, 5, stride, name, 1, seed)
    x = layers.ReLU(name=f"{name}_relu1")(x)
    x = convolve_and_normalise(x, RESNET_FILTERS, 3, 1, name, 2, seed)
    return layers.ReLU(name=f"{name}_relu2")(layers.Add(name=f"{name}_add")([x, shortcut]))
