"""A small file of weights of each kind, with the tensor ``w`` of six numbers."""

import json
import struct

import h5py
import numpy as np
from torch_writer import mapping, tensor, write_old, write_state

VALUES = np.arange(6, dtype=np.float32)


def write_safetensors(path, header, numbers=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + VALUES.tobytes() + numbers)


def entry(dtype="F32", shape=(2, 3), offsets=(0, 24)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def write_keras_2(path, tensors, *, inside="/"):
    """As Keras 2 wrote it: a group for each layer, and names that end in ``:0``."""
    with h5py.File(path, "w") as file:
        group = file.require_group(inside)
        layers = dict.fromkeys(name.split("/")[0] for name in tensors)
        group.attrs["layer_names"] = [layer.encode() for layer in layers]
        for layer in layers:
            names = [name for name in tensors if name.startswith(f"{layer}/")]
            part = group.create_group(layer)
            part.attrs["weight_names"] = [f"{name}:0".encode() for name in names]
            for name in names:
                part[f"{name}:0"] = tensors[name]


def write_onnx(path):
    """One float32 initializer ``w`` of six numbers, as a protocol buffer."""

    def part(field, content):
        return bytes([field << 3 | 2, len(content)]) + content

    weight = b"\x08\x06\x10\x01" + part(8, b"w") + part(9, VALUES.tobytes())
    path.write_bytes(b"\x08\x08" + part(7, part(5, weight)))


WRITERS = {
    "torch": lambda path: write_state(path, {"w": VALUES, "b": VALUES[:2]}),
    "old_torch": lambda path: write_old(path, mapping([("w", tensor("0", VALUES))]), {"0": VALUES}),
    "safetensors": lambda path: write_safetensors(path, {"w": entry()}),
    "keras_h5": lambda path: write_keras_2(path, {"dense/kernel": VALUES}),
    "onnx": write_onnx,
}
