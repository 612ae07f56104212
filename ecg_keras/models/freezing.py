"""Stages: the parts of a network that train or rest together, read from its layers' names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ecg_keras.errors import ConfigError, unknown_name
from ecg_keras.keras_library import keras

HEAD = "head"
PREPROCESS = "preprocess"


def stage_of(layer: keras.Layer) -> str:
    """The part of a layer's name before the first underscore."""
    return str(layer.name).split("_", 1)[0]


def single_layers(model: keras.Model) -> Iterator[keras.Layer]:
    """The layers of a model, of a model in it with weights that one's layers.

    Example:
        >>> backbone = find_backbone("gru")(num_samples=100)
        >>> [layer.name for layer in single_layers(keras.Sequential([backbone]))]
        ['signal', 'stem_gru', 'embedding_flatten']
    """
    return _inside(model.layers)


def _inside(layers: Sequence[keras.Layer]) -> Iterator[keras.Layer]:
    for layer in layers:
        if isinstance(layer, keras.Model) and layer.weights:
            yield from _inside(layer.layers)
        else:
            yield layer


def _on_the_signal(model: keras.Model) -> list[keras.Layer]:
    """The layers of a model of several inputs that the signal goes through; of others, all."""
    inputs = getattr(model, "inputs", None) or []
    if len(inputs) < 2:
        return list(model.layers)
    signal = next((one for one in inputs if one.name == "signal"), inputs[0])
    reached, passed = {id(signal)}, set()
    for operation in model.operations:  # each after those that it depends on
        for node in operation._inbound_nodes:
            if any(id(tensor) in reached for tensor in node.input_tensors):
                reached.update(id(tensor) for tensor in node.outputs)
                passed.add(operation)
    return [layer for layer in model.layers if layer in passed]


def stages(model: keras.Model) -> tuple[str, ...]:
    """The stages that have weights, from signal to head, without ``preprocess``.

    Args:
        model: what `classifier` returns, or a model with such a network in it, as a layer or as
            layers. Of several inputs, the stages are on the way of ``signal``, or of the first.

    Example:
        >>> stages(classifier(find_backbone("resnet1d18")(), ["MI"]))
        ('stem', 'stage1', 'stage2', 'stage3', 'stage4', 'embedding', 'head')
    """
    weighted = (layer for layer in _inside(_on_the_signal(model)) if layer.weights)
    names = dict.fromkeys(stage_of(layer) for layer in weighted)
    return tuple(name for name in names if name != PREPROCESS)


def set_trainable(model: keras.Model, from_stage: str) -> None:
    """Let ``from_stage`` and all later stages train, and freeze all before.

    Frozen stages also keep their BatchNorm statistics. Scaling never trains; layers of other inputs
    than the signal always do. Compile the model afterwards: a compiled model continues to train
    what it trained before.

    Args:
        model: with stages, such as what `classifier` returns, or a model with such a network in it;
            changed in place.
        from_stage: one of ``stages(model)``; the first one lets everything train.

    Raises:
        ConfigError: the model has no such stage; nothing was changed.

    Example:
        >>> model = classifier(find_backbone("resnet1d18")(), ["MI"])
        >>> set_trainable(model, from_stage="stage4")
        >>> model.get_layer("stage3_block1_conv1").trainable
        False
    """
    names = stages(model)
    if from_stage not in names:
        raise ConfigError(unknown_name("stage", from_stage, names))
    resting = {PREPROCESS, *names[: names.index(from_stage)]}
    on_signal = {id(layer) for layer in _inside(_on_the_signal(model))}
    model.trainable = True  # and what is in it: a frozen model trains no layer of its own
    for layer in single_layers(model):
        layer.trainable = id(layer) not in on_signal or stage_of(layer) not in resting


def variables_by_stage(model: keras.Model) -> dict[str, list[keras.Variable]]:
    """Each stage's trainable variables, in the order of `stages`; none where it is frozen.

    Every trainable variable of the model is in exactly one list, also those of other inputs than
    the signal, by the first part of their layers' names.

    Example:
        >>> model = classifier(find_backbone("lstm")(num_samples=100), ["MI"])
        >>> [variable.path for variable in variables_by_stage(model)["head"]]
        ['head/kernel', 'head/bias']
    """
    variables: dict[str, list[keras.Variable]] = {name: [] for name in stages(model)}
    for layer in single_layers(model):
        if layer.trainable_variables:
            variables.setdefault(stage_of(layer), []).extend(layer.trainable_variables)
    return variables
