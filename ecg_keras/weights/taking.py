"""Published tensors into the layers of a network, completely or not at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ecg_keras.array_types import AnyArray
from ecg_keras.errors import ConfigError, DataError, list_problems, shortened, unknown_name
from ecg_keras.models import stage_of
from ecg_keras.weights.families import Family
from ecg_keras.weights.mappings import LAYOUTS, keras_layer
from ecg_keras.weights.recognising import of_network, recognise

# of the problems of tensors that do not fit, in an error's line
SHOWN = 3


@dataclass(frozen=True)
class Taken:
    """What `take_weights` did.

    Attributes:
        copied: names of the layers that have the published weights, in the order of the model.
        kept: names of the layers with weights that kept their own.
        ignored: names of the published tensors that no layer needs, and of those beside the
            network.
    """

    copied: tuple[str, ...]
    kept: tuple[str, ...]
    ignored: tuple[str, ...]


def take_weights(
    model: Any,
    tensors: Mapping[str, AnyArray],
    family: Family,
    *,
    head: Literal["keep", "new"] = "keep",
) -> Taken:
    """Copies published tensors into a network of ours, layer by layer.

    Either every layer fits and every tensor has its place or is ignored by the family on
    purpose, or nothing is changed.

    Args:
        model: a classifier or backbone of ``family.backbone`` (a functional `keras.Model`);
            changed in place. Layers of ``preprocess`` keep their own weights.
        tensors: such as `read_tensors` returns.
        family: a row of `FAMILIES`.
        head: ``"keep"`` takes the published head too, whose labels are those of the card;
            ``"new"`` leaves the head of the model as it is.

    Returns:
        Which layers were copied and which were not, and which tensors were ignored.

    Raises:
        DataError: tensors are missing, left over, of another shape or network, no real numbers, not
            finite as float32, or variances below 0. It has the first three such problems, its note
            the others, and it says which family fits better, if one does.
        ConfigError: ``head`` is unknown.

    Example:
        >>> family = find_family("resnet1d18")
        >>> take_weights(model, read_tensors("theirs.pt"), family)  # doctest: +SKIP
    """
    if head not in ("keep", "new"):
        raise ConfigError(unknown_name("head", head, ("keep", "new")))
    tensors, beside = of_network(tensors, family)
    tensors = family.renamed(tensors)
    used: set[str] = set()
    problems: list[str] = []
    arrays: dict[str, list[AnyArray]] = {}
    kept = []
    for layer in model.layers:
        if not layer.weights:
            continue
        prefix = family.tensors(layer.name)
        own = stage_of(layer) == "preprocess" or layer.name in family.own
        if own or (layer.name == "head" and head == "new"):
            kept.append(layer.name)
            used |= _below(prefix, tensors)
        elif prefix is None:
            problems.append(f"{layer.name}: the family {family.name} has no tensors for it")
        else:
            try:
                arrays[layer.name] = _make_arrays(layer, prefix, tensors, family, used)
            except DataError as error:
                problems.append(f"{layer.name}: {error}")
                used |= _below(prefix, tensors)
    ignored = tuple(name for name in tensors if name not in used)
    left = [name for name in ignored if not re.fullmatch(family.ignored, name)]
    problems += [f"{name}: left over, {tensors[name].shape}" for name in left]
    trained = [one for one in ignored if re.fullmatch(family.unused, one) and tensors[one].any()]
    problems += [
        f"{name}: is above 0, so these weights were trained with a layer that {family.name} does "
        "not use"
        for name in trained[:1]
    ]
    if problems:
        raise _make_error(model.name, tensors, family, problems)
    for name, values in arrays.items():
        model.get_layer(name).set_weights(values)
    return Taken(tuple(arrays), tuple(kept), (*ignored, *beside))


def _below(prefix: str | None, tensors: Mapping[str, AnyArray]) -> set[str]:
    """Names of the tensors of one published layer."""
    return {name for name in tensors if prefix and re.split(r"[./](?=\w+$)", name)[0] == prefix}


def _make_arrays(
    layer: Any, prefix: str, tensors: Mapping[str, AnyArray], family: Family, used: set[str]
) -> list[AnyArray]:
    def take(name: str) -> AnyArray:
        used.add(name)
        if name not in tensors:
            raise DataError(f"{name} is missing")
        return tensors[name]

    kind = type(layer).__name__
    usual = keras_layer if family.library == "keras" else LAYOUTS.get(kind)
    layout = family.layouts.get(layer.name, family.layouts.get(kind, usual))
    if layout is None:
        raise DataError(f"no layout is known for a layer {kind}")
    arrays = layout(take, prefix, layer)
    there = [array.shape for array in arrays]
    here = [tuple(weight.shape) for weight in layer.weights]
    if there != here:
        raise DataError(f"{prefix} gives {_shapes(there)}, and here are {_shapes(here)}")
    if odd := [str(array.dtype) for array in arrays if array.dtype.kind not in "fiu"]:
        raise DataError(f"{prefix} holds {odd[0]}, and weights are real numbers")
    with np.errstate(over="ignore"):  # what is too large becomes infinite, as it would in the layer
        arrays = [
            array.astype("float64" if weight.dtype == "float64" else "float32", copy=False)
            for array, weight in zip(arrays, layer.weights, strict=True)
        ]
    if not all(np.isfinite(array).all() for array in arrays):
        raise DataError(f"{prefix} holds numbers that are not finite, or too large for float32")
    for array, weight in zip(arrays, layer.weights, strict=True):
        if weight.name == "moving_variance" and (array < 0).any():
            raise DataError(f"{prefix} holds variances below 0")
    return arrays


def _shapes(shapes: list[tuple[int, ...]]) -> str:
    return " ".join(map(str, shapes))


def _make_error(
    network: str, tensors: Mapping[str, AnyArray], family: Family, problems: list[str]
) -> DataError:
    """Of one line, for it stands among other errors of a plan; a traceback has all problems."""
    better = recognise(tensors)
    advice = (
        f"These look like {better.name}'s."
        if better is not None and better.name != family.name
        else "Use the leads, labels and family that they were trained with."
    )
    shown = "; ".join(shortened(one, 300) for one in problems[:SHOWN])
    more = f"; and {len(problems) - SHOWN} more" * (len(problems) > SHOWN)
    error = DataError(
        f"these tensors do not fit {network} as {family.name}, and nothing was taken: {shown}"
        f"{more}. {advice}"
    )
    if more:
        error.__notes__ = [list_problems(problems)]  # `add_note` is of Python 3.11
    return error
