"""Arrays of an ONNX graph, in PyTorch's layout and with the names of its parts.

The package `onnx` reads the file; nothing in a graph is run, and tensors that are in other files
are refused.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ecg_keras.array_types import AnyArray
from ecg_keras.errors import ConfigError, DataError, shortened

# of an operation's inputs, those after the first that are weights
ROLES: Mapping[str, tuple[str, ...]] = {
    "Conv": ("weight", "bias"),
    "Gemm": ("weight", "bias"),
    "MatMul": ("weight",),
    "BatchNormalization": ("weight", "bias", "running_mean", "running_var"),
    "LayerNormalization": ("weight", "bias"),
    "InstanceNormalization": ("weight", "bias"),
}
# what exporters call a tensor whose name was lost, such as onnx::Conv_123
NAMELESS = re.compile(r"onnx::\w+|\d+")


def read_onnx(path: Path) -> dict[str, AnyArray]:
    """Names and arrays of a graph's weights, in the order in which the graph uses them."""
    try:
        onnx = importlib.import_module("onnx")
        helper = importlib.import_module("onnx.numpy_helper")
    except ImportError as error:
        raise ConfigError(
            "ONNX files are read by the package onnx, which is not installed: "
            "pip install 'ecg_keras[weights]'."
        ) from error
    graph = onnx.ModelProto.FromString(path.read_bytes()).graph
    if graph.sparse_initializer:
        raise DataError("has sparse weights, which are not read. Export the network again.")
    arrays = {one.name: _read(one, helper) for one in graph.initializer}
    if len(arrays) < len(graph.initializer):
        raise ValueError("two of its weights have one name")
    uses = list(_list_uses(graph, arrays))
    named = {new: _arranged(arrays[old], node) for old, new, node in uses}
    named |= {name: arrays[name] for name in set(arrays) - {old for old, _, _ in uses}}
    if len(named) < len(arrays):
        raise DataError(
            "neither weights nor operations have names by which they are found. Export the network "
            "again, with names."
        )
    return named


def _read(tensor: Any, helper: Any) -> AnyArray:
    name = shortened(str(tensor.name))
    if tensor.data_location or tensor.external_data:
        raise DataError(
            f"the numbers of {name} are in another file, which is not opened. Save the model as "
            "one file."
        )
    if any(length < 0 for length in tensor.dims):
        raise ValueError(f"{name} has the shape {list(tensor.dims)}")
    return np.asarray(helper.to_array(tensor))


def _list_uses(graph: Any, arrays: Mapping[str, AnyArray]) -> Iterator[tuple[str, str, Any]]:
    """Each weight where it is first used: its name in the file, the name to have, and by whom."""
    seen = set()
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name in arrays and name not in seen:
                seen.add(name)
                yield name, _name(node, index, name), node


def _name(node: Any, index: int, name: str) -> str:
    roles = ROLES.get(node.op_type, ())
    if not NAMELESS.fullmatch(name):
        return name
    place = re.sub(r"^/|/[A-Za-z]+$", "", node.name).replace("/", ".") or node.op_type
    role = roles[index - 1] if 0 < index <= len(roles) else f"input{index}"
    return f"{place}.{role}"


def _arranged(array: AnyArray, node: Any) -> AnyArray:
    """As PyTorch keeps it: exporters turn the matrices of dense layers around, or say so."""
    transposed = any(one.name == "transB" and one.i for one in node.attribute)
    dense = node.op_type == "MatMul" or (node.op_type == "Gemm" and not transposed)
    return array.T if dense and array.ndim == 2 else array
