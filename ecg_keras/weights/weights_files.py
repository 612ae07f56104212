"""Files of weights, whoever wrote them: what kind one is shows its content, not its name."""

from __future__ import annotations

import importlib
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ecg_keras.array_types import AnyArray
from ecg_keras.errors import ConfigError, DataError, EcgKerasError, printable, shortened
from ecg_keras.weights.keras_files import read_keras_h5, read_keras_model
from ecg_keras.weights.onnx_files import read_onnx
from ecg_keras.weights.torch_files import as_array, read_old_torch, read_torch_zip

Reader = Callable[[Path], dict[str, AnyArray]]
SAFE_DTYPES: Mapping[str, str] = {
    "F64": "f8", "F32": "f4", "F16": "f2", "BF16": "bfloat16", "I64": "i8", "I32": "i4",
    "I16": "i2", "I8": "i1", "U64": "u8", "U32": "u4", "U16": "u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip
# of whatever wraps a network while it is trained
WRAPPERS = ("module.", "_orig_mod.", "model.", "net.", "network.")
KINDS = "a PyTorch file, safetensors, ONNX, .h5 of Keras 2 or .keras"
# how other files begin, and what to do instead
OTHERS: tuple[tuple[tuple[bytes, ...], str], ...] = (
    (
        (b"version https://git-lfs",),
        "is a pointer of git-lfs in place of the weights. Run `git lfs pull` in its repository, or "
        "download the file itself",
    ),
    (
        (b"<!doctype", b"<html", b"<?xml"),
        "is a web page in place of the weights. Download the file itself, logged in where that is "
        "asked for",
    ),
    (
        (b"\x1f\x8b", b"bzh", b"\xfd7zxz", b"7z\xbc\xaf", b"rar!", b"\x28\xb5\x2f\xfd"),
        "is an archive. Unpack it, and name the file of weights in it",
    ),
    ((b"\x93numpy",), "holds one NumPy array, and weights are arrays with names"),
    (
        (b"\x08\x01\x12",),
        "is a graph of TensorFlow. Save its weights as .h5 or .keras, with Keras",
    ),
)
PICKLE = (
    "is a pickle, which is a program, and of no version of torch.save. Save the state dict with "
    "torch.save, or as safetensors"
)


def read_tensors(path: str | Path) -> dict[str, AnyArray]:
    """Reads names and arrays from a file of weights; nothing in the file is run.

    Args:
        path: what PyTorch saved (a state dict, alone or in a checkpoint, or a whole network),
            safetensors, ONNX, an ``.h5`` of Keras 2, with or without the network, or a
            ``.keras``. The kind is found from the content, whatever the file is called.

    Returns:
        Arrays by the names that the file gives them, without a prefix of a wrapper
        (``module.``, ``_orig_mod.``, ``model.``) that all of them have; from Keras,
        ``layer/weight``. Floating-point numbers of 16 bits are float32; others are as stored.
        Arrays have the layout of the library that wrote them, those of ONNX PyTorch's. They
        may share memory and can't be written to.

    Raises:
        DataError: there is no such file, it is of another kind, damaged, or asks for a call of
            something that no tensor needs.
        ConfigError: ``onnx`` or ``safetensors``, which read such files, is not installed.

    Example:
        >>> read_tensors("ahus_fold0.pt")["down_layers.0.weight"].shape  # doctest: +SKIP
        (32, 8, 5)
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "there is no such file"
        raise DataError(f"{path}: {what}. Name a file of weights: {KINDS}.")
    try:
        tensors = _find_reader(path)(path)
        if not tensors:
            raise DataError("holds no weights. Name a file of weights.")
    except EcgKerasError as error:
        message = str(error).removeprefix(f"{path}: ")
        raise type(error)(f"{path}: {message}") from error
    except Exception as error:  # pickle, zipfile, HDF5 and others raise what the bytes bring about
        text = (error.strerror if isinstance(error, OSError) else None) or str(error)
        why = printable(text.strip().partition("\n")[0]) or type(error).__name__
        raise DataError(
            f"{path}: can't be read as weights: {shortened(why, 300)}. Download it again from a "
            "source that you trust, or ask its authors for safetensors."
        ) from error
    return {name: _as_float32(array) for name, array in _without_wrappers(tensors).items()}


def under_wrappers(tensors: Mapping[str, AnyArray]) -> dict[str, dict[str, AnyArray]]:
    """For each wrapper that some names have and others lack: its tensors, without it."""
    found = {}
    for prefix in WRAPPERS:
        inside = {name: array for name, array in tensors.items() if name.startswith(prefix)}
        if 0 < len(inside) < len(tensors):
            found[prefix] = _without_wrappers(inside)
    return found


def _find_reader(path: Path) -> Reader:
    with path.open("rb") as stream:
        begin = stream.read(512)
    if zipfile.is_zipfile(path):
        return _find_zip_reader(path)
    if begin.startswith(b"\x89HDF\r\n\x1a\n"):
        return read_keras_h5
    lower = begin.lstrip(b" \t\r\n\xef\xbb\xbf").lower()
    advice = next((what for starts, what in OTHERS if lower.startswith(starts)), "")
    if begin[257:262] == b"ustar":
        advice = OTHERS[2][1]
    if not begin or not begin.strip(b"\0"):
        advice = "is empty. Download it again"
    if advice:
        raise DataError(f"{advice}.")
    if begin.startswith(b"PK"):
        raise DataError(
            "begins as a PyTorch or .keras file, and its end is missing. Download it again."
        )
    if begin[8:9] == b"{":
        return _read_safetensors
    if begin[:1] == b"\x80":
        if b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." in begin[:20]:
            return read_old_torch
        raise DataError(f"{PICKLE}.")
    if begin[:1] == b"\x08":
        return read_onnx
    raise DataError(f"is not {KINDS}. Name the file of weights.")


def _find_zip_reader(path: Path) -> Reader:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    ends = {name.split("/", 1)[-1] for name in names}
    if "data.pkl" in ends and any(name.startswith("code/") for name in ends):
        raise DataError(
            "is a TorchScript program. Save its state dict: "
            "torch.save(torch.jit.load(path).state_dict(), ...)."
        )
    if "data.pkl" in ends:
        return read_torch_zip
    if {"config.json", "model.weights.h5"} <= set(names):
        return read_keras_model
    advice = "Unpack it, and name the file of weights in it"
    raise DataError(f"is an archive of {len(names)} files, not {KINDS}. {advice}.")


def _read_safetensors(path: Path) -> dict[str, AnyArray]:
    try:
        library = importlib.import_module("safetensors")
    except ImportError as error:
        raise ConfigError(
            "safetensors files are read by the package safetensors, which is not "
            "installed: pip install 'ecg_keras[weights]'."
        ) from error
    content = path.read_bytes()
    begin = 8 + int.from_bytes(content[:8], "little")
    _refuse_doubles(content[8:begin])
    arrays = {}
    for name, one in library.deserialize(content):
        if one["dtype"] not in SAFE_DTYPES:
            raise DataError(
                f"can't be read as weights: {shortened(name)} is stored as "
                f"{shortened(one['dtype'])}. Save it as F32; read are {', '.join(SAFE_DTYPES)}."
            )
        arrays[name] = as_array(bytes(one["data"]), SAFE_DTYPES[one["dtype"]]).reshape(one["shape"])
    return arrays


def _refuse_doubles(header: bytes) -> None:
    """The library takes the last of two tensors of one name, as JSON does."""

    def check(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("its header has a name twice")
        return dict(pairs)

    json.loads(header, object_pairs_hook=check)


def _without_wrappers(tensors: dict[str, AnyArray]) -> dict[str, AnyArray]:
    for prefix in WRAPPERS:
        if all(name.startswith(prefix) for name in tensors):
            bare = {name.removeprefix(prefix): array for name, array in tensors.items()}
            return _without_wrappers(bare)
    return tensors


def _as_float32(array: AnyArray) -> AnyArray:
    return array.astype(np.float32) if array.dtype.name in ("float16", "bfloat16") else array
