"""What published weights want done to their signals, as layers: unit, leads, filters, scaling.

Each is a layer ``preprocess_...`` of Keras' own operations that computes in float32 whatever the
model's precision and has no weights. So a network can't be used with the wrong unit or filter,
wherever it is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ecg_keras.config import CardScaling, Preprocessing
from ecg_keras.errors import ConfigError
from ecg_keras.keras_library import keras, ops
from ecg_keras.models.filtering import filter_layer
from ecg_keras.signals import lead_weights, missing_leads

# names of layers, or how they begin
LEADS_LAYER, FILTER_LAYERS = "preprocess_leads", "preprocess_filter"


def preprocess(
    signal: keras.KerasTensor,
    wanted: Preprocessing,
    *,
    leads: Sequence[str],
    sampling_rate: float,
) -> keras.KerasTensor:
    """Add the layers that do to a signal in millivolts what a published network wants.

    Args:
        signal: ``(batch, num_samples, num_leads)`` in millivolts.
        wanted: what is done, in its order: leads, unit, filters, scaling. At its defaults nothing.
        leads: names of the columns of ``signal``.
        sampling_rate: of ``signal``, in Hz.

    Returns:
        float32 ``(batch, num_samples, num_leads)`` with the leads that are wanted. A filter of
        both directions is SciPy's ``sosfiltfilt``, ends included, to 1e-6 of the largest sample;
        one of median is exact, takes a second of one core for a 12-lead ECG of 10 s at 500 Hz,
        and 50 MB. Filtered signals have one length.

    Raises:
        ConfigError: a lead is missing, or a signal is too short for a filter.

    Example:
        >>> signal = keras.Input((1000, 2), name="signal")
        >>> wanted = Preprocessing(unit="uV", leads=["I", "II", "III"])
        >>> preprocess(signal, wanted, leads=["II", "I"], sampling_rate=100).shape
        (None, 1000, 3)
    """
    names = tuple(wanted.leads or leads)
    if names != tuple(leads):
        signal = _layer(LEADS_LAYER, _mix_leads(leads, names, wanted.missing), signal)
    if wanted.per_millivolt != 1:
        signal = _layer("preprocess_unit", lambda x: x * wanted.per_millivolt, signal)
    for number, one in enumerate(wanted.filters, start=1):
        compute = filter_layer(one, signal.shape[1], sampling_rate)
        name = f"{FILTER_LAYERS}{number}_{one.kind}"
        signal = _layer(name, _along_time(compute), signal, num_samples=signal.shape[1])
    scaling = wanted.scaling
    if scaling.kind != "none":
        signal = _layer(f"preprocess_{scaling.kind}", _scaler(scaling), signal)
    return signal


def _mix_leads(leads: Sequence[str], wanted: Sequence[str], missing: str) -> Callable[[Any], Any]:
    lacking = missing_leads(leads, wanted)
    if lacking and (missing == "refuse" or len(lacking) == len(wanted)):
        raise ConfigError(
            f"the network wants the leads {', '.join(wanted)}, and {', '.join(lacking)} are not "
            f"among {', '.join(leads)}. Set data.leads to the network's, or let missing leads be "
            "zero with initialise.leads: fewer."
        )
    weights = lead_weights(leads, wanted)
    # sums of one or two columns: a matrix product would round copies on some GPUs
    first = weights.astype(bool).argmax(axis=0)
    second = len(leads) - 1 - weights[::-1].astype(bool).argmax(axis=0)
    columns = np.arange(len(wanted))
    share = weights[first, columns], np.where(first == second, 0, weights[second, columns])

    def mix(x: Any) -> Any:
        parts = [ops.take(x, index, axis=-1) for index in (first, second)]
        return parts[0] * share[0] + parts[1] * share[1].astype(np.float32)

    return mix


def _along_time(compute: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of ``(batch, leads, samples)`` for ``(batch, samples, leads)``."""
    return lambda x: ops.transpose(compute(ops.transpose(x, (0, 2, 1))), (0, 2, 1))


def _scaler(scaling: CardScaling) -> Callable[[Any], Any]:
    axes: Any = 1 if scaling.over == "lead" else (1, 2)
    if scaling.kind == "standardise":
        mean, std = (np.asarray(one, np.float32) for one in (scaling.mean, scaling.std))
        return lambda x: (x - mean) / std

    def z_score(x: Any) -> Any:
        centred = x - ops.mean(x, axis=axes, keepdims=True)
        variance = ops.mean(ops.square(centred), axis=axes, keepdims=True)
        if scaling.ddof:
            count = ops.sum(ops.ones_like(x), axis=axes, keepdims=True)
            variance = variance * count / (count - scaling.ddof)
        return ops.divide_no_nan(centred, ops.maximum(ops.sqrt(variance), scaling.floor))

    def minmax(x: Any) -> Any:
        low, high = (f(x, axis=axes, keepdims=True) for f in (ops.min, ops.max))
        bottom, top = scaling.to
        middle = (bottom + top) / 2
        share = ops.divide_no_nan(x - (high + low) / 2, high - low)
        return share * (top - bottom) + middle

    return z_score if scaling.kind == "zscore" else minmax


def _layer(
    name: str, compute: Callable[[Any], Any], signal: Any, num_samples: int | None = None
) -> Any:
    """A model of its own, so that its operations show as one layer whose name says preprocess."""
    inner = keras.Input((num_samples, signal.shape[-1]), name="before", dtype="float32")
    return keras.Model(inner, compute(inner), name=name)(signal)
