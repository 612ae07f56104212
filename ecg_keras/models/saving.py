"""Models as files: saved whole or not at all, opened without running code, cloned for export."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ecg_keras.array_files import FREE_BYTES, RATIO
from ecg_keras.errors import DataError
from ecg_keras.files import replacing
from ecg_keras.keras_library import keras
from ecg_keras.models.architecture import check_model_file, describe_versions
from ecg_keras.models.depthwise import refuse_wide_depthwise
from ecg_keras.models.scaling import set_layer_weights


def save_model(model: keras.Model, path: str | Path) -> None:
    """Write a model without its optimizer, so that it opens with plain Keras.

    The file appears under its name only when it is complete.

    Args:
        model: functional, compiled or not.
        path: ends in ``.keras``; its folder exists. A file of that name is replaced.

    Raises:
        DataError: the folder is missing or the name does not end in ``.keras``.

    Example:
        >>> save_model(model, "runs/ptbxl/model.keras")  # doctest: +SKIP
    """
    path = Path(path)
    if path.suffix != ".keras" or not path.parent.is_dir():
        raise DataError(
            f"{path}: a model is saved as a .keras file in a folder that exists. Name one."
        )
    with replacing(path) as unfinished:
        keras.Model(model.input, model.output, name=model.name).save(unfinished)


def load_model(path: str | Path) -> keras.Model:
    """Open a saved model, uncompiled. No code in the file is run.

    Args:
        path: a ``.keras`` file, or a run folder, whose ``model.keras`` is taken.

    Raises:
        DataError: there is no such file, it is of another format or of a newer Keras than this, or
            it is no Keras model that opens safely; it names both versions of Keras.
        ConfigError: it has a layer that would end the process on this machine's CPU.

    Example:
        >>> model = load_model("runs/ptbxl_pretrain")  # doctest: +SKIP
    """
    path, saved_with = check_model_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            if unpacked > max(FREE_BYTES, RATIO * path.stat().st_size):
                raise zipfile.BadZipFile(f"it would unpack to {unpacked} bytes")
            if damaged := archive.testzip():  # Keras opens some of these without a word
                raise zipfile.BadZipFile(f"{damaged} is damaged")
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # whatever is in the file decides what Keras raises
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        found = f"{reason}; {describe_versions(saved_with)}"
        raise DataError(
            f"{path}: not a Keras model that opens safely ({found}). Copy it again or train it "
            "again; models with Lambda or other custom layers are refused, because opening them "
            "would run their code."
        ) from error
    refuse_wide_depthwise(model)
    return model


def float32_clone(model: keras.Model) -> keras.Model:
    """The same network with the same weights in float32 and without cuDNN kernels.

    A model exported from the clone runs on any server: cuDNN's recurrent kernels fail without a
    GPU, and some readers refuse bfloat16 constants.

    Args:
        model: functional, in any precision.

    Example:
        >>> clone = float32_clone(classifier(find_backbone("gru")(num_samples=100), ["MI"]))
        >>> clone.get_layer("stem_gru").use_cudnn
        False
    """
    clone = type(model).from_config(_as_float32(model.get_config()))
    for layer in model.layers:
        set_layer_weights(clone.get_layer(layer.name), layer.get_weights())
    _avoid_cudnn(clone.layers)
    return clone


def _avoid_cudnn(layers: Sequence[keras.Layer]) -> None:
    for layer in layers:
        if isinstance(layer, keras.layers.Bidirectional):
            _avoid_cudnn((layer.forward_layer, layer.backward_layer))
        elif isinstance(layer, keras.Model):
            _avoid_cudnn(layer.layers)
        elif hasattr(layer, "use_cudnn"):
            layer.use_cudnn = False


def _as_float32(config: Any) -> Any:
    """A layer's configuration, and all that is nested in it, with another precision."""
    if isinstance(config, list | tuple):
        return type(config)(_as_float32(item) for item in config)
    if not isinstance(config, dict):
        return config
    changed = {key: _as_float32(value) for key, value in config.items()}
    if isinstance(config.get("dtype"), dict):  # a precision policy; a tensor's dtype is a string
        changed["dtype"] = "float32"
    return changed
