"""The graph of a network as calls of its layers, one for each place where a layer is used."""

from __future__ import annotations

from typing import Any

from ecg_keras.errors import ConfigError
from ecg_keras.keras_library import KerasTensor, keras


def check_has_graph(model: keras.Model) -> None:
    """Raises a `ConfigError` of a model that is no graph of layers: subclassed, or not built.

    Example:
        >>> check_has_graph(find_backbone("fcn_wang")(num_samples=100))
    """
    if not getattr(model, "inputs", None):
        raise ConfigError(
            f"{model.name} does not say what it takes: it has a call of its own, or is not built. "
            "Put it into a model that does: inputs = keras.Input((num_samples, num_leads)); "
            "keras.Model(inputs, model(inputs))."
        )


def calls_in_order(output: KerasTensor) -> list[Any]:
    """All calls that an output of a network needs, each after those whose outputs it takes.

    Args:
        output: symbolic, such as ``model.outputs[0]``. Of a model that was called as a layer there
            is its call, not those in it.

    Returns:
        Keras' nodes, with ``operation``, ``input_tensors`` and ``output_tensors``.

    Example:
        >>> model = find_backbone("fcn_wang")(num_samples=100)
        >>> calls_in_order(model.outputs[0])[0].operation.name
        'ecg'
    """
    found: dict[int, Any] = {}
    pending = [(call_of(output), False)]
    while pending:
        node, is_ready = pending.pop()
        if id(node) in found:
            continue
        if is_ready:
            found[id(node)] = node
        else:
            pending.append((node, True))
            pending += [(before, False) for before in calls_before(node)]
    return list(found.values())


def call_of(tensor: KerasTensor) -> Any:
    """The call that a symbolic tensor is an output of.

    Example:
        >>> signal = keras.Input((100, 12), name="signal")
        >>> call_of(signal).operation.name
        'signal'
    """
    history = tensor._keras_history
    return history.operation._inbound_nodes[history.node_index]


def calls_before(node: Any) -> list[Any]:
    """The calls whose outputs this one, of `calls_in_order`, takes.

    Example:
        >>> calls_before(call_of(keras.Input((100, 12))))
        []
    """
    return [call_of(tensor) for tensor in node.input_tensors]
