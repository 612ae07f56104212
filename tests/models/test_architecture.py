"""What is said of a file that is no model of this Keras."""

import json
import zipfile

import keras
import pytest

from ecg_keras import models
from ecg_keras.errors import DataError

READERS = (models.load_model, models.read_architecture)


@pytest.fixture
def saved(small, tmp_path):
    path = tmp_path / "model.keras"
    models.save_model(small("gru"), path)
    return path


def rewrite(path, **changes):
    """The same file with other members."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (members | changes).items():
            archive.writestr(name, content)


def with_version(path, version):
    rewrite(path, **{"metadata.json": json.dumps({"keras_version": version})})


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("version", ["99.0.0", "3.999.0rc1"])
def test_a_file_of_a_newer_keras_is_refused(saved, read, version):
    with_version(saved, version)
    message = rf"model\.keras: a \.keras file saved with Keras {version}, and here is Keras "
    with pytest.raises(DataError, match=f"{message}{keras.__version__}.* Install Keras {version}"):
        read(saved)


@pytest.mark.parametrize("read", READERS)
def test_an_older_file_a_later_patch_and_one_without_a_version_open(saved, read):
    major, minor, _ = keras.__version__.split(".")
    for version in ("3.0.0", f"{major}.{minor}.99", "of old", 3, ["3.99"]):
        with_version(saved, version)
        assert read(saved) is not None
    rewrite(saved, **{"metadata.json": "[]"})
    assert read(saved) is not None


@pytest.mark.parametrize("read", READERS)
def test_the_format_of_another_file_is_named(small, tmp_path, read):
    model = small("gru")
    here = f"here is Keras {keras.__version__}"
    keras.saving.save_model(model, tmp_path / "model.h5")
    of = f"an HDF5 file saved with Keras {keras.__version__} of a model; {here}"
    with pytest.raises(DataError, match=rf"model\.h5: not a \.keras file but {of}"):
        read(tmp_path / "model.h5")
    model.save_weights(tmp_path / "model.weights.h5")
    with pytest.raises(DataError, match="but an HDF5 file of weights without their network"):
        read(tmp_path / "model.weights.h5")
    (tmp_path / "broken.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(DataError, match="but a damaged HDF5 file"):
        read(tmp_path / "broken.h5")
    (tmp_path / "saved_model.pb").write_bytes(b"")
    with pytest.raises(
        DataError, match=f"but a SavedModel, as TensorFlow Serving takes it; {here}"
    ):
        read(tmp_path)
    with zipfile.ZipFile(tmp_path / "net.pt", "w") as archive:
        archive.writestr("net/data.pkl", b"")
    with pytest.raises(DataError, match="but a file of PyTorch"):
        read(tmp_path / "net.pt")


def test_what_fails_names_both_versions(saved):
    rewrite(saved, **{"config.json": "{}", "metadata.json": '{"keras_version": "3.1.2"}'})
    both = f"saved with Keras 3.1.2, and here is Keras {keras.__version__}"
    with pytest.raises(DataError, match=f"not a Keras model that opens safely .*{both}"):
        models.load_model(saved)
    with pytest.raises(DataError, match=f"not a Keras model of ECGs .*{both}"):
        models.read_architecture(saved)


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_file_of_which_any_byte_is_damaged_is_read_or_refused(tmp_path, kind):
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w", kind) as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.1.0"}))
        archive.writestr("config.json", json.dumps({"config": {"name": "x", "layers": []}}))
    whole = path.read_bytes()
    for place in range(len(whole)):
        for bits in (1, 255):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ bits]) + whole[place + 1 :])
            with pytest.raises(DataError):  # it has no signal either
                models.read_architecture(path)
