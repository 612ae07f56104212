"""PyTorch's files of weights: a zip with a pickle that says which tensors its other members hold.

A pickle is a program. This one is read with the few classes that tensors need; objects of other
classes become placeholders, and a call of anything else is refused, so nothing in the file runs.

Source: torch/serialization.py and torch/_utils.py of PyTorch 2.
"""

from __future__ import annotations

import io
import math
import pickle
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ecg_keras.errors import DataError, listed, shortened

Array = npt.NDArray[Any]
Order = Literal["<", ">"]
# a pickle of names and shapes; that of the largest network here has 0.3 MB
MAX_PICKLE = 64 << 20
BFLOAT16 = "bfloat16"
DTYPES: Mapping[str, str] = {
    "DoubleStorage": "f8",
    "FloatStorage": "f4",
    "HalfStorage": "f2",
    "BFloat16Storage": BFLOAT16,
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
    "ComplexFloatStorage": "c8",
    "ComplexDoubleStorage": "c16",
}
# what scripts store beside their weights; never called
BESIDE = {
    ("_codecs", "encode"),
    ("collections", "defaultdict"),
    ("collections", "Counter"),
    ("datetime", "datetime"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("pathlib", "PosixPath"),
    ("pathlib", "WindowsPath"),
    ("torch", "device"),
}
# the keys under which scripts store the weights, the likeliest first
DEPTH = 4
STATE_KEYS = ("state_dict", "model_state_dict", "model", "net", "network", "weights", "params")


def read_torch(path: Path) -> dict[str, Array]:
    """Names and arrays of a file that `torch.save` wrote."""
    with zipfile.ZipFile(path) as archive:
        members = {one.filename: one for one in archive.infolist()}
        (index,) = (name for name in members if name.split("/")[1:] == ["data.pkl"])
        folder = index.removesuffix("data.pkl")
        total = sum(one.file_size for one in members.values())
        if total > path.stat().st_size or members[index].file_size > MAX_PICKLE:
            raise DataError(
                f"{path}: would unpack to {total} bytes, more than torch.save writes into such a "
                "file. Do not use it."
            )
        order: Order = ">" if _read(archive, f"{folder}byteorder", members) == b"big" else "<"
        reader = _Reader(
            io.BytesIO(archive.read(index)),
            lambda key: _read(archive, f"{folder}data/{key}", members),
            order,
        )
        return find_state(path, reader.load())


def _read(archive: zipfile.ZipFile, name: str, members: Mapping[str, Any]) -> bytes:
    return archive.read(name) if name in members else b""


class _Foreign(type):
    """The class of placeholders: an object of one can be made, but a call is refused."""

    def __call__(cls, *args: Any, **settings: Any) -> Any:
        if cls.__module__ == "beside":
            return None
        raise pickle.UnpicklingError(
            f"it would call {cls.__name__}, which no tensor needs, and nothing was run"
        )


class _State(dict[Any, Any]):
    """A dictionary that may be given attributes, as state dicts are."""


class _Reader(pickle.Unpickler):
    """Reads a pickle without importing or calling anything that it names."""

    def __init__(self, stream: io.BytesIO, storage: Callable[[str], bytes], order: Order) -> None:
        super().__init__(stream, encoding="utf-8")
        self._storage, self._order = storage, order
        self._storages: dict[str, Array] = {}

    def find_class(self, module: str, name: str) -> Any:
        known = {
            ("collections", "OrderedDict"): _State,
            ("builtins", "dict"): _State,
            ("torch", "Size"): tuple,
            ("torch._utils", "_rebuild_tensor"): rebuild_tensor,
            ("torch._utils", "_rebuild_tensor_v2"): rebuild_tensor,
            ("torch._utils", "_rebuild_parameter"): lambda tensor, *rest: tensor,
        }
        if (module, name) in known:
            return known[module, name]
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        home = "beside" if (module, name) in BESIDE else "elsewhere"
        return _Foreign(f"{module}.{name}", (), {"__module__": home, "__setstate__": _ignore})

    def persistent_load(self, pid: Any) -> Array:
        kind, dtype, key, _, count = pid
        if kind != "storage" or not isinstance(dtype, str):
            raise pickle.UnpicklingError(f"unknown storage {shortened(repr(pid))}")
        if key not in self._storages:
            self._storages[key] = as_array(self._storage(key), dtype, self._order)
        if len(self._storages[key]) != count:
            raise pickle.UnpicklingError(
                f"storage {shortened(str(key))} has {len(self._storages[key])} of {count} values"
            )
        return self._storages[key]


def _ignore(placeholder: object, state: Any) -> None:
    """What a placeholder does with its attributes."""


def as_array(content: bytes, dtype: str, order: Order = "<") -> Array:
    """Values of a type of PyTorch's; those of 16 bits become float32, which holds all of them."""
    if dtype == BFLOAT16:
        halves = np.frombuffer(content, f"{order}u2").astype(np.uint32)
        return (halves << 16).view(np.float32)
    values = np.frombuffer(content, np.dtype(dtype).newbyteorder(order))
    return values.astype(np.float32 if dtype == "f2" else values.dtype.newbyteorder("="))


def rebuild_tensor(
    storage: Array, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *rest: Any
) -> Array:
    """A tensor as a part of its storage, which it may share; refused beyond its ends."""
    if len(shape) != len(strides) or min((offset, *shape, *strides), default=0) < 0:
        raise pickle.UnpicklingError(f"a tensor of shape {shape} with strides {strides}")
    count = math.prod(shape)
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if count > len(storage) or (count and last >= len(storage)):
        raise pickle.UnpicklingError(
            f"a tensor of shape {shape} reaches beyond its {len(storage)} values"
        )
    steps = tuple(stride * storage.itemsize for stride in strides)
    view = np.lib.stride_tricks.as_strided(storage[offset:], shape, steps, writeable=False)
    return np.array(view, order="C")


def find_state(path: Path, content: Any) -> dict[str, Array]:
    """The dictionary of tensors in what was saved, which may be a part of it."""
    sets = dict(_list_sets(content, (), 0))
    if not sets:
        raise DataError(
            f"{path}: holds no state dict. Save one: torch.save(model.state_dict(), path)."
        )
    if len(sets) > 1 and () not in sets:
        named = [where for key in STATE_KEYS for where in sets if where[-1] == key]
        if not named:
            places = [".".join(where) for where in sets]
            raise DataError(
                f"{path}: holds several sets of weights: {listed(places)}. Save the one that you "
                "want: torch.save(checkpoint[...], path)."
            )
        return sets[named[0]]
    return sets.get((), next(iter(sets.values())))


def _list_sets(
    part: Any, where: tuple[str, ...], depth: int
) -> Iterator[tuple[tuple[str, ...], dict[str, Array]]]:
    """Dictionaries of tensors and where they are; an optimizer's have numbers on the way."""
    if isinstance(part, list | tuple):
        part = {f"[{index}]": value for index, value in enumerate(part)}
    if not isinstance(part, dict) or depth > DEPTH or not all(isinstance(k, str) for k in part):
        return
    if own := {name: value for name, value in part.items() if isinstance(value, np.ndarray)}:
        yield where, own
        return
    for key, value in part.items():
        if "optim" not in key.lower():
            yield from _list_sets(value, (*where, key), depth + 1)
