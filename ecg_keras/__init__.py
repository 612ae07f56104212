"""Transfer learning for 12-lead ECG diagnosis in Keras: fine-tune or train from scratch?

Submodules load when they are first used, so that importing the package imports no TensorFlow.
"""

import importlib
from types import ModuleType

__version__ = "0.1.0"

__all__ = [
    "callbacks",
    "config",
    "data",
    "evaluation",
    "export",
    "metrics",
    "models",
    "report",
    "signals",
    "training",
    "workflow",
]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"ecg_keras.{name}")
    raise AttributeError(f"module 'ecg_keras' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
