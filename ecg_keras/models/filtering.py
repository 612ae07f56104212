"""Filters of whole ECGs as layers: what ``filtfilt``, ``lfilter`` and ``medfilt`` of SciPy compute.

A recursive filter is a product with its frequency response. That is the same filter, not one that
is like it, where the signal is continued for as long as the filter remembers: at both ends of a
``filtfilt`` by the odd extension that SciPy makes, and then as a constant, which is the state that
SciPy begins each pass in. Measured on a real ECG, with an offset of 3 mV, in float32 against SciPy
in float64: at most 8e-7 of the largest sample, at the ends no more than in the middle.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import fft, signal as design

from ecg_keras.array_types import Float32Array, Float64Array
from ecg_keras.config import CardFilter
from ecg_keras.errors import ConfigError
from ecg_keras.keras_library import ops

Layer = Callable[[Any], Any]
# what is left of an impulse when it counts as forgotten, as a share
FORGOTTEN = 1e-9
# samples that a filter may remember: above them it takes more memory than an ECG is worth
MAX_MEMORY = 500_000


def filter_layer(settings: CardFilter, num_samples: int, sampling_rate: float) -> Layer:
    """What one filter does to signals ``(batch, leads, num_samples)``."""
    if settings.kind == "median":
        widths = [int(seconds * sampling_rate) // 2 * 2 + 1 for seconds in settings.seconds]
        return lambda x: x - _median(x, widths)
    sections = _design(settings, sampling_rate)
    return (
        _both_ways(sections, num_samples) if settings.zero_phase else _causal(sections, num_samples)
    )


def _design(settings: CardFilter, sampling_rate: float) -> Float64Array:
    """Second-order sections."""
    if settings.kind == "notch":
        b, a = design.iirnotch(settings.hz, settings.quality, fs=sampling_rate)
        return np.asarray(np.concatenate([b, a])[None], np.float64)
    sections: Float64Array = design.butter(
        settings.order, settings.hz, settings.kind, output="sos", fs=sampling_rate
    )
    return sections


def _memory(sections: Float64Array) -> int:
    """Samples after which nothing is left of an impulse."""
    slowest = max(np.abs(np.roots(section[3:])).max() for section in sections)
    memory = math.ceil(math.log(FORGOTTEN) / math.log(min(max(slowest, 0.1), 1 - 1e-6)))
    if memory > MAX_MEMORY:
        raise ConfigError(
            f"a filter remembers {memory} samples or more, and may remember {MAX_MEMORY}. Give it "
            "a higher lower edge, a lower order or a lower quality."
        )
    return memory


def _response(sections: Float64Array, length: int) -> tuple[Float32Array, Float32Array]:
    """Real and imaginary part at the frequencies of a transform of this length."""
    frequencies = 2 * np.pi * np.arange(length // 2 + 1) / length
    _, response = design.sosfreqz(sections, frequencies)
    return response.real.astype(np.float32), response.imag.astype(np.float32)


def _product(x: Any, response: tuple[Any, Any], length: int) -> Any:
    """Circular convolution of the last axis."""
    real, imaginary = ops.rfft(x, fft_length=length)
    there_real, there_imaginary = response
    return ops.irfft(
        (
            real * there_real - imaginary * there_imaginary,
            real * there_imaginary + imaginary * there_real,
        ),
        fft_length=length,
    )


def _causal(sections: Float64Array, num_samples: int) -> Layer:
    """One pass from a state of rest, as `scipy.signal.lfilter`."""
    length = fft.next_fast_len(num_samples + _memory(sections), real=True)
    response = _response(sections, length)
    return lambda x: _product(x, response, length)[..., :num_samples]


def _both_ways(sections: Float64Array, num_samples: int) -> Layer:
    """A pass forward and one backward, as `scipy.signal.filtfilt` and ``sosfiltfilt``."""
    # of a notch or an odd order the last coefficients of a section may be zero
    order = 2 * len(sections) - min((sections[:, 2] == 0).sum(), (sections[:, 5] == 0).sum())
    edge, memory = 3 * (int(order) + 1), _memory(sections)
    if num_samples <= edge:
        raise ConfigError(
            f"a filter of order {order} needs signals of more than {edge} samples. Received: "
            f"{num_samples}."
        )
    extended = num_samples + 2 * edge
    length = fft.next_fast_len(memory + extended, real=True)
    response = _response(sections, length)

    def one_way(x: Any) -> Any:
        before = ops.repeat(x[..., :1], memory, axis=-1)
        continued = ops.concatenate([before, x], axis=-1)
        return _product(continued, response, length)[..., memory : memory + extended]

    def both(x: Any) -> Any:
        left = 2 * x[..., :1] - ops.flip(x[..., 1 : edge + 1], axis=-1)
        right = 2 * x[..., -1:] - ops.flip(x[..., -edge - 1 : -1], axis=-1)
        forward = one_way(ops.concatenate([left, x, right], axis=-1))
        backward = one_way(ops.flip(forward, axis=-1))
        return ops.flip(backward, axis=-1)[..., edge : edge + num_samples]

    return both


def _median(x: Any, widths: list[int]) -> Any:
    """Running medians one after the other; beyond its ends a signal is zero, as in ``medfilt``."""
    for width in widths:
        padded = ops.pad(x, [(0, 0), (0, 0), (width // 2, width // 2)])
        windows = ops.extract_sequences(padded, width, 1)
        x = ops.sort(windows, axis=-1)[..., width // 2]
    return x
