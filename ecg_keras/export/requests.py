"""Requests for each signature, and the windows that the library's own code makes of them.

They warm a server up, and with them a SavedModel is compared with Keras before it is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from ecg_keras import data
from ecg_keras.array_types import AnyArray, Float32Array
from ecg_keras.errors import DataError
from ecg_keras.export.card import Card
from ecg_keras.records import RecordInfo, Signal, Span, cut_signal

Outcome = data.Converted | data.LeftOut


@dataclass(frozen=True, eq=False)
class CheckRequest:
    """A request, and the windows of each of its ECGs that a network is to be asked about.

    Where they are ``rounded`` the graph resamples and rounds what it gets, as the library does.
    """

    inputs: dict[str, AnyArray]
    windows: list[Float32Array]
    rounded: bool = False


def ask_signal(card: Card, signals: Float32Array) -> CheckRequest:
    """ECGs as the network takes them."""
    return CheckRequest({card.input: signals}, [one[None] for one in signals])


def ask_examples(card: Card, signals: Float32Array) -> CheckRequest:
    """The same as a shard holds them."""
    del card
    stored = [data.quantise(one) for one in signals]
    examples = [_example(samples.tobytes(), step) for samples, step in stored]
    windows = [(samples * np.float32(step))[None] for samples, step in stored]
    return CheckRequest({"examples": np.array(examples, object)}, windows)


def _example(samples: bytes, step: float) -> bytes:
    features = {
        "signal": tf.train.Feature(bytes_list=tf.train.BytesList(value=[samples])),
        "scale": tf.train.Feature(float_list=tf.train.FloatList(value=[step])),
    }
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return bytes(example.SerializeToString())


def ask_as_recorded(card: Card, signals: Float32Array) -> CheckRequest:
    """The same as if they had been sampled faster and longer, in microvolts, leads backwards."""
    times, factor = (3, 2.0) if card.resample == "decimate" else (4, 2.5)
    values = np.tile(signals[:, :, ::-1], (1, times, 1)) * np.float32(1000)
    rate, leads = factor * card.sampling_rate, card.leads[::-1]
    inputs = {
        "signal": values,
        "sampling_rate": np.full(len(values), rate, np.float32),
        "leads": np.array([leads] * len(values), object),
        "unit": np.array(["uV"] * len(values), object),
    }
    windows = [_list_windows(card, one / 1000, rate, leads) for one in values]
    return CheckRequest(inputs, windows, rounded=True)


@dataclass(frozen=True, eq=False)
class _InMemory:
    """A recording that is there already, read as a source reads it."""

    signal: Signal

    def read_signal(self, info: RecordInfo, span: Span | None = None) -> Signal:
        del info
        return cut_signal(self.signal, span)


def convert(card: Card, values: Float32Array, rate: float, leads: tuple[str, ...]) -> list[Outcome]:
    """What `ecg_keras.data` makes of ``(num_samples, num_leads)`` in millivolts for a network."""
    info = RecordInfo("a request", "a request", Path("a request"), ())
    source = _InMemory(Signal(values, rate, leads))
    return list(data.convert_windows(info, source, card.data, data.Verified()))


def _list_windows(
    card: Card, values: Float32Array, rate: float, leads: tuple[str, ...]
) -> Float32Array:
    found = convert(card, values, rate, leads)
    kept = [one.samples * np.float32(one.scale) for one in found if isinstance(one, data.Converted)]
    if not kept:
        raise DataError(f"no window of an ECG for a check can be used: {found[0]}")
    return np.stack(kept)
