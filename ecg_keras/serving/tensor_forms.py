"""Requests and answers in the two forms of TensorFlow Serving: JSON and protocol buffers.

Source: https://www.tensorflow.org/tfx/serving/api_rest, and TensorProto of TensorFlow.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np
import tensorflow as tf

from ecg_keras.array_types import AnyArray
from ecg_keras.json_files import refuse_constant
from ecg_keras.serving.served import Arrays, RefusedError, ServedModel, ServedSignature, TensorForm


def parse_json(body: bytes, served: ServedModel) -> tuple[ServedSignature, Arrays, bool]:
    """The signature and arrays of a request in JSON, and whether it is in rows."""
    try:
        content = json.loads(body, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"JSON Parse error: {error}") from error
    if not isinstance(content, dict):
        raise RefusedError(f"the body must be an object. Received: {type(content).__name__}.")
    name = content.get("signature_name", "")
    if not isinstance(name, str):
        raise RefusedError("'signature_name' key must be a string value.")
    signature = served.signature(name)
    if ("instances" in content) == ("inputs" in content):
        raise RefusedError(
            "Missing 'inputs' or 'instances' key"
            if "inputs" not in content
            else "expecting only one of 'inputs' or 'instances' keys to exist"
        )
    in_rows = "instances" in content
    named = _rows(content["instances"], signature) if in_rows else content["inputs"]
    if not _is_object(named):
        named = _alone(signature, named)
    signature.check_names(named)
    arrays = {one: _read_values(values, signature.inputs[one]) for one, values in named.items()}
    return signature, arrays, in_rows


def _rows(instances: Any, signature: ServedSignature) -> dict[str, list[Any]]:
    """Values of each input, of which every instance has one."""
    if not isinstance(instances, list) or not instances:
        raise RefusedError("'instances' must be a list of at least one")
    if not any(map(_is_object, instances)):
        return _alone(signature, instances)
    for number, one in enumerate(instances):
        if not _is_object(one) or one.keys() != signature.inputs.keys():
            raise RefusedError(
                f"Failed to process element: {number} of 'instances' list: it must be an object "
                f"with the keys {', '.join(sorted(signature.inputs))}."
            )
    return {name: [one[name] for one in instances] for name in signature.inputs}


def _alone(signature: ServedSignature, values: Any) -> dict[str, Any]:
    if len(signature.inputs) != 1:
        raise RefusedError(
            f"signature {signature.name} takes {len(signature.inputs)} inputs, so an object must "
            f"name them: {', '.join(sorted(signature.inputs))}."
        )
    return {next(iter(signature.inputs)): values}


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() != {"b64"}


def _read_values(value: Any, form: TensorForm) -> AnyArray:
    """Nested lists as an array; each level must have lists of one length, the last no list."""
    shape: list[int] = []
    level: list[Any] = [value]
    while level and isinstance(level[0], list):
        if set(map(type, level)) != {list} or len(lengths := set(map(len, level))) > 1:
            raise RefusedError(f"{form.name}: lists of one level must have one length.")
        shape += lengths
        level = list(chain.from_iterable(level))
    form.check(tuple(shape))
    try:
        return _as_array(level, form.dtype).reshape(shape)
    except (ValueError, OverflowError, binascii.Error) as error:
        raise RefusedError(f"{form.name}: {error}") from error


def _as_array(values: list[Any], dtype: Any) -> AnyArray:
    """Values of JSON as an array of a type that holds each of them."""
    if dtype == tf.string:
        return np.array([_as_bytes(one) for one in values], object)
    allowed = {bool} if dtype == tf.bool else {int} if dtype.is_integer else {int, float}
    wrong = set(map(type, values)) - allowed
    if wrong or not (dtype == tf.bool or dtype.is_integer or dtype.is_floating):
        received = ", ".join(sorted(one.__name__ for one in wrong)) or "values of JSON"
        raise ValueError(f"values must be of type {dtype.name}. Received: {received}.")
    if dtype.is_integer:
        limits = np.iinfo(dtype.as_numpy_dtype)
        if values and not limits.min <= min(values) <= max(values) <= limits.max:
            raise ValueError(f"values must be between {limits.min} and {limits.max}.")
        return np.array(values, dtype.as_numpy_dtype)
    with np.errstate(over="ignore"):
        found = np.array(values, np.float64).astype(dtype.as_numpy_dtype)
    if not np.isfinite(found.astype(np.float64)).all():
        raise ValueError(f"values must be finite as {dtype.name}.")
    return found


def _as_bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, dict) and isinstance(value.get("b64"), str):
        return base64.b64decode(value["b64"], validate=True)
    raise ValueError('strings must be text or {"b64": "..."}.')


def print_json(outputs: Arrays, in_rows: bool) -> bytes:
    """An answer in JSON, in rows or by name; of a single output the name is left out."""
    plain = {name: _plain(name, values) for name, values in outputs.items()}
    sizes = {values.shape[:1] for values in outputs.values()}
    if in_rows and (len(sizes) > 1 or () in sizes):
        raise RefusedError("the outputs have no row for each instance: ask for them with 'inputs'.")
    found: Any = plain
    if len(plain) == 1:
        (found,) = plain.values()
    elif in_rows:
        rows = zip(*plain.values(), strict=True)
        found = [dict(zip(plain, row, strict=True)) for row in rows]
    try:
        named = {"predictions" if in_rows else "outputs": found}
        return json.dumps(named, allow_nan=False).encode()
    except ValueError as error:
        raise RefusedError("the answer holds NaN or infinite numbers", "INTERNAL") from error


def _plain(name: str, values: AnyArray) -> Any:
    """Values of JSON; of float32 no more digits than say which number it is."""
    if values.dtype == object:
        texts = [
            {"b64": base64.b64encode(one).decode()}
            if name.endswith("_bytes")
            else one.decode(errors="replace")
            for one in values.ravel().tolist()
        ]
        return np.array(texts, object).reshape(values.shape).tolist()
    if values.dtype == np.float32:
        return values.astype(str).astype(np.float64).tolist()
    return values.astype(np.float64).tolist() if values.dtype.kind == "V" else values.tolist()


def parse_tensors(
    tensors: Mapping[str, Any], signature: ServedSignature, most_bytes: int
) -> Arrays:
    """The arrays of a request in protocol buffers, of which none is larger than ``most_bytes``."""
    signature.check_names(tensors)
    return {
        name: _read_tensor(tensors[name], form, most_bytes)
        for name, form in signature.inputs.items()
    }


def _read_tensor(tensor: Any, form: TensorForm, most_bytes: int) -> AnyArray:
    if tensor.dtype != form.dtype.as_datatype_enum:
        raise RefusedError(
            f"{form.name}: must be {form.dtype.name}. Received: type {tensor.dtype}."
        )
    shape = tuple(one.size for one in tensor.tensor_shape.dim)
    if tensor.tensor_shape.unknown_rank or min(shape, default=0) < 0:
        raise RefusedError(f"{form.name}: its shape must be known.")
    form.check(shape)
    # a few bytes may promise any size: one value stands for all
    size, given = math.prod(shape), len(tensor.string_val)
    if form.dtype == tf.string and given != size:  # each copy may be as long as the request
        raise RefusedError(f"{form.name}: must have a string for each element. Received: {given}.")
    if form.dtype != tf.string and size * form.dtype.size > most_bytes:
        what = f"{form.name}: larger than max, {most_bytes:,} bytes"
        raise RefusedError(what, "RESOURCE_EXHAUSTED")
    try:
        values: AnyArray = tf.make_ndarray(tensor)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise RefusedError(f"{form.name}: {error}") from error
    return values


def print_tensors(
    outputs: Arrays, signature: ServedSignature, wanted: tuple[str, ...], into: Any
) -> None:
    """Puts the outputs, or those that are wanted, into an answer in protocol buffers."""
    for name in wanted or outputs:
        tensor = tf.make_tensor_proto(outputs[name], signature.outputs[name].dtype)
        into[name].CopyFrom(tensor)


def check_wanted(signature: ServedSignature, wanted: tuple[str, ...]) -> None:
    """Refuses outputs that a signature does not give."""
    if unknown := sorted(set(wanted) - set(signature.outputs)):
        raise RefusedError(f"output tensor alias not found in signature: {unknown[0]}")
