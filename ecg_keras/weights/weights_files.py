"""Files of weights, whoever wrote them: what kind one is shows its content, not its name."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

from ecg_keras.errors import DataError, shortened
from ecg_keras.weights.torch_files import as_array, read_torch

Array = npt.NDArray[Any]
SAFE_DTYPES = {
    "F64": "f8", "F32": "f4", "F16": "f2", "BF16": "bfloat16", "I64": "i8", "I32": "i4",
    "I16": "i2", "I8": "i1", "U8": "u1", "BOOL": "?",
}  # fmt: skip
# of whatever wraps a network while it is trained
WRAPPERS = ("module.", "_orig_mod.", "model.", "net.", "network.")


def read_tensors(path: str | Path) -> dict[str, Array]:
    """Reads names and arrays from a file of weights; nothing in the file is run.

    Args:
        path: what PyTorch saved (a state dict, alone or in a checkpoint) or a safetensors file.
            The kind is found from the content, whatever the file is called.

    Returns:
        Arrays by the names that the file gives them, without a prefix of a wrapper
        (``module.``, ``_orig_mod.``, ``model.``) that all of them have. Numbers of 16 bits are
        float32; others are as stored, in the layout of the library that wrote them.

    Raises:
        DataError: there is no such file, it is of another kind, damaged, or asks for a call of
            something that no tensor needs.

    Example:
        >>> read_tensors("ahus_fold0.pt")["down_layers.0.weight"].shape  # doctest: +SKIP
        (32, 8, 5)
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: there is no such file of weights.")
    read = _find_reader(path)
    try:
        tensors = read(path)
    except DataError:
        raise
    except Exception as error:  # pickle, zipfile and JSON raise what the bytes bring about
        why = shortened(str(error).partition("\n")[0] or type(error).__name__, 300)
        raise DataError(
            f"{path}: can't be read as weights: {why}. Download it again from a source that you "
            "trust."
        ) from error
    if not tensors:
        raise DataError(f"{path}: holds no tensors. Name the file with the weights.")
    return _without_wrappers(tensors)


def _find_reader(path: Path) -> Callable[[Path], dict[str, Array]]:
    with path.open("rb") as stream:
        begin = stream.read(9)
    if zipfile.is_zipfile(path):
        return read_torch
    if begin[8:9] == b"{":
        return _read_safetensors
    raise DataError(
        f"{path}: neither a PyTorch file nor safetensors. Name the file with the weights."
    )


def _read_safetensors(path: Path) -> dict[str, Array]:
    content = path.read_bytes()
    begin = 8 + int.from_bytes(content[:8], "little")
    header: Mapping[str, Any] = json.loads(content[8:begin])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        first, last = entry["data_offsets"]
        values = as_array(content[begin + first : begin + last], SAFE_DTYPES[entry["dtype"]])
        if not 0 <= first <= last <= len(content) - begin or min(entry["shape"], default=0) < 0:
            raise ValueError(f"{name} is outside the file")
        if math.prod(entry["shape"]) != len(values):
            raise ValueError(f"{name} has {len(values)} values, not those of {entry['shape']}")
        tensors[name] = values.reshape(entry["shape"])
    return tensors


def _without_wrappers(tensors: dict[str, Array]) -> dict[str, Array]:
    for prefix in WRAPPERS:
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
            return _without_wrappers(tensors)
    return tensors
