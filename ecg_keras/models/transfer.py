"""Transfer: an upstream network's weights into a new one, completely or not at all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from ecg_keras.errors import ConfigError, DataError, unknown_name
from ecg_keras.keras_library import keras
from ecg_keras.models.calls import check_has_graph
from ecg_keras.models.freezing import HEAD, PREPROCESS, single_layers, stage_of
from ecg_keras.models.preprocessing import LEADS_LAYER
from ecg_keras.models.saving import load_model
from ecg_keras.models.scaling import set_layer_weights


@dataclass(frozen=True)
class Transfer:
    """What `load_backbone` did.

    Attributes:
        path: what the weights were read from.
        copied: names of the layers whose weights were copied, in the order of the model.
        kept: names of the layers with weights that kept their own: the head, if it is new, the
            scaling, if it is the model's own, and layers that the upstream has nothing of.
    """

    path: Path
    copied: tuple[str, ...]
    kept: tuple[str, ...]


def load_backbone(
    model: keras.Model,
    path: str | Path,
    *,
    head: Literal["new", "keep"] = "new",
    scaling: Literal["upstream", "own"] = "upstream",
) -> Transfer:
    """Copy a trained network's weights into a model of the same backbone, layer by layer by name.

    Either every layer fits or nothing is changed. The scaling comes with the weights, because
    they were trained behind it: the means and standard deviations of ``standardise`` are the
    upstream's, and both models must scale in the same way: layers of one name that only compute,
    such as filters, have to give the same.

    A model of your own with such a network in it, as a layer or as layers, takes the weights too:
    where it has several inputs or outputs or a network as a layer, its layers of stages that the
    upstream does not have are its own, and keep their weights.

    Args:
        model: such as what `classifier` returns; changed in place.
        path: a ``.keras`` file or a run folder.
        head: ``"new"`` leaves the model's head as it is; ``"keep"`` copies it too, which means
            the same only if both have the same labels in the same order: names of labels are not
            in the file, so compare them before.
        scaling: ``"own"`` leaves the model's scaling as it is, whatever the upstream's is.

    Returns:
        Which layers were copied and which were not.

    Raises:
        DataError: the file is missing or unreadable, or layers are missing, left over or of
            another shape: all of them are listed.
        ConfigError: ``head`` or ``scaling`` is unknown, or the model has a call of its own: put it
            into one that has not, ``keras.Model(inputs, model(inputs))``.

    Example:
        >>> load_backbone(model, "runs/ptbxl_pretrain")  # doctest: +SKIP
    """
    for name, value, allowed in (
        ("head", head, ("new", "keep")),
        ("scaling", scaling, ("upstream", "own")),
    ):
        if value not in allowed:
            raise ConfigError(unknown_name(name, value, allowed))
    check_has_graph(model)
    upstream = load_model(path)
    own = ([HEAD] if head == "new" else []) + ([PREPROCESS] if scaling == "own" else [])
    theirs = [layer for layer in _weighted(upstream) if stage_of(layer) not in own]
    ours = [layer for layer in _weighted(model) if stage_of(layer) not in own]
    if _is_composed(model):
        known = {stage_of(layer) for layer in theirs}
        ours = [layer for layer in ours if stage_of(layer) in known]
    sources, targets = ({layer.name: layer for layer in part} for part in (theirs, ours))
    problems = _layer_problems(targets, sources)
    problems += [
        f"{name}: twice here" for name, n in Counter(one.name for one in ours).items() if n > 1
    ]
    if scaling == "upstream":
        problems = _scaling_problems(model, upstream) + problems
    if problems:
        problems = _signal_problems(model, upstream) + problems
        raise DataError(
            f"{path}: its weights do not fit this {model.name}, and nothing was loaded. Use the "
            "backbone, head, leads, length and scaling they were trained with.\n  "
            + "\n  ".join(problems)
        )
    for name, layer in targets.items():
        set_layer_weights(layer, sources[name].get_weights())
    # what was traced before holds the old scaling as constants
    model.train_function = model.test_function = model.predict_function = None
    kept = tuple(layer.name for layer in _weighted(model) if layer.name not in targets)
    return Transfer(Path(path), tuple(targets), kept)


def _weighted(model: keras.Model) -> list[keras.Layer]:
    return [layer for layer in single_layers(model) if layer.weights]


def _is_composed(model: keras.Model) -> bool:
    """Whether a model has a network as a layer, or several inputs or outputs."""
    nested = any(isinstance(layer, keras.Model) and layer.weights for layer in model.layers)
    return nested or len(model.inputs) > 1 or len(model.outputs) > 1


def _layer_problems(targets: dict[str, keras.Layer], sources: dict[str, keras.Layer]) -> list[str]:
    problems = []
    for name in [*targets, *(name for name in sources if name not in targets)]:
        if name not in sources:
            problems.append(f"{name}: not in the file")
        elif name not in targets:
            problems.append(f"{name}: only in the file")
        elif _shapes(sources[name]) != _shapes(targets[name]):
            problems.append(
                f"{name}: {_shapes(sources[name])} in the file, {_shapes(targets[name])} here"
            )
    return problems


def _shapes(layer: keras.Layer) -> str:
    return " ".join(str(tuple(weight.shape)) for weight in layer.weights)


def _scaling_problems(model: keras.Model, upstream: keras.Model) -> list[str]:
    there, here = (
        {
            layer.name: layer
            for layer in single_layers(network)
            # which leads there are is no matter of scaling
            if stage_of(layer) == PREPROCESS and layer.name != LEADS_LAYER
        }
        for network in (upstream, model)
    )
    if list(there) != list(here):
        names = (", ".join(one) or "none" for one in (there, here))
        return ["scaling: {} in the file, {} here".format(*names)]
    return [
        f"{name}: makes something else of a signal in the file than here"
        for name, layer in here.items()
        if not layer.weights and _differ(there[name], layer)
    ]


def _differ(there: keras.Layer, here: keras.Layer) -> bool:
    """Whether two layers without weights, such as filters, make other things of a fixed signal."""
    shapes = [tuple(getattr(layer.input, "shape", ())) for layer in (there, here)]
    if {len(shape) for shape in shapes} != {3}:
        return False
    (lengths, leads) = ({*sizes} - {None} for sizes in list(zip(*shapes, strict=True))[1:])
    if len(lengths) > 1 or len(leads) > 1:
        return False  # a filter is made for one length, and other leads are found by the weights
    size = (*(lengths or {1000}), *(leads or {12}))
    steps = np.random.default_rng(0).normal(0, 0.5, size)
    signal = steps + 0.1 * steps.cumsum(axis=0)
    # the small one shows the least deviation that a scaling divides by
    signals = np.stack([signal, 1e-5 * signal]).astype(np.float32)
    one, other = (np.asarray(layer(signals), np.float32) for layer in (there, here))
    largest = np.abs(one).max(axis=(1, 2), keepdims=True)
    return one.shape != other.shape or bool((np.abs(one - other) > 0.01 * largest).any())


def _signal_problems(model: keras.Model, upstream: keras.Model) -> list[str]:
    """What explains layers of another shape: another length or number of leads."""
    names = ("samples", "leads")
    there, here = (
        next((one.shape for one in network.inputs if one.name == "signal"), network.inputs[0].shape)
        for network in (upstream, model)
    )
    sizes = zip(names, there[1:], here[1:], strict=False)
    return [
        f"signal: {there} {name} in the file, {here} here"
        for name, there, here in sizes
        if there != here
    ]
