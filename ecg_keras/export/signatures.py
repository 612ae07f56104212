"""The table of signatures: what a client may ask a SavedModel for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from ecg_keras.array_types import Float32Array
from ecg_keras.errors import ConfigError, DataError, look_up
from ecg_keras.export.as_recorded import Tensors, refuse, unless
from ecg_keras.export.card import Card
from ecg_keras.export.fast_recurrence import with_fast_recurrence
from ecg_keras.export.graph_answers import (
    Network,
    answer_examples,
    answer_recordings,
    answer_signal,
)
from ecg_keras.export.requests import CheckRequest, ask_as_recorded, ask_examples, ask_signal
from ecg_keras.keras_library import keras
from ecg_keras.signals import LEADS

# what each input and output is, for cards and docs
MEANINGS = {
    "signal": "the samples of each ECG, a column for each lead",
    "sampling_rate": "in Hz, of each recording: 10 to 100,000, at least a tenth of the network's",
    "leads": "of each recording, the name of each column in any order and case: I, aVR, V1, DII, "
    "MDC_ECG_LEAD_I",
    "unit": "of each recording: mV, uV or V",
    "examples": "serialised tf.train.Examples as shards hold them",
    "probabilities": "of each label; calibrated where the run was",
    "calibrated": "whether the probabilities are calibrated",
    "decisions": "whether each probability is at least its label's threshold",
    "labels": "the names of the columns of probabilities and decisions",
    "windows": "how many windows were asked about; the probabilities are their mean",
    "lost": "how many windows were left out because something in them is missing",
    "not_finite": "of each lead of the network, whether samples are missing or infinite",
    "flat": "of each lead, whether nothing shows in it for a quarter of the time or more",
    "clipped": "of each lead, whether more than a tenth of its samples are at the end of its scale",
    "peak_mv": "the largest absolute sample in millivolts",
    "suspect_unit": "whether the largest sample is below 0.05 or above 20 mV",
}


@dataclass(frozen=True)
class Signature:
    """One row: its name, the input it takes, its answer, and a request with what is expected.

    The answer holds probabilities, decisions or both, by which an export is compared.
    """

    name: str
    # what a client sends, and which clients it is for: a line of docs/serving.md
    about: str
    clients: str
    takes: Callable[[Card], dict[str, tf.TensorSpec]]
    answer: Callable[[Network, Card, Tensors], Tensors]
    # a request about ECGs as the network takes them, and the windows that the library makes of it
    ask: Callable[[Card, Float32Array], CheckRequest]
    # what it needs and this network lacks, with what there is; empty where it can have it
    lacks: Callable[[Card], str] = lambda card: ""


def _take_signal(card: Card) -> dict[str, tf.TensorSpec]:
    shape = (None, card.num_samples, len(card.leads))
    return {card.input: tf.TensorSpec(shape, tf.float32, name=card.input)}


def _take_recordings(card: Card) -> dict[str, tf.TensorSpec]:
    del card
    return {
        "signal": tf.TensorSpec((None, None, None), tf.float32, name="signal"),
        "sampling_rate": tf.TensorSpec((None,), tf.float32, name="sampling_rate"),
        "leads": tf.TensorSpec((None, None), tf.string, name="leads"),
        "unit": tf.TensorSpec((None,), tf.string, name="unit"),
    }


def _take_examples(card: Card) -> dict[str, tf.TensorSpec]:
    del card
    return {"examples": tf.TensorSpec((None,), tf.string, name="examples")}


def _lack_leads(card: Card) -> str:
    if set(card.leads) <= set(LEADS):
        return ""
    return f"leads of the standard twelve. Received: {', '.join(card.leads)}."


DEFAULT = "serving_default"
NOT_FINITE = "signal holds NaN or infinite samples: repair or leave out that ECG"
SIGNATURES = (
    Signature(
        DEFAULT,
        "ECGs just as the network takes them, in **millivolts**",
        "clients that prepare ECGs themselves",
        _take_signal,
        answer_signal,
        ask_signal,
    ),
    Signature(
        "recordings",
        "ECGs of any sampling rate, leads, unit and length",
        "devices and hospitals",
        _take_recordings,
        answer_recordings,
        ask_as_recorded,
        _lack_leads,
    ),
    Signature(
        "examples",
        "serialised `tf.train.Example`s, as [shards](architecture.md#shards-a-folder-with) hold "
        "them",
        "what `ecg-keras prepare` made",
        _take_examples,
        answer_examples,
        ask_examples,
    ),
)


def choose_signatures(card: Card, names: Sequence[str] | None) -> tuple[Signature, ...]:
    """The rows of these names, or all that a network with this card can have."""
    if names is None:
        return tuple(row for row in SIGNATURES if not row.lacks(card))
    table = {row.name: row for row in SIGNATURES}
    rows = tuple(look_up("signature", name, table) for name in dict.fromkeys(names))
    if DEFAULT not in names:
        raise ConfigError(f"signatures must hold {DEFAULT}. Received: {', '.join(names)}.")
    for row in rows:
        if lacks := row.lacks(card):
            raise ConfigError(f"signature {row.name} needs {lacks}")
    return rows


def write_graph(model: keras.Model, folder: str, card: Card, rows: Sequence[Signature]) -> None:
    """Writes a network with signatures, each behind the checks of its input."""
    (takes,) = _take_signal(card).values()
    fast = with_fast_recurrence(model)

    # AutoGraph would take seconds to rewrite the source of every function, for Python's `if` and
    # `for` over tensors, of which there are none
    @tf.function(input_signature=[takes], autograph=False)  # type: ignore[untyped-decorator]
    def network(signal: tf.Tensor) -> tf.Tensor:
        """Traced once, so that the file holds it once."""
        wrong = ~tf.reduce_all(tf.math.is_finite(signal))
        return fast(unless([refuse(wrong, NOT_FINITE)], signal), training=False)

    root = tf.Module()
    # others are what layers hold elsewhere, such as Keras' seed: the comparison shows if it matters
    others = network.get_concrete_function().variables
    root.weights = [*(variable.value for variable in model.variables), *others]
    functions = {
        row.name: tf.function(
            _serve(row, network, card),
            input_signature=list(row.takes(card).values()),
            autograph=False,
        ).get_concrete_function()
        for row in rows
    }
    try:
        tf.saved_model.save(root, folder, signatures=functions)
    except tf.errors.OpError as error:
        raise OSError(error.message) from error


def _serve(row: Signature, network: Network, card: Card) -> Callable[..., Tensors]:
    takes = row.takes(card)

    def serve(*inputs: tf.Tensor) -> Tensors:
        # a server doesn't compare a request with the signature's shape, and a pooled network would
        # answer an ECG of another sampling rate
        checked = {
            name: tf.ensure_shape(values, spec.shape)
            for values, (name, spec) in zip(inputs, takes.items(), strict=True)
        }
        return row.answer(network, card, checked)

    return serve


def describe_signatures(loaded: Any, rows: Sequence[Signature]) -> dict[str, Mapping[str, Any]]:
    """Of each signature its inputs and outputs: type, shape and meaning."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        function = loaded.signatures[row.name]
        ways = {
            "inputs": function.structured_input_signature[1],
            "outputs": function.structured_outputs,
        }
        found[row.name] = {
            way: {name: _describe(name, spec) for name, spec in sorted(specs.items())}
            for way, specs in ways.items()
        }
    return found


def _describe(name: str, spec: tf.TensorSpec) -> dict[str, Any]:
    if name not in MEANINGS:
        raise DataError(f"the signature's tensor {name} has no meaning in MEANINGS.")
    return {"type": spec.dtype.name, "shape": spec.shape.as_list(), "meaning": MEANINGS[name]}
