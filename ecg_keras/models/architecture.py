"""What a ``.keras`` file holds, read from its configuration without TensorFlow."""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ecg_keras.errors import DataError, shortened

HDF5 = b"\x89HDF\r\n\x1a\n"
# what zipfile, json and a look into what they give raise of a file that is not whole
DAMAGED = (
    LookupError,
    TypeError,
    StopIteration,
    ValueError,
    OSError,
    EOFError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)
# the layer that each way to one vector of all time steps ends with
LAST_LAYERS: Mapping[str, str] = {
    "pooled": "embedding_pool",
    "mean_max": "embedding_mean_max",
    "attention": "embedding_attention",
    "flattened": "embedding_flatten",
}
# of the few lines of metadata.json
MAX_METADATA_BYTES = 1_000_000
UNKNOWN = "unknown"
NAME_ONE = "Name a .keras file, or the folder of a run that finished training."
# of the configuration of the largest network, with room to spare
MAX_CONFIG_BYTES = 100_000_000


@dataclass(frozen=True)
class Architecture:
    """The network in a ``.keras`` file.

    Attributes:
        backbone: its name.
        layers: names of its layers.
        num_samples, num_leads: of its signals; ``None`` where any will do.
        num_labels: outputs of its layer ``head``; ``None`` where it has none.
    """

    backbone: str
    layers: tuple[str, ...]
    num_samples: int | None
    num_leads: int | None
    num_labels: int | None

    @property
    def head(self) -> str:
        """How it makes one vector of its time steps, as `head_of` says it of a network."""
        return head_among(self.layers)

    @property
    def flattened(self) -> bool:
        """Whether it has a weight for every time step, as far as names of layers say."""
        return self.head == "flattened"

    @property
    def further_head(self) -> tuple[str, ...]:
        """The layers of its head, beside its last one, that no `classifier` has."""
        return tuple(
            one for one in self.layers if one.startswith("head_") and one != "head_dropout"
        )


def head_among(layers: Collection[str]) -> str:
    """What `head_of` says of a network with layers of these names."""
    return next((head for head, last in LAST_LAYERS.items() if last in layers), "as_published")


def read_architecture(path: str | Path) -> Architecture:
    """Reads what is in a ``.keras`` file.

    Raises:
        DataError: there is no such file, or it is no functional Keras model of ECGs.

    Example:
        >>> read_architecture("runs/ptbxl_pretrain/model.keras").backbone  # doctest: +SKIP
        'resnet1d18'
    """
    path, saved_with = check_model_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo("config.json").file_size > MAX_CONFIG_BYTES:
                raise ValueError("its configuration is too large")
            return _parse(json.loads(archive.read("config.json"))["config"])
    except DAMAGED as error:
        raise DataError(
            f"{path}: not a Keras model of ECGs (its configuration can't be read: {error!r:.100}; "
            f"{describe_versions(saved_with)}). "
            "Name a model that `ecg_keras.models.classifier` made, or the folder of its run."
        ) from error


def _parse(model: Mapping[str, Any]) -> Architecture:
    layers = {layer["config"]["name"]: layer["config"] for layer in model["layers"]}
    _, num_samples, num_leads = next(
        one["batch_shape"] for one in layers.values() if "batch_shape" in one
    )
    return Architecture(
        str(model["name"]),
        tuple(layers),
        num_samples,
        num_leads,
        layers.get("head", {}).get("units"),
    )


def check_model_file(path: str | Path) -> tuple[Path, str]:
    """The ``.keras`` file that a path or the folder of a run names, and with which Keras it was
    saved; a `DataError` where it is none, is of another format, or is of a newer Keras than this.
    """
    path = Path(path)
    if (path / "saved_model.pb").is_file():
        raise _of_another_format(path, "a SavedModel, as TensorFlow Serving takes it")
    if path.is_dir():
        path = path / "model.keras"
    if not path.is_file():
        raise DataError(f"{path}: no such model. {NAME_ONE}")
    with path.open("rb") as stream:
        if stream.read(len(HDF5)) == HDF5:
            raise _of_another_format(path, _describe_hdf5(path))
    if not zipfile.is_zipfile(path):
        raise _damaged(path)
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            saved_with = _read_version(archive) if "metadata.json" in names else UNKNOWN
    except DAMAGED as error:
        raise _damaged(path) from error
    if any(name.endswith("/data.pkl") for name in names):
        raise _of_another_format(path, "a file of PyTorch")
    if _release(saved_with) > _release(version("keras")):
        raise DataError(
            f"{path}: a .keras file {describe_versions(saved_with)}, which may read it wrongly. "
            f"Install Keras {saved_with} or newer, or save the model again with this one."
        )
    return path, saved_with


def describe_versions(saved_with: str) -> str:
    """With which Keras a file was saved, and which one is here."""
    one = "an unknown Keras" if saved_with == UNKNOWN else f"Keras {saved_with}"
    return f"saved with {one}, and here is Keras {version('keras')}"


def _damaged(path: Path) -> DataError:
    return DataError(
        f"{path}: not a Keras model that opens safely (the file is damaged or not whole). Copy it "
        "again or train it again."
    )


def _of_another_format(path: Path, what: str) -> DataError:
    return DataError(
        f"{path}: not a .keras file but {what}; here is Keras {version('keras')}. {NAME_ONE} Where "
        "the model opens in Keras, model.save('model.keras') makes one; weights alone are imported "
        "with `ecg-keras import`."
    )


def _describe_hdf5(path: Path) -> str:
    import h5py  # type: ignore[import-untyped]

    try:
        with h5py.File(path) as file:
            found = file.attrs.get("keras_version")
            whole = "model_config" in file.attrs
    except OSError:
        return "a damaged HDF5 file"
    name = found.decode("utf-8", "replace") if isinstance(found, bytes) else str(found)
    saved = "" if found is None else f" saved with Keras {shortened(name, 20)}"
    return f"an HDF5 file{saved} of {'a model' if whole else 'weights without their network'}"


def _read_version(archive: zipfile.ZipFile) -> str:
    """As metadata.json says it; whatever is wrong with it makes it unknown."""
    try:
        if archive.getinfo("metadata.json").file_size > MAX_METADATA_BYTES:
            return UNKNOWN
        found = json.loads(archive.read("metadata.json"))["keras_version"]
    except DAMAGED:
        return UNKNOWN
    return found if isinstance(found, str) and _release(found) != (0, 0) else UNKNOWN


def _release(text: str) -> tuple[int, int]:
    """Major and minor number; a file of a later patch is read alike."""
    found = re.match(r"(\d{1,5})\.(\d{1,5})", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)
