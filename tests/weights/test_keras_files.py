"""Files of Keras 2 and 3: arrays by layer and weight, only those that are in the file."""

import h5py
import keras
import numpy as np
import pytest

from ecg_keras.errors import DataError
from ecg_keras.weights import read_tensors

VALUES = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "theirs.h5"


def write(path, *, inside="", change=None, names=("kernel:0", "bias:0")):
    """A layer ``dense_1`` as Keras 2 writes it; ``change`` does something to its group."""
    with h5py.File(path, "w") as file:
        group = file.create_group(inside) if inside else file
        file.attrs["model_config"] = b'{"class_name": "Lambda", "config": {"function": "evil"}}'
        group.attrs["layer_names"] = [b"input_1", b"dense_1"]
        group.create_group("input_1").attrs["weight_names"] = []
        layer = group.create_group("dense_1")
        layer.attrs["weight_names"] = [f"dense_1/{name}".encode() for name in names]
        layer["dense_1/kernel:0"] = VALUES
        layer["dense_1/bias:0"] = VALUES[0]
        if change is not None:
            change(layer)


@pytest.mark.parametrize("inside", ["", "model_weights"])
def test_weights_alone_and_with_the_network(path, inside):
    write(path, inside=inside)
    read = read_tensors(path)
    assert list(read) == ["dense_1/kernel", "dense_1/bias"]
    np.testing.assert_array_equal(read["dense_1/kernel"], VALUES)


def test_the_names_of_many_layers_are_in_several_attributes(path):
    with h5py.File(path, "w") as file:
        file.attrs["layer_names0"], file.attrs["layer_names1"] = [b"a"], [b"b"]
        for layer in "ab":
            file[f"{layer}/w"] = VALUES
            file[layer].attrs["weight_names"] = ["w"]
    assert list(read_tensors(path)) == ["a/w", "b/w"]


def external_link(layer):
    del layer["dense_1/kernel:0"]
    layer["dense_1/kernel:0"] = h5py.ExternalLink("/etc/other.h5", "/x")


def external_storage(layer):
    del layer["dense_1/kernel:0"]
    outside = [("/etc/hostname", 0, 8)]
    layer.create_dataset("dense_1/kernel:0", (2,), "f4", external=outside)


def soft_link(layer):
    del layer["dense_1/kernel:0"]
    layer["dense_1/kernel:0"] = h5py.SoftLink("/dense_1/dense_1/bias:0")


def virtual(layer):
    del layer["dense_1/kernel:0"]
    layout = h5py.VirtualLayout((2,), "f4")
    layout[:] = h5py.VirtualSource("/etc/other.h5", "x", (2,))
    layer.create_virtual_dataset("dense_1/kernel:0", layout)


def huge(layer):
    del layer["dense_1/kernel:0"]
    layer.create_dataset("dense_1/kernel:0", (10**6, 10**5), "f4", chunks=(100, 100))


def of_text(layer):
    del layer["dense_1/kernel:0"]
    layer["dense_1/kernel:0"] = np.array([b"a"])


def a_group(layer):
    del layer["dense_1/kernel:0"]
    layer.create_group("dense_1/kernel:0")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (external_link, "dense_1/kernel:0 is not in the file itself"),
        (soft_link, "dense_1/kernel:0 is not in the file itself"),
        (external_storage, "dense_1/kernel:0 is no array in the file itself"),
        (virtual, "dense_1/kernel:0 is no array in the file itself"),
        (a_group, "dense_1/kernel:0 is no array in the file itself"),
        (of_text, "dense_1/kernel:0 holds |S1, not numbers"),
        (huge, "dense_1/kernel:0 claims 400000000000 bytes, more than the file could hold"),
    ],
)
def test_what_is_elsewhere_or_no_array_is_refused(path, refusal, change, what):
    write(path, change=change)
    assert what in refusal(path)


def test_a_weight_that_is_named_and_not_there(path, refusal):
    write(path, names=["kernel:0", "gamma:0"])
    assert "dense_1/gamma:0 is not in the file itself" in refusal(path)


def test_hdf5_of_others(path, refusal):
    with h5py.File(path, "w") as file:
        file["tracings"] = VALUES
    assert "is HDF5, but holds no weights of Keras 2. With Keras 3, save the model" in refusal(path)


@pytest.fixture(scope="module")
def network():
    signal = keras.Input((20, 3))
    x = keras.layers.Conv1D(4, 3, name="stem_conv")(signal)
    x = keras.layers.BatchNormalization(name="stem_norm")(x)
    x = keras.layers.Bidirectional(keras.layers.LSTM(2, name="lstm"), name="both")(x)
    return keras.Model(signal, keras.layers.Dense(2, name="head")(x))


def test_a_file_that_keras_3_writes_in_the_old_layout(network, path):
    network.save(path)
    read = read_tensors(path)
    assert {name: array.shape for name, array in read.items() if "both" not in name} == {
        "stem_conv/kernel": (3, 3, 4),
        "stem_conv/bias": (4,),
        "stem_norm/gamma": (4,),
        "stem_norm/beta": (4,),
        "stem_norm/moving_mean": (4,),
        "stem_norm/moving_variance": (4,),
        "head/kernel": (4, 2),
        "head/bias": (2,),
    }
    assert len(read) == 14


def test_a_keras_file(network, tmp_path):
    path = tmp_path / "network.keras"
    network.save(path)
    read = read_tensors(path)
    assert len(read) == 14
    np.testing.assert_array_equal(read["head/kernel"], network.get_layer("head").get_weights()[0])


def test_a_keras_file_with_code_is_refused(tmp_path):
    signal = keras.Input((2,))
    network = keras.Model(signal, keras.layers.Lambda(lambda x: 2 * x)(signal))
    network.save(tmp_path / "network.keras")
    with pytest.raises(DataError, match="not a Keras model that opens safely"):
        read_tensors(tmp_path / "network.keras")
