"""A network as attributions need it: in float32, up to its logits, apart where it scales ECGs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ecg_keras.errors import ConfigError
from ecg_keras.keras_library import keras, layers
from ecg_keras.models import call_of, calls_in_order, float32_clone, scaling_layer

EXACT = ("float32", "float64", None)


@dataclass(frozen=True, eq=False)
class NetworkParts:
    """A network in one part, or in two with the layer between them that scales each ECG by itself.

    ``whole`` gives ``(batch, labels)``: logits, or what the network puts out where it ends in
    neither sigmoid nor softmax. ``front`` makes of millivolts what is scaled, ``back`` takes what
    was scaled to the end.
    """

    whole: Any
    logits: bool
    front: Any = None
    scaler: Any = None
    back: Any = None


def take_apart(model: keras.Model) -> NetworkParts:
    """The parts of any Keras model with one input of signals and one output for each label."""
    takes, gives = (getattr(model, name, None) for name in ("inputs", "outputs"))
    if not takes or not gives:
        return NetworkParts(model, False)
    if len(takes) != 1 or len(gives) != 1 or len(takes[0].shape) != 3 or len(gives[0].shape) != 2:
        raise ConfigError(
            "a network to explain has one input (batch, num_samples, num_leads) and one output "
            f"(batch, num_labels). Received: inputs {[one.shape for one in takes]}, outputs "
            f"{[one.shape for one in gives]}."
        )
    model = _flat(_exact(keras.Model(takes[0], gives[0])))
    signal, logits = model.inputs[0], _before_activation(model.outputs[0])
    whole = keras.Model(signal, model.outputs[0] if logits is None else logits)
    scaler = scaling_layer(model)
    if scaler is None:
        return NetworkParts(whole, logits is not None)
    call = next(one for one in calls_in_order(whole.outputs[0]) if one.operation is scaler)
    before, after = call.input_tensors[0], call.output_tensors[0]
    front = None if before is signal else keras.Model(signal, before)
    back = keras.Model(after, whole.outputs[0])
    return NetworkParts(whole, logits is not None, front, scaler, back)


def _exact(model: keras.Model) -> keras.Model:
    """Gradients of half precision vanish or are coarse: the same weights in float32."""
    if all(layer.compute_dtype in EXACT for layer in model.layers):
        return model
    with suppress(TypeError, ValueError):  # of layers of somebody's own, which no file describes
        return float32_clone(model)
    return model


def _flat(model: keras.Model) -> keras.Model:
    """Without models inside that have weights, such as a backbone that was called as a layer."""
    if not any(_is_inner(layer) for layer in model.layers):
        return model
    signal = keras.Input(model.inputs[0].shape[1:], dtype=model.inputs[0].dtype)
    return keras.Model(signal, _run(model, signal))


def _is_inner(operation: Any) -> bool:
    return isinstance(operation, keras.Model) and bool(
        operation.weights and getattr(operation, "inputs", None)
    )


def _run(model: Any, *signals: Any, **_: Any) -> Any:
    def run(operation: Any) -> Callable[..., Any]:
        if not _is_inner(operation):
            return operation  # type: ignore[no-any-return]
        return lambda *inputs, **options: _run(operation, *inputs)

    graph = getattr(model, "_functional", None) or model
    return graph._run_through_graph(signals, operation_fn=run)


def _before_activation(output: Any) -> Any:
    """What goes into the sigmoid or softmax at the end; nothing where there is neither."""
    call = call_of(output)
    last, before = call.operation, call.input_tensors[0] if call.input_tensors else None
    if isinstance(last, layers.Softmax):
        return before
    if getattr(last, "activation", None) not in (
        keras.activations.sigmoid,
        keras.activations.softmax,
    ):
        return None
    if isinstance(last, layers.Activation):
        return before
    linear = type(last).from_config({**last.get_config(), "activation": "linear"})
    logits = linear(before)
    linear.set_weights(last.get_weights())
    return logits
