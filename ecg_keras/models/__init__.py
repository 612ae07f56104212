"""The networks: backbones, the classifier around them, stages, and moving weights between them.

Looking up a name in `BACKBONES` imports no TensorFlow; building a network does.
"""

import importlib
from typing import Any

from ecg_keras.models.zoo import AS_PUBLISHED_HEAD, BACKBONES, STAGES, find_backbone

_HOMES = {
    "Transfer": "transfer",
    "bilstm": "recurrent",
    "classifier": "network",
    "float32_clone": "files",
    "gru": "recurrent",
    "load_backbone": "transfer",
    "load_model": "files",
    "lstm": "recurrent",
    "resnet1d18": "resnet1d",
    "resnet1d50": "resnet1d",
    "resnet1d101": "resnet1d",
    "save_model": "files",
    "set_trainable": "freezing",
    "stages": "freezing",
    "variables_by_stage": "freezing",
    "with_length": "length",
}

__all__ = ["AS_PUBLISHED_HEAD", "BACKBONES", "STAGES", "find_backbone", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"ecg_keras.models.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'ecg_keras.models' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
