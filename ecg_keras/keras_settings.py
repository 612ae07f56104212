"""What Keras is set to outside of this package, looked at before Keras is imported.

Keras takes its backend, its number format and more from the environment and from ``keras.json``,
and TensorFlow imports Keras: with some of these both fail, with others a recipe gives another
network than on the next machine.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from ecg_keras.errors import ConfigError, shortened

# Keras' own
NUMBERS = {"floatx": "float32", "epsilon": 1e-7}
FORMATS = ("channels_last", "channels_first")


def check_keras_settings() -> None:
    """Looks at the environment and at ``keras.json``; imports nothing."""
    path = _find()
    settings = _read(path)
    backend, place = os.environ.get("KERAS_BACKEND"), "KERAS_BACKEND"
    if not backend:
        backend, place = settings.get("backend", "tensorflow"), f"{path}: backend"
    check_backend(backend, place)
    check_numbers({**NUMBERS, **settings}, f"{path}: ")
    order = settings.get("image_data_format", FORMATS[0])
    if order not in FORMATS:  # each of our layers says which it is
        raise ConfigError(
            f"{path}: image_data_format must be one of {', '.join(FORMATS)}. Received: "
            f"{shortened(repr(order))}. Change it, or remove the file."
        )


def check_backend(backend: Any, place: str) -> None:
    """Refuses every backend but TensorFlow."""
    if backend != "tensorflow":
        raise ConfigError(
            f"ecg_keras needs Keras on TensorFlow: {place} is {shortened(str(backend))}. Unset it, "
            "or set KERAS_BACKEND=tensorflow before Keras is imported."
        )


def check_numbers(settings: dict[str, Any], place: str) -> None:
    """Refuses every ``floatx`` and ``epsilon`` but Keras' own."""
    for name, usual in NUMBERS.items():
        if settings[name] != usual:
            raise ConfigError(
                f"{place}{name} is {shortened(str(settings[name]))}, with which a recipe gives "
                f"another network. Set it to {usual}; for half precision set training.precision."
            )


def _find() -> Path:
    """The ``keras.json`` that Keras reads; it need not be there."""
    usual = Path("/tmp")
    with suppress(RuntimeError):  # a user of a container may have no home
        usual = Path.home() if os.access(Path.home(), os.W_OK) else usual
    folder = Path(os.environ.get("KERAS_HOME", usual / ".keras"))
    with suppress(RuntimeError):
        folder = folder.expanduser()
    return folder / "keras.json"


def _read(path: Path) -> dict[str, Any]:
    """As Keras reads it: text that is no JSON counts as nothing."""
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    except (OSError, RecursionError) as error:
        raise ConfigError(
            f"{path}: Keras can't read its settings: {type(error).__name__}. Remove it."
        ) from error
    if not isinstance(settings, dict):
        raise ConfigError(f"{path}: Keras' settings must be a JSON object. Remove the file.")
    return settings
