"""Stages: the parts of a network that train or rest together, read from its layers' names."""

from __future__ import annotations

from ecg_keras.errors import ConfigError, unknown_name
from ecg_keras.keras_library import keras

HEAD = "head"
PREPROCESS = "preprocess"


def stage_of(layer: keras.Layer) -> str:
    """The part of a layer's name before the first underscore."""
    return str(layer.name).split("_", 1)[0]


def stages(model: keras.Model) -> tuple[str, ...]:
    """The stages that have weights, from signal to head, without ``preprocess``.

    Example:
        >>> stages(classifier(find_backbone("resnet1d18")(), ["MI"]))
        ('stem', 'stage1', 'stage2', 'stage3', 'stage4', 'embedding', 'head')
    """
    names = dict.fromkeys(stage_of(layer) for layer in model.layers if layer.weights)
    return tuple(name for name in names if name != PREPROCESS)


def set_trainable(model: keras.Model, from_stage: str) -> None:
    """Let ``from_stage`` and all later stages train, and freeze all before.

    Frozen stages also keep their BatchNorm statistics. Scaling never trains. Compile the model
    afterwards: a compiled model continues to train what it trained before.

    Args:
        model: with stages, such as what `classifier` returns; changed in place.
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
    training = names[names.index(from_stage) :]
    for layer in model.layers:
        layer.trainable = stage_of(layer) in training


def variables_by_stage(model: keras.Model) -> dict[str, list[keras.Variable]]:
    """Each stage's trainable variables, in the order of `stages`; none where it is frozen.

    Every trainable variable of the model is in exactly one list.

    Example:
        >>> model = classifier(find_backbone("lstm")(num_samples=100), ["MI"])
        >>> [variable.path for variable in variables_by_stage(model)["head"]]
        ['head/kernel', 'head/bias']
    """
    variables: dict[str, list[keras.Variable]] = {name: [] for name in stages(model)}
    for layer in model.layers:
        if layer.trainable_variables:
            variables[stage_of(layer)].extend(layer.trainable_variables)
    return variables
