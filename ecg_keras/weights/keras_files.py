"""Arrays of Keras' files of weights: .h5 of Keras 2, and .keras.

HDF5 can point at other files and claim any size. Only arrays that are in the file itself are read,
and never more numbers than the file could hold; a configuration in it is not looked at. Its library
may crash or never end on a damaged file, so another process reads each file first.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np

from ecg_keras.array_files import FREE_BYTES, RATIO
from ecg_keras.array_types import AnyArray
from ecg_keras.errors import DataError, shortened

# after which a file that is still being read is damaged, however slow the disk
SECONDS = 60.0
BYTES_PER_SECOND = 5e6
_REHEARSAL = (
    "import sys; sys.path[:] = sys.argv[2:]; "
    "from ecg_keras.weights.keras_files import rehearse; rehearse(sys.argv[1])"
)


def read_keras_model(path: Path) -> dict[str, AnyArray]:
    """Arrays of a ``.keras`` by ``layer/weight``."""
    from ecg_keras.models import load_model  # TensorFlow, which other files need not

    model = load_model(path)
    return {
        f"{layer.name}/{weight.path.removeprefix(layer.name + '/')}": weight.numpy()
        for layer in model.layers
        for weight in layer.weights
    }


def read_keras_h5(path: Path) -> dict[str, AnyArray]:
    """Arrays of a Keras 2 file by ``layer/weight``, without the ``:0`` that TensorFlow adds."""
    patience = SECONDS + path.stat().st_size / BYTES_PER_SECOND
    command = [sys.executable, "-c", _REHEARSAL, str(path), *sys.path]
    try:
        done = subprocess.run(command, capture_output=True, timeout=patience, check=False)
    except subprocess.TimeoutExpired:
        raise DataError("is damaged: HDF5's library does not come to its end.") from None
    if done.returncode < 0:  # a signal ended it
        raise DataError("is damaged: HDF5's library crashes on it.")
    return _read_keras_h5(path)


def rehearse(path: str) -> None:
    """Reads a Keras 2 file for nothing; errors that Python can catch are the reader's own."""
    with contextlib.suppress(Exception):
        _read_keras_h5(Path(path))


def _read_keras_h5(path: Path) -> dict[str, AnyArray]:
    with h5py.File(path, "r") as file:
        group = _inside(file, "model_weights") if "model_weights" in file else file
        if not {"layer_names", "layer_names0"} & set(group.attrs):
            raise DataError(
                "is HDF5, but holds no weights of Keras 2. With Keras 3, save the model as .keras."
            )
        room = max(FREE_BYTES, RATIO * path.stat().st_size)
        arrays = {}
        for layer in _names(group, "layer_names"):
            part = _inside(group, layer)
            for name in _names(part, "weight_names"):
                dataset = _inside(part, name)
                room -= getattr(dataset, "nbytes", 0)
                arrays[_short(layer, name)] = _read(dataset, name, room)
        return arrays


def _names(group: h5py.Group, attribute: str) -> Iterator[str]:
    """The names in an attribute; Keras splits one of more than 64 kB into numbered parts."""
    parts = [attribute] if attribute in group.attrs else []
    parts += [
        f"{attribute}{i}" for i in range(len(group.attrs)) if f"{attribute}{i}" in group.attrs
    ]
    for part in parts:
        for name in np.ravel(group.attrs[part]):
            yield name.decode("utf-8") if isinstance(name, bytes) else str(name)


def _inside(group: h5py.Group, name: str) -> Any:
    """What has a name below a group, if it is in this very file."""
    here = group
    for part in name.split("/"):
        if not isinstance(here, h5py.Group) or not isinstance(
            here.get(part, getlink=True), h5py.HardLink
        ):
            raise ValueError(f"{shortened(name)} is not in the file itself")
        here = here[part]
    return here


def _read(dataset: Any, name: str, room: int) -> AnyArray:
    name = shortened(name)
    if not isinstance(dataset, h5py.Dataset) or dataset.is_virtual or dataset.external:
        raise ValueError(f"{name} is no array in the file itself")
    if dataset.dtype.kind not in "fiub":
        raise ValueError(f"{name} holds {dataset.dtype}, not numbers")
    if room < 0:
        raise ValueError(f"{name} claims {dataset.nbytes} bytes, more than the file could hold")
    return np.asarray(dataset[()])


def _short(layer: str, name: str) -> str:
    """``conv1d_1/kernel`` of ``conv1d_1/kernel:0``, which may repeat the names of groups."""
    name = name.removesuffix(":0")
    return name if name.startswith(f"{layer}/") else f"{layer}/{name}"
