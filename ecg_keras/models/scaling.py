"""Scaling of the signal inside the model, so that weights can't be used with the wrong scaling.

Both ways are Keras' own layers, compute in float32 whatever the model's precision, and have no
trainable weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecg_keras.array_types import AnyArray
from ecg_keras.errors import ConfigError, unknown_name
from ecg_keras.keras_library import keras, layers, ops

SCALINGS = ("none", "standardise", "minmax")
# layers that scale each ECG by itself, so that a network sees the same at any amplitude; the
# second is `preprocess`'s
BY_ITSELF = ("preprocess_minmax", "preprocess_zscore")


def scale(
    signal: keras.KerasTensor,
    scaling: str,
    mean: Sequence[float] | AnyArray | None = None,
    std: Sequence[float] | AnyArray | None = None,
) -> keras.KerasTensor:
    """Add the layers that scale a signal."""
    if scaling not in SCALINGS:
        raise ConfigError(unknown_name("scaling", scaling, SCALINGS))
    if scaling != "standardise" and not (mean is None and std is None):
        raise ConfigError(
            f"mean and std belong to scaling 'standardise'. Received: scaling {scaling!r}."
        )
    if scaling == "standardise":
        return _standardise(signal, mean, std)
    return _minmax(signal) if scaling == "minmax" else signal


def _standardise(
    signal: keras.KerasTensor,
    mean: Sequence[float] | AnyArray | None,
    std: Sequence[float] | AnyArray | None,
) -> keras.KerasTensor:
    num_leads = signal.shape[-1]
    means = _one_per_lead("mean", mean, num_leads)
    deviations = _one_per_lead("std", std, num_leads)
    if (deviations < 0).any():
        raise ConfigError(f"std must be at least 0 for every lead. Received: {list(deviations)}.")
    variances = np.where(deviations > 0, deviations**2, 1)
    layer = layers.Normalization(name="preprocess_standardise", dtype="float32")
    layer.build(signal.shape)
    set_layer_weights(layer, [means, variances, np.zeros(())])
    return layer(signal)


def _one_per_lead(name: str, values: Sequence[float] | AnyArray | None, num_leads: int) -> AnyArray:
    array = np.asarray([] if values is None else values, np.float64)
    if array.shape != (num_leads,) or not np.isfinite(array).all():
        raise ConfigError(
            f"scaling 'standardise' needs {name}: {num_leads} finite numbers in millivolts, one "
            f"per lead, of the training split. Received: {values}."
        )
    return array


def _minmax(signal: keras.KerasTensor) -> keras.KerasTensor:
    # a model of its own, so that the operations show as one layer with a name that says preprocess
    millivolts = keras.Input((None, signal.shape[-1]), name="millivolts", dtype="float32")
    low = ops.min(millivolts, axis=1, keepdims=True)
    high = ops.max(millivolts, axis=1, keepdims=True)
    scaled = ops.divide_no_nan(millivolts - (high + low) / 2, (high - low) / 2)
    return keras.Model(millivolts, scaled, name="preprocess_minmax")(signal)


def scaling_layer(model: keras.Model) -> keras.Layer | None:
    """The layer of a network that scales each ECG by itself, by its own range or deviation.

    Example:
        >>> scaling_layer(classifier(find_backbone("gru")(), ["MI"], scaling="minmax")).name
        'preprocess_minmax'
    """
    return next((layer for layer in model.layers if layer.name in BY_ITSELF), None)


def set_layer_weights(layer: keras.Layer, weights: Sequence[AnyArray]) -> None:
    """``layer.set_weights``, after which each Normalization computes with what was set.

    Args:
        layer: or a whole model; changed in place.
        weights: as ``layer.get_weights()`` gives them.

    Example:
        >>> model = classifier(find_backbone("gru")(num_samples=100), ["MI"])
        >>> set_layer_weights(model, model.get_weights())
    """
    layer.set_weights(weights)
    for one in layer._flatten_layers():
        if isinstance(one, layers.Normalization):
            one.finalize_state()
