"""Files as torch.save writes them, from opcodes of pickle: honest ones, and others."""

import math
import pickle
import struct
import zipfile

import numpy as np

STORAGES = {
    "float64": "DoubleStorage",
    "float32": "FloatStorage",
    "float16": "HalfStorage",
    "int64": "LongStorage",
    "bool": "BoolStorage",
}
MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


def text(value):
    content = value.encode()
    return b"X" + struct.pack("<I", len(content)) + content


def number(value):
    if 0 <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    return b"\x8a\x0a" + value.to_bytes(10, "little", signed=True)


def sequence(values):
    return b"(" + b"".join(map(number, values)) + b"t"


def call(name, arguments=b")"):
    module, _, function = name.rpartition(".")
    return f"c{module}\n{function}\n".encode() + arguments + b"R"


def mapping(items):
    return b"}(" + b"".join(text(name) + value for name, value in items) + b"u"


def tensor(
    key, array=None, *, dtype=None, count=None, shape=None, strides=None, offset=0, view=b""
):
    """What rebuilds a tensor that is a part of the storage of a key."""
    array = np.zeros(0) if array is None else array
    shape = array.shape if shape is None else shape
    if strides is None:
        strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    kind = f"ctorch\n{dtype or STORAGES[str(array.dtype)]}\n".encode()
    count = array.size if count is None else count
    storage = b"(" + text("storage") + kind + text(key) + text("cpu") + number(count) + view + b"tQ"
    rest = b"\x89" + call("collections.OrderedDict")
    inner = b"(" + storage + number(offset) + sequence(shape) + sequence(strides) + rest + b"t"
    return call("torch._utils._rebuild_tensor_v2", inner)


def program(content):
    return b"\x80\x02" + content + b"."


def write_zip(path, content, storages, *, folder="archive", byteorder=b"little", method=0):
    """The zip of PyTorch since 1.6, with the bytes of each storage."""
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr(f"{folder}/data.pkl", program(content))
        archive.writestr(f"{folder}/byteorder", byteorder)
        for key, numbers in storages.items():
            archive.writestr(f"{folder}/data/{key}", numbers)
        archive.writestr(f"{folder}/version", b"3\n")


def write_state(path, arrays):
    """An honest state dict."""
    items = [(name, tensor(str(key), array)) for key, (name, array) in enumerate(arrays.items())]
    storages = {str(key): array.tobytes() for key, array in enumerate(arrays.values())}
    write_zip(path, mapping(items), storages)


def write_old(path, content, storages):
    """The pickles of PyTorch before 1.6, with the numbers of each storage behind them."""
    system = {"protocol_version": 1001, "little_endian": True}
    begin = MAGIC + pickle.dumps(1001, 2) + pickle.dumps(system, 2)
    numbers = b"".join(
        struct.pack("<q", array.size) + array.tobytes() for array in storages.values()
    )
    path.write_bytes(begin + program(content) + pickle.dumps(list(storages), 2) + numbers)
