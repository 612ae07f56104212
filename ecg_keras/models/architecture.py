"""What a ``.keras`` file holds, read from its configuration without TensorFlow."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecg_keras.errors import DataError
from ecg_keras.models.model_file import check_model_file, describe_versions

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
    def flattened(self) -> bool:
        """Whether it has a weight for every time step, as far as names of layers say."""
        return "embedding_flatten" in self.layers


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
    except (KeyError, TypeError, ValueError, IndexError, OSError, zipfile.BadZipFile) as error:
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
