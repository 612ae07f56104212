"""PyTorch's pickles: which tensors a file holds, and where, without running any of it.

A pickle is a program. This one is read with the few classes that tensors need. Objects of other
classes become placeholders, and calls of anything else are refused, so nothing in the file runs.

Source: torch/serialization.py and torch/_utils.py of PyTorch 2.13.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ecg_keras.errors import DataError, listed, shortened

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
# what scripts store beside their weights; a call of it gives a placeholder
BESIDE = {
    "__builtin__.set",
    "builtins.set",
    "_codecs.encode",
    "collections.Counter",
    "collections.defaultdict",
    "datetime.date",
    "datetime.datetime",
    "numpy._core.multiarray._reconstruct",
    "numpy._core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy.dtype",
    "pathlib.PosixPath",
    "pathlib.WindowsPath",
    "torch.device",
}
# where scripts put the weights in a checkpoint, the likeliest first, and how deep that may be
STATE_KEYS = ("state_dict", "model_state_dict", "model", "net", "network", "weights", "params")
DEPTH = 4


@dataclass(frozen=True)
class Storage:
    """Numbers of one type that tensors are parts of: ``count`` from ``begin`` of those of a key."""

    key: str
    dtype: str
    count: int
    begin: int = 0


@dataclass(frozen=True)
class StoredTensor:
    """A tensor as a part of a storage, with steps in numbers, not bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass
class Placeholder:
    """An object of a class that tensors need not; what is done to it has no effect."""

    state: Any = field(default=None)

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        """Of a dictionary of a foreign class."""

    def extend(self, values: Any) -> None:
        """Of a list of a foreign class."""

    append = add = extend


class Foreign(type):
    """The class of a foreign class: its objects can be made, but a call of it is refused."""

    def __call__(cls, *args: Any, **settings: Any) -> Any:
        if cls.__name__ in BESIDE:
            return Placeholder()
        raise DataError(
            f"asks for a call of {shortened(cls.__name__)}, which no tensor needs and which was "
            "not made. Do not use it; or, where you trust it, save its weights alone: "
            "torch.save(model.state_dict(), path)."
        )

    def __instancecheck__(cls, one: Any) -> bool:
        return isinstance(one, Placeholder)


def list_known() -> dict[str, Any]:
    """What tensors need, made again for each file: a pickle may change what it is given."""

    def rebuild(storage: Any, offset: Any, shape: Any, strides: Any, *rest: Any) -> StoredTensor:
        if not all(isinstance(one, int) for one in (offset, *shape, *strides)):
            raise pickle.UnpicklingError("a tensor with a shape or steps that are no numbers")
        return StoredTensor(storage, offset, tuple(shape), tuple(strides))

    return {
        # a dictionary that may have attributes, as state dicts have
        "collections.OrderedDict": type("Names", (dict,), {}),
        "torch.Size": tuple,
        "torch._utils._rebuild_tensor": rebuild,
        "torch._utils._rebuild_tensor_v2": rebuild,
        "torch._utils._rebuild_parameter": lambda tensor, *rest: tensor,
        **{f"torch.{name}": dtype for name, dtype in DTYPES.items()},
    }


class _Reader(pickle.Unpickler):
    """Imports nothing and calls nothing that a pickle names."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream, encoding="utf-8")
        self.storages: dict[str, Storage] = {}
        self.known = list_known()

    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}"
        if full in self.known:
            return self.known[full]
        new = staticmethod(lambda cls, *args, **settings: Placeholder())
        return Foreign(full, (), {"__new__": new})

    def persistent_load(self, pid: Any) -> Any:
        if pid[0] == "module":  # of old files, with its source, which is not looked at
            return pid[1]
        kind, dtype, key, _, count, *view = pid
        is_known = kind == "storage" and dtype in DTYPES.values()
        if not (is_known and isinstance(key, str) and isinstance(count, int)):
            # tuples can hold one another, so that the text of one has no end
            kind = type(dtype).__name__
            name = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", kind)
            raise pickle.UnpicklingError(f"unknown storage {shortened(name)}")
        storage = self.storages.setdefault(key, Storage(key, dtype, count))
        if not view or view[0] is None:
            return Storage(key, dtype, count)
        _, begin, length = view[0]
        if not (begin >= 0 and length >= 0 and begin + length <= storage.count):
            raise pickle.UnpicklingError(f"a part {begin}, {length} of {storage.count} numbers")
        return Storage(key, dtype, length, begin)


def read_pickle(stream: io.BytesIO) -> tuple[Any, dict[str, Storage]]:
    """The next object in a stream, its tensors as `StoredTensor`, and whole storages by key."""
    begin = stream.seek(0, io.SEEK_CUR)
    for operation, argument, _ in pickletools.genops(stream):
        # Python makes room for the highest number, however few there are
        if "PUT" in operation.name and int(argument or 0) > len(stream.getbuffer()):
            raise pickle.UnpicklingError(f"its memo number {argument} is beyond the file")
    stream.seek(begin)
    reader = _Reader(stream)
    return reader.load(), reader.storages


def find_state(content: Any) -> dict[str, StoredTensor]:
    """The tensors by name in what was saved, which may have them in a part of it."""
    sets = dict(_list_sets(content, (), 0, _Budget()))
    if not sets:
        raise DataError("holds no tensors by name. Save model.state_dict() with torch.save.")
    named = [where for key in STATE_KEYS for where in sets if where[-1:] == (key,)]
    named += [where for where in sets if not where]
    if len(sets) > 1 and not named:
        raise DataError(
            f"holds several sets of weights: {listed(['.'.join(where) for where in sets])}. Save "
            "the one that you want with torch.save."
        )
    return sets[named[0]] if named else next(iter(sets.values()))


@dataclass
class _Budget:
    """What may still be looked at: an object can hold itself, or another any number of times."""

    left: int = 10_000_000

    def spend(self, part: Collection[Any]) -> None:
        """Counts a part with what it holds."""
        self.left -= 25 + len(part)
        if self.left < 0:
            raise DataError(
                "has more parts than any network, as where an object holds itself. Do not use it; "
                "or, where you trust it, save its weights alone: torch.save(model.state_dict(), "
                "path)."
            )


def _list_sets(
    part: Any, where: tuple[str, ...], depth: int, budget: _Budget
) -> Iterator[tuple[tuple[str, ...], dict[str, StoredTensor]]]:
    """Dictionaries of tensors and where they are; an optimizer's have numbers on the way."""
    if isinstance(part, Placeholder):
        part = dict(_list_of_module(part, "", 0, budget))
    if not isinstance(part, dict | list | tuple) or depth > DEPTH:
        return
    budget.spend(part)
    if not isinstance(part, dict):
        part = {f"[{index}]": value for index, value in enumerate(part)}
    if not all(isinstance(key, str) for key in part):
        return
    if own := {name: value for name, value in part.items() if isinstance(value, StoredTensor)}:
        yield where, own
    for key, value in part.items():
        if "optim" not in key.lower():
            yield from _list_sets(value, (*where, key), depth + 1, budget)


def _list_of_module(
    module: Any, prefix: str, depth: int, budget: _Budget
) -> Iterator[tuple[str, StoredTensor]]:
    """The state dict of a network that was saved as an object."""
    state = getattr(module, "state", None)
    if not isinstance(state, dict) or depth > 10 * DEPTH:
        return
    budget.spend(state)
    for kind in ("_parameters", "_buffers"):
        own = dict(state.get(kind) or {})
        budget.spend(own)
        for name, value in own.items():
            if isinstance(value, StoredTensor):
                yield f"{prefix}{name}", value
    parts = dict(state.get("_modules") or {})
    budget.spend(parts)
    for name, part in parts.items():
        yield from _list_of_module(part, f"{prefix}{name}.", depth + 1, budget)
