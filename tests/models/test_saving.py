import zipfile

import keras
import numpy as np
import pytest

from ecg_keras import models
from ecg_keras.errors import DataError


def test_a_saved_model_comes_back_uncompiled(small, signals, tmp_path):
    model = small("gru", scaling="standardise", mean=[0.1, 0.2, 0.3], std=[1.0, 2.0, 0.0])
    model.compile("adam", "binary_crossentropy")
    models.save_model(model, tmp_path / "model.keras")
    for path in (tmp_path, tmp_path / "model.keras", str(tmp_path)):
        loaded = models.load_model(path)
        assert np.array_equal(loaded(signals), model(signals))
    assert not loaded.compiled
    assert loaded.name == "gru"
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]


def test_a_failed_save_leaves_the_old_file(small, tmp_path, monkeypatch):
    path = tmp_path / "model.keras"
    models.save_model(small("gru"), path)
    before = path.read_bytes()

    def fail(self, filepath):
        filepath.write_bytes(b"half of a model")
        raise OSError("disk full")

    monkeypatch.setattr(keras.Model, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        models.save_model(small("gru"), path)
    assert path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]


@pytest.mark.parametrize("name", ["model.h5", "no/folder/model.keras"])
def test_a_name_that_can_not_be_saved_is_refused(small, tmp_path, name):
    with pytest.raises(DataError, match=r"saved as a \.keras file in a folder that exists"):
        models.save_model(small("gru"), tmp_path / name)


def test_a_missing_model_says_what_to_name(tmp_path):
    for path in (tmp_path / "none.keras", tmp_path):
        with pytest.raises(DataError, match=r"no such model\. Name a \.keras file, or the folder"):
            models.load_model(path)


def test_a_damaged_model_is_refused_with_its_name(small, tmp_path):
    path = tmp_path / "model.keras"
    models.save_model(small("gru"), path)
    whole = path.read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :]
    for content, reason in (
        (b"", "the file is damaged or not whole"),
        (b"not a zip file", "the file is damaged or not whole"),
        (whole[:middle], "the file is damaged or not whole"),
        (flipped, ""),
    ):
        path.write_bytes(content)
        expected = rf"model\.keras: not a Keras model that opens safely \({reason}"
        with pytest.raises(DataError, match=expected):
            models.load_model(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(DataError, match="not a Keras model that opens safely"):
        models.load_model(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", bytes(80_000_000))
    with pytest.raises(DataError, match=r"opens safely \(it would unpack to 80000000 bytes; saved"):
        models.load_model(path)


def test_code_in_a_file_is_not_run(tmp_path):
    signal = keras.Input((8, 2), name="signal")
    output = keras.layers.Lambda(lambda x: x[:, 0], name="head")(signal)
    keras.Model(signal, output).save(tmp_path / "model.keras")
    with pytest.raises(DataError, match="models with Lambda or other custom layers are refused"):
        models.load_model(tmp_path)


@pytest.mark.parametrize("name", ["bilstm", "gru"])
def test_a_float32_clone_computes_the_same_without_cudnn(small, signals, name):
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = small(name, scaling="standardise", mean=[0.1, 0.0, 0.0], std=[0.4, 0.5, 0.6])
    keras.config.set_dtype_policy("float32")
    clone = models.float32_clone(model)
    assert [layer.name for layer in clone.layers] == [layer.name for layer in model.layers]
    for layer in clone._flatten_layers():
        assert layer.compute_dtype == "float32", layer.name
        if hasattr(layer, "use_cudnn"):
            assert layer.use_cudnn is False, layer.name
    for ours, theirs in zip(clone.weights, model.weights, strict=True):
        assert np.array_equal(ours, theirs)
        assert ours is not theirs
    # equal but for bfloat16's three digits
    assert np.allclose(clone(signals), model(signals), atol=0.05)


@pytest.mark.parametrize("sequential", [False, True])
def test_a_float32_clone_of_a_network_in_a_model_keeps_its_scaling(small, signals, sequential):
    inside = small("gru", scaling="standardise", mean=[3.0, -2.0, 0.1], std=[0.1, 4.0, 0.6])
    signal = keras.Input((64, 3), name="signal")
    model = keras.Sequential([inside]) if sequential else keras.Model(signal, inside(signal))
    assert np.allclose(models.float32_clone(model)(signals), model(signals), atol=1e-6)


def test_a_float32_clone_of_a_float32_model_is_exact(small, signals):
    for name in ("bilstm", "resnet1d18"):
        model = small(name, scaling="minmax")
        clone = models.float32_clone(model)
        assert np.allclose(clone(signals), model(signals), atol=1e-6)
        assert model.get_layer("preprocess_minmax") is not clone.get_layer("preprocess_minmax")
