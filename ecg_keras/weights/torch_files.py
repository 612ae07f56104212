"""Tensors of PyTorch's files: a zip since PyTorch 1.6, before that pickles with numbers behind.

The numbers are read where the pickle says that they are, never more of them than the file has.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from ecg_keras.array_types import AnyArray
from ecg_keras.errors import shortened
from ecg_keras.weights.torch_pickle import (
    BFLOAT16,
    Storage,
    StoredTensor,
    find_state,
    read_pickle,
)

Order = Literal["<", ">"]
# a pickle of names and shapes; that of the largest network here has 0.3 MB
MAX_PICKLE = 64 << 20
OLD_MAGIC, OLD_PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


def read_torch_zip(path: Path) -> dict[str, AnyArray]:
    """Names and arrays of a file that `torch.save` wrote."""
    with zipfile.ZipFile(path) as archive:
        members = {one.filename: one for one in archive.infolist()}
        if len(members) < len(archive.infolist()):
            raise ValueError("it holds two members of one name")
        if any(one.compress_type != zipfile.ZIP_STORED for one in members.values()):
            raise ValueError("its members are compressed, which torch.save never does")
        if sum(one.file_size for one in members.values()) > path.stat().st_size:
            raise ValueError("its members are larger than the file")
        index = next(name for name in members if name.split("/")[1:] == ["data.pkl"])
        folder = index.removesuffix("data.pkl")
        if members[index].file_size > MAX_PICKLE:
            raise ValueError(f"its list of tensors has more than {MAX_PICKLE} bytes")

        def read(name: str) -> bytes:
            return archive.read(folder + name) if folder + name in members else b""

        content, _ = read_pickle(io.BytesIO(read("data.pkl")))
        order: Order = ">" if read("byteorder") == b"big" else "<"
        return _make_arrays(find_state(content), lambda key: read(f"data/{key}"), order)


def read_old_torch(path: Path) -> dict[str, AnyArray]:
    """Names and arrays of a file that `torch.save` of PyTorch before 1.6 wrote."""
    stream = io.BytesIO(path.read_bytes())
    magic, protocol, system = (read_pickle(stream)[0] for _ in range(3))
    if (magic, protocol) != (OLD_MAGIC, OLD_PROTOCOL):
        raise ValueError("it is of no version of torch.save")
    content, storages = read_pickle(stream)
    numbers = {}
    for key in map(str, read_pickle(stream)[0]):
        count = int.from_bytes(stream.read(8), "little", signed=True)
        if key not in storages or count != storages[key].count:
            raise ValueError(
                f"storage {shortened(key)} has {count} numbers, and no tensor wants it"
            )
        numbers[key] = stream.read(count * item_size(storages[key].dtype))
    big = isinstance(system, dict) and system.get("little_endian") is False
    return _make_arrays(find_state(content), lambda key: numbers.get(key, b""), ">" if big else "<")


def item_size(dtype: str) -> int:
    """Bytes of one number in a file."""
    return 2 if dtype == BFLOAT16 else np.dtype(dtype).itemsize


def as_array(content: bytes, dtype: str, order: Order = "<") -> AnyArray:
    """Numbers of a type of PyTorch's; those of 16 bits become float32, which holds all of them."""
    content = content[: len(content) // item_size(dtype) * item_size(dtype)]
    if dtype == BFLOAT16:
        halves = np.frombuffer(content, f"{order}u2").astype(np.uint32)
        return (halves << 16).view(np.float32)
    values = np.frombuffer(content, np.dtype(dtype).newbyteorder(order))
    return values.astype(np.float32 if dtype == "f2" else values.dtype.newbyteorder("="))


def _make_arrays(
    state: dict[str, StoredTensor], read: Callable[[str], bytes], order: Order
) -> dict[str, AnyArray]:
    storages: dict[tuple[str, str], AnyArray] = {}
    arrays = {}
    for name, tensor in state.items():
        storage = tensor.storage
        if not isinstance(storage, Storage):
            raise ValueError(f"{shortened(name)} is a part of no storage")
        mark = (storage.key, storage.dtype)
        if mark not in storages:
            storages[mark] = as_array(read(storage.key), storage.dtype, order)
        numbers = storages[mark][storage.begin : storage.begin + storage.count]
        if len(numbers) != storage.count:
            raise ValueError(
                f"{shortened(name)} needs {storage.count} numbers, and the file has {len(numbers)}"
            )
        arrays[name] = cut(shortened(name), numbers, tensor)
    return arrays


def cut(name: str, numbers: AnyArray, tensor: StoredTensor) -> AnyArray:
    """A tensor as a part of its storage, which it may share with others; refused beyond its end."""
    offset, shape, strides = tensor.offset, tensor.shape, tensor.strides
    figures = (offset, *shape, *strides)
    if len(shape) != len(strides) or not all(isinstance(one, int) and one >= 0 for one in figures):
        raise ValueError(f"{name} has the shape {shape} with the steps {strides} from {offset}")
    last = offset + sum((size - 1) * step for size, step in zip(shape, strides, strict=True))
    count = math.prod(shape)
    if count > len(numbers) or (count and last >= len(numbers)):
        raise ValueError(f"{name} has the shape {shape}, more than its {len(numbers)} numbers")
    if not count:
        return np.zeros(shape, numbers.dtype)
    steps = tuple(step * numbers.itemsize for step in strides)
    return np.lib.stride_tricks.as_strided(numbers[offset:], shape, steps, writeable=False)
