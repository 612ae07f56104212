"""Image networks of `keras.applications` on pictures of an ECG, to start from ImageNet's weights.

A picture of each lead in time and frequency, a learned mixture of the leads as red, green and blue,
the pixel values that the network was trained with, and the network without its last layer. Feng
and Vigmond did so with Morlet wavelets and a ResNet50 (CinC 2020), Wang and Lee with Fourier
spectra and a ResNet18 (TLFT, medRxiv 2024.07.09.24310152). Nothing is downloaded: ImageNet's
weights come from a file (`ecg-keras import`).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import numpy as np

from ecg_keras.errors import ConfigError, look_up
from ecg_keras.keras_library import KerasTensor as Tensor, keras, layers
from ecg_keras.models.building import CHANNELS_LAST, seed_of, signal_input, summarise_time
from ecg_keras.models.freezing import HEAD, PREPROCESS
from ecg_keras.models.network import run_flat
from ecg_keras.models.time_frequency import picture, wavelets, windows

STEM = "stem"
# layers of keras.applications that are named otherwise than stage_rest
RENAMED = (
    (r"^(block\d+)([a-z])_", r"\1_\2_"),  # EfficientNets: block1a_dwconv
    (r"^block_(\d+)_", r"block\1_"),  # MobileNetV2
    (r"^expanded_conv_(\d+)_", r"block\1_"),  # MobileNetV3
    (r"^expanded_conv_", "block0_"),  # both
    (r"^conv_(dw|pw|pad)_(\d+)", r"block\2_\1"),  # MobileNet
    (r"^bn_Conv1$", "Conv1_bn"),  # MobileNetV2
    (r"^[Cc]onv_1(?=_|$)", "top_conv"),  # MobileNetV2 and V3
)
# of BatchNorm's statistics, as in all backbones here: up to 0.999 as published, which a training of
# few steps would end with first values in them
MOMENTUM = 0.9


def on_scalogram(
    application: str,
    num_samples: int = 1000,
    num_leads: int = 12,
    *,
    head: str = "as_published",
    seed: int = 0,
    rows: int = 64,
    low: float = 0.02,
    high: float = 0.8,
    step: int = 4,
    name: str | None = None,
) -> keras.Model:
    """Any network of `keras.applications` on each lead's continuous wavelet transform.

    The picture is the power behind complex Morlet wavelets (angle 6) at log-spaced frequencies,
    computed in the graph by constant filters, on a logarithmic scale from silence to 10 mV.
    Stages are ``stem``, which has the mixture of leads, and the network's own.

    Args:
        application: such as ``"DenseNet121"``. A few, such as NASNet, name their layers in no
            order of stages and are refused.
        num_samples: of the signal, at least 1.
        num_leads: of the signal, at least 1.
        head: how the positions of the last feature map become one vector: ``"pooled"`` (their
            mean), another of the heads in docs/backbones.md, or ``"as_published"`` (pooled).
        seed: of the first weights, which have the distributions that `keras.applications` draws.
        rows: wavelets, from the highest frequency at the top to the lowest.
        low: lowest frequency, as a share of half the sampling rate, because a network does not
            know its rate: 0.02 is 1 Hz at 100 Hz.
        high: highest frequency, the same way: 0.8 is 40 Hz at 100 Hz.
        step: samples between two columns of the picture.
        name: of the model; by default from ``application``.

    Returns:
        Functional model from ``signal`` ``(batch, num_samples, num_leads)`` to an embedding.

    Raises:
        ConfigError: a size or ``head`` is wrong, the picture is too small for the network, or the
            network is unknown or has no stages.

    Example:
        >>> on_scalogram("MobileNetV2", 250, 2).output_shape
        (None, 1280)
    """
    signal = signal_input(num_samples, num_leads)
    image = picture(signal, wavelets(rows, low, high), step, "stem_scalogram")
    return _on_image(application, signal, image, head, seed, name or f"cwt_{application.lower()}")


def on_spectrogram(
    application: str,
    num_samples: int = 1000,
    num_leads: int = 12,
    *,
    head: str = "as_published",
    seed: int = 0,
    width: int = 64,
    rows: int = 65,
    step: int = 4,
    name: str | None = None,
) -> keras.Model:
    """Any network of `keras.applications` on each lead's short-time Fourier transform.

    As `on_scalogram`, with windows of one length for all frequencies.

    Args:
        application: see `on_scalogram`.
        num_samples: of the signal, at least 1.
        num_leads: of the signal, at least 1.
        head: see `on_scalogram`.
        seed: of the first weights.
        width: samples of a Hann window.
        rows: frequencies, from half the sampling rate at the top to zero, equally spaced.
        step: samples between two columns of the picture.
        name: of the model; by default from ``application``.

    Returns:
        Functional model from ``signal`` ``(batch, num_samples, num_leads)`` to an embedding.

    Raises:
        ConfigError: a size or ``head`` is wrong, the picture is too small for the network, or the
            network is unknown or has no stages.

    Example:
        >>> on_spectrogram("MobileNetV2", 250, 2).output_shape
        (None, 1280)
    """
    signal = signal_input(num_samples, num_leads)
    image = picture(signal, windows(width, rows), step, "stem_spectrogram")
    return _on_image(application, signal, image, head, seed, name or f"stft_{application.lower()}")


def cwt_resnet50(
    num_samples: int = 1000, num_leads: int = 12, *, head: str = "as_published", seed: int = 0
) -> keras.Model:
    """ResNet50 (He et al. 2015) on scalograms, as Feng and Vigmond 2020; see `on_scalogram`.

    Arguments and errors: see `find_backbone`.

    Returns:
        Functional model to an embedding ``(batch, 2048)``, 23,534,631 trainable parameters with 12
        leads. Stages: ``stem``, ``conv1`` to ``conv5``.

    Example:
        >>> cwt_resnet50(num_samples=250, num_leads=2).output_shape
        (None, 2048)
    """
    return on_scalogram("ResNet50", num_samples, num_leads, head=head, seed=seed)


def cwt_efficientnetv2b0(
    num_samples: int = 1000, num_leads: int = 12, *, head: str = "as_published", seed: int = 0
) -> keras.Model:
    """EfficientNetV2-B0 (Tan and Le 2021, arXiv 2104.00298) on scalograms; see `on_scalogram`.

    Arguments and errors are those of `cwt_resnet50`; the trainable parameters are 5,858,743.

    Example:
        >>> cwt_efficientnetv2b0(num_samples=250, num_leads=2).output_shape
        (None, 1280)
    """
    return on_scalogram("EfficientNetV2B0", num_samples, num_leads, head=head, seed=seed)


def stft_resnet50(
    num_samples: int = 1000, num_leads: int = 12, *, head: str = "as_published", seed: int = 0
) -> keras.Model:
    """ResNet50 on Fourier spectra over time, after TLFT; see `on_spectrogram`.

    Arguments and errors are those of `cwt_resnet50`; the trainable parameters are 23,534,631.

    Example:
        >>> stft_resnet50(num_samples=250, num_leads=2).output_shape
        (None, 2048)
    """
    return on_spectrogram("ResNet50", num_samples, num_leads, head=head, seed=seed)


def _on_image(
    application: str, signal: Tensor, image: Tensor, head: str, seed: int, name: str
) -> keras.Model:
    network, pixels = _application(application, seed)
    # first a weighted mean of the leads for each colour, so that the colours are within 0 and 1
    mixture = keras.initializers.RandomUniform(
        0, 2 / image.shape[-1], seed=seed_of(seed, "stem_leads/kernel")
    )
    x = layers.Conv2D(
        3, 1, data_format=CHANNELS_LAST, kernel_initializer=mixture, name="stem_leads"
    )(image)
    try:
        x = run_flat(network, pixels(x))
    except ValueError as error:  # a layer would have nothing left to put out
        raise ConfigError(
            f"{application} takes no picture of {image.shape[1]} rows and {image.shape[2]} "
            "columns. Use a longer signal, a smaller step or more rows: most networks need 32 of "
            "both, InceptionV3 75."
        ) from error
    x = layers.Reshape((-1, x.shape[-1]), name="embedding_positions")(x)
    return keras.Model(signal, summarise_time(x, head, "pooled"), name=name)


def _application(application: str, seed: int) -> tuple[keras.Model, keras.Layer]:
    """The network for images of any size, and the layer that makes its pixels of 0 to 1."""
    choices = {name: name for name in dir(keras.applications) if name[0].isupper()}
    build = getattr(
        keras.applications, look_up("network of keras.applications", application, choices)
    )
    with _channels_last():
        published = build(include_top=False, weights=None, input_shape=(None, None, 3))
        names = _names(published.layers)
        _check_stages(
            application, [names[layer.name] for layer in published.layers if layer.weights]
        )
        network = keras.Model.from_config(_settings(published.get_config(), names, seed))
    return network, _pixels(sys.modules[build.__module__].preprocess_input)


@contextmanager
def _channels_last() -> Iterator[None]:
    """For networks that build what keras.json says."""
    before = keras.config.image_data_format()
    keras.config.set_image_data_format(CHANNELS_LAST)
    try:
        yield
    finally:
        keras.config.set_image_data_format(before)


def _pixels(preprocess: Callable[..., Any]) -> keras.Layer:
    """What a network's own preprocessing does with black and white says all: it is linear."""
    black, white = (
        preprocess(np.full((1, 1, 1, 3), value, np.float64), data_format=CHANNELS_LAST).ravel()
        for value in (0.0, 255.0)
    )
    return layers.Rescaling((white - black).tolist(), black.tolist(), name="stem_pixels")


def _names(published: list[keras.Layer]) -> dict[str, str]:
    """Names with stages; a layer that Keras numbered itself joins the stage before it."""
    names: dict[str, str] = {}
    stage = STEM
    for layer in published:
        automatic = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(layer).__name__).lower()
        if re.fullmatch(rf"{automatic}(_\d+)?", layer.name):
            names[layer.name] = f"{stage}_{automatic}{len(names)}"
            continue
        names[layer.name] = layer.name
        for pattern, replacement in RENAMED:
            names[layer.name] = re.sub(pattern, replacement, names[layer.name])
        stage = names[layer.name].split("_", 1)[0]
    return names


def _check_stages(application: str, weighted: list[str]) -> None:
    runs = [stage for stage, _ in groupby(name.split("_", 1)[0] for name in weighted)]
    if len(set(runs)) < len(runs) or {HEAD, PREPROCESS} & set(runs):
        raise ConfigError(
            f"{application}: its layers are not named in the order of stages, which freezing needs "
            f"({', '.join(runs[:4])}, ...). Use another network of keras.applications, such as "
            "ResNet50, EfficientNetV2B0, DenseNet121 or MobileNetV2."
        )


def _settings(value: Any, names: dict[str, str], seed: int, path: str = "") -> Any:
    """The configuration of a network with other names, and a seed of its own for each weight."""
    if isinstance(value, list | tuple):
        return [_settings(item, names, seed, path) for item in value]
    if not isinstance(value, dict):
        return value
    path = f"{path}/{names.get(value.get('name', ''), '')}"
    changed = {key: _settings(item, names, seed, f"{path}/{key}") for key, item in value.items()}
    for key, item in value.items():
        if key == "name":
            changed[key] = names.get(item, item)
        elif key in ("keras_history", "input_layers", "output_layers"):
            changed[key] = _renamed(item, names)
        elif key == "seed":
            changed[key] = seed_of(seed, path)
        elif key == "momentum":
            changed[key] = MOMENTUM
    return changed


def _renamed(history: Any, names: dict[str, str]) -> Any:
    if isinstance(history, list | tuple):
        return [_renamed(item, names) for item in history]
    return names.get(history, history) if isinstance(history, str) else history
