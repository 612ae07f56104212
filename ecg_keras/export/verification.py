"""Whether the SavedModel on disk answers as the Keras model in memory, and its warm-up requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from ecg_keras.array_types import AnyArray, Float32Array, Float64Array
from ecg_keras.data import STEP_MV
from ecg_keras.errors import DataError
from ecg_keras.export.card import Card
from ecg_keras.export.requests import CheckRequest
from ecg_keras.export.signatures import DEFAULT, Signature, describe_signatures
from ecg_keras.keras_library import keras
from ecg_keras.models import as_graph

WARMUP_FILE = "tf_serving_warmup_requests"

# On probabilities. Float32 differs by the order of sums alone; bfloat16 keeps 8 bits of each
# activation, so a network that was trained in it moves by about a hundredth in float32.
FLOAT32_LIMIT = 1e-5
MIXED_LIMIT = 0.05

Reference = Callable[[Float32Array], Float64Array]
References = Mapping[str, tuple[Reference, float]]


def simulate_check_signals(card: Card, *, count: int = 8) -> Float32Array:
    """ECG-like input for checks and warm-up: beats of about 1 mV, drift and noise."""
    random = np.random.default_rng(0)
    seconds = np.arange(card.num_samples) / card.sampling_rate
    # per ECG and lead: the beat's height, and its sign
    height = random.normal(0.0, 1.0, size=(count, 1, len(card.leads)))
    since_beat = seconds % random.uniform(0.6, 1.2, size=(count, 1))
    beat = np.exp(-(((since_beat - 0.2) / 0.02) ** 2)) + 0.2 * np.exp(
        -(((since_beat - 0.45) / 0.05) ** 2)
    )
    drift = 0.1 * np.sin(2 * np.pi * (0.3 * seconds + random.uniform(size=(count, 1))))
    noise = random.normal(0.0, 0.02, size=(count, card.num_samples, len(card.leads)))
    signals: Float32Array = (height * beat[:, :, None] + drift[:, :, None] + noise).astype(
        np.float32
    )
    return signals


def list_references(model: keras.Model, clone: keras.Model) -> References:
    """What a file is compared with, and how far it may be off.

    That is the model, and its float32 copy where it was trained in mixed precision.
    """
    mixed = any(layer.compute_dtype not in ("float32", None) for layer in model.layers)
    if not mixed:
        return {"Keras model": (_graph_of(model), FLOAT32_LIMIT)}
    return {
        "float32 copy of the Keras model": (_graph_of(clone), FLOAT32_LIMIT),
        "Keras model": (_graph_of(model), MIXED_LIMIT),
    }


def _graph_of(model: keras.Model) -> Reference:
    """Outside of a graph a recurrent network takes each call sample by sample, for seconds."""
    run = as_graph(model, *model.input_shape[1:])
    return lambda signals: np.asarray(run(signals), np.float64)


def check_saved_model(
    folder: Path,
    card: Card,
    rows: Sequence[Signature],
    references: References,
    signals: Float32Array,
) -> dict[str, Mapping[str, Any]]:
    """Loads the SavedModel with plain TensorFlow and compares it with Keras models.

    Returns what `describe_signatures` says of it.
    """
    loaded = tf.saved_model.load(str(folder))
    # what was given may be no ECG, and is compared as the network takes it
    simulated = simulate_check_signals(card, count=4)
    requests = [row.ask(card, signals if row.name == DEFAULT else simulated) for row in rows]
    # a layer that is random in inference, or keeps state, answers otherwise from the second time on
    loaded.signatures[rows[0].name](**_tensors(requests[0]))
    for row, request in zip(rows, requests, strict=True):
        answer = loaded.signatures[row.name](**_tensors(request))
        for name, (run, limit) in references.items():
            means, by_a_step = _expect(run, request)
            difference, allowed = _difference(answer, card, means), limit + by_a_step
            if not difference <= allowed:  # or it is no number
                raise DataError(
                    f"the SavedModel differs from the {name} by {difference:.2g} on {len(means)} "
                    f"ECGs ({row.name}); at most {allowed:.2g} is allowed. Nothing was exported. "
                    "A layer that is random in inference, or that keeps state outside of its "
                    "weights, does this."
                )
    return describe_signatures(loaded, rows)


def _difference(answer: Mapping[str, tf.Tensor], card: Card, means: AnyArray) -> float:
    """How far probabilities are off, and those of which another decision than theirs was made."""
    differences = []
    if card.output in answer:
        served = answer[card.output].numpy()
        check_probabilities(served, "SavedModel")
        differences.append(np.abs(served - means))
    if "decisions" in answer and card.thresholds is not None:
        limits = np.array([card.thresholds[label] for label in card.labels])
        otherwise = answer["decisions"].numpy() != (means >= limits)
        differences.append(np.where(otherwise, np.abs(means - limits), 0))
    return float(np.max(differences))


def _expect(run: Reference, request: CheckRequest) -> tuple[AnyArray, float]:
    """The mean over each ECG's windows, and how far it moves where each sample is a step off."""
    means = _average(run, request.windows)
    if not request.rounded:
        return means, 0.0
    moved = _average(run, _move(request.windows))
    return means, float(np.abs(moved - means).max())


def _average(run: Reference, windows: Sequence[Float32Array]) -> AnyArray:
    """The mean over each ECG's windows."""
    ends = np.cumsum([len(one) for one in windows])
    parts = np.split(run(np.concatenate(windows)), ends[:-1])
    return np.stack([part.mean(axis=0) for part in parts])


def _move(windows: Sequence[Float32Array]) -> list[Float32Array]:
    """The same with each sample a step higher or lower.

    One that is half way between two falls to either, as the processor of the graph likes.
    """
    random = np.random.default_rng(0)
    signs = [random.choice(np.array([-1, 1], np.float32), one.shape) for one in windows]
    return [one + np.float32(STEP_MV) * sign for one, sign in zip(windows, signs, strict=True)]


def _tensors(request: CheckRequest) -> dict[str, tf.Tensor]:
    return {name: tf.constant(values) for name, values in request.inputs.items()}


def check_probabilities(values: Float32Array, what: str) -> None:
    """Raises a `DataError` where a value is outside of [0, 1]."""
    if not np.all((values >= 0) & (values <= 1)):
        raise DataError(
            f"the {what}'s output is not a probability: it ranges from {values.min()} "
            f"to {values.max()}. Nothing was exported. The head needs a sigmoid or softmax, "
            "and the weights must be finite."
        )


def write_warmup(
    extra_assets: Path, card: Card, rows: Sequence[Signature], signals: Float32Array
) -> None:
    """Writes requests that TensorFlow Serving replays before it serves, so that no client waits.

    For each signature one of a single ECG and one of the whole batch, in the format of
    https://www.tensorflow.org/tfx/serving/saved_model_warmup
    """
    # imported here: it takes a second, and only an export needs it
    from tensorflow_serving.apis import prediction_log_pb2  # type: ignore[import-untyped]

    extra_assets.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(extra_assets / WARMUP_FILE)) as writer:
        for row in rows:
            for batch in (signals[:1], signals):
                log = prediction_log_pb2.PredictionLog()
                request = log.predict_log.request
                request.model_spec.signature_name = row.name
                for name, values in row.ask(card, batch).inputs.items():
                    request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
                writer.write(log.SerializeToString())
