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


def write_h5(path):
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"dense"]
        file["dense/kernel:0"] = VALUES
        file["dense"].attrs["weight_names"] = [b"kernel:0"]


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
    "keras_h5": write_h5,
    "onnx": write_onnx,
}
